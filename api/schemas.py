"""The bodies that the programs' interface takes, and how a plate, a PIN and a car are spelt."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from domain.ids import Plate, parse_plate
from domain.vehicle import VEHICLE_CLASSES, Vehicle


def _plate(text: str) -> Plate:
    return parse_plate(text)


PlateText = Annotated[Plate, Field(max_length=24, examples=["京A·12345"]), AfterValidator(_plate)]
PinText = Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["314159"])]


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


class StorageBody(Body):
    """Park a car: its class or its size, and a PIN if the driver has chosen one."""

    plate: PlateText
    vehicle_class: str | None = None
    vehicle: VehicleBody | None = None
    pin: PinText | None = None

    @model_validator(mode="after")
    def _one_vehicle(self) -> Self:
        if (self.vehicle_class is None) == (self.vehicle is None):
            raise ValueError("give either vehicle_class or vehicle")
        if self.vehicle_class is not None and self.vehicle_class not in VEHICLE_CLASSES:
            raise ValueError(f"vehicle_class must be one of {', '.join(VEHICLE_CLASSES)}")
        return self

    def car(self) -> Vehicle:
        """The car that is to be parked."""
        if self.vehicle is not None:
            return self.vehicle.vehicle()
        return VEHICLE_CLASSES[self.vehicle_class or ""]


class RetrievalBody(Body):
    """Fetch a car."""

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
