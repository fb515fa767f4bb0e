"""The online benchmark: policies compared on the same days, run by the real controller in virtual time.

Decides which cells a suite has and how their rows are summed up. Seeds are common to all policies of a family, so
differences are paired by day; the intervals are Student's t over those days (`runtime.paired`). Days of one seed follow
upon each other, so with few seeds the intervals are a little too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from runtime.bench_days import Begin, Cell, Lived, Waited, WarmUp, live, warm_up
from runtime.bench_families import FAMILIES, Draw, Family, family_named, limited, warmed_by
from runtime.bench_plan import run_static
from runtime.config import Config
from runtime.paired import change, percentile
from runtime.spread import spread
from runtime.told import coverage_row

Day = tuple[int, int, int]
"""Seed, draw and day of the cell: what is paired."""

Told = Callable[[str, int, int], None]
"""Hears what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Suite:
    """How much is run: `days` follow the warm-up of each seed, `draws` are the rushes drawn for it."""

    seeds: range
    warm_days: int
    days: int
    draws: int


SUITES: Mapping[str, Suite] = {
    "dev": Suite(range(1_001, 1_003), 14, 2, 3),
    "week": Suite(range(1_001, 1_004), 14, 7, 4),
    "full": Suite(range(500_001, 500_011), 14, 10, 10),
}
"""Development seeds for a glance or a week each, and held-out ones with at least 100 days a cell."""


STATIC = "static"
"""Stands for all static families (`runtime.bench_plan`) where families are named."""


@dataclass(frozen=True, slots=True)
class PlanBench:
    """What `garagectl bench plan` was asked for. No families: all, static and online; no policies: all of each.

    `workers` None is one process for the static families, which time their decisions, and one a core for days;
    0 is one a core.
    """

    suite: str = "dev"
    families: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    workers: int | None = None
    dask: str | None = None

    @property
    def static_workers(self) -> int | None:
        """Processes for what times its decisions; None is one a core."""
        return 1 if self.workers is None else self.workers or None

    @property
    def command(self) -> str:
        """The command line that gives the same rows."""
        return f"garagectl bench plan --suite {self.suite}" + "".join(
            f" --{option} {_quoted(name)}"
            for option, names in (("families", self.families), ("policies", self.policies))
            for name in names
        )


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name else name


def run_suite(config: Config, asked: PlanBench, told: Told = lambda what, done, total: None) -> list[dict[str, Any]]:
    """Static and online rows; raises ValueError for unknown names, SpreadUnavailable without the Dask scheduler."""
    if asked.suite not in SUITES:
        raise ValueError(f"no such suite: {asked.suite} (known are {', '.join(SUITES)})")
    online = [family_named(name).name for name in asked.families if name != STATIC]
    rows: list[dict[str, Any]] = []
    if STATIC in asked.families or not asked.families:
        size = "full" if asked.suite == "full" else "dev"
        rows += run_static(size, lambda name: told(name, 0, 1), workers=asked.static_workers, dask=asked.dask)
    if online or not asked.families:
        suite = SUITES[asked.suite]
        rows += run_online(
            config, suite, online, asked.policies, workers=asked.workers or None, dask=asked.dask, told=told
        )
    return rows


def run_online(
    config: Config,
    suite: Suite,
    families: Sequence[str] = (),
    policies: Sequence[str] = (),
    *,
    workers: int | None = None,
    dask: str | None = None,
    told: Told = lambda what, done, total: None,
) -> list[dict[str, Any]]:
    """Rows of these families and policies (all, if none is named); raises ValueError for an unknown one."""
    chosen = [limited(family_named(name), policies) for name in families or [family.name for family in FAMILIES]]
    names = dict.fromkeys(family.runs_of or family.name for family in chosen)
    run = [limited(family_named(name), policies) for name in names]
    begins = _begins(config, suite, run, workers=workers, dask=dask, told=told)
    cells = [cell for family in run for cell in _cells(config, suite, family, begins)]
    lived: dict[tuple[str, str], list[Lived]] = {}
    for one in spread(live, cells, workers=workers, dask=dask, told=lambda done, total: told("days", done, total)):
        lived.setdefault((one.family, one.policy), []).append(one)
    return [row for family in chosen for row in _rows(family, lived)]


def _begins(
    config: Config, suite: Suite, families: Iterable[Family], *, workers: int | None, dask: str | None, told: Told
) -> dict[tuple[str, int], Begin]:
    """Warmed-up garages by policy and seed."""
    warmers = sorted({warmed_by(policy) for family in families for policy in family.policies})
    tasks = [WarmUp(config, policy, seed, suite.warm_days) for seed in suite.seeds for policy in warmers]
    hear = spread(warm_up, tasks, workers=workers, dask=dask, told=lambda done, total: told("warm-up", done, total))
    return {(task.policy, task.seed): begin for task, begin in zip(tasks, hear, strict=True)}


def _cells(config: Config, suite: Suite, family: Family, begins: Mapping[tuple[str, int], Begin]) -> Iterable[Cell]:
    in_a_row = family.draw is Draw.WEEKDAY
    for policy in family.policies:
        for seed in suite.seeds:
            begin = begins[warmed_by(policy), seed]
            for draw in range(1 if in_a_row else suite.draws):
                days = suite.days if in_a_row else 1
                yield Cell(config, family.name, policy, seed, suite.warm_days, days, draw, begin)


