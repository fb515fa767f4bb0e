"""Memory is a fold of events: replay ends where the running program was, and a snapshot is the same."""

from __future__ import annotations

import json
from dataclasses import asdict

from controller.memory import Memory
from runtime.application import load_memory
from sim.demand import weekday_trips
from sim.scenario import initial_cars
from tests.garage_run import START_UTC_MS, GarageRun
from tests.sites import default_site


def busy_morning() -> GarageRun:
    site = default_site()
    residents = initial_cars(site, 3, 120)
    trips = weekday_trips(site, 1, 3, start_utc_ms=START_UTC_MS, parked=residents.parked)
    run = GarageRun(site, trips=trips, residents=residents, seed=3)
    run.run.run_to(9 * 3_600_000)
    return run


def test_replaying_the_journal_rebuilds_the_memory_and_so_does_a_snapshot() -> None:
    run = busy_morning()
    live = asdict(run.memory)
    assert run.memory.seq > 1000
    assert asdict(load_memory(run.journal)) == live
    state = json.loads(json.dumps(run.memory.to_state()))
    assert asdict(Memory.from_state(state)) == live
    run.journal.save_snapshot(run.memory.seq, START_UTC_MS, run.memory.to_state())
    assert asdict(load_memory(run.journal)) == live
