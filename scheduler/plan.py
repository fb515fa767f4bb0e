"""A plan: the order of jobs, the timed moves that carry it out, what it costs, and how good that is.

Decides only the shape of a plan and how it is written as JSON (docs/planning.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from domain.ids import BayId, JobId
from domain.reasons import Why
from scheduler.instance import Cost, JobKind


class Deed(StrEnum):
    """What a move is."""

    SLIDE = "slide"
    LOWER = "lower"
    GATE_OPEN = "gate_open"
    DWELL = "dwell"
    GATE_CLOSE = "gate_close"
    RAISE = "raise"


class Move(NamedTuple):
    """One timed move. A slide names level and columns, everything else the bay."""

    deed: Deed
    start_ms: int
    end_ms: int
    job: JobId | None
    bay: BayId | None = None
    level: int = 0
    first: int = 0
    second: int = 0

    def to_json(self) -> dict[str, Any]:
        """As in docs/planning.md."""
        about: dict[str, Any] = {"do": self.deed.value, "start_ms": self.start_ms, "end_ms": self.end_ms}
        if self.deed is Deed.SLIDE:
            about |= {"level": self.level, "first": self.first, "second": self.second}
        else:
            about["bay"] = self.bay
        return about | {"job": self.job}


class ServedJob(NamedTuple):
    """When and where one job is served, and why then."""

    job: JobId
    kind: JobKind
    bay: BayId
    column: int
    begin_ms: int
    open_ms: int
    shut_ms: int
    wait_ms: int
    why: Why


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer to an instance, with its certificate."""

    module: str
    regime: str
    method: str
    jobs: tuple[ServedJob, ...]
    moves: tuple[Move, ...]
    cost: Cost
    lower_bound: Cost
    optimal: bool
    makespan_ms: int
    makespan_bound_ms: int
    why: Why

    @property
    def order(self) -> tuple[JobId, ...]:
        """The jobs, first to last."""
        return tuple(served.job for served in self.jobs)

    @property
    def gap(self) -> float:
        """How much of the weighted wait is not proven necessary, as a share; 0 for an optimal plan."""
        if self.optimal or not self.cost.weighted_ms:
            return 0.0
        return 1 - self.lower_bound.weighted_ms / self.cost.weighted_ms

    def to_json(self) -> dict[str, Any]:
        """As in docs/planning.md."""
        waits = [served.wait_ms for served in self.jobs]
        return {
            "format": 1,
            "module": self.module,
            "regime": self.regime,
            "method": self.method,
            "optimal": self.optimal,
            "objective": {
                **_cost_to_json(self.cost),
                "sum_wait_ms": sum(waits),
                "mean_wait_ms": sum(waits) / len(waits),
                "max_wait_ms": max(waits),
            },
            "lower_bound": _cost_to_json(self.lower_bound),
            "gap_pct": round(100 * self.gap, 3),
            "makespan_ms": self.makespan_ms,
            "makespan_bound_ms": self.makespan_bound_ms,
            "jobs": [
                {
                    "job": served.job,
                    "kind": served.kind.value,
                    "bay": served.bay,
                    "column": served.column,
                    "begin_ms": served.begin_ms,
                    "open_ms": served.open_ms,
                    "shut_ms": served.shut_ms,
                    "wait_ms": served.wait_ms,
                    "reasons": _why_to_json(served.why),
                }
                for served in self.jobs
            ],
            "moves": [move.to_json() for move in self.moves],
            "reasons": _why_to_json(self.why),
        }


def _why_to_json(why: Why) -> list[dict[str, Any]]:
    """Codes and values for programs, English for people."""
    return [{**reason.to_json(), "text": reason.text("en")} for reason in why]


def _cost_to_json(cost: Cost) -> dict[str, int]:
    return {
        "emergency_wait_ms": cost.emergency_ms,
        "beyond_age_ms": cost.beyond_age_ms,
        "weighted_wait_ms": cost.weighted_ms,
    }
