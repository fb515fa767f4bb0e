"""Which cars can be brought down by the motors, by which slides, and what stands in the way of the rest.

Decides reachability with parts out of service, also where a pallet needs several slides of one row
one after another. Rests on one fact: the rows slide independently while all pallets are home, so the
cheapest way down is put together from the cheapest ways of single rows. Every slide can be undone by
another, so no move of the motors ever changes who can be reached. Does not decide moves by hand;
that is `scheduler.rescue`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import zip_longest

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, BayRef
from domain.machine import Machine, SlideMode
from domain.parts import Part, parts_out, with_back
from scheduler.moves import Slide, present, slides_ms

Row = tuple[int, ...]
"""Columns of one level's pallets, ascending."""


@dataclass(frozen=True, slots=True)
class Approach:
    """How to free the way down for one pallet: the column, slides phase by phase, nominal time.

    Slides of one phase may be asked together; a phase begins when the one before it has ended.
    """

    column: int
    phases: tuple[tuple[Slide, ...], ...]
    slide_ms: int

    @property
    def slides(self) -> tuple[Slide, ...]:
        """All slides, in order."""
        return tuple(slide for phase in self.phases for slide in phase)


@dataclass(frozen=True, slots=True)
class BayReach:
    """One bay: how its pallet comes down, or which parts must be put back before it can.

    `because` is a least set: without any one of them repaired the pallet stays where it is. It is empty
    for a reachable bay, and for one that the frame itself shuts in.
    """

    bay: BayId
    parked: bool
    approach: Approach | None
    because: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Reach:
    """Every bay of a module, in the order of its layout."""

    bays: tuple[BayReach, ...]

    @cached_property
    def of(self) -> dict[BayId, BayReach]:
        """By name."""
        return {found.bay: found for found in self.bays}

    @property
    def stranded(self) -> tuple[BayReach, ...]:
        """Bays with a car that the motors cannot bring down."""
        return tuple(found for found in self.bays if found.parked and found.approach is None)


def reachability(layout: ModuleLayout, machine: Machine, columns: Columns, parked: Collection[BayId]) -> Reach:
    """What can be reached from where the pallets stand. `layout` says what is out of service."""
    ways = {bay.name: approach(layout, machine, columns, bay) for bay in layout.bays}
    because = blame(layout, columns, [name for name, way in ways.items() if way is None])
    return Reach(tuple(BayReach(name, name in parked, way, because.get(name, ())) for name, way in ways.items()))


def approach(layout: ModuleLayout, machine: Machine, columns: Columns, bay: BayRef) -> Approach | None:
    """The next slides and all that follow until `bay` can come down; None if it cannot.

    A single docking (one slide a row) is taken where there is one. Asking again after a phase, or after
    part of one, leads on: each slide asked makes the rest cheaper, or as long with fewer pallets moved.
    """
    way = present(layout, machine, columns, bay)
    if way is not None:
        together = machine.slide_mode is SlideMode.PARALLEL
        phases = (way.slides,) if together and way.slides else tuple((slide,) for slide in way.slides)
        return Approach(way.column, phases, way.slide_ms)
    if layout.hoist_out or bay.name in layout.dead:
        return None
    return shaft_above(layout, machine, columns, bay)


def shaft_above(layout: ModuleLayout, machine: Machine, columns: Columns, bay: BayRef) -> Approach | None:
    """The cheapest slides that free a shaft under a pallet, whoever may lower it then; None if none do."""
    single = machine.slide_mode is SlideMode.SINGLE
    rows = [routes(layout, level, columns[level - 1], single) for level in range(1, bay.level + 1)]
    best: tuple[tuple[int, int, int], Approach] | None = None
    for column in range(1, layout.columns + 1):
        if any(column in layout.walls[level] for level in range(bay.level)):
            continue
        ways = [_cheapest(slides for row, slides in ways.items() if column not in row) for ways in rows[:-1]]
        ways.append(_cheapest(slides for row, slides in rows[-1].items() if row[bay.index - 1] == column))
        found = [way for way in ways if way is not None]
        if len(found) < len(ways):
            continue
        phases = _phases(found, machine.slide_mode)
        cost_ms = sum(slides_ms(layout, machine, phase) for phase in phases)
        key = (cost_ms, sum(s.pallets for way in found for s in way), column)
        if best is None or key < best[0]:
            best = key, Approach(column, phases, cost_ms)
    return None if best is None else best[1]


def within_reach(layout: ModuleLayout, columns: Columns) -> frozenset[BayId]:
    """The bays whose pallets the motors can bring down, all at once: `approach` finds a way for these."""
    upper = frozenset() if layout.hoist_out else with_shaft(layout, columns) - frozenset(layout.dead)
    return upper | frozenset(bay.name for bay in layout.bays if bay.level == 1)


