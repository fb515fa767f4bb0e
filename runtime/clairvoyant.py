"""How far an order that was really served is above the best one that a clairvoyant could have chosen.

Decides what is compared: the requests of one module as they came, on the pallets on which they were served, in one
model with nominal times (`scheduler.timeline`). The clairvoyant knows every request beforehand but, like the machine,
does nothing for it before it is made. Requests are split where the module was idle: before such a moment nothing could
be done for what came after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, JobId, parse_bay
from domain.machine import Machine
from scheduler.exact import solve
from scheduler.instance import Instance, JobKind, PlanJob
from scheduler.plan import Plan, ServedJob
from scheduler.regime import derive
from scheduler.timeline import Performance, Step, perform


@dataclass(frozen=True, slots=True)
class Request:
    """One driver: from when on somebody waited, when the gate opened, and when the machine was free again.

    `columns` and `down` are where the module's pallets stood when the machine began with it.
    """

    job: JobId
    kind: str
    bay: BayId
    from_ms: int
    opened_ms: int
    free_ms: int
    columns: Columns
    down: BayId | None


@dataclass(frozen=True, slots=True)
class Judged:
    """Some requests in the model, all figures from its nominal times.

    Sums of waits: as served, at best, and at best of the orders with the least time beyond the age bound.
    Waits beyond that bound: as served, and in that last order.
    """

    requests: int
    served_ms: int
    best_ms: int
    bounded_ms: int
    proven: bool
    beyond: int
    beyond_at_best: int


def busy_spells(requests: Iterable[Request]) -> Iterator[list[Request]]:
    """The requests, in order of time, split where the module had nobody to serve."""
    spell: list[Request] = []
    free_ms = 0
    for one in sorted(requests, key=lambda request: (request.from_ms, request.job)):
        if spell and one.from_ms >= free_ms:
            yield spell
            spell = []
        free_ms = max(free_ms, one.free_ms) if spell else one.free_ms
        spell.append(one)
    if spell:
        yield spell


def judge(layout: ModuleLayout, machine: Machine, spell: Sequence[Request], age_bound_ms: int) -> Judged:
    """What the order of one busy spell costs in the model, and what the best orders would cost."""
    instance = _instance(layout, machine, spell)
    plan = solve(instance, certify=False)
    served = _replayed(instance, plan, spell)
    best_ms, bounded = plan.cost.weighted_ms, plan
    if _beyond(plan.jobs, age_bound_ms):
        bounded = solve(replace(instance, age_bound_ms=age_bound_ms), certify=False)
    beyond, beyond_at_best = _beyond(served.served, age_bound_ms), _beyond(bounded.jobs, age_bound_ms)
    served_ms, bounded_ms = served.cost.weighted_ms, bounded.cost.weighted_ms
    # A plan that is not proven may be beaten by what was done.
    if not bounded.optimal and not beyond:
        bounded_ms, beyond_at_best = min(served_ms, bounded_ms) if not beyond_at_best else served_ms, 0
    return Judged(
        requests=len(spell),
        served_ms=served_ms,
        best_ms=min(served_ms, best_ms),
        bounded_ms=bounded_ms,
        proven=plan.optimal and bounded.optimal,
        beyond=beyond,
        beyond_at_best=beyond_at_best,
    )


def _beyond(served: Iterable[ServedJob], age_bound_ms: int) -> int:
    return sum(one.wait_ms > age_bound_ms for one in served)


def _instance(layout: ModuleLayout, machine: Machine, spell: Sequence[Request]) -> Instance:
    first = min(spell, key=lambda one: one.opened_ms)
    begin_ms = spell[0].from_ms
    jobs = tuple(
        PlanJob(one.job, JobKind(one.kind), one.bay, one.from_ms - begin_ms, one.from_ms - begin_ms) for one in spell
    )
    leaving = {one.bay for one in spell if one.kind == "retrieval"}
    empty = frozenset(one.bay for one in spell if one.kind == "storage") - leaving
    return Instance(layout, machine, jobs, first.columns, lowered=first.down, empty=empty)


def _replayed(instance: Instance, plan: Plan, spell: Sequence[Request]) -> Performance:
    """The model serves in the order in which the gates opened."""
    regime = derive(instance)
    if plan.method != "counts":
        regime = replace(regime, uniform=False)
    order = sorted(range(len(spell)), key=lambda at: (spell[at].opened_ms, spell[at].job))
    return perform(instance, regime, [Step(at, parse_bay(spell[at].bay)) for at in order])
