"""Rescue: least work by hand, proven by trying everything; and nothing it asks breaks a rule."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, parse_bay
from domain.machine import Machine
from domain.parts import without
from scheduler.moves import Slide
from scheduler.rescue import Act, HandWork, Rescue, rescue
from scheduler.visits import Visits
from tests.scheduler.parts_out import by_motor, damaged, flood, hanging_free, is_stuck, is_wall, pitches
from tests.scheduler.test_reach import checked_slide, part
from tests.sites import module_layout

WORK = HandWork()


def shown(layout: ModuleLayout, columns: Columns) -> frozenset[BayId]:
    """Upper bays that motors bring above a free shaft."""
    return frozenset().union(*(hanging_free(layout, at) for at in flood(layout, columns)))


def least_push_ms(layout: ModuleLayout, columns: Columns, goals: frozenset[BayId]) -> tuple[int, frozenset[BayId]]:
    """By trying everything: the most goals that can have a shaft at some time, and the least pushing for it."""
    number = count()
    queue = [(0, next(number), columns, shown(layout, columns) & goals)]
    settled: dict[tuple[Columns, frozenset[BayId]], int] = {}
    while queue:
        cost_ms, _, at, seen = heappop(queue)
        if (at, seen) in settled:
            continue
        settled[at, seen] = cost_ms
        for _, after in pitches(layout, at, by_hand=False):
            heappush(queue, (cost_ms, next(number), after, seen))
        for level, after in pitches(layout, at, by_hand=True):
            heappush(queue, (cost_ms + WORK.of_push(level), next(number), after, seen | shown(layout, after) & goals))
    most = max((seen for _, seen in settled), key=len)
    return min(cost_ms for (_, seen), cost_ms in settled.items() if seen == most), most


def pushing_ms(found: Rescue) -> int:
    """Work of the pushes alone."""
    return sum(step.cost_ms for step in found.steps if step.act is Act.PUSH)


def cranking_ms(layout: ModuleLayout, bays: Iterable[BayId]) -> int:
    """Work of lowering these by hand."""
    refs = [parse_bay(bay) for bay in bays if layout.hoist_out or bay in layout.dead]
    return sum(WORK.of_crank(layout.level_z_mm[ref.level - 1]) for ref in refs)


@given(here=damaged(parts_max=2), data=st.data())
def test_no_sequence_frees_more_cars_or_needs_less_work_by_hand(
    here: tuple[ModuleLayout, Columns], data: st.DataObject
) -> None:
    layout, columns = here
    parked = frozenset(data.draw(st.sets(st.sampled_from(layout.bay_names), max_size=6)))
    found = rescue(layout, Machine(), columns, parked)
    stranded = parked - by_motor(layout, columns)
    cost_ms, most = least_push_ms(layout, columns, stranded)
    assert found.proven
    assert frozenset(found.freed) == most
    assert frozenset(found.left) == stranded - most
    assert pushing_ms(found) == cost_ms
    assert found.hand_ms == cost_ms + cranking_ms(layout, most)


@given(here=damaged(parts_max=2), data=st.data())
def test_the_urgent_car_is_free_after_the_least_work(here: tuple[ModuleLayout, Columns], data: st.DataObject) -> None:
    layout, columns = here
    parked = frozenset(layout.bay_names)
    urgent = data.draw(st.sampled_from(layout.bay_names))
    found = rescue(layout, Machine(), columns, parked, [urgent])
    if urgent in by_motor(layout, columns):
        return
    cost_ms, most = least_push_ms(layout, columns, frozenset({urgent}))
    assert (urgent in found.freed) == (urgent in most)
    if most:
        at = next(number for number, step in enumerate(found.steps) if urgent in step.frees)
        spent_ms = sum(step.cost_ms for step in found.steps[: at + 1] if step.act is not Act.SLIDE)
        assert spent_ms == cost_ms + cranking_ms(layout, most)


@given(here=damaged())
def test_step_by_step_no_two_pallets_meet_and_every_promise_comes_true(here: tuple[ModuleLayout, Columns]) -> None:
    layout, columns = here
    parked = frozenset(layout.bay_names)
    found = rescue(layout, Machine(), columns, parked)
    free = by_motor(layout, columns)
    stranded = parked - free
    ever = set(free)
    for step in found.steps:
        match step.act:
            case Act.SLIDE:
                low, high = sorted((step.first, step.second))
                moved = [column for column in columns[step.level - 1] if low <= column <= high]
                assert len(moved) == high - low
                columns = next_columns(layout, columns, step.level, step.first, step.second)
                assert not step.frees
            case Act.PUSH:
                columns = next_columns(layout, columns, step.level, step.first, step.second, by_hand=True)
                after = by_motor(layout, columns)
                assert set(step.frees) == after - free - ever
                assert set(step.shuts_in) == free - after
                free = after
                ever |= after
            case Act.CRANK:
                assert step.bay in hanging_free(layout, columns)
                assert layout.hoist_out or step.bay in layout.dead
                ever |= set(step.frees)
        assert all(len(set(row)) == len(row) for row in columns)
    assert set(found.freed) == stranded & ever
    assert set(found.left) == stranded - ever


def next_columns(
    layout: ModuleLayout, columns: Columns, level: int, first: int, second: int, *, by_hand: bool = False
) -> Columns:
    """One step carried out, refusing what R1, R2 or the damage forbids."""
    if not by_hand:
        return checked_slide(layout, columns, Slide(level, first, second))
    row = columns[level - 1]
    index = row.index(first) + 1
    assert is_stuck(layout, level, index)
    assert abs(first - second) == 1
    assert second not in row
    assert not is_wall(layout, level, first)
    assert not is_wall(layout, level, second)
    return (*columns[: level - 1], (*row[: index - 1], second, *row[index:]), *columns[level:])


def test_a_dead_pallet_is_pushed_to_the_gap_and_its_own_car_cranked_down() -> None:
    layout = without(module_layout("A"), [part("A-2-05")])
    found = rescue(layout, Machine(), layout.initial_columns, layout.bay_names)
    assert [(step.act.value, step.level, step.first, step.second) for step in found.steps] == [
        ("slide", 2, 6, 10),
        ("push", 2, 5, 6),
        ("slide", 1, 6, 10),
        ("crank", 2, 6, 6),
    ]
    push = found.steps[1]
    assert (push.bay, len(push.frees), len(push.shuts_in)) == ("A-2-05", 9, 9)
    assert found.left == ()
    assert found.hand_ms == WORK.push_aloft_ms + WORK.of_crank(2150)


def test_without_a_hoist_the_urgent_car_is_cranked_down_first() -> None:
    layout = without(module_layout("A"), [part("A")])
    found = rescue(layout, Machine(), layout.initial_columns, layout.bay_names, [BayId("A-4-02")])
    hand = [step for step in found.steps if step.act is not Act.SLIDE]
    assert hand[0].bay == "A-4-02"
    assert len(hand) == len(found.freed) == 28


def test_a_closed_cell_is_repaired_not_worked_around() -> None:
    layout = without(module_layout("A"), [part("A-2@05")])
    found = rescue(layout, Machine(), layout.initial_columns, layout.bay_names)
    assert found.steps == ()
    assert len(found.left) == 10


def test_beyond_its_limit_the_search_still_frees_everybody_and_says_that_it_proves_nothing() -> None:
    layout = without(module_layout("A", 5), [part("A-1"), part("A-2"), part("A-3")])
    goals = [bay.name for bay in layout.bays if bay.level > 1]
    visits = Visits(layout, layout.initial_columns, goals, [1, 1, 1, 1])
    (best, proven), (quick, claimed) = visits.cheapest(), visits.cheapest(labels_max=3)
    assert proven
    assert not claimed
    assert len(quick) >= len(best)
    assert frozenset().union(*visits.shown(quick)) == frozenset().union(*visits.shown(best)) == frozenset(goals)
