"""Placement by expected stay: what a bay is worth, and who gets it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.grid import ModuleLayout
from domain.ids import BayId, ModuleId, Plate, parse_bay
from domain.machine import Machine
from domain.reasons import tell
from domain.vehicle import VEHICLE_CLASSES, Vehicle
from scheduler.habits import DAY_MS, HOUR_MS
from scheduler.measured import nominal
from scheduler.placement import (
    Arrival,
    ModuleOffer,
    Placed,
    Surroundings,
    by_expected_stay,
    is_choosy,
    level_lead_ms,
    lowest_fitting,
    rents_ms,
    smallest_bay,
)
from tests.sites import default_site, module_layout

SITE = default_site()
MACHINE = SITE.machine
LOW, TALL = VEHICLE_CLASSES["Z"], VEHICLE_CLASSES["K"]
RATES = tuple(2.0 - 1.95 * place / 139 for place in range(140))
"""Cars between two departures a day and one in three weeks."""


def offer(layout: ModuleLayout, free: list[str] | None = None, jobs: int = 0, down: str | None = None) -> ModuleOffer:
    bays = layout.bay_names if free is None else [BayId(name) for name in free]
    return ModuleOffer(layout, frozenset(bays), jobs, None if down is None else BayId(down))


def around(*offers: ModuleOffer, choosy_share: float = 0.0) -> Surroundings:
    return Surroundings({o.layout.id: o for o in offers}, MACHINE, SITE.modules, RATES, choosy_share)


def place(stay_h: float, where: Surroundings, vehicle: Vehicle = LOW) -> Placed:
    placed = by_expected_stay(Arrival(Plate("P"), vehicle, stay_ms=stay_h * HOUR_MS), where)
    assert placed is not None
    return placed


def level(placed: Placed) -> int:
    return parse_bay(placed.bay).level


def test_a_module_whose_lift_has_grown_slow_is_given_fewer_cars() -> None:
    a, b = SITE.modules[:2]
    slow = replace(nominal(a, MACHINE), lower_ms=tuple(2 * ms for ms in nominal(a, MACHINE).lower_ms))
    upstairs = {layout.id: [str(bay) for bay in layout.bay_names if parse_bay(bay).level > 1] for layout in (a, b)}
    before = place(48, around(offer(a, upstairs[a.id]), offer(b, upstairs[b.id])))
    after = place(48, around(replace(offer(a, upstairs[a.id]), times=slow), offer(b, upstairs[b.id])))
    assert (parse_bay(before.bay).module, parse_bay(after.bay).module) == ("A", "B")


def test_short_stays_go_low_and_long_ones_high() -> None:
    levels = [level(place(hours, around(offer(SITE.modules[0])))) for hours in (2, 10, 24, 48, 24 * 14)]

    assert levels == sorted(levels)
    assert levels[0] == 1
    assert levels[-1] == 4


def test_a_low_bay_is_kept_free_though_nobody_is_in_it() -> None:
    """The vendor's rule fills it with the next car; here the next short stay finds it."""
    where = around(offer(SITE.modules[0]))

    vendors = lowest_fitting(Arrival(Plate("P"), LOW), where)

    assert vendors is not None
    assert level(vendors) == 1
    assert level(place(24 * 10, where)) == 4


def test_a_long_stay_takes_the_low_bay_when_nothing_else_is_free() -> None:
    assert place(24 * 14, around(offer(SITE.modules[0], ["A-1-03"]))).bay == "A-1-03"


def test_nothing_free_is_nothing_placed() -> None:
    assert by_expected_stay(Arrival(Plate("P"), LOW), around(offer(SITE.modules[0], []))) is None
    assert by_expected_stay(Arrival(Plate("P"), TALL), around(offer(SITE.modules[0], ["A-2-01"]))) is None


def test_a_queue_at_one_gate_costs_more_than_a_level() -> None:
    a, b = SITE.modules[:2]

    assert place(2, around(offer(a, jobs=2), offer(b, ["B-2-01"]))).bay == "B-2-01"
    assert place(2, around(offer(a, jobs=1), offer(b, jobs=1))).bay == "A-1-01"


def test_cars_of_one_hour_are_spread_over_the_modules() -> None:
    """Module A expects eight to leave at seven; a commuter is put into B."""
    a, b = SITE.modules[:2]
    rush = tuple(8.0 if hour == 7 else 0.0 for hour in range(24))

    placed = place(12, around(ModuleOffer(a, frozenset(a.bay_names), 0, None, rush), offer(b)))

    assert parse_bay(placed.bay).module == "B"


