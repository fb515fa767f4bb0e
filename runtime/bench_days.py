"""Days of the online benchmark, run through the real controller in virtual time.

Decides how a garage is brought to where the counted days begin, which requests they have, and what is noted of
them. What is compared is `runtime.bench_families`; how it is summed up `runtime.bench_online`.

A garage first lives through ordinary weekdays with the policy, so that its cars stand where that policy puts them and
its memory knows their habits. The counted days begin at three in the night from that state.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from controller.memory import Memory
from domain.events import JobAdvanced, Recorded
from domain.grid import Columns
from domain.ids import BayId, JobId, ModuleId, parse_bay
from domain.site import Site
from runtime.bench_families import Draw, Family, family_named, policy_named, takes_bookings
from runtime.clairvoyant import Judged, Request, busy_spells, judge
from runtime.config import Config
from runtime.simulation import start_utc_ms
from runtime.tally import Tally
from runtime.told import ToldWait
from runtime.virtual import VirtualRun, digest
from scheduler.policy import Policy
from scheduler.sequence import Chosen, Queue
from sim.booked import with_bookings
from sim.demand import DAY_MS, HOUR_MS, Trip, weekday_trips
from sim.households import Household, draw_plate, draw_vehicle
from sim.scenario import Residents, initial_cars
from sim.streams import Stream, fork, number_of

SEAM_H = 3
"""The local hour at which counted days begin: hardly anybody drives."""

RUSH_H = 7.5
_SETTLE_MS = HOUR_MS // 2
_DRAIN_MS = 4 * HOUR_MS
_PIN = "123456"
WMS_PER_KWH = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Begin:
    """A garage at a seam: what it remembers, and which cars stand where."""

    memory: dict[str, Any]
    residents: Residents


@dataclass(frozen=True, slots=True)
class WarmUp:
    """The weekdays before the counted ones."""

    config: Config
    policy: str
    seed: int
    days: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Counted days of one family under one policy. `draw` numbers the drawn rushes of a seed."""

    config: Config
    family: str
    policy: str
    seed: int
    warm_days: int
    days: int
    draw: int
    begin: Begin


@dataclass(frozen=True, slots=True)
class Waited:
    """One driver for whom the gate opened: day of the cell, local hour, level, and the wait."""

    kind: str
    day: int
    hour: float
    level: int
    booked: bool
    wait_ms: int


@dataclass(frozen=True, slots=True)
class Spent:
    """How long one choice of the next job took: by the clock, and the processor's time for it."""

    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Lived:
    """What was noted of a cell."""

    family: str
    policy: str
    seed: int
    draw: int
    days: int
    waited: tuple[Waited, ...]
    unserved: int
    judged: tuple[Judged, ...]
    decisions: tuple[Spent, ...]
    moves: int
    motors_kwh: float
    jobs: int
    booked_due: int
    booked_in_time: int
    told: tuple[ToldWait, ...]
    violations: tuple[str, ...]


class KeepsNothing:
    """A store for runs whose events nobody reads again."""

    def append(self, recorded: Sequence[Recorded]) -> None:
        """Forget them."""


@dataclass(slots=True)
class _Watch:
    """Notes what the benchmark needs of a run while it goes on."""

    run: VirtualRun
    tally: Tally = field(default_factory=Tally)
    begun: dict[JobId, tuple[Columns, BayId | None]] = field(default_factory=dict)
    free_ms: dict[JobId, int] = field(default_factory=dict)

    def hear(self, records: tuple[Recorded, ...]) -> None:
        memory = self.run.controller.memory
        self.tally.hear(records, memory)
        for record in records:
            match record.event:
                case JobAdvanced(job=name, state="preparing"):
                    module = memory.jobs[name].module
                    self.begun[name] = self.run.controller.modules[module].columns, memory.module(module).down
                case JobAdvanced(job=name, state="done"):
                    self.free_ms[name] = record.utc_ms

    def requests(self, module: ModuleId) -> list[Request]:
        """Who was served in a module."""
        return [
            Request(
                one.job,
                one.kind,
                one.bay,
                one.waits_from_utc_ms,
                one.opened_utc_ms,
                self.free_ms[one.job],
                *self.begun[one.job],
            )
            for one in self.tally.served
            if one.module == module and one.job in self.free_ms
        ]


