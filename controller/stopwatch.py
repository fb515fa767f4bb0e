"""Which moves are timed, and what a time belongs to.

Decides what counts as a measurement: a whole move that was asked once and ended well. It lasts from the scan
that asks to the scan that sees the end, on the monotonic clock: wire and scans are in it, because the next move
waits for them. Hooks belong to the lift that turns them. Moves by hand, of what stands between two places, or
across a restart are no measurements. What is made of the times is decided in `scheduler.measured` for planning,
and in `controller.maintenance` for wear.
"""

from __future__ import annotations

from domain.grid import ModuleLayout
from domain.outputs import MailboxWrite, Opcode
from domain.signals import GateState, ModuleImage, Pallet
from scheduler.measured import GATE_CLOSE, GATE_OPEN, SLIDE, lift_part

_PARTS = {Opcode.SLIDE: SLIDE, Opcode.GATE_OPEN: GATE_OPEN, Opcode.GATE_CLOSE: GATE_CLOSE}
_REST = Pallet.HOME | Pallet.GROUND | Pallet.MOVING


def part_of(opcode: Opcode, level: int) -> str | None:
    """The part of a job that a move is; None for what belongs to no job: jogs, resets."""
    if opcode in (Opcode.LOWER, Opcode.RAISE):
        return lift_part(lowers=opcode is Opcode.LOWER, level=level)
    return _PARTS.get(opcode)


def is_whole(layout: ModuleLayout, image: ModuleImage, write: MailboxWrite) -> bool:
    """Whether a move begins where such a move of a job begins, and not half way."""
    level = write.mailbox
    match write.opcode:
        case Opcode.SLIDE:
            return image.cells[level - 1].bit_count() == layout.pallets_per_level[level - 1]
        case Opcode.LOWER | Opcode.RAISE:
            pallet = image.pallets[layout.level_offset[level - 1] + write.first - 1]
            return pallet.state & _REST == (Pallet.HOME if write.opcode is Opcode.LOWER else Pallet.GROUND)
        case Opcode.GATE_OPEN:
            return image.gate is GateState.CLOSED
        case Opcode.GATE_CLOSE:
            return image.gate is GateState.OPEN
        case _:
            return False
