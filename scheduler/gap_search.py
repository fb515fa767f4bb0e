"""Order of jobs where it matters where the gaps stand: a search over gap states, exact when it may be.

Decides order, pallets for cars that take any, and dockings, for row-by-row and single sliding (M2) and
for layouts with several gaps, blocked cells or dead pallets. Goes job by job: all ways to have served
so many jobs compete, those with the same jobs served and the same pallets' places on (time, cost).
With a width it keeps only the most promising ones and proves nothing; without, the result is optimal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from domain.grid import Columns
from domain.ids import BayId, BayRef, parse_bay
from scheduler.bounds import least_of
from scheduler.dockings import Docking, dockings, slid
from scheduler.instance import Cost, Instance, JobKind, PlanJob, cost_of
from scheduler.instance_checks import usable_bays
from scheduler.regime import Regime
from scheduler.timeline import Step

EXACT_JOBS_MAX = 9
"""Up to so many jobs the search is complete."""

EXACT_NODES_MAX = 150_000
"""More nodes than this in one layer of a complete search, and it is given up."""


@dataclass(frozen=True, slots=True)
class _Node:
    """One way to have served the jobs of `mask`."""

    mask: int
    shut_ms: int
    cost: Cost
    columns: Columns
    down: BayRef | None
    empty: frozenset[BayId]
    parent: _Node | None
    step: Step | None

    @property
    def steps(self) -> tuple[Step, ...]:
        """From the first job to this one."""
        found: list[Step] = []
        node: _Node | None = self
        while node is not None and node.step is not None:
            found.append(node.step)
            node = node.parent
        return tuple(reversed(found))


class GapSearch:
    """A search over one instance; keeps what it learns about dockings."""

    def __init__(self, instance: Instance, regime: Regime) -> None:
        self._instance = instance
        self._regime = regime
        self._ways: dict[tuple[Columns, BayRef], tuple[tuple[Docking, Columns], ...]] = {}
        jobs = instance.jobs
        self._bays = [None if job.bay is None else parse_bay(job.bay) for job in jobs]
        self._frees = any(job.bay is None for job in jobs)
        self._named = frozenset(job.bay for job in jobs if job.bay is not None and job.kind is JobKind.STORAGE)
        levels = range(1, len(instance.layout.levels) + 1)
        self._levels = [frozenset(level for level in levels if instance.fits(job, level)) for job in jobs]
        self._choosy = len({fits for fits, bay in zip(self._levels, self._bays, strict=True) if bay is None}) > 1
        self._usable = frozenset(usable_bays(instance)) - self._named
        self._seated: dict[tuple[int, frozenset[BayId]], bool] = {}
        self._before = [_before(jobs, at) for at in range(len(jobs))]
        self._tail_ms = [instance.dwell_ms(job) + regime.gate_ms for job in jobs]
        self._least_ms = [least_of(instance, regime, job).lead_ms for job in jobs]

    def exact(self, upper: Cost) -> tuple[Step, ...] | None:
        """The optimal steps if they cost less than `upper`, else empty; None when it grows too large."""
        best = self._layers(None, upper)
        return None if best is None else best.steps

    def beam(self, width: int) -> tuple[Step, ...]:
        """Good steps: so many nodes are kept for each number of jobs served."""
        best = self._layers(width, None)
        if best is None:
            raise ValueError("no order serves every job")
        return best.steps

    def _layers(self, width: int | None, upper: Cost | None) -> _Node | None:
        instance = self._instance
        none = _Node(0, 0, Cost(), instance.columns, instance.down, instance.empty - self._named, None, None)
        layer = [none]
        for number in range(len(instance.jobs)):
            fronts: dict[tuple[object, ...], list[_Node]] = {}
            count = 0
            for node in layer:
                for child in self._children(node):
                    if upper is not None and not self._below(child, upper):
                        continue
                    count += _insert(fronts, child)
                if width is None and count > EXACT_NODES_MAX:
                    return None
            layer = [node for front in fronts.values() for node in front]
            if width is not None and len(layer) > width and number < len(instance.jobs) - 1:
                layer = sorted(layer, key=self._promise)[:width]
        return min(layer, key=lambda node: node.cost, default=none if upper is not None else None)

    def _below(self, node: _Node, upper: Cost) -> bool:
        """Whether a node can still lead to less than `upper`."""
        return node.cost + self._rest(node) < upper

    def _rest(self, node: _Node) -> Cost:
        """Least cost of what is not yet served: each alone, and shortest first if all were there."""
        instance = self._instance
        alone = turns = weighted = 0
        spans: list[tuple[float, int, int]] = []
        for at, job in enumerate(instance.jobs):
            if node.mask >> at & 1:
                continue
            lead_ms = self._least_ms[at]
            weight = instance.weights.of(job.priority)
            alone += weight * max(0, job.release_ms - node.shut_ms)
            weighted += weight * (node.shut_ms + lead_ms - job.requested_ms)
            work_ms = lead_ms + self._tail_ms[at]
            spans.append((work_ms / weight, work_ms, weight))
        ahead_ms = 0
        for _, work_ms, weight in sorted(spans):
            turns += weight * ahead_ms
            ahead_ms += work_ms
        return Cost(0, 0, weighted + max(alone, turns))

    def _promise(self, node: _Node) -> tuple[int, int, int]:
        """What a beam keeps: low cost so far and low cost to come."""
        cost = node.cost + self._rest(node)
        return cost.emergency_ms, cost.beyond_age_ms, cost.weighted_ms

    def _children(self, node: _Node) -> Iterator[_Node]:
        for at, job in enumerate(self._instance.jobs):
            if node.mask >> at & 1 or (self._before[at] >= 0 and not node.mask >> self._before[at] & 1):
                continue
            bay = self._bays[at]
            if bay is not None:
                yield from self._serve(node, at, job, bay)
                continue
            for name in sorted(node.empty):
                free = parse_bay(name)
                fits = self._instance.fits(job, free.level) and name not in self._instance.layout.dead
                if fits and self._seats_rest(node.mask | 1 << at, node.empty - {name}):
                    yield from self._serve(node, at, job, free)

    def _seats_rest(self, mask: int, empty: frozenset[BayId]) -> bool:
        """Whether every car yet to come that takes any pallet still finds one that it fits.

        Cars differ only in the levels they fit, and of two such sets one holds the other: it is enough that
        no set of levels has more cars that fit nowhere else than pallets.
        """
        if not self._choosy:
            return True
        key = (mask, empty)
        known = self._seated.get(key)
        if known is None:
            left = [at for at in range(len(self._levels)) if not mask >> at & 1]
            freed = {self._instance.jobs[at].bay for at in left if self._instance.jobs[at].kind is JobKind.RETRIEVAL}
            levels = [parse_bay(name).level for name in (empty | freed) & self._usable]
            wanted = [self._levels[at] for at in left if self._bays[at] is None]
            known = self._seated[key] = all(
                sum(other <= one for other in wanted) <= sum(level in one for level in levels) for one in set(wanted)
            )
        return known

    def _serve(self, node: _Node, at: int, job: PlanJob, bay: BayRef) -> Iterator[_Node]:
        regime, down = self._regime, node.down
        if bay == down or bay.level == 1:
            ready_ms = max(node.shut_ms, job.release_ms)
            yield self._child(node, Step(at, bay), ready_ms, node.columns, down)
            if bay != down and down is not None and job.release_ms > node.shut_ms:
                home_ms = node.shut_ms + regime.raise_ms[down.level]
                yield self._child(node, Step(at, bay, True), max(home_ms, job.release_ms), node.columns, None)
            return
        level = 0 if down is None else down.level
        for way, columns in self._dockings(node.columns, bay):
            setup = regime.setup(way.slides, level, bay.level)
            lower_ms = regime.lowered_from_ms(node.shut_ms, regime.raise_ms[level], job.release_ms, setup)
            step = Step(at, bay, docking=way)
            yield self._child(node, step, lower_ms + regime.lower_ms[bay.level], columns, bay)

    def _child(self, node: _Node, step: Step, ready_ms: int, columns: Columns, down: BayRef | None) -> _Node:
        job = self._instance.jobs[step.job]
        open_ms = ready_ms + self._regime.gate_ms
        empty = node.empty
        if self._frees and job.kind is JobKind.RETRIEVAL and job.bay not in self._named:
            empty |= {step.bay.name}
        elif job.bay is None:
            empty -= {step.bay.name}
        cost = node.cost + cost_of(self._instance, job, open_ms)
        shut_ms = open_ms + self._tail_ms[step.job]
        return _Node(node.mask | 1 << step.job, shut_ms, cost, columns, down, empty, node, step)

    def _dockings(self, columns: Columns, bay: BayRef) -> tuple[tuple[Docking, Columns], ...]:
        key = (columns, bay)
        found = self._ways.get(key)
        if found is None:
            ways = dockings(self._instance.layout, columns, bay)
            found = self._ways[key] = tuple((way, slid(columns, way.slides)) for way in ways)
        return found


def _insert(fronts: dict[tuple[object, ...], list[_Node]], node: _Node) -> int:
    """Put a node on its front unless another is as early and as cheap; how many nodes that adds."""
    front = fronts.setdefault((node.mask, node.columns, node.down, node.empty), [])
    if any(other.shut_ms <= node.shut_ms and other.cost <= node.cost for other in front):
        return 0
    before = len(front)
    front[:] = [other for other in front if other.shut_ms < node.shut_ms or other.cost < node.cost]
    front.append(node)
    return len(front) - before


def _before(jobs: tuple[PlanJob, ...], at: int) -> int:
    """The job that must leave the pallet first, the last one before that is just the same, or -1.

    Of drivers who differ in nothing and take any pallet, some best order serves the first first.
    """
    if jobs[at].kind is JobKind.RETRIEVAL:
        return -1
    if jobs[at].bay is None:
        same = (other for other in range(at - 1, -1, -1) if replace(jobs[other], id=jobs[at].id) == jobs[at])
        return next(same, -1)
    for other, leaving in enumerate(jobs):
        if leaving.kind is JobKind.RETRIEVAL and leaving.bay == jobs[at].bay:
            return other
    return -1
