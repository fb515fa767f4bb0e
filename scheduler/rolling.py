"""The best order of a short queue, found anew at every decision and in bounded time.

Decides the order of the waiting drivers of one module, and on which empty pallet a car is stored:
least waiting beyond the age bound first, then least weighted waiting in all. Depth first with a bound
from below; the number of places looked at is bounded, so a scan is never late, and whether the order
is proven best is told. Nothing is compiled here and nothing imported that is slow to start.

The machine works as the controller runs it: the pallet on the ground goes home, the rows slide, the
next pallet comes down; a car on level 1 is served past whatever stands on the ground.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, BayRef, JobId
from domain.machine import Machine, SlideMode
from scheduler.dockings import is_free, slid
from scheduler.measured import Times
from scheduler.quick_orders import Figure, quick_orders
from scheduler.reach import approach
from scheduler.regime import is_plain

NODES_MAX = 600
"""Candidates that one decision looks at; some 5 to 10 us each."""

SLACK_MS = 1000
"""An order that waits less than this less in all is no better: it would only change people's minds."""

_AGE = 1 << 44
"""Weight of a millisecond beyond the age bound: more than any sum of waits."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One driver of the queue. Times are in ms from now.

    `asked_ms` is when the wait began (negative), or the booked minute. The pallet is not wanted on
    the ground before `ground_ms`. `fits` are the levels that the car may stand on.
    """

    job: JobId
    kind: str
    bay: BayRef
    weight: int
    asked_ms: int
    ground_ms: int = 0
    urgent: bool = False
    booked: bool = False
    fits: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Line:
    """A free module and its queue in figures.

    `down` is the pallet on the ground that lives higher up; `spare` are the pallets that a car may
    take which nobody has been promised.
    """

    layout: ModuleLayout
    machine: Machine
    times: Times
    columns: Columns
    turns: tuple[Turn, ...]
    down: BayRef | None = None
    spare: frozenset[BayId] = frozenset()
    age_bound_ms: int | None = None


class Served(NamedTuple):
    """One turn as planned: on which pallet, when its moves begin, when the gate is open and shut again."""

    turn: Turn
    bay: BayRef
    begin_ms: int
    open_ms: int
    shut_ms: int


class Order(NamedTuple):
    """An order with its cost; `proven` if none is better by a second or more."""

    served: tuple[Served, ...]
    beyond_ms: int
    weighted_ms: int
    proven: bool


class _Place(NamedTuple):
    """How the machine stands between two jobs."""

    down: BayRef | None
    is_empty: bool
    """Whether the pallet on the ground has no car."""
    shaft: BayId | None
    """The upper pallet whose shaft is free, where rows slide together."""
    columns: Columns | None
    """Where the pallets stand, where it matters."""


class _Way(NamedTuple):
    bay: BayRef
    begin_ms: int
    open_ms: int
    shut_ms: int
    after: _Place


def best_order(line: Line, nodes_max: int = NODES_MAX) -> Order:
    """The best order that so many candidates show."""
    return _Search(line, nodes_max).run()


