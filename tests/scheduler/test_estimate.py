"""Estimates follow the plan, and their intervals what has happened."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import BayId, JobId, parse_bay
from domain.machine import Machine
from scheduler.calibration import ENOUGH, KEPT, Calibration
from scheduler.estimate import Running, turns
from scheduler.measured import nominal
from scheduler.online import first_come_order, planned_order
from tests.scheduler.test_online import LAYOUT, queue, waiting

TIMES = nominal(LAYOUT, Machine())


def running(
    state: str,
    elapsed_s: int = 0,
    *,
    bay: str = "A-4-05",
    opened_ago_ms: int | None = None,
    shutting: bool = False,
    driver_in_ms: int = 0,
) -> Running:
    where = parse_bay(BayId(bay))
    return Running(
        JobId("J0"),
        "retrieval",
        where,
        state,
        elapsed_s * 1000,
        opened_ago_ms=opened_ago_ms,
        shutting=shutting,
        driver_in_ms=driver_in_ms,
    )


def test_a_ground_pallet_needs_its_gate_only() -> None:
    found = turns(queue(waiting("J1", "A-1-03")), None, planned_order)
    assert (found[JobId("J1")].open_ms, found[JobId("J1")].ahead) == (TIMES.gate_open_ms, 0)


def test_the_estimate_follows_the_planned_order_and_not_the_order_of_the_requests() -> None:
    asked = queue(waiting("J1", "A-4-05", 5), waiting("J2", "A-1-03", 1))
    planned, as_asked = turns(asked, None, planned_order), turns(asked, None, first_come_order)
    assert planned[JobId("J2")].ahead == 0 and planned[JobId("J1")].ahead == 1
    assert as_asked[JobId("J1")].ahead == 0 and as_asked[JobId("J2")].ahead == 1
    assert planned[JobId("J2")].open_ms < as_asked[JobId("J2")].open_ms


def test_the_estimate_shrinks_as_the_job_under_way_gets_on() -> None:
    asked = queue(waiting("J1", "A-3-07", 5))
    states = (
        running("preparing"),
        running("preparing", 10),
        running("delivering"),
        running("delivering", 20),
        running("at_gate"),
        running("at_gate", 8, opened_ago_ms=0),
        running("at_gate", 30, opened_ago_ms=22_000),
        running("at_gate", 48, opened_ago_ms=40_000, shutting=True),
    )
    waits = [turns(asked, state, planned_order)[JobId("J1")].open_ms for state in states]
    assert waits == sorted(waits, reverse=True)
    home = turns(asked, running("returning", 20), planned_order)[JobId("J1")].open_ms
    assert home < waits[-1]


def test_who_dwells_longer_than_the_mean_is_not_expected_to_leave_at_once() -> None:
    asked = queue(waiting("J1", "A-1-03", 5))
    long_ago = turns(asked, running("at_gate", 300, opened_ago_ms=292_000), planned_order)
    assert long_ago[JobId("J1")].open_ms > TIMES.gate_close_ms + TIMES.gate_open_ms


def test_a_pallet_that_stands_by_is_awaited_until_its_minute() -> None:
    asked = queue(waiting("J1", "A-3-07", 5))
    found = turns(asked, running("standing_by", 20, driver_in_ms=60_000), planned_order)
    assert found[JobId("J0")].open_ms == 60_000 + TIMES.gate_open_ms
    assert found[JobId("J1")].open_ms > 60_000 + TIMES.dwell_out_ms


@pytest.mark.parametrize("ahead", [0, 1, 2, 5])
def test_before_there_is_enough_the_interval_is_the_nominal_one(ahead: int) -> None:
    low_ms, high_ms = Calibration().interval_ms(ahead, 100_000)
    assert low_ms < 100_000 < high_ms
    assert high_ms - low_ms >= (Calibration().interval_ms(0, 100_000)[1] - 100_000) * 2


def test_after_some_drivers_four_of_five_waits_lie_in_the_interval() -> None:
    rng = Random(5)
    known, inside = Calibration(), 0
    for number in range(1200):
        planned_ms = rng.randint(30_000, 200_000)
        real_ms = planned_ms + round(rng.gauss(4000, 20_000))
        low_ms, high_ms = known.interval_ms(1, planned_ms)
        inside += number >= 200 and low_ms <= real_ms <= high_ms
        known = known.learnt(1, planned_ms, real_ms)
    assert 0.77 <= inside / 1000 <= 0.85


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 500_000), st.integers(0, 5_000_000)), max_size=KEPT + 20))
def test_what_is_remembered_is_bounded_survives_a_snapshot_and_holds_the_plan(seen: list[tuple[int, int, int]]) -> None:
    known = Calibration()
    for ahead, planned_ms, real_ms in seen:
        known = known.learnt(ahead, planned_ms, real_ms)
    assert all(len(late) <= KEPT for late in known.late_ms)
    assert Calibration.from_state([list(late) for late in known.late_ms]) == known
    low_ms, high_ms = known.interval_ms(0, 60_000)
    assert 0 <= low_ms <= 60_000 <= high_ms
    assert ENOUGH < KEPT
