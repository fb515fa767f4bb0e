"""A bound on the waits where slides depend on the sequence: the cheapest walk through pallets.

Decides nothing. A sequence of jobs is a walk: what a place in it costs is the slides from the pallet
before and the work of the own one, times how many still wait. The cheapest walk may visit a pallet
twice and forget another; prices on pallets (a Lagrangian relaxation) make that dear. Gaps of the rows
above the pallet before are unknown and cost nothing, so every real plan is such a walk.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from domain.ids import BayRef, parse_bay
from scheduler.bounds import Least, least_of
from scheduler.instance import Instance
from scheduler.regime import Regime

ROUNDS = 150
"""How often the prices are moved."""

Floats = NDArray[np.float64]


def route_bound_ms(instance: Instance, regime: Regime, upper_ms: int) -> int:
    """A lower bound on the weighted sum of waits, all jobs taken as released at once; 0 where none is known.

    `upper_ms` is the cost of a known plan, which sets the step length.
    """
    if not regime.plain or not regime.serial:
        return 0
    leasts = [least_of(instance, regime, job) for job in instance.jobs]
    ground = sorted((least for least in leasts if not least.upper), key=lambda least: least.work_ms)
    uppers = [at for at, least in enumerate(leasts) if least.upper]
    if len(uppers) < 2 or any(g.work_ms > leasts[u].work_ms for g in ground for u in uppers):
        return 0
    weight = min(least.weight for least in leasts)
    ahead_ms = total = 0
    for least in ground:
        total += ahead_ms + least.lead_ms
        ahead_ms += least.work_ms
    total += ahead_ms * len(uppers)
    asked = sum(least.weight * job.requested_ms for job, least in zip(instance.jobs, leasts, strict=True))
    refs = [parse_bay(job.bay) for job in instance.jobs if job.bay is not None and instance.jobs.index(job) in uppers]
    first = np.array([_from_start(instance, regime, ref) for ref in refs], np.float64)
    between = np.array([[_between(regime, one, other) for other in refs] for one in refs], np.float64)
    target = (upper_ms + asked) / weight - total
    walk = _priced(regime, [leasts[at] for at in uppers], refs, (first, between), target)
    return int(weight * (total + walk)) - asked


def _priced(
    regime: Regime, leasts: list[Least], refs: list[BayRef], slides: tuple[Floats, Floats], target: float
) -> float:
    """The best bound over the rounds of prices: sum of gate-open times of the upper pallets."""
    first, between = slides
    count = len(leasts)
    down = np.array([regime.lower_ms[ref.level] for ref in refs], np.float64)
    lead = down + regime.gate_ms
    tail = np.array([least.tail_ms + least.raise_ms for least in leasts], np.float64)
    step = between + tail[:, None] + lead[None, :]
    start = first + lead
    np.fill_diagonal(step, 1e15)
    left = np.arange(count, 0, -1, dtype=np.float64)
    price = np.zeros(count)
    best = 0.0
    pace = 1.0
    for _ in range(ROUNDS):
        value, visits = _walk(start, step, left, price)
        bound = value + price.sum()
        if bound > best:
            best = bound
        else:
            pace *= 0.97
        slack = 1.0 - visits
        norm = float((slack**2).sum())
        if norm == 0 or bound >= target:
            break
        price += pace * (target - bound) / norm * slack
    return min(best, target)


def _walk(start: Floats, step: Floats, left: Floats, price: Floats) -> tuple[float, Floats]:
    """The cheapest walk at these prices that never returns at once, and how often it visits each pallet.

    Two ways are kept to every place: the best, and the best that comes from another pallet, so
    that a walk to and fro between two pallets is never needed.
    """
    count = len(start)
    numbers = np.arange(count)
    best = start * left[0] - price
    second = np.full(count, 1e18)
    came = np.full((count, 2, count), -1)
    which = np.zeros((count, 2, count), np.int64)
    source = np.full(count, -1)
    for place in range(1, count):
        cost = step * left[place]
        usual = np.repeat(best[:, None], count, axis=1)
        back = source >= 0
        usual[numbers[back], source[back]] = second[back]
        kind = np.zeros((count, count), np.int64)
        kind[numbers[back], source[back]] = 1
        ways = usual + cost
        one = ways.argmin(axis=0)
        best_next = ways[one, numbers]
        ways_rest = ways.copy()
        ways_rest[one, numbers] = 1e18
        two = ways_rest.argmin(axis=0)
        second_next = ways_rest[two, numbers]
        came[place, 0], came[place, 1] = one, two
        which[place, 0], which[place, 1] = kind[one, numbers], kind[two, numbers]
        best, second, source = best_next - price, second_next - price, one
    visits = np.zeros(count)
    at, kind_at = int(best.argmin()), 0
    value = float(best[at])
    for place in range(count - 1, -1, -1):
        visits[at] += 1
        if place:
            before = int(came[place, kind_at, at])
            kind_at = int(which[place, kind_at, at])
            at = before
    return value, visits


def _row_ms(regime: Regime, pallets: int) -> int:
    return max(regime.slide_ms, regime.stagger_ms) * -(-pallets // regime.train_max)


def _between(regime: Regime, one: BayRef, other: BayRef) -> int:
    """Least slides between two pallets: the rows below both must follow from shaft to shaft."""
    rows = min(one.level, other.level) - 1
    if one == other:
        return 0
    found = [
        rows * _row_ms(regime, abs(here - there)) if here != there else _row_ms(regime, 1)
        for here in (one.index, one.index + 1)
        for there in (other.index, other.index + 1)
    ]
    return min(found)


def _from_start(instance: Instance, regime: Regime, ref: BayRef) -> int:
    """Least slides from where everything stands at first, of the rows below."""
    if instance.down is not None:
        return 0
    found = []
    for column in (ref.index, ref.index + 1):
        gaps = [_gap(instance, level) for level in range(1, ref.level)]
        found.append(sum(_row_ms(regime, abs(gap - column)) for gap in gaps if gap != column))
    return min(found)


def _gap(instance: Instance, level: int) -> int:
    row = instance.columns[level - 1]
    return next(column for column in range(1, instance.layout.columns + 1) if column not in row)
