"""The slides that clear the way down for one pallet, and what they cost.

Decides which trains of pallets slide where so that a pallet can be lowered, in each slide mode,
with several gaps a level, and around whatever is out of service. Does not decide which pallet, nor when.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from domain.grid import Columns, ModuleLayout
from domain.ids import BayRef
from domain.machine import Machine, SlideMode


@dataclass(frozen=True, slots=True, order=True)
class Slide:
    """One bounded slide command: free column `first` by moving every pallet up to `second`.

    `second` is free before; afterwards `first` is. `pallets` = how many move.
    """

    level: int
    first: int
    second: int

    @property
    def pallets(self) -> int:
        """Number of pallets that move."""
        return abs(self.first - self.second)


@dataclass(frozen=True, slots=True)
class Presentation:
    """How to bring one pallet to the ground: slides (in order), the column it comes down at, time."""

    column: int
    slides: tuple[Slide, ...]
    slide_ms: int


@lru_cache(maxsize=8192)
def present(layout: ModuleLayout, machine: Machine, columns: Columns, bay: BayRef) -> Presentation | None:
    """The quickest way to have `bay` stand free above the ground; None if no single docking exists.

    Candidates are the pallet's own column and, one pitch to either side, the columns it reaches by
    sliding within its level. Ties go to fewer pallets moved, then to the lower column. A pallet of the
    ground has its car at the gate as it stands, dead or not.
    """
    if bay.level == 1:
        return Presentation(columns[0][bay.index - 1], (), 0)
    if layout.hoist_out or bay.name in layout.dead:
        return None
    best: tuple[tuple[int, int, int], Presentation] | None = None
    for column, own in _dockings(layout, columns, bay):
        slides = list(own)
        for level in range(1, bay.level):
            clearing = clear_column(layout, columns, level, column)
            if clearing is None:
                break
            slides += clearing
        else:
            ordered = _in_mode(slides, machine.slide_mode)
            cost_ms = slides_ms(layout, machine, ordered)
            key = (cost_ms, sum(s.pallets for s in ordered), column)
            if best is None or key < best[0]:
                best = key, Presentation(column, ordered, cost_ms)
    return None if best is None else best[1]


def clear_column(layout: ModuleLayout, columns: Columns, level: int, column: int) -> tuple[Slide, ...] | None:
    """The slide that empties one column of one level (none if empty already); None if impossible."""
    return _clearing(layout, columns[level - 1], level, column)


@lru_cache(maxsize=8192)
def _clearing(layout: ModuleLayout, row: tuple[int, ...], level: int, column: int) -> tuple[Slide, ...] | None:
    if column in layout.walls[level - 1]:
        return None
    if column not in row:
        return ()
    gaps = list(_reachable_gaps(layout, row, level, column))
    if not gaps:
        return None
    nearest = min(gaps, key=lambda gap: (abs(gap - column), gap))
    return (Slide(level, column, nearest),)


def slides_ms(layout: ModuleLayout, machine: Machine, slides: tuple[Slide, ...]) -> int:
    """Nominal time of the slides in the machine's slide mode, inrush staggers included."""
    if not slides:
        return 0
    one_ms = machine.slide_ms(layout.pitch_mm)
    if machine.slide_mode is SlideMode.PARALLEL:
        return one_ms + machine.inrush_stagger_ms * (len(slides) - 1)
    return one_ms * len(slides)


def _dockings(layout: ModuleLayout, columns: Columns, bay: BayRef) -> Iterator[tuple[int, tuple[Slide, ...]]]:
    """Columns where the pallet can come down, with the slide on its own level that brings it there."""
    own = columns[bay.level - 1][bay.index - 1]
    if own in layout.walls[bay.level - 1]:
        return
    yield own, ()
    for gap in _reachable_gaps(layout, columns[bay.level - 1], bay.level, own):
        yield own + (1 if gap > own else -1), (Slide(bay.level, own, gap),)


def _reachable_gaps(layout: ModuleLayout, row: tuple[int, ...], level: int, column: int) -> Iterator[int]:
    """The nearest free cell on either side, if every cell on the way holds a pallet that can slide."""
    stand = dict(zip(row, range(1, layout.columns + 1), strict=False))
    walls, fixed = layout.walls[level - 1], layout.fixed[level - 1]
    for step in (-1, 1):
        at = column
        while 1 <= at <= layout.columns and at not in walls:
            if at not in stand:
                yield at
                break
            if stand[at] in fixed:
                break
            at += step


def _in_mode(slides: list[Slide], mode: SlideMode) -> tuple[Slide, ...]:
    """Commands as the machine takes them: whole trains, or pallet by pallet from the gap's side."""
    if mode is not SlideMode.SINGLE:
        return tuple(slides)
    singles = []
    for slide in slides:
        step = 1 if slide.second > slide.first else -1
        singles += [Slide(slide.level, c - step, c) for c in range(slide.second, slide.first, -step)]
    return tuple(singles)
