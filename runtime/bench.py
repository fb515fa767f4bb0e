"""`garagectl bench`: the promised figures, measured here and now.

Decides how each figure is measured; a target that is missed is reported, not hidden. Rows are
{figure, value, unit, target, holds}.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runtime.bench_rows import row_of
from runtime.config import Config
from runtime.database import open_database
from runtime.demo import resident_memory_mb, running_garage
from runtime.journal import Journal
from runtime.simulation import SimulationOptions, demand_of, simulate, start_utc_ms
from runtime.virtual import VirtualRun
from sim.demand import DAY_MS

SPEED_TARGET = 10_000
STEP_P99_MS_TARGET = 2.0
MEMORY_MB_TARGET = 250.0
READY_S_TARGET = 10.0

Say = Callable[[str], None]


def bench_sim(config: Config, seed: int = 1, days: int = 3) -> list[dict[str, Any]]:
    """Simulated weekdays of the full site, leaping: how many times real time, and is the oracle silent."""
    begun_s = time.process_time()
    report = simulate(config, SimulationOptions(days, seed))
    busy_s = time.process_time() - begun_s
    speed = round(days * DAY_MS / 1000 / busy_s)
    return [
        row_of("simulated weekday, leaping, by processor time", speed, "times real time", SPEED_TARGET),
        row_of("rule violations", report["violations"], "violations", 0, at_least=False),
    ]


def bench_scan(config: Config, config_path: Path, say: Say, seed: int = 1) -> list[dict[str, Any]]:
    """Processor time of `step` over a simulated day, and memory and start of the real program."""
    step_ns = _step_times(config, seed)
    p99_ms = sorted(step_ns)[len(step_ns) * 99 // 100] / 1e6
    rows = [row_of("step p99, processor time", round(p99_ms, 3), "ms", STEP_P99_MS_TARGET, at_least=False)]
    with running_garage(config_path, config.site, 1.0, say) as garage:
        memory_mb = resident_memory_mb(garage.pid)
    rows.append(row_of("resident memory of the controller", round(memory_mb), "MB", MEMORY_MB_TARGET, at_least=False))
    rows.append(row_of("start to ready", round(garage.ready_s, 1), "s", READY_S_TARGET, at_least=False))
    return rows


def _step_times(config: Config, seed: int) -> list[int]:
    demand = demand_of(config, SimulationOptions(1, seed))
    engine = open_database("sqlite://")
    times: list[int] = []
    run = VirtualRun(
        config.site,
        demand.residents,
        demand.trips,
        seed,
        start_utc_ms(config),
        Journal(engine),
        scan_ms=config.scan_ms,
        step_ns=times,
    )
    run.run_to(DAY_MS)
    engine.dispose()
    return times
