"""Measures placement alone: demand is played through a policy without machine, queues or waits.

Decides what is compared and what counts: the mean lead of retrievals (slide and lift, nobody ahead)
after the habits have been learnt, and how far it is from a policy that knows every stay. The days in
full, with queues, are `garagectl simulate`'s.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

from controller.memory import Memory
from controller.surroundings import arrival_of, surroundings_of
from domain.events import CarLeft, CarParked, CarRegistered, Event, Recorded
from domain.ids import BayId, JobId, Plate, parse_bay
from domain.site import Site
from scheduler.placement import (
    Arrival,
    Placed,
    Placement,
    Surroundings,
    by_expected_stay,
    level_lead_ms,
    lowest_fitting,
)
from sim.demand import DAY_MS, Trip, weekday_trips
from sim.scenario import Residents, initial_cars

CARS = 130
_JOB = JobId("J000001")
_NEVER_MS = 28 * DAY_MS


@dataclass(frozen=True, slots=True)
class Played:
    """What one policy made of one demand: leads of the retrievals that count, and cars turned away."""

    leads_ms: tuple[int, ...]
    turned_away: int


def placement_regret(
    site: Site,
    start_utc_ms: int,
    seeds: Iterable[int] = range(1, 6),
    days: int = 60,
    warm_up_days: int = 14,
    told: Callable[[str], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """A row for each policy: mean lead of a retrieval in s, and its regret to foresight in s and percent.

    Foresight is the same policy with every stay known: what better learning could still gain.
    """
    demands = []
    for seed in seeds:
        residents = initial_cars(site, seed, CARS)
        demands.append(
            (seed, residents, weekday_trips(site, days, seed, start_utc_ms=start_utc_ms, parked=residents.parked))
        )
    means: dict[str, tuple[float, int]] = {}
    for name in ("random", "lowest fitting", "expected stay", "foresight"):
        told(name)
        runs = [
            play(site, start_utc_ms, residents, trips, _policy(name, seed, start_utc_ms, trips), warm_up_days)
            for seed, residents, trips in demands
        ]
        means[name] = mean(mean(run.leads_ms) for run in runs) / 1000, sum(run.turned_away for run in runs)
    best_s = means["foresight"][0]
    return [
        {
            "placement": name,
            "lead_s": round(lead_s, 2),
            "regret_s": round(lead_s - best_s, 2),
            "regret_pct": round(100 * (lead_s / best_s - 1), 1),
            "turned_away": turned_away,
        }
        for name, (lead_s, turned_away) in means.items()
    ]


def play(
    site: Site, start_utc_ms: int, residents: Residents, trips: Sequence[Trip], policy: Placement, warm_up_days: int
) -> Played:
    """Every arrival placed, every departure learnt, through the controller's own memory."""
    memory = Memory()
    for layout in site.modules:
        memory.module(layout.id).state = "ready"

    def happen(at_ms: int, event: Event) -> None:
        memory.apply(Recorded(memory.seq + 1, start_utc_ms + at_ms, event))

    for bay, household in sorted(residents.households.items()):
        happen(0, CarRegistered(household.plate, household.vehicle, bay, ""))
    leads_ms, turned_away = [], 0
    for trip in trips:
        now_utc_ms = start_utc_ms + trip.at_ms
        car = memory.parked.get(trip.plate)
        if trip.kind == "depart" and car is not None:
            if trip.at_ms >= warm_up_days * DAY_MS:
                ref = parse_bay(car.bay)
                leads_ms.append(level_lead_ms(site.layout[ref.module], site.machine, ref.level))
            happen(trip.at_ms, CarLeft(_JOB, trip.plate, car.bay, car.since_utc_ms, now_utc_ms))
        elif trip.kind == "arrive":
            around = surroundings_of(site, memory, now_utc_ms, lambda layout: (layout, layout.bay_names))
            placed = policy(arrival_of(site, memory, trip.plate, trip.vehicle, now_utc_ms), around)
            if placed is None:
                turned_away += 1
            else:
                happen(trip.at_ms, CarParked(_JOB, trip.plate, trip.vehicle, placed.bay, ""))
    return Played(tuple(leads_ms), turned_away)


def _policy(name: str, seed: int, start_utc_ms: int, trips: Sequence[Trip]) -> Placement:
    if name == "random":
        return _random(random.Random(seed))
    if name == "foresight":
        return _foresight(start_utc_ms, trips)
    return {"lowest fitting": lowest_fitting, "expected stay": by_expected_stay}[name]


def _random(dice: random.Random) -> Placement:
    """Any free fitting bay."""

    def place(arrival: Arrival, around: Surroundings) -> Placed | None:
        bays = [
            bay
            for offer in around.modules.values()
            for bay in sorted(offer.free)
            if not offer.layout.misfits(arrival.vehicle, parse_bay(bay).level)
        ]
        return Placed(BayId(dice.choice(bays)), ()) if bays else None

    return place


def _foresight(start_utc_ms: int, trips: Sequence[Trip]) -> Placement:
    """The learning policy, told how long each car will really stay."""
    departures = _departures(trips)

    def place(arrival: Arrival, around: Surroundings) -> Placed | None:
        times = departures.get(arrival.plate, [])
        now_ms = arrival.now_utc_ms - start_utc_ms
        place = bisect_right(times, now_ms)
        stay_ms = times[place] - now_ms if place < len(times) else _NEVER_MS
        return by_expected_stay(replace(arrival, stay_ms=stay_ms), around)

    return place


def _departures(trips: Iterable[Trip]) -> Mapping[Plate, list[int]]:
    times: dict[Plate, list[int]] = {}
    for trip in trips:
        if trip.kind == "depart":
            times.setdefault(trip.plate, []).append(trip.at_ms)
    return times
