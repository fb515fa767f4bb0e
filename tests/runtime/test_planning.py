"""A file becomes a plan with its checks, or is refused with the path of what is wrong."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.ids import JobId
from domain.machine import SlideMode
from runtime.bench_plan import measured, run_second, run_static
from runtime.dispatch_rules import RULES, dispatched
from runtime.local_search import annealed_ms
from runtime.planning import checks_hold, plan_file
from runtime.second_solver import NothingFound, SecondSolverUnavailable, second_opinion
from runtime.static_families import Family, families, random_module
from scheduler.exact import solve
from scheduler.instance import JobKind, Overlap, PlanJob
from scheduler.instance_json import instance_to_json
from scheduler.json_nodes import InstanceError
from scheduler.plan_schema import PLAN_SCHEMA
from tests.scheduler.instances import MODES, random_instance, with_free_storages

DOCUMENT = Path(__file__).parents[2] / "docs" / "planning.md"


def test_the_example_in_the_document_can_be_planned(tmp_path: Path) -> None:
    example = re.search(r"```json\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    path = tmp_path / "instance.json"
    path.write_text(example[1], encoding="utf-8")
    answer = plan_file(path, verify=True)
    assert answer["optimal"]
    assert checks_hold(answer)
    assert set(answer) <= set(PLAN_SCHEMA["properties"])
    assert answer["checks"][0]["result"] == "passed"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON: line 1"),
        ("[" * 100_000, "is nested too deeply"),
        ("[]", "expected an object"),
        ('{"jobs": []}', "module: is missing"),
    ],
)
def test_a_file_that_is_no_instance_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "instance.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InstanceError, match=message):
        plan_file(path)


def test_a_missing_file_and_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InstanceError, match="cannot be read"):
        plan_file(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InstanceError, match="is not UTF-8"):
        plan_file(tmp_path / "bytes.json")


def test_a_failed_check_is_seen() -> None:
    checks: list[dict[str, Any]] = [{"result": "passed"}, {"result": "not_possible"}]
    assert checks_hold({"checks": checks})
    assert not checks_hold({"checks": [*checks, {"result": "failed"}]})


@pytest.mark.parametrize(("mode", "overlap"), MODES)
def test_the_second_solver_agrees_where_it_is_installed(mode: SlideMode, overlap: Overlap, tmp_path: Path) -> None:
    instance = random_instance(
        5, 4, mode=mode, overlap=overlap, mixed=True, released_within_ms=300_000, priorities=True, age_bound_ms=300_000
    )
    path = tmp_path / "instance.json"
    path.write_text(json.dumps(instance_to_json(instance)), encoding="utf-8")
    answer = plan_file(path, verify=True)
    second = answer["checks"][1]
    assert checks_hold(answer)
    assert "proves" in second["detail"] or "not installed" in second["detail"]


@pytest.mark.parametrize("jobs", [3, 13])
def test_the_second_solver_says_what_it_does_not_know(jobs: int) -> None:
    instance = random_instance(1, jobs, columns=6)
    instance = with_free_storages(instance, 1, ("A-1-05",)) if jobs == 3 else instance
    with pytest.raises(SecondSolverUnavailable, match=r"any pallet|more than 12"):
        second_opinion(instance)


def test_every_family_of_the_benchmark_can_be_planned() -> None:
    for family in families():
        instance = random_module(1, 4, Family(family.name, 4, family.mode, family.overlap, family.released_within_ms))
        assert solve(instance).optimal


def test_an_unknown_suite_is_refused() -> None:
    with pytest.raises(ValueError, match="no such suite"):
        run_static("huge")


def test_an_age_bound_shortens_the_longest_wait_and_rows_say_what_it_costs_the_mean() -> None:
    free = Family("free", 8, released_within_ms=600_000)
    bound = replace(free, age_bound_ms=400_000)
    (vendor, *_, best), (_, aged) = measured((free, 1, 3)), measured((bound, 1, 3))
    assert best["vs_clairvoyant_pct"] == 0
    assert best["proven_pct"] == aged["proven_pct"] == 100
    assert aged["vs_clairvoyant_pct"] >= 0
    assert aged["max_wait_s"] <= best["max_wait_s"]
    assert vendor["vs_vendor_pct"] == 0
    assert {"p95_wait_s", "makespan_s", "decision_ms_p99"} <= best.keys() & vendor.keys()


@pytest.mark.parametrize("overlap", list(Overlap))
@pytest.mark.parametrize("mode", list(SlideMode))
def test_no_rule_that_looks_at_who_waits_now_beats_the_proven_plan(mode: SlideMode, overlap: Overlap) -> None:
    for seed in range(3):
        instance = random_module(seed, 6, Family("", 6, mode, overlap, released_within_ms=900_000))
        best = solve(instance)
        assert best.optimal
        for name, rule in RULES.items():
            done = dispatched(instance, rule)
            assert {job.job for job in done.served} == {job.id for job in instance.jobs}, name
            assert done.cost >= best.cost, name


def test_a_rule_knows_nothing_of_who_has_not_asked_yet() -> None:
    """The longest job asks first and the module is free: every rule serves it, and the rest by its own lights."""
    base = random_module(3, 4, Family("", 4))
    bays = sorted((job.bay for job in base.jobs if job.bay is not None), key=lambda bay: bay[2], reverse=True)
    assert [bay[2] for bay in bays] == ["4", "3", "2", "1"]
    asked = [0, 10_000, 20_000, 30_000]
    jobs = tuple(
        PlanJob(JobId(bay), JobKind.RETRIEVAL, bay, at_ms, at_ms) for bay, at_ms in zip(bays, asked, strict=True)
    )
    orders = {
        name: [job.bay[2] for job in dispatched(replace(base, jobs=jobs), rule).served] for name, rule in RULES.items()
    }
    assert orders["fcfs+overlap"] == ["4", "3", "2", "1"]
    for name in ("spt", "spt+age-cap", "shortest-next", "rolling"):
        assert orders[name] == ["4", "1", "2", "3"], name


def test_cp_sat_and_the_planner_agree_on_the_same_instances() -> None:
    planner, other = run_second(((5, 2),))
    assert (planner["policy"], other["policy"]) == ("planner", "cp-sat")
    assert planner["mean_wait_s"] == other["mean_wait_s"]
    assert planner["proven_pct"] == other["proven_pct"] == 100


def test_a_second_solver_that_finds_nothing_in_its_time_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_late(*_: Any, **__: Any) -> None:
        raise NothingFound("no solution within 60 s")

    monkeypatch.setattr("runtime.bench_plan.second_opinion", too_late)
    planner, other = run_second(((3, 1),))
    assert planner["proven_pct"] == 100
    assert (other["found_pct"], other["proven_pct"], other["mean_wait_s"]) == (0, 0, None)
    assert other["decision_ms_p50"] == 60_000


@pytest.mark.parametrize("mode", [SlideMode.ROW, SlideMode.SINGLE])
def test_a_local_search_comes_near_the_optimum_and_never_under_it(mode: SlideMode) -> None:
    instance = random_module(3, 6, Family("", 6, mode))
    best = solve(instance)
    found_ms = annealed_ms(instance, 1, 3000)
    assert best.optimal
    assert best.cost.weighted_ms <= found_ms <= 1.02 * best.cost.weighted_ms
