"""The real soft PLC and plant, read as a state of the proof."""

from __future__ import annotations

from collections.abc import Sequence

from domain.outputs import Opcode
from domain.signals import PlcMode
from runtime.verification.lifts import Lift
from runtime.verification.model import View
from runtime.verification.rows import Row, place_of
from runtime.verification.world import Drive, World
from sim.module_plant import ModulePlant
from sim.plant_parts import Hook, Motion, PalletPlant
from sim.plc_moves import LiftMove, LiftStep, SlideMove
from sim.soft_plc import SoftPlc


def is_settled(plc: SoftPlc) -> bool:
    """Whether nothing brakes, and no motor still waits for its start."""
    for move in plc._moves.values():
        if move.stopped or (isinstance(move, SlideMove) and not move._started):
            return False
    return not (plc.plant.moving and not plc._moves)


def view_of(plc: SoftPlc, levels: Sequence[int]) -> View:
    """The state of these levels and of what is around them."""
    rows = tuple(_row(plc, level) for level in levels)
    away = [p for p in plc.plant.pallets if p.level > 1 and not (p.at_home_height and p.hooked)]
    moved = [move.pallet for move in plc._moves.values() if isinstance(move, LiftMove)]
    lifted = [pallet for pallet in {*away, *moved} if pallet.level in levels]
    assert len(lifted) <= 1
    lift = Lift(lifted[0].offset, _phase(plc, lifted[0])) if lifted else None
    return View(rows, lift, _world(plc))


def _row(plc: SoftPlc, level: int) -> Row:
    pallets = plc.plant.by_level[level - 1]
    move = plc._moves.get(level)
    if isinstance(move, SlideMove):
        goes = {pallet.offset: place_of(column) for pallet, column in move.train}
        at = tuple(_place(pallet) for pallet in pallets)
        to = tuple(goes.get(p.offset, place) for p, place in zip(pallets, at, strict=True))
        return Row(at, to)
    return Row(tuple(_place(pallet) for pallet in pallets))


def _place(pallet: PalletPlant) -> int:
    whole, rest = divmod(pallet.x_mm, pallet.pitch_mm)
    return 2 * int(whole) + (1 if rest else 0)


def _phase(plc: SoftPlc, pallet: PalletPlant) -> str:
    move = plc._moves.get(pallet.level)
    asked = None
    if isinstance(move, LiftMove) and move.pallet is pallet:
        asked = Opcode.LOWER if move._steps[-1] == LiftStep(0) else Opcode.RAISE
    at_home = pallet.motion is not Motion.LIFT and pallet.z_mm == pallet.home_z_mm
    if asked is None:
        if at_home:
            return "FALLING_IN"
        return "GROUND" if pallet.on_ground else "BETWEEN"
    if pallet.motion is Motion.LIFT:
        return "DOWN" if asked is Opcode.LOWER else "UP"
    if at_home:
        return "OPENING" if asked is Opcode.LOWER else "CLOSING"
    assert pallet.hook is Hook.OPEN
    return "LEAVING_GROUND" if pallet.on_ground else "LEAVING_BETWEEN"


def _world(plc: SoftPlc) -> World:
    plant: ModulePlant = plc.plant
    causes = {
        Drive.ESTOP: plant.estop_pressed,
        Drive.PHASE: not plant.phase_ok,
        Drive.KEY: not plant.key_switch,
        Drive.STALE: not plc._fresh,
    }
    standing = [drive for drive, stands in causes.items() if stands] or [Drive.NOTHING]
    assert len(standing) == 1, standing
    manual = plant.mode_switch is PlcMode.MANUAL
    return World(standing[0], bool(plc._faults), plant.gate_state, plant.zone_people > 0, manual=manual)
