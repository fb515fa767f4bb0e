"""What a queue still costs at the least, whatever the order: the bound that `scheduler.rolling` prunes with.

Decides which turns the machine cannot tell apart (they keep the order of their requests: an exchange
shows that this is best), and bounds from below what a set of them costs from some moment on.
"""

from __future__ import annotations

from scheduler.line import Turn
from scheduler.serving import BEYOND, Place, Serving


class RestBound:
    """Bounds for one line. `served` says how many of each class have had their turn."""

    def __init__(self, serving: Serving, bound_ms: int | None) -> None:
        self._serving = serving
        self._turns = serving.turns
        self._times = serving.times
        self._bound_ms = bound_ms
        self.chains = self._classes()
        self._measure()

    def _classes(self) -> list[list[int]]:
        """Turns of one class in the order of their requests."""
        groups: dict[tuple[object, ...], list[int]] = {}
        turns, start = self._turns, self._serving.start
        for at in sorted(range(len(turns)), key=lambda i: (turns[i].ground_ms, turns[i].asked_ms, turns[i].job)):
            turn = turns[at]
            alone = turn.bay.name in (start.shaft, start.down and start.down.name)
            own = turn.bay if alone or not self._serving.together else turn.bay.level
            fits = turn.fits if turn.kind == "storage" else None
            groups.setdefault((own, turn.kind, turn.weight, turn.booked, turn.urgent, fits), []).append(at)
        return list(groups.values())

    def _measure(self) -> None:
        """What one of each class takes at the least, and the order that would be best if all were free.

        Ground pallets first, then upper ones with their own raising, where every one on the ground is the
        shorter for its weight; else every upper pallet counts the quickest raising that can come before it.
        """
        least = [self._least(chain[0]) for chain in self.chains]
        uppers = [one for one in least if one[0]]
        simple = all(g[2] * u[4] <= u[2] * g[4] for g in least if not g[0] for u in uppers)
        self._spared_ms = spared_ms = 0 if simple else self._quickest_raise_ms()
        self._upper = [one[0] for one in least]
        self._lead_ms = [one[1] + (spared_ms if one[0] else 0) for one in least]
        self._work_ms = [one[2] + ((one[3] if simple else spared_ms) if one[0] else 0) for one in least]
        self._weight = [one[4] for one in least]
        self._booked = [self._turns[chain[0]].booked for chain in self.chains]
        classes = range(len(least))
        self._by_work = sorted(
            classes, key=lambda c: (self._upper[c] and simple, self._work_ms[c] / self._weight[c], c)
        )
        self._by_length = sorted(classes, key=lambda c: self._work_ms[c])
        self._lead_min_ms = min(self._lead_ms, default=0)
        self._asked_left = []
        for chain in self.chains:
            sums = [0]
            for at in reversed(chain):
                sums.append(sums[-1] + self._turns[at].asked_ms)
            self._asked_left.append(sums[::-1])
        self._by_deadline = sorted(
            (self._turns[at].asked_ms + (self._bound_ms or 0), c, position)
            for c, chain in enumerate(self.chains)
            for position, at in enumerate(chain)
        )

    def _quickest_raise_ms(self) -> int:
        """Of any pallet that can be down before another, also of one that two turns share."""
        down = self._serving.start.down
        levels = [turn.bay.level for turn in self._turns] + ([] if down is None else [down.level])
        return min(self._times.raise_ms[level] for level in levels if level > 1)

    def _least(self, at: int) -> tuple[bool, int, int, int, int]:
        """Whether its pallet surely comes down for a turn alone; lead, work until the gate is shut, raising, weight."""
        turn, start, times = self._turns[at], self._serving.start, self._times
        may_share = start.is_empty or any(t.kind == "retrieval" and t.bay.level > 1 for t in self._turns)
        shared = turn.bay == start.down or (turn.kind == "storage" and may_share)
        upper = turn.bay.level > 1 and not shared
        lead_ms = times.gate_open_ms
        if upper:
            free = self._hangs_free(turn) or not self._serving.together
            lead_ms += times.lower_ms[turn.bay.level] + (0 if free else times.window_ms(turn.bay.level))
        raise_ms = times.raise_ms[turn.bay.level] if upper else 0
        return upper, lead_ms, lead_ms + self._serving.tail_ms[at], raise_ms, turn.weight

    def _hangs_free(self, turn: Turn) -> bool:
        """Whether its pallet, or an empty one that its car may take as well, hangs over a free shaft at first."""
        line, shaft = self._serving.line, self._serving.start.shaft
        if shaft is None:
            return False
        if turn.bay.name == shaft:
            return True
        same_level = line.layout.bays[line.layout.offset[shaft]].level == turn.bay.level
        return turn.kind == "storage" and same_level and shaft in line.spare

    def cost(self, now_ms: int, served: list[int], place: Place, enough: int) -> int:
        """Cost of what is not yet served, at the least: everybody free at once, each as short as may be.

        Sums that reach `enough` need not be exact.
        """
        home_ms = 0
        if place.down is not None and not self._spared_ms and not place.is_empty:
            home_ms = self._times.raise_ms[place.down.level]
        ahead_ms = now_ms - (self._spared_ms if place.down is None else 0)
        total = 0
        for c in self._by_work:
            done = served[c]
            left = len(self.chains[c]) - done
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
        if self._bound_ms is not None and total <= enough and ahead_ms > self._by_deadline[0][0]:
            total += BEYOND * self._late_ms(now_ms - self._spared_ms, served, enough)
        return total

    def _alone(self, c: int, done: int, now_ms: int) -> int:
        """Cost of booked drivers as if nobody else were there: most of them wait for their minute anyhow."""
        soonest_ms = now_ms + self._lead_ms[c] - self._spared_ms
        return self._weight[c] * sum(max(0, soonest_ms - self._turns[at].asked_ms) for at in self.chains[c][done:])

    def _late_ms(self, now_ms: int, served: list[int], enough: int) -> int:
        """Time beyond the bound at the least: shortest work first, matched with the earliest deadlines."""
        late_ms = 0
        enough_ms = enough // BEYOND
        opens_ms = now_ms + self._lead_min_ms
        lengths = iter([self._work_ms[c] for c in self._by_length for _ in range(len(self.chains[c]) - served[c])])
        for deadline_ms, c, position in self._by_deadline:
            if position < served[c]:
                continue
            if opens_ms > deadline_ms:
                late_ms += opens_ms - deadline_ms
                if late_ms > enough_ms:
                    break
            opens_ms += next(lengths)
        return late_ms