def takes_cars(layout: ModuleLayout, columns: Columns) -> frozenset[BayId]:
    """The bays where a car may be put: within reach, and their pallets in service."""
    return within_reach(layout, columns) - frozenset(layout.dead)


def with_shaft(layout: ModuleLayout, columns: Columns) -> frozenset[BayId]:
    """The upper bays that slides bring above a free shaft, whether or not the hoist can lower them."""
    found = set()
    shaft = frozenset(range(1, layout.columns + 1))
    for level, row in enumerate(columns, start=1):
        rows = tuple(routes(layout, level, row))
        if level > 1:
            usable = shaft - layout.walls[level - 1]
            found |= {
                BayRef(layout.id, level, i).name for i, at in enumerate(zip(*rows, strict=True), 1) if usable & {*at}
            }
        shaft &= free_columns(layout, level, rows)
    return frozenset(found)


def free_columns(layout: ModuleLayout, level: int, rows: Iterable[Row]) -> frozenset[int]:
    """Columns that stand empty in one of these arrangements of a level and that a pallet may pass."""
    usable = frozenset(range(1, layout.columns + 1)) - layout.walls[level - 1]
    return usable.difference(frozenset.intersection(*map(frozenset, rows)))


def blame(layout: ModuleLayout, columns: Columns, bays: Collection[BayId]) -> dict[BayId, tuple[Part, ...]]:
    """For each of these bays a least set of parts whose return makes it reachable; () if none does."""
    told: dict[BayId, tuple[Part, ...]] = {}
    out = parts_out(layout)
    for part in out:
        reached = within_reach(with_back(layout, (part,)), columns)
        told |= {bay: (part,) for bay in bays if bay in reached and bay not in told}
    for bay in bays:
        if bay not in told:
            told[bay] = _least_repair(layout, columns, bay, out)
    return told


def _least_repair(layout: ModuleLayout, columns: Columns, bay: BayId, out: tuple[Part, ...]) -> tuple[Part, ...]:
    """Drop from all parts, one by one, whatever is not needed."""

    def is_enough(parts: Sequence[Part]) -> bool:
        return bay in within_reach(with_back(layout, parts), columns)

    needed = list(out)
    if not is_enough(needed):
        return ()
    for part in out:
        fewer = [other for other in needed if other != part]
        if is_enough(fewer):
            needed = fewer
    return tuple(needed)


def routes(layout: ModuleLayout, level: int, row: Row, single: bool = False) -> dict[Row, tuple[Slide, ...]]:
    """Every arrangement that one level's motors can reach, with the fewest slides, then pallets, to it."""
    found: dict[Row, tuple[Slide, ...]] = {}
    queue: list[tuple[int, int, Row, tuple[Slide, ...]]] = [(0, 0, row, ())]
    while queue:
        count, pallets, at, way = heappop(queue)
        if at in found:
            continue
        found[at] = way
        for slide in _row_slides(layout, level, at, single):
            after = row_after(at, slide)
            if after not in found:
                heappush(queue, (count + 1, pallets + slide.pallets, after, (*way, slide)))
    return found


def row_after(row: Row, slide: Slide) -> Row:
    """Where a level's pallets stand after a slide."""
    step = 1 if slide.second > slide.first else -1
    low, high = sorted((slide.first, slide.second))
    return tuple(column + step if low <= column <= high else column for column in row)


def _row_slides(layout: ModuleLayout, level: int, row: Row, single: bool) -> Iterator[Slide]:
    """Every slide that a level's motors can make: trains of any length toward each free cell."""
    walls, fixed = layout.walls[level - 1], layout.fixed[level - 1]
    loose = {column for index, column in enumerate(row, start=1) if index not in fixed} - walls
    for gap in range(1, layout.columns + 1):
        if gap in walls or gap in row:
            continue
        for step in (-1, 1):
            at = gap + step
            while at in loose:
                yield Slide(level, at, gap)
                if single:
                    break
                at += step


def _cheapest(ways: Iterable[tuple[Slide, ...]]) -> tuple[Slide, ...] | None:
    return min(ways, key=lambda way: (len(way), sum(slide.pallets for slide in way)), default=None)


def _phases(rows: Sequence[tuple[Slide, ...]], mode: SlideMode) -> tuple[tuple[Slide, ...], ...]:
    """The rows' slides as the machine takes them: the n-th of every row together, or one after another."""
    if mode is not SlideMode.PARALLEL:
        return tuple((slide,) for way in rows for slide in way)
    return tuple(tuple(s for s in phase if s is not None) for phase in zip_longest(*rows))
