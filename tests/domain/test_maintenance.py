"""Trends of what parts take, and which parts a service is for."""

from __future__ import annotations

from statistics import median_low

from hypothesis import given
from hypothesis import strategies as st

from domain.maintenance import (
    DEFAULT_SERVICES,
    DRIFT_MS_MIN,
    RECENT_OF,
    USUAL_OF,
    MaintenancePlan,
    Trend,
    Wearing,
    metres,
    parts_named,
    parts_of,
)
from tests.sites import module_layout

PLAN = MaintenancePlan()
LAYOUT = module_layout("A", 4)


def learnt(*values: int) -> Trend:
    trend = Trend()
    for value in values:
        trend = trend.learnt(value)
    return trend


def test_a_part_that_gets_slower_has_drifted_and_one_that_wobbles_has_not() -> None:
    usual = [20_000 + 50 * (n % 3) for n in range(USUAL_OF)]
    slower = learnt(*usual, *[24_000] * RECENT_OF)
    assert (slower.usual, slower.recent, slower.drift_pct) == (20_050, 24_000, 20)
    assert slower.has_drifted("raise_ms", PLAN)
    # four of nine that went wrong move no median
    wobbling = learnt(*usual, *[20_000] * 5, *[60_000] * 4)
    assert not wobbling.has_drifted("raise_ms", PLAN)
    # faster is no wear
    assert not learnt(*usual, *[15_000] * RECENT_OF).has_drifted("raise_ms", PLAN)


def test_a_hook_may_be_two_scans_late_and_power_has_a_limit_of_its_own() -> None:
    almost = learnt(*[1000] * USUAL_OF, *[1000 + DRIFT_MS_MIN - 1] * RECENT_OF)
    assert almost.drift_pct == 30
    assert not almost.has_drifted("hook_open_ms", PLAN)
    power = learnt(*[4000] * USUAL_OF, *[4900] * RECENT_OF)
    assert not power.has_drifted("raise_empty_w", PLAN)
    assert learnt(*[4000] * USUAL_OF, *[5000] * RECENT_OF).has_drifted("raise_empty_w", PLAN)


@given(st.lists(st.integers(1, 100_000), max_size=80))
def test_nothing_is_said_before_enough_was_measured_and_then_of_the_last_ones_only(values: list[int]) -> None:
    trend = learnt(*values)
    if len(values) < USUAL_OF + RECENT_OF:
        assert trend.recent is None
        assert trend.drift_pct is None
        assert not trend.has_drifted("raise_ms", PLAN)
    else:
        assert trend.usual == median_low(values[:USUAL_OF])
        assert trend.recent == median_low(values[-RECENT_OF:])
    assert len(trend.values) <= max(USUAL_OF, RECENT_OF)


def test_parts_are_named_one_by_one_or_by_what_holds_them() -> None:
    assert parts_of(LAYOUT, Wearing.GATE) == ("A-gate",)
    # the top level has no gap: it never slides; the ground level is never lifted
    assert parts_of(LAYOUT, Wearing.ROW) == ("A-1", "A-2", "A-3")
    assert parts_of(LAYOUT, Wearing.PALLET)[0] == "A-2-01"
    both = (LAYOUT, module_layout("B", 4))
    assert parts_named(both, [Wearing.PALLET], "B-2-01") == ("B-2-01",)
    assert parts_named(both, [Wearing.PALLET], "A-2") == ("A-2-01", "A-2-02", "A-2-03")
    assert len(parts_named(both, [Wearing.PALLET], "A")) == 3 + 3 + 4
    assert parts_named(both, [Wearing.MODULE], "A") == ("A",)
    assert parts_named(both, [Wearing.PALLET], "A-1-01") == ()
    assert set(parts_named(both, Wearing, "A-2")) == {"A-2", "A-2-01", "A-2-02", "A-2-03"}
    assert parts_named(both, Wearing, "C") == ()


def test_metres_are_those_of_whole_moves() -> None:
    assert metres(LAYOUT, "A-3-01", 10, 5) == (10 * 3850 + 5 * 2400) // 1000
    assert metres(LAYOUT, "A-gate", 10, 5) == 0


def test_the_default_services_say_how_often_and_have_names_of_their_own() -> None:
    assert all(service.every or service.every_days for service in DEFAULT_SERVICES)
    assert len({service.id for service in DEFAULT_SERVICES}) == len(DEFAULT_SERVICES)
