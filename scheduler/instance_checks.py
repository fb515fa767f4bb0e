"""Which instances no plan can serve: names served twice, pallets out of reach, too little power.

Decides whether planning may begin. Shapes and bounds are `scheduler.instance_json`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain.ids import BayId, parse_bay
from scheduler.instance import Instance, JobKind, PlanJob
from scheduler.json_nodes import InstanceError
from scheduler.moves import present


def refuse_impossible(instance: Instance) -> None:
    """Raise InstanceError for an instance that no plan can serve, naming the field at fault."""
    _refuse_lowered(instance)
    _refuse_power(instance)
    _refuse_jobs(instance)
    _refuse_crowd(instance)


def _refuse_lowered(instance: Instance) -> None:
    down, layout = instance.down, instance.layout
    if down is None:
        return
    if down.level == 1:
        raise InstanceError("state.lowered", f"{down.name} lives on the ground")
    column = instance.columns[down.level - 1][down.index - 1]
    for level in range(1, down.level):
        if column in instance.columns[level - 1] or column in layout.levels[level - 1].blocked:
            raise InstanceError("state.lowered", f"{down.name} cannot be down: level {level} has no gap at {column}")
    shaft = any(column in walls for walls in layout.walls[: down.level])
    if layout.hoist_out or down.name in layout.dead or shaft:
        why = "the hoist is out" if layout.hoist_out else "it is out of use" if not shaft else "its shaft is closed"
        raise InstanceError("state.lowered", f"{down.name} cannot go home: {why}")


def _refuse_power(instance: Instance) -> None:
    limit_w, machine = instance.power_limit_w, instance.machine
    if limit_w is not None and limit_w < max(machine.lift_motor_w, machine.slide_motor_w):
        raise InstanceError("power_limit_w", f"{limit_w} W does not run one motor")


def _refuse_jobs(instance: Instance) -> None:
    seen: set[str] = set()
    leaving = {job.bay for job in instance.jobs if job.kind is JobKind.RETRIEVAL}
    served: set[tuple[JobKind, BayId]] = set()
    for at, job in enumerate(instance.jobs):
        if job.id in seen:
            raise InstanceError(f"jobs[{at}].id", f"{job.id} is there twice")
        seen.add(job.id)
        if job.bay is None:
            continue
        path, bay = f"jobs[{at}].bay", job.bay
        if bay in instance.layout.dead:
            raise InstanceError(path, f"{bay} is out of use")
        if (job.kind, bay) in served:
            raise InstanceError(path, f"{bay} already has a {job.kind}")
        served.add((job.kind, bay))
        if job.kind is JobKind.RETRIEVAL and bay in instance.empty:
            raise InstanceError(path, f"{bay} is empty")
        if job.kind is JobKind.STORAGE and bay not in instance.empty and bay not in leaving:
            raise InstanceError(path, f"{bay} holds a car that no job takes away")
        if not instance.fits(job, parse_bay(bay).level):
            raise InstanceError(f"jobs[{at}].vehicle", f"does not fit {bay}")
        if (
            bay != instance.lowered
            and present(instance.layout, instance.machine, instance.columns, parse_bay(bay)) is None
        ):
            raise InstanceError(path, f"{bay} cannot be brought down from where the pallets stand")


def _refuse_crowd(instance: Instance) -> None:
    """Every car that takes any pallet must find one: a matching of cars to pallets."""
    named = {job.bay for job in instance.jobs if job.bay is not None and job.kind is JobKind.STORAGE}
    leaving = {job.bay for job in instance.jobs if job.bay is not None and job.kind is JobKind.RETRIEVAL}
    usable = [bay for bay in usable_bays(instance) if bay in (instance.empty | leaving) - named]
    taken: dict[BayId, PlanJob] = {}

    def seat(job: PlanJob, tried: set[BayId]) -> bool:
        for bay in usable:
            if bay in tried or not instance.fits(job, parse_bay(bay).level):
                continue
            tried.add(bay)
            if bay not in taken or seat(taken[bay], tried):
                taken[bay] = job
                return True
        return False

    for at, job in enumerate(instance.jobs):
        if job.bay is None and not seat(job, set()):
            raise InstanceError(f"jobs[{at}].bay", "no free pallet is left that takes this car")


def usable_bays(instance: Instance) -> Iterator[BayId]:
    """Every pallet that is in use and can be brought to the gate."""
    for bay in instance.layout.bay_names:
        if bay not in instance.layout.dead and _reachable(instance, bay):
            yield bay


def _reachable(instance: Instance, bay: BayId) -> bool:
    if bay == instance.lowered:
        return True
    return present(instance.layout, instance.machine, instance.columns, parse_bay(bay)) is not None
