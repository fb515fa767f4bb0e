"""The proof by exhaustion at small scale: no violation with all guards, a story without any one of them."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from domain.machine import Machine
from domain.signals import Pallet
from runtime.verification.model import Model, Scope
from runtime.verification.mutants import Guard, guards_of, without
from runtime.verification.plc_barrier import PlcBarrier, PlcStops
from runtime.verification.proving_ground import PROVING_GROUND, small_layout
from runtime.verification.rows import Gist
from runtime.verification.search import search
from runtime.verification.second_barriers import SECOND_BARRIERS
from runtime.verification.sensed import HIDDEN_SIGNAL, SensedModule, Unread
from runtime.verification.supervisor_barrier import SupervisorBarrier
from runtime.verification.sweep import Sweep
from runtime.verify_layout import BARRIERS, Search, holds, kill, lines_of, model_of, run_search, verify_modules
from sim import plc_rules
from sim.plc_rules import Situation
from tests.sites import module_layout, site_of

GUARDS = [(name, guard) for name, module in BARRIERS.items() for guard in guards_of(module)]
ONE_IN = 1 if os.environ.get("GARAGE_FULL") else 8
"""Of what takes its time, one in so many is tried by `make check`; `garagectl verify-layout` tries all guards."""
NEEDED = [task for task in GUARDS if (task[0], task[1].name) not in SECOND_BARRIERS]


def named(task: object) -> str | None:
    return task.name if isinstance(task, Guard) else None


@pytest.mark.parametrize("barrier", BARRIERS)
@pytest.mark.parametrize("number", range(len(PROVING_GROUND)))
def test_each_barrier_alone_lets_nothing_break_a_rule(number: int, barrier: str) -> None:
    scope = PROVING_GROUND[number]
    faults = scope.faults if len(scope.faults) < 20 else scope.faults[::ONE_IN]
    found = run_search(Search(replace(scope, faults=faults), barrier)).found
    assert (found.violations, found.stories) == (0, ())
    assert found.states > 1000


@pytest.mark.parametrize(("barrier", "guard"), NEEDED[::ONE_IN], ids=named)
def test_a_guard_that_is_deleted_is_found_out(barrier: str, guard: Guard) -> None:
    assert kill((barrier, guard)) is not None


def test_every_second_barrier_is_a_guard_that_exists_and_says_what_makes_up_for_it() -> None:
    assert set(SECOND_BARRIERS) <= {(barrier, guard.name) for barrier, guard in GUARDS}
    assert all(len(reason) > 20 for reason in SECOND_BARRIERS.values())


def test_the_shortest_story_of_a_missing_guard_is_told_step_by_step() -> None:
    guard = next(g for g in guards_of(plc_rules) if g.name == "train_of: check_people(now)")
    scope = PROVING_GROUND[0]
    mutant = without(plc_rules, guard)
    barrier = PlcBarrier(scope.layout, scope.machine, scope.levels, mutant)
    found = search(Model(scope, barrier, PlcStops(barrier, mutant)), first_only=True)
    assert found.stories == (
        "somebody walks in -> slide of level 1 from 1 to 3 begins -> R4: somebody is in the access zone",
    )


def test_a_guard_that_looks_where_it_must_not_ends_the_proof() -> None:
    posed = SensedModule(small_layout(3, (1, 0)), Machine())
    posed.pose_row(1, Gist.AT_REST)
    now = Situation(posed.plant, {}, posed.plant.mode_switch, True, False)
    posed.plant.zone_sensor_override[:] = [True, True]
    with pytest.raises(Unread):
        plc_rules.train_of(now, 1, 1, 3)
    with pytest.raises(Unread):
        HIDDEN_SIGNAL.has(Pallet.HOME)


@pytest.mark.parametrize("kind", [PlcBarrier, SupervisorBarrier])
@pytest.mark.parametrize("number", [3, -1])
def test_what_is_refused_unseen_is_refused_wherever_the_pallets_stand(
    number: int, kind: type[PlcBarrier] | type[SupervisorBarrier], monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = replace(PROVING_GROUND[number], faults=PROVING_GROUND[number].faults[:: 3 * ONE_IN])
    as_ever = Sweep(model_of(scope, kind.name))
    # given a barrier to which every question is put with the pallets where they stand
    barrier = kind(scope.layout, scope.machine, scope.levels)
    monkeypatch.setattr(barrier, "open_slides", lambda asked: barrier.slidings)
    monkeypatch.setattr(barrier, "open_lifts", lambda asked: barrier.liftings(asked.level))
    monkeypatch.setattr(barrier, "gate_unseen", lambda *_: None)
    in_full = Sweep(Model(scope, barrier, PlcStops(barrier)))
    assert in_full.run() == as_ever.run()
    assert in_full.reached() == as_ever.reached()


def test_modules_of_the_same_layout_are_searched_once_and_reported_each() -> None:
    site = site_of(*(module_layout(name, columns, (2150, 2150)) for name, columns in (("A", 3), ("B", 2), ("C", 3))))
    rows = verify_modules(site)
    assert [(row["id"], row["same_as"]) for row in rows] == [("A", None), ("B", None), ("C", "A")]
    assert rows[0]["states"] == rows[2]["states"] > rows[1]["states"]
    assert holds(rows, [])
    assert lines_of(rows, [])[-1] == f"{rows[0]['states'] + rows[1]['states']} different states"


def test_a_guard_that_is_neither_needed_nor_named_makes_the_proof_fail() -> None:
    row = {"name": "x", "barrier": "plc", "killed_by": None, "second_barrier": None}
    assert not holds([], [row])
    assert holds([], [row | {"second_barrier": "another guard sees the same"}])
    assert not holds([], [row | {"second_barrier": "another guard sees the same", "killed_by": "a story"}])


def test_a_module_of_one_level_is_proven_too() -> None:
    layout = small_layout(3, (1,))
    barrier = PlcBarrier(layout, Machine(), (1,))
    assert search(Model(Scope(layout, Machine(), (1,)), barrier, PlcStops(barrier))).violations == 0
