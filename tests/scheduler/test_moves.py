"""Slides that clear the way down: correct in every mode, around gaps, blocked cells and dead pallets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.grid import Columns, ModuleLayout
from domain.machine import Machine, SlideMode
from domain.site import Site
from scheduler.moves import Presentation, Slide, clear_column, present, slides_ms
from tests.scheduler.parts_out import arrangements
from tests.sites import module_layout, site_of


def carried_out(layout: ModuleLayout, columns: Columns, slides: tuple[Slide, ...]) -> Columns:
    """Move the pallets as a PLC would, refusing what no machine can do."""
    rows = [list(row) for row in columns]
    for slide in slides:
        row = rows[slide.level - 1]
        assert slide.second not in row
        assert slide.second not in layout.levels[slide.level - 1].blocked
        low, high = sorted((slide.first, slide.second))
        step = 1 if slide.second > slide.first else -1
        moved = [c + step if low <= c <= high else c for c in row]
        assert len(set(moved)) == len(moved)
        assert not set(moved) & set(layout.levels[slide.level - 1].blocked)
        assert sum(a != b for a, b in zip(row, moved, strict=True)) == slide.pallets
        rows[slide.level - 1] = moved
    return tuple(tuple(row) for row in rows)


LAYOUTS = (
    module_layout("A", 6),
    module_layout("A", 5, gaps=(2, 1, 2, 0)),
    module_layout("A", 3, (2150, 2150)),
)


@given(data=st.data(), mode=st.sampled_from(SlideMode), which=st.integers(0, len(LAYOUTS) - 1))
def test_every_pallet_comes_down_free_of_the_others(data: st.DataObject, mode: SlideMode, which: int) -> None:
    layout = LAYOUTS[which]
    columns = data.draw(arrangements(layout))
    bay = data.draw(st.sampled_from(layout.bays))
    way = present(layout, Machine(slide_mode=mode), columns, bay)
    assert way is not None
    after = carried_out(layout, columns, way.slides)
    if bay.level > 1:
        assert after[bay.level - 1][bay.index - 1] == way.column
        assert all(way.column not in after[level] for level in range(bay.level - 1))
    if mode is SlideMode.SINGLE:
        assert all(slide.pallets == 1 for slide in way.slides)


@given(data=st.data())
def test_in_parallel_mode_any_change_of_pallet_costs_one_slide_time(data: st.DataObject) -> None:
    """Lemma 2 of the planning theory: one slide phase is enough whatever the distance."""
    layout, machine = LAYOUTS[0], Machine(inrush_stagger_ms=0)
    columns = data.draw(arrangements(layout))
    way = present(layout, machine, columns, data.draw(st.sampled_from(layout.bays)))
    assert way is not None
    assert way.slide_ms in (0, machine.slide_ms(layout.pitch_mm))


def test_around_a_blocked_cell_the_other_gap_is_taken() -> None:
    layout = module_layout("A", 5, (2150, 2150), gaps=(2, 0), blocked={1: (3,)})
    # pallets of the ground stand at 1 and 5; gaps at 2 and 4
    assert clear_column(layout, ((1, 5), (1, 2, 3, 4, 5)), 1, 1) == (Slide(1, 1, 2),)
    assert clear_column(layout, ((1, 5), (1, 2, 3, 4, 5)), 1, 5) == (Slide(1, 5, 4),)
    assert clear_column(layout, ((1, 5), (1, 2, 3, 4, 5)), 1, 3) is None


def test_a_dead_pallet_is_never_moved_and_strands_what_it_must() -> None:
    layout = module_layout("A", 3, (2150, 2150), dead=["A-1-01"])
    columns: Columns = ((1, 2), (1, 2, 3))
    assert present(layout, Machine(), columns, layout.bays[2]) is None
    assert present(layout, Machine(), columns, layout.bays[0]) == Presentation(1, (), 0), "a car drives off the ground"
    assert present(layout, Machine(), columns, layout.bays[3]) == Presentation(
        2, (Slide(1, 2, 3),), Machine().slide_ms(2400)
    )


def test_times_follow_the_slide_mode() -> None:
    layout: ModuleLayout = module_layout("A", 6)
    slides = (Slide(1, 1, 3), Slide(2, 2, 4))
    one_ms = Machine().slide_ms(2400)
    assert slides_ms(layout, Machine(), slides) == one_ms + 300
    assert slides_ms(layout, Machine(slide_mode=SlideMode.ROW), slides) == 2 * one_ms
    assert slides_ms(layout, Machine(), ()) == 0


def test_the_nominal_times_are_those_of_the_design() -> None:
    site: Site = site_of(module_layout("A", 10))
    machine = site.machine
    assert machine.slide_ms(2400) == 18_546
    assert machine.lift_ms(5550) == 56_000
    assert machine.lowering_ms(5550) == 58_000
