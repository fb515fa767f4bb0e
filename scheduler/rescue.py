"""The least work by hand that frees stranded cars when parts of a module are out of service.

Decides the order of slides (by the motors), pushes (one pallet by one pitch, with a winch) and cranks
(one pallet lowered, its car driven off, the pallet raised again, by hand). What is least is the work by
hand; slides between are each the shortest, their time is told but not weighed against it. A car counts
as free once its pallet could come down at some moment of the sequence; those that a push shuts in again
are named with it, to be fetched before.

Not decided: repairs. Nobody moves a pallet into, out of or through a closed cell.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, parse_bay
from domain.machine import Machine
from scheduler.dockings import slid
from scheduler.islands import Archipelago, bay_of, pushed
from scheduler.moves import Slide, slides_ms
from scheduler.reach import routes, shaft_above, within_reach
from scheduler.visits import Visits


@dataclass(frozen=True, slots=True)
class HandWork:
    """What moves by hand take two trained people, in ms. Assumptions until a garage has measured its own."""

    push_ms: int = 600_000
    """A pallet of the ground by one pitch."""
    push_aloft_ms: int = 900_000
    """The same on an upper level, secured against falling."""
    crank_ms_per_m: int = 180_000
    """Lowering or raising a pallet by 1 m."""

    def of_push(self, level: int) -> int:
        """One pallet of a level by one pitch."""
        return self.push_ms if level == 1 else self.push_aloft_ms

    def of_crank(self, z_mm: int) -> int:
        """Down from a height and up again."""
        return 2 * z_mm * self.crank_ms_per_m // 1000


class Act(StrEnum):
    """What a step of a rescue is."""

    SLIDE = "slide"
    PUSH = "push"
    CRANK = "crank"


@dataclass(frozen=True, slots=True)
class RescueStep:
    """One move. A slide names level, first and second as the register map does; the rest the pallet too.

    `frees`: cars that can be fetched from now on (or that leave with this crank). `shuts_in`: cars that
    could be fetched before and cannot after; they are fetched first, or wait.
    """

    act: Act
    level: int
    first: int
    second: int
    bay: BayId | None
    cost_ms: int
    frees: tuple[BayId, ...] = ()
    shuts_in: tuple[BayId, ...] = ()


@dataclass(frozen=True, slots=True)
class Rescue:
    """A sequence, whom it frees, who stays until parts are back, and whether less hand work is impossible."""

    steps: tuple[RescueStep, ...]
    freed: tuple[BayId, ...]
    left: tuple[BayId, ...]
    proven: bool

    @property
    def hand_ms(self) -> int:
        """Work by hand."""
        return sum(step.cost_ms for step in self.steps if step.act is not Act.SLIDE)

    @property
    def slide_ms(self) -> int:
        """Work of the motors between."""
        return sum(step.cost_ms for step in self.steps if step.act is Act.SLIDE)


def rescue(
    layout: ModuleLayout,
    machine: Machine,
    columns: Columns,
    parked: Collection[BayId],
    urgent: Collection[BayId] = (),
    work: HandWork | None = None,
) -> Rescue:
    """Free as many stranded cars as moves can, with the least work by hand; the `urgent` ones before all.

    `columns` must have every pallet home. With urgent cars the work until the last of them is free is
    least, and then that for the rest from there. Without, it is least for all.
    """
    crew = _Crew(layout, machine, columns, frozenset(parked), work or HandWork())
    stranded = frozenset(parked) - crew.freed
    for goals in (stranded & frozenset(urgent), stranded):
        crew.free(goals)
    freed = crew.freed & stranded
    return Rescue(tuple(crew.steps), _sorted(freed), _sorted(stranded - freed), crew.proven)


class _Crew:
    """People at work: where the pallets stand, which cars have been free, what was done."""

    def __init__(
        self, layout: ModuleLayout, machine: Machine, columns: Columns, parked: frozenset[BayId], work: HandWork
    ) -> None:
        self._layout = layout
        self._machine = machine
        self._work = work
        self._parked = parked
        self._columns = columns
        self.steps: list[RescueStep] = []
        self.freed = within_reach(layout, columns) & parked
        self.proven = True

    def free(self, goals: frozenset[BayId]) -> None:
        """Do what frees the most of these cars with the least work by hand."""
        todo = goals - self.freed
        costs_ms = [self._work.of_push(level.number) for level in self._layout.levels]
        visits = Visits(self._layout, self._columns, _sorted(todo), costs_ms)
        pushes, proven = visits.cheapest()
        self.proven = self.proven and proven
        shown = visits.shown(pushes)
        for moment, (level, island) in enumerate(pushes):
            self._crank(shown[moment].difference(*shown[moment + 1 :]))
            self._push(level, visits.rows[level - 1], island)
        self._crank(shown[-1])

    def _push(self, level: int, row: Archipelago, island: int) -> None:
        """Slide a row to where a push leads to the island wanted, and push."""
        at = self._columns[level - 1]
        here = next(number for number, known in enumerate(row.islands) if at in known.rows)
        ways = routes(self._layout, level, at)
        before, push = min(row.bridges[here][island], key=lambda way: (len(ways[way[0]]), way[0]))
        for slide in ways[before]:
            self._slide((slide,))
        reached = within_reach(self._layout, self._columns) & self._parked
        rows = list(self._columns)
        rows[level - 1] = pushed(before, push)
        self._columns = tuple(rows)
        after = within_reach(self._layout, self._columns) & self._parked
        frees, shuts_in = _sorted(after - reached - self.freed), _sorted(reached - after)
        bay, cost_ms = bay_of(self._layout, push), self._work.of_push(level)
        self.steps.append(RescueStep(Act.PUSH, level, push.first, push.second, bay, cost_ms, frees, shuts_in))
        self.freed |= after

    def _crank(self, bays: frozenset[BayId]) -> None:
        """Crank down those that have a shaft but no hoist, low pallets first.

        It is called at the last moment for each: a push frees many cars in the time of one crank.
        """
        for bay in _sorted(bays - self.freed):
            ref = parse_bay(bay)
            way = shaft_above(self._layout, self._machine, self._columns, ref)
            if way is None:
                raise ValueError(f"{bay} has no shaft")
            for phase in way.phases:
                self._slide(phase)
            cost_ms = self._work.of_crank(self._layout.level_z_mm[ref.level - 1])
            self.steps.append(RescueStep(Act.CRANK, ref.level, way.column, way.column, bay, cost_ms, (bay,)))
            self.freed |= {bay}

    def _slide(self, phase: tuple[Slide, ...]) -> None:
        """Slides that the motors make together; the first of them carries the time of all."""
        cost_ms = slides_ms(self._layout, self._machine, phase)
        for slide in phase:
            self.steps.append(RescueStep(Act.SLIDE, slide.level, slide.first, slide.second, None, cost_ms))
            cost_ms = 0
        self._columns = slid(self._columns, phase)


def _sorted(bays: Collection[BayId]) -> tuple[BayId, ...]:
    return tuple(sorted(bays))
