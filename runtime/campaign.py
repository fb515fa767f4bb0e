"""`garagectl simulate --faults swarm`: seeds in two phases, and the verdict on each.

First everything may fail under dense traffic, and no rule may be broken. Then the faults stop, the attendant
clears up, and every job must end. Decides what counts as survived and recovered; one seed is one task, so
seeds spread over cores and computers.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from billing import ledger
from billing.tariff import Permits, TariffBook
from controller.memory import Memory
from domain.ids import ModuleId
from domain.site import Site
from runtime.application import load_memory
from runtime.config import Config
from runtime.database import open_database
from runtime.faulty_run import FaultyRun
from runtime.journal import Journal
from runtime.simulation import start_utc_ms, with_permits
from runtime.spread import spread
from sim.demand import DAY_MS
from sim.dense import dense_trips
from sim.scenario import initial_cars
from sim.swarm import Dials

DRAIN_MS = 15 * 60_000
"""Within this time after the last fault every job must have ended; while a driver is at an open gate, it stands."""

STEP_MS = 60_000

BACKLOG_MAX = 2
"""The faults go on until no module has more open jobs: a queue takes its time in a sound garage, too."""

LONGER_MS = 2 * 3_600_000
"""But at most so long."""

ENOUGH_DAYS = 30
"""A campaign of so many garage-days in which some class of faults never struck during a move has failed."""

PARKED_SHARE = 0.8
"""Share of the bays that are taken at the start."""


@dataclass(frozen=True, slots=True)
class SeedTask:
    """One seed of a campaign; everything in it can be pickled."""

    seed: int
    site: Site
    phase_ms: int
    start_utc_ms: int
    tariffs: TariffBook
    permits: Permits
    dials: Dials | None = None
    """None: those of the seed."""
    leap: bool = True


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What became of one seed."""

    seed: int
    simulated_ms: int
    wall_s: float
    violations: tuple[str, ...]
    undrained: tuple[str, ...]
    needs_operator: tuple[str, ...]
    jobs: int
    moves: int
    restarts: int
    fault_counts: dict[str, dict[str, int]]
    event_log_sha256: str

    @property
    def failed(self) -> bool:
        """Whether a rule was broken, or a job neither ended nor waits for an operator who knows."""
        return bool(self.violations or self.undrained)


def run_seed(task: SeedTask) -> SeedResult:
    """Simulate one seed through both phases and judge it."""
    residents = initial_cars(task.site, task.seed, round(task.site.bay_count * PARKED_SHARE))
    trips = dense_trips(task.site, residents.parked, task.seed, task.phase_ms)
    engine = open_database("sqlite://")
    try:
        permits = with_permits(task.permits, residents.pins)
        journal = Journal(engine, partial(ledger.post, book=task.tariffs, permits=permits))
        begun_s = time.perf_counter()
        dials = task.dials if task.dials is not None else Dials.draw(task.seed)
        run = FaultyRun(task.site, residents, trips, task.seed, task.start_utc_ms, journal, dials, leap=task.leap)
        run.run_to(task.phase_ms)
        while run.halted is None and _is_busy(run) and run.now_ms < task.phase_ms + LONGER_MS:
            run.run_to(run.now_ms + STEP_MS)
        run.swarm.calm()
        pressing = {name for names in run.memory.open_jobs.values() for name in names}
        _drain(run)
        return _judge(task, run, sorted(pressing), time.perf_counter() - begun_s)
    finally:
        engine.dispose()


def _is_busy(run: FaultyRun) -> bool:
    return any(len(names) > BACKLOG_MAX for names in run.memory.open_jobs.values())


def _drain(run: FaultyRun) -> None:
    """Let everything be served. Drivers are no fault of the machine: while a gate is open for one, the clock stands."""
    left_ms, end_ms = DRAIN_MS, run.now_ms + LONGER_MS
    while run.halted is None and left_ms > 0 and run.now_ms < end_ms:
        attended = any(
            run.memory.jobs[job].session_state == "open" for jobs in run.memory.open_jobs.values() for job in jobs
        )
        run.run_to(run.now_ms + STEP_MS)
        left_ms -= 0 if attended else STEP_MS


def _is_kept(memory: Memory, module: ModuleId) -> bool:
    """Whether a driver has been at the open gate for so long that people were told."""
    jobs = (memory.jobs[name] for name in memory.open_jobs.get(module, ()))
    return any(job.overdue and job.session_state == "open" for job in jobs)


