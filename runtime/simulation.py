"""`garagectl simulate`: days in seconds, and the report about them.

Decides what is measured and how it is summed up. Runs the same scan, codec, journal and soft PLC as
the real thing, in virtual time.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from billing import ledger
from billing.tariff import Permits
from domain.ids import Plate
from runtime.alarm_view import alarm_statistics
from runtime.config import Config
from runtime.database import open_database
from runtime.journal import Journal
from runtime.tally import Tally, mean_wait_s
from runtime.times_view import times_view
from runtime.told import coverage
from runtime.virtual import VirtualRun
from sim.booked import BookingHabits, with_bookings
from sim.demand import DAY_MS, Trip, weekday_trips
from sim.scenario import Residents, initial_cars, place_households
from sim.trace import TraceWriter
from sim.trondheim import trondheim_trips

FIRST_DAY = dt.datetime(2026, 3, 2)
"""A Monday; local midnight of it is plant time 0."""


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """What to simulate."""

    days: int
    seed: int
    demand: Path | None = None
    trace: Path | None = None
    leap: bool = True
    bookings_pct: int | None = None
    """Share of drivers who book; None is the configured one."""
    speed_pct: int = 100
    """How fast the machine that stands there is, of what the configuration says."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Who is parked at the start, who lives here (and has a permit), who comes and goes, and from where we know."""

    residents: Residents
    permits: frozenset[Plate]
    trips: list[Trip]
    source: dict[str, Any]


def start_utc_ms(config: Config) -> int:
    """UTC of plant time 0: local midnight of `FIRST_DAY`."""
    midnight = FIRST_DAY.replace(tzinfo=dt.UTC).timestamp()
    return round(midnight * 1000) - config.site.utc_offset_minutes * 60_000


def demand_of(config: Config, options: SimulationOptions) -> Demand:
    """The built-in weekday profile, or measured sessions; with the bookings of those who book."""
    demand = _unbooked(config, options)
    pct = config.simulation.bookings_pct if options.bookings_pct is None else options.bookings_pct
    trips = with_bookings(
        demand.trips,
        options.seed,
        BookingHabits(pct / 100),
        start_utc_ms=start_utc_ms(config),
        utc_offset_minutes=config.site.utc_offset_minutes,
    )
    return replace(demand, trips=trips)


def _unbooked(config: Config, options: SimulationOptions) -> Demand:
    begin = start_utc_ms(config)
    if options.demand is None:
        residents = initial_cars(config.site, options.seed, config.simulation.cars)
        trips = weekday_trips(
            config.site,
            options.days,
            options.seed,
            config.simulation.trips_per_day,
            start_utc_ms=begin,
            parked=residents.parked,
        )
        return Demand(residents, frozenset(residents.pins), trips, {"source": "built-in weekday profile"})
    measured = trondheim_trips(options.demand, config.site, options.days, options.seed, start_utc_ms=begin)
    residents = place_households(config.site, options.seed, tuple(measured.parked.values()))
    cleaning = measured.cleaning
    source = {
        "source": options.demand.name,
        "first_day": measured.first_day.isoformat(),
        "sessions_used": cleaning.used,
        "sessions_dropped": cleaning.dropped,
        "sessions_merged": cleaning.merged,
    }
    return Demand(residents, frozenset(home.plate for home in measured.households), measured.trips, source)


def with_permits(permits: Permits, plates: Iterable[Plate]) -> Permits:
    """Simulated residents have permits like real ones."""
    return replace(permits, plates=permits.plates | frozenset(plates))


def simulate(
    config: Config, options: SimulationOptions, progress: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """Run the days and return the report; `progress` hears each finished hour of plant time."""
    demand = demand_of(config, options)
    with ExitStack() as stack:
        trace = None
        if options.trace is not None:
            trace = TraceWriter(stack.enter_context(options.trace.open("w", encoding="utf-8")))
        engine = open_database("sqlite://")
        stack.callback(engine.dispose)
        permits = with_permits(config.permits, demand.permits)
        journal = Journal(engine, partial(ledger.post, book=config.tariffs, permits=permits))
        begun_s = time.perf_counter()
        run = VirtualRun(
            config.site,
            demand.residents,
            demand.trips,
            options.seed,
            start_utc_ms(config),
            journal,
            trace=trace,
            leap=options.leap,
            scan_ms=config.scan_ms,
            built=config.site.machine.at_speed(options.speed_pct),
        )
        tally = Tally()
        run.observer = lambda records: tally.hear(records, run.controller.memory)
        for hour in range(1, options.days * 24 + 1):
            run.run_to(hour * DAY_MS // 24)
            if progress is not None:
                progress(hour)
        wall_s = time.perf_counter() - begun_s
        with engine.connect() as connection:
            balances = ledger.trial_balance(connection)
        return _report(options, run, tally, wall_s, balances, demand.source)


def _report(
    options: SimulationOptions,
    run: VirtualRun,
    tally: Tally,
    wall_s: float,
    balances: dict[str, int],
    source: dict[str, Any],
) -> dict[str, Any]:
    waits = sorted(one.wait_ms / 1000 for one in tally.served)
    memory = run.controller.memory
    plcs = [module.image for module in run.controller.modules.values() if module.image is not None]
    violations = run.rig.oracle.violations
    return {
        "seed": options.seed,
        "days": options.days,
        "demand": source,
        "jobs": tally.jobs,
        "jobs_open": sum(len(names) for names in memory.open_jobs.values()),
        "wait_s": {
            "mean": round(sum(waits) / len(waits), 1) if waits else 0.0,
            "p95": round(waits[min(len(waits) - 1, len(waits) * 95 // 100)], 1) if waits else 0.0,
            "max": round(waits[-1], 1) if waits else 0.0,
        },
        "retrieval_wait_s": mean_wait_s(one for one in tally.served if one.kind == "retrieval"),
        "storage_wait_s": mean_wait_s(one for one in tally.served if one.kind == "storage"),
        "estimates": coverage(tally.told),
        "times": [times_view(run.site, layout, memory) for layout in run.site.modules],
        "bookings": {
            "made": tally.bookings_made,
            "kept": tally.bookings_kept,
            "missed": tally.bookings_missed,
            "booked_ready_within_30s_pct": tally.punctual_pct,
            "mean_wait_booked_s": mean_wait_s(one for one in tally.served if one.booked),
            "mean_wait_unbooked_s": mean_wait_s(one for one in tally.served if not one.booked),
        },
        "moves": sum(image.lifts + image.slides for image in plcs),
        "energy_wh": tally.energy_wh,
        "fees_fen": -sum(fen for name, fen in balances.items() if name.startswith("income:")),
        "overdue_jobs": tally.overdue,
        "alarms": alarm_statistics(memory, run.start_utc_ms + run.now_ms),
        "turned_away": run.crowd.turned_away,
        "mode": memory.garage,
        "locked_modules": sorted(name for name, module in memory.modules.items() if module.state != "ready"),
        "violations": len(violations),
        "violation_stories": [f"{v.t_ms} ms {v.module} {v.rule}: {v.story}" for v in violations[:20]],
        "scans": run.scans,
        "events": memory.seq,
        "wall_s": round(wall_s, 3),
        "speedup": round(options.days * DAY_MS / 1000 / wall_s),
        "event_log_sha256": run.event_log_sha256,
    }