def warm_up(task: WarmUp) -> Begin:
    """Live through ordinary weekdays; the garage as it is at the seam after them."""
    site = replace(task.config.site, spots=())
    residents = initial_cars(site, task.seed, task.config.simulation.cars)
    seam_ms = task.days * DAY_MS + SEAM_H * HOUR_MS
    trips = [trip for trip in _weekdays(task.config, task.seed, task.days + 1) if trip.at_ms < seam_ms - _SETTLE_MS]
    run = VirtualRun(
        site,
        residents,
        trips,
        task.seed,
        start_utc_ms(task.config),
        KeepsNothing(),
        policy=policy_named(task.policy),
        scan_ms=task.config.scan_ms,
    )
    run.run_to(seam_ms)
    return _begin(run.controller.memory, residents)


def live(cell: Cell) -> Lived:
    """Run the counted days of a cell."""
    family = family_named(cell.family)
    site = family.site(cell.config.site)
    begin = _filled(cell.begin, site, cell.seed) if family.draw is Draw.ALL else cell.begin
    begin_utc_ms = start_utc_ms(cell.config) + cell.warm_days * DAY_MS + SEAM_H * HOUR_MS
    trips = _trips(cell, family, site, begin)
    offset = site.utc_offset_minutes
    planned = with_bookings(trips, cell.seed, family.bookings, start_utc_ms=begin_utc_ms, utc_offset_minutes=offset)
    if not takes_bookings(cell.policy):
        planned = [replace(trip, due_utc_ms=None) for trip in planned if trip.kind != "book"]
    decisions: list[Spent] = []
    run = VirtualRun(
        site,
        begin.residents,
        planned,
        cell.seed,
        begin_utc_ms,
        KeepsNothing(),
        policy=_timed(policy_named(cell.policy), decisions),
        scan_ms=cell.config.scan_ms,
        remembered=Memory.from_state(begin.memory),
    )
    watch = _Watch(run)
    run.observer = watch.hear
    run.run_to((planned[-1].at_ms if planned else 0) + _DRAIN_MS)
    return _lived(cell, family, watch, planned, decisions)


def _lived(cell: Cell, family: Family, watch: _Watch, planned: list[Trip], decisions: list[Spent]) -> Lived:
    run, tally = watch.run, watch.tally
    images = [module.image for module in run.controller.modules.values() if module.image is not None]
    wished = sum(trip.kind in ("arrive", "depart") for trip in planned)
    return Lived(
        family=cell.family,
        policy=cell.policy,
        seed=cell.seed,
        draw=cell.draw,
        days=cell.days,
        waited=tuple(_waited(run, tally)),
        unserved=max(0, wished - len(tally.served)),
        judged=tuple(_judged(watch)) if family.has_clairvoyant else (),
        decisions=tuple(decisions),
        moves=sum(image.lifts + image.slides for image in images),
        motors_kwh=sum(module.energy_wms for module in run.rig.plant.modules.values()) / WMS_PER_KWH,
        jobs=tally.jobs,
        booked_due=len(tally.called) + tally.lapsed,
        booked_in_time=tally.punctual,
        told=tuple(tally.told),
        violations=tuple(f"{v.t_ms} ms {v.module} {v.rule}: {v.story}" for v in run.rig.oracle.violations),
    )


def _judged(watch: _Watch) -> Iterator[Judged]:
    site = watch.run.site
    for layout in site.modules:
        for spell in busy_spells(watch.requests(layout.id)):
            yield judge(layout, site.machine, spell, site.patience.age_bound_ms)


