"""What has happened, in the past tense: the only way the garage's memory ever changes.

An event is complete in itself: replaying all of them from the first rebuilds the memory, and the
ledger needs nothing else to know what to post. Kinds and field names are API of the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from domain.alarms import AlarmId
from domain.ids import BayId, BookingId, ChargingId, JobId, ModuleId, Plate, SpotId
from domain.reasons import Why, why_from
from domain.vehicle import Vehicle


@dataclass(frozen=True, slots=True)
class CarRegistered:
    """A car was entered by hand or import: it already stands in this bay."""

    plate: Plate
    vehicle: Vehicle
    bay: BayId
    pin_digest: str


@dataclass(frozen=True, slots=True)
class CarStruck:
    """An operator found the bay empty: the car is not in our care any more, and nothing is charged."""

    plate: Plate
    bay: BayId
    operator: str


@dataclass(frozen=True, slots=True)
class JobQueued:
    """A storage or retrieval was accepted. `kind` is `storage` or `retrieval`.

    A job made from a booking has no driver yet: it is due at `due_utc_ms`, and `DriverCame` follows. `why`
    says why a storage got this bay; it tells a household's habits, so it stays in the journal.
    """

    job: JobId
    kind: str
    plate: Plate
    vehicle: Vehicle
    bay: BayId
    pin_digest: str
    priority: str = "normal"
    booking: BookingId | None = None
    due_utc_ms: int | None = None
    why: Why = ()


@dataclass(frozen=True, slots=True)
class JobAdvanced:
    """A job entered a state of its machine (docs/state-machines.md), for these reasons if any were weighed."""

    job: JobId
    state: str
    why: Why = ()


@dataclass(frozen=True, slots=True)
class DriverCame:
    """The driver of a booked job is here, with this car and this PIN."""

    job: JobId
    vehicle: Vehicle
    pin_digest: str
    priority: str = "normal"


@dataclass(frozen=True, slots=True)
class JobMovedToBay:
    """A waiting storage takes another pallet than was meant, for these reasons."""

    job: JobId
    bay: BayId
    why: Why


@dataclass(frozen=True, slots=True)
class JobEstimated:
    """What the driver was told at the request: time until the gate opens, and the 80 % interval.

    `ahead` is how many were to be served before, `dwells` how many of these had yet to finish at the gate (None:
    all), `planned_ms` what the plan said before its own record was taken into account (None: `wait_ms`).
    """

    job: JobId
    wait_ms: int
    low_ms: int
    high_ms: int
    ahead: int = 0
    dwells: int | None = None
    planned_ms: int | None = None


@dataclass(frozen=True, slots=True)
class StanceTaken:
    """An idle module begins to move for somebody who has not asked yet, for these reasons."""

    module: ModuleId
    bay: BayId
    why: Why


@dataclass(frozen=True, slots=True)
class BookingMade:
    """A booking was accepted; it is due first at `due_utc_ms`."""

    booking: BookingId
    plate: Plate
    vehicle: Vehicle
    pin_digest: str
    kind: str
    minute_of_day: int
    repeat: str
    due_utc_ms: int


@dataclass(frozen=True, slots=True)
class BookingChanged:
    """A booking was given another time."""

    booking: BookingId
    minute_of_day: int
    repeat: str
    due_utc_ms: int


@dataclass(frozen=True, slots=True)
class BookingAdvanced:
    """A booking entered a state of its machine; `due_utc_ms` is when it is due (again)."""

    booking: BookingId
    state: str
    due_utc_ms: int
    why: Why = ()


@dataclass(frozen=True, slots=True)
class SessionAdvanced:
    """The driver's session at the gate entered a state of its machine.

    `dwelt_ms`, where it begins to close: time since the gate first stood open, if that was watched throughout.
    """

    job: JobId
    state: str
    dwelt_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CarParked:
    """Gate shut, zone proven clear, car on its pallet: from here the car is in our care."""

    job: JobId
    plate: Plate
    vehicle: Vehicle
    bay: BayId
    pin_digest: str


@dataclass(frozen=True, slots=True)
class CarLeft:
    """Gate shut, zone proven clear, pallet empty on both sensors: the car is gone."""

    job: JobId
    plate: Plate
    bay: BayId
    parked_utc_ms: int
    left_utc_ms: int


@dataclass(frozen=True, slots=True)
class MotionRequested:
    """A bounded move is about to be asked of a PLC (stored before it is asked). `seen`: see `domain.sight`."""

    module: ModuleId
    mailbox: int
    command_id: int
    opcode: int
    first: int
    second: int
    deadline_ms: int
    job: JobId | None
    seen: str = ""
    operator: str = ""
    """Who holds the button, for a move by hand."""


@dataclass(frozen=True, slots=True)
class MotionEnded:
    """A move is over as far as the controller is concerned; `result` is a `signals.Result` name.

    `took_ms` is the time since it was asked, if it was a whole move (`controller.stopwatch`). The rest is what
    was seen of it (`controller.meter`): pallets (by their index in the row) that moved; motor time and energy of the
    whole module since the move before; mean power of one motor and time of the hook, where they can be told.
    """

    module: ModuleId
    mailbox: int
    command_id: int
    result: str
    reason: int
    took_ms: int | None = None
    moved: tuple[int, ...] = ()
    run_ms: int = 0
    energy_j: int = 0
    power_w: int | None = None
    hook_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ModuleAdvanced:
    """A module entered a state of its machine, for these reasons (refusal codes, with subjects).

    `seen` is what its sensors showed (`domain.sight`) when it was locked.
    """

    module: ModuleId
    state: str
    reasons: tuple[str, ...] = ()
    seen: str = ""


@dataclass(frozen=True, slots=True)
class NightAdvanced:
    """Lights and displays of the site are dimmed (`resting`) or full again (`awake`), for these reasons."""

    state: str
    why: Why = ()


@dataclass(frozen=True, slots=True)
class LinkAdvanced:
    """The wire to a module or charging spot entered a state of its machine."""

    device: str
    state: str


@dataclass(frozen=True, slots=True)
class GarageAdvanced:
    """The whole garage entered a mode."""

    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FaultRaised:
    """A numbered fault latched."""

    module: ModuleId
    number: int
    about: str = ""


@dataclass(frozen=True, slots=True)
class FaultsReset:
    """An operator asked the PLC to clear a module's latched faults."""

    module: ModuleId
    operator: str


