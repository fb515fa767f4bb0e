"""What a soft PLC refuses and what it stops, and why: rules R1 to R5 as the machine itself keeps them.

Decides whether one command may start now, and whether what moves must stop, from the sensors alone;
answers with a reason number of the register map. Shares no code with the controller's own check:
these are two barriers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from domain.faults import FaultNumber
from domain.machine import SlideMode
from domain.outputs import GATE, Bypass
from domain.signals import GateState, PlcMode
from plc.register_map import REASONS
from sim.module_plant import ModulePlant
from sim.plant_parts import PalletPlant, Switch
from sim.plc_moves import LiftMove, Move, SlideMove

SAME_WAY_MM = 0.01
"""Pallets of one train have the same way to go, or they would not keep their distance."""


class Refusal(Exception):
    """The command is not carried out, for this reason number."""

    def __init__(self, reason: int) -> None:
        super().__init__(f"{reason}: {REASONS[reason]}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Situation:
    """What the rules look at: the sensors, what is under way, and the PLC's own state."""

    plant: ModulePlant
    moves: Mapping[int, Move]
    mode: PlcMode
    heartbeat_fresh: bool
    faulty: bool
    is_jog: bool = False
    """Whether the command is a move by hand."""
    held: bool = False
    """Whether somebody holds the button."""
    bypass: Bypass = Bypass.NONE
    """What two people have set aside for this held move."""
    locks: int = 0

    def hooked(self, pallet: PalletPlant) -> bool:
        """Whether a pallet counts as hooked."""
        return pallet.reads_hooked or (self.is_jog and self.bypass is Bypass.HOOK_CLOSED)


def _refuse_if(condition: bool, reason: int) -> None:
    if condition:
        raise Refusal(reason)


def check_drive(now: Situation) -> None:
    """No drive moves by command unless mode, locks, E-stop and supply allow it; a jog has to be held."""
    _refuse_if(now.mode is not (PlcMode.MANUAL if now.is_jog else PlcMode.AUTOMATIC), 3)
    _refuse_if(now.locks > 0, 27)
    _refuse_if(now.is_jog and not now.held, 23)
    _refuse_if(now.is_jog and bool(now.moves), 24)
    _refuse_if(now.plant.estop_pressed, 5)
    _refuse_if(not now.plant.phase_ok or not now.plant.key_switch, 13)
    _refuse_if(now.plant.quake, 26)


def check_supervised(now: Situation) -> None:
    """Nothing starts under a latched fault or without a living supervisor."""
    check_drive(now)
    _refuse_if(now.faulty, 19)
    _refuse_if(not now.heartbeat_fresh, 4)


def check_mailbox(now: Situation, number: int) -> None:
    """One move at a time in each mailbox."""
    _refuse_if(number in now.moves, 20)


def check_people(now: Situation) -> None:
    """R4: no pallet moves unless the gate is shut and both sensors call the zone clear."""
    _refuse_if(now.plant.reads_gate is not GateState.CLOSED, 6)
    _refuse_if(not (now.plant.zone_clear_a and now.plant.zone_clear_b), 7)


