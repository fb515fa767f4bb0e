"""Same seed, same run: seeds run in processes that hash differently, and by other Pythons, must log the same events.

Decides what is run (the configured garage under its seed's faults) and what counts: seeds whose event logs
have one digest everywhere, and calls for clock, chance, sockets or threads that the fence heard.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from runtime.bench_rows import row_of
from runtime.campaign import run_seed, tasks_of
from runtime.config import load
from runtime.fence import fence

HASH_SEEDS = ("0", "1")
ROOT = Path(__file__).parents[1]


def bench_determinism(
    config: Path,
    seeds: int,
    phase_ms: int,
    pythons: Sequence[str] = (),
    told: Callable[[str], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Rows: how many of the seeds 1 to `seeds` have one event log in all runs, and what the fence heard.

    Each is run by this Python and by all of `pythons` (which need the packages of the lock file), under two
    hash seeds each, for `phase_ms` of faults and the recovery after it.
    """
    kinds = [(python, hash_seed) for python in (sys.executable, *pythons) for hash_seed in HASH_SEEDS]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        runs = [pool.submit(_digests, config, seeds, phase_ms, *kind) for kind in kinds]
        found = []
        for (python, hash_seed), run in zip(kinds, runs, strict=True):
            found.append(run.result())
            told(f"{python}, hash seed {hash_seed}: {len(found[-1])} seeds")
    same = sum(len({run[seed]["sha256"] for run in found}) == 1 for seed in found[0])
    heard = sum(len(one["heard"]) for run in found for one in run.values())
    return [
        row_of(f"seeds with one event log in {len(found)} runs", same, "seeds", seeds),
        row_of("calls heard by the fence", heard, "calls", 0, at_least=False),
    ]


def _digests(config: Path, seeds: int, phase_ms: int, python: str, hash_seed: str) -> dict[str, dict[str, Any]]:
    """What another process makes of the seeds; raises CalledProcessError, its words on stderr, if it cannot."""
    command = [python, "-m", "runtime.bench_determinism", str(config.resolve()), str(seeds), str(phase_ms)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return {str(line["seed"]): line for line in map(json.loads, done.stdout.splitlines())}


def fenced(config: Path, seeds: int, phase_ms: int) -> Iterator[dict[str, Any]]:
    """Each seed's digest, and what the fence heard while it ran."""
    for task in tasks_of(load(config), range(1, seeds + 1), phase_ms):
        with fence() as heard:
            result = run_seed(task)
        yield {"seed": task.seed, "sha256": result.event_log_sha256, "heard": sorted(set(heard))}


if __name__ == "__main__":
    for line in fenced(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])):
        sys.stdout.write(json.dumps(line) + "\n")
