"""The planner: from an instance to a plan with its certificate.

Decides which method serves an instance, and says what it proves: the program over counts and the
complete search over gap states are exact, the beam is not and comes with a bound. Plans serve jobs one
after another: the slides for a job begin when the gate is shut after the one before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.grid import Level, ModuleLayout
from domain.ids import JobId, ModuleId, parse_bay
from domain.machine import Machine
from domain.reasons import ReasonCode, Why, because
from scheduler import count_dp
from scheduler.bounds import least_of, makespan_bound_ms, weighted_bound_ms
from scheduler.gap_search import EXACT_JOBS_MAX, GapSearch
from scheduler.instance import Cost, Instance, JobKind, PlanJob, Priority
from scheduler.plan import Plan, ServedJob
from scheduler.regime import Regime, RegimeName, derive
from scheduler.route_bound import route_bound_ms
from scheduler.timeline import Performance, Step, perform

BEAM_WIDTH = 12
"""Nodes that a beam keeps for each number of jobs served."""

_REGIMES = {
    RegimeName.M0: ReasonCode.REGIME_M0,
    RegimeName.M1: ReasonCode.REGIME_M1,
    RegimeName.M2: ReasonCode.REGIME_M2,
}


def solve(instance: Instance, *, width: int = BEAM_WIDTH, certify: bool = True) -> Plan:
    """The best plan that can be found, proven where that is possible.

    `certify` False skips the slower bound of plans that are not proven.
    """
    regime = derive(instance)
    if count_dp.applies(instance, regime):
        steps = count_dp.count_steps(instance, regime)
        if steps is not None:
            return _plan(instance, regime, steps, "counts", True, certify)
    regime = replace(regime, uniform=False)
    search = GapSearch(instance, regime)
    steps = search.beam(width)
    if len(instance.jobs) > EXACT_JOBS_MAX:
        return _plan(instance, regime, steps, "beam", False, certify)
    better = search.exact(perform(instance, regime, steps).cost)
    method = "beam" if better is None else "gap_states"
    return _plan(instance, regime, better or steps, method, better is not None, certify)


def warm_up() -> None:
    """Load the compiled search, or compile it: so that the first plan of a running garage need not wait for it."""
    levels = (Level(1, 2000, 1), Level(2, 2000, 0))
    layout = ModuleLayout(ModuleId("A"), 2, levels, 2400, 2300, 5000, 1900, 2350, 100)
    job = PlanJob(JobId("warm"), JobKind.RETRIEVAL, layout.bay_names[-1])
    solve(Instance(layout, Machine(), (job,), layout.initial_columns))


def first_come_steps(instance: Instance) -> tuple[Step, ...]:
    """The order of a panel that knows no better: as they were asked."""
    order = sorted(
        range(len(instance.jobs)),
        key=lambda at: (instance.jobs[at].release_ms, instance.jobs[at].requested_ms, at),
    )
    steps = []
    for at in order:
        bay = instance.jobs[at].bay
        if bay is None:
            raise ValueError(f"job {instance.jobs[at].id} has no pallet yet")
        steps.append(Step(at, parse_bay(bay)))
    return tuple(steps)


def _plan(instance: Instance, regime: Regime, steps: Sequence[Step], method: str, optimal: bool, certify: bool) -> Plan:
    done = perform(instance, regime, steps)
    bound = done.cost if optimal else _bound(instance, regime, done, certify)
    return Plan(
        module=instance.layout.id,
        regime=regime.name.value,
        method=method,
        jobs=_explained(instance, regime, done.served, steps),
        moves=done.moves,
        cost=done.cost,
        lower_bound=bound,
        optimal=optimal or bound == done.cost,
        makespan_ms=done.home_ms,
        makespan_bound_ms=makespan_bound_ms(instance, regime),
        why=_why(instance, regime, done, method),
    )


def _bound(instance: Instance, regime: Regime, done: Performance, certify: bool) -> Cost:
    weighted = weighted_bound_ms(instance, regime)
    if certify and regime.serial:
        weighted = max(weighted, route_bound_ms(instance, regime, done.cost.weighted_ms))
    return Cost(0, 0, min(weighted, done.cost.weighted_ms))


def _why(instance: Instance, regime: Regime, done: Performance, method: str) -> Why:
    found = [because(_REGIMES[regime.name])]
    match method:
        case "counts":
            found.append(because(ReasonCode.PROVEN_COUNTS))
        case "gap_states":
            found.append(because(ReasonCode.PROVEN_GAP_STATES))
        case _:
            found.append(because(ReasonCode.BEAM, jobs=len(instance.jobs)))
    if instance.overlap.value == "slides" and not regime.overlap:
        found.append(because(ReasonCode.NO_OVERLAP))
    if done.cost.beyond_age_ms:
        bound_ms = instance.age_bound_ms or 0
        found.append(because(ReasonCode.BEYOND_AGE, age_bound_ms=bound_ms, beyond_ms=done.cost.beyond_age_ms))
    return tuple(found)


def _explained(
    instance: Instance, regime: Regime, served: Sequence[ServedJob], steps: Sequence[Step]
) -> tuple[ServedJob, ...]:
    """Each served job with the reason why it comes before earlier requests."""
    told = []
    jobs = [instance.jobs[step.job] for step in steps]
    asked = [job.requested_ms for job in jobs]
    works = [least.work_ms + least.raise_ms for least in (least_of(instance, regime, job) for job in jobs)]
    for place, one in enumerate(served):
        mine_ms = asked[place]
        passed = [at for at in range(place + 1, len(jobs)) if asked[at] < mine_ms]
        if not passed:
            told.append(one)
            continue
        priority = jobs[place].priority
        saved_s = (max(works[at] for at in passed) - works[place]) // 1000
        if priority is not Priority.NORMAL and any(jobs[at].priority is Priority.NORMAL for at in passed):
            cause = because(ReasonCode.EMERGENCY if priority is Priority.EMERGENCY else ReasonCode.DISABLED)
        elif saved_s > 0:
            cause = because(ReasonCode.LESS_WORK, saved_s=saved_s)
        else:
            cause = because(ReasonCode.LESS_IN_ALL)
        told.append(one._replace(why=(because(ReasonCode.BEFORE_EARLIER, passed=len(passed)), cause, *one.why)))
    return tuple(told)
