"""What a plan is made from: one module as it stands, and the jobs that wait for it.

Decides nothing but the vocabulary of planning: which facts a planner may use. Reading one from
JSON, and refusing an impossible one, is `scheduler.instance_json`. Times are in ms from the moment
the plan begins, at which the module is free; what was asked earlier has a negative time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, BayRef, JobId, parse_bay
from domain.machine import Machine
from domain.vehicle import Vehicle


class Overlap(StrEnum):
    """What may go on at once beside the slides of several rows."""

    NONE = "none"
    SLIDES = "slides"


class JobKind(StrEnum):
    """Whether a car comes or leaves."""

    STORAGE = "storage"
    RETRIEVAL = "retrieval"


class Priority(StrEnum):
    """Class of a waiting driver. Emergencies come before all others, the rest by weight."""

    EMERGENCY = "emergency"
    DISABLED = "disabled"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class PlanJob:
    """One driver. `bay` None is a car that takes any free fitting pallet.

    Nothing is done for a job before `release_ms`; its wait counts from `requested_ms`, which is
    earlier for whoever waits already.
    """

    id: JobId
    kind: JobKind
    bay: BayId | None
    release_ms: int = 0
    requested_ms: int = 0
    priority: Priority = Priority.NORMAL
    vehicle: Vehicle | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """How much a waiting second of each class counts in the objective."""

    emergency: int = 4
    disabled: int = 2
    normal: int = 1

    def of(self, priority: Priority) -> int:
        """The weight of one class."""
        match priority:
            case Priority.EMERGENCY:
                return self.emergency
            case Priority.DISABLED:
                return self.disabled
            case _:
                return self.normal


@dataclass(frozen=True)
class Instance:
    """A module, its pallets' columns, the pallet that is down, the empty pallets, and the jobs.

    `power_limit_w` is what this module's motors may draw together; None is no limit.
    """

    layout: ModuleLayout
    machine: Machine
    jobs: tuple[PlanJob, ...]
    columns: Columns
    overlap: Overlap = Overlap.NONE
    lowered: BayId | None = None
    empty: frozenset[BayId] = frozenset()
    age_bound_ms: int | None = None
    power_limit_w: int | None = None
    weights: Weights = field(default_factory=Weights)

    @cached_property
    def refs(self) -> dict[BayId, BayRef]:
        """Every bay of the module, taken apart."""
        return {bay.name: bay for bay in self.layout.bays}

    @cached_property
    def uses(self) -> Counter[BayId]:
        """How many jobs name each bay."""
        return Counter(job.bay for job in self.jobs if job.bay is not None)

    def level(self, job: PlanJob) -> int:
        """The level of a job's pallet; a car that takes any pallet may find one on the ground."""
        return 1 if job.bay is None else self.refs[job.bay].level

    @cached_property
    def down(self) -> BayRef | None:
        """The pallet that stands on the ground though it lives higher up."""
        return None if self.lowered is None else parse_bay(self.lowered)

    @cached_property
    def free_storages(self) -> tuple[PlanJob, ...]:
        """Cars that take any pallet."""
        return tuple(job for job in self.jobs if job.bay is None)

    def fits(self, job: PlanJob, level: int) -> bool:
        """Whether the car of this job may stand on this level; an unknown car fits everywhere."""
        return job.vehicle is None or not self.layout.misfits(job.vehicle, level)

    def dwell_ms(self, job: PlanJob) -> int:
        """How long the gate stays open for this job."""
        return self.machine.driver_in_ms if job.kind is JobKind.STORAGE else self.machine.driver_out_ms


@dataclass(frozen=True, slots=True, order=True)
class Cost:
    """The objective, compared from left to right.

    Waits of emergencies first, then the time that drivers wait beyond the age bound (0 whenever
    some plan keeps it), then the weighted sum of all waits.
    """

    emergency_ms: int = 0
    beyond_age_ms: int = 0
    weighted_ms: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.emergency_ms + other.emergency_ms,
            self.beyond_age_ms + other.beyond_age_ms,
            self.weighted_ms + other.weighted_ms,
        )


def cost_of(instance: Instance, job: PlanJob, open_ms: int) -> Cost:
    """What it costs that the gate stands open for a job at this time."""
    wait_ms = open_ms - job.requested_ms
    bound = instance.age_bound_ms
    return Cost(
        wait_ms if job.priority is Priority.EMERGENCY else 0,
        max(0, wait_ms - bound) if bound is not None else 0,
        instance.weights.of(job.priority) * wait_ms,
    )
