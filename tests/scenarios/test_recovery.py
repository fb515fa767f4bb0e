"""The guided way back: whoever does what the list allows, step by step, ends with a ready module."""

from __future__ import annotations

import pytest

from controller.recovery import Act, RecoveryStep, recovery
from domain.commands import ConfirmModule, EnterCar, HangLock, RemoveLock, ResetFaults, StrikeCar
from domain.events import SessionAdvanced
from domain.ids import BayId, ModuleId, Plate
from domain.outputs import Opcode
from domain.refusals import RefusalCode
from domain.signals import PlcMode
from runtime.degraded import of_controller, stranded_view
from runtime.recovery_view import owners_view, recovery_view, waiting_jobs
from runtime.virtual import digest
from sim.plant import CarBody
from tests.garage_run import PIN, SEDAN, GarageRun
from tests.scenarios.test_manual import WANG, Desk
from tests.sites import module_layout, site_of

A = ModuleId("A")
CAR = "京A12345"
STEPS_MAX = 25


def garage_with_a_job() -> tuple[GarageRun, str]:
    """Four levels, every shaft taken below, a car on level 3 that somebody wants."""
    cars = {f"A-1-{n:02d}": f"京G{n:05d}" for n in range(1, 4)} | {"A-3-02": CAR}
    run = GarageRun(site_of(module_layout("A", 4)), cars)
    run.ready()
    return run, run.fetch(CAR)


def steps(run: GarageRun) -> tuple[RecoveryStep, ...]:
    jobs = [run.job(name) for name in run.memory.open_jobs.get(A, ())]
    job = next((one for one in jobs if one.state not in ("queued", "standing_by")), None)
    control = run.run.controller.modules[A]
    return recovery(run.run.site.layout[A], control.image, run.module(), run.memory.car_at, job)


def do(run: GarageRun, desk: Desk, step: RecoveryStep) -> None:
    """What a person at the machine or the desk does about one step."""
    match step.act:
        case Act.PULL_ESTOP:
            run.plant().release_estop()
        case Act.SUPPLY:
            run.plant().set_phase(True)
            run.plant().set_key(True)
        case Act.RESET:
            run.accept(ResetFaults(A, WANG))
        case Act.KEY_TO_MANUAL | Act.KEY_TO_AUTOMATIC:
            run.plant().set_mode(PlcMode.MANUAL if step.act is Act.KEY_TO_MANUAL else PlcMode.AUTOMATIC)
        case Act.TAKE:
            desk.take()
        case Act.GIVE_BACK:
            desk.give_back()
        case Act.CONFIRM:
            run.accept(ConfirmModule(A, WANG))
        case Act.REMOVE_LOCKS:
            run.accept(RemoveLock(A, WANG))
        case Act.STRIKE_CAR:
            run.accept(StrikeCar(BayId(step.about), WANG))
        case _:
            assert step.jog is not None, step
            desk.jog(step.jog.opcode, step.jog.mailbox, step.jog.first, step.jog.second)
    run.wait(1000)


def follow(run: GarageRun, *, by_hand: bool) -> list[Act]:
    """Do the first step that is allowed, again and again, until nothing is missing."""
    desk = Desk(run)
    done: list[Act] = []
    if by_hand:
        run.plant().set_mode(PlcMode.MANUAL)
        run.wait(1000)
    while found := steps(run):
        assert len(done) < STEPS_MAX, done
        step = next((one for one in found if not one.reasons), None)
        assert step is not None, [(one.act, one.reasons) for one in found]
        done.append(step.act)
        do(run, desk, step)
    return done


@pytest.mark.parametrize("by_hand", [False, True], ids=["as the list says", "key turned first"])
@pytest.mark.parametrize("moment_ms", [500, 3_000, 9_000, 15_000, 22_000, 30_000, 45_000, 62_000])
def test_from_any_stop_the_list_leads_back_to_a_ready_module(moment_ms: int, by_hand: bool) -> None:
    run, job = garage_with_a_job()
    run.wait(moment_ms)
    run.plant().press_estop()
    run.wait(2000)
    if run.module().state == "ready":
        run.wait_until(lambda: run.module().state == "locked")
    done = follow(run, by_hand=by_hand)
    assert done[-1] is Act.CONFIRM
    assert run.module().state == "ready"
    assert run.see_through(job).state == "done"
    assert run.violations == []


