"""What a soft PLC makes of its switches: the state word of a pallet, the safety word of a module.

Decides which bit follows which sensor (`domain.signals` names them), and nothing else.
"""

from __future__ import annotations

from domain.signals import GateState, Pallet, Safety
from sim.module_plant import ModulePlant
from sim.plant_parts import Hook, PalletPlant
from sim.plc_rules import too_heavy

_HOOK_BITS = {Hook.CLOSED: Pallet.HOOK_CLOSED.value, Hook.OPEN: Pallet.HOOK_OPEN.value}


def state_word(plant: ModulePlant, pallet: PalletPlant) -> int:
    """`Pallet` bits; a pallet that stopped between positions has neither HOME, GROUND nor MOVING."""
    word = _HOOK_BITS.get(pallet.reads_hook, 0)
    for bit, is_set in (
        (Pallet.MOVING, pallet.moving),
        (Pallet.HOME, plant.reads_home(pallet) and not pallet.moving),
        (Pallet.GROUND, pallet.reads_ground),
        (Pallet.LOADED_A, pallet.reads_loaded_a),
        (Pallet.LOADED_B, pallet.reads_loaded_b),
        (Pallet.SLACK, pallet.slack),
        (Pallet.OVERTRAVEL, pallet.overtravel),
        (Pallet.OVERLOAD, too_heavy(plant, pallet)),
    ):
        if is_set:
            word |= bit.value
    return word


def safety_word(plant: ModulePlant, heartbeat_fresh: bool) -> int:
    """`Safety` bits; each is set in the safe state."""
    word = 0
    for bit, is_safe in (
        (Safety.ESTOP_OK, not plant.estop_pressed),
        (Safety.ZONE_CLEAR_A, plant.zone_clear_a),
        (Safety.ZONE_CLEAR_B, plant.zone_clear_b),
        (Safety.PHASE_OK, plant.phase_ok),
        (Safety.WATCHDOG_OK, heartbeat_fresh),
        (Safety.DRIVE_ENABLED, plant.key_switch and plant.phase_ok and not plant.estop_pressed),
        (Safety.GATE_SHUT, plant.reads_gate is GateState.CLOSED),
        (Safety.NO_FIRE, not plant.fire),
        (Safety.NO_QUAKE, not plant.quake),
    ):
        if is_safe:
            word |= bit.value
    return word
