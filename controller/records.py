"""The records that the memory is made of: cars, jobs, bookings, moves, people, modules, charging.

Decides nothing. Each record is plain data; `from_state` reads it back from a snapshot, of an earlier version
too. What changes them is `controller.memory` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from domain.ids import BayId, BookingId, ChargingId, JobId, ModuleId, Plate, SpotId, parse_bay
from domain.reasons import Why, why_from
from domain.vehicle import Vehicle
from scheduler.measured import Timing

BOOKING_ENDS = frozenset({"kept", "missed", "cancelled"})


@dataclass(slots=True)
class ParkedCar:
    """A car in our care."""

    plate: Plate
    vehicle: Vehicle
    bay: BayId
    pin_digest: str
    since_utc_ms: int

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> ParkedCar:
        """The car of a snapshot."""
        return cls(**{**state, "vehicle": Vehicle(**state["vehicle"])})


@dataclass(slots=True)
class Job:
    """One storage or retrieval; `state` is one of the JOB table.

    `came_utc_ms` is when its driver asked for it; a booked job has none until then. `due_utc_ms` is
    the booked minute.
    """

    id: JobId
    kind: str
    plate: Plate
    vehicle: Vehicle
    bay: BayId
    module: ModuleId
    pin_digest: str
    requested_utc_ms: int
    state: str = "queued"
    session_state: str | None = None
    opened_utc_ms: int | None = None
    ended_utc_ms: int | None = None
    overdue: bool = False
    overdue_in: str = ""
    """Where it waited too long last: `queued`, or `open` at the gate."""
    withdrawn: bool = False
    priority: str = "normal"
    booking: BookingId | None = None
    due_utc_ms: int | None = None
    came_utc_ms: int | None = None
    stood_utc_ms: int | None = None
    why: Why = ()
    estimate_ms: tuple[int, int, int] | None = None
    """What was told at the request: from, about, to."""
    estimated_utc_ms: int = 0
    planned_ms: int = 0
    """What the plan said then."""
    dwells: int = 0
    """How many drivers had yet to finish at the gate before it when it was estimated."""
    told_level: int = 0
    """Level of its bay then."""
    since_utc_ms: int = 0
    """When it came to its present state."""
    dwelt_ms: int | None = None
    """How long its driver had the gate open, to the word that the zone is clear; None if that is not known."""

    @property
    def has_driver(self) -> bool:
        """Whether somebody has asked for it in person."""
        return self.came_utc_ms is not None

    @property
    def waits_from_utc_ms(self) -> int:
        """From when on somebody waits: the request, or the booked minute if that is later."""
        return max(self.due_utc_ms or 0, self.came_utc_ms or self.due_utc_ms or self.requested_utc_ms)

    @property
    def is_open(self) -> bool:
        """Whether the job still has something to do."""
        return self.ended_utc_ms is None

    @property
    def level(self) -> int:
        """Level of its bay."""
        return parse_bay(self.bay).level

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Job:
        """The job of a snapshot, of an earlier version too."""
        estimate = state.get("estimate_ms")
        # Snapshots from before there were bookings: every job had its driver from the first.
        came = state.get("came_utc_ms", state["requested_utc_ms"])
        known = {"vehicle": Vehicle(**state["vehicle"]), "estimate_ms": tuple(estimate) if estimate else None}
        if "ahead" in state:
            # Snapshots from before plans were corrected by their record: the plan was told as it was.
            state = {**state, "dwells": state["ahead"], "planned_ms": estimate[1] if estimate else 0}
            state["told_level"] = parse_bay(state["bay"]).level
            del state["ahead"]
        return cls(**_with_why({**state, **known, "came_utc_ms": came}))


@dataclass(slots=True)
class Booking:
    """One booking; `state` is one of the BOOKING table, `kind` and `repeat` as in `domain.booking`."""

    id: BookingId
    plate: Plate
    vehicle: Vehicle
    pin_digest: str
    kind: str
    minute_of_day: int
    repeat: str
    due_utc_ms: int
    state: str = "planned"
    why: Why = ()
    job: JobId | None = None

    @property
    def is_open(self) -> bool:
        """Whether its time is still to come, or it is being served."""
        return self.state not in BOOKING_ENDS

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Booking:
        """The booking of a snapshot, of an earlier version too."""
        return cls(**_with_why({**state, "vehicle": Vehicle(**state["vehicle"])}))


@dataclass(slots=True)
class MotionRecord:
    """A move that was asked for and has not ended."""

    mailbox: int
    command_id: int
    opcode: int
    first: int
    second: int
    deadline_ms: int
    job: JobId | None
    alone: bool = False
    """Whether nothing else of the module moved when it was asked: its motors did not wait for others to start."""


@dataclass(slots=True)
class ManualHolder:
    """Who has a module in hand; `token_digest` tells their page from any other."""

    operator: str
    reason: str
    token_digest: str
    since_utc_ms: int


@dataclass(slots=True)
class BypassRecord:
    """An interlock (`outputs.Bypass`) that the holder wants set aside, and who granted it, if anybody has."""

    interlock: int
    reason: str
    second: str | None = None


@dataclass(slots=True)
class LockRemoval:
    """An administrator's wish to take away the lock of somebody absent."""

    operator: str
    reason: str
    asked_utc_ms: int


