"""A long local search for good orders, to judge the beam by: it shares no search and no bound with the planner.

Decides only a figure: the least weighted waits it came upon, for plans of named pallets without ages and
emergencies. It starts from a random order and anneals: moves one job elsewhere, swaps two, or takes another
docking. Offline only.
"""

from __future__ import annotations

from math import exp
from random import Random

from domain.ids import parse_bay
from scheduler.dockings import dockings, slid
from scheduler.instance import Instance
from scheduler.regime import Regime, derive

Genes = list[tuple[int, int]]
"""The jobs in their order, each with the number of its docking."""


def annealed_ms(instance: Instance, seed: int, rounds: int) -> int:
    """The least weighted waits found in so many rounds; the same seed finds the same. Retrievals only."""
    rng = Random(seed)
    regime = derive(instance)
    genes = [(at, 0) for at in range(len(instance.jobs))]
    rng.shuffle(genes)
    cost = best = _weighted_ms(instance, regime, genes)
    first = cost / len(genes) / 5
    for done in range(rounds):
        tried = _changed(genes, rng)
        value = _weighted_ms(instance, regime, tried)
        heat = first * 0.002 ** (done / rounds)
        if value <= cost or rng.random() < exp((cost - value) / heat):
            genes, cost = tried, value
            best = min(best, cost)
    return best


def _changed(genes: Genes, rng: Random) -> Genes:
    """Neighbours of an order: one job moved, two swapped, or another docking for one."""
    tried = list(genes)
    one, other = rng.randrange(len(tried)), rng.randrange(len(tried))
    what = rng.random()
    if what < 0.4:
        tried.insert(other, tried.pop(one))
    elif what < 0.7:
        tried[one], tried[other] = tried[other], tried[one]
    else:
        tried[one] = (tried[one][0], tried[one][1] + 1)
    return tried


def _weighted_ms(instance: Instance, regime: Regime, genes: Genes) -> int:
    """The weighted waits of one order with its dockings."""
    columns, down, shut_ms, total = instance.columns, 0, 0, 0
    for at, docking in genes:
        job = instance.jobs[at]
        if job.bay is None or instance.lowered is not None or instance.uses[job.bay] > 1:
            raise ValueError("the local search knows named pallets that serve one job, and none down at first")
        bay = parse_bay(job.bay)
        ready_ms = max(shut_ms, job.release_ms)
        if bay.level > 1:
            ways = dockings(instance.layout, columns, bay)
            way = ways[docking % len(ways)]
            setup = regime.setup(way.slides, down, bay.level)
            ready_ms = regime.lowered_from_ms(shut_ms, regime.raise_ms[down], job.release_ms, setup)
            ready_ms += regime.lower_ms[bay.level]
            columns, down = slid(columns, way.slides), bay.level
        open_ms = ready_ms + regime.gate_ms
        total += instance.weights.of(job.priority) * (open_ms - job.requested_ms)
        shut_ms = open_ms + instance.dwell_ms(job) + regime.gate_ms
    return total
