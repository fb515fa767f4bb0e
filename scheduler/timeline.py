"""Turns an order of jobs into timed moves: the one place where the times of a plan are made.

Decides when each slide, lift, gate and dwell begins once order and dockings are chosen; every planner
scores its candidates with the same arithmetic (`Regime.lowered_from_ms`). It chooses no order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.grid import Columns
from domain.ids import BayRef, JobId
from domain.reasons import Reason, ReasonCode, Why, because
from scheduler.dockings import Docking, dockings, slid
from scheduler.instance import Cost, Instance, PlanJob, cost_of
from scheduler.moves import Slide
from scheduler.plan import Deed, Move, ServedJob
from scheduler.regime import Regime


@dataclass(frozen=True, slots=True)
class Step:
    """One job in its turn: which, on which pallet, and how the pallet comes down.

    `raise_first` sends home what is down before a job on the ground; `docking` None leaves the
    choice to `chosen_docking`.
    """

    job: int
    bay: BayRef
    raise_first: bool = False
    docking: Docking | None = None


@dataclass(frozen=True)
class Performance:
    """A plan's body."""

    served: tuple[ServedJob, ...]
    moves: tuple[Move, ...]
    cost: Cost
    home_ms: int
    """When the last pallet is home again."""


def perform(instance: Instance, regime: Regime, steps: Sequence[Step]) -> Performance:
    """Carry out the steps one after the other."""
    shut_ms, columns, down = 0, instance.columns, instance.down
    moves: list[Move] = []
    served: list[ServedJob] = []
    cost = Cost()
    for step in steps:
        job, bay = instance.jobs[step.job], step.bay
        why: list[Reason] = []
        before_ms = shut_ms
        if bay == down:
            ready_ms = max(shut_ms, job.release_ms)
            why.append(because(ReasonCode.AT_GATE))
        elif bay.level == 1:
            ready_ms = shut_ms
            if step.raise_first and down is not None:
                ready_ms += _raise(regime, moves, down, shut_ms, None)
                down = None
            ready_ms = max(ready_ms, job.release_ms)
            why.append(because(ReasonCode.ON_GROUND))
        else:
            docking = step.docking or chosen_docking(instance, regime, columns, bay, down)
            ready_ms = _bring_down(instance, regime, moves, (job, bay, docking), down, shut_ms)
            why += _slides(docking, down)
            columns, down = slid(columns, docking.slides), bay
        open_ms = ready_ms + regime.gate_ms
        shut_ms = _attend(instance, regime, moves, (job, bay), ready_ms)
        cost += cost_of(instance, job, open_ms)
        wait_ms = open_ms - job.requested_ms
        if ready_ms > before_ms and job.release_ms >= ready_ms:
            why.append(because(ReasonCode.MACHINE_WAITS, until_ms=job.release_ms))
        column = columns[bay.level - 1][bay.index - 1]
        served.append(ServedJob(job.id, job.kind, bay.name, column, before_ms, open_ms, shut_ms, wait_ms, tuple(why)))
    home_ms = shut_ms if down is None else shut_ms + _raise(regime, moves, down, shut_ms, None)
    return Performance(tuple(served), tuple(sorted(moves, key=lambda m: m.start_ms)), cost, home_ms)


def chosen_docking(instance: Instance, regime: Regime, columns: Columns, bay: BayRef, down: BayRef | None) -> Docking:
    """The first docking, fewest rows first, whose rows fit the slide window of the regime."""
    ways = dockings(instance.layout, columns, bay)
    if not regime.uniform:
        return ways[0]
    down_level = down.level if down is not None and regime.overlap else 0
    low_max = min(down_level, bay.level - 1) if down_level else bay.level - 1
    for way in ways:
        low = sum(1 for s in way.slides if not down_level or s.level <= down_level)
        if low <= low_max and len(way.slides) - low <= bay.level - 1 - low_max:
            return way
    raise ValueError(f"{bay.name} has no docking within its slide window")