@dataclass(frozen=True, slots=True)
class ModuleConfirmed:
    """An operator has looked at a locked module and confirmed it."""

    module: ModuleId
    operator: str


@dataclass(frozen=True, slots=True)
class PartTakenOut:
    """An operator took a part out of service: it is not moved any more. `reason` says what is being done."""

    part: str
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class PartPutBack:
    """An operator put a part back into service."""

    part: str
    operator: str


@dataclass(frozen=True, slots=True)
class ManualTaken:
    """An operator took a module in hand, for this reason. The digest tells their page from others."""

    module: ModuleId
    operator: str
    reason: str
    token_digest: str


@dataclass(frozen=True, slots=True)
class ManualReleased:
    """A module is in nobody's hand any more: given back, timed out, key turned, link lost, locked."""

    module: ModuleId
    operator: str
    why: Why


@dataclass(frozen=True, slots=True)
class BypassAsked:
    """The holder asked to set an interlock aside (`outputs.Bypass`), for this reason."""

    module: ModuleId
    operator: str
    interlock: int
    reason: str


@dataclass(frozen=True, slots=True)
class BypassGranted:
    """A second person granted what the holder asked; it lasts for one held move."""

    module: ModuleId
    operator: str
    second: str
    interlock: int


@dataclass(frozen=True, slots=True)
class BypassEnded:
    """An interlock is in force again, or its bypass was never granted."""

    module: ModuleId
    interlock: int
    why: Why


@dataclass(frozen=True, slots=True)
class LockHung:
    """A person hung their lock on a module, for this reason."""

    module: ModuleId
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class LockRemoved:
    """A person took their lock away."""

    module: ModuleId
    operator: str


@dataclass(frozen=True, slots=True)
class LockRemovalAsked:
    """An administrator wants the lock of somebody absent taken away, for this reason."""

    module: ModuleId
    owner: str
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class LockRemovedForOwner:
    """The lock of somebody absent was taken away: asked by `operator`, agreed by `second`."""

    module: ModuleId
    owner: str
    operator: str
    second: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobOverdue:
    """A job or session has waited longer than its deadline; somebody must look."""

    job: JobId
    state: str


@dataclass(frozen=True, slots=True)
class JobWithdrawn:
    """A job whose pallet is on the ground was given up; the pallet goes home as it stands."""

    job: JobId


@dataclass(frozen=True, slots=True)
class PinRejected:
    """A wrong code was given for this plate."""

    plate: Plate


@dataclass(frozen=True, slots=True)
class PinAccepted:
    """The right code was given after wrong ones: the count starts again."""

    plate: Plate


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """A command (by its class) was refused for these reasons (codes, with subjects); it changed nothing.

    `subject` is the job, booking, spot, module, bay, part or plate that it named; `module` the one it concerned, if
    any, and `seen` what its sensors showed (`domain.sight`); `unrecorded` how many refusals before this one were too
    many to record.
    """

    command: str
    subject: str
    reasons: tuple[str, ...]
    module: ModuleId | None = None
    seen: str = ""
    unrecorded: int = 0


@dataclass(frozen=True, slots=True)
class SpotAdvanced:
    """A charging spot entered an OCPP status."""

    spot: SpotId
    state: str


@dataclass(frozen=True, slots=True)
class ChargingStarted:
    """A driver was granted a charging session; the meter stood at `energy_total_wh`."""

    charging: ChargingId
    spot: SpotId
    plate: Plate
    pin_digest: str
    energy_total_wh: int


@dataclass(frozen=True, slots=True)
class EnergyMetered:
    """What a session drew since its last reading (at each full hour, and at the end)."""

    charging: ChargingId
    spot: SpotId
    from_utc_ms: int
    to_utc_ms: int
    energy_wh: int


