"""The garage at plant time 0: which household's car stands in which bay.

Decides a random but fitting start. The plant process receives it as a file, so that it and the
controller's process tell the same story; this module writes and reads that file's content.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from domain.ids import BayId, Plate, parse_bay
from domain.site import Site
from domain.vehicle import Vehicle
from sim.households import Household, draw_households, draw_vehicle
from sim.plant_parts import CarBody
from sim.streams import Stream, fork

SCENARIO_VERSION = 2
_DRAWS_MAX = 500


@dataclass(frozen=True)
class Residents:
    """The households whose cars are parked at the start, by bay."""

    households: Mapping[BayId, Household]

    @cached_property
    def cars(self) -> dict[BayId, CarBody]:
        """The cars as things, for the plant."""
        return {bay: CarBody(h.plate, h.vehicle) for bay, h in self.households.items()}

    @cached_property
    def pins(self) -> dict[Plate, str]:
        """Everybody's PIN."""
        return {h.plate: h.pin for h in self.households.values()}

    @cached_property
    def parked(self) -> dict[Plate, Household]:
        """Households by plate, as `sim.demand.weekday_trips` wants them."""
        return {h.plate: h for h in self.households.values()}

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        rows = [{"bay": bay, **asdict(household)} for bay, household in sorted(self.households.items())]
        return {"version": SCENARIO_VERSION, "residents": rows}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Residents:
        """What `to_dict` wrote; raises ValueError for another version."""
        if data.get("version") != SCENARIO_VERSION:
            raise ValueError(f"residents of version {data.get('version')!r}; this program reads {SCENARIO_VERSION}")
        households = {}
        for row in data["residents"]:
            values = dict(row)
            bay = BayId(values.pop("bay"))
            values["vehicle"] = Vehicle(**values["vehicle"])
            households[bay] = Household(**values)
        return Residents(households)


def initial_cars(site: Site, seed: int, count: int) -> Residents:
    """So many residents' cars in bays that they fit; ValueError if the garage has not so many bays."""
    return place_households(site, seed, draw_households(site, seed, count))


def place_households(site: Site, seed: int, households: tuple[Household, ...]) -> Residents:
    """A random fitting bay for every household; dead bays stay empty.

    A car for which no fitting bay is left is exchanged for one that fits: residents who found no
    bay for their car would not be residents of this garage.
    """
    dice = fork(seed, Stream.PLACING)
    free = [bay for layout in site.modules for bay in layout.bay_names if bay not in layout.dead]
    if len(households) > len(free):
        raise ValueError(f"{len(households)} cars do not fit in {len(free)} bays")
    dice.shuffle(free)
    # Cars with few fitting bays choose first.
    choosy = sorted(households, key=lambda h: (sum(_fits(site, bay, h.vehicle) for bay in free), h.name))
    placed: dict[BayId, Household] = {}
    for household in choosy:
        bay, resident = _settle(site, household, free, dice)
        free.remove(bay)
        placed[bay] = resident
    return Residents(placed)


def _settle(site: Site, household: Household, free: list[BayId], dice: random.Random) -> tuple[BayId, Household]:
    resident = household
    for _ in range(_DRAWS_MAX):
        for bay in free:
            if _fits(site, bay, resident.vehicle):
                return bay, resident
        resident = replace(household, vehicle=draw_vehicle(site, dice))
    raise ValueError(f"no usual car fits the bays that are left: {', '.join(free)}")


def _fits(site: Site, bay: BayId, vehicle: Vehicle) -> bool:
    ref = parse_bay(bay)
    return not site.layout[ref.module].misfits(vehicle, ref.level)
