"""What drivers were told against what they waited: the record of the estimates.

Decides how coverage is counted, by who had yet to finish at the gate before (the classes of
`scheduler.calibration`). An interval of 80 % should hold for four drivers of five; where a wait is certain
its interval is short, and holds for more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from controller.records import Job
from scheduler.calibration import CLASSES, class_of


@dataclass(frozen=True, slots=True)
class ToldWait:
    """One driver: what was told at the request, and how long it took from there to the open gate, in ms."""

    dwells: int
    level: int
    low_ms: int
    wait_ms: int
    high_ms: int
    waited_ms: int

    @property
    def holds(self) -> bool:
        """Whether the gate opened within the interval."""
        return self.low_ms <= self.waited_ms <= self.high_ms


def told_wait(job: Job, opened_utc_ms: int) -> ToldWait | None:
    """The record of a job whose gate has just opened; None if nobody was told anything."""
    if job.estimate_ms is None:
        return None
    return ToldWait(job.dwells, job.told_level, *job.estimate_ms, max(0, opened_utc_ms - job.estimated_utc_ms))


def coverage(told: Sequence[ToldWait]) -> dict[str, Any]:
    """Coverage, mean width of the interval, and how much longer than told half of the drivers waited at the most."""
    classes: list[list[ToldWait]] = [[] for _ in CLASSES]
    for one in told:
        classes[class_of(one.dwells, one.level)].append(one)
    return {
        **_figures(told),
        "by_class": [
            {"class": name, **_figures(of_class)} for name, of_class in zip(CLASSES, classes, strict=True) if of_class
        ],
    }


def coverage_row(told: Sequence[ToldWait]) -> dict[str, Any]:
    """The same in a few figures of one line: everybody, and those who had somebody to wait for."""
    behind = _figures([one for one in told if one.dwells])
    return {
        "estimate_coverage_pct": _figures(told)["coverage_pct"],
        "estimate_coverage_behind_others_pct": behind["coverage_pct"],
        "estimate_width_behind_others_s": behind["mean_width_s"],
    }


def _figures(told: Sequence[ToldWait]) -> dict[str, Any]:
    if not told:
        return {"told": 0, "coverage_pct": None, "mean_width_s": None, "median_late_s": None}
    return {
        "told": len(told),
        "coverage_pct": round(100 * sum(one.holds for one in told) / len(told), 1),
        "mean_width_s": round(mean(one.high_ms - one.low_ms for one in told) / 1000, 1),
        "median_late_s": round(median(one.waited_ms - one.wait_ms for one in told) / 1000, 1),
    }
