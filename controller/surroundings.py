"""Turns the garage's memory into what a placement policy may know of an arrival.

Decides what is passed on: habits of known cars, queues, expected departures of each module. Which bays
are free to be given is the caller's answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from operator import mul

from controller.memory import Memory
from controller.queueing import times_of
from domain.booking import BookingKind
from domain.grid import ModuleLayout
from domain.ids import BayId, ModuleId, Plate, parse_bay
from domain.site import Site
from domain.vehicle import Vehicle
from scheduler.habits import leaves_per_day
from scheduler.measured import Times
from scheduler.placement import Arrival, ModuleOffer, Surroundings, is_choosy, smallest_bay


def arrival_of(
    site: Site, memory: Memory, plate: Plate, vehicle: Vehicle, now_utc_ms: int, leaves_utc_ms: int | None = None
) -> Arrival:
    """The car, with its habit and, if its departure is booked or just told, its stay."""
    booked = [due for due in _booked_utc_ms(memory, plate) if due > now_utc_ms]
    told = booked if leaves_utc_ms is None else [*booked, leaves_utc_ms]
    stay_ms = min(told) - now_utc_ms if told else None
    habit = memory.habits.get(plate)
    return Arrival(plate, vehicle, now_utc_ms, habit, memory.crowd, stay_ms, site.utc_offset_minutes)


Usable = Callable[[ModuleLayout], tuple[ModuleLayout, Collection[BayId]]]
"""A module as it is now, with parts out of service, and the bays to which its motors can bring a car."""


def surroundings_of(site: Site, memory: Memory, now_utc_ms: int, usable: Usable) -> Surroundings:
    """The modules that are ready, with their free bays that take cars, and everybody's habits."""
    booked = _booked_by_module(memory)
    modules = {
        layout.id: _offer(
            memory, now_utc_ms, booked.get(layout.id, ()), times_of(site, layout, memory), *usable(layout)
        )
        for layout in site.modules
        if memory.module(layout.id).state == "ready"
    }
    known = memory.habits.keys() | memory.parked.keys()
    rates = [leaves_per_day(memory.habits.get(plate), memory.crowd, now_utc_ms) for plate in known]
    smallest = smallest_bay(site.modules)
    choosy = sum(is_choosy(car.vehicle, smallest) for car in memory.parked.values())
    return Surroundings(modules, site.machine, site.modules, rates, choosy / max(1, len(memory.parked)))


def _offer(
    memory: Memory,
    now_utc_ms: int,
    booked: Sequence[tuple[int, int]],
    times: Times,
    layout: ModuleLayout,
    takes_cars: Collection[BayId],
) -> ModuleOffer:
    names = memory.open_jobs.get(layout.id, ())
    given = memory.car_at.keys() | {memory.jobs[name].bay for name in names}
    free = frozenset(takes_cars) - given
    down = memory.module(layout.id).down
    departures = expected_departures(memory, layout, now_utc_ms)
    return ModuleOffer(layout, free, len(names), down if down in free else None, departures, tuple(booked), times)


def expected_departures(memory: Memory, layout: ModuleLayout, now_utc_ms: int) -> tuple[float, ...]:
    """How many of a module's parked cars leave in each hour of UTC on an average day."""
    shown: list[tuple[float, ...]] = []
    factors: list[float] = []
    for name in layout.bay_names:
        plate = memory.car_at.get(name)
        if plate is None:
            continue
        habit = memory.habits.get(plate, memory.crowd)
        if habit.weight:
            shown.append(habit.departures)
            factors.append(leaves_per_day(memory.habits.get(plate), memory.crowd, now_utc_ms) / habit.weight)
    return tuple(sum(map(mul, hour, factors)) for hour in zip(*shown, strict=True)) if shown else (0.0,) * 24


def _booked_utc_ms(memory: Memory, plate: Plate) -> list[int]:
    """When the car is booked to leave."""
    return [
        booking.due_utc_ms
        for booking in memory.bookings.values()
        if booking.plate == plate and booking.kind == BookingKind.DEPARTURE and booking.is_open
    ]


def _booked_by_module(memory: Memory) -> dict[ModuleId, list[tuple[int, int]]]:
    """Of every module the booked departures: due time (UTC in ms) and level."""
    found: dict[ModuleId, list[tuple[int, int]]] = {}
    for booking in memory.bookings.values():
        car = memory.parked.get(booking.plate)
        if car is not None and booking.kind == BookingKind.DEPARTURE and booking.is_open:
            bay = parse_bay(car.bay)
            found.setdefault(bay.module, []).append((booking.due_utc_ms, bay.level))
    return found
