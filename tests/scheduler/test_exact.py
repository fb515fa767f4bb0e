"""Plans against every order tried out, and the laws that plans obey."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ids import BayId, JobId
from domain.machine import HookKind, Machine, SlideMode
from scheduler import count_dp
from scheduler.bounds import car_bound_ms, makespan_bound_ms, weighted_bound_ms
from scheduler.exact import first_come_steps, solve
from scheduler.gap_search import GapSearch
from scheduler.instance import Instance, JobKind, Overlap, PlanJob, Priority
from scheduler.instance_checks import refuse_impossible
from scheduler.instance_json import instance_to_json
from scheduler.regime import RegimeName, derive
from scheduler.route_bound import route_bound_ms
from scheduler.timeline import perform
from sim.plan_replay import replay
from tests.scheduler.instances import MODES, cheapest_of_all, random_instance, with_free_storages
from tests.sites import module_layout

SEEDS = st.integers(0, 10_000)


@st.composite
def instances(draw: st.DrawFn, jobs_max: int = 7) -> Instance:
    mode, overlap = draw(st.sampled_from(MODES))
    return random_instance(
        draw(SEEDS),
        draw(st.integers(1, jobs_max)),
        columns=draw(st.integers(3, 6)),
        mode=mode,
        overlap=overlap,
        released_within_ms=draw(st.sampled_from((0, 200_000, 900_000))),
        mixed=draw(st.booleans()),
        priorities=draw(st.booleans()),
        age_bound_ms=draw(st.sampled_from((None, 200_000, 600_000))),
    )


def replayed(instance: Instance) -> list[str]:
    return replay(*json.loads(json.dumps([instance_to_json(instance), solve(instance).to_json()])))


@pytest.mark.parametrize(("mode", "overlap"), MODES)
@pytest.mark.parametrize("seed", range(12))
def test_a_plan_is_as_cheap_as_the_best_of_all_orders(mode: SlideMode, overlap: Overlap, seed: int) -> None:
    instance = random_instance(
        seed,
        2 + seed % 3,
        mode=mode,
        overlap=overlap,
        released_within_ms=(0, 200_000, 600_000)[seed % 3],
        mixed=seed % 2 == 1,
        priorities=seed % 4 > 1,
        age_bound_ms=None if seed % 5 else 250_000,
    )
    plan = solve(instance)
    assert plan.optimal
    assert plan.cost == cheapest_of_all(instance, derive(instance))


@pytest.mark.parametrize("overlap", list(Overlap))
def test_six_jobs_in_parallel_mode_against_all_720_orders(overlap: Overlap) -> None:
    instance = random_instance(3, 6, columns=5, overlap=overlap, released_within_ms=400_000, priorities=True)
    assert solve(instance).cost == cheapest_of_all(instance, derive(instance))


def test_six_jobs_in_row_mode_against_all_orders_and_dockings() -> None:
    instance = random_instance(8, 6, columns=3, mode=SlideMode.ROW)
    plan = solve(instance)
    assert (plan.method, plan.cost) == ("gap_states", cheapest_of_all(instance, derive(instance)))


@given(instances())
@settings(max_examples=60, deadline=None)
def test_every_plan_survives_its_replay(instance: Instance) -> None:
    assert replayed(instance) == []


@given(instances())
@settings(max_examples=60, deadline=None)
def test_no_bound_is_above_the_plan(instance: Instance) -> None:
    regime, plan = derive(instance), solve(instance)
    assert weighted_bound_ms(instance, regime) <= plan.cost.weighted_ms
    assert route_bound_ms(instance, regime, plan.cost.weighted_ms * 2) <= plan.cost.weighted_ms
    assert makespan_bound_ms(instance, regime) <= plan.makespan_ms
    jobs = {job.id: job for job in instance.jobs}
    assert all(car_bound_ms(instance, regime, jobs[served.job]) <= served.wait_ms for served in plan.jobs)


@given(instances(6), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_jobs_in_the_input_does_not_matter(instance: Instance, rng: Random) -> None:
    jobs = list(instance.jobs)
    rng.shuffle(jobs)
    assert solve(replace(instance, jobs=tuple(jobs))).cost == solve(instance).cost


@given(instances(6))
@settings(max_examples=40, deadline=None)
def test_an_earlier_release_never_hurts_when_waits_count_from_the_same_request(instance: Instance) -> None:
    late = tuple(replace(job, requested_ms=min(job.requested_ms, 0)) for job in instance.jobs)
    before = solve(replace(instance, jobs=late))
    early = tuple(replace(job, release_ms=job.release_ms // 2) for job in late)
    assert solve(replace(instance, jobs=early)).cost <= before.cost


@given(SEEDS, st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_faster_slides_of_all_rows_at_once_never_hurt(seed: int, jobs: int) -> None:
    single = random_instance(seed, jobs, mode=SlideMode.SINGLE)
    row = replace(single, machine=replace(single.machine, slide_mode=SlideMode.ROW))
    assert solve(row).cost <= solve(single).cost


@given(SEEDS, st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_a_second_gap_on_every_row_never_hurts(seed: int, jobs: int) -> None:
    """The same cars with one more column, all of it gaps but for the top: what could be done still can."""
    one = random_instance(seed, jobs, columns=4, mode=SlideMode.SINGLE)
    wider = module_layout("A", 5, gaps=(2, 2, 2, 0))
    rows = (*one.columns[:-1], (1, 2, 3, 4, 5))
    two = replace(one, layout=wider, columns=rows)
    assert solve(two).cost <= solve(one).cost


@given(SEEDS, st.integers(1, 5), st.sampled_from(list(Overlap)))
@settings(max_examples=40, deadline=None)
def test_overlap_never_hurts(seed: int, jobs: int, overlap: Overlap) -> None:
    strict = random_instance(seed, jobs, released_within_ms=300_000)
    assert solve(replace(strict, overlap=overlap)).cost <= solve(strict).cost


def test_the_age_bound_is_kept_whenever_an_order_keeps_it() -> None:
    kept = relaxed = 0
    for seed in range(25):
        free = random_instance(seed, 5, columns=4, released_within_ms=100_000)
        bound_ms = max(served.wait_ms for served in solve(free).jobs) - 1
        instance = replace(free, age_bound_ms=bound_ms)
        plan, best = solve(instance), cheapest_of_all(instance, derive(instance))
        assert plan.cost == best
        kept += not plan.cost.beyond_age_ms
        relaxed += any(reason.code == "beyond_age" for reason in plan.why)
    assert kept > 0
    assert kept + relaxed == 25


def test_an_emergency_goes_first_whatever_the_others_weigh() -> None:
    instance = random_instance(5, 7, columns=5)
    top = next(job for job in instance.jobs if job.bay is not None and job.bay[2] == "4")
    jobs = tuple(replace(job, priority=Priority.EMERGENCY) if job == top else job for job in instance.jobs)
    plan = solve(replace(instance, jobs=jobs))
    assert plan.order[0] == top.id
    assert "emergency" in [reason.code for reason in plan.jobs[0].why]


def test_a_car_enters_on_the_pallet_that_another_just_left() -> None:
    layout = module_layout("A", 4)
    jobs = (
        PlanJob(JobId("out"), JobKind.RETRIEVAL, BayId("A-4-02")),
        PlanJob(JobId("in"), JobKind.STORAGE, BayId("A-4-02")),
    )
    plan = solve(Instance(layout, Machine(), jobs, layout.initial_columns))
    lifts = [move.deed for move in plan.moves if move.deed in ("lower", "raise")]
    assert plan.order == ("out", "in")
    assert lifts == ["lower", "raise"]


@pytest.mark.parametrize("mode", list(SlideMode))
def test_a_car_without_a_pallet_takes_the_one_just_emptied(mode: SlideMode) -> None:
    layout = module_layout("A", 4)
    jobs = (PlanJob(JobId("out"), JobKind.RETRIEVAL, BayId("A-3-02")), PlanJob(JobId("in"), JobKind.STORAGE, None))
    empty = frozenset({BayId("A-4-01")})
    instance = Instance(layout, Machine(slide_mode=mode), jobs, layout.initial_columns, empty=empty)
    plan = solve(instance)
    assert plan.optimal
    assert [(served.job, served.bay) for served in plan.jobs] == [("out", "A-3-02"), ("in", "A-3-02")]
    assert replayed(instance) == []


@pytest.mark.parametrize("seed", range(6))
def test_cars_that_take_any_pallet_are_placed_as_well_as_can_be(seed: int) -> None:
    base = random_instance(seed, 2, columns=3)
    taken = {job.bay for job in base.jobs}
    empty = tuple(bay for bay in ("A-1-01", "A-2-02", "A-4-03") if bay not in taken)[: 1 + seed % 2]
    instance = with_free_storages(base, 1 + seed % 2, empty)
    refuse_impossible(instance)
    regime = derive(instance)
    exact = regime if count_dp.applies(instance, regime) else replace(regime, uniform=False)
    assert solve(instance).cost == cheapest_of_all(instance, exact)
    assert replayed(instance) == []


@pytest.mark.parametrize("mode", list(SlideMode))
def test_motors_stay_within_the_power_limit(mode: SlideMode) -> None:
    for limit_w in (5500, 6000, 9000, 20_000):
        for overlap in Overlap:
            instance = random_instance(limit_w, 5, columns=8, mode=mode, overlap=overlap)
            assert replayed(replace(instance, power_limit_w=limit_w)) == []


@pytest.mark.parametrize("kind", list(HookKind))
def test_load_resting_hooks_are_timed_as_the_machine_works(kind: HookKind) -> None:
    instance = random_instance(4, 6, columns=5, overlap=Overlap.SLIDES, released_within_ms=300_000)
    assert replayed(replace(instance, machine=replace(instance.machine, hook_kind=kind))) == []


def test_dead_pallets_blocked_cells_and_several_gaps_are_planned_around() -> None:
    layout = module_layout("A", 5, (2150, 1700, 2150), gaps=(1, 2, 0), blocked={1: (3,)}, dead=("A-2-03",))
    jobs = tuple(
        PlanJob(JobId(f"J{n}"), JobKind.RETRIEVAL, BayId(bay)) for n, bay in enumerate(("A-2-02", "A-3-01", "A-2-01"))
    )
    columns = ((1, 4, 5), (1, 2, 5), (1, 2, 3, 4, 5))
    instance = Instance(layout, Machine(), jobs[1:], columns)
    refuse_impossible(instance)
    plan = solve(instance)
    assert plan.optimal
    assert replayed(instance) == []


@pytest.mark.parametrize(("mode", "overlap"), MODES)
def test_a_full_module_of_37_cars_is_planned_and_never_worse_than_first_come(mode: SlideMode, overlap: Overlap) -> None:
    instance = random_instance(1, 37, columns=10, mode=mode, overlap=overlap)
    regime, plan = derive(instance), solve(instance)
    usual = perform(instance, regime, first_come_steps(instance)).cost
    assert plan.cost < usual
    assert plan.lower_bound <= plan.cost
    assert plan.optimal == (mode is SlideMode.PARALLEL)
    assert replay(instance_to_json(instance), plan.to_json()) == []


def test_the_regime_follows_from_mode_and_overlap() -> None:
    names = {(mode, overlap): derive(random_instance(1, 2, mode=mode, overlap=overlap)).name for mode, overlap in MODES}
    assert names[SlideMode.PARALLEL, Overlap.NONE] is RegimeName.M0
    assert names[SlideMode.PARALLEL, Overlap.SLIDES] is RegimeName.M1
    assert {name for (mode, _), name in names.items() if mode is not SlideMode.PARALLEL} == {RegimeName.M2}


def test_a_wider_beam_is_never_better_than_the_complete_search() -> None:
    instance = random_instance(2, 7, columns=6, mode=SlideMode.SINGLE)
    regime = derive(instance)
    wide = perform(instance, regime, GapSearch(instance, regime).beam(40)).cost
    assert solve(instance).cost <= wide
