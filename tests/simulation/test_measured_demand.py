"""Real sessions drive the simulated garage: users become households, plug-ins arrivals, plug-outs departures."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.program import garagectl

HEADER = (
    "session_ID;Garage_ID;User_ID;User_type;Shared_ID;Start_plugin;Start_plugin_hour;End_plugout;End_plugout_hour;"
    "El_kWh;Duration_hours;month_plugin;weekdays_plugin"
)


def line(number: int, user: str, begin: str, end: str) -> str:
    return f"{number};AdO3;{user};Private;NA;{begin};0;{end};0;9,05;10;Jan;Monday"


def test_a_small_file_of_sessions_is_lived_through(tmp_path: Path) -> None:
    path = tmp_path / "sessions.csv"
    lines = [HEADER]
    for user in range(1, 9):
        lines.append(line(2 * user, f"U{user}", f"07.01.2019 {10 + user}:10", f"08.01.2019 07:{10 + user}"))
        lines.append(line(2 * user + 1, f"U{user}", f"08.01.2019 {10 + user}:10", f"09.01.2019 0{user}:30"))
    lines.append(line(99, "U1", "NA", "09.01.2019 01:00"))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = garagectl("simulate", "--days", "3", "--seed", "3", "--demand", str(path), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["demand"]["sessions_used"] == 16
    assert report["demand"]["sessions_dropped"] == 1
    assert report["jobs"] > 10
    assert report["violations"] == 0
    assert report["jobs_open"] == 0


def test_a_week_of_the_measured_apartment_garages(tmp_path: Path) -> None:
    folder = Path(os.environ.get("GARAGE_DATA", "../shared/data"))
    path = folder / "trondheim_sessions.csv"
    if not path.exists():
        pytest.skip(f"the measured sessions are not here: {path}")
    trace = tmp_path / "trace.jsonl"
    options = ("--days", "7", "--seed", "2", "--demand", str(path), "--trace", str(trace), "--json")
    done = garagectl("simulate", *options)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["jobs"] > 200
    assert report["violations"] == 0
    assert report["energy_wh"] > 0
    first = json.loads(trace.read_text(encoding="utf-8").splitlines()[0])
    assert (first["type"], first["version"], first["seed"]) == ("header", 1, 2)
