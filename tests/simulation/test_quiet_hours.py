"""An idle module keeps quiet at night, and prepares before it for the night and the first to leave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.events import MotionRequested, StanceTaken
from domain.ids import BayId, Plate
from domain.site import QuietHours
from scheduler.habits import DAY_MS, HOUR_MS, Habit, learn_departure
from scheduler.policy import Policy
from scheduler.stance import Outlook, Stance
from tests.garage_run import START_UTC_MS, GarageRun
from tests.sites import small_site

CARS = {"A-2-02": "京A00002", "A-2-03": "京A00003"}


def leaving_at(hour: float) -> Habit:
    """A car that has left once a day at this local hour, four weeks long."""
    habit: Habit | None = None
    for day in range(28, 0, -1):
        left_utc_ms = START_UTC_MS - day * DAY_MS + round(hour * HOUR_MS)
        habit = learn_departure(habit, left_utc_ms - 12 * HOUR_MS, left_utc_ms)
    assert habit is not None
    return habit


def uncover_the_middle(outlook: Outlook) -> Stance:
    """Wants the shaft of A-2-02 free, whoever leaves."""
    del outlook
    return Stance(BayId("A-2-02"))


def test_nothing_moves_for_nobody_before_the_quiet_hours_end() -> None:
    garage = GarageRun(small_site(), CARS, policy=replace(Policy(), stancer=uncover_the_middle))
    garage.run.run_to(6 * HOUR_MS - 60_000)
    assert garage.heard(StanceTaken) == []
    assert garage.heard(MotionRequested) == []
    garage.run.run_to(6 * HOUR_MS + 60_000)
    assert [event.bay for event in garage.heard(StanceTaken)] == ["A-2-02"]
    assert garage.heard(MotionRequested) != []


def test_the_evening_prepares_for_whoever_leaves_first_in_the_morning() -> None:
    """By day A-2-03 is the likelier; of a whole night and the hour after it, A-2-02."""
    garage = GarageRun(small_site(), CARS)
    garage.memory.habits.update({Plate(CARS["A-2-02"]): leaving_at(6.5), Plate(CARS["A-2-03"]): leaving_at(20.5)})
    garage.run.run_to(round(21.4 * HOUR_MS))
    before = [event.bay for event in garage.heard(StanceTaken)]
    assert before[-1] == "A-2-03"
    garage.run.run_to(22 * HOUR_MS)
    assert [event.bay for event in garage.heard(StanceTaken)][len(before) :] == ["A-2-02"]


@pytest.mark.parametrize(
    ("at", "begins"),
    [(21 * 60 + 29, False), (21 * 60 + 30, True), (21 * 60 + 59, True), (22 * 60, False), (3 * 60, False)],
)
def test_the_quiet_hours_are_seen_coming(at: int, begins: bool) -> None:
    assert QuietHours().begins_within(at, 30) is begins


def test_a_garage_without_quiet_hours_sees_none_coming() -> None:
    assert not any(QuietHours(0, 0).begins_within(minute, 30) for minute in range(1440))
