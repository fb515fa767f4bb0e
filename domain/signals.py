"""The process image: what the sensors said in one scan, in the words of the field.

Decides only how raw bits are named. An image is equal to another exactly when the machine looks
the same; heartbeat counters and link ages live beside it, in `LinkSignal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from domain.ids import ModuleId, SpotId


class Pallet(IntFlag):
    """Bits of a pallet's state word."""

    HOME = 1 << 0
    GROUND = 1 << 1
    MOVING = 1 << 2
    HOOK_CLOSED = 1 << 3
    HOOK_OPEN = 1 << 4
    LOADED_A = 1 << 5
    LOADED_B = 1 << 6
    SLACK = 1 << 7
    OVERTRAVEL = 1 << 8
    OVERLOAD = 1 << 9
    LOADED = LOADED_A | LOADED_B


class Safety(IntFlag):
    """Bits of a module's safety word. A set bit is the safe state, so a dead wire reads unsafe."""

    ESTOP_OK = 1 << 0
    ZONE_CLEAR_A = 1 << 1
    ZONE_CLEAR_B = 1 << 2
    PHASE_OK = 1 << 3
    WATCHDOG_OK = 1 << 4
    DRIVE_ENABLED = 1 << 5
    GATE_SHUT = 1 << 6
    NO_FIRE = 1 << 7
    NO_QUAKE = 1 << 8
    ALL_OK = (
        ESTOP_OK | ZONE_CLEAR_A | ZONE_CLEAR_B | PHASE_OK | WATCHDOG_OK | DRIVE_ENABLED | GATE_SHUT | NO_FIRE | NO_QUAKE
    )


ZONE_CLEAR = Safety.ZONE_CLEAR_A | Safety.ZONE_CLEAR_B
"""Both independent sensors say that nobody is in the access zone."""


class PlcMode(IntEnum):
    """Position of the module's mode switch, as the PLC reads it."""

    STARTING = 0
    AUTOMATIC = 1
    MANUAL = 2
    MAINTENANCE = 3


class GateState(IntEnum):
    """Where the module's gate is, from its two end switches and its drive."""

    UNKNOWN = 0
    CLOSED = 1
    OPENING = 2
    OPEN = 3
    CLOSING = 4


class Result(IntEnum):
    """How the PLC answered the command whose id it echoes."""

    NONE = 0
    RUNNING = 1
    DONE = 2
    REFUSED = 3
    STOPPED = 4


@dataclass(frozen=True, slots=True)
class MailboxReply:
    """Echo of the last command of one mailbox, its result and the reason number (0 = none)."""

    command_id: int = 0
    result: Result = Result.NONE
    reason: int = 0


@dataclass(frozen=True, slots=True)
class LevelSignal:
    """One level: its mailbox's reply, occupied cells (bit c-1 = column c), progress of a slide."""

    reply: MailboxReply
    cells: int
    slide_mm: int


@dataclass(frozen=True, slots=True)
class PalletSignal:
    """One pallet: state word (`Pallet` bits) and height above the ground."""

    state: int
    z_mm: int

    def has(self, bits: int) -> bool:
        """Whether all the given bits are set."""
        # The operators of IntFlag would make a member of every result, at ten times the cost.
        return int.__and__(self.state, bits) == bits

    def lacks(self, bits: int) -> bool:
        """Whether none of the given bits is set."""
        return not int.__and__(self.state, bits)


@dataclass(frozen=True, slots=True)
class ModuleImage:
    """Everything one module's PLC says of the machine. Pallets stand in `ModuleLayout.bays` order."""

    boot_count: int
    mode: PlcMode
    key_switch: int
    safety: int
    gate: GateState
    gate_reply: MailboxReply
    faults: tuple[int, ...]
    motors_w: int
    lifts: int
    slides: int
    run_s: int
    levels: tuple[LevelSignal, ...]
    pallets: tuple[PalletSignal, ...]

    @property
    def cells(self) -> tuple[int, ...]:
        """Occupied-cell masks of all levels."""
        return tuple(level.cells for level in self.levels)


@dataclass(frozen=True, slots=True)
class SpotImage:
    """What one wallbox says: IEC 61851 state letter, currents, power, energy counters."""

    state: str
    set_current_da: int
    power_w: int
    current_da: int
    energy_total_wh: int
    failsafe_da: int
    current_da_min: int
    current_da_max: int


@dataclass(frozen=True, slots=True)
class Identity:
    """What a PLC calls itself at connect; must match what the controller was built for."""

    map_version: int
    layout_hash: int
    boot_count: int


@dataclass(frozen=True, slots=True)
class KeptHead:
    """The newest event of the journal that a PLC was told of: its number and 16 hex digits of its hash."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class LinkSignal:
    """State of one wire: how old the image is, who answered, what it keeps of the journal. None until read."""

    age_ms: int
    identity: Identity | None = None
    kept: KeptHead | None = None


@dataclass(frozen=True, slots=True)
class Inputs:
    """One process image of the site. A missing entry: this device has never answered."""

    modules: Mapping[ModuleId, ModuleImage]
    module_links: Mapping[ModuleId, LinkSignal]
    spots: Mapping[SpotId, SpotImage]
    spot_links: Mapping[SpotId, LinkSignal]
    journal_ok: bool = True
    journal_doubts: Mapping[ModuleId, str] = field(default_factory=dict)
    """Modules whose PLC keeps an event that the journal does not have, and what differs."""