@dataclass(slots=True)
class Lock:
    """A person's lock on a module."""

    reason: str
    since_utc_ms: int
    removal: LockRemoval | None = None

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Lock:
        """The lock of a snapshot."""
        removal = state.get("removal")
        return cls(state["reason"], state["since_utc_ms"], LockRemoval(**removal) if removal else None)


@dataclass(slots=True)
class ModuleMemory:
    """One module; `state` is one of the MODULE table."""

    state: str = "offline"
    reasons: tuple[str, ...] = ()
    last_command_id: int = 0
    motions: dict[int, MotionRecord] = field(default_factory=dict)
    unfinished: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Slides that did not end, by level: (first, second). They are asked again after a confirmation."""
    faults: tuple[int, ...] = ()
    down: BayId | None = None
    """The upper pallet that a finished move left on the ground."""
    manual: ManualHolder | None = None
    bypass: BypassRecord | None = None
    locks: dict[str, Lock] = field(default_factory=dict)
    """By the person who hung it."""
    unconfirmed: bool = False
    """Whether it was locked or worked on since it was last ready: only a person's word makes it ready again."""
    timings: dict[str, Timing] = field(default_factory=dict)
    """What the parts of its jobs have taken, by name (`scheduler.measured`)."""

    def learn(self, part: str, took_ms: int) -> None:
        """One more measurement of a part."""
        self.timings[part] = self.timings.get(part, Timing()).learnt(took_ms)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> ModuleMemory:
        """The module of a snapshot, of an earlier version too."""
        return cls(
            state=state["state"],
            reasons=tuple(state["reasons"]),
            last_command_id=state["last_command_id"],
            motions={int(box): MotionRecord(**motion) for box, motion in state["motions"].items()},
            unfinished={int(level): (way[0], way[1]) for level, way in state["unfinished"].items()},
            faults=tuple(state["faults"]),
            down=state.get("down"),
            manual=ManualHolder(**state["manual"]) if state.get("manual") else None,
            bypass=BypassRecord(**state["bypass"]) if state.get("bypass") else None,
            locks={name: Lock.from_state(lock) for name, lock in state.get("locks", {}).items()},
            unconfirmed=state.get("unconfirmed", state["state"] == "locked"),
            timings={
                part: Timing(tuple(known["took_ms"]), known["median_ms"])
                for part, known in state.get("timings", {}).items()
            },
        )


@dataclass(slots=True)
class Charging:
    """One charging session."""

    id: ChargingId
    spot: SpotId
    plate: Plate
    pin_digest: str
    started_utc_ms: int
    metered_utc_ms: int
    metered_total_wh: int
    slices: list[tuple[int, int, int]] = field(default_factory=list)
    ended_utc_ms: int | None = None
    plugged: bool = False
    """Whether the cable has been in: from then on an empty socket is the end of the session."""

    @property
    def energy_wh(self) -> int:
        """What has been metered so far."""
        return sum(part[2] for part in self.slices)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Charging:
        """The charging session of a snapshot."""
        return cls(**{**state, "slices": [(part[0], part[1], part[2]) for part in state["slices"]]})


@dataclass(slots=True)
class SpotMemory:
    """One charging spot; `state` is one of the SPOT table."""

    state: str = "Unavailable"
    charging: ChargingId | None = None


@dataclass(slots=True)
class Outage:
    """A part out of service: what is being done about it, who said so, since when."""

    reason: str
    operator: str
    since_utc_ms: int


def _with_why(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a job or a booking; snapshots of an earlier version have a free text called `reason`."""
    written = fields.pop("reason", ())
    return {**fields, "why": why_from(fields.get("why", written))}