# --- rows ---------------------------------------------------------------------------------------------


def _rows(family: Family, lived: Mapping[tuple[str, str], Sequence[Lived]]) -> list[dict[str, Any]]:
    """One row for every policy, the vendor's first."""
    run = family.runs_of or family.name
    vendor = _by_day(family, lived[run, "vendor"], "retrieval")
    return [_row(family, policy, lived[run, policy], vendor) for policy in family.policies]


def _row(family: Family, policy: str, lived: Sequence[Lived], vendor: Mapping[Day, Sequence[Waited]]) -> dict[str, Any]:
    by_day = _by_day(family, lived, "retrieval")
    waits = [one.wait_ms for day in by_day.values() for one in day]
    stored = [one.wait_ms for day in _by_day(family, lived, "storage").values() for one in day]
    paired = sorted(by_day.keys() & vendor.keys())
    apart = change([_mean_s(by_day[day]) for day in paired], [_mean_s(vendor[day]) for day in paired])
    jobs = max(1, sum(one.jobs for one in lived))
    return {
        "family": family.name,
        "policy": policy,
        "mean_wait_s": _seconds(mean(waits)),
        "p95_wait_s": _seconds(percentile(waits, 95)),
        "max_wait_s": _seconds(max(waits)),
        "vs_vendor_pct": round(apart.pct, 1),
        "vs_vendor_ci95": [round(end, 1) for end in apart.ci95] if apart.ci95 else None,
        **_against_clairvoyant(family, lived),
        **_bookings(lived),
        **coverage_row([told for one in lived for told in one.told]),
        "storage_mean_wait_s": _seconds(mean(stored)) if stored else None,
        **_decisions(lived),
        "moves_per_job": round(sum(one.moves for one in lived) / jobs, 2),
        "kwh_per_car": round(sum(one.motors_kwh for one in lived) / jobs, 4),
        "retrievals": len(waits),
        "days": len(paired),
        "unserved": sum(one.unserved for one in lived),
        "violations": sum(len(one.violations) for one in lived),
    }


def _by_day(family: Family, lived: Iterable[Lived], kind: str) -> dict[Day, list[Waited]]:
    """Waits by day, of the counted hours and the days asked for only."""
    first, last = family.hours
    days: dict[Day, list[Waited]] = {}
    for one in lived:
        for waited in one.waited:
            if waited.kind == kind and first <= waited.hour < last and waited.day < one.days:
                days.setdefault((one.seed, one.draw, waited.day), []).append(waited)
    return days


def _against_clairvoyant(family: Family, lived: Iterable[Lived]) -> dict[str, Any]:
    """How far the orders that were served are above the best ones, in the same model.

    Against two of them: the best for the mean, and the best of those that keep everybody within the age
    bound as far as that is possible. What lies between these is the price of the bound.
    """
    judged = [spell for one in lived for spell in one.judged]
    best_ms, bounded_ms = sum(spell.best_ms for spell in judged), sum(spell.bounded_ms for spell in judged)
    if not best_ms or family.runs_of:
        return {"vs_clairvoyant_pct": None, "vs_clairvoyant_bounded_pct": None, "spells_proven_pct": None}
    served_ms = sum(spell.served_ms for spell in judged)
    return {
        "vs_clairvoyant_pct": round(100 * (served_ms / best_ms - 1), 1),
        "vs_clairvoyant_bounded_pct": round(100 * (served_ms / bounded_ms - 1), 1),
        "age_bound_price_pct": round(100 * (bounded_ms / best_ms - 1), 1),
        "spells": len(judged),
        "spells_proven_pct": round(100 * sum(spell.proven for spell in judged) / len(judged), 1),
        "spells_bound_kept_clairvoyant": sum(not spell.beyond_at_best for spell in judged),
        "spells_bound_broken_in_vain": sum(spell.beyond > 0 and not spell.beyond_at_best for spell in judged),
        "beyond_age": sum(spell.beyond for spell in judged),
        "beyond_age_clairvoyant": sum(spell.beyond_at_best for spell in judged),
    }


def _decisions(lived: Sequence[Lived]) -> dict[str, Any]:
    """Time of a choice by the clock, and the processor's time for it, which other programs disturb less."""
    spent = [one for cell in lived for one in cell.decisions]
    return {
        "decision_ms_p99": round(percentile([one.wall_ms for one in spent] or [0.0], 99), 2),
        "decision_cpu_ms_p99": round(percentile([one.cpu_ms for one in spent] or [0.0], 99), 2),
    }


def _bookings(lived: Sequence[Lived]) -> dict[str, Any]:
    due = sum(one.booked_due for one in lived)
    if not due:
        return {"booked_ready_within_30s_pct": None}
    booked = [waited.wait_ms for one in lived for waited in one.waited if waited.booked]
    return {
        "booked_ready_within_30s_pct": round(100 * sum(one.booked_in_time for one in lived) / due, 1),
        "booked_mean_wait_s": _seconds(mean(booked)) if booked else None,
    }


def _mean_s(waited: Iterable[Waited]) -> float:
    return mean(one.wait_ms for one in waited) / 1000


def _seconds(ms: float) -> float:
    return round(ms / 1000, 1)
