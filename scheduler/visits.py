"""The cheapest walk from island to island that gives every car its moment above a free shaft.

Decides which rows are pushed to which islands, in which order. A car may be fetched anywhere on the
way, so this is a shortest walk through sets of places: a label is the island of each row with the cars
that have had their moment, and of two labels in one place the one with fewer cars and no less work is
dropped. Exact up to `LABELS_MAX` labels; beyond, from nearest to nearest, and said so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from itertools import count
from operator import eq, ne

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, parse_bay
from scheduler.islands import chart

LABELS_MAX = 20_000
"""So many labels take one to two seconds on an idle core."""

Situation = tuple[int, ...]
"""The island each row is on, ground first."""

Walk = tuple[tuple[int, int], ...]
"""Pushes in order: level, and the island that its row is pushed to."""


@dataclass(frozen=True, slots=True)
class _Label:
    """One way to have come here; bit i of `seen` says that goal i has had its moment."""

    situation: Situation
    seen: int
    parent: _Label | None = None
    push: tuple[int, int] = (0, 0)

    @property
    def walk(self) -> Walk:
        """From the start to here."""
        found = []
        label = self
        while label.parent is not None:
            found.append(label.push)
            label = label.parent
        return tuple(reversed(found))


class Visits:
    """The search for some goals. `push_ms` gives the cost of a push for each level, ground first."""

    def __init__(self, layout: ModuleLayout, columns: Columns, goals: Sequence[BayId], push_ms: Sequence[int]) -> None:
        self._bays = tuple(goals)
        self._goals = [parse_bay(bay) for bay in goals]
        top = max((goal.level for goal in self._goals), default=0)
        self.rows = [chart(layout, level, columns[level - 1]) for level in range(1, top + 1)]
        self._push_ms = push_ms
        self._known: dict[Situation, int] = {}

    def cheapest(self, labels_max: int = LABELS_MAX) -> tuple[Walk, bool]:
        """A walk that gives every goal its moment that can have one, and whether none costs less."""
        start = (0,) * len(self.rows)
        label, all_seen = _Label(start, self._shown(start)), self._possible()
        found = self._search(label, partial(eq, all_seen), labels_max)
        if found is not None:
            return found.walk, True
        walk: Walk = ()
        while label.seen != all_seen:
            leg = self._search(label, partial(ne, label.seen), None)
            if leg is None:
                raise ValueError("a goal that some island shows cannot be reached")
            walk += leg.walk
            label = _Label(leg.situation, leg.seen)
        return walk, False

    def shown(self, walk: Walk) -> tuple[frozenset[BayId], ...]:
        """The goals above a free shaft before the first push of a walk and after each."""
        situation = [0] * len(self.rows)
        seen = [self._shown(tuple(situation))]
        for level, island in walk:
            situation[level - 1] = island
            seen.append(self._shown(tuple(situation)))
        return tuple(frozenset(bay for bit, bay in enumerate(self._bays) if mask >> bit & 1) for mask in seen)

    def _search(self, start: _Label, is_enough: Callable[[int], bool], labels_max: int | None) -> _Label | None:
        """Dijkstra's algorithm over labels; None beyond the limit."""
        number = count()
        queue = [(0, next(number), _Label(start.situation, start.seen))]
        settled: dict[Situation, list[int]] = defaultdict(list)
        labels = 0
        while queue:
            cost_ms, _, label = heappop(queue)
            if any(label.seen & other == label.seen for other in settled[label.situation]):
                continue
            if is_enough(label.seen):
                return label
            labels += 1
            if labels_max is not None and labels > labels_max:
                return None
            settled[label.situation].append(label.seen)
            for level, situation in self._neighbours(label.situation):
                seen = label.seen | self._shown(situation)
                onward = _Label(situation, seen, label, (level, situation[level - 1]))
                heappush(queue, (cost_ms + self._push_ms[level - 1], next(number), onward))
        return None

    def _neighbours(self, situation: Situation) -> Iterator[tuple[int, Situation]]:
        for at, (row, island) in enumerate(zip(self.rows, situation, strict=True)):
            for other in row.bridges[island]:
                yield at + 1, (*situation[:at], other, *situation[at + 1 :])

    def _shown(self, situation: Situation) -> int:
        """The goals above a free shaft while every row is on its island."""
        found = self._known.get(situation)
        if found is None:
            islands = [row.islands[island] for row, island in zip(self.rows, situation, strict=True)]
            free = [island.free for island in islands]
            stands = [islands[goal.level - 1].stands[goal.index - 1] for goal in self._goals]
            found = self._known[situation] = self._bits(free, stands)
        return found

    def _possible(self) -> int:
        """The goals that some situation shows: rows are pushed independently, and every push can be undone."""
        stands = [self.rows[goal.level - 1].stands(goal.index) for goal in self._goals]
        return self._bits([row.free for row in self.rows], stands)

    def _bits(self, free: Sequence[int], stands: Sequence[int]) -> int:
        found = 0
        for bit, (goal, columns) in enumerate(zip(self._goals, stands, strict=True)):
            shaft = columns
            for below in free[: goal.level - 1]:
                shaft &= below
            found |= (shaft != 0) << bit
        return found
