"""Measures the planner on static instances: waits, proofs, makespans and the time a decision takes.

Decides which instances are measured (by seed, the same for every policy) and what is counted. The
vendor's order is first come, first served with the gaps left as they are. Every request of an instance is
known from the start, so the best plan for the mean is the clairvoyant one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import mean, median
from typing import Any

from domain.grid import Level, ModuleLayout
from domain.ids import JobId, ModuleId
from domain.machine import Machine, SlideMode
from runtime.local_search import annealed_ms
from runtime.paired import percentile
from runtime.second_solver import NothingFound, second_opinion
from runtime.spread import spread
from scheduler.exact import first_come_steps, solve, warm_up
from scheduler.instance import Instance, JobKind, Overlap, PlanJob
from scheduler.plan import Plan
from scheduler.regime import derive
from scheduler.timeline import Performance, perform

HEIGHTS_MM = (2150, 1700, 1700, 2150)
DEVELOPMENT_SEED, HELD_OUT_SEED = 1_000, 500_000
WIDE = 80
"""Beam width that stands for "best known" where nothing is proven."""

AGE_BOUNDS_S = (600, 750, 900, 1200)
"""Age bounds of the curve of mean against longest wait."""


@dataclass(frozen=True, slots=True)
class Family:
    """Instances of one kind: how many jobs, in which mode, released over how long, how long a wait may be."""

    name: str
    jobs: int
    mode: SlideMode = SlideMode.PARALLEL
    overlap: Overlap = Overlap.NONE
    released_within_ms: int = 0
    columns: tuple[int, ...] = (10,)
    age_bound_ms: int | None = None


def families() -> Iterator[Family]:
    """All static families."""
    for overlap in Overlap:
        for jobs in (5, 9, 12, 20, 30, 37):
            yield Family(f"static n={jobs} parallel overlap={overlap}", jobs, overlap=overlap)
        for minutes in (15, 30, 60):
            name = f"n=37 over {minutes} min parallel overlap={overlap}"
            yield Family(name, 37, overlap=overlap, released_within_ms=minutes * 60_000)
        garage = (10, 10, 9, 9)
        yield Family(f"garage 140 at once parallel overlap={overlap}", 140, overlap=overlap, columns=garage)
        stress = Family(f"stress 20 over 30 min parallel overlap={overlap}", 20, overlap=overlap)
        stress = replace(stress, released_within_ms=1_800_000)
        yield stress
        for bound_s in AGE_BOUNDS_S:
            yield replace(stress, name=f"{stress.name} age bound {bound_s} s", age_bound_ms=bound_s * 1000)
    for mode in (SlideMode.ROW, SlideMode.SINGLE):
        for jobs in (5, 7, 9, 20, 37):
            yield Family(f"static n={jobs} {mode}", jobs, mode)


def run_static(
    suite: str = "dev",
    told: Callable[[str], None] = lambda _: None,
    *,
    workers: int | None = 1,
    dask: str | None = None,
) -> list[dict[str, Any]]:
    """Rows of all static families: `dev` few development seeds, `full` more and held out.

    `told` hears the name of each family as it ends. With more than one of `workers`, or over `dask`, families
    are measured side by side, and times of decisions are those of computers that do other things too.
    """
    if suite not in ("dev", "full"):
        raise ValueError(f"no such suite: {suite} (known are dev and full)")
    first, count = (DEVELOPMENT_SEED, 20) if suite == "dev" else (HELD_OUT_SEED, 100)
    tasks = []
    for family in families():
        quick = family.jobs < 20 or family.mode is SlideMode.PARALLEL
        tasks.append((family, first, count if quick else count // 5))
    rows: list[dict[str, Any]] = []
    heard = spread(measured, tasks, workers=workers, dask=dask, told=lambda done, _: told(tasks[done - 1][0].name))
    for found in heard:
        rows += found
    return rows


def run_second(
    sizes: Sequence[tuple[int, int]] = ((12, 5), (30, 2)),
    told: Callable[[str], None] = lambda _: None,
    seconds_max: float = 60.0,
) -> list[dict[str, Any]]:
    """Rows of the planner and of CP-SAT on the same held-out instances: (jobs, how many instances).

    CP-SAT may take `seconds_max` for each. Raises SecondSolverUnavailable without ortools.
    """
    warm_up()
    rows: list[dict[str, Any]] = []
    for jobs, count in sizes:
        name = f"second solver n={jobs}"
        told(name)
        modules = [random_module(HELD_OUT_SEED + at, jobs, Family(name, jobs)) for at in range(count)]
        mine, others = [], []
        for module in modules:
            begun = time.perf_counter()
            plan = solve(module)
            mine.append((time.perf_counter() - begun, plan.cost.weighted_ms, plan.lower_bound.weighted_ms))
            others.append(_second(module, seconds_max))
        rows.append(_duel(name, "planner", mine, jobs))
        rows.append(_duel(name, "cp-sat", others, jobs))
        rows[-1]["times_slower"] = round(median(s for s, _, _ in others) / median(s for s, _, _ in mine))
    return rows


def run_search(
    rounds: int = 10_000, count: int = 1, *, workers: int | None = 1, dask: str | None = None
) -> list[dict[str, Any]]:
    """Rows of the beam against a long local search, on held-out instances in row and single mode."""
    names = [(mode, jobs) for mode in (SlideMode.ROW, SlideMode.SINGLE) for jobs in (9, 20, 37)]
    tasks = [
        (random_module(HELD_OUT_SEED + at, jobs, Family("", jobs, mode)), rounds)
        for mode, jobs in names
        for at in range(count)
    ]
    excess = list(spread(_beam_excess_pct, tasks, workers=workers, dask=dask))
    return [
        {
            "family": f"local search n={jobs} {mode}",
            "policy": "planner",
            "instances": count,
            "above_local_search_pct": round(max(excess[place * count : (place + 1) * count]), 2),
        }
        for place, (mode, jobs) in enumerate(names)
    ]


def _beam_excess_pct(task: tuple[Instance, int]) -> float:
    """How far the planner is above (below 0: under) what the local search found in so many rounds."""
    instance, rounds = task
    return 100 * (solve(instance, certify=False).cost.weighted_ms / annealed_ms(instance, 1, rounds) - 1)


def _second(instance: Instance, seconds_max: float) -> tuple[float, int, int]:
    """Seconds, cost and bound of CP-SAT; the cost is 0 where it finds no plan at all in its time."""
    try:
        second = second_opinion(instance, seconds_max=seconds_max, jobs_max=len(instance.jobs))
    except NothingFound:
        return seconds_max, 0, 0
    return second.seconds, second.weighted_ms, second.bound_ms


def _duel(name: str, policy: str, runs: Sequence[tuple[float, int, int]], jobs: int) -> dict[str, Any]:
    """One solver's row; a run is seconds, cost (0: none found) and lower bound."""
    found = [(cost, bound) for _, cost, bound in runs if cost]
    return {
        "family": name,
        "policy": policy,
        "instances": len(runs),
        "found_pct": round(100 * len(found) / len(runs), 1),
        "mean_wait_s": round(mean(cost for cost, _ in found) / jobs / 1000, 1) if found else None,
        "proven_pct": round(100 * sum(cost == bound for cost, bound in found) / len(runs), 1),
        "gap_pct": round(100 * mean(1 - bound / cost for cost, bound in found), 1) if found else None,
        "decision_ms_p50": round(1000 * median(seconds for seconds, _, _ in runs), 2),
        "decision_ms_p99": round(1000 * max(seconds for seconds, _, _ in runs), 2),
    }


