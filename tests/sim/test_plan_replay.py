"""The replay finds what a bad plan does wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.machine import Machine, SlideMode
from scheduler.exact import solve
from scheduler.instance import Overlap
from scheduler.instance_json import instance_to_json
from sim.plan_replay import replay
from tests.scheduler.instances import random_instance


@pytest.fixture
def documents() -> tuple[dict[str, Any], dict[str, Any]]:
    instance = random_instance(11, 6, columns=6, mixed=True, overlap=Overlap.SLIDES)
    return instance_to_json(instance), solve(instance).to_json()


def first(plan: dict[str, Any], deed: str) -> dict[str, Any]:
    found: dict[str, Any] = next(move for move in plan["moves"] if move["do"] == deed)
    return found


def test_a_good_plan_has_no_problem(documents: tuple[dict[str, Any], dict[str, Any]]) -> None:
    assert replay(*documents) == []


@pytest.mark.parametrize(
    ("deed", "change", "word"),
    [
        ("slide", {"first": 99}, "R2"),
        ("slide", {"job": "nobody"}, "serves no job"),
        ("lower", {"bay": "A-4-06"}, "R3"),
        ("dwell", {"job": "J0", "bay": "A-1-01"}, "R4"),
    ],
)
def test_a_changed_move_is_found(
    documents: tuple[dict[str, Any], dict[str, Any]], deed: str, change: dict[str, Any], word: str
) -> None:
    instance, plan = documents
    first(plan, deed).update(change)
    assert any(word in problem for problem in replay(instance, plan))


@pytest.mark.parametrize("deed", ["slide", "lower", "raise", "gate_open", "dwell", "gate_close"])
def test_a_move_left_out_is_found(documents: tuple[dict[str, Any], dict[str, Any]], deed: str) -> None:
    instance, plan = documents
    plan["moves"].remove(first(plan, deed))
    assert replay(instance, plan) != []


@pytest.mark.parametrize("deed", ["slide", "lower", "raise", "gate_open", "dwell", "gate_close"])
def test_a_move_that_is_too_quick_is_found(documents: tuple[dict[str, Any], dict[str, Any]], deed: str) -> None:
    instance, plan = documents
    first(plan, deed)["end_ms"] -= 1
    assert any("the machine needs" in problem for problem in replay(instance, plan))


def test_slides_during_a_raising_below_them_only(documents: tuple[dict[str, Any], dict[str, Any]]) -> None:
    instance, plan = documents
    lift = first(plan, "raise")
    slide = next(m for m in plan["moves"] if m["do"] == "slide" and m["level"] == 1 and m["start_ms"] >= lift["end_ms"])
    took_ms = slide["end_ms"] - slide["start_ms"]
    slide.update(start_ms=lift["start_ms"] + 1000, end_ms=lift["start_ms"] + 1000 + took_ms)
    assert any("R3" in problem for problem in replay(instance, plan))


def test_rows_at_once_are_wrong_on_a_machine_that_moves_row_after_row() -> None:
    instance = random_instance(3, 5, columns=6)
    document, plan = instance_to_json(instance), solve(instance).to_json()
    document["machine"]["slide_mode"] = SlideMode.ROW.value
    assert any("R2" in problem for problem in replay(document, plan))


@pytest.mark.parametrize("key", ["weighted_wait_ms", "sum_wait_ms"])
def test_an_objective_that_the_moves_do_not_give_is_found(
    documents: tuple[dict[str, Any], dict[str, Any]], key: str
) -> None:
    instance, plan = documents
    plan["objective"][key] -= 1
    assert any(f"objective.{key}" in problem for problem in replay(instance, plan))


def test_a_bound_above_the_cost_is_found(documents: tuple[dict[str, Any], dict[str, Any]]) -> None:
    instance, plan = documents
    plan["lower_bound"]["weighted_wait_ms"] += 1
    assert any("lower bound" in problem for problem in replay(instance, plan))


def test_motors_beyond_the_power_limit_are_found(documents: tuple[dict[str, Any], dict[str, Any]]) -> None:
    instance, plan = documents
    instance["power_limit_w"] = 5499
    assert any("motors draw" in problem for problem in replay(instance, plan))


def test_moves_that_take_no_time_end_when_they_have_begun() -> None:
    instance = replace(random_instance(11, 4), machine=Machine(gate_ms=0, driver_out_ms=0))
    plan = solve(instance).to_json()
    assert {"gate_open", "dwell", "gate_close"} <= {m["do"] for m in plan["moves"] if m["start_ms"] == m["end_ms"]}
    assert replay(instance_to_json(instance), plan) == []
