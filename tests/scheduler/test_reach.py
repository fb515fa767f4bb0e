"""Reachability with parts out of service: what the motors can, by which slides, and who is to blame."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, parse_bay
from domain.machine import Machine, SlideMode
from domain.parts import Part, parse_part, with_back, without
from scheduler.dockings import slid
from scheduler.moves import Slide, present
from scheduler.reach import approach, reachability, with_shaft, within_reach
from tests.scheduler.parts_out import by_motor, damaged, hanging_free, is_stuck, is_wall, pitches
from tests.sites import module_layout


def part(text: str) -> Part:
    """A part that is spelt right."""
    found = parse_part(text)
    assert isinstance(found, Part)
    return found


def checked_slide(layout: ModuleLayout, columns: Columns, slide: Slide) -> Columns:
    """Slide as a machine would, refusing what a damaged one cannot do."""
    low, high = sorted((slide.first, slide.second))
    row = columns[slide.level - 1]
    assert slide.second not in row
    for column in range(low, high + 1):
        assert not is_wall(layout, slide.level, column)
        assert column == slide.second or column in row
        if column in row:
            assert not is_stuck(layout, slide.level, row.index(column) + 1)
    after = slid(columns, (slide,))
    assert len(set(after[slide.level - 1])) == len(row)
    return after


@given(here=damaged(), mode=st.sampled_from(SlideMode))
def test_the_planner_reaches_what_trying_everything_reaches(
    here: tuple[ModuleLayout, Columns], mode: SlideMode
) -> None:
    layout, columns = here
    truth = by_motor(layout, columns)
    assert within_reach(layout, columns) == truth
    machine = Machine(slide_mode=mode)
    assert {bay.name for bay in layout.bays if approach(layout, machine, columns, bay)} == truth


@given(here=damaged(), mode=st.sampled_from(SlideMode), data=st.data())
def test_carrying_out_the_slides_frees_the_shaft(
    here: tuple[ModuleLayout, Columns], mode: SlideMode, data: st.DataObject
) -> None:
    layout, columns = here
    bay = data.draw(st.sampled_from([bay for bay in layout.bays if bay.level > 1]))
    way = approach(layout, Machine(slide_mode=mode), columns, bay)
    if way is None:
        return
    for phase in way.phases:
        assert len({slide.level for slide in phase}) == len(phase)
        for slide in phase:
            columns = checked_slide(layout, columns, slide)
    assert columns[bay.level - 1][bay.index - 1] == way.column
    assert bay.name in hanging_free(layout, columns)


@given(here=damaged(), mode=st.sampled_from(SlideMode), data=st.data())
def test_asking_anew_after_any_part_of_a_phase_arrives(
    here: tuple[ModuleLayout, Columns], mode: SlideMode, data: st.DataObject
) -> None:
    """Level-triggered: the controller forgets the plan after every slide, and may get power for some only."""
    layout, columns = here
    machine = Machine(slide_mode=mode)
    bay = data.draw(st.sampled_from(layout.bays))
    if approach(layout, machine, columns, bay) is None:
        return
    for _ in range(40):
        way = approach(layout, machine, columns, bay)
        assert way is not None
        if not way.phases:
            return
        asked = data.draw(st.integers(1, len(way.phases[0])))
        columns = slid(columns, way.phases[0][:asked])
    raise AssertionError("it slides for ever")


@given(here=damaged())
def test_no_move_of_the_motors_changes_who_can_be_reached(here: tuple[ModuleLayout, Columns]) -> None:
    layout, columns = here
    reached, shafts = within_reach(layout, columns), with_shaft(layout, columns)
    for _, after in pitches(layout, columns, by_hand=False):
        assert within_reach(layout, after) == reached
        assert with_shaft(layout, after) == shafts


@given(here=damaged())
def test_the_blame_is_enough_and_no_part_of_it_too_much(here: tuple[ModuleLayout, Columns]) -> None:
    layout, columns = here
    for found in reachability(layout, Machine(), columns, ()).bays:
        if found.approach is not None:
            assert found.because == ()
            continue
        if not found.because:
            assert found.bay not in within_reach(with_back(layout, layout_parts(layout)), columns)
            continue
        assert found.bay in within_reach(with_back(layout, found.because), columns)
        for one in found.because:
            fewer = [other for other in found.because if other != one]
            assert found.bay not in within_reach(with_back(layout, fewer), columns)


def layout_parts(layout: ModuleLayout) -> list[Part]:
    """Everything that is out."""
    names = [*layout.dead, *(f"{layout.id}-{level}" for level in layout.frozen)]
    names += [f"{layout.id}-{level}@{column:02d}" for level, column in layout.closed]
    return [part(name) for name in names] + ([part(layout.id)] if layout.hoist_out else [])


def test_a_car_two_pitches_from_its_shaft_comes_down_in_two_phases() -> None:
    """Ground column 1 and 2 have no cell, so the left pallet of level 2 must go right twice."""
    layout = module_layout("A", 5, (2150, 2150, 2150), gaps=(1, 2, 0), blocked={1: (1, 2)})
    columns: Columns = ((4, 5), (1, 2, 3), (1, 2, 3, 4, 5))
    bay = parse_bay("A-2-01")
    assert present(layout, Machine(), columns, bay) is None
    way = approach(layout, Machine(), columns, bay)
    assert way is not None
    assert [len(phase) for phase in way.phases] == [1, 1]
    assert way.column == 3
    assert way.slide_ms == 2 * Machine().slide_ms(layout.pitch_mm)


def test_a_dead_pallet_is_named_for_the_cars_that_it_shuts_in() -> None:
    layout = without(module_layout("A"), [part("A-2-05")])
    reach = reachability(layout, Machine(), layout.initial_columns, layout.bay_names)
    assert {found.because for found in reach.stranded} == {(part("A-2-05"),)}
    assert {found.bay for found in reach.stranded} == {
        BayId(name)
        for name in ("A-2-05", "A-3-01", "A-3-02", "A-3-03", "A-3-04", "A-4-01", "A-4-02", "A-4-03", "A-4-04", "A-4-05")
    }


def test_without_a_hoist_the_cars_on_the_ground_still_leave() -> None:
    layout = without(module_layout("A"), [part("A")])
    reach = reachability(layout, Machine(), layout.initial_columns, layout.bay_names)
    assert all((found.approach is not None) == found.bay.startswith("A-1-") for found in reach.bays)


def test_two_parts_that_must_both_come_back_are_both_named() -> None:
    layout = without(module_layout("A"), [part("A"), part("A-2-05")])
    reach = reachability(layout, Machine(), layout.initial_columns, layout.bay_names)
    assert reach.of[BayId("A-4-01")].because == (part("A"), part("A-2-05"))
    assert reach.of[BayId("A-4-10")].because == (part("A"),)
