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
class SpotSetpoint:
    """The current one wallbox may draw, in 0.1 A: 0, or at least the wallbox's minimum."""

    spot: SpotId
    current_da: int


@dataclass(frozen=True, slots=True)
class Outputs:
    """Everything one scan asks for. `feed_heartbeat` False lets the PLCs stop by themselves."""

    mailboxes: tuple[MailboxWrite, ...] = ()
    setpoints: tuple[SpotSetpoint, ...] = ()
    feed_heartbeat: bool = True
