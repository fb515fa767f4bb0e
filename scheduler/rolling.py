"""The best order of a short queue, found anew at every decision and in bounded time.

Decides the order of the waiting drivers of one module, and on which empty pallet a car is stored: nobody
beyond the longest wait allowed (`scheduler.longest_wait`) as far as that can be, then least weighted
waiting in all. Depth first with a bound from below; the number of places looked at is bounded, so a scan
is never late, and whether the order is proven best is told. Nothing is compiled here and nothing
imported that is slow to start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from domain.ids import JobId
from scheduler.line import Line, Order, Served
from scheduler.longest_wait import longest_wait_ms
from scheduler.quick_orders import Figure, quick_orders
from scheduler.rest_bound import RestBound
from scheduler.serving import BEYOND, Path, Place, Serving, Way

PROVABLE = 12
"""So many drivers can mostly be ordered with a proof; more of them only by rules and a short search."""

NODES_MAX = 600
"""Candidates that the search looks at for up to `PROVABLE` drivers; some 5 to 10 us each."""

NODES_FEW = 150
"""Candidates where there are more drivers: whatever more finds there is worth less than a second each."""

TRIES = 3
"""So often the quick rules are asked, if their order passes the longest wait by less than `NEAR_MS`."""

NEAR_MS = 60_000

SLACK_MS = 1000
"""An order that waits less than this less in all is no better: it would only change people's minds."""

_Candidate = tuple[tuple[float, int, JobId], int, int, int, Way]
"""Rank, cost with it, turn, class, way."""


def best_order(line: Line, nodes_max: int | None = None) -> Order:
    """The best order that so many candidates show."""
    if len(line.turns) == 1:
        return _alone(line)
    if nodes_max is None:
        nodes_max = NODES_MAX if len(line.turns) <= PROVABLE else NODES_FEW
    return _Search(line, nodes_max).run()


def order_as_given(line: Line) -> Order:
    """What it costs to serve the turns in the order in which they stand, each on its own bay."""
    serving = Serving(line)
    path = serving.in_order(range(len(line.turns)), own=True)
    cost = sum(serving.cost_of(at, way.open_ms, line.age_bound_ms) for at, way in path)
    return _told(line, path, cost, False, line.age_bound_ms)


def _alone(line: Line) -> Order:
    """One driver, on the pallet that is soonest."""
    serving = Serving(line)
    way = min(serving.ways(0, 0, serving.start), key=lambda way: way.open_ms)
    return _told(line, [(0, way)], serving.cost_of(0, way.open_ms, line.age_bound_ms), True, line.age_bound_ms)


