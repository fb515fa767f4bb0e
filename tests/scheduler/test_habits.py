"""What departures teach: how often, when, how long."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import Plate
from scheduler.habits import (
    DAY_MS,
    HALF_LIFE_DAYS,
    HOUR_MS,
    UNKNOWN_CROWD,
    Habit,
    chance_to_leave,
    expected_stay_ms,
    faintest,
    hourly_hazard,
    learn_crowd,
    learn_departure,
    leaves_per_day,
    told,
)

MONDAY_UTC_MS = 20_000 * DAY_MS


def commuter(days: int, every: int = 1, hour: float = 7.0) -> Habit:
    """Leaves at this hour on every so many-th day, and is out for 11 hours."""
    habit = None
    for day in range(every, days + 1, every):
        left_utc_ms = MONDAY_UTC_MS + day * DAY_MS + round(hour * HOUR_MS)
        habit = learn_departure(habit, left_utc_ms - every * DAY_MS + 11 * HOUR_MS, left_utc_ms)
    assert habit is not None
    return habit


def crowd_of(days: int) -> Habit:
    """Three kinds of cars, watched for so many days."""
    crowd = UNKNOWN_CROWD
    known: dict[tuple[int, float], Habit] = {}
    for day in range(1, days + 1):
        for every, hour in ((1, 7.2), (2, 8.5), (4, 15.0)):
            if day % every == 0:
                left_utc_ms = MONDAY_UTC_MS + day * DAY_MS + round(hour * HOUR_MS)
                parked_utc_ms = left_utc_ms - every * DAY_MS + 11 * HOUR_MS
                habit = known.get((every, hour))
                crowd = learn_crowd(crowd, habit, parked_utc_ms, left_utc_ms)
                known[every, hour] = learn_departure(habit, parked_utc_ms, left_utc_ms)
    return crowd


CROWD = crowd_of(60)


def test_a_newcomer_is_expected_to_do_what_cars_here_do() -> None:
    assert leaves_per_day(None, CROWD, MONDAY_UTC_MS) == pytest.approx((1 + 0.5 + 0.25) / 3, rel=0.1)
    assert "not seen to leave yet" in told(None, CROWD, MONDAY_UTC_MS).text("en")


@pytest.mark.parametrize(("every", "rate"), [(1, 1.0), (2, 0.5), (7, 1 / 7)])
def test_how_often_a_car_leaves_is_learnt_within_two_months(every: int, rate: float) -> None:
    now_utc_ms = MONDAY_UTC_MS + 56 * DAY_MS + 20 * HOUR_MS

    assert leaves_per_day(commuter(56, every), CROWD, now_utc_ms) == pytest.approx(rate, rel=0.15, abs=0.06)


def test_the_morning_of_a_commuter_is_foreseen() -> None:
    habit = commuter(28)
    evening_utc_ms = MONDAY_UTC_MS + 28 * DAY_MS + 19 * HOUR_MS

    assert chance_to_leave(habit, CROWD, evening_utc_ms, 8 * HOUR_MS) < 0.1
    assert chance_to_leave(habit, CROWD, evening_utc_ms, 14 * HOUR_MS) > 0.75
    assert 11 * HOUR_MS < expected_stay_ms(habit, CROWD, evening_utc_ms) < 20 * HOUR_MS
    assert told(habit, CROWD, evening_utc_ms, 480).text("en") == "leaves 0.9 times a day, mostly about 14:30"


def test_who_leaves_seldom_stays_long() -> None:
    now_utc_ms = MONDAY_UTC_MS + 56 * DAY_MS + 19 * HOUR_MS

    seldom = expected_stay_ms(commuter(56, 7), CROWD, now_utc_ms)

    assert seldom > 2 * expected_stay_ms(None, CROWD, now_utc_ms)


def test_a_new_job_shows_within_a_half_life() -> None:
    habit = commuter(56, hour=7.0)
    for day in range(57, 57 + round(HALF_LIFE_DAYS) + 7):
        left_utc_ms = MONDAY_UTC_MS + day * DAY_MS + 21 * HOUR_MS
        habit = learn_departure(habit, left_utc_ms - 13 * HOUR_MS, left_utc_ms)

    assert told(habit, CROWD, habit.at_utc_ms).text("en").endswith(("about 20:30", "about 21:30"))


def test_a_car_unseen_for_long_is_like_any_other_that_seldom_leaves() -> None:
    habit = commuter(28)
    year_later = habit.at_utc_ms + 365 * DAY_MS

    assert leaves_per_day(habit, CROWD, year_later) < 0.2
    fresh = learn_departure(None, year_later - DAY_MS, year_later)
    assert faintest({Plate("OLD"): habit, Plate("NEW"): fresh}, year_later) == "OLD"


times = st.integers(0, 400 * DAY_MS)


@given(stays=st.lists(st.tuples(times, times), min_size=1, max_size=8), now=times, within=st.integers(0, 5 * DAY_MS))
def test_whatever_was_seen_chances_are_chances(stays: list[tuple[int, int]], now: int, within: int) -> None:
    """Also with clocks set back and departures before arrivals."""
    habit, crowd = None, UNKNOWN_CROWD
    for parked_utc_ms, left_utc_ms in stays:
        crowd = learn_crowd(crowd, habit, parked_utc_ms, left_utc_ms)
        habit = learn_departure(habit, parked_utc_ms, left_utc_ms)
    assert habit is not None

    assert all(rate > 0 for rate in hourly_hazard(habit, crowd, now))
    assert leaves_per_day(habit, crowd, now) > 0
    assert 0 <= chance_to_leave(habit, crowd, now, within) <= 1
    assert chance_to_leave(habit, crowd, now, within) <= chance_to_leave(habit, crowd, now, within + HOUR_MS)
    assert 0 < expected_stay_ms(habit, crowd, now) <= 28 * DAY_MS
    assert Habit.from_state(json.loads(json.dumps(asdict(habit)))) == habit
