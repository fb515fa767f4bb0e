"""Planning instances as JSON: written out, and read back with the path of whatever is wrong.

Decides whether an instance can be planned at all: names, counts, occupancy and reachability. The
format is described in docs/planning.md; `scheduler.plan_schema` holds its JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from enum import StrEnum
from itertools import pairwise
from typing import Any, TypeVar

from domain.grid import Columns, Level, ModuleLayout
from domain.ids import BayId, JobId, ModuleId, parse_bay
from domain.machine import HookKind, Machine, SlideMode
from domain.vehicle import VEHICLE_CLASSES, Vehicle
from scheduler.instance import Instance, JobKind, Overlap, PlanJob, Priority, Weights
from scheduler.moves import present

FORMAT = 1
"""Version of the instance and plan formats."""

TIME_MS_MAX = 7 * 24 * 3_600_000
"""A week: a time further away than this from the plan's beginning is a mistake."""

JOBS_MAX = 200
"""More jobs than this in one module are refused."""

_FRAME = {
    "pitch_mm": 2400,
    "pallet_width_mm": 2300,
    "car_length_mm_max": 5000,
    "car_width_mm_max": 1900,
    "car_mass_kg_max": 2350,
    "headroom_mm": 100,
}

_Word = TypeVar("_Word", bound=StrEnum)


class InstanceError(ValueError):
    """An instance that cannot be planned: where, and why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


class _Node:
    """A JSON object with the path that leads to it; says exactly which key is wrong."""

    def __init__(self, value: Any, path: str, known: tuple[str, ...]) -> None:
        if not isinstance(value, Mapping):
            raise InstanceError(path, f"expected an object, found {_kind(value)}")
        for key in value:
            if key not in known:
                raise InstanceError(_join(path, str(key)), f"unknown key; known are {', '.join(known)}")
        self._value = value
        self._path = path

    def path(self, key: str) -> str:
        """Where a key of this object stands."""
        return _join(self._path, key)

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self._value.get(key) is not None

    def raw(self, key: str) -> Any:
        """The value as it stands; the key must be there."""
        if key not in self._value:
            raise InstanceError(self.path(key), "is missing")
        return self._value[key]

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within bounds."""
        if default is not None and key not in self._value:
            return default
        return _integer(self.raw(key), self.path(key), low, high)

    def text(self, key: str) -> str:
        """A string that is not empty."""
        value = self.raw(key)
        if not isinstance(value, str) or not value:
            raise InstanceError(self.path(key), f"expected a text, found {_kind(value)}")
        return value

    def word(self, key: str, words: type[_Word], default: _Word | None = None) -> _Word:
        """One of a few words."""
        if default is not None and key not in self._value:
            return default
        value = self.raw(key)
        for word in words:
            if word.value == value:
                return word
        raise InstanceError(self.path(key), f"{value!r} is none of {', '.join(words)}")

    def items(self, key: str) -> list[Any]:
        """A list; empty if the key is missing."""
        value = self._value.get(key, [])
        if not isinstance(value, list):
            raise InstanceError(self.path(key), f"expected a list, found {_kind(value)}")
        return value


def instance_from_json(data: Any) -> Instance:
    """Read an instance; raises InstanceError with the path of the first thing that is wrong."""
    keys = ("format", "module", "machine", "overlap", "state", "jobs", "age_bound_ms", "power_limit_w", "weights")
    root = _Node(data, "", keys)
    root.integer("format", FORMAT, FORMAT, FORMAT)
    layout = _layout(root.raw("module"))
    machine = _machine(data.get("machine", {}))
    state = _Node(data.get("state", {}), "state", ("columns", "lowered", "empty"))
    columns = _columns(state, layout)
    empty = frozenset(_bay(name, f"state.empty[{at}]", layout) for at, name in enumerate(state.items("empty")))
    lowered = _bay(state.raw("lowered"), "state.lowered", layout) if state.has("lowered") else None
    if not root.items("jobs"):
        raise InstanceError("jobs", "there is no job to plan")
    if len(root.items("jobs")) > JOBS_MAX:
        raise InstanceError("jobs", f"{len(root.items('jobs'))} jobs are more than {JOBS_MAX}")
    instance = Instance(
        layout=layout,
        machine=machine,
        jobs=tuple(_job(item, f"jobs[{at}]", layout) for at, item in enumerate(root.items("jobs"))),
        columns=columns,
        overlap=root.word("overlap", Overlap, Overlap.NONE),
        lowered=lowered,
        empty=empty,
        age_bound_ms=root.integer("age_bound_ms", 1, TIME_MS_MAX) if root.has("age_bound_ms") else None,
        power_limit_w=root.integer("power_limit_w", 1, 10_000_000) if root.has("power_limit_w") else None,
        weights=_weights(data.get("weights", {})),
    )
    refuse_impossible(instance)
    return instance


