"""Estimates follow the plan, and their intervals what has happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
    found = turns(queue(waiting("J1", "A-1-03")), (), planned_order)
    assert (found[JobId("J1")].open_ms, found[JobId("J1")].ahead) == (TIMES.gate_open_ms, 0)


def test_the_estimate_follows_the_planned_order_and_not_the_order_of_the_requests() -> None:
    asked = queue(waiting("J1", "A-4-05", 5), waiting("J2", "A-1-03", 1))
    planned, as_asked = turns(asked, (), planned_order), turns(asked, (), first_come_order)
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
    waits = [turns(asked, [state], planned_order)[JobId("J1")].open_ms for state in states]
    assert waits == sorted(waits, reverse=True)
    home = turns(asked, [running("returning", 20)], planned_order)[JobId("J1")].open_ms
    assert home < waits[-1]


def test_who_dwells_longer_than_the_mean_is_not_expected_to_leave_at_once() -> None:
    asked = queue(waiting("J1", "A-1-03", 5))
    long_ago = turns(asked, [running("at_gate", 300, opened_ago_ms=292_000)], planned_order)
    assert long_ago[JobId("J1")].open_ms > TIMES.gate_close_ms + TIMES.gate_open_ms


def test_a_pallet_that_stands_by_is_awaited_until_its_minute() -> None:
    asked = queue(waiting("J1", "A-3-07", 5))
    found = turns(asked, [running("standing_by", 20, driver_in_ms=60_000)], planned_order)
    assert found[JobId("J0")].open_ms == 60_000 + TIMES.gate_open_ms
    assert found[JobId("J1")].open_ms > 60_000 + TIMES.dwell_out_ms


def test_the_ground_level_is_served_past_a_pallet_that_stands_by_until_its_driver_comes() -> None:
    asked = queue(waiting("J1", "A-1-03", 5), waiting("J2", "A-3-07", 5))
    found = turns(asked, [running("standing_by", 20, driver_in_ms=30_000)], planned_order)
    assert (found[JobId("J1")].open_ms, found[JobId("J1")].ahead) == (TIMES.gate_open_ms, 0)
    gone_ms = TIMES.gate_open_ms + TIMES.dwell_out_ms + TIMES.gate_close_ms
    assert (found[JobId("J0")].open_ms, found[JobId("J0")].ahead) == (gone_ms + TIMES.gate_open_ms, 1)
    assert (found[JobId("J2")].ahead, found[JobId("J2")].dwells) == (2, 2)
    assert found[JobId("J2")].open_ms > found[JobId("J0")].open_ms + TIMES.dwell_out_ms


def test_a_driver_who_is_there_is_met_before_a_booked_pallet_whose_driver_is_not() -> None:
    there = replace(running("standing_by", 20, bay="A-1-03"), job=JobId("J1"))
    found = turns(queue(), [running("delivering", driver_in_ms=60_000), there], planned_order)
    lowered_ms = TIMES.lower_ms[4]
    assert (found[JobId("J1")].open_ms, found[JobId("J1")].ahead) == (lowered_ms + TIMES.gate_open_ms, 0)
    gone_ms = found[JobId("J1")].open_ms + TIMES.dwell_out_ms + TIMES.gate_close_ms
    assert found[JobId("J0")].open_ms == max(gone_ms, 60_000) + TIMES.gate_open_ms


def test_a_booked_driver_of_the_ground_level_is_met_past_the_pallet_of_who_has_left() -> None:
    there = replace(running("standing_by", 20, bay="A-1-03"), job=JobId("J1"))
    leaving = running("at_gate", 48, opened_ago_ms=40_000, shutting=True)
    asked = queue(waiting("J2", "A-3-07", 5))
    found = turns(asked, [leaving, there], planned_order)
    assert found[JobId("J1")].open_ms == TIMES.gate_close_ms + TIMES.gate_open_ms
    assert (found[JobId("J1")].ahead, found[JobId("J1")].dwells) == (1, 0)
    # and the pallet goes home when the next one from above is wanted
    gone_ms = found[JobId("J1")].open_ms + TIMES.dwell_out_ms + TIMES.gate_close_ms
    assert found[JobId("J2")].open_ms >= gone_ms + TIMES.raise_ms[4] + TIMES.lower_ms[3]


def test_the_pallet_of_who_has_left_goes_home_while_the_next_booked_driver_is_on_the_way() -> None:
    coming = replace(running("standing_by", 20, bay="A-1-03", driver_in_ms=10_000), job=JobId("J1"))
    leaving = running("at_gate", 48, opened_ago_ms=40_000, shutting=True)
    found = turns(queue(), [leaving, coming], planned_order)
    assert TIMES.gate_close_ms < 10_000 < TIMES.gate_close_ms + TIMES.raise_ms[4]
    assert found[JobId("J1")].open_ms == TIMES.gate_close_ms + TIMES.raise_ms[4] + TIMES.gate_open_ms


def test_a_job_that_is_nearly_done_leaves_nothing_uncertain() -> None:
    asked = queue(waiting("J1", "A-1-03", 5), waiting("J2", "A-4-05", 5))
    for state, dwells in (
        (running("delivering"), 1),
        (running("at_gate", 30, opened_ago_ms=22_000), 1),
        (running("at_gate", 48, opened_ago_ms=40_000, shutting=True), 0),
        (running("returning", 20, opened_ago_ms=60_000), 0),
    ):
        found = turns(asked, [state], planned_order)
        assert [(due.ahead, due.dwells) for name, due in found.items() if name != "J0"] == [
            (1, dwells),
            (2, dwells + 1),
        ]


def test_slides_that_are_measured_slower_take_longer_in_the_estimate_too() -> None:
    slower = replace(TIMES, slide_ms=TIMES.slide_ms + 5000)
    asked = queue(waiting("J1", "A-1-03", 5))
    far = running("preparing", bay="A-4-01")
    paper, learnt = turns(asked, [far], planned_order), turns(replace(asked, times=slower), [far], planned_order)
    assert 4990 <= learnt[JobId("J0")].open_ms - paper[JobId("J0")].open_ms <= 5200


@pytest.mark.parametrize("dwells", [0, 1, 2, 5])
def test_before_there_is_enough_the_interval_is_the_nominal_one(dwells: int) -> None:
    told = Calibration().estimate(dwells, 3, 100_000)
    assert told.low_ms < told.wait_ms == 100_000 < told.high_ms
    assert told.spread_ms >= Calibration().estimate(0, 3, 100_000).spread_ms


def lived(dwells: int, late: Callable[[Random], float], drivers: int = 1200) -> tuple[Calibration, float, float]:
    """What is known after so many drivers, how many of them lay in their interval, and how many waited less than told.

    The first two hundred are not counted.
    """
    rng = Random(5)
    known, inside, less = Calibration(), 0, 0
    for number in range(drivers):
        planned_ms = rng.randint(130_000, 200_000)
        real_ms = planned_ms + round(late(rng))
        told = known.estimate(dwells, 3, planned_ms)
        if number >= 200:
            inside += told.low_ms <= real_ms <= told.high_ms
            less += real_ms < told.wait_ms
        known = known.learnt(dwells, 3, planned_ms, real_ms)
    return known, inside / (drivers - 200), less / (drivers - 200)


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(lambda rng: rng.gauss(4000, 20_000), id="a little late"),
        pytest.param(lambda rng: 10_000 + rng.expovariate(1 / 15_000), id="always late, sometimes very"),
        pytest.param(lambda rng: -rng.uniform(5_000, 60_000), id="always early"),
    ],
)
@pytest.mark.parametrize("dwells", [0, 1, 7])
def test_four_of_five_waits_lie_in_the_interval_and_half_below_what_is_told(
    dwells: int, late: Callable[[Random], float]
) -> None:
    _, inside, less = lived(dwells, late)
    assert 0.77 <= inside <= 0.85
    assert 0.45 <= less <= 0.55


def test_constant_lateness_is_told_exactly() -> None:
    known, inside, _ = lived(0, lambda rng: 700)
    told = known.estimate(0, 3, 60_000)
    assert (told.low_ms, told.wait_ms, told.high_ms, inside) == (60_700, 60_700, 60_700, 1.0)


def test_a_rare_class_takes_what_other_waits_for_people_have_shown() -> None:
    known, _, _ = lived(1, lambda rng: rng.gauss(8000, 10_000))
    one, four = known.estimate(1, 3, 300_000), known.estimate(4, 3, 300_000)
    assert four.high_ms - four.low_ms == pytest.approx(2 * (one.high_ms - one.low_ms), abs=2)
    assert known.estimate(0, 3, 300_000) == Calibration().estimate(0, 3, 300_000)


def test_on_the_ground_hardly_anybody_is_overtaken_and_the_interval_says_so() -> None:
    rng = Random(7)
    known = Calibration()
    for number in range(400):
        overtaken_ms = 90_000 if number % 3 == 0 else 0
        known = known.learnt(1, 1, 60_000, 60_000 + round(rng.gauss(0, 9000)))
        known = known.learnt(1, 4, 60_000, 60_000 + round(rng.gauss(0, 9000)) + overtaken_ms)
    assert known.estimate(1, 1, 60_000).high_ms < 80_000 < known.estimate(1, 4, 60_000).high_ms


DRIVERS = st.tuples(st.integers(0, 5), st.integers(1, 4), st.integers(0, 500_000), st.integers(0, 5_000_000))


@given(st.lists(DRIVERS, max_size=KEPT + 20))
def test_what_is_remembered_is_bounded_and_survives_a_snapshot(seen: list[tuple[int, int, int, int]]) -> None:
    known = Calibration()
    for dwells, level, planned_ms, real_ms in seen:
        known = known.learnt(dwells, level, planned_ms, real_ms)
    assert all(len(scores) <= KEPT for scores in known.scores)
    assert Calibration.from_state([list(scores) for scores in known.scores]) == known
    for dwells in range(6):
        told = known.estimate(dwells, 1 + dwells % 4, 60_000)
        assert 0 <= told.low_ms <= told.wait_ms <= told.high_ms
    assert ENOUGH < KEPT


def test_scores_by_other_classes_are_learnt_anew() -> None:
    assert Calibration.from_state([[1000] * 50, [], []]) == Calibration()
