"""Orders of service as simpler panels choose them: rules that look at who waits now, and at nothing to come.

Decides the baselines that the planner is measured against. Whenever the module is free, a rule picks one of
the drivers who have asked; the pallet comes down by its first docking. Retrievals of named pallets only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from domain.ids import BayRef, parse_bay
from scheduler.bounds import least_of
from scheduler.dockings import slid
from scheduler.exact import solve
from scheduler.instance import Instance
from scheduler.regime import Regime, derive
from scheduler.timeline import Performance, Step, chosen_docking, perform

AGE_CAP_MS = 600_000
"""From this wait on the shortest job gives way to the oldest."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The module is free at `now_ms`; `asked` are the jobs (by number) that wait then, `steps` those served."""

    instance: Instance
    regime: Regime
    steps: tuple[Step, ...]
    asked: tuple[int, ...]
    now_ms: int


Rule = Callable[[Turn], int]
"""Picks one of those who have asked."""


def dispatched(instance: Instance, rule: Rule) -> Performance:
    """All jobs of an instance in the order of a rule."""
    regime = derive(instance)
    steps: tuple[Step, ...] = ()
    left = set(range(len(instance.jobs)))
    columns, down, shut_ms = instance.columns, instance.down, 0
    while left:
        now_ms = max(shut_ms, min(instance.jobs[at].release_ms for at in left))
        asked = tuple(at for at in sorted(left) if instance.jobs[at].release_ms <= now_ms)
        here = replace(instance, columns=columns, lowered=None if down is None else down.name)
        chosen = rule(Turn(here, regime, steps, asked, now_ms))
        left.remove(chosen)
        bay = _bay(instance, chosen)
        docking = None
        if bay.level > 1 and bay != down:
            docking = chosen_docking(instance, regime, columns, bay, down)
            columns, down = slid(columns, docking.slides), bay
        steps = (*steps, Step(chosen, bay, docking=docking))
        shut_ms = perform(instance, regime, steps).served[-1].shut_ms
    return perform(instance, regime, steps)


def first_come(turn: Turn) -> int:
    """Who asked first."""
    return min(turn.asked, key=lambda at: (turn.instance.jobs[at].requested_ms, at))


def shortest(turn: Turn) -> int:
    """The least work of the machine, whatever stands where."""
    return min(turn.asked, key=lambda at: (_work_ms(turn, at), turn.instance.jobs[at].requested_ms, at))


def shortest_with_cap(turn: Turn) -> int:
    """The least work, but whoever waits `AGE_CAP_MS` comes first."""
    oldest = first_come(turn)
    return oldest if turn.now_ms - turn.instance.jobs[oldest].requested_ms >= AGE_CAP_MS else shortest(turn)


def shortest_next(turn: Turn) -> int:
    """Whose gate opens first as everything stands."""
    return min(turn.asked, key=lambda at: (_open_ms(turn, at), turn.instance.jobs[at].requested_ms, at))


def rolling(turn: Turn) -> int:
    """The first job of the best plan for those who have asked, made anew every time."""
    jobs = [turn.instance.jobs[at] for at in turn.asked]
    waiting = tuple(replace(job, release_ms=0, requested_ms=job.requested_ms - turn.now_ms) for job in jobs)
    plan = solve(replace(turn.instance, jobs=waiting), certify=False)
    first = plan.jobs[0].job
    return next(at for at, job in zip(turn.asked, jobs, strict=True) if job.id == first)


RULES: Mapping[str, Rule] = {
    "fcfs+overlap": first_come,
    "spt": shortest,
    "spt+age-cap": shortest_with_cap,
    "shortest-next": shortest_next,
    "rolling": rolling,
}


def _bay(instance: Instance, at: int) -> BayRef:
    bay = instance.jobs[at].bay
    if bay is None:
        raise ValueError(f"job {instance.jobs[at].id} has no pallet yet")
    return parse_bay(bay)


def _work_ms(turn: Turn, at: int) -> int:
    least = least_of(turn.instance, turn.regime, turn.instance.jobs[at])
    return least.work_ms + least.raise_ms


def _open_ms(turn: Turn, at: int) -> int:
    """When the gate would open for a job if it came next."""
    instance, down = turn.instance, turn.instance.down
    bay = _bay(instance, at)
    if bay.level == 1 or bay == down:
        return turn.now_ms
    regime = turn.regime
    docking = chosen_docking(instance, regime, instance.columns, bay, down)
    level = 0 if down is None else down.level
    setup = regime.setup(docking.slides, level, bay.level)
    ready_ms = regime.lowered_from_ms(turn.now_ms, regime.raise_ms[level], turn.now_ms, setup)
    return ready_ms + regime.lower_ms[bay.level]
