"""The dynamic program over counts, compiled: states, fronts and dominance as plain arrays.

Decides nothing of its own: `scheduler.count_dp` says which classes, states and options there are and
reads the best order back. A node is one way to have served so many jobs of every class, with the
machine in one state; nodes of the same counts and state compete on (time, cost). The cost is a pair:
`hi` (waits of emergencies, then time beyond the age bound) before `lo` (the weighted waits).

Plain Python over numpy arrays, in pieces that numba inlines; without `compiled` they run as they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from scheduler.count_tables import (
    AFTER,
    CLASS,
    FIRST,
    FIRST_COUNT,
    HIGH,
    IMMEDIATE,
    KIND,
    LEAD,
    LOW,
    PLAIN,
    RAISE,
    RAISE_FIRST,
    TAIL,
    Ages,
    Ints,
    Jobs,
    Options,
    Rules,
    Turns,
)

F = TypeVar("F", bound=Callable[..., Any])


TIME, HI, LO, PARENT, TAKEN, LINK = range(6)
"""Columns of a node: gate shut at, cost, the node before, the option taken, the next node of its front."""

NODES_FIRST = 4096
"""Room for nodes at first; it doubles as it fills."""

COST_MAX = 2**61

PATIENCES_MS = (0, 6_000, 10_000, 15_000, 20_000, 30_000)
"""For so long hasty orders wait for a job that is not there yet."""

DOUBT = 1.05
"""How much the first, rough search overstates the bound from below."""


class Fronts(NamedTuple):
    """The nodes of the same counts and state, as lists linked by `LINK`.

    Counts are told by an index, in which a job more of class `c` is `stride[c]` more; no job served is 0,
    all served the last.
    """

    stride: Ints
    """By class; then the number of indices."""
    reached: NDArray[np.uint8]
    """By index: 1 where there are nodes."""
    head: NDArray[np.int32]
    """By index and state: the first node, or -1; not set where no node is."""


def compiled(function: F) -> F:
    """The function as machine code, kept on disk between runs where a folder can be written.

    numba keeps it beside this file or else in the user's cache folder (`NUMBA_CACHE_DIR` names another).
    """
    try:
        made: Any = numba.njit(cache=True)(function)
    except RuntimeError:  # numba finds no such folder
        made = numba.njit(function)
    return cast(F, made)


@compiled
def _ready(option: Ints, t: int, release: int, stagger: int) -> int:
    """When the pallet's way to the gate begins; the same arithmetic as `Regime.lowered_from_ms`."""
    if option[KIND] == IMMEDIATE:
        return max(t, release)
    home = t + option[RAISE]
    start = max(home, release)
    high = option[HIGH]
    if option[KIND] == RAISE_FIRST or high == 0:
        return int(start + option[LOW])
    late = release + high + stagger - home
    return int(start + min(max(late, 0), high) + option[LOW])


@compiled
def _open(option: Ints, t: int, release: int, stagger: int) -> int:
    """When the gate stands open if this option is taken at `t`."""
    return int(option[LEAD] + _ready(option, t, release, stagger))


@compiled
def _possible(option: Ints, served: Ints, jobs: Jobs) -> bool:
    """Whether a job of the option's class is left, and its pallet has been emptied before."""
    c = option[CLASS]
    if served[c] == jobs.size[c]:
        return False
    return bool(option[FIRST] < 0 or served[option[FIRST]] >= option[FIRST_COUNT])


@compiled
def _paid(c: int, wait: int, jobs: Jobs, rules: Rules) -> tuple[int, int]:
    """What a wait of a job of class `c` costs: hi, lo."""
    hi = 0
    if jobs.urgent[c]:
        hi += rules.urgency * wait
    if 0 <= rules.age_bound_ms < wait:
        hi += wait - rules.age_bound_ms
    return hi, jobs.weight[c] * wait


@compiled
def _first_after(release: Ints, begin: int, end: int, t: int) -> int:
    """The first of the ascending releases from `begin` to `end` that is after `t`, or `end`."""
    while begin < end:
        middle = (begin + end) // 2
        if release[middle] > t:
            end = middle
        else:
            begin = middle + 1
    return begin


