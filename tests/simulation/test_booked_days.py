"""Booked departures lived through: kept, early, late, never; and what the report says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from domain.events import BookingAdvanced, StanceTaken
from domain.ids import Plate
from runtime.config import load
from runtime.simulation import SimulationOptions, simulate
from runtime.tally import Tally
from scheduler.policy import Policy
from scheduler.sequence import Chosen, Queue, first_come_first_served
from sim.demand import HOUR_MS, Trip
from tests.garage_run import SEDAN, START_UTC_MS, GarageRun
from tests.sites import module_layout, site_of

ANNA = Plate("京A12345")
DUE_MS = 2 * HOUR_MS
MINUTE_MS = 60_000


def two_minutes_ahead(queue: Queue) -> Chosen:
    """First come, first served, but a booked pallet comes down before its minute."""
    chosen = first_come_first_served(queue)
    return replace(chosen, begin_utc_ms=max(queue.now_utc_ms, chosen.begin_utc_ms - 2 * MINUTE_MS))


def booked_at_two(late_ms: int | None) -> tuple[GarageRun, Tally]:
    """Anna's car stands high up; she books two o'clock and comes so much later, or never."""
    trips = [Trip(HOUR_MS, "book", ANNA, SEDAN, "H-001", due_utc_ms=START_UTC_MS + DUE_MS)]
    if late_ms is not None:
        trips.append(Trip(DUE_MS + late_ms, "depart", ANNA, SEDAN, "H-001"))
    site = site_of(module_layout("A", 4, (2150, 1700, 2150)))
    garage = GarageRun(site, {"A-3-02": ANNA}, trips, policy=Policy(sequencer=two_minutes_ahead))
    garage.wait(4 * HOUR_MS)
    tally = Tally()
    tally.hear(garage.events, garage.memory)
    assert garage.violations == []
    assert not garage.memory.open_jobs
    return garage, tally


def states(garage: GarageRun) -> list[str]:
    return [event.state for event in garage.heard(BookingAdvanced) if isinstance(event, BookingAdvanced)]


def test_a_punctual_driver_waits_for_the_gate_only() -> None:
    garage, tally = booked_at_two(MINUTE_MS)
    assert states(garage) == ["called", "kept"]
    (served,) = tally.served
    assert served.booked
    assert served.wait_ms < garage.run.site.machine.gate_ms + 1000
    assert (tally.bookings_made, tally.bookings_kept, tally.punctual_pct) == (1, 1, 100.0)
    assert ANNA not in garage.memory.parked


def test_an_early_driver_finds_the_gate_open_before_the_minute_and_has_not_waited() -> None:
    garage, tally = booked_at_two(-MINUTE_MS)
    assert states(garage) == ["called", "kept"]
    assert tally.served[0].opened_utc_ms < START_UTC_MS + DUE_MS
    assert tally.served[0].wait_ms == 0
    assert tally.punctual_pct == 100.0


def test_a_driver_who_never_comes_misses_the_booking_and_the_car_goes_home() -> None:
    garage, tally = booked_at_two(None)
    assert states(garage) == ["called", "missed"]
    assert tally.served == []
    assert (tally.bookings_missed, tally.punctual_pct) == (1, 100.0)
    assert garage.memory.parked[ANNA].bay == "A-3-02"
    assert garage.module().down is None


def test_a_driver_half_an_hour_late_is_served_like_anybody_else() -> None:
    garage, tally = booked_at_two(30 * MINUTE_MS)
    assert states(garage) == ["called", "missed"]
    (served,) = tally.served
    assert not served.booked
    assert served.wait_ms > garage.run.site.machine.gate_ms
    assert ANNA not in garage.memory.parked


@pytest.mark.parametrize("late_ms", range(5 * MINUTE_MS - 2000, 5 * MINUTE_MS + 40_000, 7000))
def test_a_driver_who_comes_while_the_pallet_is_sent_home_is_served_without_asking_again(late_ms: int) -> None:
    garage, tally = booked_at_two(late_ms)
    (served,) = tally.served
    assert served.opened_utc_ms - (START_UTC_MS + DUE_MS + late_ms) < 2 * MINUTE_MS
    assert ANNA not in garage.memory.parked


def test_bookings_shorten_the_days_waits_and_are_the_same_again_from_the_same_seed() -> None:
    config = load(Path("config.yaml"))
    config = replace(config, simulation=replace(config.simulation, cars=60, trips_per_day=40))
    none, some, again = (simulate(config, SimulationOptions(1, 5, bookings_pct=percent)) for percent in (0, 60, 60))
    assert none["bookings"]["made"] == 0
    assert some["bookings"]["made"] > 10
    assert some["bookings"]["made"] == some["bookings"]["kept"] + some["bookings"]["missed"]
    assert some["bookings"]["mean_wait_booked_s"] < some["bookings"]["mean_wait_unbooked_s"]
    assert some["event_log_sha256"] == again["event_log_sha256"] != none["event_log_sha256"]
    assert none["violations"] == some["violations"] == 0


def test_rows_do_not_slide_to_and_fro_between_two_cars_booked_for_one_minute() -> None:
    bo = Plate("京B67890")
    due_utc_ms = START_UTC_MS + DUE_MS + 6 * HOUR_MS
    trips = [Trip(HOUR_MS, "book", plate, SEDAN, "H-001", due_utc_ms=due_utc_ms) for plate in (ANNA, bo)]
    garage = GarageRun(site_of(module_layout("A", 6)), {"A-4-01": ANNA, "A-4-05": bo}, trips)
    garage.wait(9 * HOUR_MS)
    taken = [event.bay for event in garage.heard(StanceTaken) if isinstance(event, StanceTaken)]
    assert len(taken) <= 1
    assert garage.module().state == "ready"
    assert garage.violations == []
