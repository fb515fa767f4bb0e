"""`garagectl plan` as a user types it, on the instance that the documentation shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.program import ROOT, garagectl


@pytest.fixture
def documented(tmp_path: Path) -> Path:
    """The instance of docs/planning.md as a file."""
    text = (ROOT / "docs" / "planning.md").read_text(encoding="utf-8")
    block = re.search(r"```json\n(\{.*?\n\})\n```", text, re.DOTALL)
    assert block is not None
    path = tmp_path / "instance.json"
    path.write_text(block[1], encoding="utf-8")
    return path


def test_the_documented_instance_is_planned_proven_and_replayed(documented: Path) -> None:
    done = garagectl("plan", str(documented), "--verify", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["optimal"]
    bound, objective = answer["lower_bound"], answer["objective"]
    assert bound == {name: objective[name] for name in bound}
    assert bound
    assert {check["check"]: check["result"] for check in answer["checks"]}["replay"] == "passed"
    assert [move["do"] for move in answer["moves"]].count("gate_open") == 2


def test_retrievals_only_are_checked_by_the_second_solver_too(documented: Path) -> None:
    instance = json.loads(documented.read_text(encoding="utf-8"))
    instance["state"]["empty"] = []
    instance["jobs"] = [
        {"id": f"J{n}", "kind": "retrieval", "bay": bay}
        for n, bay in enumerate(("A-3-02", "A-1-01", "A-2-03", "A-3-04"))
    ]
    documented.write_text(json.dumps(instance), encoding="utf-8")
    done = garagectl("plan", str(documented), "--verify", "--json")
    assert done.returncode == 0, done.stderr
    assert {check["result"] for check in json.loads(done.stdout)["checks"]} == {"passed"}


def test_a_row_that_does_not_slide_is_planned_around(documented: Path) -> None:
    instance = json.loads(documented.read_text(encoding="utf-8"))
    instance["module"]["frozen"] = [2]
    documented.write_text(json.dumps(instance), encoding="utf-8")
    done = garagectl("plan", str(documented), "--verify", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [move["level"] for move in answer["moves"] if move["do"] == "slide"] == [1]
    assert {check["check"]: check["result"] for check in answer["checks"]}["replay"] == "passed"


def test_a_car_that_cannot_come_down_is_refused_with_its_field(documented: Path) -> None:
    instance = json.loads(documented.read_text(encoding="utf-8"))
    instance["module"]["closed"] = [[1, 1], [1, 2]]
    documented.write_text(json.dumps(instance), encoding="utf-8")
    done = garagectl("plan", str(documented))
    assert done.returncode == 2
    assert "jobs[0].bay: A-3-02 cannot be brought down" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"A-3-02"', '"A-5-01"', "jobs[0].bay"),
        ('"columns": 4', '"columns": 0', "module.columns"),
        ('"kind": "storage"', '"kind": "wash"', "jobs[1].kind"),
        ("{", "", "not JSON"),
    ],
)
def test_a_bad_instance_is_refused_with_the_field(documented: Path, old: str, new: str, told: str) -> None:
    documented.write_text(documented.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    done = garagectl("plan", str(documented))
    assert done.returncode == 2
    assert told in done.stderr


def test_an_unknown_suite_is_wrong_use() -> None:
    assert garagectl("bench", "plan", "--suite", "huge").returncode == 2
