"""Which bay for a car that comes: the lowest level that fits, in the module with the least to do.

Decides only among free bays that it is given; whether a module may be used at all is the
controller's question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from domain.grid import ModuleLayout
from domain.ids import BayId, ModuleId
from domain.vehicle import Vehicle


@dataclass(frozen=True, slots=True)
class ModuleOffer:
    """A module that takes cars now: its free bays and how many jobs wait or run there."""

    layout: ModuleLayout
    free: frozenset[BayId]
    jobs: int


@dataclass(frozen=True, slots=True)
class Placed:
    """The chosen bay and the reason for people."""

    bay: BayId
    reason: str


Placement = Callable[[Vehicle, Mapping[ModuleId, ModuleOffer]], Placed | None]
"""A placement policy: None when no free bay fits."""


def lowest_fitting(vehicle: Vehicle, offers: Mapping[ModuleId, ModuleOffer]) -> Placed | None:
    """The module with the fewest jobs, then the most free bays; there, the lowest fitting level.

    Within a level the car takes the shortest cell that fits, so that tall bays stay free for tall
    cars where levels of equal number differ, then the leftmost.
    """
    for offer in sorted(offers.values(), key=lambda o: (o.jobs, -len(o.free), o.layout.id)):
        bay = _lowest(vehicle, offer.layout, offer.free)
        if bay is not None:
            return Placed(bay, f"lowest fitting bay in module {offer.layout.id}, {offer.jobs} jobs before")
    return None


def fits_anywhere(vehicle: Vehicle, layouts: Iterable[ModuleLayout]) -> bool:
    """Whether any level of any module takes the car at all."""
    return any(not layout.misfits(vehicle, level.number) for layout in layouts for level in layout.levels)


def _lowest(vehicle: Vehicle, layout: ModuleLayout, free: frozenset[BayId]) -> BayId | None:
    for level in layout.levels:
        if layout.misfits(vehicle, level.number):
            continue
        start = layout.level_offset[level.number - 1]
        count = layout.pallets_per_level[level.number - 1]
        for name in layout.bay_names[start : start + count]:
            if name in free and name not in layout.dead:
                return name
    return None
