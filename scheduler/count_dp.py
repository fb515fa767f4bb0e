"""Exact order of jobs where a slide window costs the same whatever the gaps: a program over counts.

Decides the best order in the regimes M0 and M1 of a plain layout. Jobs of one class (kind, level,
priority) are the same to the machine, so an exchange of two of them shows that the one released and
asked first goes first; a plan is then told by *how many* of each class have been served and which
level is down. Jobs whose place changes their set-up (a shaft that is free from the start, a pallet that
two jobs share) form classes of their own. Other instances are `scheduler.gap_search`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from domain.ids import BayId, BayRef
from scheduler.bounds import Least, least_of
from scheduler.count_tables import IMMEDIATE, RAISE_FIRST, UPPER, Ages, Ints, Jobs, Options, Rules, Turns
from scheduler.dockings import is_free
from scheduler.instance import Instance, JobKind, PlanJob, Priority
from scheduler.moves import Slide
from scheduler.regime import Regime
from scheduler.timeline import Step

STATES_MAX = 400_000
"""Above so many counts the program is not tried: the search with a bound takes over."""

NODES_MAX = 3_000_000
"""Room for nodes; each takes 48 bytes."""


class _State(NamedTuple):
    """What the next job finds: a pallet down or nothing, and a pallet whose shaft is free, if it matters."""

    down: int
    pallet: BayId | None


@dataclass(frozen=True)
class CountModel:
    """The instance as classes, states and options for the compiled search."""

    chains: tuple[tuple[int, ...], ...]
    """Jobs of each class, in the order they are served."""
    special: frozenset[BayId]
    states: tuple[_State, ...]
    option_start: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    options: np.ndarray[tuple[int, ...], np.dtype[np.int64]]

    @property
    def size(self) -> int:
        """How many counts there are."""
        return prod(len(chain) + 1 for chain in self.chains)


def applies(instance: Instance, regime: Regime) -> bool:
    """Whether the program over counts is exact here.

    A car that takes any pallet must find one at the ground whenever it comes: nothing is quicker.
    """
    anywhere = instance.free_storages
    if not regime.uniform:
        return False
    if any(not instance.fits(job, 1) for job in anywhere):
        return False
    return len(anywhere) <= len(_ground_free(instance))


def count_steps(instance: Instance, regime: Regime) -> tuple[Step, ...] | None:
    """The optimal steps; None where the program would grow too large.

    The first call of a process loads numba, and compiles where no compiled code is found.
    """
    from scheduler.count_kernel import search

    model = build(instance, regime)
    if model.size > STATES_MAX:
        return None
    heads = [instance.jobs[chain[0]] for chain in model.chains]
    leasts = _leasts(instance, regime, model, heads)
    turns = _turns(regime, model, leasts)
    picks, _ = search(
        _jobs(instance, model.chains, heads),
        Options(
            model.option_start,
            model.options,
            _ints(regime.raise_ms[state.down] for state in model.states),
        ),
        Rules(
            first_state=0,
            stagger_ms=regime.stagger_ms,
            age_bound_ms=-1 if instance.age_bound_ms is None else instance.age_bound_ms,
            urgency=_urgency(instance, regime),
            nodes_max=NODES_MAX,
        ),
        turns,
        _ages(instance, model, leasts, turns),
    )
    return _steps(instance, model, picks.tolist()) if len(picks) else None


def _ints(values: Iterable[int]) -> Ints:
    return np.array(list(values), np.int64)


def _jobs(instance: Instance, chains: Sequence[Sequence[int]], heads: Sequence[PlanJob]) -> Jobs:
    order = [instance.jobs[at] for chain in chains for at in chain]
    size = _ints(len(chain) for chain in chains)
    release, request = _ints(job.release_ms for job in order), _ints(job.requested_ms for job in order)
    return Jobs(
        size=size,
        offset=np.cumsum(size) - size,
        weight=_ints(instance.weights.of(job.priority) for job in heads),
        urgent=_ints(job.priority is Priority.EMERGENCY for job in heads),
        release=release,
        request=request,
        release_sum=np.concatenate(([0], np.cumsum(release))),
        request_sum=np.concatenate(([0], np.cumsum(request))),
    )


def build(instance: Instance, regime: Regime) -> CountModel:
    """Classes, states and options of an instance."""
    special = _special_pallets(instance)
    chains = _chains(instance, special)
    states = [_State(0, None) if instance.down is None else _State(instance.down.level, instance.down.name)]
    if states[0].pallet not in special:
        states[0] = _State(states[0].down, None)
    free = _free_from_start(instance, special)
    if states[0].down == 0 and free is not None:
        states[0] = _State(0, free)
    table: list[list[tuple[int, ...]]] = []
    class_of = {at: number for number, chain in enumerate(chains) for at in chain}
    known = {states[0]: 0}
    for state in states:
        rows: list[tuple[int, ...]] = []
        for number, chain in enumerate(chains):
            for option, after in _options(instance, regime, special, state, (number, instance.jobs[chain[0]])):
                if after not in known:
                    known[after] = len(states)
                    states.append(after)
                before = _before(instance, class_of, chains, chain[0])
                tail_ms = instance.dwell_ms(instance.jobs[chain[0]]) + regime.gate_ms
                rows.append(
                    (*option, known[after], *before, tail_ms, _plain(instance, special, state, after, chain[0]))
                )
        table.append(rows)
    fixed = [row for rows in table for row in rows]
    starts = [sum(len(rows) for rows in table[:at]) for at in range(len(table) + 1)]
    return CountModel(chains, special, tuple(states), np.array(starts, np.int64), np.array(fixed, np.int64))


def _plain(instance: Instance, special: frozenset[BayId], state: _State, after: _State, at: int) -> bool:
    return instance.jobs[at].bay not in special and state.pallet in (None, after.pallet)


def _options(
    instance: Instance, regime: Regime, special: frozenset[BayId], state: _State, what: tuple[int, PlanJob]
) -> Sequence[tuple[tuple[int, ...], _State]]:
    """How a job of this class can be served in a state, and the state after it."""
    number, job = what
    gate_ms = regime.gate_ms
    level = instance.level(job)
    if state.down and state.pallet is not None and job.bay == state.pallet:
        return [((number, IMMEDIATE, 0, 0, 0, gate_ms), state)]
    if level == 1:
        found = [((number, IMMEDIATE, 0, 0, 0, gate_ms), state)]
        if state.down:
            raise_ms = regime.raise_ms[state.down]
            found.append(((number, RAISE_FIRST, raise_ms, 0, 0, gate_ms), _State(0, state.pallet)))
        return found
    slides = () if job.bay == state.pallet else (Slide(1, 1, 2),)
    setup = regime.setup(slides, state.down, level)
    lead_ms = regime.lower_ms[level] + gate_ms
    after = _State(level, job.bay if job.bay in special else None)
    raise_ms = regime.raise_ms[state.down]
    return [((number, UPPER, raise_ms, setup.low_ms, setup.high_ms, lead_ms), after)]


def _before(instance: Instance, class_of: dict[int, int], chains: Sequence[Sequence[int]], at: int) -> tuple[int, int]:
    """The class, and how many of it, that must be served before: a car leaves before another takes its pallet."""
    job = instance.jobs[at]
    if job.kind is JobKind.RETRIEVAL or job.bay is None:
        return -1, 0
    for other, leaving in enumerate(instance.jobs):
        if leaving.kind is JobKind.RETRIEVAL and leaving.bay == job.bay:
            return class_of[other], chains[class_of[other]].index(other) + 1
    return -1, 0


def _special_pallets(instance: Instance) -> frozenset[BayId]:
    """Upper pallets whose own history matters: shared by two jobs, or presented from the start."""
    bays = [job.bay for job in instance.jobs if job.bay is not None]
    found = {bay for bay in bays if bays.count(bay) > 1}
    for bay in set(bays):
        ref = instance.refs[bay]
        if ref == instance.down or (ref.level > 1 and is_free(instance.columns, ref)):
            found.add(bay)
    return frozenset(found)


def _free_from_start(instance: Instance, special: frozenset[BayId]) -> BayId | None:
    for bay in sorted(special):
        ref = instance.refs[bay]
        if ref.level > 1 and is_free(instance.columns, ref):
            return bay
    return None


def _chains(instance: Instance, special: frozenset[BayId]) -> tuple[tuple[int, ...], ...]:
    """Classes, each in an order that both release and request agree with."""
    groups: dict[tuple[object, ...], list[list[int]]] = {}
    jobs = instance.jobs
    for at in sorted(range(len(jobs)), key=lambda i: (jobs[i].release_ms, jobs[i].requested_ms, i)):
        job = jobs[at]
        level = instance.level(job)
        alone = job.bay if job.bay in special else None
        key = (level, job.kind, job.priority, alone)
        chains = groups.setdefault(key, [])
        for chain in chains:
            if jobs[chain[-1]].requested_ms <= job.requested_ms:
                chain.append(at)
                break
        else:
            chains.append([at])
    return tuple(tuple(chain) for key in sorted(groups, key=str) for chain in groups[key])


def _ground_free(instance: Instance) -> list[BayId]:
    named = {job.bay for job in instance.jobs if job.bay is not None}
    return [
        bay
        for bay in instance.layout.bay_names
        if instance.refs[bay].level == 1 and bay in instance.empty and bay not in named
    ]


def _leasts(instance: Instance, regime: Regime, model: CountModel, heads: Sequence[PlanJob]) -> tuple[Least, ...]:
    """What a job of each class takes at the least; a pallet with a history of its own may cost nothing."""
    leasts = (least_of(instance, regime, job) for job in heads)
    return tuple(
        Least(False, regime.gate_ms, least.tail_ms, 0, least.weight) if job.bay in model.special else least
        for least, job in zip(leasts, heads, strict=True)
    )


def _turns(regime: Regime, model: CountModel, leasts: Sequence[Least]) -> Turns:
    """Ground pallets first, then upper ones with their own raising, each by work over weight.

    That order is best (swap neighbours) when every ground job is shorter for its weight than every
    upper one even without its raising. Else every upper pallet counts the quickest raising that can come
    before it, of a pallet that two jobs share too; that is one too many when nothing is down.
    """
    numbers = range(len(leasts))
    ground, upper = [n for n in numbers if not leasts[n].upper], [n for n in numbers if leasts[n].upper]
    lead, work = [least.lead_ms for least in leasts], [least.work_ms for least in leasts]
    spared_ms = 0
    uppers_at = len(leasts)
    if all(work[g] * leasts[u].weight <= work[u] * leasts[g].weight for g in ground for u in upper):
        work = [least.work_ms + least.raise_ms for least in leasts]
        uppers_at = len(ground)
    else:
        spared_ms = min(regime.raise_ms[state.down] for state in model.states if state.down)
        lead = [ms + spared_ms * least.upper for ms, least in zip(lead, leasts, strict=True)]
        work = [ms + spared_ms * least.upper for ms, least in zip(work, leasts, strict=True)]
    return Turns(
        order=_ints(sorted(numbers, key=lambda n: (leasts[n].upper and not spared_ms, work[n] / leasts[n].weight))),
        lead=_ints(lead),
        alone=_ints(least.lead_ms for least in leasts),
        work=_ints(work),
        uppers_at=uppers_at,
        due=_ints(0 if spared_ms else regime.raise_ms[state.down] for state in model.states),
        spared=_ints(0 if state.down else spared_ms for state in model.states),
    )


def _ages(instance: Instance, model: CountModel, leasts: Sequence[Least], turns: Turns) -> Ages:
    """The jobs by when they reach the age bound, and the classes by work.

    The i-th gate opens for the i-th job of least work or for a greater one, and at most one pallet, not
    the greatest raising of those before it, may still be down then: `lead` is the less of both.
    """
    bound_ms = instance.age_bound_ms
    due = sorted(
        (instance.jobs[at].requested_ms + bound_ms, number, rank)
        for number, chain in enumerate(model.chains)
        for rank, at in enumerate(chain)
        if bound_ms is not None
    )
    order = sorted(range(len(leasts)), key=lambda n: int(turns.work[n]))
    tails = [least.tail_ms for least in leasts]
    raises = [int(turns.work[n]) - int(turns.lead[n]) - tails[n] for n in range(len(leasts))]
    lead = []
    for place, number in enumerate(order):
        last = int(turns.work[number]) - max(tails) - max(raises[n] for n in order[: place + 1])
        least = min(int(turns.lead[n]) for n in order[place:]) - (max(tails) - min(tails))
        lead.append(min(last, least))
    return Ages(
        due=_ints(ms for ms, _, _ in due),
        of_class=_ints(number for _, number, _ in due),
        rank=_ints(rank for _, _, rank in due),
        order=_ints(order),
        lead=_ints(lead),
        ground=_ints(not least.upper for least in leasts),
    )


def _urgency(instance: Instance, regime: Regime) -> int:
    """More than all waits beyond the age bound can add up to, so that emergencies come before them."""
    if instance.age_bound_ms is None:
        return 1
    longest = max(regime.lower_ms) + max(regime.raise_ms) + regime.window_ms(len(instance.layout.levels))
    longest += 2 * regime.gate_ms + max(instance.dwell_ms(job) for job in instance.jobs)
    last = max(job.release_ms for job in instance.jobs) - min(job.requested_ms for job in instance.jobs)
    return len(instance.jobs) * (last + len(instance.jobs) * longest) + 1


def _steps(instance: Instance, model: CountModel, picks: Sequence[int]) -> tuple[Step, ...]:
    """Read the chosen options back as jobs on pallets."""
    served = [0] * len(model.chains)
    ground = _ground_free(instance)
    steps = []
    for pick in picks:
        number, kind = int(model.options[pick][0]), int(model.options[pick][1])
        at = model.chains[number][served[number]]
        served[number] += 1
        bay = instance.jobs[at].bay
        ref: BayRef = instance.refs[ground.pop(0) if bay is None else bay]
        steps.append(Step(at, ref, raise_first=kind == RAISE_FIRST))
    return tuple(steps)
