"""Memory is a fold of events: replay ends where the running program was, and a snapshot is the same."""

from __future__ import annotations

import json
from dataclasses import asdict

from controller.memory import HABITS_KEPT, Memory
from domain.events import CarLeft, CarRegistered, Recorded
from domain.ids import BayId, JobId, Plate
from domain.vehicle import VEHICLE_CLASSES
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
    assert run.memory.seq > 500
    assert len(run.memory.habits) > 20
    assert asdict(load_memory(run.journal)) == live
    state = json.loads(json.dumps(run.memory.to_state()))
    assert asdict(Memory.from_state(state)) == live
    run.journal.save_snapshot(run.memory.seq, START_UTC_MS, run.memory.to_state())
    assert asdict(load_memory(run.journal)) == live


def test_a_snapshot_of_an_earlier_version_has_no_habits_and_is_read() -> None:
    state = Memory().to_state()
    del state["habits"], state["crowd"]

    assert Memory.from_state(state) == Memory()


def test_of_too_many_plates_the_one_seen_least_is_forgotten() -> None:
    memory = Memory()
    for number in range(HABITS_KEPT + 1):
        # The first car comes twice, every other once; the second is the one seen longest ago.
        for _ in range(2 if number == 0 else 1):
            leave_once(memory, f"P{number:04d}", memory.seq * 1000)

    assert len(memory.habits) == HABITS_KEPT
    assert "P0000" in memory.habits
    assert "P0001" not in memory.habits


def leave_once(memory: Memory, plate: str, parked_utc_ms: int) -> None:
    bay = BayId("A-1-01")
    registered = CarRegistered(Plate(plate), VEHICLE_CLASSES["X"], bay, "digest")
    memory.apply(Recorded(memory.seq + 1, parked_utc_ms, registered))
    left_utc_ms = parked_utc_ms + 500
    left = CarLeft(JobId("J000001"), Plate(plate), bay, parked_utc_ms, left_utc_ms)
    memory.apply(Recorded(memory.seq + 1, left_utc_ms, left))
