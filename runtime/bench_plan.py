"""Measures the planner on static instances: waits, proofs, makespans and the time a decision takes.

Decides which instances are measured (by seed, the same for every policy) and what is counted. The
vendor's order is first come, first served with the gaps left as they are. Every request of an instance is
known from the start, so the best plan for the mean is the clairvoyant one.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import mean, median
from typing import Any

from domain.machine import SlideMode
from runtime.dispatch_rules import RULES, dispatched
from runtime.local_search import annealed_ms
from runtime.paired import change, percentile
from runtime.second_solver import NothingFound, second_opinion
from runtime.spread import spread
from runtime.static_families import Family, families, modules_of, random_module
from scheduler.exact import first_come_steps, solve, warm_up
from scheduler.instance import Instance, Overlap
from scheduler.plan import Plan
from scheduler.regime import derive
from scheduler.timeline import Performance, perform

DEVELOPMENT_SEED, HELD_OUT_SEED = 1_000, 500_000
WIDE = 80
"""Beam width that stands for "best known" where nothing is proven."""


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


class _Tally:
    """What one policy did on the instances of a family."""

    def __init__(self) -> None:
        self.waits_ms: list[int] = []
        self.means_s: list[float] = []
        self.makespans_ms: list[int] = []

    def add(self, modules: Sequence[Performance | Plan]) -> None:
        """One instance: the garage is clear when its last module is."""
        ends_ms, waits_ms = [], []
        for done in modules:
            served, end_ms = (done.jobs, done.makespan_ms) if isinstance(done, Plan) else (done.served, done.home_ms)
            waits_ms += [job.wait_ms for job in served]
            ends_ms.append(end_ms)
        self.waits_ms += waits_ms
        self.means_s.append(mean(waits_ms) / 1000)
        self.makespans_ms.append(max(ends_ms))

    @property
    def mean_s(self) -> float:
        """Mean wait."""
        return mean(self.waits_ms) / 1000


def measured(task: tuple[Family, int, int]) -> list[dict[str, Any]]:
    """The rows of one family, for so many seeds from one on: the vendor's order, simpler rules, the planner's."""
    family, first, count = task
    warm_up()
    gc.freeze()  # as the running program does: no decision waits while all that is loaded is searched for garbage
    vendor, planner, clairvoyant = _Tally(), _Tally(), _Tally()
    rules = {name: _Tally() for name in _rules_of(family)}
    spent: list[float] = []
    worked: list[float] = []
    plans: list[Plan] = []
    judged: list[tuple[float, float]] = []
    above_makespan: list[float] = []
    for seed in range(first, first + count):
        modules = modules_of(family, seed)
        begun, busy = time.perf_counter(), time.process_time()
        found = [solve(module, certify=False) for module in modules]
        spent.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - busy) * 1000)
        plans += found
        planner.add(found)
        vendor.add([_vendor(module) for module in modules])
        for name, tally in rules.items():
            tally.add([dispatched(module, RULES[name]) for module in modules])
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
        *({**about, "policy": name, **_figures(done, vendor, clairvoyant)} for name, done in rules.items()),
        {**about, "policy": "planner", **_figures(planner, vendor, clairvoyant), **extra},
    ]


def _rules_of(family: Family) -> list[str]:
    """The rules a family is measured with; where all ask at once, planning anew is planning once."""
    if len(family.columns) > 1 or family.age_bound_ms is not None:
        return []
    without = {"fcfs+overlap"} if family.overlap is Overlap.NONE else set()
    return [name for name in RULES if name not in without and (name != "rolling" or family.released_within_ms)]


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


def _figures(done: _Tally, vendor: _Tally, clairvoyant: _Tally) -> dict[str, Any]:
    waits_s = [wait_ms / 1000 for wait_ms in done.waits_ms]
    apart = change(done.means_s, vendor.means_s)
    return {
        "mean_wait_s": round(done.mean_s, 1),
        "p95_wait_s": round(percentile(waits_s, 95), 1),
        "p99_wait_s": round(percentile(waits_s, 99), 1),
        "max_wait_s": round(max(waits_s), 1),
        "vs_vendor_pct": round(apart.pct, 1),
        "vs_vendor_ci95": [round(end, 1) for end in apart.ci95] if apart.ci95 else None,
        "vs_clairvoyant_pct": round(100 * (done.mean_s / clairvoyant.mean_s - 1), 1),
        "makespan_s": round(mean(done.makespans_ms) / 1000, 1),
    }
