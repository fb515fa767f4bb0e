"""What the parts of a job are taken to last: on paper, and as measured."""

from __future__ import annotations

from statistics import median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.machine import Machine
from scheduler.measured import (
    ENOUGH,
    FAULTY_RATIO,
    KEPT,
    SLIDE,
    STEP_MS,
    Timing,
    is_plausible,
    learnt,
    lift_part,
    nominal,
)
from tests.sites import module_layout

LAYOUT = module_layout("A", 10)
PAPER = nominal(LAYOUT, Machine())
LOWER_3 = lift_part(lowers=True, level=3)


def timing(*took_ms: int) -> Timing:
    known = Timing()
    for one in took_ms:
        known = known.learnt(one)
    return known


def test_before_there_are_enough_the_data_sheet_counts() -> None:
    few = {SLIDE: timing(*[30_000] * (ENOUGH - 1))}
    assert learnt(LAYOUT, Machine(), few) == PAPER
    assert learnt(LAYOUT, Machine(), {SLIDE: few[SLIDE].learnt(30_000)}).slide_ms == 30_000


def test_only_what_was_measured_changes() -> None:
    times = learnt(LAYOUT, Machine(), {LOWER_3: timing(*[50_000] * ENOUGH)})
    assert times.lower_ms == (*PAPER.lower_ms[:3], 50_000, *PAPER.lower_ms[4:])
    assert times.raise_ms == PAPER.raise_ms
    assert times.by_part() == PAPER.by_part() | {LOWER_3: 50_000}


def test_four_of_nine_that_went_wrong_do_not_move_the_median() -> None:
    assert timing(*[20_000] * 5, *[70_000] * 4).median_ms == 20_000


def test_a_machine_that_grows_slower_is_followed() -> None:
    known = timing(*[20_000] * KEPT)
    for _ in range(KEPT // 2 + 1):
        known = known.learnt(25_000)
    assert known.median_ms == 25_000


def test_a_median_that_flickers_by_a_step_is_told_as_it_was() -> None:
    known = timing(*[20_000] * ENOUGH)
    told = set()
    for number in range(200):
        known = known.learnt(20_000 + STEP_MS * (number % 2))
        told.add(known.median_ms)
    assert told == {20_000}


@pytest.mark.parametrize("ms", [0, 1, PAPER.slide_ms // FAULTY_RATIO - 1, PAPER.slide_ms * FAULTY_RATIO + 1])
def test_what_no_whole_machine_can_take_is_not_believed(ms: int) -> None:
    assert not is_plausible(ms, PAPER.slide_ms)
    rebuilt = {SLIDE: Timing((ms,) * ENOUGH, ms), "lower_9": timing(*[9000] * ENOUGH)}
    assert learnt(LAYOUT, Machine(), rebuilt) == PAPER


@given(st.lists(st.integers(0, 300_000), max_size=KEPT + 30))
def test_the_told_figure_is_within_two_steps_of_the_median_of_the_last(took: list[int]) -> None:
    known = timing(*took)
    assert known.took_ms == tuple(took[-KEPT:])
    if len(took) < ENOUGH:
        assert known.median_ms is None
    else:
        assert known.median_ms is not None
        assert known.median_ms % STEP_MS == 0
        assert abs(known.median_ms - median_low(known.took_ms)) <= STEP_MS