def random_module(seed: int, jobs: int, family: Family, columns: int = 10) -> Instance:
    """Retrievals of random cars from a module with its gaps anywhere."""
    rng = Random(seed)
    layout = _layout(columns)
    bays = rng.sample(layout.bay_names, min(jobs, len(layout.bays)))
    stand = tuple(tuple(sorted(rng.sample(range(1, columns + 1), count))) for count in layout.pallets_per_level)
    released = sorted(rng.randint(0, family.released_within_ms) for _ in bays)
    waiting = tuple(
        PlanJob(JobId(f"J{number:02d}"), JobKind.RETRIEVAL, bay, at_ms, at_ms)
        for number, (bay, at_ms) in enumerate(zip(bays, released, strict=True), start=1)
    )
    return Instance(
        layout,
        Machine(slide_mode=family.mode),
        waiting,
        stand,
        overlap=family.overlap,
        age_bound_ms=family.age_bound_ms,
    )


def _layout(columns: int) -> ModuleLayout:
    levels = tuple(
        Level(number, height_mm, 0 if number == len(HEIGHTS_MM) else 1)
        for number, height_mm in enumerate(HEIGHTS_MM, start=1)
    )
    return ModuleLayout(ModuleId("A"), columns, levels, 2400, 2300, 5000, 1900, 2350, 100)


