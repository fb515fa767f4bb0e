"""Campaigns of faults: no rule broken while everything may fail, every job ended when it has stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from runtime.campaign import DRAIN_MS, ENOUGH_DAYS, SeedResult, SeedTask, campaign, report, run_seed, tasks_of
from runtime.cli import app
from runtime.config import load
from runtime.simulation import start_utc_ms
from sim.demand import DAY_MS
from sim.faults import KINDS, FaultClass
from sim.swarm import Dials
from tests.runtime.test_spread import dask_cluster
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


SMALL_SEEDS, SMALL_GROUP = 112, 8
CONFIGURED_SEEDS = 4
GARAGE_DAYS = (SMALL_SEEDS + CONFIGURED_SEEDS) * (PHASE_MS + DRAIN_MS) / DAY_MS
FULL_SEEDS = 120


def test_the_campaign_of_every_check_is_long_enough() -> None:
    assert GARAGE_DAYS >= ENOUGH_DAYS


def assert_survived(tasks: Sequence[SeedTask]) -> None:
    for one in tasks:
        result = run_seed(one)
        assert result.violations == (), f"seed {one.seed}"
        assert result.undrained == (), f"seed {one.seed}"


@pytest.mark.parametrize("first", range(1, SMALL_SEEDS + 1, SMALL_GROUP))
def test_days_of_faults_break_no_rule_and_leave_no_job_behind(first: int) -> None:
    """Together with the next test `GARAGE_DAYS`, each seed six hours of faults and a quarter to recover."""
    assert_survived([task(seed) for seed in range(first, first + SMALL_GROUP)])


@pytest.mark.parametrize("seed", range(1, CONFIGURED_SEEDS + 1))
def test_the_configured_garage_survives_days_of_faults(seed: int) -> None:
    assert_survived(tasks_of(load(ROOT / "config.yaml"), [seed], PHASE_MS))


@pytest.mark.skipif(not os.environ.get("GARAGE_FULL"), reason="takes long; GARAGE_FULL=1 runs it")
def test_a_full_campaign_strikes_with_every_class_a_hundred_times_during_a_move() -> None:
    found = campaign([task(seed) for seed in range(1, FULL_SEEDS + 1)])
    print(json.dumps(found))  # -rP shows it: docs/benchmarks/campaigns.md quotes the counts
    assert found["failed_seeds"] == []
    assert {kind: count for kind, count in found["fault_counts"].items() if count < 100} == {}


def test_a_seed_that_leaps_tells_the_same_story_as_one_that_scans() -> None:
    """Without steps of the clock: what hangs on a full hour is then noticed at the next scan, whenever that is."""
    drawn: dict[FaultClass, int] = {
        kind: gap_ms for kind, gap_ms in Dials.draw(5).gap_ms.items() if kind is not FaultClass.CLOCK_STEPS
    }
    leapt = task(5, HOUR_MS, Dials(drawn))
    assert run_seed(leapt).event_log_sha256 == run_seed(replace(leapt, leap=False)).event_log_sha256


def test_every_class_strikes_where_every_dial_is_on() -> None:
    dials = Dials(dict.fromkeys(KINDS, 20 * 60000))
    result = run_seed(task(3, 4 * HOUR_MS, dials))
    counts = {kind: result.fault_counts[kind] for kind in FaultClass}
    assert [kind for kind, count in counts.items() if not count["fired"]] == []
    assert sum(count["during_move"] for count in counts.values()) > 100
    assert result.violations == ()


def test_a_seed_without_faults_is_an_ordinary_busy_day() -> None:
    result = run_seed(task(1, 3 * HOUR_MS, Dials()))
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


def small_config(folder: Path) -> Path:
    """A garage of one small module, so that a day is short work."""
    document = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    document["modules"] = [{**document["modules"][0], "columns": 4}]
    document["spots"], document["simulation"] = [], {"cars": 8, "trips_per_day": 20}
    config = folder / "small.yaml"
    config.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return config


PROMISED = {"seeds", "garage_days", "violations", "undrained", "fault_counts", "speedup", "failed_seeds"}


def test_the_command_runs_seeds_and_tells_what_struck(tmp_path: Path) -> None:
    words = ("simulate", "--config", str(small_config(tmp_path)), "--faults", "swarm", "--seeds", "1-2", "--json")
    # when two seeds are asked for as a user does
    told = garagectl(*words)
    # then nothing was broken or left behind, and the report says what happened
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found.keys() > PROMISED
    assert (found["seeds"], found["violations"], found["undrained"], found["failed_seeds"]) == (2, 0, 0, [])
    assert found["garage_days"] > 2
    assert found["faults"] == sum(found["faults_fired"].values()) >= sum(found["fault_counts"].values()) > 0
    assert "charger_silent" not in found["fault_counts"]


def test_a_dask_cluster_comes_to_the_same_report() -> None:
    tasks = [task(seed, HOUR_MS) for seed in (5, 8)]
    timing = {"wall_s": 0, "speedup": 0}
    with dask_cluster() as address:
        spread = campaign(tasks, dask=address)
    assert {**spread, **timing} == {**campaign(tasks, workers=1), **timing}
    assert spread["faults"] > 0


def test_a_scheduler_that_is_not_there_is_told() -> None:
    told = garagectl("simulate", "--faults", "swarm", "--seeds", "1-2", "--dask", "tcp://127.0.0.1:9")
    assert told.returncode == 2
    assert "no Dask scheduler" in told.stderr


def a_result(seed: int, **changes: Any) -> SeedResult:
    counts = {str(kind): {"fired": 2, "during_move": 1} for kind in FaultClass}
    sound = SeedResult(seed, 40 * DAY_MS, 1.0, (), (), (), 9, 9, 0, counts, "0" * 64)
    return replace(sound, **changes)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_failed_seed_ends_with_one_line_that_runs_it_again(
    monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setattr(
        "runtime.campaign.run_seed", lambda one: a_result(one.seed, undrained=("J1",) * (one.seed == 4))
    )
    words = ["simulate", "--config", str(ROOT / "config.yaml"), "--faults", "swarm", "--seeds", "3-5"]
    told = CliRunner().invoke(app, [*words, "--days", "2", "--workers", "1", *options])
    assert told.exit_code == 1
    replay = f"garagectl simulate --faults swarm --seeds 4-4 --days 2 --config {ROOT / 'config.yaml'}"
    assert [line.partition("replay: ")[2] for line in told.output.splitlines() if "replay" in line] == [replay]


def test_a_long_campaign_in_which_a_class_never_struck_a_move_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_is_missing(one: SeedTask) -> SeedResult:
        counts = {**a_result(1).fault_counts, "earthquake": {"fired": 3, "during_move": 0}}
        return a_result(one.seed, fault_counts=counts)

    monkeypatch.setattr("runtime.campaign.run_seed", one_is_missing)
    words = ["simulate", "--config", str(ROOT / "config.yaml"), "--faults", "swarm", "--workers", "1"]
    told = CliRunner().invoke(app, [*words, "--seeds", "1-2"])
    assert told.exit_code == 1
    assert "never struck during a move: earthquake" in told.output


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


def test_a_short_campaign_need_not_strike_with_every_class() -> None:
    quiet = run_seed(task(1, 20 * 60_000, Dials()))
    found = json.loads(json.dumps(report([quiet], 1.0)))
    assert (found["failed_seeds"], found["never_struck"]) == ([], [])
    assert found["event_log_sha256"] == quiet.event_log_sha256