def test_a_pallet_that_hangs_is_named_with_its_jog_and_what_forbids_it_yet() -> None:
    run, _ = garage_with_a_job()
    run.wait_until(lambda: any(m.opcode == Opcode.LOWER for m in run.module().motions.values()))
    run.wait(15_000)
    run.plant().press_estop()
    run.wait(2000)
    run.plant().set_mode(PlcMode.MANUAL)
    run.wait(1000)
    hanging = next(step for step in steps(run) if step.act is Act.RAISE)
    assert hanging.about == "A-3-02"
    assert hanging.jog is not None
    assert (hanging.jog.opcode, hanging.jog.mailbox, hanging.jog.first) == (Opcode.JOG_RAISE, 3, 2)
    codes = {reason.code for reason in hanging.reasons}
    assert {RefusalCode.NOT_MANUAL, RefusalCode.PLC_FAULT, RefusalCode.SAFETY_NOT_OK} <= codes
    assert [step.act for step in steps(run)][:2] == [Act.PULL_ESTOP, Act.RESET]
    assert steps(run)[1].reasons, "no reset while the button is pressed"


def test_a_slide_that_the_journal_does_not_know_is_read_from_the_sensors() -> None:
    run = GarageRun(site_of(module_layout("A", 3, (2150, 2150))), {})
    run.ready()
    run.plant().set_mode(PlcMode.MANUAL)
    run.wait(500)
    desk = Desk(run)
    desk.take()
    desk.press(Opcode.JOG_SLIDE, 1, 2, 3)
    desk.keep_on(20_000)
    run.wait(1000)
    run.module().unfinished.clear()
    (slide,) = [step for step in steps(run) if step.act is Act.FINISH_SLIDE]
    assert slide.jog is not None
    assert (slide.jog.first, slide.jog.second) == (2, 3)
    desk.counter += 1000
    desk.jog(slide.jog.opcode, slide.jog.mailbox, slide.jog.first, slide.jog.second)
    assert run.violations == []


def test_two_pallets_between_cells_are_left_to_maintenance() -> None:
    run = GarageRun(site_of(module_layout("A", 3, (2150, 2150))), {})
    run.ready()
    run.plant().set_mode(PlcMode.MANUAL)
    run.wait(500)
    desk = Desk(run)
    desk.take()
    desk.press(Opcode.JOG_SLIDE, 1, 1, 3)
    desk.keep_on(20_000)
    run.wait(1000)
    assert [step.act for step in steps(run) if step.about == "1"] == [Act.FINISH_SLIDE]
    run.module().unfinished.clear()
    assert [step.act for step in steps(run) if step.about == "1"] == [Act.PUSH]


def test_locks_and_wrong_records_are_steps_too() -> None:
    bay = BayId("A-1-01")
    run = GarageRun(site_of(module_layout("A", 4)), {bay: CAR})
    run.ready()
    run.plant().set_loaded_sensors(bay, False, False)
    run.plant().set_key(False)
    run.wait_until(lambda: run.module().state == "locked")
    run.accept(HangLock(A, WANG, "look"))
    acts = [step.act for step in steps(run)]
    assert acts[0] is Act.REMOVE_LOCKS
    assert Act.SUPPLY in acts
    assert (Act.STRIKE_CAR, bay) in {(step.act, step.about) for step in steps(run)}
    assert follow(run, by_hand=False)[-1] is Act.CONFIRM
    assert run.module().state == "ready"


