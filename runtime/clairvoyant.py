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
from scheduler.plan import Plan
from scheduler.regime import derive
from scheduler.timeline import Step, perform


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
    """Some requests in the model: sum of waits as served and at best, and waits beyond the age bound."""

    requests: int
    served_ms: int
    best_ms: int
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
    """What the order of one busy spell costs in the model, and what the best order would cost."""
    instance = _instance(layout, machine, spell)
    plan = solve(instance, certify=False)
    served_ms = _replayed_ms(instance, plan, spell)
    beyond = sum(one.opened_ms - one.from_ms > age_bound_ms for one in spell)
    bounded = solve(replace(instance, age_bound_ms=age_bound_ms), certify=False) if beyond else None
    return Judged(
        requests=len(spell),
        served_ms=served_ms,
        # A plan that is not proven may be beaten by what was done.
        best_ms=min(served_ms, plan.cost.weighted_ms),
        proven=plan.optimal,
        beyond=beyond,
        beyond_at_best=sum(one.wait_ms > age_bound_ms for one in bounded.jobs) if bounded is not None else 0,
    )


def _instance(layout: ModuleLayout, machine: Machine, spell: Sequence[Request]) -> Instance:
    first = min(spell, key=lambda one: one.opened_ms)
    begin_ms = spell[0].from_ms
    jobs = tuple(
        PlanJob(one.job, JobKind(one.kind), one.bay, one.from_ms - begin_ms, one.from_ms - begin_ms) for one in spell
    )
    leaving = {one.bay for one in spell if one.kind == "retrieval"}
    empty = frozenset(one.bay for one in spell if one.kind == "storage") - leaving
    return Instance(layout, machine, jobs, first.columns, lowered=first.down, empty=empty)


def _replayed_ms(instance: Instance, plan: Plan, spell: Sequence[Request]) -> int:
    """Sum of the waits when the model serves in the order in which the gates opened."""
    regime = derive(instance)
    if plan.method != "counts":
        regime = replace(regime, uniform=False)
    order = sorted(range(len(spell)), key=lambda at: (spell[at].opened_ms, spell[at].job))
    steps = [Step(at, parse_bay(spell[at].bay)) for at in order]
    return perform(instance, regime, steps).cost.weighted_ms