def refuse_impossible(instance: Instance) -> None:
    """Raise InstanceError for an instance that no plan can serve, naming the field at fault."""
    _refuse_lowered(instance)
    _refuse_power(instance)
    _refuse_jobs(instance)
    _refuse_crowd(instance)


def instance_to_json(instance: Instance) -> dict[str, Any]:
    """Write an instance so that reading it gives an equal one."""
    layout = instance.layout
    return {
        "format": FORMAT,
        "module": {
            "id": layout.id,
            "columns": layout.columns,
            **{key: getattr(layout, key) for key in _FRAME},
            "levels": [
                {"height_mm": level.height_mm, "gaps": level.gaps, "blocked": list(level.blocked)}
                for level in layout.levels
            ],
            "dead": list(layout.dead),
        },
        "machine": {key: getattr(value, "value", value) for key, value in asdict(instance.machine).items()},
        "overlap": instance.overlap.value,
        "state": {
            "columns": [list(row) for row in instance.columns],
            "lowered": instance.lowered,
            "empty": sorted(instance.empty),
        },
        "jobs": [_job_to_json(job) for job in instance.jobs],
        "age_bound_ms": instance.age_bound_ms,
        "power_limit_w": instance.power_limit_w,
        "weights": asdict(instance.weights),
    }


