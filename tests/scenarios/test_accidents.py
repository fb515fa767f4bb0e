"""Accidents of the facts page, and broken things: the machine stops, people are asked, nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.job_work import JobWork
from domain.commands import CancelJob, ConfirmClear, ConfirmModule, EnterCar, Refused, ResetFaults, StrikeCar
from domain.events import FaultRaised, ModuleAdvanced, SessionAdvanced
from domain.faults import FaultNumber
from domain.ids import BayId, JobId, ModuleId, Plate
from domain.refusals import RefusalCode
from domain.signals import GateState, Inputs, LinkSignal
from domain.vehicle import Vehicle
from runtime.virtual import digest
from sim.plant_parts import CarBody
from tests.garage_run import PIN, GarageRun
from tests.sites import module_layout, site_of

A = ModuleId("A")


@pytest.fixture
def garage() -> GarageRun:
    """One module of 4 levels x 4 columns, ground taken, a car on level 3."""
    cars = {f"A-1-{n:02d}": f"京G{n:05d}" for n in range(1, 4)} | {"A-3-02": "京A12345"}
    run = GarageRun(site_of(module_layout("A", 4)), cars)
    run.wait(1000)
    return run


def unlock(garage: GarageRun) -> None:
    garage.wait(2000)
    garage.accept(ResetFaults(A, "Wang"))
    garage.wait(1000)
    garage.accept(ConfirmModule(A, "Wang"))


def numbers(garage: GarageRun) -> set[int]:
    return {event.number for event in garage.heard(FaultRaised) if isinstance(event, FaultRaised)}


def lowering(garage: GarageRun) -> str:
    """A retrieval whose pallet is on its way down."""
    job = garage.fetch("京A12345")
    garage.wait_until(lambda: garage.job(job).state == "delivering")
    garage.wait(15_000)
    assert 0 < garage.plant().pallet(garage.job(job).bay).z_at(garage.run.rig.now_ms) < 3850
    return job


def test_a_child_that_walks_in_during_a_lift_stops_it_at_once(garage: GarageRun) -> None:
    job = lowering(garage)
    garage.plant().walk_in(garage.now_ms, 20_000)
    garage.wait(1000)
    pallet = garage.plant().pallet(garage.job(job).bay)
    height_mm = pallet.z_at(garage.run.rig.now_ms)
    garage.wait(300_000)
    assert pallet.z_at(garage.run.rig.now_ms) == height_mm
    assert garage.module().state == "locked"
    assert FaultNumber.ZONE_BREACH in numbers(garage)
    unlock(garage)
    assert garage.see_through(job).state == "done"


def test_the_emergency_stop_stops_and_its_release_starts_nothing(garage: GarageRun) -> None:
    job = lowering(garage)
    garage.plant().press_estop()
    garage.wait(2000)
    pallet = garage.plant().pallet(garage.job(job).bay)
    height_mm = pallet.z_at(garage.run.rig.now_ms)
    assert garage.refuse(ConfirmModule(A, "Wang")) is RefusalCode.PLC_FAULT
    garage.plant().release_estop()
    garage.wait(60_000)
    assert pallet.z_at(garage.run.rig.now_ms) == height_mm
    assert FaultNumber.ESTOP in numbers(garage)
    unlock(garage)
    assert garage.see_through(job).state == "done"
    assert garage.violations == []


def test_somebody_in_the_closing_gate_makes_it_open_again_and_the_driver_is_asked_again(garage: GarageRun) -> None:
    job = garage.fetch("京A12345")
    garage.wait_until(lambda: _clear(garage, job) and garage.job(job).session_state == "closing")
    garage.wait(3000)
    garage.plant().walk_in(garage.now_ms, 5000)
    garage.wait(15_000)
    assert garage.plant().gate_state is GateState.OPEN
    assert garage.module().state == "ready"
    assert garage.job(job).session_state == "open"
    assert Plate("京A12345") in garage.memory.parked
    assert garage.see_through(job).state == "done"


def _clear(garage: GarageRun, job: str) -> bool:
    garage._clear_and_look(job)
    return True


def test_one_sensor_never_proves_that_the_car_has_left(garage: GarageRun) -> None:
    """Hoboken 2008: a single laser said so, and the pallet sank with the car on it."""
    job = garage.fetch("京A12345")
    garage.wait_until(lambda: garage.job(job).session_state == "open")
    garage.wait(200_000)
    garage.plant().set_loaded_sensors(garage.job(job).bay, False, True)
    garage.wait(1000)
    assert garage.refuse(ConfirmClear(JobId(job))) is RefusalCode.SENSORS_DISAGREE
    garage.wait(120_000)
    assert garage.plant().gate_state is GateState.OPEN


def test_a_driver_who_never_comes_is_noticed_and_nothing_moves(
    garage: GarageRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garage.run.crowd, "_session_opened", lambda *about: None)
    job = garage.fetch("京A12345")
    garage.wait(1_200_000)
    assert garage.job(job).overdue
    assert garage.plant().gate_state is GateState.OPEN


def test_the_plc_lost_in_the_middle_of_a_lift_stops_and_nothing_resumes_by_itself(
    garage: GarageRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = lowering(garage)
    # given the wire is cut: the PLC is fed no more, and our image gets old
    plc = garage.run.rig.plcs[A]
    wires = garage.run._wires
    whole, feed = wires.inputs, plc.feed

    def cut() -> Inputs:
        inputs = whole()
        return replace(inputs, module_links={A: LinkSignal(5000, inputs.module_links[A].identity)})

    monkeypatch.setattr(wires, "inputs", cut)
    monkeypatch.setattr(plc, "feed", lambda to_ms: None)
    garage.run.leap = False
    garage.wait(5000)
    assert garage.module().state == "offline"
    assert garage.refuse_fetch("京G00001") is RefusalCode.LINK_DOWN
    # when the wire is whole again
    monkeypatch.setattr(wires, "inputs", whole)
    monkeypatch.setattr(plc, "feed", feed)
    garage.run.leap = True
    garage.wait(10_000)
    # then the module stays locked until somebody has looked
    assert garage.module().state == "locked"
    pallet = garage.plant().pallet(garage.job(job).bay)
    height_mm = pallet.z_at(garage.run.rig.now_ms)
    garage.wait(60_000)
    assert pallet.z_at(garage.run.rig.now_ms) == height_mm
    unlock(garage)
    assert garage.see_through(job).state == "done"


def test_a_plc_that_reboots_is_reconciled_before_anything_moves(garage: GarageRun) -> None:
    garage.run.rig.plcs[A].reboot(garage.now_ms)
    garage.wait(200)
    garage.wait(20_000)
    assert FaultNumber.PLC_REBOOTED in numbers(garage)
    states = [event.state for event in garage.heard(ModuleAdvanced) if isinstance(event, ModuleAdvanced)]
    assert states.index("offline", states.index("ready")) > 0


def test_a_hook_that_does_not_open_locks_the_module_with_its_number(garage: GarageRun) -> None:
    bay = garage.run.site.modules[0].bay_names[7]
    garage.plant().force_hook_stuck(bay)
    job = garage.fetch("京A12345")
    garage.wait(120_000)
    assert garage.module().state == "locked"
    assert garage.job(job).bay == bay
    assert numbers(garage) & {FaultNumber.HOOK_NOT_OPEN, FaultNumber.MOTION_STOPPED, FaultNumber.LIFT_TIMEOUT}


def test_a_broken_invariant_stops_the_machine_and_drops_the_heartbeat(
    garage: GarageRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = lowering(garage)
    module = garage.run.controller.modules[A]
    monkeypatch.setattr(JobWork, "drive", lambda *about: 1 / 0)
    module.touched = True
    reply = garage.ask(ConfirmModule(A, "Wang"))
    assert isinstance(reply, Refused)
    assert garage.memory.garage == "halted"
    assert "ZeroDivisionError" in garage.memory.garage_reason
    assert garage.refuse_fetch("京G00001") is RefusalCode.GARAGE_HALTED
    assert garage.job(job).is_open
    # and the PLC, which is fed no more, has stopped the lift half way
    garage.run._scan(garage.now_ms + 5000)
    garage.run.rig.run_to(garage.now_ms + 5000, fed=False)
    assert garage.run.rig.plant.motors_w() == 0
    assert garage.plant().pallet(garage.job(job).bay).z_at(garage.run.rig.now_ms) > 0


def test_sessions_only_ever_close_after_two_looks(garage: GarageRun) -> None:
    job = garage.fetch("京A12345")
    garage.see_through(job)
    states = [e.state for e in garage.heard(SessionAdvanced) if isinstance(e, SessionAdvanced) and e.job == job]
    assert states == ["opening", "open", "closing", "checking", "closed"]


HEAVY = Vehicle("T", 4700, 1800, 1450, 3000)


def lying_heavy(garage: GarageRun) -> str:
    """A car that is heavier than its driver said, on a pallet of level 2."""
    from_driver = replace(HEAVY, mass_kg=2000)
    job = garage.store("京H00001", from_driver)
    garage.wait_until(lambda: garage.job(job).session_state == "open")
    garage.plant().drive_in(garage.job(job).bay, CarBody(Plate("京H00001"), HEAVY), garage.now_ms, 60_000)
    garage.wait(65_000)
    return job


def test_a_car_that_is_too_heavy_is_not_taken_and_its_driver_can_drive_out_again(
    garage: GarageRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garage.run.crowd, "_session_opened", lambda *about: None)
    job = JobId(lying_heavy(garage))
    assert garage.refuse(ConfirmClear(job)) is RefusalCode.CAR_TOO_HEAVY
    assert garage.refuse(CancelJob(job)) is RefusalCode.CAR_TOO_HEAVY
    garage.plant().drive_out(garage.job(job).bay, garage.now_ms, 40_000)
    garage.wait(45_000)
    garage.accept(CancelJob(job))
    garage.rest()
    assert garage.job(job).state == "cancelled"
    assert "京H00001" not in garage.memory.parked


def test_a_driver_who_gives_up_and_then_leaves_after_all_has_left(
    garage: GarageRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a retrieval that its driver gives up at the open gate
    monkeypatch.setattr(garage.run.crowd, "_session_opened", lambda *about: None)
    job = JobId(garage.fetch("京A12345"))
    garage.wait_until(lambda: garage.job(job).session_state == "open")
    garage.accept(CancelJob(job))
    # when somebody walks through the closing gate, it opens again, and now the car is driven out
    garage.wait(3000)
    garage.plant().walk_in(garage.now_ms, 5000)
    garage.wait_until(lambda: garage.job(job).session_state == "open")
    garage.wait(6000)
    garage.plant().drive_out(garage.job(job).bay, garage.now_ms, 40_000)
    garage.wait(45_000)
    garage.accept(ConfirmClear(job))
    garage.rest()
    # then the journal says what the sensors say
    assert garage.job(job).state == "done"
    assert "京A12345" not in garage.memory.parked


def test_giving_up_is_refused_without_a_trace_while_the_module_is_locked(
    garage: GarageRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garage.run.crowd, "_session_opened", lambda *about: None)
    job = JobId(garage.fetch("京A12345"))
    garage.wait_until(lambda: garage.job(job).session_state == "open")
    garage.plant().press_estop()
    garage.wait(1000)
    assert garage.refuse(CancelJob(job)) is RefusalCode.JOB_NOT_AT_GATE
    assert not garage.job(job).withdrawn


def test_somebody_behind_the_shut_gate_is_let_out_by_the_operator(garage: GarageRun) -> None:
    # given the gate has shut and been proven clear, and then a sensor sees somebody all the same
    job = garage.fetch("京A12345")
    garage.wait_until(lambda: _clear(garage, job) and garage.job(job).state == "returning")
    garage.plant().set_zone_sensor(0, False)
    garage.wait(20_000)
    assert garage.module().state == "locked"
    assert garage.plant().gate_state is GateState.CLOSED
    # when the operator confirms, the gate opens and the session is asked anew
    garage.accept(ResetFaults(A, "Wang"))
    garage.wait(1000)
    if garage.plant().pallet(garage.job(job).bay).on_ground:
        garage.accept(ConfirmModule(A, "Wang"))
        garage.wait(15_000)
        assert garage.plant().gate_state is GateState.OPEN
    garage.plant().set_zone_sensor(0, None)
    garage.wait(1000)
    assert garage.see_through(job).state == "done"


def test_a_gate_opened_by_hand_while_idle_locks_the_module_when_somebody_waits(garage: GarageRun) -> None:
    garage.plant().gate(True, garage.now_ms)
    garage.wait(10_000)
    garage.fetch("京A12345")
    garage.wait(30_000)
    assert garage.module().state == "locked"
    assert garage.module().reasons == ("gate_not_shut:A",)


def test_an_idle_plc_that_reboots_is_ready_again_without_anybody(garage: GarageRun) -> None:
    garage.run.rig.plcs[A].reboot(garage.now_ms)
    garage.wait(30_000)
    assert garage.module().state == "ready"
    assert garage.module().faults == ()


def test_the_operator_corrects_the_record_and_the_module_comes_back(garage: GarageRun) -> None:
    bay = garage.run.site.modules[0].bay_names[3]
    garage.plant().place_car(bay, CarBody(Plate("京X99999"), HEAVY))
    garage.crash()
    garage.wait(10_000)
    assert garage.refuse(ConfirmModule(A, "Wang")) is RefusalCode.OCCUPANCY_DIFFERS
    enter = EnterCar(bay, Plate("京X99999"), HEAVY, digest("京X99999", PIN), "Wang")
    garage.accept(enter)
    assert garage.refuse(enter) is RefusalCode.BAY_TAKEN
    garage.accept(ConfirmModule(A, "Wang"))
    assert garage.module().state == "ready"
    garage.accept(StrikeCar(bay, "Wang"))
    assert garage.refuse(StrikeCar(bay, "Wang")) is RefusalCode.BAY_EMPTY
    assert garage.refuse(StrikeCar(BayId("Z-1-01"), "Wang")) is RefusalCode.UNKNOWN_BAY
