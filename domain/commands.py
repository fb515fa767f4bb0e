"""What people ask for. A command is answered `Accepted` or `Refused`; it never half happens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from domain.alarms import AlarmId
from domain.booking import BookingKind, Repeat
from domain.ids import BayId, BookingId, ChargingId, JobId, ModuleId, Plate, SpotId
from domain.outputs import GATE, Bypass, Opcode
from domain.refusals import Refusal, RefusalCode
from domain.vehicle import Vehicle


@dataclass(frozen=True, slots=True)
class Leaving:
    """When a driver who parks wants the car again: a local minute, of a day as in `MakeBooking`."""

    minute_of_day: int
    day: int | None = None


@dataclass(frozen=True, slots=True)
class RequestStorage:
    """Park a car. `pin_digest` is the keyed digest of plate and PIN, made at the edge.

    With `leaves` the departure is booked at once, and the bay is chosen for it.
    """

    plate: Plate
    vehicle: Vehicle
    pin_digest: str
    leaves: Leaving | None = None


@dataclass(frozen=True, slots=True)
class RequestRetrieval:
    """Bring a parked car to the gate; for a booked car: the driver has come.

    `priority` is `normal`, `disabled` or `emergency`.
    """

    plate: Plate
    pin_digest: str
    priority: str = "normal"


@dataclass(frozen=True, slots=True)
class ConfirmClear:
    """The driver's word that everybody is out and the car is where it should be."""

    job: JobId


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Give up a job that has not moved a car yet; at an open gate also the driver's word."""

    job: JobId


@dataclass(frozen=True, slots=True)
class MakeBooking:
    """Have the car at the gate, or a bay for it, at a local minute of the day (0 to 1439).

    `day` is the number of a local day since 1970-01-01, or None for the next time the clock shows that
    minute. `vehicle` is needed to book an arrival of a car that is not parked now. Whoever knows the
    PIN that made a booking may change it.
    """

    plate: Plate
    pin_digest: str
    kind: BookingKind
    minute_of_day: int
    repeat: Repeat = Repeat.ONCE
    day: int | None = None
    vehicle: Vehicle | None = None


@dataclass(frozen=True, slots=True)
class ChangeBooking:
    """Another minute, day or rhythm for a booking whose time has not come."""

    booking: BookingId
    pin_digest: str
    minute_of_day: int
    repeat: Repeat = Repeat.ONCE
    day: int | None = None


@dataclass(frozen=True, slots=True)
class CancelBooking:
    """Forget a booking. A car that already stands at the gate goes back."""

    booking: BookingId
    pin_digest: str


@dataclass(frozen=True, slots=True)
class ProvePin:
    """Somebody wants to read the bookings of a plate: is the PIN right? A wrong one counts as anywhere else."""

    plate: Plate
    pin_digest: str


@dataclass(frozen=True, slots=True)
class StartCharging:
    """Let a car that stands on a charging spot charge until full, stopped or unplugged."""

    plate: Plate
    pin_digest: str
    spot: SpotId | None = None


@dataclass(frozen=True, slots=True)
class StopCharging:
    """End a charging session."""

    spot: SpotId
    pin_digest: str


@dataclass(frozen=True, slots=True)
class ConfirmModule:
    """The operator has looked: the locked module may be used again if the sensors allow it."""

    module: ModuleId
    operator: str


@dataclass(frozen=True, slots=True)
class ResetFaults:
    """Clear a module's latched faults whose cause is gone. Starts nothing."""

    module: ModuleId
    operator: str


@dataclass(frozen=True, slots=True)
class EnterCar:
    """The operator has seen a car in a bay that the journal believes empty: enter it. Moves nothing."""

    bay: BayId
    plate: Plate
    vehicle: Vehicle
    pin_digest: str
    operator: str


@dataclass(frozen=True, slots=True)
class StrikeCar:
    """The operator has seen an empty bay where the journal has a car: strike it out. Moves nothing."""

    bay: BayId
    operator: str


@dataclass(frozen=True, slots=True)
class PauseGarage:
    """Take no new jobs; running ones end."""

    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResumeGarage:
    """Take new jobs again."""

    operator: str


@dataclass(frozen=True, slots=True)
class TakeOut:
    """Take a part out of service (`domain.parts` says how it is written). Moves nothing, and nothing moves it."""

    part: str
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class PutBack:
    """A part is in order again."""

    part: str
    operator: str


@dataclass(frozen=True, slots=True)
class AcknowledgeAlarm:
    """The operator has seen an alarm."""

    alarm: AlarmId
    operator: str


@dataclass(frozen=True, slots=True)
class ResetAlarm:
    """Release a latched alarm that has been acknowledged and whose cause has gone. Moves nothing."""

    alarm: AlarmId
    operator: str


@dataclass(frozen=True, slots=True)
class ShelveAlarm:
    """Put an alarm aside for so long (at most `SHELVE_MAX_MS`); never one of safety."""

    alarm: AlarmId
    duration_ms: int
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class UnshelveAlarm:
    """Take an alarm off the shelf before its time."""

    alarm: AlarmId
    operator: str


