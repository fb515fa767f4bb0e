"""Planning instances as JSON: written out, and read back with the path of whatever is wrong.

Decides names, counts and bounds; whether some plan can serve it is `scheduler.instance_checks`' matter. The
format is described in docs/planning.md; `scheduler.plan_schema` holds its JSON Schema.
"""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from itertools import pairwise
from typing import Any

from domain.grid import Columns, Level, ModuleLayout
from domain.ids import BayId, JobId, ModuleId, parse_bay
from domain.machine import HookKind, Machine, SlideMode
from domain.vehicle import VEHICLE_CLASSES, Vehicle
from scheduler.instance import Instance, JobKind, Overlap, PlanJob, Priority, Weights
from scheduler.instance_checks import refuse_impossible
from scheduler.json_nodes import InstanceError, Node, integer, kind

FORMAT = 1
"""Version of the instance and plan formats."""

TIME_MS_MAX = 7 * 24 * 3_600_000
"""A week: a time further away than this from the plan's beginning is a mistake."""

JOBS_MAX = 200
"""More jobs than this in one module are refused."""

_OUT_OF_SERVICE = ("dead", "frozen", "closed", "hoist_out")

_FRAME = {
    "pitch_mm": 2400,
    "pallet_width_mm": 2300,
    "car_length_mm_max": 5000,
    "car_width_mm_max": 1900,
    "car_mass_kg_max": 2350,
    "headroom_mm": 100,
}


def instance_from_json(data: Any) -> Instance:
    """Read an instance; raises InstanceError with the path of the first thing that is wrong."""
    keys = ("format", "module", "machine", "overlap", "state", "jobs", "age_bound_ms", "power_limit_w", "weights")
    root = Node(data, "", keys)
    root.integer("format", FORMAT, FORMAT, FORMAT)
    layout = _layout(root.raw("module"))
    machine = _machine(data.get("machine", {}))
    state = Node(data.get("state", {}), "state", ("columns", "lowered", "empty"))
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
            "frozen": list(layout.frozen),
            "closed": [list(cell) for cell in layout.closed],
            "hoist_out": layout.hoist_out,
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


def _bay(value: Any, path: str, layout: ModuleLayout) -> BayId:
    if not isinstance(value, str):
        raise InstanceError(path, f"expected a bay name, found {kind(value)}")
    try:
        parse_bay(value)
    except ValueError as error:
        raise InstanceError(path, str(error)) from error
    if value not in layout.offset:
        raise InstanceError(path, f"no such bay {value}")
    return BayId(value)


def _layout(value: Any) -> ModuleLayout:
    node = Node(value, "module", ("id", "columns", "levels", *_OUT_OF_SERVICE, *_FRAME))
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
        row = Node(item, f"module.levels[{at}]", ("height_mm", "gaps", "blocked"))
        blocked = tuple(integer(c, row.path(f"blocked[{i}]"), 1, columns) for i, c in enumerate(row.items("blocked")))
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
    return _in_service(node, layout)


def _in_service(node: Node, layout: ModuleLayout) -> ModuleLayout:
    """The frame less what is out of service: pallets, rows, cells, the hoist."""
    rows = len(layout.levels)
    cells = []
    for at, cell in enumerate(node.items("closed")):
        path = f"module.closed[{at}]"
        if not isinstance(cell, list) or len(cell) != 2:
            raise InstanceError(path, "expected a list of level and column")
        cells.append((integer(cell[0], f"{path}[0]", 1, rows), integer(cell[1], f"{path}[1]", 1, layout.columns)))
    frozen = [integer(level, f"module.frozen[{at}]", 1, rows) for at, level in enumerate(node.items("frozen"))]
    return replace(
        layout,
        dead=tuple(_bay(bay, f"module.dead[{at}]", layout) for at, bay in enumerate(node.items("dead"))),
        frozen=tuple(sorted(set(frozen))),
        closed=tuple(sorted(set(cells))),
        hoist_out=node.has("hoist_out") and node.flag("hoist_out"),
    )


def _machine(value: Any) -> Machine:
    node = Node(value, "machine", tuple(f.name for f in fields(Machine)))
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


def _columns(state: Node, layout: ModuleLayout) -> Columns:
    if not state.has("columns"):
        return layout.initial_columns
    rows = state.items("columns")
    if len(rows) != len(layout.levels):
        raise InstanceError("state.columns", f"{len(rows)} rows for {len(layout.levels)} levels")
    result = []
    for at, row in enumerate(rows):
        path = f"state.columns[{at}]"
        if not isinstance(row, list):
            raise InstanceError(path, f"expected a list, found {kind(row)}")
        stand = tuple(integer(column, f"{path}[{i}]", 1, layout.columns) for i, column in enumerate(row))
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
    node = Node(value, "weights", ("emergency", "disabled", "normal"))
    usual = Weights()
    return Weights(
        emergency=node.integer("emergency", 1, 1000, usual.emergency),
        disabled=node.integer("disabled", 1, 1000, usual.disabled),
        normal=node.integer("normal", 1, 1000, usual.normal),
    )


def _job(value: Any, path: str, layout: ModuleLayout) -> PlanJob:
    node = Node(value, path, ("id", "kind", "bay", "release_ms", "requested_ms", "priority", "vehicle"))
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
    node = Node(value, path, ("class_code", *sizes))
    code = node.text("class_code") if node.has("class_code") else ""
    return Vehicle(code, *(node.integer(size, 1, 100_000) for size in sizes))
