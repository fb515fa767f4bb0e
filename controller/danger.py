"""Fire, earthquake, flood, snow: when the whole garage rests, and what may still be moved.

Decides the garage's mode from the PLCs' inputs and the operators' word, and the one move at a time that
makes a module safe in a fire. Stopping at once is the PLCs' own matter.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.interlocks import is_away
from controller.machines import GARAGE
from controller.scan import Scan
from domain.commands import Accepted, Danger, EndHold, HoldGarage, Refused, Reply
from domain.events import GarageAdvanced
from domain.grid import ModuleLayout
from domain.ids import ModuleId
from domain.outputs import GATE, Opcode
from domain.refusals import Refusal, RefusalCode
from domain.signals import GateState, ModuleImage, Pallet, PlcMode, Safety
from domain.site import FireGate

Move = tuple[int, Opcode, int]
"""Mailbox, opcode, first argument."""

RESTS = {"fire": RefusalCode.FIRE, "holding": RefusalCode.GARAGE_HELD}
"""Modes of the garage in which nothing is served, and how that is said."""

_INPUTS = ((int(Safety.NO_FIRE), Danger.FIRE), (int(Safety.NO_QUAKE), Danger.EARTHQUAKE))
"""Bits as plain numbers: they are looked at in every scan, and the operators of IntFlag are slow."""


def reported(images: Mapping[ModuleId, ModuleImage]) -> dict[Danger, ModuleId]:
    """The dangers that PLCs report, with the first module that does. One that starts reports nothing yet."""
    found: dict[Danger, ModuleId] = {}
    for name, image in images.items():
        for bit, danger in _INPUTS:
            if image.mode is not PlcMode.STARTING and not image.safety & bit:
                found.setdefault(danger, name)
    return found


def watch(scan: Scan, images: Mapping[ModuleId, ModuleImage]) -> None:
    """Bring the garage into the mode that the inputs demand. It never leads out of one."""
    found = reported(images)
    mode = scan.memory.garage
    if Danger.FIRE in found and mode in ("automatic", "paused", "holding"):
        scan.emit(GarageAdvanced(GARAGE.next(mode, "alarm"), f"fire: module {found[Danger.FIRE]}"))
    elif Danger.EARTHQUAKE in found and mode in ("automatic", "paused"):
        scan.emit(GarageAdvanced(GARAGE.next(mode, "hold"), f"earthquake: module {found[Danger.EARTHQUAKE]}"))


def hold(scan: Scan, command: HoldGarage) -> Reply:
    """An operator's word that a danger comes."""
    mode = scan.memory.garage
    is_fire = command.danger is Danger.FIRE
    if mode not in ("automatic", "paused") and not (is_fire and mode == "holding"):
        return Refused.because(RefusalCode.GARAGE_MODE, mode)
    trigger = "alarm" if is_fire else "hold"
    about = f" ({command.reason})" if command.reason else ""
    scan.emit(GarageAdvanced(GARAGE.next(mode, trigger), f"{command.danger}: {command.operator}{about}"))
    return Accepted("garage")


def end(scan: Scan, command: EndHold, images: Mapping[ModuleId, ModuleImage]) -> Reply:
    """An operator's word that it is over; refused while a PLC still reports it. The garage is paused then."""
    mode = scan.memory.garage
    if mode not in RESTS:
        return Refused.because(RefusalCode.GARAGE_MODE, mode)
    found = reported(images)
    if found:
        return Refused(tuple(Refusal(RefusalCode.STILL_DANGER, f"{what} {where}") for what, where in found.items()))
    trigger = "end_alarm" if mode == "fire" else "end_hold"
    scan.emit(GarageAdvanced(GARAGE.next(mode, trigger), command.operator))
    return Accepted("garage")


def sheltering_move(layout: ModuleLayout, image: ModuleImage, fire_gate: FireGate, attended: bool) -> Move | None:
    """What one module does next in a fire: home with what hangs, then the gate as configured; else nothing.

    A pallet on the ground stays: somebody may be on it, and it cannot fall. `attended`: a driver is, or
    has been, at the open gate; it is left open then.
    """
    upper = layout.pallets_per_level[0]
    for ref, signal in zip(layout.bays[upper:], image.pallets[upper:], strict=True):
        in_a_column = image.cells[ref.level - 1].bit_count() == layout.pallets_per_level[ref.level - 1]
        if in_a_column and is_away(signal) and signal.lacks(Pallet.GROUND | Pallet.MOVING):
            return ref.level, Opcode.RAISE, ref.index
    if fire_gate is FireGate.OPEN and image.gate is GateState.CLOSED:
        return GATE, Opcode.GATE_OPEN, 0
    if fire_gate is FireGate.CLOSE and image.gate is GateState.OPEN and not attended:
        return GATE, Opcode.GATE_CLOSE, 0
    return None
