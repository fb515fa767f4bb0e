"""The bodies that the programs' interface takes, and how a plate, a PIN and a car are spelt."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from domain.ids import Plate, parse_plate
from domain.vehicle import VEHICLE_CLASSES, Vehicle


def _plate(text: str) -> Plate:
    return parse_plate(text)


PlateText = Annotated[Plate, Field(max_length=24, examples=["京A·12345"]), AfterValidator(_plate)]
PinText = Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["314159"])]


def _day(told: object) -> date:
    if not isinstance(told, str) or len(told) != len("2026-11-23"):
        raise ValueError("a day is written as 2026-11-23")
    return date.fromisoformat(told)


AtText = Annotated[str, Field(max_length=8, examples=["07:40"], description="A time of day on the site's clock.")]
Day = Annotated[
    date,
    BeforeValidator(_day),
    Field(
        examples=["2026-11-23"],
        description="A day on the site's calendar; without it the next time the clock shows `at`.",
    ),
]
RepeatText = Literal["once", "daily", "weekdays"]
KindText = Literal["departure", "arrival"]
PriorityText = Literal["normal", "disabled", "emergency"]


class Body(BaseModel):
    """A body with no fields but its own."""

    model_config = ConfigDict(extra="forbid", strict=True)


class VehicleBody(Body):
    """A car's outer size and mass."""

    length_mm: int = Field(ge=1000, le=12_000)
    width_mm: int = Field(ge=500, le=3500)
    height_mm: int = Field(ge=500, le=4500)
    mass_kg: int = Field(ge=100, le=12_000)

    def vehicle(self) -> Vehicle:
        """The car, with the smallest class that covers it ("custom" when none does)."""
        for declared in VEHICLE_CLASSES.values():
            if (
                self.length_mm <= declared.length_mm
                and self.width_mm <= declared.width_mm
                and self.height_mm <= declared.height_mm
                and self.mass_kg <= declared.mass_kg
            ):
                code = declared.class_code
                break
        else:
            code = "custom"
        return Vehicle(code, self.length_mm, self.width_mm, self.height_mm, self.mass_kg)


class _CarBody(Body):
    """A car by its class or by its size."""

    needs_car: ClassVar[bool] = True

    vehicle_class: str | None = Field(None, examples=["Z"])
    vehicle: VehicleBody | None = None

    @model_validator(mode="after")
    def _one_vehicle(self) -> Self:
        told = (self.vehicle_class is not None) + (self.vehicle is not None)
        if told > 1 or (told == 0 and self.needs_car):
            raise ValueError("give either vehicle_class or vehicle")
        if self.vehicle_class is not None and self.vehicle_class not in VEHICLE_CLASSES:
            raise ValueError(f"vehicle_class must be one of {', '.join(VEHICLE_CLASSES)}")
        return self

    def car_told(self) -> Vehicle | None:
        """The car, or None when neither class nor size was given."""
        if self.vehicle is not None:
            return self.vehicle.vehicle()
        return VEHICLE_CLASSES[self.vehicle_class] if self.vehicle_class is not None else None

    def car(self) -> Vehicle:
        """The car, where one must be told."""
        told = self.car_told()
        if told is None:
            raise TypeError("a body without a car passed its own check")
        return told


class LeavingBody(Body):
    """When the car is wanted again: a time of day on the site's clock, the next one unless a date is given."""

    at: AtText
    date: Day | None = None


class StorageBody(_CarBody):
    """Park a car: its class or its size, a PIN if the driver has chosen one, and when it leaves if that is known."""

    plate: PlateText
    pin: PinText | None = None
    leaves: LeavingBody | None = None


class BayCostsBody(_CarBody):
    """Which car would be parked, and at what time of day it is to leave."""

    plate: PlateText
    at: AtText


class RetrievalBody(Body):
    """Fetch a car. `emergency` is for operators."""

    plate: PlateText
    pin: PinText
    priority: PriorityText = "normal"


