"""The controller dies at the worst moments; it believes the sensors, not its memory, and starts nothing."""

from __future__ import annotations

import pytest

from domain.commands import ConfirmModule, ResetFaults
from domain.events import MotionRequested
from domain.ids import ModuleId, Plate
from domain.refusals import RefusalCode
from domain.signals import GateState
from sim.plant_parts import CarBody
from tests.garage_run import SEDAN, GarageRun
from tests.sites import module_layout, site_of

A = ModuleId("A")


@pytest.fixture
def garage() -> GarageRun:
    """One module of 4 levels; the ground is taken, so that the next car goes up to level 2."""
    site = site_of(module_layout("A", 4))
    run = GarageRun(site, {f"A-1-{n:02d}": f"京G{n:05d}" for n in range(1, 4)})
    run.ready()
    return run


def unlock(garage: GarageRun) -> None:
    garage.accept(ResetFaults(A, "Wang"))
    garage.wait(1000)
    garage.accept(ConfirmModule(A, "Wang"))


def test_killed_with_a_car_half_way_up_it_waits_for_the_operator_and_then_brings_it_home(garage: GarageRun) -> None:
    # given a car on its way up
    job = garage.store("京A12345")
    garage.wait_until(lambda: _clear(garage, job) and garage.job(job).state == "returning")
    pallet = garage.plant().pallet(garage.job(job).bay)
    garage.wait(12_000)
    before_mm = pallet.z_at(garage.run.rig.now_ms)
    assert 0 < before_mm < 2150
    # when the controller is killed and comes back after the PLC's watchdog has stopped the lift
    garage.crash()
    garage.wait(10_000)
    # then nothing moves, the module is locked and says why, and the car is remembered
    stopped_mm = pallet.z_at(garage.run.rig.now_ms)
    assert before_mm <= stopped_mm < 2150
    assert garage.module().state == "locked"
    assert any(reason.startswith("pallet_unknown") for reason in garage.module().reasons)
    assert "京A12345" in garage.memory.parked
    garage.wait(600_000)
    assert pallet.z_at(garage.run.rig.now_ms) == stopped_mm
    # and only after reset and confirmation does it go home
    assert garage.refuse(ConfirmModule(A, "Wang")) is RefusalCode.PLC_FAULT
    unlock(garage)
    garage.rest()
    assert pallet.z_at(garage.run.rig.now_ms) == 2150
    assert garage.job(job).state == "done"
    assert garage.violations == []


def _clear(garage: GarageRun, job: str) -> bool:
    garage._clear_and_look(job)
    return True


def test_killed_in_the_middle_of_a_slide_the_slide_is_completed_after_confirmation(garage: GarageRun) -> None:
    # given slides under way for a pallet of level 2
    garage.see_through(garage.store("京A11111"))
    job = garage.fetch("京A11111")
    if garage.module().motions == {}:
        garage.wait(200)
    sliding = [m for m in garage.heard(MotionRequested) if isinstance(m, MotionRequested) and m.opcode == 1]
    assert sliding, "the story needs a slide"
    garage.wait(5000)
    garage.crash()
    garage.wait(10_000)
    if garage.module().state == "locked":
        unlock(garage)
    assert garage.see_through(job).state == "done"
    assert garage.violations == []


@pytest.mark.parametrize("after_ms", [100, 300, 2000, 9000, 20_000, 40_000, 70_000, 90_000, 110_000, 130_000])
def test_killed_at_any_moment_of_a_storage_no_car_is_lost_and_the_job_can_be_ended(
    garage: GarageRun, after_ms: int
) -> None:
    job = garage.store("京B22222")
    for _ in range(after_ms // 100):
        garage._clear_and_look(job)
    garage.crash()
    garage.wait(10_000)
    if garage.module().state == "locked":
        unlock(garage)
    assert garage.module().state == "ready"
    ended = garage.see_through(job)
    assert ended.state == "done"
    assert garage.memory.parked[Plate("京B22222")].bay == ended.bay
    assert garage.violations == []


def test_after_a_restart_the_driver_at_the_open_gate_is_asked_again(garage: GarageRun) -> None:
    # given a driver who has said clear, and a gate that is closing
    job = garage.store("京C33333")
    garage.wait_until(lambda: _clear(garage, job) and garage.job(job).session_state == "closing")
    garage.crash(2000)
    garage.wait(10_000)
    unlock(garage)
    # then the gate opens again and the old word does not count
    garage.wait_until(lambda: garage.job(job).session_state == "open", 60_000)
    assert garage.plant().gate_state is GateState.OPEN
    garage.wait(120_000)
    assert garage.plant().gate_state is GateState.OPEN
    assert garage.see_through(job).state == "done"


def test_a_restart_between_jobs_needs_nobody(garage: GarageRun) -> None:
    garage.see_through(garage.store("京D44444"))
    garage.crash()
    garage.ready()
    assert garage.see_through(garage.fetch("京D44444")).state == "done"


def test_a_car_that_the_journal_does_not_know_locks_the_module(garage: GarageRun) -> None:
    garage.plant().place_car(garage.run.site.modules[0].bay_names[5], CarBody("京X99999", SEDAN))
    garage.crash()
    garage.wait(10_000)
    assert garage.module().state == "locked"
    assert any(reason.startswith("occupancy_differs:A-2-03") for reason in garage.module().reasons)
    assert garage.refuse(ConfirmModule(A, "Wang")) is RefusalCode.OCCUPANCY_DIFFERS
