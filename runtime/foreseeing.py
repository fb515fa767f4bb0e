"""What a forecast could gain at most: a rule that knows how many drivers will come, but not who and when.

Decides the next job of a rush whose size and length it is told; for benchmarks, never for a garage. At
every decision it draws futures from the distribution that the rush is drawn from, solves each of them
exactly for every driver who could be next, and takes the driver with the least waiting over all futures
(hindsight optimisation). Nobody's age counts. If even this does no better than `scheduler.online` without
an age bound, then what lies between that and the clairvoyant is the price of not knowing the future.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from random import Random

from domain.ids import JobId, ModuleId, parse_bay
from scheduler.dockings import is_free
from scheduler.exact import solve
from scheduler.instance import Instance, JobKind, PlanJob, Priority, Weights
from scheduler.online import rolling_exact
from scheduler.sequence import Chosen, Queue, Waiting

FUTURES = 10
"""Draws per decision; thirty gave the same choices."""


def boundless(queue: Queue) -> Chosen:
    """The online planner where nobody's age counts: the least mean wait for those who have asked."""
    return rolling_exact(replace(queue, age_bound_ms=None))


@dataclass(slots=True)
class Foreseeing:
    """The next retrieval of a rush of `per_module` requests, evenly spread over `span_ms` from the first."""

    per_module: int
    span_ms: int
    _asked: dict[ModuleId, set[JobId]] = field(default_factory=dict)
    _from_utc_ms: dict[ModuleId, int] = field(default_factory=dict)

    def __call__(self, queue: Queue) -> Chosen:
        """The driver whose service now leaves the least waiting, on average over the futures."""
        module = queue.layout.id
        asked = self._asked.setdefault(module, set())
        asked.update(one.job for one in queue.waiting)
        oldest_utc_ms = min(one.waits_from_utc_ms for one in queue.waiting)
        begun_utc_ms = self._from_utc_ms.setdefault(module, oldest_utc_ms)
        usual = boundless(queue)
        candidates = _candidates(queue)
        if len(candidates) < 2:
            return usual
        left_ms = begun_utc_ms + self.span_ms - queue.now_utc_ms
        coming = self.per_module - len(asked) if left_ms > 0 else 0
        futures = list(_futures(queue, coming, left_ms))
        cost_ms = {one.job: sum(_cost_ms(queue, one, future) for future in futures) for one in candidates}
        best = min(candidates, key=lambda one: (cost_ms[one.job], one.job != usual.job, one.job))
        return replace(usual, job=best.job, bay=best.bay.name, begin_utc_ms=queue.now_utc_ms)


def _candidates(queue: Queue) -> list[Waiting]:
    """Of each level the one who asked first, and besides whose pallet is down or hangs over a free shaft."""
    found: dict[tuple[int, bool], Waiting] = {}
    for one in sorted(queue.waiting, key=lambda one: (one.waits_from_utc_ms, one.job)):
        at_hand = one.bay.level > 1 and (one.bay.name == queue.down or is_free(queue.columns, one.bay))
        found.setdefault((one.bay.level, at_hand), one)
    return list(found.values())


def _futures(queue: Queue, coming: int, left_ms: int) -> Iterable[list[PlanJob]]:
    """Requests yet to come, of cars that have not asked, at random times."""
    dice = Random(f"{queue.layout.id} {queue.now_utc_ms}")
    asked = {one.bay.name for one in queue.waiting}
    parked = [bay for bay in queue.layout.bay_names if bay not in queue.empty and bay not in asked]
    for _ in range(FUTURES if coming > 0 else 1):
        bays = dice.sample(parked, min(coming, len(parked)))
        times_ms = [dice.randrange(left_ms) for _ in bays]
        yield [
            PlanJob(JobId(f"coming-{number}"), JobKind.RETRIEVAL, bay, at_ms, at_ms)
            for number, (bay, at_ms) in enumerate(zip(bays, times_ms, strict=True))
        ]


def _cost_ms(queue: Queue, first: Waiting, future: list[PlanJob]) -> int:
    """Sum of all waits if this driver is served first, and then everybody in the best order."""
    here = [
        PlanJob(
            one.job,
            JobKind(one.kind),
            one.bay.name,
            0,
            one.waits_from_utc_ms - queue.now_utc_ms,
            Priority.EMERGENCY if one is first else Priority.NORMAL,
        )
        for one in queue.waiting
    ]
    taken = {parse_bay(job.bay).name for job in (*here, *future) if job.bay is not None}
    instance = Instance(
        queue.layout,
        queue.machine,
        (*here, *future),
        queue.columns,
        lowered=queue.down,
        empty=queue.empty - taken,
        weights=Weights(1, 1, 1),
    )
    return solve(instance, certify=False).cost.weighted_ms