def _bring_down(
    instance: Instance,
    regime: Regime,
    moves: list[Move],
    what: tuple[PlanJob, BayRef, Docking],
    down: BayRef | None,
    shut_ms: int,
) -> int:
    """Raise what is down, slide, lower; returns when the pallet stands on the ground."""
    job, bay, docking = what
    down_level = 0 if down is None else down.level
    setup = regime.setup(docking.slides, down_level, bay.level)
    lower_ms = regime.lowered_from_ms(shut_ms, regime.raise_ms[down_level], job.release_ms, setup)
    if down is not None:
        _raise(regime, moves, down, shut_ms, job.id)
    early = [s for s in docking.slides if setup.high_ms and s.level > down_level]
    late = [s for s in docking.slides if s not in early]
    early_ms = max(shut_ms + regime.stagger_ms, job.release_ms)
    late_ms = lower_ms - setup.low_ms
    if regime.serial:
        moves += _in_turn(regime, early, early_ms, job.id)
        moves += _in_turn(regime, late, late_ms, job.id)
    else:
        for at, slide in enumerate(early):
            start_ms = early_ms + regime.stagger_ms * at
            moves.append(_slide(slide, start_ms, regime.slide_ms, job.id))
        for at, slide in enumerate(late):
            moves.append(_slide(slide, late_ms + regime.row_start_ms(at), regime.slide_ms, job.id))
    ground_ms = lower_ms + regime.lower_ms[bay.level]
    moves.append(Move(Deed.LOWER, lower_ms, ground_ms, job.id, bay.name))
    return ground_ms


def _attend(instance: Instance, regime: Regime, moves: list[Move], what: tuple[PlanJob, BayRef], ready_ms: int) -> int:
    """Gate open, driver, gate shut; returns when it is shut."""
    job, bay = what
    name = bay.name
    open_ms = ready_ms + regime.gate_ms
    left_ms = open_ms + instance.dwell_ms(job)
    moves.append(Move(Deed.GATE_OPEN, ready_ms, open_ms, job.id, name))
    moves.append(Move(Deed.DWELL, open_ms, left_ms, job.id, name))
    moves.append(Move(Deed.GATE_CLOSE, left_ms, left_ms + regime.gate_ms, job.id, name))
    return left_ms + regime.gate_ms


def _raise(regime: Regime, moves: list[Move], down: BayRef, shut_ms: int, job: JobId | None) -> int:
    took_ms = regime.raise_ms[down.level]
    moves.append(Move(Deed.RAISE, shut_ms, shut_ms + took_ms, job, down.name))
    return took_ms


def _slide(slide: Slide, start_ms: int, took_ms: int, job: JobId) -> Move:
    return Move(
        Deed.SLIDE, start_ms, start_ms + took_ms, job, level=slide.level, first=slide.first, second=slide.second
    )


def _in_turn(regime: Regime, slides: Sequence[Slide], start_ms: int, job: JobId) -> Iterator[Move]:
    """Row after row, each in trains that start from the gap's side."""
    for slide in slides:
        step = 1 if slide.second > slide.first else -1
        gap = slide.second
        for at in range(-(-slide.pallets // regime.train_max)):
            behind = gap - step * min(regime.train_max, abs(gap - slide.first))
            begin_ms = start_ms + at * max(regime.slide_ms, regime.stagger_ms)
            yield _slide(Slide(slide.level, behind, gap), begin_ms, regime.slide_ms, job)
            gap = behind
        start_ms += regime.trains_ms(slide)


def _slides(docking: Docking, down: BayRef | None) -> Why:
    home = () if down is None else (because(ReasonCode.AFTER_HOME, bay=down.name),)
    if not docking.slides:
        return (*home, because(ReasonCode.SHAFT_FREE, column=docking.column))
    return (*home, because(ReasonCode.ROWS_SLIDE, rows=len(docking.slides), column=docking.column))