def train_of(now: Situation, level: int, first: int, second: int) -> list[tuple[PalletPlant, int]]:
    """Which pallets a slide moves, and to which columns; raises Refusal.

    A pallet that an earlier stop left between two cells goes on to the cell ahead of it, so the
    same slide asked again completes an interrupted one, and the opposite slide takes it back.
    """
    layout = now.plant.layout
    _refuse_if(not (1 <= first <= layout.columns and 1 <= second <= layout.columns) or first == second, 1)
    check_supervised(now)
    check_people(now)
    _refuse_if(now.plant.fire, 25)
    _check_slide_mode(now, level, first, second)
    _check_shafts(now, level)
    low, high = min(first, second), max(first, second)
    ahead = 1 if second > first else -1
    _refuse_if(any(low <= column <= high for column in layout.levels[level - 1].blocked), 9)
    train: list[tuple[PalletPlant, int]] = []
    cells = now.plant.reads_cells(level)
    _refuse_if(cells >> (second - 1) & 1 == 1, 9)
    _refuse_if(cells.bit_count() > layout.pallets_per_level[level - 1], 8)
    for pallet in now.plant.by_level[level - 1]:
        stands_in = now.plant.reads_column(pallet)
        if stands_in:
            if not low <= stands_in <= high:
                continue
            target = stands_in + ahead
        else:
            left = int(pallet.x_mm // layout.pitch_mm) + 1
            _refuse_if(not low <= left < high, 8)
            target = left + 1 if ahead > 0 else left
        _refuse_if(not (pallet.reads_home_height and now.hooked(pallet)), 8)
        train.append((pallet, target))
    _refuse_if(not train, 1)
    _refuse_if(len({column for _, column in train}) != len(train), 9)
    ways = [abs((column - 1) * layout.pitch_mm - pallet.x_mm) for pallet, column in train]
    _refuse_if(max(ways) - min(ways) > SAME_WAY_MM, 8)
    return train


def _check_slide_mode(now: Situation, level: int, first: int, second: int) -> None:
    others = any(isinstance(move, SlideMove) for number, move in now.moves.items() if number != level)
    mode = now.plant.machine.slide_mode
    _refuse_if(mode is not SlideMode.PARALLEL and others, 12)
    _refuse_if(mode is SlideMode.SINGLE and abs(second - first) != 1, 12)


def _check_shafts(now: Situation, level: int) -> None:
    """R3: no slide below, or beside, a pallet that is not home and hooked again."""
    lifted = (move.pallet for move in now.moves.values() if isinstance(move, LiftMove))
    _refuse_if(any(pallet.level >= level for pallet in lifted), 10)
    for pallets in now.plant.by_level[max(level, 2) - 1 :]:
        _refuse_if(any(not (p.reads_home_height and now.hooked(p)) for p in pallets), 10)


def pallet_to_lower(now: Situation, level: int, index: int) -> PalletPlant:
    """The pallet a LOWER may bring down from home, or a jog from wherever it hangs; raises Refusal."""
    pallet = _liftable(now, level, index)
    _refuse_if(now.plant.fire, 25)
    _refuse_if(not _may_go_down(now, pallet), 8)
    _check_hoistway(now, pallet)
    return pallet


def _may_go_down(now: Situation, pallet: PalletPlant) -> bool:
    """From home; by hand also from where an earlier jog was let go."""
    stands = now.plant.reads_column(pallet) > 0
    return stands and not pallet.reads_ground if now.is_jog else now.plant.reads_home(pallet)


def pallet_to_raise(now: Situation, level: int, index: int) -> PalletPlant:
    """The pallet a RAISE may bring home, from the ground or from in between; raises Refusal."""
    pallet = _liftable(now, level, index)
    _refuse_if(now.plant.reads_column(pallet) == 0, 8)
    _check_hoistway(now, pallet)
    unseen = now.is_jog and now.bypass is Bypass.LOADED_SENSORS
    _refuse_if(pallet.reads_loaded_a != pallet.reads_loaded_b and not unseen, 18)
    _refuse_if(too_heavy(now.plant, pallet), 15)
    return pallet


def too_heavy(plant: ModulePlant, pallet: PalletPlant) -> bool:
    """Whether the load cell says overload; it weighs a pallet wherever the hook does not carry it."""
    hangs = pallet.level > 1 and pallet.at_home_height and pallet.hooked
    if pallet.switch_says.get(Switch.OVERLOAD) is not None:
        return pallet.switch_says[Switch.OVERLOAD] and not hangs
    if pallet.car is None or hangs:
        return False
    return pallet.car.vehicle.mass_kg > plant.layout.car_mass_kg_max


def _liftable(now: Situation, level: int, index: int) -> PalletPlant:
    pallets = now.plant.by_level[level - 1]
    _refuse_if(level == 1 or not 1 <= index <= len(pallets), 1)
    check_supervised(now)
    check_people(now)
    return pallets[index - 1]


def _check_hoistway(now: Situation, pallet: PalletPlant) -> None:
    """R3: one vertical move at a time, nothing sliding on crossed levels, the whole shaft free."""
    _refuse_if(any(isinstance(move, LiftMove) for move in now.moves.values()), 10)
    for other in now.plant.pallets:
        if other is not pallet and other.level > 1:
            _refuse_if(not (other.reads_home_height and now.hooked(other)), 10)
    for number, move in now.moves.items():
        _refuse_if(number != GATE and number <= pallet.level and isinstance(move, SlideMove), 11)
    layout = now.plant.layout
    for below in range(1, pallet.level):
        _refuse_if(pallet.column in layout.levels[below - 1].blocked, 9)
        cells = now.plant.reads_cells(below)
        # A pallet between two cells is seen by its position, even if a broken switch makes up for it in the count.
        _refuse_if(any(now.plant.reads_column(other) == 0 for other in now.plant.by_level[below - 1]), 9)
        _refuse_if(cells.bit_count() != layout.pallets_per_level[below - 1], 9)
        _refuse_if(cells >> (pallet.column - 1) & 1 == 1, 9)


def check_gate_open(now: Situation) -> None:
    """The gate opens only onto pallets that stand where they belong; raises Refusal."""
    check_supervised(now)
    for move in now.moves.values():
        _refuse_if(isinstance(move, LiftMove), 10)
        _refuse_if(isinstance(move, SlideMove), 11)
    _refuse_if(not all(now.plant.reads_home(pallet) or pallet.reads_ground for pallet in now.plant.pallets), 8)


def somebody_seen(plant: ModulePlant) -> bool:
    """Whether either sensor of the access zone sees anybody or anything."""
    return not (plant.zone_clear_a and plant.zone_clear_b)


def cause_to_stop(
    now: Situation, unsafe: Mapping[FaultNumber, Collection[int]]
) -> tuple[int, FaultNumber | None] | None:
    """Why all that is driven must stop now: reason number, and the fault that latches with it; None to go on.

    `unsafe` are the pallets whose slack-rope or over-travel switch has operated. Asked only while
    something is driven; a gate that opens again for somebody needs no supervisor for that.
    """
    plant = now.plant
    if plant.estop_pressed:
        return 5, FaultNumber.ESTOP
    if not plant.phase_ok:
        return 13, FaultNumber.PHASE_LOSS
    if not plant.key_switch:
        return 13, None
    pallets_driven = plant.moving > 0 or any(number != GATE for number in now.moves)
    if not pallets_driven and not now.moves:
        return None
    if plant.quake:
        return 26, FaultNumber.EARTHQUAKE
    if now.locks:
        return 27, None
    if now.mode is not (PlcMode.MANUAL if now.is_jog else PlcMode.AUTOMATIC):
        return 3, None
    if now.is_jog and not now.held:
        return 23, None
    if not now.heartbeat_fresh:
        return 4, FaultNumber.HEARTBEAT_STALE
    return _danger(now, unsafe) if pallets_driven else None


def _danger(now: Situation, unsafe: Mapping[FaultNumber, Collection[int]]) -> tuple[int, FaultNumber] | None:
    """What must not be while pallets are driven."""
    if somebody_seen(now.plant):
        return 21, FaultNumber.ZONE_BREACH
    if now.plant.reads_gate is not GateState.CLOSED:
        return 6, FaultNumber.ZONE_BREACH
    for number, pallets in unsafe.items():
        if pallets:
            return 22, number
    return None
