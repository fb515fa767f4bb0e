"""Which of a module's waiting jobs comes next, and when.

Decides nothing by itself but the oldest-first order of an ordinary panel; `scheduler.online` plans
exactly through the same signature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, BayRef, JobId
from domain.machine import Machine
from domain.reasons import ReasonCode, Why, because
from domain.vehicle import Vehicle
from scheduler.line import Order
from scheduler.measured import Times


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued job as the sequencer sees it.

    `waits_from_utc_ms` is the request, or the booked minute: from then on somebody waits. A booked
    job (`due_utc_ms` set) should have its pallet on the ground at that time, and not much sooner. Whoever
    has booked and come is `promised` a time still, though there is nothing more to wait for.
    """

    job: JobId
    kind: str
    bay: BayRef
    vehicle: Vehicle
    waits_from_utc_ms: int
    due_utc_ms: int | None = None
    priority: str = "normal"
    promised: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """A module that is free for its next job, and who waits there (at least one, oldest first).

    `down` is a pallet that stands on the ground though it lives higher up, `empty` are the pallets
    without a car that nobody has been promised. `times` None stands for the nominal ones.
    """

    layout: ModuleLayout
    machine: Machine
    columns: Columns
    waiting: tuple[Waiting, ...]
    now_utc_ms: int
    down: BayId | None = None
    empty: frozenset[BayId] = frozenset()
    age_bound_ms: int | None = None
    times: Times | None = None
    utc_offset_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Chosen:
    """The next job, on which pallet, not before when, and why.

    `bay` differs from the job's own when a storage takes a pallet that is nearer. While
    `begin_utc_ms` is in the future the machine waits; any change of the queue asks again.
    """

    job: JobId
    bay: BayId
    begin_utc_ms: int
    why: Why


Sequencer = Callable[[Queue], Chosen]
"""A sequencing policy."""

Planner = Callable[[Queue], Order]
"""The whole order that a sequencer will follow if nothing changes; times in ms from `now_utc_ms`."""


def first_come_first_served(queue: Queue) -> Chosen:
    """The oldest request at once; a booked one when it is due."""
    first = min(queue.waiting, key=lambda one: (one.waits_from_utc_ms, one.job))
    begin_utc_ms = max(queue.now_utc_ms, first.due_utc_ms or 0)
    return Chosen(first.job, first.bay.name, begin_utc_ms, (because(ReasonCode.FIRST_COME),))
