"""Campaigns of faults: no rule broken while everything may fail, every job ended when it has stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from runtime.campaign import SeedTask, report, run_seed
from runtime.config import load
from runtime.simulation import start_utc_ms
from sim.faults import KINDS, FaultClass
from sim.swarm import Dials
from tests.sites import module_layout, site_of

pytestmark = pytest.mark.timeout(1800)

ROOT = Path(__file__).parents[2]
HOUR_MS = 3_600_000
PHASE_MS = 6 * HOUR_MS


def task(seed: int, phase_ms: int = PHASE_MS, dials: Dials | None = None) -> SeedTask:
    """A small garage: two modules of four levels, two charging spots."""
    config = load(ROOT / "config.yaml")
    site = site_of(module_layout("A", 4), module_layout("B", 5), spots=2)
    return SeedTask(seed, site, phase_ms, start_utc_ms(config), config.tariffs, config.permits, dials)


FIRST = range(1, 121, 10) if os.environ.get("GARAGE_FULL") else range(1, 2)


@pytest.mark.parametrize("first", FIRST)
def test_days_of_faults_break_no_rule_and_leave_no_job_behind(first: int) -> None:
    """Ten seeds of six hours and a quarter, 2.6 garage-days; with GARAGE_FULL 120 seeds, 31 garage-days."""
    for seed in range(first, first + 10):
        result = run_seed(task(seed))
        assert result.violations == (), f"seed {seed}"
        assert result.undrained == (), f"seed {seed}"


def test_every_class_strikes_where_every_dial_is_on() -> None:
    dials = Dials(dict.fromkeys(KINDS, 20 * 60000))
    result = run_seed(task(3, 4 * HOUR_MS, dials))
    counts = {kind: result.fault_counts[kind] for kind in FaultClass}
    assert [kind for kind, count in counts.items() if not count["fired"]] == []
    assert sum(count["during_move"] for count in counts.values()) > 100
    assert result.violations == ()


def test_a_seed_without_faults_is_an_ordinary_busy_day() -> None:
    result = run_seed(task(1, 2 * HOUR_MS, Dials()))
    assert sum(count["fired"] for count in result.fault_counts.values()) == 0
    assert result.jobs > 20
    assert not result.failed
    assert result.needs_operator == ()


def test_a_swarm_seed_is_the_same_in_another_process_with_other_hashes() -> None:
    script = (
        "from tests.simulation.test_campaign import HOUR_MS, run_seed, task\n"
        "print(run_seed(task(8, HOUR_MS)).event_log_sha256)"
    )

    def log(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", script]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    here = run_seed(task(8, HOUR_MS)).event_log_sha256 + "\n"
    assert log("0") == log("1") == here


def garagectl(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "runtime.cli", *words], cwd=ROOT, capture_output=True, text=True)


def test_the_command_runs_seeds_and_tells_what_struck(tmp_path: Path) -> None:
    # given a garage of one small module, so that a day is short work
    document = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    document["modules"] = [{**document["modules"][0], "columns": 4}]
    document["spots"], document["simulation"] = [], {"cars": 8, "trips_per_day": 20}
    config = tmp_path / "small.yaml"
    config.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    # when two seeds are asked for as a user does
    told = garagectl("simulate", "--config", str(config), "--faults", "swarm", "--seeds", "1-2", "--json")
    # then nothing was broken or left behind, and the report says what happened
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["seeds"], found["violations"], found["undrained"]) == (2, 0, 0)
    assert found["garage_days"] > 2
    assert found["faults"] == sum(count["fired"] for count in found["fault_counts"].values()) > 0


@pytest.mark.parametrize("words", [("--faults", "rain"), ("--faults", "swarm", "--seeds", "5-1"), ("--seeds", "1-2")])
def test_what_no_campaign_can_be_made_of_is_refused(words: tuple[str, ...]) -> None:
    told = garagectl("simulate", *words)
    assert told.returncode == 2
    assert "--seeds" in told.stderr


def test_dials_are_drawn_and_some_seeds_have_none() -> None:
    drawn = [len(Dials.draw(seed).gap_ms) for seed in range(60)]
    assert min(drawn) == 0
    assert max(drawn) == len(KINDS)
    assert Dials.draw(5) == Dials.draw(5)


def test_a_failed_seed_is_named_in_the_report() -> None:
    good = run_seed(task(1, 20 * 60_000, Dials()))
    assert json.loads(json.dumps(report([good], 1.0)))["failed_seeds"] == []
    assert report([good], 1.0)["event_log_sha256"] == good.event_log_sha256
