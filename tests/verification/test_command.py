"""`garagectl verify-layout` as its users meet it: other layouts, what it prints, what a missing guard does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runtime import verify_layout
from runtime.cli import app
from runtime.verification.mutants import Guard, guards_of, without
from runtime.verification.proving_ground import PROVING_GROUND
from runtime.verification.second_barriers import SECOND_BARRIERS
from sim import plc_rules
from tests.program import garagectl

CONFIG = """
site: {name: small, power_limit_w: 60000}
frame:
  levels: [LEVELS]
modules:
  - {id: A, columns: COLUMNS, DEAD link: {host: 127.0.0.1, port: 5020, device_id: 1, timeout_ms: 500}}
tariffs:
  - valid_from: 2026-01-01
    parking: {free_minutes: 15, hour_fen: 500, day_cap_fen: 3000}
    energy: {service_kwh_fen: 50, bands: [{from_hour: 0, to_hour: 24, kwh_fen: 70}]}
api: {host: 127.0.0.1, port: 8000, tokens: {}}
"""
GROUND = "{height_mm: 2150, gaps: 1}"
TOP = "{height_mm: 2150, gaps: 0}"


def config(tmp_path: Path, levels: str, columns: int = 3, dead: str = "") -> str:
    text = CONFIG.replace("LEVELS", levels).replace("COLUMNS", str(columns)).replace("DEAD", dead)
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("levels", "columns", "dead", "searches"),
    [
        (f"{{height_mm: 2150, gaps: 2}}, {TOP}", 3, "dead: [A-2-02],", 2),
        (
            f"{{height_mm: 2150, gaps: 1, blocked: [2]}}, {{height_mm: 1700, gaps: 1}}, {TOP}",
            3,
            "dead: [A-2-01, A-3-01, A-3-02],",
            6,
        ),
    ],
    ids=["gaps-and-a-dead-pallet", "blocked-cell"],
)
def test_other_layouts_are_proven_too(tmp_path: Path, levels: str, columns: int, dead: str, searches: int) -> None:
    done = garagectl("verify-layout", "--json", "--no-guards", "-c", config(tmp_path, levels, columns, dead))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == {"modules", "guards"}
    (module,) = report["modules"]
    assert (module["id"], module["violations"], module["stories"]) == ("A", 0, [])
    assert module["states"] > 500 < module["transitions"]
    assert len(module["searches"]) == searches
    assert sum(one["states"] for one in module["searches"]) == module["states"]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """All in this process, on the smallest ground."""

    def one_by_one(function: Callable[[Any], Any], tasks: Sequence[Any], **_: Any) -> Iterator[Any]:
        return map(function, tasks)

    monkeypatch.setattr(verify_layout, "spread", one_by_one)
    monkeypatch.setattr(verify_layout, "PROVING_GROUND", PROVING_GROUND[:1])


@pytest.mark.usefixtures("alone")
def test_a_missing_guard_ends_it_with_one_and_tells_the_shortest_story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = next(guard for guard in guards_of(plc_rules) if guard.name == "train_of: check_people(now)")
    monkeypatch.setattr(verify_layout, "plc_rules", without(plc_rules, people))
    path = config(tmp_path, f"{GROUND}, {TOP}", 2)
    told = CliRunner().invoke(app, ["verify-layout", "--no-guards", "-c", path])
    assert told.exit_code == 1
    story = "somebody walks in -> slide of level 1 from 1 to 2 begins -> R4: somebody is in the access zone"
    assert story in told.output
    answered = CliRunner().invoke(app, ["verify-layout", "--json", "--no-guards", "-c", path])
    assert answered.exit_code == 1
    (module,) = json.loads(answered.output)["modules"]
    assert module["violations"] > 0
    assert module["stories"] == [story]


def guards_only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    def chosen(module: Any) -> tuple[Guard, ...]:
        return tuple(guard for guard in guards_of(module) if guard.name in names)

    monkeypatch.setattr(verify_layout, "guards_of", chosen)


@pytest.mark.usefixtures("alone")
def test_each_guard_is_told_with_its_barrier_and_what_its_loss_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guards_only(monkeypatch, "train_of: check_people(now)", "train_of: without first == second")
    done = CliRunner().invoke(app, ["verify-layout", "--json", "-c", config(tmp_path, f"{GROUND}, {TOP}", 2)])
    assert done.exit_code == 0, done.output
    named, killed = sorted(json.loads(done.output)["guards"], key=lambda row: row["killed_by"] is not None)
    assert (killed["name"], killed["barrier"]) == ("train_of: check_people(now)", "plc")
    assert killed["killed_by"].startswith("somebody walks in -> ")
    assert named["second_barrier"] == SECOND_BARRIERS["plc", named["name"]]


@pytest.mark.usefixtures("alone")
def test_a_guard_that_nobody_misses_and_nobody_explains_ends_it_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guards_only(monkeypatch, "train_of: without first == second")
    monkeypatch.setattr(verify_layout, "SECOND_BARRIERS", {})
    done = CliRunner().invoke(app, ["verify-layout", "-c", config(tmp_path, f"{GROUND}, {TOP}", 2)])
    assert done.exit_code == 1
    assert "not accounted for (plc): train_of: without first == second" in done.output
