"""Instances for tests: random ones by seed, small ones by hand, and every order tried out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product
from random import Random
from typing import Any

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, BayRef, JobId, parse_bay
from domain.machine import Machine, SlideMode
from scheduler.dockings import dockings, slid
from scheduler.instance import Cost, Instance, JobKind, Overlap, PlanJob, Priority, Weights
from scheduler.regime import Regime
from scheduler.timeline import Step, chosen_docking, perform
from tests.sites import module_layout


def random_columns(layout: ModuleLayout, rng: Random) -> Columns:
    """Pallets with the gaps of each level anywhere."""
    rows = []
    for level, count in zip(layout.levels, layout.pallets_per_level, strict=True):
        rows.append(tuple(sorted(rng.sample(layout.open_columns(level.number), count))))
    return tuple(rows)


def random_instance(
    seed: int,
    jobs: int,
    *,
    columns: int = 4,
    mode: SlideMode = SlideMode.PARALLEL,
    overlap: Overlap = Overlap.NONE,
    released_within_ms: int = 0,
    mixed: bool = False,
    priorities: bool = False,
    age_bound_ms: int | None = None,
    **facts: Any,
) -> Instance:
    """So many jobs at random pallets; with `mixed` some cars come, some onto pallets that others leave."""
    rng = Random(seed)
    layout = module_layout("A", columns)
    machine = Machine(slide_mode=mode)
    bays = rng.sample(layout.bay_names, jobs)
    empty: set[BayId] = set()
    waiting: list[PlanJob] = []
    for number, bay in enumerate(bays):
        release_ms = rng.randint(0, released_within_ms)
        asked_ms = release_ms if release_ms else -rng.randint(0, 300_000)
        kind, target = JobKind.RETRIEVAL, bay
        if mixed and rng.random() < 0.4:
            kind = JobKind.STORAGE
            leaving = [w.bay for w in waiting if w.kind is JobKind.RETRIEVAL and w.bay is not None]
            leaving = [b for b in leaving if all(w.bay != b for w in waiting if w.kind is JobKind.STORAGE)]
            if leaving and rng.random() < 0.5:
                target = rng.choice(leaving)
            else:
                empty.add(bay)
        priority = rng.choice(list(Priority)) if priorities and rng.random() < 0.5 else Priority.NORMAL
        waiting.append(PlanJob(JobId(f"J{number}"), kind, target, release_ms, asked_ms, priority))
    return Instance(
        layout=layout,
        machine=machine,
        jobs=tuple(waiting),
        columns=random_columns(layout, rng),
        overlap=overlap,
        empty=frozenset(empty),
        age_bound_ms=age_bound_ms,
        **facts,
    )


def drawn_instance(seed: int, jobs_max: int) -> Instance:
    """Everything that an instance of a plain layout may have, where rows slide together and none waits for another.

    Priorities and their weights, releases, an age bound, a pallet that is down, pallets that two jobs share, cars that
    take any pallet. Without stagger a slide window takes the same time however its rows are counted.
    """
    rng = Random(seed)
    weights = Weights(rng.choice((2, 4, 9)), rng.choice((1, 2, 3)), 1) if rng.random() < 0.3 else Weights()
    instance = random_instance(
        seed,
        rng.randint(2, jobs_max),
        columns=rng.randint(3, 5),
        released_within_ms=rng.choice((0, 0, 300_000, 900_000)),
        mixed=rng.random() < 0.8,
        priorities=rng.random() < 0.6,
        age_bound_ms=rng.choice((None, None, 150_000, 400_000, 900_000)),
        weights=weights,
    )
    instance = replace(instance, machine=replace(instance.machine, inrush_stagger_ms=0))
    if rng.random() < 0.4:
        columns, lowered = one_down(instance.layout, instance.columns, rng)
        instance = replace(instance, columns=columns, lowered=lowered)
    named = {job.bay for job in instance.jobs}
    spare = [bay for bay in instance.layout.bay_names if bay not in named]
    cars = rng.choice((0, 0, 0, 1, 2))
    return with_free_storages(instance, min(cars, len(spare)), tuple(rng.sample(spare, min(cars, len(spare)))))


def one_down(layout: ModuleLayout, columns: Columns, rng: Random) -> tuple[Columns, BayId]:
    """Some upper pallet on the ground, and where the others stand then."""
    ref = rng.choice([bay for bay in layout.bays if bay.level > 1])
    way = rng.choice(dockings(layout, columns, ref))
    return slid(columns, way.slides), ref.name


def with_free_storages(instance: Instance, count: int, empty: tuple[str, ...] = ()) -> Instance:
    """The same with some cars that take any pallet."""
    cars = tuple(PlanJob(JobId(f"S{number}"), JobKind.STORAGE, None) for number in range(count))
    return replace(instance, jobs=instance.jobs + cars, empty=instance.empty | {BayId(bay) for bay in empty})


def cheapest_of_all(instance: Instance, regime: Regime) -> Cost:
    """The least cost over all orders, pallets, dockings and raisings: nothing is left out, nothing clever."""
    best: Cost | None = None
    for order in permutations(range(len(instance.jobs))):
        for steps in _ways(instance, regime, order, instance.columns, instance.empty, instance.down):
            cost = perform(instance, regime, steps).cost
            best = cost if best is None or cost < best else best
    if best is None:
        raise ValueError("no order serves every job")
    return best


def _ways(
    instance: Instance,
    regime: Regime,
    order: tuple[int, ...],
    columns: Columns,
    empty: frozenset[BayId],
    down: BayRef | None,
) -> Iterator[tuple[Step, ...]]:
    if not order:
        yield ()
        return
    job = instance.jobs[order[0]]
    named = {other.bay for other in instance.jobs if other.kind is JobKind.STORAGE}
    targets = [job.bay] if job.bay is not None else sorted(empty - named)
    for bay in targets:
        if job.kind is JobKind.STORAGE and bay not in empty:
            continue
        ref = parse_bay(bay)
        if not instance.fits(job, ref.level):
            continue
        after = empty | {bay} if job.kind is JobKind.RETRIEVAL else empty - {bay}
        for step, moved, left in _steps(instance, regime, order[0], ref, columns, down):
            for rest in _ways(instance, regime, order[1:], moved, after, left):
                yield (step, *rest)


def _steps(
    instance: Instance, regime: Regime, at: int, ref: BayRef, columns: Columns, down: BayRef | None
) -> list[tuple[Step, Columns, BayRef | None]]:
    if ref == down:
        return [(Step(at, ref), columns, down)]
    if ref.level == 1:
        return [(Step(at, ref), columns, down), (Step(at, ref, raise_first=True), columns, None)]
    ways = dockings(instance.layout, columns, ref)
    if regime.uniform:
        way = chosen_docking(instance, regime, columns, ref, down)
        return [(Step(at, ref), slid(columns, way.slides), ref)]
    return [(Step(at, ref, docking=way), slid(columns, way.slides), ref) for way in ways]


MODES = tuple(product((SlideMode.PARALLEL, SlideMode.ROW, SlideMode.SINGLE), Overlap))
