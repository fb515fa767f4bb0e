"""What an idle module prepares."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import BayId, parse_bay
from domain.machine import Machine
from domain.reasons import tell
from scheduler.arrivals import NO_ARRIVALS, Arrivals, learn_arrival
from scheduler.dockings import is_free, slid
from scheduler.habits import DAY_MS, HOUR_MS
from scheduler.moves import present
from scheduler.stance import Outlook, exposing, holding, prepared
from tests.sites import module_layout

LAYOUT = module_layout("A", 10)
FREE_NOW = "A-4-10"


def outlook(
    rates: dict[str, float], *, arrivals: float = 0.0, down: str | None = None, empty: tuple[str, ...] = ()
) -> Outlook:
    return Outlook(
        LAYOUT,
        Machine(),
        LAYOUT.initial_columns,
        {BayId(bay): rate for bay, rate in rates.items()},
        arrivals,
        None if down is None else BayId(down),
        frozenset(BayId(bay) for bay in empty),
    )


def test_the_shaft_of_the_likeliest_upper_car_is_freed() -> None:
    assert is_free(LAYOUT.initial_columns, parse_bay(BayId(FREE_NOW)))
    found = exposing(outlook({"A-3-04": 0.6, "A-2-02": 0.2, FREE_NOW: 0.1}))
    assert found.expose == "A-3-04"
    assert "67 % likely" in tell(found.why, "en")


def test_a_car_on_the_ground_needs_no_shaft() -> None:
    assert exposing(outlook({"A-1-04": 0.9, FREE_NOW: 0.1})).expose is None


def test_a_small_difference_moves_nothing() -> None:
    assert exposing(outlook({"A-3-04": 0.11, FREE_NOW: 0.1})).expose is None
    many = {f"A-2-0{n}": 0.1 for n in range(1, 10)} | {f"A-3-0{n}": 0.1 for n in range(1, 10)}
    assert exposing(outlook({**many, "A-3-04": 0.14, FREE_NOW: 0.05})).expose is None


@given(st.dictionaries(st.sampled_from(LAYOUT.bay_names), st.floats(0.0, 2.0), max_size=20))
def test_what_has_been_prepared_is_left_alone(rates: dict[str, float]) -> None:
    before = outlook(rates)
    found = exposing(before)
    if found.expose is None:
        return
    way = present(LAYOUT, Machine(), before.columns, parse_bay(found.expose))
    assert way is not None
    after = replace(before, columns=slid(before.columns, way.slides))
    assert exposing(after).expose is None


@pytest.mark.parametrize(("arrivals", "uppers", "held"), [(2.0, 0.5, True), (0.2, 2.0, False), (0.0, 0.0, False)])
def test_an_empty_pallet_waits_when_a_car_is_likelier_than_a_wish_from_above(
    arrivals: float, uppers: float, held: bool
) -> None:
    found = holding(outlook({"A-3-04": uppers}, arrivals=arrivals, down="A-4-05", empty=("A-4-05",)))
    assert found.hold is held


def test_no_pallet_waits_while_the_ground_level_has_an_empty_one_or_with_a_car_on_it() -> None:
    free_below = outlook({}, arrivals=5.0, down="A-4-05", empty=("A-4-05", "A-1-03"))
    assert not prepared(free_below).hold
    assert not prepared(outlook({"A-4-05": 0.1}, arrivals=5.0, down="A-4-05")).hold


def test_arrivals_are_counted_by_the_hour_and_forgotten_slowly() -> None:
    known = NO_ARRIVALS
    start = 100 * DAY_MS
    for day in range(28):
        for number in range(4):
            known = learn_arrival(known, start + day * DAY_MS + 10 * HOUR_MS + number * 60_000)
    now = start + 28 * DAY_MS + 10 * HOUR_MS
    assert 3.5 < known.per_h(now) < 4.5
    assert known.per_h(now + 6 * HOUR_MS) == 0.0
    assert known.per_h(now + 56 * DAY_MS) < known.per_h(now)


@given(st.lists(st.integers(0, 10 * DAY_MS), max_size=30))
def test_arrivals_survive_a_snapshot_and_are_never_negative(times: list[int]) -> None:
    known = NO_ARRIVALS
    for at in times:
        known = learn_arrival(known, at)
    state = {"at_utc_ms": known.at_utc_ms, "days": known.days, "counts": list(known.counts)}
    assert Arrivals.from_state(state) == known
    assert all(count >= 0 for count in known.counts)
    assert known.per_h(11 * DAY_MS) >= 0
