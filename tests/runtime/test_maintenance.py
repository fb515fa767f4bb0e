"""Services in the configuration, and `garagectl export maintenance`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.events import GarageAdvanced, MotionEnded, MotionRequested, WorkRecorded
from domain.ids import ModuleId
from domain.outputs import Opcode
from runtime.cli import app
from runtime.config import check, load
from runtime.database import open_database
from runtime.journal import Journal
from tests.runtime.recordings import numbered

ROOT = Path(__file__).parents[2]
A = ModuleId("A")


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A journal in which a pallet was lifted once and a service was done."""
    url = f"sqlite:///{tmp_path / 'garage.db'}"
    journal = Journal(open_database(url))
    journal.append(
        numbered(
            [
                GarageAdvanced("automatic"),
                MotionRequested(A, 3, 1, int(Opcode.LOWER), 7, 0, 60_000, None),
                MotionEnded(A, 3, 1, "done", 0, took_ms=41_000, energy_j=7200, run_ms=39_000),
                WorkRecorded("hook", ("A-3-07",), "operator", "Zhao", "new magnet", renewed=True),
            ]
        )
    )
    journal.close()
    return url


def export(database: str, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["export", "maintenance", "--database", database, *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_everything_is_exported_as_json(database: str) -> None:
    told = json.loads(export(database))
    pallet = next(row for row in told["parts"] if row["part"] == "A-3-07")
    assert (pallet["lifts"], pallet["hooks"], pallet["metres"]) == (1, 1, 3)
    assert told["works"][0]["person"] == "Zhao"
    assert next(row for row in told["modules"] if row["module"] == "A")["energy_wh"] == 2
    assert json.loads(export(database, "--table", "works")) == told["works"]


def test_one_table_is_exported_as_csv(database: str, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(export(database, "--format", "csv"))))
    hooks = {row["part"]: row for row in rows if row["service"] == "hook"}
    assert (hooks["A-3-07"]["count_since"], hooks["A-3-07"]["last_person"]) == ("0", "Zhao")
    out = tmp_path / "parts.csv"
    export(database, "--format", "csv", "--table", "parts", "--out", str(out))
    # spreadsheets read Chinese only with the mark at the beginning
    assert out.read_bytes().startswith(b"\xef\xbb\xbfpart,kind,module")


def test_wrong_words_are_refused(database: str) -> None:
    for words in (["--format", "xml"], ["--table", "cars"]):
        assert CliRunner().invoke(app, ["export", "maintenance", "--database", database, *words]).exit_code == 2


# -- configuration -----------------------------------------------------------------------------


def configured(tmp_path: Path, services: str) -> list[str]:
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    before, _, rest = text.partition("  services:\n")
    path = tmp_path / "config.yaml"
    path.write_text(before + "  services:\n" + services + rest[rest.index("\n\n") :], encoding="utf-8")
    return [str(problem.reason) for problem in check(path)]


def test_the_shipped_services_are_the_defaults() -> None:
    plan = load(ROOT / "config.yaml").site.maintenance
    assert plan == type(plan)()


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        ("{id: ropes, part: pallet, en: a, zh: b}", "needs every or every_days"),
        ("{id: ropes, part: pallet, en: a, zh: b, every: 5}", "needs counted"),
        ("{id: gate, part: gate, en: a, zh: b, counted: lifts, every: 5}", "a gate counts cycles, not lifts"),
        ("{id: repair, part: gate, en: a, zh: b, every_days: 5}", "is always there"),
        (
            "{id: x, part: gate, en: a, zh: b, every_days: 5}\n    - {id: x, part: row, en: a, zh: b, every_days: 5}",
            "twice",
        ),
    ],
)
def test_a_service_that_makes_no_sense_is_refused(tmp_path: Path, service: str, reason: str) -> None:
    problems = configured(tmp_path, f"    - {service}\n")
    assert len(problems) == 1
    assert reason in problems[0]


def test_the_last_date_is_local_midnight(tmp_path: Path) -> None:
    assert configured(tmp_path, "    - {id: x, part: gate, en: a, zh: b, every_days: 5, last: 2026-11-01}\n") == []
    service = load(tmp_path / "config.yaml").site.maintenance.services[0]
    assert service.last_utc_ms == 1_793_462_400_000
