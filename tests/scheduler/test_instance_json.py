"""Malformed and impossible instances are refused with the path of what is wrong."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import assume, given

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, JobId
from domain.machine import Machine
from scheduler.instance import Instance, JobKind, PlanJob
from scheduler.instance_json import instance_from_json, instance_to_json
from scheduler.json_nodes import InstanceError
from scheduler.plan_schema import INSTANCE_SCHEMA, PLAN_SCHEMA
from tests.scheduler.instances import random_instance
from tests.scheduler.parts_out import damaged

GOOD: dict[str, Any] = {
    "module": {
        "id": "A",
        "columns": 3,
        "levels": [{"height_mm": 2150, "gaps": 1}, {"height_mm": 1700, "gaps": 1}, {"height_mm": 2150}],
    },
    "state": {"columns": [[1, 2], [1, 3], [1, 2, 3]], "empty": ["A-1-02"]},
    "jobs": [
        {"id": "a", "kind": "retrieval", "bay": "A-2-01"},
        {"id": "b", "kind": "storage", "bay": "A-1-02", "vehicle": "Z"},
        {"id": "c", "kind": "retrieval", "bay": "A-3-03", "release_ms": 5000, "requested_ms": -10},
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good instance with one value replaced; the path is dotted, list places are numbers."""
    data = copy.deepcopy(GOOD)
    at: Any = data
    *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in way:
        at = at.setdefault(part, {}) if isinstance(at, dict) else at[part]
    at[last] = value
    return data


def test_the_good_instance_is_read() -> None:
    instance = instance_from_json(GOOD)
    assert [job.id for job in instance.jobs] == ["a", "b", "c"]
    assert instance.jobs[2].requested_ms == -10


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("format", 2, "format: 2 is not between 1 and 1"),
        ("colour", 1, "colour: unknown key"),
        ("module", [], "module: expected an object"),
        ("module.columns", "3", "module.columns: expected a whole number"),
        ("module.columns", True, "module.columns: expected a whole number"),
        ("module.levels.0.gaps", 3, "module.levels[0].gaps: leaves no pallet"),
        ("module.levels.0.blocked", [9], "module.levels[0].blocked[0]: 9 is not between 1 and 3"),
        ("module.id", "a-1", "module.id: 'a-1' is not one or two capital letters"),
        ("module.pallet_width_mm", 9000, "module.pallet_width_mm: is more than the pitch"),
        ("module.dead", ["A-7-01"], "module.dead[0]: no such bay A-7-01"),
        ("module.dead", ["A-2-01"], "jobs[0].bay: A-2-01 is out of use"),
        ("module.frozen", [4], "module.frozen[0]: 4 is not between 1 and 3"),
        ("module.frozen", [1], "jobs[0].bay: A-2-01 cannot be brought down"),
        ("module.closed", [[1]], "module.closed[0]: expected a list of level and column"),
        ("module.closed", [[1, 4]], "module.closed[0][1]: 4 is not between 1 and 3"),
        ("module.hoist_out", 1, "module.hoist_out: expected true or false"),
        ("module.hoist_out", True, "jobs[0].bay: A-2-01 cannot be brought down"),
        ("machine.slide_mode", "fast", "machine.slide_mode: 'fast' is none of parallel, row, single"),
        ("machine.lift_speed_mm_s", 0, "machine.lift_speed_mm_s: 0 is not between 1"),
        ("machine.wings", 2, "machine.wings: unknown key"),
        ("overlap", "all", "overlap: 'all' is none of none, slides"),
        ("state.columns.0", [1], "state.columns[0]: 1 columns for 2 pallets"),
        ("state.columns.0", [2, 1], "state.columns[0][1]: pallets of a level stand from left to right"),
        ("state.columns.0", [1, 4], "state.columns[0][1]: 4 is not between 1 and 3"),
        ("state.columns", [[1, 2]], "state.columns: 1 rows for 3 levels"),
        ("state.lowered", "A-1-01", "state.lowered: A-1-01 lives on the ground"),
        ("state.lowered", "A-3-01", "state.lowered: A-3-01 cannot be down: level 1 has no gap at 1"),
        ("jobs.0.vehicle", "C", "jobs[0].vehicle: does not fit A-2-01"),
        ("jobs.0.id", "\ud800", "jobs[0].id: '\\ud800' has half characters"),
        ("state.empty", ["B-1-01"], "state.empty[0]: no such bay B-1-01"),
        ("state.empty", [7], "state.empty[0]: expected a bay name"),
        ("jobs", [], "jobs: there is no job to plan"),
        ("jobs", {}, "jobs: expected a list"),
        ("jobs.0.bay", "A-5-01", "jobs[0].bay: no such bay A-5-01"),
        ("jobs.0.bay", "five", "jobs[0].bay: not a bay name"),
        ("jobs.0.bay", None, "jobs[0].bay: a car that leaves stands in a bay"),
        ("jobs.0.bay", "A-1-02", "jobs[0].bay: A-1-02 is empty"),
        ("jobs.0.bay", "A-3-03", "jobs[2].bay: A-3-03 already has a retrieval"),
        ("jobs.0.kind", "wash", "jobs[0].kind: 'wash' is none of storage, retrieval"),
        ("jobs.0.id", "", "jobs[0].id: expected a text"),
        ("jobs.1.id", "a", "jobs[1].id: a is there twice"),
        ("jobs.1.bay", "A-3-01", "jobs[1].bay: A-3-01 holds a car that no job takes away"),
        ("jobs.1.vehicle", "Q", "jobs[1].vehicle: 'Q' is none of"),
        ("jobs.1.vehicle", "C", "jobs[1].vehicle: does not fit A-1-02"),
        ("jobs.1.vehicle", {"length_mm": 1}, "jobs[1].vehicle.width_mm: is missing"),
        ("jobs.0.release_ms", -1, "jobs[0].release_ms: -1 is not between 0"),
        ("jobs.0.requested_ms", 10, "jobs[0].requested_ms: 10 is after the release at 0"),
        ("jobs.0.priority", "boss", "jobs[0].priority: 'boss' is none of"),
        ("age_bound_ms", 0, "age_bound_ms: 0 is not between 1"),
        ("power_limit_w", 100, "power_limit_w: 100 W does not run one motor"),
        ("weights.normal", 0, "weights.normal: 0 is not between 1"),
    ],
)
def test_a_wrong_value_is_named_with_its_path(path: str, value: Any, message: str) -> None:
    with pytest.raises(InstanceError) as refused:
        instance_from_json(changed(path, value))
    assert str(refused.value).startswith(message)
    assert str(refused.value).startswith(refused.value.path)


