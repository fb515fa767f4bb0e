"""`garagectl bench determinism` as it is typed, and what it says of a run that differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runtime import bench_determinism
from tests.program import garagectl


def test_seeds_log_the_same_events_whatever_hashes_and_ask_for_no_clock_nor_chance() -> None:
    done = garagectl("bench", "determinism", "--seeds", "2", "--minutes", "20", "--json")
    assert done.returncode == 0, done.stderr
    same, heard = json.loads(done.stdout)
    assert (same["value"], same["holds"]) == (2, True)
    assert (heard["value"], heard["holds"]) == (0, True)


def test_a_python_that_is_not_there_is_wrong_use() -> None:
    done = garagectl("bench", "determinism", "--seeds", "1", "--minutes", "1", "--python", "/no/such/python")
    assert done.returncode == 2
    assert "/no/such/python" in done.stderr


def test_a_seed_that_differs_in_one_run_and_a_call_that_is_heard_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def digests(config: Path, seeds: int, phase_ms: int, python: str, hash_seed: str) -> dict[str, dict[str, Any]]:
        del config, seeds, phase_ms, python
        changed = {"seed": 2, "sha256": f"b{hash_seed}", "heard": ["sim.people time.time"]}
        return {"1": {"seed": 1, "sha256": "a", "heard": []}, "2": changed}

    monkeypatch.setattr(bench_determinism, "_digests", digests)
    same, heard = bench_determinism.bench_determinism(Path("config.yaml"), 2, 60_000)
    assert (same["value"], same["holds"]) == (1, False)
    assert (heard["value"], heard["holds"]) == (2, False)