@dataclass(frozen=True, slots=True)
class ChargingEnded:
    """A session is over; `slices` are all its (from_utc_ms, to_utc_ms, energy_wh), in order."""

    charging: ChargingId
    spot: SpotId
    plate: Plate
    slices: tuple[tuple[int, int, int], ...]
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """What an alarm stands for has come; it is now in this state of its machine. `about` says more."""

    alarm: AlarmId
    state: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class AlarmReturned:
    """What an alarm stood for has gone."""

    alarm: AlarmId
    state: str


@dataclass(frozen=True, slots=True)
class AlarmSuppressed:
    """An alarm is not told, by design: the alarm `because` explains it or stands for it."""

    alarm: AlarmId
    because: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class AlarmUnsuppressed:
    """Nothing explains an alarm any more: it speaks for itself."""

    alarm: AlarmId
    state: str


@dataclass(frozen=True, slots=True)
class AlarmAcknowledged:
    """An operator has seen an alarm."""

    alarm: AlarmId
    state: str
    operator: str


@dataclass(frozen=True, slots=True)
class AlarmReset:
    """An operator released a latched alarm whose cause has gone."""

    alarm: AlarmId
    operator: str


@dataclass(frozen=True, slots=True)
class AlarmShelved:
    """An operator put an alarm aside until then, for this reason."""

    alarm: AlarmId
    until_utc_ms: int
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmUnshelved:
    """An alarm is off the shelf: by an operator, or by itself because its time was over (no operator)."""

    alarm: AlarmId
    state: str
    operator: str = ""


@dataclass(frozen=True, slots=True)
class AlarmTakenOut:
    """An operator took an alarm out of service: its device is being worked on."""

    alarm: AlarmId
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmPutBack:
    """An operator put an alarm back into service."""

    alarm: AlarmId
    state: str
    operator: str


@dataclass(frozen=True, slots=True)
class CountersRead:
    """What a PLC had counted since its assembly when its module was read anew."""

    module: ModuleId
    lifts: int
    slides: int
    run_s: int


@dataclass(frozen=True, slots=True)
class WorkRecorded:
    """`person` has done a service on these parts, says `operator`; from here they count anew for it.

    `renewed` says that what is usual for them is measured again.
    """

    service: str
    parts: tuple[str, ...]
    operator: str
    person: str
    note: str = ""
    renewed: bool = False


Event: TypeAlias = (
    CarRegistered
    | CarStruck
    | JobQueued
    | JobAdvanced
    | DriverCame
    | JobMovedToBay
    | JobEstimated
    | StanceTaken
    | BookingMade
    | BookingChanged
    | BookingAdvanced
    | SessionAdvanced
    | CarParked
    | CarLeft
    | MotionRequested
    | MotionEnded
    | ModuleAdvanced
    | LinkAdvanced
    | GarageAdvanced
    | NightAdvanced
    | FaultRaised
    | FaultsReset
    | ModuleConfirmed
    | PartTakenOut
    | PartPutBack
    | ManualTaken
    | ManualReleased
    | BypassAsked
    | BypassGranted
    | BypassEnded
    | LockHung
    | LockRemoved
    | LockRemovalAsked
    | LockRemovedForOwner
    | JobOverdue
    | JobWithdrawn
    | PinRejected
    | PinAccepted
    | CommandRefused
    | SpotAdvanced
    | ChargingStarted
    | EnergyMetered
    | ChargingEnded
    | AlarmRaised
    | AlarmReturned
    | AlarmSuppressed
    | AlarmUnsuppressed
    | AlarmAcknowledged
    | AlarmReset
    | AlarmShelved
    | AlarmUnshelved
    | AlarmTakenOut
    | AlarmPutBack
    | CountersRead
    | WorkRecorded
)

EVENT_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__args__}


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in the journal: running number from 1, and when it happened (UTC)."""

    seq: int
    utc_ms: int
    event: Event


_FIELDS = {kind: tuple(f.name for f in fields(kind)) for kind in EVENT_KINDS.values()}


def to_payload(event: Event) -> dict[str, Any]:
    """The event's fields as JSON-ready values; its kind is `type(event).__name__`."""
    payload: dict[str, Any] = {}
    for name in _FIELDS[type(event)]:
        value = getattr(event, name)
        if isinstance(value, Vehicle):
            value = [value.class_code, value.length_mm, value.width_mm, value.height_mm, value.mass_kg]
        elif name == "why":
            value = [reason.to_json() for reason in value]
        payload[name] = value
    return payload


def from_payload(kind: str, payload: Mapping[str, Any]) -> Event:
    """The event that `to_payload` wrote, in this version or an earlier one; raises KeyError for an unknown kind."""
    values = dict(payload)
    if "why" in _FIELDS[EVENT_KINDS[kind]]:
        # Earlier versions wrote a free text called `reason`.
        values["why"] = why_from(values.get("why", values.pop("reason", "")))
    if "vehicle" in values:
        values["vehicle"] = Vehicle(*values["vehicle"])
    if "slices" in values:
        values["slices"] = tuple(tuple(part) for part in values["slices"])
    for name in ("reasons", "parts", "moved"):
        if name in values:
            values[name] = tuple(values[name])
    event: Event = EVENT_KINDS[kind](**values)
    return event
