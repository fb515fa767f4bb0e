"""The dynamic program over counts, compiled: states, fronts and dominance as plain arrays.

Decides nothing of its own: `scheduler.count_dp` says which classes, states and options there are and
reads the best order back. A node is one way to have served so many jobs of every class, with the
machine in one state; nodes of the same counts and state compete on (time, cost).

An option is a row of eleven figures: class, kind, raise, low and high set-up, lead, new state, the class
that must come before and how many of it, tail, plain. `plain` says that it may be put before an idle time
without changing what comes after: its pallet serves one job, and it takes nobody's free shaft.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

IMMEDIATE = 0
"""The pallet stands at the ground already."""
RAISE_FIRST = 1
"""A ground pallet, after the pallet that is down has been sent home."""
UPPER = 2
"""Raise what is down, slide, lower."""

TOO_MANY = -2
"""The nodes did not fit the arrays."""

COST_MAX = 2**61

DOUBTS = (1.10, 1.03, 1.0)
"""How much the bound from below is overstated in each search; the last one is exact."""


def _ready(kind: int, t: int, r: int, raise_ms: int, low: int, high: int, stagger: int) -> int:
    """When the pallet's way to the gate begins; the same arithmetic as `Regime.lowered_from_ms`."""
    if kind == IMMEDIATE:
        return max(t, r)
    home = t + raise_ms
    start = max(home, r)
    if kind == RAISE_FIRST or high == 0:
        return start + low
    late = r + high + stagger - home
    return start + min(max(late, 0), high) + low


def _open(option: Ints, t: int, release: int, stagger: int) -> int:
    """When the gate stands open if this option is taken at `t`."""
    opened: int = option[5] + _ready(option[1], t, release, option[2], option[3], option[4], stagger)
    return opened


