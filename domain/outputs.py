"""What a scan asks of the machine: bounded moves, gate moves, charging currents, the heartbeat."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from domain.ids import ModuleId, SpotId

GATE = 0
"""Mailbox number of a module's gate; levels have mailbox 1 to L."""


class Opcode(IntEnum):
    """Bounded things a PLC can be asked to do. There is no "resume"."""

    NONE = 0
    SLIDE = 1
    """Level mailbox. First argument: column to be freed; second: the free column that is filled.
    All pallets between them move one pitch toward the second."""
    LOWER = 2
    """Level mailbox. First argument: pallet index of this level; to the ground at its column."""
    RAISE = 3
    """Level mailbox. First argument: pallet index of this level; up to its home height, hooked."""
    GATE_OPEN = 4
    """Gate mailbox."""
    GATE_CLOSE = 5
    """Gate mailbox."""
    RESET = 6
    """Gate mailbox. Clears latched faults whose cause is gone. Starts nothing."""
    JOG_SLIDE = 7
    """As SLIDE, by hand: slow, only while held, only in manual mode. So are all that follow."""
    JOG_LOWER = 8
    """As LOWER; goes on from wherever an earlier one was let go."""
    JOG_RAISE = 9
    """As RAISE."""
    JOG_GATE_OPEN = 10
    """As GATE_OPEN."""
    JOG_GATE_CLOSE = 11
    """As GATE_CLOSE."""

    @property
    def is_jog(self) -> bool:
        """Whether it is a move by hand. The PLC takes these only in manual mode, and no others there."""
        return self >= Opcode.JOG_SLIDE

    @property
    def plain(self) -> Opcode:
        """The automatic move that does the same; for all but moves by hand the opcode itself."""
        return _PLAIN.get(self, self)


_PLAIN = {
    Opcode.JOG_SLIDE: Opcode.SLIDE,
    Opcode.JOG_LOWER: Opcode.LOWER,
    Opcode.JOG_RAISE: Opcode.RAISE,
    Opcode.JOG_GATE_OPEN: Opcode.GATE_OPEN,
    Opcode.JOG_GATE_CLOSE: Opcode.GATE_CLOSE,
}


class Bypass(IntEnum):
    """The single interlock that two people may set aside for one held move; the PLC knows no others.

    Each is a sensor that can be replaced by looking. Emergency stop, people in the zone (R4), two pallets
    in one cell (R1), over-travel and slack ropes cannot be set aside: nobody can look in their place, or
    looking does not stop what they stop.
    """

    NONE = 0
    HOOK_CLOSED = 1
    """A pallet at its home height whose hook does not report closed."""
    LOADED_SENSORS = 2
    """The two car sensors of the pallet that is raised disagree."""


class Lights(IntEnum):
    """How a module and its display are lit. The PLC lights fully by itself when anything happens there."""

    FULL = 0
    DIMMED = 1


@dataclass(frozen=True, slots=True)
class MailboxWrite:
    """One command for one mailbox of a module; the id is written last, a repeat is harmless."""

    module: ModuleId
    mailbox: int
    command_id: int
    opcode: Opcode
    first: int
    second: int
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class ManualWrite:
    """What a PLC is told beside commands: the hold-to-run counter (0 = let go), bypass, hanging locks, lights."""

    module: ModuleId
    hold: int
    bypass: Bypass
    locks: int
    lights: Lights = Lights.FULL


@dataclass(frozen=True, slots=True)
class SpotSetpoint:
    """The current one wallbox may draw, in 0.1 A: 0, or at least the wallbox's minimum."""

    spot: SpotId
    current_da: int


@dataclass(frozen=True, slots=True)
class Outputs:
    """Everything one scan asks for. `feed_heartbeat` False lets the PLCs stop by themselves."""

    mailboxes: tuple[MailboxWrite, ...] = ()
    manual: tuple[ManualWrite, ...] = ()
    setpoints: tuple[SpotSetpoint, ...] = ()
    feed_heartbeat: bool = True
