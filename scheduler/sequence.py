"""Which of a module's waiting jobs comes next.

The policy here is first come, first served; exact sequencing drops in through the same signature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.grid import Columns, ModuleLayout
from domain.ids import BayRef, JobId
from domain.machine import Machine


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued job as the sequencer sees it."""

    job: JobId
    kind: str
    bay: BayRef
    requested_utc_ms: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """The next job and why."""

    job: JobId
    reason: str


Sequencer = Callable[[ModuleLayout, Machine, Columns, Sequence[Waiting]], Chosen]
"""A sequencing policy over a queue of at least one job, oldest first."""


def first_come_first_served(
    layout: ModuleLayout, machine: Machine, columns: Columns, waiting: Sequence[Waiting]
) -> Chosen:
    """The oldest request."""
    del layout, machine, columns
    return Chosen(waiting[0].job, "first come, first served")
