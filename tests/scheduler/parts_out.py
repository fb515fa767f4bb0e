"""Modules with parts out of service, and a flood over single pitches that shares no code with the planner."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, BayRef
from domain.parts import Part, PartKind, without
from tests.sites import module_layout

SMALL = (
    module_layout("A", 3, (2150, 2150)),
    module_layout("A", 3, (2150, 1700, 2150)),
    module_layout("A", 4, (2150, 1700, 2150)),
    module_layout("A", 4, (2150, 1700, 2150), gaps=(2, 1, 0)),
    module_layout("A", 4, (2150, 2150), gaps=(1, 0), blocked={1: (2,)}),
)


@st.composite
def damaged(draw: st.DrawFn, parts_max: int = 3) -> tuple[ModuleLayout, Columns]:
    """A small module with up to so many parts out, its pallets anywhere that order and frame allow."""
    layout = draw(st.sampled_from(SMALL))
    parts = draw(st.lists(st.sampled_from(all_parts(layout)), max_size=parts_max, unique=True))
    return without(layout, parts), draw(arrangements(layout))


def all_parts(layout: ModuleLayout) -> list[Part]:
    """Everything of a module that can be taken out."""
    parts = [Part(layout.id, PartKind.HOIST)]
    for level, count in enumerate(layout.pallets_per_level, start=1):
        parts.append(Part(layout.id, PartKind.ROW, level))
        parts += [Part(layout.id, PartKind.PALLET, level, index) for index in range(1, count + 1)]
        parts += [Part(layout.id, PartKind.CELL, level, column) for column in layout.open_columns(level)]
    return parts


def arrangements(layout: ModuleLayout) -> st.SearchStrategy[Columns]:
    """Any place the pallets can stand in, order kept."""
    rows = [
        st.sets(st.sampled_from(layout.open_columns(level)), min_size=count, max_size=count).map(
            lambda columns: tuple(sorted(columns))
        )
        for level, count in enumerate(layout.pallets_per_level, start=1)
    ]
    return st.tuples(*rows)


def is_wall(layout: ModuleLayout, level: int, column: int) -> bool:
    """Whether no pallet may come to or go from here."""
    return (
        not 1 <= column <= layout.columns
        or column in layout.levels[level - 1].blocked
        or (level, column) in layout.closed
    )


def is_stuck(layout: ModuleLayout, level: int, index: int) -> bool:
    """Whether the motors do not slide this pallet."""
    return level in layout.frozen or BayRef(layout.id, level, index).name in layout.dead


def pitches(layout: ModuleLayout, columns: Columns, by_hand: bool) -> Iterator[tuple[int, Columns]]:
    """Every move of one pallet by one pitch: (level, places after). `by_hand`: the stuck ones, else the others."""
    for level, row in enumerate(columns, start=1):
        for index, column in enumerate(row, start=1):
            if is_stuck(layout, level, index) is not by_hand or is_wall(layout, level, column):
                continue
            for beside in (column - 1, column + 1):
                if beside not in row and not is_wall(layout, level, beside):
                    moved = (*row[: index - 1], beside, *row[index:])
                    yield level, (*columns[: level - 1], moved, *columns[level:])


def flood(layout: ModuleLayout, columns: Columns) -> set[Columns]:
    """Everything that the motors lead to."""
    found, todo = {columns}, [columns]
    while todo:
        for _, after in pitches(layout, todo.pop(), by_hand=False):
            if after not in found:
                found.add(after)
                todo.append(after)
    return found


def hanging_free(layout: ModuleLayout, columns: Columns) -> set[BayId]:
    """Upper pallets with nothing below them, as everything stands."""
    found = set()
    for level, row in enumerate(columns[1:], start=2):
        for index, column in enumerate(row, start=1):
            below = all(
                column not in columns[lower - 1] and not is_wall(layout, lower, column) for lower in range(1, level)
            )
            if below and not is_wall(layout, level, column):
                found.add(BayRef(layout.id, level, index).name)
    return found


def by_motor(layout: ModuleLayout, columns: Columns) -> set[BayId]:
    """Pallets that can be brought down from here, found by trying everything."""
    ground = {bay.name for bay in layout.bays if bay.level == 1}
    if layout.hoist_out:
        return ground
    upper = set().union(*(hanging_free(layout, at) for at in flood(layout, columns)))
    return ground | upper - set(layout.dead)