class _Tally:
    """What one policy did on the instances of a family."""

    def __init__(self) -> None:
        self.waits_ms: list[int] = []
        self.makespans_ms: list[int] = []

    def add(self, modules: Sequence[Performance | Plan]) -> None:
        """One instance: the garage is clear when its last module is."""
        ends_ms = []
        for done in modules:
            served, end_ms = (done.jobs, done.makespan_ms) if isinstance(done, Plan) else (done.served, done.home_ms)
            self.waits_ms += [job.wait_ms for job in served]
            ends_ms.append(end_ms)
        self.makespans_ms.append(max(ends_ms))

    @property
    def mean_s(self) -> float:
        """Mean wait."""
        return mean(self.waits_ms) / 1000


def measured(task: tuple[Family, int, int]) -> list[dict[str, Any]]:
    """The rows of one family, for so many seeds from one on: the vendor's order and the planner's."""
    family, first, count = task
    warm_up()
    vendor, planner, clairvoyant = _Tally(), _Tally(), _Tally()
    spent: list[float] = []
    worked: list[float] = []
    plans: list[Plan] = []
    judged: list[tuple[float, float]] = []
    above_makespan: list[float] = []
    for seed in range(first, first + count):
        modules = _modules(family, seed)
        begun, busy = time.perf_counter(), time.process_time()
        found = [solve(module, certify=False) for module in modules]
        spent.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - busy) * 1000)
        plans += found
        planner.add(found)
        vendor.add([_vendor(module) for module in modules])
        free = [replace(module, age_bound_ms=None) for module in modules]
        clairvoyant.add(found if family.age_bound_ms is None else [solve(module, certify=False) for module in free])
        bound_ms = max(plan.makespan_bound_ms for plan in found)
        above_makespan.append(100 * (planner.makespans_ms[-1] / bound_ms - 1))
        judged += [_judged(module, plan) for module, plan in zip(modules, found, strict=True) if not plan.optimal]
    about = {"family": family.name, "regime": derive(modules[0]).name.value, "instances": count}
    extra = {
        "above_makespan_bound_pct": round(max(above_makespan), 2),
        "proven_pct": round(100 * mean(plan.optimal for plan in plans), 1),
        "above_bound_pct": round(mean(bound for bound, _ in judged), 2) if judged else 0.0,
        "above_best_known_pct": round(mean(known for _, known in judged), 2) if judged else 0.0,
        "decision_ms_p50": round(percentile(spent, 50), 2),
        "decision_ms_p99": round(percentile(spent, 99), 2),
        "decision_cpu_ms_p99": round(percentile(worked, 99), 2),  # without what else the computer does
    }
    return [
        {**about, "policy": "vendor", **_figures(vendor, vendor, clairvoyant), "decision_ms_p99": None},
        {**about, "policy": "planner", **_figures(planner, vendor, clairvoyant), **extra},
    ]


def _modules(family: Family, seed: int) -> list[Instance]:
    jobs = family.jobs if len(family.columns) == 1 else 37
    return [random_module(seed * 10 + number, jobs, family, columns) for number, columns in enumerate(family.columns)]


def _judged(instance: Instance, plan: Plan) -> tuple[float, float]:
    """How far, in percent, a plan without proof is above its bound and above the best that is known."""
    best = solve(instance, width=WIDE)
    cost = plan.cost.weighted_ms
    known = min(best.cost.weighted_ms, cost)
    return 100 * (cost / best.lower_bound.weighted_ms - 1), 100 * (cost / known - 1)


def _vendor(instance: Instance) -> Performance:
    """First come, first served: nothing overlaps, nobody's age counts."""
    strict = replace(instance, overlap=Overlap.NONE, age_bound_ms=None)
    return perform(strict, derive(strict), first_come_steps(strict))


def _figures(done: _Tally, vendor: _Tally, clairvoyant: _Tally) -> dict[str, float]:
    waits_s = [wait_ms / 1000 for wait_ms in done.waits_ms]
    return {
        "mean_wait_s": round(done.mean_s, 1),
        "p95_wait_s": round(percentile(waits_s, 95), 1),
        "p99_wait_s": round(percentile(waits_s, 99), 1),
        "max_wait_s": round(max(waits_s), 1),
        "vs_vendor_pct": round(100 * (done.mean_s / vendor.mean_s - 1), 1),
        "vs_clairvoyant_pct": round(100 * (done.mean_s / clairvoyant.mean_s - 1), 1),
        "makespan_s": round(mean(done.makespans_ms) / 1000, 1),
    }
