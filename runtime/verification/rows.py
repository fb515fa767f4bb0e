"""Rows of pallets as a proof sees them: positions in half pitches, at rest or under way.

Decides what a slide physically does to a row, where a stop can leave it, and whether two pallets meet
on the way (R1, R2). Says nothing of what may start: that is asked of the real guards.

A pallet in column c is at `2 * (c - 1)`; an odd number is any place between two cells. Pallets of one
interrupted train all stand equally far between their cells, which one place in the middle stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from domain.grid import ModuleLayout

Places = tuple[int, ...]
"""One place for each pallet of a level, in the order of its pallets."""

CELL = 2
"""Half pitches from one cell to the next: nearer than this, two pallets share space."""


class Row(NamedTuple):
    """A level's pallets: where they stand, and where the travelling ones will."""

    at: Places
    to: Places | None = None
    """None while the row is at rest."""


class Gist(Enum):
    """All that may be known of a row when where along its level anything stands must not matter."""

    AT_REST = "every pallet in a cell"
    BETWEEN = "some pallet between two cells"
    SLIDES = "under way"
    BUSY = "under way, and nothing else may be known"


@dataclass(slots=True)
class RowBook:
    """Numbers for the rows that have been met on one level, so that a state stays a few small numbers."""

    rows: list[Row] = field(default_factory=list)
    numbers: dict[Row, int] = field(default_factory=dict)

    def number(self, row: Row) -> int:
        """The number of a row, a new one if it has not been met."""
        found = self.numbers.get(row)
        if found is None:
            found = self.numbers[row] = len(self.rows)
            self.rows.append(row)
        return found


def resting_row(layout: ModuleLayout, level: int, free: int | None = None) -> Row:
    """A level at rest, as assembled, or with this column free; as assembled if it cannot be free."""
    count = layout.pallets_per_level[level - 1]
    columns = [column for column in layout.open_columns(level) if column != free]
    if len(columns) < count:
        columns = list(layout.initial_columns[level - 1])
    return Row(tuple(CELL * (column - 1) for column in columns[:count]))


def gist_of(row: Row) -> Gist:
    """The gist of a row."""
    if row.to is not None:
        return Gist.SLIDES
    return Gist.BETWEEN if any(at % CELL for at in row.at) else Gist.AT_REST


def column_of(place: int) -> int:
    """Column of a place, 0 between two cells."""
    return 0 if place % CELL else place // CELL + 1


def place_of(column: int) -> int:
    """Place of a column."""
    return CELL * (column - 1)


def under_way(row: Row) -> Row:
    """A row that sets off, seen as one that set off in its cells: where it was stopped before no longer matters."""
    if row.to is None:
        return row
    start = tuple(a if not a % CELL else b - CELL if b > a else b + CELL for a, b in zip(row.at, row.to, strict=True))
    return Row(start, row.to)


def stopped(row: Row) -> tuple[Row, ...]:
    """Everything that a stop can leave of a row: not yet started, between two cells, or just arrived."""
    if row.to is None:
        return (row,)
    half = tuple(a if a == b else min(a, b) + 1 for a, b in zip(row.at, row.to, strict=True))
    return Row(row.at), Row(half), Row(row.to)


def swept(row: Row, index: int) -> tuple[int, int]:
    """Leftmost and rightmost place that a pallet takes until it rests."""
    here = row.at[index]
    there = here if row.to is None else row.to[index]
    return (here, there) if here <= there else (there, here)


def wrong_with_slide(layout: ModuleLayout, level: int, row: Row) -> str | None:
    """How a slide that begins breaks R1 or R2 within its own row; None if it does not."""
    if row.to is None:
        return None
    ways = {b - a for a, b in zip(row.at, row.to, strict=True) if a != b}
    for index, (here, there) in enumerate(zip(row.at, row.to, strict=True)):
        if here == there:
            continue
        name = _name(layout, level, index)
        if abs(there - here) > CELL:
            return f"R2: {name} slides more than one pitch"
        if not 0 <= there <= CELL * (layout.columns - 1):
            return f"R2: {name} slides out of the frame"
        low, high = swept(row, index)
        for column in layout.levels[level - 1].blocked:
            if low - CELL < place_of(column) < high + CELL:
                return f"R2: {name} slides into blocked column {column}"
        for other in range(len(row.at)):
            if other == index or (len(ways) == 1 and row.at[other] != row.to[other]):
                continue  # one train keeps its distances
            left, right = swept(row, other)
            if left - CELL < high and low < right + CELL:
                return f"R1: {name} runs into {_name(layout, level, other)}"
    return None


def in_shaft(row: Row, place: int, leaving_out: int | None = None) -> bool:
    """Whether anything of a row stands in, or passes, the column at a place."""
    for index in range(len(row.at)):
        low, high = swept(row, index)
        if index != leaving_out and low - CELL < place < high + CELL:
            return True
    return False


def blindly_slid(row: Row, first: int, second: int) -> Row:
    """What a PLC without any rule would do: everything from the one column to the other sets off toward the second."""
    low, high = sorted((place_of(first), place_of(second)))
    ahead = 1 if second > first else -1
    return _set_off(row, [low <= at <= high for at in row.at], ahead)


def _set_off(row: Row, goes: Sequence[bool], ahead: int) -> Row:
    to = []
    for at, going in zip(row.at, goes, strict=True):
        way = ahead if at % CELL else CELL * ahead
        to.append(at + way if going else at)
    return Row(row.at, tuple(to)) if tuple(to) != row.at else row


def _name(layout: ModuleLayout, level: int, index: int) -> str:
    return layout.bay_names[layout.level_offset[level - 1] + index]
