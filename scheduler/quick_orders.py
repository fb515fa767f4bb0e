"""Good orders of a queue by rules that are best in simpler worlds: where a search starts from.

Decides nothing by itself. Without an age bound the shortest work for its weight goes first (Smith's
ratio rule); where nobody needs to wait beyond the bound, the longest work that may be last goes last
(Smith's backward rule); where some must, the last one is whom that costs least. Booked drivers are
put in where they disturb least. Then single drivers change places as long as that helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from domain.moment import NEVER_MS

STEPS_MAX = 6000
"""So many drivers are looked at in all while an order is improved; about 0.3 us each."""


class Figure(NamedTuple):
    """One turn: place in the queue, times in ms (`work_ms` until the module is free again), weight.

    `begin_ms` is when its moves begin if nobody else is there: 0, or later for a booked one.
    """

    at: int
    lead_ms: int
    work_ms: int
    weight: int
    asked_ms: int
    urgent: bool
    begin_ms: int


def quick_orders(figures: list[Figure], age_bound_ms: int | None) -> Iterator[list[int]]:
    """Several orders, each of all turns."""
    urgent = [one for one in figures if one.urgent]
    there = [one for one in figures if not one.urgent and not one.begin_ms]
    booked = sorted((one for one in figures if not one.urgent and one.begin_ms), key=lambda one: one.begin_ms)
    first = _by_ratio(urgent)
    ahead_ms = sum(one.work_ms for one in first)
    bases = [_by_ratio(there)]
    if age_bound_ms is not None:
        bases.append(_backward(there, age_bound_ms, ahead_ms))
    orders = [first + _merged(base, booked, ahead_ms) for base in bases]
    best = min(orders, key=lambda order: _cost(order, 0, age_bound_ms))
    yield [one.at for one in best]
    yield [one.at for one in _improved(best, len(first), age_bound_ms)]


def _cost(order: list[Figure], now_ms: int, age_bound_ms: int | None) -> tuple[int, int]:
    """Time beyond the age bound and weighted wait, served one after the other from `now_ms`."""
    late_ms = total_ms = 0
    bound_ms = NEVER_MS if age_bound_ms is None else age_bound_ms
    for _, lead_ms, work_ms, weight, asked_ms, _, begin_ms in order:
        if begin_ms > now_ms:
            now_ms = begin_ms
        wait_ms = now_ms + lead_ms - asked_ms
        total_ms += weight * wait_ms
        if wait_ms > bound_ms:
            late_ms += wait_ms - bound_ms
        now_ms += work_ms
    return late_ms, total_ms


def _improved(order: list[Figure], fixed: int, age_bound_ms: int | None) -> list[Figure]:
    """Take one out and put it in elsewhere as long as that helps, within a bounded effort."""
    best, best_cost = order, _cost(order, 0, age_bound_ms)
    left = STEPS_MAX // max(1, len(order))
    improved = True
    while improved:
        improved = False
        for source in range(len(order) - 1, fixed - 1, -1):
            for target in range(fixed, len(order)):
                one, other = best[source], best[target]
                # Equal work: the older request goes first already.
                if source == target or (one.work_ms == other.work_ms and one.weight == other.weight):
                    continue
                if not left:
                    return best
                left -= 1
                tried = best[:source] + best[source + 1 :]
                tried.insert(target, one)
                cost = _cost(tried, 0, age_bound_ms)
                if cost < best_cost:
                    best, best_cost, improved = tried, cost, True
    return best


def _by_ratio(figures: list[Figure]) -> list[Figure]:
    return sorted(figures, key=lambda one: (one.work_ms / one.weight, one.asked_ms, one.at))


def _backward(figures: list[Figure], age_bound_ms: int, ahead_ms: int) -> list[Figure]:
    """From the last to the first: who is least beyond the bound there, the longest work for its weight of these."""
    left = _by_ratio(figures)
    end_ms = ahead_ms + sum(one.work_ms for one in left)
    order: list[Figure] = []
    while left:
        best, best_late_ms = 0, -1
        for place in range(len(left) - 1, -1, -1):
            one = left[place]
            late_ms = max(0, end_ms - one.work_ms + one.lead_ms - one.asked_ms - age_bound_ms)
            if best_late_ms < 0 or late_ms < best_late_ms:
                best, best_late_ms = place, late_ms
                if not late_ms:
                    break
        last = left.pop(best)
        end_ms -= last.work_ms
        order.append(last)
    return order[::-1]


def _merged(base: list[Figure], booked: list[Figure], now_ms: int) -> list[Figure]:
    """Booked drivers between the others: before the next one if that costs less, two at a time."""
    order: list[Figure] = []
    weight = sum(one.weight for one in base)
    waiting, coming = list(base), list(booked)
    while waiting and coming:
        one, promised = waiting[0], coming[0]
        end_ms = now_ms + one.work_ms
        late_ms = max(0, end_ms - promised.begin_ms)
        idle_ms = max(0, promised.begin_ms - now_ms)
        if promised.weight * late_ms <= weight * (idle_ms + promised.work_ms - max(0, promised.begin_ms - end_ms)):
            order.append(waiting.pop(0))
            now_ms, weight = end_ms, weight - one.weight
        else:
            order.append(coming.pop(0))
            now_ms = max(now_ms, promised.begin_ms) + promised.work_ms
    return order + waiting + coming
