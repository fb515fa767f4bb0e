"""The tables themselves: complete, deadlined, deaf to what is not allowed."""

from __future__ import annotations

import pytest
from transitions import MachineError

from controller.machines import GARAGE, JOB, MODULE, SESSION, SPOT, TABLES, as_markdown
from controller.table import Table


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_state_that_waits_names_its_deadline(table: Table) -> None:
    assert all(deadline for deadline in table.waiting.values())
    assert set(table.waiting) <= set(table.states)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_state_is_reached_by_some_rule(table: Table) -> None:
    reached = {rule.dest for rule in table.rules} | {table.initial}
    assert reached == set(table.states)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_pair_of_state_and_trigger_is_decided(table: Table) -> None:
    triggers = {rule.trigger for rule in table.rules}
    for state in table.states:
        for trigger in triggers:
            allowed = [r for r in table.rules if r.trigger == trigger and state in (r.source, *r.source)]
            facts = {guard: True for rule in table.rules for guard in rule.guards}
            if allowed:
                assert table.next(state, trigger, **facts) in {rule.dest for rule in allowed}
            else:
                with pytest.raises(MachineError):
                    table.next(state, trigger, **facts)


def test_a_guard_that_says_no_leaves_the_state() -> None:
    assert SESSION.next("open", "confirm", is_clear=False) == "open"
    assert SESSION.next("open", "confirm", is_clear=True) == "closing"
    assert MODULE.next("locked", "confirm", sensors_allow=False) == "locked"


def test_a_guard_without_an_answer_is_a_bug() -> None:
    with pytest.raises(KeyError):
        SESSION.next("open", "confirm")


def test_nobody_leaves_halted_but_by_a_new_start() -> None:
    assert {rule.trigger for rule in GARAGE.rules if "halted" in (rule.source, *rule.source)} == {"halt", "restart"}


def test_a_withdrawn_job_ends_as_cancelled() -> None:
    assert JOB.next("returning", "finish", is_wanted=True) == "done"
    assert JOB.next("returning", "finish", is_wanted=False) == "cancelled"


def test_spot_states_are_those_of_ocpp() -> None:
    ocpp = {"Available", "Preparing", "Charging", "SuspendedEVSE", "SuspendedEV", "Finishing", "Faulted", "Unavailable"}
    assert set(SPOT.states) == ocpp


def test_the_diagrams_show_every_rule() -> None:
    text = as_markdown()
    for table in TABLES:
        for rule in table.rules:
            assert f"--> {rule.dest}: {rule.trigger}" in text
