"""Measures the planner on static instances: waits, proofs and the time a decision takes.

Decides which instances are measured (by seed, the same for every policy) and what is counted. The
vendor's order is first come, first served with the gaps left as they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from statistics import mean
from typing import Any

from domain.grid import Level, ModuleLayout
from domain.ids import JobId, ModuleId
from domain.machine import Machine, SlideMode
from scheduler.exact import first_come_steps, solve
from scheduler.instance import Instance, JobKind, Overlap, PlanJob
from scheduler.plan import Plan
from scheduler.regime import derive
from scheduler.timeline import perform

HEIGHTS_MM = (2150, 1700, 1700, 2150)
DEVELOPMENT_SEED, HELD_OUT_SEED = 1_000, 500_000
WIDE = 80
"""Beam width that stands for "best known" where nothing is proven."""


@dataclass(frozen=True, slots=True)
class Family:
    """Instances of one kind: how many jobs, in which mode, released over how long."""

    name: str
    jobs: int
    mode: SlideMode = SlideMode.PARALLEL
    overlap: Overlap = Overlap.NONE
    released_within_ms: int = 0
    columns: tuple[int, ...] = (10,)


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
    for mode in (SlideMode.ROW, SlideMode.SINGLE):
        for jobs in (5, 7, 9, 20, 37):
            yield Family(f"static n={jobs} {mode}", jobs, mode)


def run_static(suite: str = "dev", told: Callable[[str], None] = lambda _: None) -> list[dict[str, Any]]:
    """Rows of all static families: `dev` few development seeds, `full` more and held out.

    `told` hears the name of each family as it begins.
    """
    if suite not in ("dev", "full"):
        raise ValueError(f"no such suite: {suite} (known are dev and full)")
    first, count = (DEVELOPMENT_SEED, 20) if suite == "dev" else (HELD_OUT_SEED, 100)
    solve(random_module(0, 3, Family("", 3)))  # compiles once, or loads what was compiled before
    rows: list[dict[str, Any]] = []
    for family in families():
        told(family.name)
        seeds = range(first, first + (count if family.jobs < 20 or family.mode is SlideMode.PARALLEL else count // 5))
        rows += _measure(family, seeds)
    return rows


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
    return Instance(layout, Machine(slide_mode=family.mode), waiting, stand, overlap=family.overlap)


def _layout(columns: int) -> ModuleLayout:
    levels = tuple(
        Level(number, height_mm, 0 if number == len(HEIGHTS_MM) else 1)
        for number, height_mm in enumerate(HEIGHTS_MM, start=1)
    )
    return ModuleLayout(ModuleId("A"), columns, levels, 2400, 2300, 5000, 1900, 2350, 100)


def _measure(family: Family, seeds: range) -> list[dict[str, Any]]:
    """The rows of one family: the vendor's order and the planner's, on the same instances."""
    spent: list[float] = []
    worked: list[float] = []
    waits: dict[str, list[int]] = {"vendor": [], "planner": []}
    proven = 0
    above_bound: list[float] = []
    above_known: list[float] = []
    for seed in seeds:
        jobs = family.jobs if len(family.columns) == 1 else 37
        modules = [
            random_module(seed * 10 + number, jobs, family, columns) for number, columns in enumerate(family.columns)
        ]
        begun, busy = time.perf_counter(), time.process_time()
        plans = [solve(module, certify=False) for module in modules]
        spent.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - busy) * 1000)
        for module, plan in zip(modules, plans, strict=True):
            waits["planner"] += [served.wait_ms for served in plan.jobs]
            waits["vendor"] += _vendor_waits(module)
            proven += plan.optimal
            if not plan.optimal:
                bound, known = _judged(module, plan)
                above_bound.append(bound)
                above_known.append(known)
    about = {"family": family.name, "regime": derive(modules[0]).name.value, "instances": len(seeds)}
    extra = {
        "proven_pct": round(100 * proven / (len(seeds) * len(family.columns)), 1),
        "above_bound_pct": round(mean(above_bound), 2) if above_bound else 0.0,
        "above_best_known_pct": round(mean(above_known), 2) if above_known else 0.0,
        "decision_ms_p50": round(_percentile(spent, 50), 2),
        "decision_ms_p99": round(_percentile(spent, 99), 2),
        "decision_cpu_ms_p99": round(_percentile(worked, 99), 2),  # without what else the computer does
    }
    vendor_s = mean(waits["vendor"]) / 1000
    return [
        {**about, "policy": "vendor", **_figures(waits["vendor"], vendor_s)},
        {**about, "policy": "planner", **_figures(waits["planner"], vendor_s), **extra},
    ]


def _judged(instance: Instance, plan: Plan) -> tuple[float, float]:
    """How far, in percent, a plan without proof is above its bound and above the best that is known."""
    best = solve(instance, width=WIDE)
    cost = plan.cost.weighted_ms
    known = min(best.cost.weighted_ms, cost)
    return 100 * (cost / best.lower_bound.weighted_ms - 1), 100 * (cost / known - 1)


def _vendor_waits(instance: Instance) -> list[int]:
    strict = replace(instance, overlap=Overlap.NONE)
    return [served.wait_ms for served in perform(strict, derive(strict), first_come_steps(strict)).served]


def _figures(waits_ms: list[int], vendor_s: float) -> dict[str, float]:
    mean_s = mean(waits_ms) / 1000
    return {
        "mean_wait_s": round(mean_s, 1),
        "p95_wait_s": round(_percentile([float(wait) for wait in waits_ms], 95) / 1000, 1),
        "max_wait_s": round(max(waits_ms) / 1000, 1),
        "vs_vendor_pct": round(100 * (mean_s / vendor_s - 1), 1),
    }


def _percentile(values: list[float], share: int) -> float:
    """The smallest value that at least so many percent do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * share // 100) - 1)]
