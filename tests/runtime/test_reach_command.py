"""`garagectl reach`: the same answer offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from domain.commands import TakeOut
from domain.ids import ModuleId
from runtime.cli import app
from runtime.reach_command import columns_after
from tests.garage_run import GarageRun
from tests.sites import module_layout, site_of

CONFIG = str(Path(__file__).parents[2] / "config.yaml")


def asked(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    done = CliRunner().invoke(app, ["reach", "--config", CONFIG, "--json", *arguments])
    return done.exit_code, json.loads(done.stdout) if done.exit_code < 2 else []


def test_a_dead_pallet_is_answered_with_its_rescue() -> None:
    code, (told,) = asked("A", "--out", "A-2-05")
    assert code == 0
    assert len(told["unreachable"]) == 10
    assert [step["do"] for step in told["rescue"]["steps"]] == ["slide", "push", "slide", "crank"]


def test_all_modules_are_answered_and_whole_ones_have_nothing_to_rescue() -> None:
    code, told = asked()
    assert code == 0
    assert [one["module"] for one in told] == ["A", "B", "C", "D"]
    assert all(one["unreachable"] == [] and one["rescue"]["steps"] == [] for one in told)


def test_where_the_pallets_stand_can_be_given() -> None:
    rows = [[*range(2, 11)], [*range(1, 10)], [*range(1, 10)], [*range(1, 11)]]
    code, (told,) = asked("A", "--out", "A-1", "--columns", json.dumps(rows))
    assert code == 0
    assert told["columns"] == rows
    assert [one["bay"] for one in told["reachable"] if one["bay"].startswith("A-4")] == ["A-4-01"]


def test_an_urgent_car_that_waits_for_a_repair_ends_with_1() -> None:
    assert asked("A", "--out", "A-2@05", "--urgent", "A-4-05")[0] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("Q",),
        ("A", "--out", "A-9"),
        ("A", "--urgent", "B-1-01"),
        ("A", "--columns", "[[1]]"),
        ("A", "--columns", "nonsense"),
        ("--columns", '{"Q": []}'),
        ("A", "--columns", '[[1,2,3,4,5,6,7,8,"9"],[],[],[]]'),
    ],
)
def test_wrong_use_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert asked(*arguments)[0] == 2


def test_the_journal_tells_cars_marks_and_where_slides_have_led(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    text = Path(CONFIG).read_text(encoding="utf-8")
    config.write_text(text.replace("sqlite:///var/garage.db", f"sqlite:///{tmp_path}/garage.db"), encoding="utf-8")
    runner = CliRunner()
    assert runner.invoke(app, ["db", "upgrade", "--config", str(config)]).exit_code == 0
    done = runner.invoke(app, ["reach", "--config", str(config), "--from-journal", "--json"])
    assert done.exit_code == 0, done.output
    assert [one["cars"] for one in json.loads(done.stdout)] == [0, 0, 0, 0]


def test_slides_of_the_journal_lead_to_where_the_sensors_see_the_pallets() -> None:
    site = site_of(module_layout("A", 4))
    run = GarageRun(site, {"A-4-01": "京A00001", "A-3-03": "京A00002"})
    run.ready()
    run.see_through(run.fetch("京A00001"))
    run.see_through(run.fetch("京A00002"))
    run.accept(TakeOut("A-3", "operator", "chain"))
    run.rest()
    seen = run.run.controller.modules[ModuleId("A")].columns
    assert seen != site.modules[0].initial_columns
    assert columns_after(site, run.events) == {"A": seen}