@compiled
def _rest(t: int, home: int, served: Ints, jobs: Jobs, turns: Turns) -> int:
    """What the jobs not yet served cost at the least (weighted waits), if the machine is free at `t`.

    The better of two relaxations: every job released already, then the ranked order is best; or only
    the released ones need the machine and the others are served as they come. `home` is the raising
    that is due before the first upper pallet.
    """
    in_turn = now_in_turn = ahead = now_ahead = 0
    for place in range(turns.order.shape[0]):
        if place == turns.uppers_at:
            ahead += home
            now_ahead += home
        c = turns.order[place]
        left = jobs.size[c] - served[c]
        if left == 0:
            continue
        first, end = jobs.offset[c] + served[c], jobs.offset[c] + jobs.size[c]
        coming = _first_after(jobs.release, first, end, t)
        now = coming - first
        late = jobs.release_sum[end] - jobs.release_sum[coming] + (end - coming) * turns.alone[c]
        asked = jobs.request_sum[end] - jobs.request_sum[first]
        lead, work, weight = turns.lead[c], turns.work[c], jobs.weight[c]
        in_turn += weight * (left * (t + lead + ahead) + work * (left * (left - 1) // 2) - asked)
        now_in_turn += weight * (now * (t + lead + now_ahead) + work * (now * (now - 1) // 2) + late - asked)
        ahead += work * left
        now_ahead += work * now
    return max(in_turn, now_in_turn)


@compiled
def _beyond(t: int, home: int, served: Ints, jobs: Jobs, turns: Turns, ages: Ages) -> int:
    """What the jobs not yet served wait beyond the age bound at the least, if the machine is free at `t`.

    The i-th gate cannot open before the i-1 jobs of least work are done. The sum is least if the first
    gate opens for whoever is due first, the second for the next, and so on.
    """
    beyond = opened = left = 0
    place = -1
    ground = 0
    for c in range(served.shape[0]):
        ground += (jobs.size[c] - served[c]) * ages.ground[c]
    for number in range(ages.due.shape[0]):
        if ages.rank[number] < served[ages.of_class[number]]:
            continue
        while left == 0:
            place += 1
            left = jobs.size[ages.order[place]] - served[ages.order[place]]
        open_ms = t + ages.lead[place] + (home if opened >= ground else 0)
        beyond += max(0, open_ms - ages.due[number])
        t += turns.work[ages.order[place]]
        left -= 1
        opened += 1
    return beyond


@compiled
def _hopeful(
    node: Ints, state: int, doubt: float, upper: tuple[int, int], served: Ints, jobs: Jobs, turns: Turns, ages: Ages
) -> bool:
    """Whether a node may still lead to less than `upper`."""
    t, home = node[TIME] - turns.spared[state], turns.due[state]
    hi = node[HI]
    if ages.due.shape[0]:
        hi += int(doubt * _beyond(t, home, served, jobs, turns, ages))
    if hi != upper[0]:
        return bool(hi < upper[0])
    return bool(node[LO] + doubt * _rest(t, home, served, jobs, turns) < upper[1])


@compiled
def _next_hasty(
    t: int, state: int, served: Ints, patience: int, halves: int, jobs: Jobs, options: Options, rules: Rules
) -> int:
    """The option that ends soonest for its weight among the jobs that are there, or come at most `patience` later.

    So many `halves` of what it takes to send its pallet home count as work of the job.
    """
    soonest = COST_MAX
    for number in range(options.start[state], options.start[state + 1]):
        option = options.row[number]
        if _possible(option, served, jobs):
            soonest = min(soonest, jobs.release[jobs.offset[option[CLASS]] + served[option[CLASS]]])
    latest = max(soonest, t) + patience
    best = -1
    best_key = 0.0
    for number in range(options.start[state], options.start[state + 1]):
        option = options.row[number]
        c = option[CLASS]
        if not _possible(option, served, jobs):
            continue
        release = jobs.release[jobs.offset[c] + served[c]]
        if release > latest:
            continue
        end = _open(option, t, release, rules.stagger_ms) + option[TAIL] + halves * options.home[option[AFTER]] / 2
        key = (end - t) / jobs.weight[c]
        if jobs.urgent[c]:
            key -= 1e15
        if best < 0 or key < best_key:
            best = number
            best_key = key
    return best


@compiled
def _hasty(picks: Ints, patience: int, halves: int, jobs: Jobs, options: Options, rules: Rules) -> tuple[int, int]:
    """Take what ends soonest for its weight, again and again: options go into `picks`, the cost is returned."""
    state = rules.first_state
    served = np.zeros(jobs.size.shape[0], np.int64)
    t = hi = lo = 0
    for place in range(picks.shape[0]):
        picks[place] = _next_hasty(t, state, served, patience, halves, jobs, options, rules)
        option = options.row[picks[place]]
        c = option[CLASS]
        at = jobs.offset[c] + served[c]
        opened = _open(option, t, jobs.release[at], rules.stagger_ms)
        more_hi, more_lo = _paid(c, opened - jobs.request[at], jobs, rules)
        hi += more_hi
        lo += more_lo
        t = opened + option[TAIL]
        served[c] += 1
        state = option[AFTER]
    return hi, lo


@compiled
def _best_hasty(picks: Ints, jobs: Jobs, options: Options, rules: Rules) -> tuple[int, int]:
    """The best of several hasty orders, which differ in their patience: mostly within one percent of the optimum."""
    best = _hasty(picks, 0, 0, jobs, options, rules)
    tried = np.empty_like(picks)
    for patience in PATIENCES_MS:
        for halves in range(3):
            cost = _hasty(tried, patience, halves, jobs, options, rules)
            if cost[0] < best[0] or (cost[0] == best[0] and cost[1] < best[1]):
                best = cost
                picks[:] = tried
    return best


@compiled
def _soonest(t: int, state: int, served: Ints, jobs: Jobs, options: Options, rules: Rules) -> int:
    """When some job that changes nothing for the others could be done and its pallet be home again.

    To wait for a job that is released after that would waste the time before it.
    """
    soonest = COST_MAX
    for number in range(options.start[state], options.start[state + 1]):
        option = options.row[number]
        c = option[CLASS]
        if option[PLAIN] and served[c] < jobs.size[c]:
            opened = _open(option, t, jobs.release[jobs.offset[c] + served[c]], rules.stagger_ms)
            soonest = min(soonest, opened + option[TAIL] + options.home[option[AFTER]])
    return soonest


@compiled
def _dearer(one: Ints, other: Ints) -> bool:
    """Whether one node costs more than another."""
    return bool(one[HI] > other[HI] or (one[HI] == other[HI] and one[LO] > other[LO]))


@compiled
def _dearer_later(one: Ints, other: Ints, slope: tuple[int, int]) -> bool:
    """Whether `one` is still dearer than `other` if each ms of its end counts `slope` (hi, lo) more."""
    later = one[TIME] - other[TIME]
    hi, lo = one[HI] + slope[0] * later, one[LO] + slope[1] * later
    return bool(hi > other[HI] or (hi == other[HI] and lo > other[LO]))


@compiled
def _enter(nodes: Ints, head: NDArray[np.int32], state: int, new: int, slope: tuple[int, int]) -> bool:
    """Put a node on its front, False if it is beaten; what it beats itself leaves the front.

    A node beats another if it is no later and no dearer. It also does if it is later, but so much cheaper that
    `slope`, what all jobs not yet served pay for a ms, makes it no dearer: it can serve them in the same order,
    each at most so much later. So along a front, which ascends in time, the cost falls by less than the slope.
    """
    node = nodes[new]
    last = before = -1
    after = head[state]
    while after >= 0 and nodes[after, TIME] < node[TIME]:
        if last == before and _dearer_later(node, nodes[after], slope):
            before = after
        last, after = after, nodes[after, LINK]
    if last >= 0 and not _dearer(nodes[last], node):
        return False
    if after >= 0 and not _dearer_later(nodes[after], node, slope):
        return False
    while after >= 0 and not _dearer(node, nodes[after]):
        after = nodes[after, LINK]
    node[LINK] = after
    if before < 0:
        head[state] = new
    else:
        nodes[before, LINK] = new
    return True


@compiled
def _enter_alone(nodes: Ints, head: NDArray[np.int32], state: int, new: int, slope: int) -> bool:
    """Put a node in the place of another, if it is cheaper by more than `slope` for each ms that it is later."""
    node, known = nodes[new], head[state]
    if known >= 0:
        other = nodes[known]
        if node[HI] > other[HI]:
            return False
        if node[HI] == other[HI] and node[LO] + slope * node[TIME] >= other[LO] + slope * other[TIME]:
            return False
    node[LINK] = -1
    head[state] = new
    return True


@compiled
def _expand(
    nodes: Ints,
    fronts: Fronts,
    place: tuple[int, int, int, int],
    served: Ints,
    upper: tuple[int, int],
    rough: bool,
    jobs: Jobs,
    options: Options,
    rules: Rules,
) -> int:
    """Serve one more job after a node, in every way that may pay; how many nodes there are then.

    `place` is the node, its index by counts, its state, and how many nodes there are.
    """
    node, index, state, used = place
    t = nodes[node, TIME]
    soonest = _soonest(t, state, served, jobs, options, rules)
    pending = _pending(served, jobs, rules)
    for number in range(options.start[state], options.start[state + 1]):
        option = options.row[number]
        if not _possible(option, served, jobs):
            continue
        c = option[CLASS]
        at = jobs.offset[c] + served[c]
        release = jobs.release[at]
        if release >= soonest or (option[KIND] == RAISE_FIRST and release <= t):
            continue
        opened = _open(option, t, release, rules.stagger_ms)
        more_hi, more_lo = _paid(c, opened - jobs.request[at], jobs, rules)
        hi, lo = nodes[node, HI] + more_hi, nodes[node, LO] + more_lo
        if hi > upper[0] or (hi == upper[0] and lo >= upper[1]):
            continue
        new = nodes[used]
        new[TIME], new[HI], new[LO] = opened + option[TAIL], hi, lo
        new[PARENT], new[TAKEN] = node, number
        then = index + fronts.stride[c]
        if not fronts.reached[then]:
            fronts.reached[then] = 1
            fronts.head[then].fill(-1)
        paid_hi, paid_lo = _slope(c, jobs, rules)
        slope = (pending[0] - paid_hi, pending[1] - paid_lo)
        if rough:
            used += _enter_alone(nodes, fronts.head[then], option[AFTER], used, slope[1])
        else:
            used += _enter(nodes, fronts.head[then], option[AFTER], used, slope)
    return used


@compiled
def _no_fronts(jobs: Jobs, options: Options) -> Fronts:
    """Room for the nodes of all counts."""
    classes = jobs.size.shape[0]
    stride = np.ones(classes + 1, np.int64)
    for c in range(classes):
        stride[c + 1] = stride[c] * (jobs.size[c] + 1)
    return Fronts(stride, np.empty(stride[-1], np.uint8), np.empty((stride[-1], options.home.shape[0]), np.int32))


@compiled
def _slope(c: int, jobs: Jobs, rules: Rules) -> tuple[int, int]:
    """What one more ms of waiting costs a job of class `c` at the most: hi, lo."""
    hi = 0
    if jobs.urgent[c]:
        hi += rules.urgency
    if rules.age_bound_ms >= 0:
        hi += 1
    return hi, jobs.weight[c]


@compiled
def _pending(served: Ints, jobs: Jobs, rules: Rules) -> tuple[int, int]:
    """What one more ms costs all jobs not yet served together at the most: hi, lo."""
    hi = lo = 0
    for c in range(served.shape[0]):
        left = jobs.size[c] - served[c]
        one_hi, one_lo = _slope(c, jobs, rules)
        hi += left * one_hi
        lo += left * one_lo
    return hi, lo


@compiled
def _counted(index: int, fronts: Fronts, served: Ints) -> None:
    """Write into `served` how many of each class an index stands for."""
    for c in range(served.shape[0] - 1, -1, -1):
        served[c] = index // fronts.stride[c]
        index -= served[c] * fronts.stride[c]


@compiled
def _roomier(nodes: Ints, used: int, more: int) -> Ints:
    """The nodes, with room for so many more."""
    if used + more <= nodes.shape[0]:
        return nodes
    roomier = np.empty((2 * nodes.shape[0] + more, nodes.shape[1]), np.int64)
    for node in range(used):
        for column in range(nodes.shape[1]):
            roomier[node, column] = nodes[node, column]
    return roomier


@compiled
def _cheapest(nodes: Ints, fronts: Fronts) -> int:
    """The cheapest node that has served all jobs, or -1."""
    best = -1
    if fronts.reached[-1]:
        for first in fronts.head[-1]:
            node = first
            while node >= 0:
                if best < 0 or (nodes[node, HI], nodes[node, LO]) < (nodes[best, HI], nodes[best, LO]):
                    best = node
                node = nodes[node, LINK]
    return best


@compiled
def _search(
    nodes: Ints,
    fronts: Fronts,
    upper: tuple[int, int],
    doubt: float,
    jobs: Jobs,
    options: Options,
    rules: Rules,
    turns: Turns,
    ages: Ages,
) -> tuple[Ints, int]:
    """Make all fronts, in the order of the counts: the nodes, and how many there are.

    A node is dropped when `upper`, the cost of a known order, is no worse than whatever can still come
    of it. With `doubt` above 1 the search is quick and rough: it also drops what is likely to be beaten,
    and keeps one node of the same counts and state, time weighed against cost by what still waits.
    """
    served = np.zeros(jobs.size.shape[0], np.int64)
    fronts.reached.fill(0)
    fronts.reached[0] = 1
    fronts.head[0].fill(-1)
    fronts.head[0, rules.first_state] = 0
    nodes[0].fill(0)
    nodes[0, PARENT] = nodes[0, LINK] = -1
    used = 1
    for index in range(fronts.reached.shape[0]):
        if not fronts.reached[index]:
            continue
        _counted(index, fronts, served)
        rough = doubt > 1.0
        for state in range(options.home.shape[0]):
            node = fronts.head[index, state]
            while node >= 0:
                if _hopeful(nodes[node], state, doubt, upper, served, jobs, turns, ages):
                    if used > rules.nodes_max:
                        return nodes, used
                    nodes = _roomier(nodes, used, options.row.shape[0])
                    place = (node, index, state, used)
                    used = _expand(nodes, fronts, place, served, upper, rough, jobs, options, rules)
                node = nodes[node, LINK]
    return nodes, used


@compiled
def search(jobs: Jobs, options: Options, rules: Rules, turns: Turns, ages: Ages) -> tuple[Ints, int]:
    """The options of the best order, one after another, and how many nodes that took.

    No options where the nodes went beyond `nodes_max`. Each step looks for something better than the one
    before: the hasty order, a doubting search, and one that proves.
    """
    picks = np.empty(jobs.release.shape[0], np.int64)
    upper = _best_hasty(picks, jobs, options, rules)
    nodes = np.empty((NODES_FIRST, 6), np.int64)
    fronts = _no_fronts(jobs, options)
    total = 0
    for doubt in (DOUBT, 1.0):
        nodes, used = _search(nodes, fronts, upper, doubt, jobs, options, rules, turns, ages)
        total += used
        if used > rules.nodes_max:
            return picks[:0], total
        best = _cheapest(nodes, fronts)
        if best >= 0:
            upper = (nodes[best, HI], nodes[best, LO])
            for place in range(picks.shape[0] - 1, -1, -1):
                picks[place] = nodes[best, TAKEN]
                best = nodes[best, PARENT]
    return picks, total