@dataclass(frozen=True, slots=True)
class TakeAlarmOut:
    """Take an alarm out of service while its device is worked on; never one of safety."""

    alarm: AlarmId
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class PutAlarmBack:
    """Put an alarm back into service."""

    alarm: AlarmId
    operator: str


AlarmCommand: TypeAlias = AcknowledgeAlarm | ResetAlarm | ShelveAlarm | UnshelveAlarm | TakeAlarmOut | PutAlarmBack


class Danger(StrEnum):
    """Why the whole garage rests."""

    FIRE = "fire"
    EARTHQUAKE = "earthquake"
    FLOOD = "flood"
    SNOW = "snow"
    STORM = "storm"


@dataclass(frozen=True, slots=True)
class HoldGarage:
    """A danger comes: no new jobs, and nothing is moved any more. `fire` announces a fire."""

    operator: str
    danger: Danger
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EndHold:
    """The danger is over. The garage is paused then; resuming it is another command."""

    operator: str


@dataclass(frozen=True, slots=True)
class HangLock:
    """Lockout and tagout: a person's own lock on a module. Nothing moves there while any hangs."""

    module: ModuleId
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class RemoveLock:
    """A person takes their own lock away."""

    module: ModuleId
    operator: str


@dataclass(frozen=True, slots=True)
class AskLockRemoval:
    """An administrator has looked for the owner of a lock in vain, and says why the lock may go."""

    module: ModuleId
    owner: str
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class GrantLockRemoval:
    """A second person has looked into the module and agrees that the owner's lock may go."""

    module: ModuleId
    owner: str
    operator: str


LockCommand: TypeAlias = HangLock | RemoveLock | AskLockRemoval | GrantLockRemoval
"""What people do with locks of maintenance."""


@dataclass(frozen=True, slots=True)
class TakeManual:
    """Take a module in hand. `token_digest` is the digest of the secret that only this holder's page knows."""

    module: ModuleId
    operator: str
    reason: str
    token_digest: str


@dataclass(frozen=True, slots=True)
class ReleaseManual:
    """The holder gives the module back."""

    module: ModuleId
    operator: str
    token_digest: str


@dataclass(frozen=True, slots=True)
class HoldManual:
    """The button is still held; `counter` is larger than in any hold or jog before."""

    module: ModuleId
    operator: str
    token_digest: str
    counter: int


@dataclass(frozen=True, slots=True)
class LetGo:
    """The button is not held any more."""

    module: ModuleId
    operator: str
    token_digest: str


@dataclass(frozen=True, slots=True)
class JogMove:
    """A button is pressed: one move by hand, for as long as holds follow. Arguments as in `Opcode`."""

    module: ModuleId
    operator: str
    token_digest: str
    counter: int
    opcode: Opcode
    mailbox: int = GATE
    first: int = 0
    second: int = 0


@dataclass(frozen=True, slots=True)
class AskBypass:
    """The holder wants to set one interlock aside for the next held move, and says why."""

    module: ModuleId
    operator: str
    token_digest: str
    interlock: Bypass
    reason: str


@dataclass(frozen=True, slots=True)
class GrantBypass:
    """A second person has looked and agrees to what the holder asked."""

    module: ModuleId
    operator: str
    interlock: Bypass


@dataclass(frozen=True, slots=True)
class RecordWork:
    """People have done a service (an id of the site's, or `repair`) on a part, or on all such parts of a module.

    `operator` is who says so, `person` who did it. `renewed` says that the part is as new, or set anew: what is usual
    for it is measured again.
    """

    service: str
    part: str
    operator: str
    person: str
    note: str = ""
    renewed: bool = False


ByHand: TypeAlias = TakeManual | ReleaseManual | HoldManual | LetGo | JogMove | AskBypass | GrantBypass
"""What operators do with a module in manual mode."""

Command: TypeAlias = (
    RequestStorage
    | RequestRetrieval
    | ConfirmClear
    | CancelJob
    | MakeBooking
    | ChangeBooking
    | CancelBooking
    | ProvePin
    | StartCharging
    | StopCharging
    | ConfirmModule
    | ResetFaults
    | EnterCar
    | StrikeCar
    | PauseGarage
    | ResumeGarage
    | TakeOut
    | PutBack
    | AlarmCommand
    | HoldGarage
    | EndHold
    | LockCommand
    | RecordWork
    | ByHand
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The command will be carried out; `id` names the job, charging session or module."""

    id: JobId | ChargingId | BookingId | ModuleId | str


@dataclass(frozen=True, slots=True)
class Refused:
    """The command changes nothing, for these reasons (at least one)."""

    reasons: tuple[Refusal, ...]

    @classmethod
    def because(cls, code: RefusalCode, about: str = "") -> Refused:
        """Refused for one reason, and what it is about."""
        return cls((Refusal(code, about),))


Reply: TypeAlias = Accepted | Refused
