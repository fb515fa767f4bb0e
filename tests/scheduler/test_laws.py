"""Laws of plans with mixed storages and retrievals: exact, no worse than any order, indifferent to how it is told."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from domain.ids import BayId, JobId
from domain.machine import Machine, SlideMode
from domain.vehicle import VEHICLE_CLASSES
from scheduler.bounds import weighted_bound_ms
from scheduler.exact import solve
from scheduler.gap_search import GapSearch
from scheduler.instance import Instance, JobKind, Overlap, PlanJob
from scheduler.instance_checks import refuse_impossible
from scheduler.instance_json import instance_to_json
from scheduler.json_nodes import InstanceError
from scheduler.moves import present
from scheduler.regime import derive
from scheduler.timeline import Step, perform
from sim.plan_replay import replay
from tests.scheduler.instances import MODES, cheapest_of_all, drawn_instance, random_instance, with_free_storages
from tests.scheduler.parts_out import damaged
from tests.sites import module_layout

SEEDS = st.integers(0, 10_000)


@st.composite
def mixed(draw: st.DrawFn, jobs_max: int = 5, free: bool = True) -> Instance:
    """Cars that leave, that come to their pallet, to one just emptied, and to any pallet."""
    mode, overlap = draw(st.sampled_from(MODES))
    base = random_instance(
        draw(SEEDS),
        draw(st.integers(1, jobs_max)),
        columns=draw(st.integers(3, 5)),
        mode=mode,
        overlap=overlap,
        released_within_ms=draw(st.sampled_from((0, 300_000))),
        mixed=True,
        priorities=draw(st.booleans()),
        age_bound_ms=draw(st.sampled_from((None, 200_000, 400_000))),
    )
    named = {job.bay for job in base.jobs}
    spare = [bay for bay in base.layout.bay_names if bay not in named]
    empty = draw(st.lists(st.sampled_from(spare), unique=True, max_size=2))
    leaving = sum(job.kind is JobKind.RETRIEVAL and base.uses[job.bay] == 1 for job in base.jobs if job.bay is not None)
    cars = draw(st.integers(0, min(2, len(empty) + leaving))) if free else 0
    instance = with_free_storages(base, cars, tuple(empty))
    refuse_impossible(instance)
    return instance


def any_order(instance: Instance, rng: Random) -> list[Step]:
    """Some order that empties a pallet before another car takes it."""
    left = list(range(len(instance.jobs)))
    steps: list[Step] = []
    while left:
        blocked = {instance.jobs[at].bay for at in left if instance.jobs[at].kind is JobKind.RETRIEVAL}
        open_to = [
            at for at in left if instance.jobs[at].kind is JobKind.RETRIEVAL or instance.jobs[at].bay not in blocked
        ]
        at = rng.choice(open_to)
        left.remove(at)
        bay = instance.jobs[at].bay
        assert bay is not None
        steps.append(Step(at, instance.refs[bay]))
    return steps


@pytest.mark.parametrize(("mode", "overlap"), MODES)
@pytest.mark.parametrize("seed", range(6))
def test_all_kinds_of_storages_at_once_against_every_order(mode: SlideMode, overlap: Overlap, seed: int) -> None:
    base = random_instance(seed, 3, columns=3, mode=mode, overlap=overlap, mixed=True, released_within_ms=120_000)
    named = {job.bay for job in base.jobs}
    empty = tuple(bay for bay in ("A-2-02", "A-3-01", "A-4-03") if bay not in named)[:1]
    instance = with_free_storages(base, 1, empty)
    plan = solve(instance)
    regime = derive(instance)
    exact = regime if plan.method == "counts" else replace(regime, uniform=False)
    assert plan.optimal
    assert plan.cost == cheapest_of_all(instance, exact)


@given(mixed())
@settings(max_examples=60, deadline=None)
def test_mixed_plans_survive_their_replay(instance: Instance) -> None:
    assert replay(*json.loads(json.dumps([instance_to_json(instance), solve(instance).to_json()]))) == []


@given(mixed(6, free=False), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_no_order_whatsoever_is_better_than_the_plan(instance: Instance, rng: Random) -> None:
    plan = solve(instance)
    assert plan.optimal
    assert plan.lower_bound <= plan.cost
    assert plan.cost <= perform(instance, derive(instance), any_order(instance, rng)).cost


@given(mixed(4), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_mixed_jobs_may_be_told_in_any_order(instance: Instance, rng: Random) -> None:
    jobs = list(instance.jobs)
    rng.shuffle(jobs)
    assert solve(replace(instance, jobs=tuple(jobs))).cost == solve(instance).cost


@given(mixed(4))
@settings(max_examples=40, deadline=None)
def test_a_mixed_job_released_earlier_never_hurts(instance: Instance) -> None:
    late = tuple(replace(job, requested_ms=min(job.requested_ms, 0)) for job in instance.jobs)
    early = tuple(replace(job, release_ms=job.release_ms // 2) for job in late)
    assert solve(replace(instance, jobs=early)).cost <= solve(replace(instance, jobs=late)).cost


@given(SEEDS, st.integers(2, 5), st.sampled_from(list(SlideMode)))
@settings(max_examples=40, deadline=None)
def test_a_second_gap_never_hurts_in_any_mode(seed: int, jobs: int, mode: SlideMode) -> None:
    one = random_instance(seed, jobs, columns=4, mode=mode, mixed=True)
    rows = (*one.columns[:-1], (1, 2, 3, 4, 5))
    two = replace(one, layout=module_layout("A", 5, gaps=(2, 2, 2, 0)), columns=rows)
    assert solve(two).cost <= solve(one).cost


@given(st.integers(0, 1_000_000))
@example(1554)
@settings(max_examples=60, deadline=None)
def test_counts_and_gap_states_agree_where_a_row_more_costs_nothing(seed: int) -> None:
    """The example: a job that is to come, and a pallet that can be sent home before."""
    assert_both_agree(drawn_instance(seed, 6))


def test_both_agree_where_a_pallet_that_two_jobs_share_is_the_quickest_to_raise() -> None:
    found = random_instance(232, 6, columns=5, mixed=True, priorities=True)
    shared = {found.level(job) for job in found.jobs if job.bay is not None and found.uses[job.bay] == 2}
    assert shared == {3, 4}
    assert {found.level(job) for job in found.jobs if found.uses[job.bay or BayId("")] == 1} == {4}
    assert_both_agree(replace(found, machine=replace(found.machine, inrush_stagger_ms=0)))


def assert_both_agree(instance: Instance) -> None:
    """Two programs that share neither states nor bounds: without stagger both know the same windows."""
    plan = solve(instance)
    regime = replace(derive(instance), uniform=False)
    other = GapSearch(instance, regime).exact(replace(plan.cost, weighted_ms=plan.cost.weighted_ms + 1))
    assert plan.optimal
    assert other is not None
    assert perform(instance, regime, other).cost == plan.cost
    assert weighted_bound_ms(instance, derive(instance)) <= plan.cost.weighted_ms


def test_importing_the_planner_loads_no_compiler_until_the_first_plan() -> None:
    told = (
        "import sys, scheduler.exact as e; before = 'numba' in sys.modules; e.warm_up();"
        "print(before, 'numba' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True"]


@st.composite
def out_of_order(draw: st.DrawFn) -> Instance:
    """A damaged module, some of whose cars are asked for that can be brought down as things stand."""
    layout, columns = draw(damaged())
    machine = Machine(slide_mode=draw(st.sampled_from(list(SlideMode))))
    bays = [bay for bay in layout.bays if bay.name not in layout.dead]
    reachable = [bay.name for bay in bays if present(layout, machine, columns, bay) is not None]
    assume(reachable)
    asked = draw(st.lists(st.sampled_from(reachable), unique=True, min_size=1, max_size=4))
    jobs = tuple(PlanJob(JobId(bay), JobKind.RETRIEVAL, bay) for bay in asked)
    return Instance(layout, machine, jobs, columns, draw(st.sampled_from(Overlap)))


@given(out_of_order())
@settings(max_examples=200, deadline=None)
def test_parts_out_of_service_are_planned_around_or_refused(instance: Instance) -> None:
    refuse_impossible(instance)
    assert replay(instance_to_json(instance), solve(instance).to_json()) == []


@st.composite
def arrivals(draw: st.DrawFn) -> Instance:
    """Low and tall cars that take any pallet they fit, and hardly more pallets than cars."""
    layout = module_layout("A", 3, (2150, 1700, 2150))
    mode, overlap = draw(st.sampled_from(MODES))
    tall = draw(st.lists(st.booleans(), min_size=2, max_size=4))
    jobs = tuple(
        PlanJob(
            JobId(f"S{number}"),
            JobKind.STORAGE,
            None,
            draw(st.sampled_from((0, 300_000))),
            vehicle=VEHICLE_CLASSES["K" if one else "Z"],
        )
        for number, one in enumerate(tall)
    )
    empty = frozenset(draw(st.lists(st.sampled_from(layout.bay_names), min_size=len(jobs), max_size=5, unique=True)))
    # Without stagger a slide window takes the same time however its rows are counted.
    machine = Machine(slide_mode=mode, inrush_stagger_ms=0)
    instance = Instance(layout, machine, jobs, layout.initial_columns, overlap=overlap, empty=empty)
    try:
        refuse_impossible(instance)
    except InstanceError:
        assume(False)
    return instance


@settings(deadline=None)
@given(arrivals())
def test_low_cars_leave_the_high_bays_to_those_that_need_them(instance: Instance) -> None:
    plan = solve(instance)
    assert replay(instance_to_json(instance), plan.to_json()) == []
    if len(instance.jobs) <= 3:
        assert plan.cost == cheapest_of_all(instance, derive(instance))


def test_the_only_bays_for_tall_cars_are_kept_for_them() -> None:
    # given two low cars now, two tall ones later, and just two bays that take those: the nearest ones
    layout = module_layout("A", 10, (2150, 1700, 1700, 2150))
    cars = [("Z", 0), ("Z", 0), ("K", 600_000), ("K", 600_000)]
    jobs = tuple(
        PlanJob(JobId(f"S{number}"), JobKind.STORAGE, None, release_ms, vehicle=VEHICLE_CLASSES[code])
        for number, (code, release_ms) in enumerate(cars)
    )
    empty = frozenset(BayId(bay) for bay in ("A-1-01", "A-1-02", "A-2-01", "A-2-02"))
    instance = Instance(layout, Machine(), jobs, layout.initial_columns, empty=empty)
    plan = solve(instance)
    assert plan.optimal
    assert replay(instance_to_json(instance), plan.to_json()) == []