class BookingBody(_CarBody):
    """Have the car at the gate, or a bay for it, at a time of day on the site's clock.

    The car is told when an arrival of one is booked that is not parked now; its PIN is chosen here.
    """

    needs_car: ClassVar[bool] = False

    plate: PlateText
    pin: PinText
    kind: KindText
    at: AtText
    repeat: RepeatText = "once"
    date: Day | None = None


class BookingChangeBody(Body):
    """Another time, rhythm or first day; what is not given stays."""

    pin: PinText
    at: AtText | None = None
    repeat: RepeatText | None = None
    date: Day | None = None


class BookingSearchBody(Body):
    """Whose bookings: the plate, and the PIN that shows that they may be told."""

    plate: PlateText
    pin: PinText


class ChargingBody(Body):
    """Start charging; without a spot the garage names a free one."""

    plate: PlateText
    pin: PinText | None = None
    spot: str | None = Field(None, max_length=16)


class StopBody(Body):
    """Stop charging."""

    pin: PinText


class OutageBody(Body):
    """What is being done about a part; drivers whose cars wait for it are told."""

    reason: str = Field(min_length=1, max_length=200, pattern=r"\S")


class AlarmReasonBody(Body):
    """Why an alarm is set aside; it is written into the journal."""

    reason: str = Field(min_length=1, max_length=200, pattern=r"\S")


class ShelveBody(AlarmReasonBody):
    """Put an alarm aside for so long; the controller refuses more than 8 hours."""

    minutes: int = Field(ge=0, le=10_000)


class WorkBody(Body):
    """Work that has been done; it is written into the journal."""

    service: str = Field(min_length=1, max_length=40, pattern=r"\S", examples=["ropes", "repair"])
    part: str = Field(min_length=1, max_length=20, pattern=r"\S", examples=["A-3-07", "A-3", "A-gate", "A"])
    person: str = Field(min_length=1, max_length=100, pattern=r"\S")
    note: str = Field(default="", max_length=200)
    renewed: bool = False


class LoginBody(Body):
    """A person's own name and password, as `garagectl user add` was told."""

    name: str = Field(min_length=1, max_length=80)
    password: str = Field(min_length=1, max_length=200)


class ReasonBody(Body):
    """Why; it is written into the journal."""

    reason: str = Field(min_length=1, max_length=200, pattern=r"\S")


class TokenBody(Body):
    """The secret that taking the module in hand has given to this holder alone."""

    token: str = Field(min_length=16, max_length=100)


class HoldBody(TokenBody):
    """The button is held; `counter` is larger than in any hold or move before."""

    counter: int = Field(ge=1, le=2**53)


class JogBody(HoldBody):
    """One move by hand; the gate needs no numbers.

    Slide: `first` is the column to be freed, `second` the free one. Lower, raise: `first` is the pallet's
    number in its level.
    """

    move: Literal["slide", "lower", "raise", "gate_open", "gate_close"]
    level: int = Field(0, ge=0, le=100)
    first: int = Field(0, ge=0, le=100)
    second: int = Field(0, ge=0, le=100)


InterlockText = Literal["hook_closed", "loaded_sensors"]


class BypassBody(TokenBody, ReasonBody):
    """Which interlock the next held move is to set aside, and why that is safe here."""

    interlock: InterlockText


class GrantBody(Body):
    """Which interlock the second person, who has looked, agrees to set aside."""

    interlock: InterlockText


class DangerBody(Body):
    """Which danger comes; `reason` is written into the journal."""

    danger: Literal["fire", "earthquake", "flood", "snow", "storm"]
    reason: str = Field("", max_length=200)


class PauseBody(Body):
    """Why the garage is paused; it is written into the journal."""

    reason: str = Field("", max_length=200)


def class_table() -> list[dict[str, Any]]:
    """All vehicle classes with their largest car."""
    return [
        {
            "vehicle_class": v.class_code,
            "length_mm": v.length_mm,
            "width_mm": v.width_mm,
            "height_mm": v.height_mm,
            "mass_kg": v.mass_kg,
        }
        for v in VEHICLE_CLASSES.values()
    ]
