"""Where a car goes."""

from __future__ import annotations

from domain.grid import ModuleLayout
from domain.ids import BayId, ModuleId, Plate
from domain.machine import Machine
from domain.vehicle import VEHICLE_CLASSES
from scheduler.placement import Arrival, ModuleOffer, Surroundings, fits_anywhere, lowest_fitting
from tests.sites import module_layout

A, B = module_layout("A", 4), module_layout("B", 4)
MACHINE = Machine()


def offer(layout: ModuleLayout, *bays: str, jobs: int = 0) -> ModuleOffer:
    return ModuleOffer(layout, frozenset(BayId(bay) for bay in bays), jobs)


def placed(car: str, **offers: ModuleOffer) -> str | None:
    around = Surroundings({ModuleId(name): value for name, value in offers.items()}, MACHINE, (A, B))
    found = lowest_fitting(Arrival(Plate("P"), VEHICLE_CLASSES[car]), around)
    return None if found is None else found.bay


def test_the_lowest_fitting_bay_of_the_idlest_module() -> None:
    assert placed("Z", A=offer(A, "A-3-01", "A-2-02"), B=offer(B, "B-1-01", jobs=1)) == "A-2-02"
    assert placed("Z", A=offer(A, "A-3-01", jobs=2), B=offer(B, "B-4-01", jobs=1)) == "B-4-01"


def test_a_tall_car_takes_only_tall_levels() -> None:
    assert placed("K", A=offer(A, "A-2-01", "A-4-03")) == "A-4-03"
    assert placed("K", A=offer(A, "A-2-01", "A-3-03")) is None


def test_dead_bays_are_never_given() -> None:
    dead = module_layout("A", 4, dead=["A-1-01"])
    assert placed("Z", A=offer(dead, "A-1-01", "A-1-02")) == "A-1-02"


def test_what_fits_nowhere() -> None:
    assert fits_anywhere(VEHICLE_CLASSES["D"], [A])
    assert not fits_anywhere(VEHICLE_CLASSES["C"], [A])
