"""How a module serves one driver after another: times, pallets, and what a wait costs.

Decides how long a turn takes and on which empty pallet a car may be stored; who comes next is
`scheduler.rolling`'s. The machine works as the controller runs it: the pallet on the ground goes home,
the rows slide, the next pallet comes down; a car on level 1 is served past whatever stands on the ground.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from domain.grid import Columns
from domain.ids import BayId, BayRef
from domain.machine import SlideMode
from scheduler.dockings import is_free, slid
from scheduler.line import Line, Turn
from scheduler.reach import approach
from scheduler.regime import is_plain

BEYOND = 1 << 44
"""Weight of a millisecond beyond the longest wait allowed: more than any sum of waits."""

_OUT_OF_REACH_MS = 1 << 28


class Place(NamedTuple):
    """How the machine stands between two jobs."""

    down: BayRef | None
    is_empty: bool
    """Whether the pallet on the ground has no car."""
    shaft: BayId | None
    """The upper pallet whose shaft is free, where rows slide together."""
    columns: Columns | None
    """Where the pallets stand, where it matters."""


class Way(NamedTuple):
    """One turn served: the pallet, its times, and how the machine stands after it."""

    bay: BayRef
    begin_ms: int
    open_ms: int
    shut_ms: int
    after: Place


Path = list[tuple[int, Way]]
"""Turns, by their place in the line, in the order they are served."""


class Serving:
    """A line's machine. Turns are told by their place in the line."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.turns = line.turns
        self.times = line.times
        self.together = line.machine.slide_mode is SlideMode.PARALLEL and is_plain(line.layout)
        self.tail_ms = [line.times.dwell_ms(turn.kind) + line.times.gate_close_ms for turn in line.turns]
        self._slides: dict[tuple[Columns, BayRef], tuple[int, Columns]] = {}
        self._tall = {level.number: level.height_mm for level in line.layout.levels}
        shaft = _free_shaft(line) if self.together else None
        is_empty = line.down is not None and line.down.name in line.spare
        self.start = Place(line.down, is_empty, shaft, None if self.together else line.columns)

    def cost_of(self, at: int, open_ms: int, bound_ms: int | None) -> int:
        """Cost of one driver: what lies beyond the longest wait allowed counts before everything else."""
        turn = self.turns[at]
        wait_ms = max(0, open_ms - turn.asked_ms)
        cost = turn.weight * wait_ms
        if bound_ms is not None and wait_ms > bound_ms:
            cost += BEYOND * (wait_ms - bound_ms)
        return cost

    def in_order(self, order: Iterable[int], *, own: bool) -> Path:
        """Serve so, each on its `own` pallet or else on the first of its `ways`."""
        place, now_ms = self.start, 0
        path: Path = []
        for at in order:
            way = self.way(at, self.turns[at].bay, now_ms, place) if own else next(self.ways(at, now_ms, place))
            place, now_ms = way.after, way.shut_ms
            path.append((at, way))
        return path

    def way(self, at: int, bay: BayRef, now_ms: int, place: Place) -> Way:
        """Serve one turn on this pallet."""
        turn, times = self.turns[at], self.times
        stays_empty = turn.kind == "retrieval"
        columns, lead_ms = place.columns, 0
        after = place
        if bay == place.down:
            after = Place(bay, stays_empty, place.shaft, columns)
        elif bay.level > 1:
            if place.down is not None:
                lead_ms = times.raise_ms[place.down.level]
            if columns is not None:
                slides_ms, columns = self._slid(columns, bay)
                lead_ms += slides_ms
            elif bay.name != place.shaft:
                lead_ms += times.window_ms(bay.level)
            lead_ms += times.lower_ms[bay.level]
            after = Place(bay, stays_empty, bay.name if columns is None else None, columns)
        ground_ms = max(now_ms + lead_ms, turn.ground_ms)
        open_ms = ground_ms + times.gate_open_ms
        if turn.booked:
            open_ms = max(open_ms, turn.asked_ms)
        return Way(bay, ground_ms - lead_ms, open_ms, open_ms + self.tail_ms[at], after)

    def ways(self, at: int, now_ms: int, place: Place) -> Iterator[Way]:
        """On its own pallet, or for a car that comes on the empty one that is down or hangs over a free shaft."""
        turn = self.turns[at]
        if turn.kind == "storage" and turn.bay.level > 1:
            down = place.down
            if down is not None and place.is_empty and down != turn.bay and self._may_take(turn, down):
                yield self.way(at, down, now_ms, place)
                return
            shaft = self.line.layout.offset.get(place.shaft) if place.shaft is not None else None
            if shaft is not None and place.shaft in self.line.spare:
                ref = self.line.layout.bays[shaft]
                if ref not in (turn.bay, down) and ref.level == turn.bay.level and self._may_take(turn, ref):
                    yield self.way(at, ref, now_ms, place)
        yield self.way(at, turn.bay, now_ms, place)

    def _slid(self, columns: Columns, bay: BayRef) -> tuple[int, Columns]:
        """Time of the slides that the controller would ask, and where the pallets stand then."""
        key = columns, bay
        known = self._slides.get(key)
        if known is None:
            line = self.line
            found = approach(line.layout, line.machine, columns, bay)
            if found is None:
                # Out of reach for now: last of all, whatever it is.
                known = (_OUT_OF_REACH_MS, columns)
            else:
                took_ms = found.slide_ms * self.times.slide_ms // line.machine.slide_ms(line.layout.pitch_mm)
                known = (took_ms, slid(columns, found.slides))
            self._slides[key] = known
        return known

    def _may_take(self, turn: Turn, bay: BayRef) -> bool:
        """Whether the car fits there and takes no tall bay while fewer than two others are left."""
        if bay.level not in turn.fits or bay.name in self.line.layout.dead:
            return False
        height_mm = self._tall[bay.level]
        if height_mm <= self._tall[turn.bay.level]:
            return True
        layout = self.line.layout
        return sum(1 for n in self.line.spare if self._tall[layout.bays[layout.offset[n]].level] >= height_mm) > 2


def _free_shaft(line: Line) -> BayId | None:
    """The upper pallet that hangs over a free shaft, lowest first."""
    return next((ref.name for ref in line.layout.bays if ref.level > 1 and is_free(line.columns, ref)), None)
