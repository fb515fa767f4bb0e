"""Cars as the garage needs to know them: how big, how heavy.

Decides whether a car fits under a level; does not choose a bay (that is `scheduler.placement`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vehicle:
    """Outer size in mm and mass in kg of one car, with the class it was declared as."""

    class_code: str
    length_mm: int
    width_mm: int
    height_mm: int
    mass_kg: int


VEHICLE_CLASSES: dict[str, Vehicle] = {
    v.class_code: v
    for v in (
        Vehicle("X", 4400, 1750, 1450, 1300),
        Vehicle("Z", 4700, 1800, 1450, 1500),
        Vehicle("D", 5000, 1850, 1550, 1700),
        Vehicle("T", 5300, 1900, 1550, 2350),
        Vehicle("C", 5600, 2050, 1550, 2550),
        Vehicle("K", 5000, 1850, 2050, 1850),
    )
}
"""The largest car of each class (小 X, 中 Z, 大 D, 特大 T, 超大 C, 客车 K). The design's table of
classes is attributed to GB/T 26559, whose text we could not read: check it before quoting a limit."""
