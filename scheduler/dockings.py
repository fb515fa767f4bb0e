"""Every way to bring one pallet above a free shaft by one slide of each row.

Decides which columns a pallet can come down at and which rows slide for it, and where the pallets
stand then. What that costs is the regime's matter, which way is best the planner's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from domain.grid import Columns, ModuleLayout
from domain.ids import BayRef
from scheduler.moves import Slide


@dataclass(frozen=True, slots=True)
class Docking:
    """A column to come down at, and the slides that lead there (lowest row first)."""

    column: int
    slides: tuple[Slide, ...]

    @property
    def pallets(self) -> int:
        """How many pallets slide."""
        return sum(slide.pallets for slide in self.slides)


def dockings(layout: ModuleLayout, columns: Columns, bay: BayRef) -> tuple[Docking, ...]:
    """All dockings of a pallet, fewest rows and pallets moved first.

    A row uses the nearest gap on either side: a farther one of the same side would first move the
    nearer one to no avail.
    """
    own = columns[bay.level - 1][bay.index - 1]
    if bay.level == 1:
        return (Docking(own, ()),)
    if layout.hoist_out or bay.name in layout.dead or own in layout.walls[bay.level - 1]:
        return ()
    found: list[Docking] = []
    ways: list[tuple[int, tuple[Slide, ...]]] = [(own, ())]
    gaps = _gaps_beside(layout, columns, bay.level, own)
    ways.extend((own + (1 if gap > own else -1), (Slide(bay.level, own, gap),)) for gap in gaps)
    for column, last in ways:
        rows = [_clearings(layout, columns, level, column) for level in range(1, bay.level)]
        choices = ((*choice, *last) for choice in product(*rows))
        found.extend(Docking(column, tuple(s for s in slides if s is not None)) for slides in choices)
    return tuple(sorted(found, key=lambda d: (len(d.slides), d.pallets, d.column)))


def is_free(columns: Columns, bay: BayRef) -> bool:
    """Whether the shaft below a pallet is free as everything stands."""
    own = columns[bay.level - 1][bay.index - 1]
    return all(own not in row for row in columns[: bay.level - 1])


def slid(columns: Columns, slides: tuple[Slide, ...]) -> Columns:
    """Where pallets stand after some slides."""
    if not slides:
        return columns
    rows = list(columns)
    for slide in slides:
        step = 1 if slide.second > slide.first else -1
        low, high = min(slide.first, slide.second), max(slide.first, slide.second)
        rows[slide.level - 1] = tuple(c + step if low <= c <= high else c for c in rows[slide.level - 1])
    return tuple(rows)


def _clearings(layout: ModuleLayout, columns: Columns, level: int, column: int) -> list[Slide | None]:
    if column in layout.walls[level - 1]:
        return []
    if column not in columns[level - 1]:
        return [None]
    return [Slide(level, column, gap) for gap in _gaps_beside(layout, columns, level, column)]


def _gaps_beside(layout: ModuleLayout, columns: Columns, level: int, column: int) -> Iterator[int]:
    """The nearest gap on each side, if all pallets on the way can slide."""
    row = columns[level - 1]
    walls, fixed = layout.walls[level - 1], layout.fixed[level - 1]
    for step in (-1, 1):
        at = column
        while 1 <= at <= layout.columns and at not in walls:
            if at not in row:
                yield at
                break
            if fixed and row.index(at) + 1 in fixed:
                break
            at += step