def _told(line: Line, path: Path, cost: int, proven: bool, bound_ms: int | None) -> Order:
    served = tuple(Served(line.turns[at], way.bay, way.begin_ms, way.open_ms, way.shut_ms) for at, way in path)
    return Order(served, cost // BEYOND, cost % BEYOND, proven, bound_ms)


class _Search:
    def __init__(self, line: Line, nodes_max: int) -> None:
        self._line = line
        self._turns = line.turns
        self._left = nodes_max
        self._serving = Serving(line)
        self._bound_ms = longest_wait_ms(self._serving, line.age_bound_ms)
        self._rest = RestBound(self._serving, self._bound_ms)
        self._best = BEYOND << 44
        self._best_path: Path = []
        self._path: Path = []
        self._seen: dict[tuple[object, ...], list[tuple[int, int]]] = {}
        self._proven = True

    def run(self) -> Order:
        if not self._turns:
            raise ValueError("an empty queue has no order")
        self._try_rules()
        if not any(turn.urgent for turn in self._turns):
            # Nobody is passed over for an order that is worse than that of the requests.
            self._keep(self._serving.in_order(range(len(self._turns)), own=True))
        self._keep(self._greedy())
        served = [0] * len(self._rest.chains)
        self._dive(0, 0, served, self._serving.start, len(self._turns))
        return _told(self._line, self._best_path, self._best, self._proven, self._bound_ms)

    def _try_rules(self) -> None:
        """Keep the best order of the quick rules.

        Their figures are those of each driver alone, some seconds off in a queue. If an order of theirs passes the
        longest wait for that, they are asked again with a bound that is so much shorter.
        """
        figures, bound_ms = self._figures(), self._bound_ms
        for _ in range(TRIES):
            beyond_ms = 0
            for order in quick_orders(figures, bound_ms):
                path = self._serving.in_order(order, own=False)
                self._keep(path)
                if self._bound_ms is not None:
                    waits_ms = (way.open_ms - self._turns[at].asked_ms for at, way in path)
                    beyond_ms = max(waits_ms) - self._bound_ms
            if bound_ms is None or not 0 < beyond_ms < NEAR_MS:
                return
            bound_ms -= beyond_ms

    def _figures(self) -> list[Figure]:
        """Every turn for the quick rules, as if all went on their own pallets."""
        found = []
        serving, nothing_down = self._serving, self._serving.start._replace(down=None)
        for at, turn in enumerate(self._turns):
            way = serving.way(at, turn.bay, 0, nothing_down)
            lead_ms = way.open_ms - way.begin_ms
            work_ms = lead_ms + serving.tail_ms[at] + serving.times.raise_ms[turn.bay.level]
            found.append(Figure(at, lead_ms, work_ms, turn.weight, turn.asked_ms, turn.urgent, way.begin_ms))
        return found

    def _keep(self, path: Path) -> None:
        """Keep this order if it is the best so far."""
        cost = sum(self._cost_of(at, way) for at, way in path)
        if cost + SLACK_MS <= self._best:
            self._best, self._best_path = cost, path

    def _cost_of(self, at: int, way: Way) -> int:
        return self._serving.cost_of(at, way.open_ms, self._bound_ms)

    def _greedy(self) -> Path:
        """Always the shortest work for its weight, as the machine stands then: finds pallets to share."""
        place, now_ms = self._serving.start, 0
        served = [0] * len(self._rest.chains)
        path: Path = []
        for _ in self._turns:
            _, _, at, c, way = min(self._candidates(now_ms, 0, served, place))
            place, now_ms = way.after, way.shut_ms
            served[c] += 1
            path.append((at, way))
        return path

    def _dive(self, now_ms: int, cost: int, served: list[int], place: Place, left: int) -> None:
        """All orders from here that may be better than the best so far."""
        if not left:
            self._best, self._best_path = cost, list(self._path)
            return
        if self._known(now_ms, cost, served, place):
            return
        candidates = sorted(self._candidates(now_ms, cost, served, place))
        self._left -= len(candidates)
        for _, new_cost, at, c, way in candidates:
            served[c] += 1
            room = self._best - new_cost - SLACK_MS
            if room >= 0 and self._rest.cost(way.shut_ms, served, way.after, room) <= room:
                if self._left <= 0:
                    self._proven = False
                    served[c] -= 1
                    return
                self._path.append((at, way))
                self._dive(way.shut_ms, new_cost, served, way.after, left - 1)
                self._path.pop()
            served[c] -= 1

    def _candidates(self, now_ms: int, cost: int, served: list[int], place: Place) -> Iterator[_Candidate]:
        """Who can be next, ranked by work for its weight; emergencies before all others."""
        serving, turns = self._serving, self._turns
        for at, c in self._heads(served):
            turn = turns[at]
            for way in serving.ways(at, now_ms, place):
                down = way.after.down
                home_ms = serving.times.raise_ms[down.level] if down is not None else 0
                rank = ((way.shut_ms + home_ms - now_ms) / turn.weight, turn.asked_ms, turn.job)
                yield rank, cost + self._cost_of(at, way), at, c, way

    def _heads(self, served: list[int]) -> Iterable[tuple[int, int]]:
        """The next turn of each class, with the class."""
        chains = enumerate(zip(self._rest.chains, served, strict=True))
        heads = [(chain[done], c) for c, (chain, done) in chains if done < len(chain)]
        urgent = [head for head in heads if self._turns[head[0]].urgent]
        return urgent or heads

    def _known(self, now_ms: int, cost: int, served: list[int], place: Place) -> bool:
        """Whether the same drivers have been served before as soon and as cheaply."""
        down, start = place.down, self._serving.start
        own = down if down is not None and down == start.down else None
        level = 0 if down is None else down.level
        shaft = place.shaft is not None and place.shaft == start.shaft
        front = self._seen.setdefault((tuple(served), level, own, place.is_empty, shaft, place.columns), [])
        if any(t <= now_ms and known <= cost for t, known in front):
            return True
        front.append((now_ms, cost))
        return False