def _waited(run: VirtualRun, tally: Tally) -> list[Waited]:
    found = []
    for one in tally.served:
        since_ms = one.waits_from_utc_ms - run.start_utc_ms
        hour = (since_ms + SEAM_H * HOUR_MS) % DAY_MS / HOUR_MS
        level = parse_bay(one.bay).level
        found.append(Waited(one.kind, since_ms // DAY_MS, hour, level, one.booked, one.wait_ms))
    return found


def _timed(policy: Policy, spent: list[Spent]) -> Policy:
    """The same policy; how long each choice of the next job took is noted."""

    def sequencer(queue: Queue) -> Chosen:
        begun_ns, busy_ns = time.perf_counter_ns(), time.thread_time_ns()
        chosen = policy.sequencer(queue)
        busy_ns = time.thread_time_ns() - busy_ns
        spent.append(Spent((time.perf_counter_ns() - begun_ns) / 1e6, busy_ns / 1e6))
        return chosen

    return replace(policy, sequencer=sequencer)


# --- where the counted days begin -------------------------------------------------------------------


def _begin(memory: Memory, residents: Residents) -> Begin:
    """The state at a seam: everything at rest, and one PIN for all cars."""
    if memory.open_jobs:
        raise RuntimeError(f"jobs are still open at the seam: {memory.open_jobs}")
    known = residents.parked
    state = memory.to_state()
    for module in state["modules"].values():
        module.update(down=None, motions={}, unfinished={})
    homes = {}
    for plate, car in memory.parked.items():
        state["parked"][plate]["pin_digest"] = digest(plate, _PIN)
        home = known.get(plate) or Household(f"V-{plate}", plate, car.vehicle, _PIN, 0.5)
        homes[car.bay] = replace(home, pin=_PIN)
    return Begin(state, Residents(homes))


def _filled(begin: Begin, site: Site, seed: int) -> Begin:
    """The same garage with a car in every bay."""
    dice = fork(seed, Stream.RUSH, 0, 1)
    homes = dict(begin.residents.households)
    memory = Memory.from_state(begin.memory)
    state = memory.to_state()
    for layout in site.modules:
        for bay in layout.bay_names:
            if bay in homes or bay in layout.dead:
                continue
            vehicle = draw_vehicle(site, dice)
            while layout.misfits(vehicle, parse_bay(bay).level):
                vehicle = draw_vehicle(site, dice)
            plate = draw_plate(dice, letters="S")
            homes[bay] = Household(f"S-{bay}", plate, vehicle, _PIN, 0.5)
            car = {"plate": plate, "vehicle": _sizes(vehicle), "bay": bay, "since_utc_ms": 0}
            state["parked"][plate] = {**car, "pin_digest": digest(plate, _PIN)}
    return Begin(state, Residents(homes))


def _sizes(vehicle: Any) -> dict[str, Any]:
    names = ("class_code", "length_mm", "width_mm", "height_mm", "mass_kg")
    return {name: getattr(vehicle, name) for name in names}


# --- requests -----------------------------------------------------------------------------------------


def _weekdays(config: Config, seed: int, days: int) -> list[Trip]:
    """Weekday trips from the very first day on, without the cars that only charge."""
    site = replace(config.site, spots=())
    parked = initial_cars(site, seed, config.simulation.cars).parked
    trips = weekday_trips(
        site, days, seed, config.simulation.trips_per_day, start_utc_ms=start_utc_ms(config), parked=parked
    )
    return [trip for trip in trips if trip.kind != "charge"]


def _trips(cell: Cell, family: Family, site: Site, begin: Begin) -> list[Trip]:
    if family.draw is not Draw.WEEKDAY:
        return _rush(cell, family, site, begin)
    seam_ms = cell.warm_days * DAY_MS + SEAM_H * HOUR_MS
    trips = _weekdays(cell.config, cell.seed, cell.warm_days + cell.days + 1)
    counted = [
        replace(trip, at_ms=max(0, trip.at_ms - seam_ms)) for trip in trips if trip.at_ms >= seam_ms - _SETTLE_MS
    ]
    return [trip for trip in counted if trip.at_ms < cell.days * DAY_MS]


def _rush(cell: Cell, family: Family, site: Site, begin: Begin) -> list[Trip]:
    """Departures only: from every module so many, and those who drive often are likelier to be among them."""
    trips = []
    for number, layout in enumerate(site.modules, start=1):
        dice = fork(cell.seed, Stream.RUSH, cell.draw, number)
        homes = [home for bay, home in sorted(begin.residents.households.items()) if bay in layout.offset]
        count = len(homes) if family.draw is Draw.ALL else min(family.per_module, len(homes))
        times = sorted(_rush_ms(family, dice.random(), dice.gauss(0, 1)) for _ in range(count))
        # The largest of u ** (1 / weight) are a weighted sample, the same for every policy and bay.
        leaving = sorted(homes, key=lambda home: (-_rank(cell, home), home.plate))[:count]
        dice.shuffle(leaving)
        trips += [
            Trip(at_ms, "depart", home.plate, home.vehicle, home.name)
            for at_ms, home in zip(times, leaving, strict=True)
        ]
    return sorted(trips, key=lambda trip: (trip.at_ms, trip.plate))


def _rank(cell: Cell, home: Household) -> float:
    chance = fork(cell.seed, Stream.RUSH, cell.draw, number_of(home.plate)).random()
    return float(chance ** (1 / max(home.outings_ratio, 0.01)))


def _rush_ms(family: Family, even: float, normal: float) -> int:
    begin_ms = round((RUSH_H - SEAM_H) * HOUR_MS)
    match family.draw:
        case Draw.NORMAL:
            return max(0, begin_ms + round(normal * family.spread_ms))
        case Draw.EVEN:
            return begin_ms + round(even * family.spread_ms)
        case _:
            return begin_ms + round(even * 60_000)
