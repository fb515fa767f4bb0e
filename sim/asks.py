"""The words between the crowd and the garage: what people ask, and what they notice.

Decides nothing; `sim.people` speaks these words, the runner and `sim.desk_http` carry them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from domain.ids import BayId, ChargingId, JobId, Plate, SpotId
from domain.vehicle import Vehicle

JobKind = Literal["storage", "retrieval"]


@dataclass(frozen=True, slots=True)
class StorageAsk:
    """Park my car; `leaves` is the local day and minute at which I want it again, if I say so."""

    plate: Plate
    vehicle: Vehicle
    pin: str
    leaves: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class RetrievalAsk:
    """Bring my car."""

    plate: Plate
    pin: str


@dataclass(frozen=True, slots=True)
class BookAsk:
    """Have my car at the gate at this minute of this local day (counted from 1970-01-01)."""

    plate: Plate
    pin: str
    day: int
    minute_of_day: int


@dataclass(frozen=True, slots=True)
class ClearAsk:
    """Everybody is out, the gate may shut."""

    job: JobId


@dataclass(frozen=True, slots=True)
class GiveUpAsk:
    """I would rather not: let the pallet go back as it was."""

    job: JobId


@dataclass(frozen=True, slots=True)
class ChargeAsk:
    """Let my car charge, at this spot or at any."""

    plate: Plate
    pin: str
    spot: SpotId | None = None


@dataclass(frozen=True, slots=True)
class StopChargeAsk:
    """I am leaving now."""

    spot: SpotId
    pin: str


Ask: TypeAlias = StorageAsk | RetrievalAsk | BookAsk | ClearAsk | GiveUpAsk | ChargeAsk | StopChargeAsk


@dataclass(frozen=True, slots=True)
class Answered:
    """What the garage said to an ask: the id of what was accepted, or the code of the refusal."""

    ask: Ask
    accepted: bool
    id: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A gate is open for this job."""

    job: JobId
    kind: JobKind
    plate: Plate
    vehicle: Vehicle
    bay: BayId


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job is over; `ok` is False when it was cancelled or failed."""

    job: JobId
    plate: Plate
    kind: JobKind
    ok: bool


@dataclass(frozen=True, slots=True)
class ChargingGranted:
    """This car may charge at this spot."""

    charging: ChargingId
    spot: SpotId
    plate: Plate


@dataclass(frozen=True, slots=True)
class ChargingOver:
    """The charging session at this spot has ended."""

    spot: SpotId
    plate: Plate


Notice: TypeAlias = Answered | SessionOpened | JobEnded | ChargingGranted | ChargingOver