@pytest.mark.parametrize("kind", ["retrieval", "storage"])
def test_a_car_freed_by_hand_half_way_is_struck_out_and_its_job_ends(kind: str) -> None:
    cars = {"A-2-01": CAR} if kind == "retrieval" else {"A-1-01": "京G00001", "A-1-02": "京G00002"}
    run = GarageRun(site_of(module_layout("A", 3, (2150, 2150))), cars)
    run.ready()
    # given a stop with the pallet half way
    job = run.fetch(CAR) if kind == "retrieval" else run.store(CAR)
    half_way = "delivering" if kind == "retrieval" else "returning"

    run.see_until(job, half_way)
    run.wait(8000)
    bay = run.job(job).bay
    run.plant().press_estop()
    run.wait(3000)
    # when people take the car off the pallet
    run.plant().set_loaded_sensors(bay, False, False)
    run.wait(500)
    # then the list says so, whoever follows it has a ready module, and nobody is met at an empty pallet
    opened = len(run.heard(SessionAdvanced))
    assert Act.STRIKE_CAR in follow(run, by_hand=False)
    assert run.module().state == "ready"
    run.wait(200_000)
    assert run.job(job).state == ("done" if kind == "retrieval" else "cancelled")
    assert CAR not in run.memory.parked
    assert len(run.heard(SessionAdvanced)) == opened
    assert run.violations == []


def test_nobody_confirms_while_a_mechanic_is_inside() -> None:
    run, job = garage_with_a_job()
    run.wait_until(lambda: run.job(job).state == "delivering")
    run.wait(8000)
    run.plant().press_estop()
    run.wait(3000)
    run.plant().release_estop()
    run.plant().set_zone_sensor(0, False)
    run.accept(ResetFaults(A, WANG))
    run.wait(1000)
    assert (steps(run)[0].act, steps(run)[-1].act) == (Act.LEAVE_ZONE, Act.CONFIRM)
    assert run.refuse(ConfirmModule(A, WANG)) is RefusalCode.ZONE_NOT_CLEAR
    # then stepping out of sight moves nothing
    run.plant().set_zone_sensor(0, None)
    run.wait(30_000)
    assert run.module().state == "locked"
    assert not run.plant().moving
    assert follow(run, by_hand=False)[-1] is Act.CONFIRM


def test_a_car_found_on_a_pallet_on_its_way_home_is_entered() -> None:
    run = GarageRun(site_of(module_layout("A", 3, (2150, 2150))), {"A-2-01": CAR})
    run.ready()
    job = run.fetch(CAR)

    run.see_until(job, "returning")
    run.wait(8000)
    run.plant().press_estop()
    run.wait(3000)
    bay = BayId("A-2-01")
    run.plant().place_car(bay, CarBody(Plate("京X99999"), SEDAN))
    run.plant().release_estop()
    run.accept(ResetFaults(A, WANG))
    run.wait(1000)
    assert run.refuse(ConfirmModule(A, WANG)) is RefusalCode.OCCUPANCY_DIFFERS
    run.accept(EnterCar(bay, Plate("京X99999"), SEDAN, digest("京X99999", PIN), WANG))
    run.accept(ConfirmModule(A, WANG))
    run.wait(200_000)
    assert run.job(job).state == "done"
    assert run.memory.car_at == {bay: "京X99999"}


def test_a_silent_plc_and_a_ready_module() -> None:
    run, _ = garage_with_a_job()
    assert steps(run) == ()
    layout = run.run.site.layout[A]
    assert [step.act for step in recovery(layout, None, run.module(), {}, None)] == [Act.LINK]


def test_the_view_says_every_step_in_two_languages_and_who_waits() -> None:
    run, job = garage_with_a_job()
    run.wait(15_000)
    run.plant().press_estop()
    run.wait(2000)
    controller = run.run.controller
    view = recovery_view(controller, A)
    assert view["state"] == "locked"
    assert all(step["text_en"] and step["text_zh"] and "{" not in step["text_en"] for step in view["steps"])
    assert all(step["allowed"] == (step["reasons"] == []) for step in view["steps"])
    owners = owners_view(waiting_jobs(controller, A), stranded_view(of_controller(controller, A)))
    assert [(one["job"], one["bay"], one["reachable"]) for one in owners["waiting"]] == [(job, "A-3-02", True)]