def test_a_car_for_which_no_pallet_is_left_is_named() -> None:
    data = changed("jobs.1.bay", None)
    data["jobs"] += [{"id": f"s{n}", "kind": "storage"} for n in range(3)]
    with pytest.raises(InstanceError, match=r"jobs\[5\]\.bay: no free pallet is left"):
        instance_from_json(data)


@pytest.mark.parametrize("value", [None, 3, "text", []])
def test_something_that_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(InstanceError, match="expected an object"):
        instance_from_json(value)


@pytest.mark.parametrize("seed", range(5))
def test_an_instance_written_and_read_is_the_same(seed: int) -> None:
    instance = random_instance(seed, 6, columns=5, mixed=True, priorities=True, age_bound_ms=9)
    assert instance_from_json(json.loads(json.dumps(instance_to_json(instance)))) == instance


@given(damaged())
def test_parts_out_of_service_are_written_and_read(module: tuple[ModuleLayout, Columns]) -> None:
    layout, columns = module
    here = PlanJob(JobId("here"), JobKind.RETRIEVAL, BayId("A-1-01"))
    instance = Instance(layout, Machine(), (here,), columns)
    assume(here.bay not in layout.dead)
    assert instance_from_json(json.loads(json.dumps(instance_to_json(instance)))) == instance


def test_the_schemas_name_every_key_that_is_written() -> None:
    written = instance_to_json(random_instance(1, 3))
    known = INSTANCE_SCHEMA["properties"]
    assert set(written) == set(known)
    for key in ("module", "machine", "state", "weights"):
        assert set(written[key]) == set(known[key]["properties"])
    assert set(written["jobs"][0]) <= set(known["jobs"]["items"]["properties"])
    assert json.loads(json.dumps(PLAN_SCHEMA)) == PLAN_SCHEMA


@pytest.mark.parametrize(
    ("part", "value", "why"),
    [("hoist_out", True, "the hoist is out"), ("dead", ["A-3-03"], "it is out of use"), ("closed", [[2, 3]], "closed")],
)
def test_a_pallet_that_is_down_and_cannot_go_home_is_refused(part: str, value: object, why: str) -> None:
    data = changed("state", {"columns": [[1, 2], [1, 2], [1, 2, 3]], "lowered": "A-3-03", "empty": ["A-1-02"]})
    data["jobs"] = data["jobs"][:1]
    assert instance_from_json(data).lowered == "A-3-03"
    data["module"][part] = value
    with pytest.raises(InstanceError, match=f"state.lowered: A-3-03 cannot go home: .*{why}"):
        instance_from_json(data)
