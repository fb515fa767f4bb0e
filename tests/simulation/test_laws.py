"""Laws of the whole simulated garage: leaping changes nothing, seeds decide everything, rules hold."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from controller import interlocks, job_work
from domain.grid import Columns
from domain.ids import BayRef
from runtime.config import load
from runtime.simulation import SimulationOptions, simulate
from scheduler.reach import Approach
from sim import plc_rules
from sim.demand import weekday_trips
from sim.scenario import initial_cars
from sim.trace import TraceWriter
from tests.garage_run import START_UTC_MS, GarageRun
from tests.sites import default_site, module_layout, site_of
from tests.trace_checker import check

# A scanned day and thirty leapt ones take their time on a busy machine; the law is what counts here.
pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).parents[2]
DAY_MS = 86_400_000


def test_a_leapt_day_equals_a_scanned_day_event_for_event() -> None:
    # given a small garage with a busy weekday: two modules and two charging spots
    site = site_of(module_layout("A", 5), module_layout("B", 4), spots=2)
    residents = initial_cars(site, 11, 26)
    trips = weekday_trips(site, 1, 11, 40, start_utc_ms=START_UTC_MS, parked=residents.parked)
    # when one run leaps and the other scans all 864,000 scans
    leapt = GarageRun(site, trips=trips, residents=residents, seed=11)
    scanned = GarageRun(site, trips=trips, residents=residents, seed=11, leap=False)
    leapt.run.run_to(DAY_MS)
    scanned.run.run_to(DAY_MS)
    # then not one event differs
    assert scanned.run.scans == 864_000
    assert leapt.run.scans < 4000
    assert len(leapt.events) > 500
    assert leapt.events == scanned.events
    assert leapt.run.event_log_sha256 == scanned.run.event_log_sha256


def test_the_same_seed_gives_the_same_event_log_in_another_process_with_other_hashes() -> None:
    def log(seed: int, hash_seed: str) -> str:
        command = [sys.executable, "-m", "runtime.cli", "simulate", "--days", "1", "--seed", str(seed), "--json"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        return str(json.loads(done.stdout)["event_log_sha256"])

    assert log(5, "0") == log(5, "1")
    assert log(5, "0") != log(6, "0")


def test_the_oracle_is_silent_for_thirty_days_every_job_ends_and_estimates_hold() -> None:
    report = simulate(load(ROOT / "config.yaml"), SimulationOptions(days=30, seed=4))
    assert report["violations"] == 0, report["violation_stories"]
    assert report["jobs"] > 4000
    assert report["overdue_jobs"] == 0
    assert report["locked_modules"] == []
    assert report["alarms"]["mean_per_10_min"] <= 1
    assert report["alarms"]["windows_over_10_pct"] < 1
    assert report["alarms"]["windows"] == 30 * 144 + 1
    assert report["mode"] == "automatic"
    told = {one["class"]: one for one in report["estimates"]["by_class"]}
    certain = told.pop("nobody before")
    assert certain["coverage_pct"] >= 80 and certain["mean_width_s"] < 1
    often = [one for one in told.values() if one["told"] >= 100]
    assert len(often) == 2
    assert all(72 <= one["coverage_pct"] <= 88 and abs(one["median_late_s"]) <= 2 for one in often)


def test_a_strangers_checker_finds_nothing_in_a_days_trace() -> None:
    site = default_site()
    residents = initial_cars(site, 2, 126)
    trips = weekday_trips(site, 1, 2, start_utc_ms=START_UTC_MS, parked=residents.parked)
    file = io.StringIO()
    run = GarageRun(site, trips=trips, residents=residents, seed=2, trace=TraceWriter(file))
    run.run.run_to(DAY_MS)
    lines = file.getvalue().splitlines()
    assert len(lines) > 5000
    assert check(lines) == []


@pytest.fixture
def both_barriers_blind_to_the_shaft(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the PLC nor the supervisor looks whether the way down is free."""
    monkeypatch.setattr(interlocks, "_shaft", lambda *about: iter(()))
    monkeypatch.setattr(plc_rules, "_check_hoistway", lambda *about: None)


def test_with_a_rule_broken_in_both_barriers_the_oracle_speaks(both_barriers_blind_to_the_shaft: None) -> None:
    # given a planner that forgets the slides as well
    def straight_down(layout: object, machine: object, columns: Columns, bay: BayRef) -> Approach:
        return Approach(columns[bay.level - 1][bay.index - 1], (), 0)

    garage = GarageRun(site_of(module_layout("A", 4)), {f"A-1-{n:02d}": f"京G{n:05d}" for n in range(1, 4)})
    garage.ready()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_work, "approach", straight_down)
        garage.store("京A12345")
        garage.wait(60_000)
    assert any("R1" in story or "R3" in story for story in garage.violations)