def _judge(task: SeedTask, run: FaultyRun, pressing: Sequence[Any], wall_s: float) -> SeedResult:
    memory = run.memory
    open_jobs = [memory.jobs[name] for name in pressing if name in memory.jobs and memory.jobs[name].is_open]
    told = {
        job.id: f"{job.id} {job.kind} {job.bay} {job.state} {job.session_state}: module "
        f"{memory.module(job.module).state} {' '.join(memory.module(job.module).reasons)}"
        for job in open_jobs
    }
    called = {name for name, module in memory.modules.items() if module.state == "locked" or _is_kept(memory, name)}
    waiting = {job.id for job in open_jobs if job.module in called}
    return SeedResult(
        seed=task.seed,
        simulated_ms=run.now_ms,
        wall_s=wall_s,
        violations=(*_violations(run), *_differences(run)),
        undrained=tuple(text for name, text in told.items() if name not in waiting),
        needs_operator=tuple(text for name, text in told.items() if name in waiting),
        jobs=memory.job_count,
        moves=sum(plc.moves for plc in run.rig.plcs.values()),
        restarts=run.restarts,
        fault_counts={str(kind): asdict(run.swarm.counts[kind]) for kind in run.swarm.counts if run.swarm.knows(kind)},
        event_log_sha256=run.event_log_sha256,
    )


def _violations(run: FaultyRun) -> list[str]:
    stories = [f"{v.t_ms} ms {v.module} {v.rule}: {v.story}" for v in run.rig.oracle.violations[:20]]
    return stories if run.halted is None else [*stories, f"{run.now_ms} ms the supervisor halted: {run.halted}"]


def _differences(run: FaultyRun) -> list[str]:
    """Where journal, memory and machine tell different stories after the drain."""
    found = []
    if run.halted is None and load_memory(run.journal) != run.memory:
        found.append("the journal replays to another memory")
    open_bays = {job.bay for job in run.memory.jobs.values() if job.is_open}
    for module in run.rig.plant.modules.values():
        for pallet in module.pallets:
            known = run.memory.car_at.get(pallet.bay)
            stands = pallet.car.plate if pallet.car is not None else None
            if known != stands and pallet.bay not in open_bays:
                found.append(f"{pallet.bay} carries {stands}, the journal says {known}")
    return found


def tasks_of(config: Config, seeds: Sequence[int], phase_ms: int) -> list[SeedTask]:
    """A campaign over the configured garage."""
    begin = start_utc_ms(config)
    return [SeedTask(seed, config.site, phase_ms, begin, config.tariffs, config.permits) for seed in seeds]


def replay_command(config: Path, seed: int, days: int) -> str:
    """One line that runs a seed again."""
    return f"garagectl simulate --faults swarm --seeds {seed}-{seed} --days {days} --config {config}"


def campaign(
    tasks: Sequence[SeedTask],
    *,
    workers: int | None = None,
    dask: str | None = None,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Run all seeds and sum up; raises SpreadUnavailable."""
    begun_s = time.perf_counter()
    results = list(spread(run_seed, tasks, workers=workers, dask=dask, told=told))
    return report(results, time.perf_counter() - begun_s)


def report(results: Sequence[SeedResult], wall_s: float) -> dict[str, Any]:
    """The campaign's figures. `fault_counts` has, for each class, how often it struck in the middle of a move.

    `never_struck`: in a campaign of `ENOUGH_DAYS`, the classes that never did. `event_log_sha256` is the digest of the
    event log of a single seed, or the digest of all seeds' digests, a line each.
    """
    fired: Counter[str] = Counter()
    during_move: Counter[str] = Counter()
    for result in results:
        fired.update({kind: count["fired"] for kind, count in result.fault_counts.items()})
        during_move.update({kind: count["during_move"] for kind, count in result.fault_counts.items()})
    simulated_ms = sum(result.simulated_ms for result in results)
    failed = [result for result in results if result.failed]
    enough = simulated_ms >= ENOUGH_DAYS * DAY_MS
    logs = [result.event_log_sha256 for result in results]
    return {
        "seeds": len(results),
        "garage_days": round(simulated_ms / DAY_MS, 3),
        "jobs": sum(result.jobs for result in results),
        "moves": sum(result.moves for result in results),
        "restarts": sum(result.restarts for result in results),
        "violations": sum(len(result.violations) for result in results),
        "undrained": sum(len(result.undrained) for result in results),
        "needs_operator": sum(len(result.needs_operator) for result in results),
        "fault_counts": dict(during_move),
        "faults_fired": dict(fired),
        "faults": fired.total(),
        "never_struck": [kind for kind in fired if enough and not during_move[kind]],
        "wall_s": round(wall_s, 1),
        "speedup": round(simulated_ms / 1000 / wall_s),
        "failed_seeds": [result.seed for result in failed],
        "failures": [
            {"seed": result.seed, "stories": [*result.violations, *result.undrained][:10]} for result in failed
        ],
        "event_log_sha256": logs[0]
        if len(logs) == 1
        else sha256("".join(f"{log}\n" for log in logs).encode()).hexdigest(),
    }