def _job_to_json(job: PlanJob) -> dict[str, Any]:
    written: dict[str, Any] = {
        "id": job.id,
        "kind": job.kind.value,
        "bay": job.bay,
        "release_ms": job.release_ms,
        "requested_ms": job.requested_ms,
        "priority": job.priority.value,
    }
    if job.vehicle is not None:
        written["vehicle"] = asdict(job.vehicle)
    return written


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: f"the text {value!r}", type(None): "nothing"}
    return names.get(type(value), repr(value))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _integer(value: Any, path: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InstanceError(path, f"expected a whole number, found {_kind(value)}")
    if not low <= value <= high:
        raise InstanceError(path, f"{value} is not between {low} and {high}")
    return value


def _bay(value: Any, path: str, layout: ModuleLayout) -> BayId:
    if not isinstance(value, str):
        raise InstanceError(path, f"expected a bay name, found {_kind(value)}")
    try:
        parse_bay(value)
    except ValueError as error:
        raise InstanceError(path, str(error)) from error
    if value not in layout.offset:
        raise InstanceError(path, f"no such bay {value}")
    return BayId(value)


def _layout(value: Any) -> ModuleLayout:
    node = _Node(value, "module", ("id", "columns", "levels", "dead", *_FRAME))
    name = node.text("id")
    try:
        parse_bay(f"{name}-1-01")
    except ValueError as error:
        raise InstanceError("module.id", f"{name!r} is not one or two capital letters") from error
    columns = node.integer("columns", 1, 99)
    if not 1 <= len(node.items("levels")) <= 9:
        raise InstanceError("module.levels", "expected between 1 and 9 levels")
    levels = []
    for at, item in enumerate(node.items("levels")):
        row = _Node(item, f"module.levels[{at}]", ("height_mm", "gaps", "blocked"))
        blocked = tuple(_integer(c, row.path(f"blocked[{i}]"), 1, columns) for i, c in enumerate(row.items("blocked")))
        gaps = row.integer("gaps", 0, columns, 0)
        if gaps + len(set(blocked)) >= columns:
            raise InstanceError(row.path("gaps"), "leaves no pallet on this level")
        levels.append(Level(at + 1, row.integer("height_mm", 1, 10_000), gaps, tuple(sorted(set(blocked)))))
    frame: dict[str, Any] = {
        key: node.integer(key, 0 if key == "headroom_mm" else 1, 100_000, usual) for key, usual in _FRAME.items()
    }
    layout = ModuleLayout(id=ModuleId(name), columns=columns, levels=tuple(levels), **frame)
    if layout.pallet_width_mm > layout.pitch_mm:
        raise InstanceError("module.pallet_width_mm", "is more than the pitch")
    dead = tuple(_bay(bay, f"module.dead[{at}]", layout) for at, bay in enumerate(node.items("dead")))
    return ModuleLayout(id=ModuleId(name), columns=columns, levels=tuple(levels), dead=dead, **frame)


def _machine(value: Any) -> Machine:
    node = _Node(value, "machine", tuple(f.name for f in fields(Machine)))
    numbers: dict[str, Any] = {}
    usual = Machine()
    for field in fields(Machine):
        if field.name in ("hook_kind", "slide_mode"):
            continue
        low = 1 if field.name.endswith("_mm_s") else 0
        numbers[field.name] = node.integer(field.name, low, 3_600_000, getattr(usual, field.name))
    return Machine(
        hook_kind=node.word("hook_kind", HookKind, usual.hook_kind),
        slide_mode=node.word("slide_mode", SlideMode, usual.slide_mode),
        **numbers,
    )


def _columns(state: _Node, layout: ModuleLayout) -> Columns:
    if not state.has("columns"):
        return layout.initial_columns
    rows = state.items("columns")
    if len(rows) != len(layout.levels):
        raise InstanceError("state.columns", f"{len(rows)} rows for {len(layout.levels)} levels")
    result = []
    for at, row in enumerate(rows):
        path = f"state.columns[{at}]"
        if not isinstance(row, list):
            raise InstanceError(path, f"expected a list, found {_kind(row)}")
        stand = tuple(_integer(column, f"{path}[{i}]", 1, layout.columns) for i, column in enumerate(row))
        if len(stand) != layout.pallets_per_level[at]:
            raise InstanceError(path, f"{len(stand)} columns for {layout.pallets_per_level[at]} pallets")
        for i, (one, other) in enumerate(pairwise(stand)):
            if other <= one:
                raise InstanceError(f"{path}[{i + 1}]", "pallets of a level stand from left to right, one a column")
        for i, column in enumerate(stand):
            if column in layout.levels[at].blocked:
                raise InstanceError(f"{path}[{i}]", f"column {column} is blocked on this level")
        result.append(stand)
    return tuple(result)


def _weights(value: Any) -> Weights:
    node = _Node(value, "weights", ("emergency", "disabled", "normal"))
    usual = Weights()
    return Weights(
        emergency=node.integer("emergency", 1, 1000, usual.emergency),
        disabled=node.integer("disabled", 1, 1000, usual.disabled),
        normal=node.integer("normal", 1, 1000, usual.normal),
    )


def _job(value: Any, path: str, layout: ModuleLayout) -> PlanJob:
    node = _Node(value, path, ("id", "kind", "bay", "release_ms", "requested_ms", "priority", "vehicle"))
    kind = node.word("kind", JobKind)
    bay = _bay(node.raw("bay"), node.path("bay"), layout) if node.has("bay") else None
    if bay is None and kind is JobKind.RETRIEVAL:
        raise InstanceError(node.path("bay"), "a car that leaves stands in a bay")
    release_ms = node.integer("release_ms", 0, TIME_MS_MAX, 0)
    requested_ms = node.integer("requested_ms", -TIME_MS_MAX, TIME_MS_MAX, release_ms)
    if requested_ms > release_ms:
        raise InstanceError(node.path("requested_ms"), f"{requested_ms} is after the release at {release_ms}")
    return PlanJob(
        id=JobId(node.text("id")),
        kind=kind,
        bay=bay,
        release_ms=release_ms,
        requested_ms=requested_ms,
        priority=node.word("priority", Priority, Priority.NORMAL),
        vehicle=_vehicle(node.raw("vehicle"), node.path("vehicle")) if node.has("vehicle") else None,
    )


def _vehicle(value: Any, path: str) -> Vehicle:
    if isinstance(value, str):
        if value not in VEHICLE_CLASSES:
            raise InstanceError(path, f"{value!r} is none of {', '.join(VEHICLE_CLASSES)}")
        return VEHICLE_CLASSES[value]
    sizes = ("length_mm", "width_mm", "height_mm", "mass_kg")
    node = _Node(value, path, ("class_code", *sizes))
    code = node.text("class_code") if node.has("class_code") else ""
    return Vehicle(code, *(node.integer(size, 1, 100_000) for size in sizes))


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
        if job.kind is JobKind.STORAGE and not instance.fits(job, parse_bay(bay).level):
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
    usable = [bay for bay in instance.layout.bay_names if bay in (instance.empty | leaving) - named]
    usable = [bay for bay in usable if bay not in instance.layout.dead and _reachable(instance, bay)]
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


def _reachable(instance: Instance, bay: BayId) -> bool:
    if bay == instance.lowered:
        return True
    return present(instance.layout, instance.machine, instance.columns, parse_bay(bay)) is not None