def _rest(
    t: int,
    home: int,
    served: Ints,
    jobs: tuple[Ints, ...],
    ranking: tuple[Ints, Ints, Ints, int],
) -> int:
    """What the jobs not yet served cost at the least (weighted waits), if the machine is free at `t`.

    The better of two relaxations: every job released already, then the ranked order is best; or only
    the released ones need the machine and the others are served as they come. `home` is the raising
    that is due before the first upper pallet.
    """
    counts, offsets, release, request, weight = jobs
    by_work, lead, work, uppers_at = ranking
    in_turn = 0
    now_in_turn = 0
    ahead = 0
    now_ahead = 0
    for place in range(counts.shape[0]):
        if place == uppers_at:
            ahead += home
            now_ahead += home
        c = by_work[place]
        left = counts[c] - served[c]
        if left == 0:
            continue
        first = t + lead[c]
        base = 0
        late = 0
        now = left
        at = offsets[c] + counts[c] - 1
        for _ in range(left):
            base += first - request[at]
            if release[at] > t:
                late += release[at] - t
                now -= 1
            at -= 1
        base *= weight[c]
        in_turn += base + weight[c] * (left * ahead + work[c] * (left * (left - 1) // 2))
        now_in_turn += base + weight[c] * (late + now * now_ahead + work[c] * (now * (now - 1) // 2))
        ahead += work[c] * left
        now_ahead += work[c] * now
    return max(in_turn, now_in_turn)


def _hasty(
    jobs: tuple[Ints, ...], urgent: Ints, option_start: Ints, options: Ints, home: Ints, limits: tuple[int, ...]
) -> tuple[int, int]:
    """Cost of always taking what ends soonest for its weight: the bound from above."""
    counts, offsets, release, request, weight = jobs
    state, stagger, bound, urgency = limits
    served = np.zeros(counts.shape[0], np.int64)
    t = hi = lo = 0
    for _ in range(counts.sum()):
        best = -1
        best_key = 0.0
        for number in range(option_start[state], option_start[state + 1]):
            option = options[number]
            c = option[0]
            if served[c] == counts[c] or (option[7] >= 0 and served[option[7]] < option[8]):
                continue
            end = _open(option, t, release[offsets[c] + served[c]], stagger) + option[9] + home[option[6]]
            key = (end - t) / weight[c]
            if urgent[c]:
                key -= 1e15
            if best < 0 or key < best_key:
                best = number
                best_key = key
        option = options[best]
        c = option[0]
        at = offsets[c] + served[c]
        opened = _open(option, t, release[at], stagger)
        wait = opened - request[at]
        if urgent[c]:
            hi += urgency * wait
        if bound >= 0 and wait > bound:
            hi += wait - bound
        lo += weight[c] * wait
        t = opened + option[9]
        served[c] += 1
        state = option[6]
    return hi, lo


def _search(
    jobs: tuple[Ints, ...],
    urgent: Ints,
    option_start: Ints,
    options: Ints,
    home: Ints,
    limits: tuple[int, ...],
    ranking: tuple[Ints, Ints, Ints, int],
    due: Ints,
    spared: Ints,
    node_max: int,
    upper: tuple[int, int],
    doubt: float,
) -> tuple[int, int, int, Ints, Ints, int]:
    """All fronts, in the order of the counts; best last node (or TOO_MANY), its cost, parents, options, nodes.

    A node is dropped when `upper`, the cost of a known order, is better than whatever can still come
    of it. With `doubt` above 1 the search is quick and rough: it also drops what is likely to be beaten,
    and keeps one node of the same counts and state, time weighed against cost by what still waits.
    -1 if no node is left.
    """
    counts, offsets, release, request, weight = jobs
    first_state, stagger, bound, urgency = limits
    classes = counts.shape[0]
    states = option_start.shape[0] - 1
    stride = np.ones(classes, np.int64)
    for c in range(1, classes):
        stride[c] = stride[c - 1] * (counts[c - 1] + 1)
    size = stride[classes - 1] * (counts[classes - 1] + 1)
    head = np.full(size * states, -1, np.int32)
    link = np.empty(node_max, np.int32)
    time = np.empty(node_max, np.int64)
    hi = np.empty(node_max, np.int64)
    lo = np.empty(node_max, np.int64)
    parent = np.empty(node_max, np.int64)
    taken = np.empty(node_max, np.int64)
    served = np.zeros(classes, np.int64)
    upper_hi, upper_lo = upper
    used = 1
    time[0] = hi[0] = lo[0] = 0
    parent[0] = taken[0] = link[0] = -1
    head[first_state] = 0
    for index in range(size):
        if index:
            c = 0
            while served[c] == counts[c]:
                served[c] = 0
                c += 1
            served[c] += 1
        pending = ((counts - served) * weight).sum()
        for state in range(states):
            node = head[index * states + state]
            while node >= 0:
                t = time[node]
                if hi[node] > upper_hi or (
                    hi[node] == upper_hi
                    and lo[node] + doubt * _rest(t - spared[state], due[state], served, jobs, ranking) > upper_lo
                ):
                    node = link[node]
                    continue
                soonest = COST_MAX
                for number in range(option_start[state], option_start[state + 1]):
                    option = options[number]
                    c = option[0]
                    if option[10] == 0 or served[c] == counts[c]:
                        continue
                    end = _open(option, t, release[offsets[c] + served[c]], stagger) + option[9] + home[option[6]]
                    soonest = min(soonest, end)
                for number in range(option_start[state], option_start[state + 1]):
                    option = options[number]
                    c = option[0]
                    if served[c] == counts[c] or (option[7] >= 0 and served[option[7]] < option[8]):
                        continue
                    at = offsets[c] + served[c]
                    if release[at] >= soonest or (option[1] == RAISE_FIRST and release[at] <= t):
                        continue
                    opened = _open(option, t, release[at], stagger)
                    shut = opened + option[9]
                    wait = opened - request[at]
                    new_hi = hi[node]
                    if urgent[c]:
                        new_hi += urgency * wait
                    if bound >= 0 and wait > bound:
                        new_hi += wait - bound
                    new_lo = lo[node] + weight[c] * wait
                    if new_hi > upper_hi or (new_hi == upper_hi and new_lo > upper_lo):
                        continue
                    slot = (index + stride[c]) * states + option[6]
                    before = -1
                    other = head[slot]
                    dominated = False
                    slope = pending - weight[c] if doubt > 1.0 else 0
                    value = new_lo + slope * shut
                    while other >= 0:
                        if slope:
                            known = lo[other] + slope * time[other]
                            dominated = hi[other] < new_hi or (hi[other] == new_hi and known <= value)
                            beaten = not dominated
                        else:
                            costs_less = new_hi < hi[other] or (new_hi == hi[other] and new_lo < lo[other])
                            dominated = time[other] <= shut and not costs_less
                            beaten = shut <= time[other] and (
                                costs_less or (new_hi == hi[other] and new_lo == lo[other])
                            )
                        if dominated:
                            break
                        if beaten:
                            if before < 0:
                                head[slot] = link[other]
                            else:
                                link[before] = link[other]
                        else:
                            before = other
                        other = link[other]
                    if dominated:
                        continue
                    if used == node_max:
                        return TOO_MANY, 0, 0, parent, taken, used
                    time[used] = shut
                    hi[used] = new_hi
                    lo[used] = new_lo
                    parent[used] = node
                    taken[used] = number
                    link[used] = head[slot]
                    head[slot] = used
                    used += 1
                node = link[node]
    best = -1
    for state in range(states):
        node = head[(size - 1) * states + state]
        while node >= 0:
            if best < 0 or hi[node] < hi[best] or (hi[node] == hi[best] and lo[node] < lo[best]):
                best = node
            node = link[node]
    return best, hi[best], lo[best], parent, taken, used


_jit: Any = numba.njit(cache=True)
_ready = _jit(_ready)
_open = _jit(_open)
_rest = _jit(_rest)
_hasty = _jit(_hasty)
_search = _jit(_search)


def _solve(
    jobs: tuple[Ints, ...],
    urgent: Ints,
    option_start: Ints,
    options: Ints,
    home: Ints,
    limits: tuple[int, ...],
    ranking: tuple[Ints, Ints, Ints, int],
    due: Ints,
    spared: Ints,
    node_max: int,
) -> tuple[int, Ints, Ints, int]:
    """The best last node, parents, options and number of nodes.

    The hasty order bounds a doubting search, whose result bounds the exact one closely.
    """
    upper = _hasty(jobs, urgent, option_start, options, home, limits)
    total = 0
    for doubt in DOUBTS:
        best, best_hi, best_lo, parent, taken, used = _search(
            jobs, urgent, option_start, options, home, limits, ranking, due, spared, node_max, upper, doubt
        )
        total += used
        if best >= 0:
            upper = (best_hi, best_lo)
    return best, parent, taken, total


search: Any = _jit(_solve)
