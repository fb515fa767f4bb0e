"""What no plan of an instance can undercut: bounds on one car, on the weighted waits, on the end.

Decides nothing; every figure here holds for each plan that serves jobs one after another, whatever its
order, pallets and dockings. The bound for sequence-dependent slides is in `scheduler.route_bound`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from scheduler.instance import Instance, PlanJob
from scheduler.regime import Regime


@dataclass(frozen=True, slots=True)
class Least:
    """The least that one job takes, by parts."""

    upper: bool
    """Whether its pallet surely comes down for it alone."""
    lead_ms: int
    """From the start of its slides to the gate open."""
    tail_ms: int
    """From the gate open to the gate shut."""
    raise_ms: int
    """To send its pallet home."""
    weight: int

    @property
    def work_ms(self) -> int:
        """From the start of its slides to the gate shut."""
        return self.lead_ms + self.tail_ms


def least_of(instance: Instance, regime: Regime, job: PlanJob) -> Least:
    """What one job takes at the least; a pallet that serves two jobs, or is down already, may cost nothing."""
    tail_ms = instance.dwell_ms(job) + regime.gate_ms
    weight = instance.weights.of(job.priority)
    level = instance.level(job)
    if level == 1 or job.bay is None or instance.uses[job.bay] > 1 or job.bay == instance.lowered:
        return Least(False, regime.gate_ms, tail_ms, 0, weight)
    lead_ms = regime.gate_ms + regime.lower_ms[level] + least_slides_ms(instance, regime, job)
    return Least(True, lead_ms, tail_ms, regime.raise_ms[level], weight)


def quickest_raise_ms(instance: Instance, regime: Regime) -> int:
    """The shortest raising that may come before an upper pallet is lowered; 0 where no pallet can be down.

    Of any pallet that can be down then, also of one that serves two jobs or has been down from the start.
    """
    bays = {job.bay for job in instance.jobs if job.bay is not None}
    if instance.free_storages:
        bays |= instance.empty
    if instance.lowered is not None:
        bays.add(instance.lowered)
    levels = (instance.refs[bay].level for bay in bays)
    return min((regime.raise_ms[level] for level in levels if level > 1), default=0)


def least_slides_ms(instance: Instance, regime: Regime, job: PlanJob) -> int:
    """The shortest slides before an upper pallet; 0 if its shaft may be free."""
    if job.bay is None or not regime.plain:
        return 0
    ref = instance.refs[job.bay]
    own = instance.columns[ref.level - 1][ref.index - 1]
    if all(own not in row for row in instance.columns[: ref.level - 1]):
        return 0
    if not regime.uniform:
        return regime.slide_ms  # one row at least: only the docked pallet has its shaft free
    return regime.least_window_ms[ref.level]


def car_bound_ms(instance: Instance, regime: Regime, job: PlanJob) -> int:
    """The least wait of one car, were it alone."""
    return job.release_ms + least_of(instance, regime, job).lead_ms - job.requested_ms


def makespan_bound_ms(instance: Instance, regime: Regime) -> int:
    """The earliest that all pallets can be home: for some time, everything released after it in one go."""
    end_ms = work_ms = 0
    for job in sorted(instance.jobs, key=lambda job: job.release_ms, reverse=True):
        least = least_of(instance, regime, job)
        work_ms += least.work_ms + least.raise_ms
        end_ms = max(end_ms, job.release_ms + work_ms)
    return end_ms


def weighted_bound_ms(instance: Instance, regime: Regime) -> int:
    """The best of the bounds on the weighted sum of waits that need no search."""
    leasts = [least_of(instance, regime, job) for job in instance.jobs]
    alone = sum(
        least.weight * (job.release_ms + least.lead_ms - job.requested_ms)
        for job, least in zip(instance.jobs, leasts, strict=True)
    )
    asked = sum(least.weight * job.requested_ms for job, least in zip(instance.jobs, leasts, strict=True))
    spared_ms = quickest_raise_ms(instance, regime) if any(least.upper for least in leasts) else 0
    return max(alone, preemptive_bound_ms(instance, leasts, spared_ms) - asked, in_turn_ms(leasts) - asked)


def in_turn_ms(leasts: Sequence[Least]) -> int:
    """Weighted gate-open times if every job were released at once; 0 where no order is known best.

    Ground pallets go first, then the upper ones with their own raising, each by work over weight:
    best, by swapping neighbours, when every ground job is the shorter for its weight.
    """
    ground = [least for least in leasts if not least.upper]
    upper = [least for least in leasts if least.upper]
    if any(g.work_ms * u.weight > u.work_ms * g.weight for g in ground for u in upper):
        return 0
    total = ahead_ms = 0
    for group in (ground, upper):
        for least in sorted(group, key=lambda one: (one.work_ms + one.raise_ms) / one.weight):
            total += least.weight * (ahead_ms + least.lead_ms)
            ahead_ms += least.work_ms + least.raise_ms
    return total


def preemptive_bound_ms(instance: Instance, leasts: Sequence[Least], spared_ms: int) -> int:
    """Weighted gate-open times of a machine that may interrupt any job for another.

    With equal weights the shortest remaining work first is the optimum of that machine; else the
    largest weight for its work first gives the least mean busy times, which bound the rest. Every
    upper pallet counts the quickest raising before it, `spared_ms`; nothing is down at first, so all
    of it may begin that much earlier.
    """
    works = [least.work_ms + spared_ms * least.upper for least in leasts]
    weights = [least.weight for least in leasts]
    releases = [job.release_ms for job in instance.jobs]
    if len(set(weights)) == 1:
        total = weights[0] * (sum(_shortest_first(releases, works)) - sum(least.tail_ms for least in leasts))
    else:
        busy = _busy_twice(releases, works, weights)
        total = (
            sum(
                weight * (mean - work + 2 * (work - least.tail_ms))
                for weight, mean, work, least in zip(weights, busy, works, leasts, strict=True)
            )
            // 2
        )
    return total - spared_ms * sum(weights)


def _shortest_first(releases: Sequence[int], works: Sequence[int]) -> list[int]:
    """Completion times with the shortest remaining work first."""
    ends = [0] * len(works)
    waiting: list[tuple[int, int]] = []
    order = sorted(range(len(works)), key=lambda at: releases[at])
    now_ms = 0
    for place, at in enumerate(order):
        heappush(waiting, (works[at], at))
        until_ms = releases[order[place + 1]] if place + 1 < len(order) else None
        now_ms = max(now_ms, releases[at])
        while waiting and (until_ms is None or now_ms < until_ms):
            left_ms, job = heappop(waiting)
            run_ms = left_ms if until_ms is None else min(left_ms, until_ms - now_ms)
            now_ms += run_ms
            if run_ms == left_ms:
                ends[job] = now_ms
            else:
                heappush(waiting, (left_ms - run_ms, job))
    return ends


def _busy_twice(releases: Sequence[int], works: Sequence[int], weights: Sequence[int]) -> list[int]:
    """Twice the mean time at which each job is worked on, the heaviest for its work first; rounded down."""
    moments = [0] * len(works)
    left = list(works)
    waiting: list[tuple[float, int]] = []
    order = sorted(range(len(works)), key=lambda at: releases[at])
    now_ms = 0
    for place, at in enumerate(order):
        heappush(waiting, (works[at] / weights[at], at))
        until_ms = releases[order[place + 1]] if place + 1 < len(order) else None
        now_ms = max(now_ms, releases[at])
        while waiting and (until_ms is None or now_ms < until_ms):
            _, job = waiting[0]
            run_ms = left[job] if until_ms is None else min(left[job], until_ms - now_ms)
            moments[job] += run_ms * (2 * now_ms + run_ms)
            now_ms += run_ms
            left[job] -= run_ms
            if not left[job]:
                heappop(waiting)
    return [moment // work for moment, work in zip(moments, works, strict=True)]