def order_as_given(line: Line) -> Order:
    """What it costs to serve the turns in the order in which they stand, each on its own bay."""
    search = _Search(line, 0)
    place, now_ms, cost = search.start, 0, 0
    served = []
    for at, turn in enumerate(line.turns):
        way = search.way(at, turn.bay, now_ms, place)
        served.append(Served(turn, way.bay, way.begin_ms, way.open_ms, way.shut_ms))
        cost += search.cost_of(at, way.open_ms)
        place, now_ms = way.after, way.shut_ms
    return Order(tuple(served), cost // _AGE, cost % _AGE, False)


class _Search:
    def __init__(self, line: Line, nodes_max: int) -> None:
        self._line = line
        self._turns = line.turns
        self._times = line.times
        self._left = nodes_max
        self._together = line.machine.slide_mode is SlideMode.PARALLEL and is_plain(line.layout)
        self._slides: dict[tuple[Columns, BayRef], tuple[int, Columns]] = {}
        self._tall = {level.number: level.height_mm for level in line.layout.levels}
        shaft = _free_shaft(line) if self._together else None
        is_empty = line.down is not None and line.down.name in line.spare
        self.start = _Place(line.down, is_empty, shaft, None if self._together else line.columns)
        self._tail_ms = [line.times.dwell_ms(turn.kind) + line.times.gate_close_ms for turn in self._turns]
        self._bound_ms = line.age_bound_ms
        self._chains = self._classes()
        self._rank_classes()
        self._best: int | None = None
        self._best_path: list[tuple[int, _Way]] = []
        self._path: list[tuple[int, _Way]] = []
        self._seen: dict[tuple[object, ...], list[tuple[int, int]]] = {}
        self._proven = True

    def run(self) -> Order:
        for order in quick_orders(self._figures(), self._bound_ms):
            self._follow(order)
        if not any(turn.urgent for turn in self._turns):
            # Nobody is passed over for an order that is worse than that of the requests.
            self._follow(range(len(self._turns)), own=True)
        served = [0] * len(self._chains)
        self._dive(0, 0, served, self.start, len(self._turns))
        if self._best is None:
            raise ValueError("an empty queue has no order")
        path = tuple(Served(self._turns[at], w.bay, w.begin_ms, w.open_ms, w.shut_ms) for at, w in self._best_path)
        return Order(path, self._best // _AGE, self._best % _AGE, self._proven)

    def _figures(self) -> list[Figure]:
        """Every turn for the quick rules, as if all went on their own pallets."""
        found = []
        for at, turn in enumerate(self._turns):
            way = self.way(at, turn.bay, 0, self.start._replace(down=None))
            home_ms = self._times.raise_ms[turn.bay.level]
            lead_ms = way.open_ms - way.begin_ms
            found.append(
                Figure(
                    at,
                    lead_ms,
                    lead_ms + self._tail_ms[at] + home_ms,
                    turn.weight,
                    turn.asked_ms,
                    turn.urgent,
                    way.begin_ms,
                )
            )
        return found

    def _follow(self, order: Sequence[int], own: bool = False) -> None:
        """Keep this order if it is the best so far, each on its `own` pallet or on a nearer one."""
        place, now_ms, cost = self.start, 0, 0
        path = []
        for at in order:
            way = self.way(at, self._turns[at].bay, now_ms, place) if own else next(self._ways(at, now_ms, place))
            cost += self.cost_of(at, way.open_ms)
            place, now_ms = way.after, way.shut_ms
            path.append((at, way))
        if self._best is None or cost + SLACK_MS <= self._best:
            self._best, self._best_path = cost, path

    # -- classes: drivers whom the machine cannot tell apart keep their order ----------------------------

    def _classes(self) -> list[list[int]]:
        """Turns of one class in the order of their requests: an exchange shows that this order is best."""
        groups: dict[tuple[object, ...], list[int]] = {}
        turns = self._turns
        for at in sorted(range(len(turns)), key=lambda i: (turns[i].ground_ms, turns[i].asked_ms, turns[i].job)):
            turn = turns[at]
            alone = turn.bay.name in (self.start.shaft, self.start.down and self.start.down.name)
            own = turn.bay if alone or not self._together else turn.bay.level
            fits = turn.fits if turn.kind == "storage" else None
            groups.setdefault((own, turn.kind, turn.weight, turn.booked, turn.urgent, fits), []).append(at)
        return list(groups.values())

    def _rank_classes(self) -> None:
        """What one of each class takes at the least, and the order that would be best if all were free."""
        times = self._times
        may_share = any(t.kind == "retrieval" and t.bay.level > 1 for t in self._turns) or self.start.is_empty
        least = []
        for chain in self._chains:
            turn = self._turns[chain[0]]
            shared = turn.bay == self.start.down or (turn.kind == "storage" and may_share)
            upper = turn.bay.level > 1 and not shared
            lead_ms = times.gate_open_ms
            raise_ms = 0
            if upper:
                free = turn.bay.name == self.start.shaft or not self._together
                lead_ms += times.lower_ms[turn.bay.level] + (0 if free else times.window_ms(turn.bay.level))
                raise_ms = times.raise_ms[turn.bay.level]
            work_ms = lead_ms + self._tail_ms[chain[0]]
            least.append((upper, lead_ms, work_ms, raise_ms, turn.weight))
        uppers = [one for one in least if one[0]]
        simple = all(g[2] * u[4] <= u[2] * g[4] for g in least if not g[0] for u in uppers)
        spared_ms = 0 if simple else min(one[3] for one in uppers)
        self._spared_ms = spared_ms
        self._lead_ms = [one[1] + (spared_ms if one[0] else 0) for one in least]
        self._work_ms = [one[2] + ((one[3] if simple else spared_ms) if one[0] else 0) for one in least]
        self._upper = [one[0] for one in least]
        self._raise_ms = [one[3] for one in least]
        self._weight = [one[4] for one in least]
        self._booked = [self._turns[chain[0]].booked for chain in self._chains]
        rank = sorted(
            range(len(least)), key=lambda c: (self._upper[c] and simple, self._work_ms[c] / self._weight[c], c)
        )
        self._by_work = rank
        self._asked_left = []
        for chain in self._chains:
            sums = [0]
            for at in reversed(chain):
                sums.append(sums[-1] + self._turns[at].asked_ms)
            self._asked_left.append(sums[::-1])
        self._by_deadline = sorted(
            (self._turns[at].asked_ms + (self._bound_ms or 0), c, position)
            for c, chain in enumerate(self._chains)
            for position, at in enumerate(chain)
        )
        self._by_length = sorted(range(len(least)), key=lambda c: self._work_ms[c])
        self._lead_min_ms = min(self._lead_ms, default=0)

    def _rest(self, now_ms: int, served: list[int], place: _Place) -> int:
        """Cost of what is not yet served, at the least: everybody free at once, each as short as may be."""
        home_ms = 0
        if place.down is not None and not self._spared_ms and not place.is_empty:
            home_ms = self._times.raise_ms[place.down.level]
        ahead_ms = now_ms - (self._spared_ms if place.down is None else 0)
        total = 0
        for c in self._by_work:
            done = served[c]
            left = len(self._chains[c]) - done
            if not left:
                continue
            if self._booked[c]:
                total += self._alone(c, done, now_ms)
                continue
            if home_ms and self._upper[c]:
                ahead_ms += home_ms
                home_ms = 0
            work_ms = self._work_ms[c]
            total += self._weight[c] * (
                left * (ahead_ms + self._lead_ms[c]) + work_ms * (left * (left - 1) // 2) - self._asked_left[c][done]
            )
            ahead_ms += work_ms * left
        if self._bound_ms is not None and self._by_deadline and ahead_ms > self._by_deadline[0][0]:
            total += _AGE * self._late(now_ms - self._spared_ms, served)
        return total

    def _alone(self, c: int, done: int, now_ms: int) -> int:
        """Cost of booked drivers as if nobody else were there: most of them wait for their minute anyhow."""
        soonest_ms = now_ms + self._lead_ms[c] - self._spared_ms
        return self._weight[c] * sum(max(0, soonest_ms - self._turns[at].asked_ms) for at in self._chains[c][done:])

    def _late(self, now_ms: int, served: list[int]) -> int:
        """Time beyond the age bound at the least: shortest work first, matched with the earliest deadlines."""
        late_ms = 0
        opens_ms = now_ms + self._lead_min_ms
        lengths = iter([self._work_ms[c] for c in self._by_length for _ in range(len(self._chains[c]) - served[c])])
        for deadline_ms, c, position in self._by_deadline:
            if position < served[c]:
                continue
            if opens_ms > deadline_ms:
                late_ms += opens_ms - deadline_ms
            opens_ms += next(lengths)
        return late_ms

    # -- the machine --------------------------------------------------------------------------------------

    def cost_of(self, at: int, open_ms: int) -> int:
        """Cost of one driver: what lies beyond the age bound counts before everything else."""
        turn = self._turns[at]
        wait_ms = max(0, open_ms - turn.asked_ms)
        cost = turn.weight * wait_ms
        if self._bound_ms is not None and wait_ms > self._bound_ms:
            cost += _AGE * (wait_ms - self._bound_ms)
        return cost

    def way(self, at: int, bay: BayRef, now_ms: int, place: _Place) -> _Way:
        """Serve one turn on this pallet."""
        turn, times = self._turns[at], self._times
        stays_empty = turn.kind == "retrieval"
        columns, lead_ms = place.columns, 0
        after = place
        if bay == place.down:
            after = place._replace(is_empty=stays_empty)
        elif bay.level > 1:
            if place.down is not None:
                lead_ms = times.raise_ms[place.down.level]
            if columns is not None:
                slides_ms, columns = self._slid(columns, bay)
                lead_ms += slides_ms
            elif bay.name != place.shaft:
                lead_ms += times.window_ms(bay.level)
            lead_ms += times.lower_ms[bay.level]
            after = _Place(bay, stays_empty, bay.name if columns is None else None, columns)
        ground_ms = max(now_ms + lead_ms, turn.ground_ms)
        open_ms = ground_ms + times.gate_open_ms
        if turn.booked:
            open_ms = max(open_ms, turn.asked_ms)
        return _Way(bay, ground_ms - lead_ms, open_ms, open_ms + self._tail_ms[at], after)

    def _slid(self, columns: Columns, bay: BayRef) -> tuple[int, Columns]:
        """Time of the slides that the controller would ask, and where the pallets stand then."""
        key = columns, bay
        known = self._slides.get(key)
        if known is None:
            line = self._line
            found = approach(line.layout, line.machine, columns, bay)
            if found is None:
                # Out of reach for now: last of all, whatever it is.
                known = (_AGE >> 16, columns)
            else:
                took_ms = found.slide_ms * self._times.slide_ms // line.machine.slide_ms(line.layout.pitch_mm)
                known = (took_ms, slid(columns, found.slides))
            self._slides[key] = known
        return known

    def _ways(self, at: int, now_ms: int, place: _Place) -> Iterator[_Way]:
        """On its own pallet, or for a car that comes on the empty one that is down or hangs over a free shaft."""
        turn = self._turns[at]
        if turn.kind == "storage" and turn.bay.level > 1:
            down = place.down
            if down is not None and place.is_empty and down != turn.bay and self._may_take(turn, down):
                yield self.way(at, down, now_ms, place)
                return
            shaft = self._line.layout.offset.get(place.shaft) if place.shaft is not None else None
            if shaft is not None and place.shaft in self._line.spare:
                ref = self._line.layout.bays[shaft]
                if ref not in (turn.bay, down) and ref.level == turn.bay.level and self._may_take(turn, ref):
                    yield self.way(at, ref, now_ms, place)
        yield self.way(at, turn.bay, now_ms, place)

    def _may_take(self, turn: Turn, bay: BayRef) -> bool:
        """Whether the car fits there and takes no tall bay while fewer than two others are left."""
        if bay.level not in turn.fits or bay.name in self._line.layout.dead:
            return False
        height_mm = self._tall[bay.level]
        if height_mm <= self._tall[turn.bay.level]:
            return True
        layout = self._line.layout
        return sum(1 for n in self._line.spare if self._tall[layout.bays[layout.offset[n]].level] >= height_mm) > 2

    # -- the search ---------------------------------------------------------------------------------------

    def _dive(self, now_ms: int, cost: int, served: list[int], place: _Place, left: int) -> None:
        """All orders from here that may be better than the best so far."""
        if not left:
            self._best, self._best_path = cost, list(self._path)
            return
        if self._known(now_ms, cost, served, place):
            return
        for _, new_cost, at, c, way in self._candidates(now_ms, cost, served, place):
            served[c] += 1
            if self._best is None or new_cost + self._rest(way.shut_ms, served, way.after) + SLACK_MS <= self._best:
                if self._best is not None and self._left <= 0:
                    self._proven = False
                    served[c] -= 1
                    return
                self._path.append((at, way))
                self._dive(way.shut_ms, new_cost, served, way.after, left - 1)
                self._path.pop()
            served[c] -= 1

    def _candidates(
        self, now_ms: int, cost: int, served: list[int], place: _Place
    ) -> list[tuple[tuple[float, int, JobId], int, int, int, _Way]]:
        """Who can be next, the shortest work for its weight first; emergencies before all others."""
        heads = [
            (chain[done], c)
            for c, (chain, done) in enumerate(zip(self._chains, served, strict=True))
            if done < len(chain)
        ]
        if any(self._turns[at].urgent for at, _ in heads):
            heads = [head for head in heads if self._turns[head[0]].urgent]
        found = []
        for at, c in heads:
            turn = self._turns[at]
            for way in self._ways(at, now_ms, place):
                self._left -= 1
                home_ms = self._times.raise_ms[way.after.down.level] if way.after.down is not None else 0
                rank = ((way.shut_ms + home_ms - now_ms) / turn.weight, turn.asked_ms, turn.job)
                found.append((rank, cost + self.cost_of(at, way.open_ms), at, c, way))
        return sorted(found)

    def _known(self, now_ms: int, cost: int, served: list[int], place: _Place) -> bool:
        """Whether the same drivers have been served before as soon and as cheaply."""
        down = place.down
        own = down if down is not None and down == self.start.down else None
        level = 0 if down is None else down.level
        shaft = place.shaft is not None and place.shaft == self.start.shaft
        front = self._seen.setdefault((tuple(served), level, own, place.is_empty, shaft, place.columns), [])
        if any(t <= now_ms and known <= cost for t, known in front):
            return True
        front.append((now_ms, cost))
        return False


def _free_shaft(line: Line) -> BayId | None:
    """The upper pallet that hangs over a free shaft, lowest first."""
    return next((ref.name for ref in line.layout.bays if ref.level > 1 and is_free(line.columns, ref)), None)