def test_the_pallet_that_is_down_serves_the_next_car() -> None:
    where = around(offer(SITE.modules[0], ["A-2-01", "A-2-05", "A-3-02"], down="A-2-05"))

    placed = place(10, where)

    assert placed.bay == "A-2-05"
    assert "its pallet is down already" in tell(placed.why, "en")


def test_tall_bays_wait_for_tall_cars() -> None:
    where = around(offer(SITE.modules[0], ["A-1-01", "A-2-01", "A-3-01"]), choosy_share=0.24)

    assert level(place(1, where)) == 2
    assert level(place(1, where, TALL)) == 1
    assert level(place(1, around(offer(SITE.modules[0], ["A-1-01"]), choosy_share=0.24))) == 1


def test_dead_bays_are_never_given_and_count_for_nothing() -> None:
    layout = module_layout("A", 4, dead=["A-1-01"])

    placed = by_expected_stay(
        Arrival(Plate("P"), LOW, stay_ms=HOUR_MS),
        Surroundings({ModuleId("A"): offer(layout, ["A-1-01", "A-1-02"])}, MACHINE, (layout,), RATES),
    )

    assert placed is not None
    assert placed.bay == "A-1-02"


def test_the_reason_names_level_stay_and_habit() -> None:
    placed = place(9, around(offer(SITE.modules[0])))
    assert tell(placed.why, "en") == (
        "level 1 in module A, 0 jobs before; for a stay of about 9 h; its departure is known"
    )
    assert tell(placed.why, "zh") == "A 库第 1 层，前面 0 个请求；预计停放约 9 小时；离开时间已知"
    newcomer = by_expected_stay(Arrival(Plate("P"), LOW), around(offer(SITE.modules[0])))
    assert newcomer is not None
    assert "not seen to leave yet" in tell(newcomer.why, "en")


def test_rents_are_the_marginal_cars_and_the_top_is_free() -> None:
    rents = rents_ms(SITE.modules, MACHINE, RATES)
    leads = [level_lead_ms(SITE.modules[0], MACHINE, number) for number in (1, 2, 3, 4)]

    assert rents[leads[3]] == 0
    # The 102nd of 140 cars is the last that deserves level 3.
    assert rents[leads[2]] == pytest.approx(RATES[101] * (leads[3] - leads[2]))
    assert rents_ms(SITE.modules, MACHINE, ())[leads[0]] == 0


def test_choosy_is_what_some_bay_refuses() -> None:
    smallest = smallest_bay(SITE.modules)

    assert is_choosy(TALL, smallest)
    assert not is_choosy(LOW, smallest)


@given(rates=st.lists(st.floats(0, 5), max_size=200))
def test_rents_fall_with_the_level_and_support_the_ranking(rates: list[float]) -> None:
    """Dual feasibility: at these rents each car's cheapest level is the one its rank gives it."""
    rents = rents_ms(SITE.modules, MACHINE, rates)
    leads = sorted(rents)

    assert [rents[lead] for lead in leads] == sorted(rents.values(), reverse=True)
    room = [sum(layout.pallets_per_level[number] for layout in SITE.modules) for number in range(4)]
    for rank, rate in enumerate(sorted(rates, reverse=True)[:140]):
        own = next(kind for kind in range(4) if rank < sum(room[: kind + 1]))
        costs = [rate * lead + rents[lead] for lead in leads]
        assert costs[own] <= min(costs) + 1e-6 * (1 + max(costs))


@given(
    free=st.sets(st.sampled_from(SITE.modules[0].bay_names), max_size=12),
    hours=st.floats(0.1, 1000),
    share=st.floats(0, 1),
    tall=st.booleans(),
)
def test_a_car_is_placed_exactly_when_a_free_bay_fits(free: set[BayId], hours: float, share: float, tall: bool) -> None:
    layout = SITE.modules[0]
    vehicle = TALL if tall else LOW
    fitting = {name for name in free if not layout.misfits(vehicle, parse_bay(name).level)}

    placed = by_expected_stay(
        Arrival(Plate("P"), vehicle, stay_ms=hours / 24 * DAY_MS),
        around(offer(layout, sorted(free)), choosy_share=share),
    )

    assert (placed is not None) == bool(fitting)
    assert placed is None or placed.bay in fitting


def test_leads_follow_the_machine() -> None:
    slow = Machine(lift_speed_mm_s=50)

    assert level_lead_ms(SITE.modules[0], slow, 1) == 0
    assert level_lead_ms(SITE.modules[0], slow, 4) > level_lead_ms(SITE.modules[0], MACHINE, 4)
