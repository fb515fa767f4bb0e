"""What stops a motion, what is left then, and how it goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.machine import HookKind
from domain.outputs import GATE, Opcode
from domain.signals import GateState, MailboxReply, Pallet, PlcMode, Result, Safety
from domain.site import Site
from domain.vehicle import VEHICLE_CLASSES
from sim.module_plant import ModulePlant
from sim.plant import CarBody
from sim.rig import Rig
from tests.sim.driver import Driver
from tests.sites import default_site, small_site


def started(site: Site) -> Driver:
    driver = Driver(Rig(site))
    driver.wait(100)
    return driver


def sliding(site: Site | None = None) -> Driver:
    driver = started(site or small_site())
    driver.post(1, Opcode.SLIDE, 1, 3, command_id=50)
    driver.last_id = 50
    driver.wait(8000)
    return driver


def lowering(site: Site | None = None) -> Driver:
    driver = started(site or small_site())
    driver.done(1, Opcode.SLIDE, 1, 3)
    driver.post(2, Opcode.LOWER, 1, command_id=50)
    driver.last_id = 50
    driver.wait(12_000)
    return driver


def walk_in(plant: ModulePlant) -> None:
    plant.walk_in(plant.clock.now_ms, 5000)


def break_gate_switch(plant: ModulePlant) -> None:
    plant.gate(True, plant.clock.now_ms)


def slack(plant: ModulePlant) -> None:
    plant.force_slack(plant.layout.bay_names[2])


def overtravel(plant: ModulePlant) -> None:
    plant.force_overtravel(plant.layout.bay_names[2])


CAUSES: list[tuple[Callable[[ModulePlant], None], int, tuple[int, ...]]] = [
    (ModulePlant.press_estop, 5, (101,)),
    (lambda plant: plant.set_phase(False), 13, (501,)),
    (lambda plant: plant.set_key(False), 13, ()),
    (lambda plant: plant.set_mode(PlcMode.MANUAL), 3, ()),
    (walk_in, 21, (201,)),
    (break_gate_switch, 6, (201,)),
    (slack, 22, (303,)),
    (overtravel, 22, (302,)),
]


@pytest.mark.parametrize(("cause", "reason", "faults"), CAUSES)
@pytest.mark.parametrize(("begin", "mailbox"), [(sliding, 1), (lowering, 2)])
def test_every_danger_stops_every_motion(
    begin: Callable[[], Driver],
    mailbox: int,
    cause: Callable[[ModulePlant], None],
    reason: int,
    faults: tuple[int, ...],
) -> None:
    driver = begin()
    assert driver.reply(mailbox).result is Result.RUNNING
    cause(driver.plant)
    driver.wait(20)
    assert driver.image().faults == faults
    assert driver.finish(mailbox) == MailboxReply(50, Result.STOPPED, reason)
    assert driver.plant.moving == 0
    assert driver.image().motors_w == 0
    pallet = driver.pallet("A-1-01" if mailbox == 1 else "A-2-01")
    assert pallet.lacks(Pallet.HOME | Pallet.GROUND | Pallet.MOVING)
    driver.wait(10_000)
    assert [v for v in driver.rig.oracle.violations if v.rule != "R4"] == []


def test_a_stop_takes_one_ramp_and_the_result_comes_when_all_stands() -> None:
    driver = sliding()
    driver.plant.press_estop()
    driver.wait(300)
    assert driver.reply(1).result is Result.RUNNING
    assert driver.pallet("A-1-01").has(Pallet.MOVING)
    driver.wait(260)
    assert driver.reply(1).result is Result.STOPPED


def test_a_stale_heartbeat_stops_the_train_half_way_and_the_same_slide_completes_it() -> None:
    driver = sliding()
    driver.wait(2600, fed=False)
    assert driver.reply(1) == MailboxReply(50, Result.STOPPED, 4)
    image = driver.image()
    assert image.faults == (701,)
    assert not image.safety & Safety.WATCHDOG_OK
    assert image.cells[0] == 0
    driver.wait(100)
    assert driver.image().faults == (701,)
    assert driver.ask(1, Opcode.SLIDE, 1, 3) == (Result.REFUSED, 19)
    driver.done(GATE, Opcode.RESET)
    driver.done(1, Opcode.SLIDE, 1, 3)
    assert driver.image().cells[0] == 0b110
    assert driver.rig.oracle.violations == []


def test_the_opposite_slide_takes_an_interrupted_train_back() -> None:
    driver = sliding()
    driver.plant.press_estop()
    driver.finish(1)
    driver.plant.release_estop()
    driver.done(GATE, Opcode.RESET)
    assert driver.ask(1, Opcode.SLIDE, 2, 3) == (Result.REFUSED, 8)
    driver.done(1, Opcode.SLIDE, 3, 1)
    assert driver.image().cells[0] == 0b011
    assert driver.rig.oracle.violations == []


def test_nothing_is_lowered_beside_a_pallet_between_two_cells() -> None:
    driver = sliding()
    driver.plant.press_estop()
    driver.finish(1)
    driver.plant.release_estop()
    driver.done(GATE, Opcode.RESET)
    for index in (1, 2, 3):
        assert driver.ask(2, Opcode.LOWER, index) == (Result.REFUSED, 9)


@pytest.mark.parametrize("kind", list(HookKind))
@pytest.mark.parametrize("after_ms", [100, 900, 2500, 3500, 12_000, 23_000])
def test_a_lowering_stopped_anywhere_is_raised_again(kind: HookKind, after_ms: int) -> None:
    driver = started(small_site(hook_kind=kind))
    driver.done(1, Opcode.SLIDE, 1, 3)
    driver.post(2, Opcode.LOWER, 1)
    driver.wait(after_ms)
    driver.plant.press_estop()
    assert driver.finish(2).result is Result.STOPPED
    driver.plant.release_estop()
    driver.done(GATE, Opcode.RESET)
    driver.wait(3000)
    assert driver.pallet("A-2-01").lacks(Pallet.GROUND | Pallet.MOVING)
    driver.done(2, Opcode.RAISE, 1)
    assert driver.pallet("A-2-01").state == Pallet.HOME | Pallet.HOOK_CLOSED
    driver.done(2, Opcode.LOWER, 1)
    assert driver.rig.oracle.violations == []


@pytest.mark.parametrize("kind", list(HookKind))
@pytest.mark.parametrize("after_ms", [100, 5000, 21_900, 22_100, 23_000, 25_000])
def test_a_raise_stopped_anywhere_is_completed_by_another(kind: HookKind, after_ms: int) -> None:
    driver = started(small_site(hook_kind=kind))
    driver.done(2, Opcode.LOWER, 3)
    driver.post(2, Opcode.RAISE, 3)
    driver.wait(after_ms)
    driver.plant.press_estop()
    driver.finish(2)
    driver.plant.release_estop()
    driver.done(GATE, Opcode.RESET)
    driver.done(2, Opcode.RAISE, 3)
    assert driver.pallet("A-2-03").state == Pallet.HOME | Pallet.HOOK_CLOSED
    assert driver.rig.oracle.violations == []


def test_a_lowering_stopped_before_it_left_home_is_hooked_again_by_itself() -> None:
    driver = started(small_site())
    driver.post(2, Opcode.LOWER, 3)
    driver.wait(1000)
    driver.plant.set_key(False)
    assert driver.finish(2).reason == 13
    driver.wait(2100)
    assert driver.pallet("A-2-03").state == Pallet.HOME | Pallet.HOOK_CLOSED


@pytest.mark.parametrize(
    ("mailbox", "asked", "fault"),
    [(1, (Opcode.SLIDE, 1, 3), 401), (2, (Opcode.LOWER, 3), 301), (GATE, (Opcode.GATE_OPEN,), 403)],
)
def test_a_move_that_misses_its_deadline_is_stopped(mailbox: int, asked: tuple[int, ...], fault: int) -> None:
    driver = started(small_site())
    driver.post(mailbox, *asked, deadline_ms=5000)
    reply = driver.finish(mailbox)
    assert (reply.result, reply.reason) == (Result.STOPPED, 14)
    assert driver.image().faults == (fault,)
    driver.done(GATE, Opcode.RESET)
    assert driver.image().faults == ()


def test_a_move_that_just_makes_its_deadline_is_done() -> None:
    driver = started(small_site())
    nominal = driver.rig.site.machine.slide_ms(2400)
    driver.post(1, Opcode.SLIDE, 1, 3, deadline_ms=nominal)
    assert driver.finish(1).result is Result.DONE


def test_a_hook_that_does_not_open_stops_the_lowering() -> None:
    driver = started(small_site())
    driver.plant.force_hook_stuck(driver.layout.bay_names[4])
    assert driver.ask(2, Opcode.LOWER, 3) == (Result.STOPPED, 16)
    assert driver.image().faults == (304,)


def test_a_hook_that_does_not_close_stops_the_raise() -> None:
    driver = started(small_site())
    driver.done(2, Opcode.LOWER, 3)
    driver.plant.force_hook_stuck(driver.layout.bay_names[4])
    assert driver.ask(2, Opcode.RAISE, 3) == (Result.STOPPED, 17)
    assert driver.image().faults == (305,)
    assert driver.pallet("A-2-03").lacks(Pallet.HOME)


def test_a_danger_stops_all_levels_of_its_module_and_no_other_module() -> None:
    rig = Rig(default_site())
    one, other = Driver(rig, "A"), Driver(rig, "B")
    one.wait(100)
    for driver in (one, other):
        for level in (1, 2, 3):
            driver.post(level, Opcode.SLIDE, 1, 10)
    one.wait(5000)
    one.plant.press_estop()
    assert [one.finish(level).result for level in (1, 2, 3)] == [Result.STOPPED] * 3
    assert [other.finish(level).result for level in (1, 2, 3)] == [Result.DONE] * 3
    assert rig.oracle.violations == []


def test_a_closing_gate_opens_again_when_somebody_walks_in() -> None:
    driver = started(small_site())
    driver.done(GATE, Opcode.GATE_OPEN)
    command = driver.post(GATE, Opcode.GATE_CLOSE)
    driver.wait(3000)
    assert driver.image().gate is GateState.CLOSING
    driver.plant.walk_in(driver.rig.now_ms, 2000)
    driver.wait(20)
    assert driver.reply(GATE) == MailboxReply(command, Result.STOPPED, 21)
    assert driver.image().gate is GateState.OPENING
    driver.wait(3000)
    assert driver.image().gate is GateState.OPEN
    assert driver.image().faults == ()
    driver.done(GATE, Opcode.GATE_CLOSE)


def test_a_gate_does_not_begin_to_close_on_somebody() -> None:
    driver = started(small_site())
    driver.done(GATE, Opcode.GATE_OPEN)
    driver.plant.drive_in(driver.layout.bay_names[0], CarBody("京A1", VEHICLE_CLASSES["X"]), driver.rig.now_ms, 9000)
    driver.wait(1000)
    assert driver.ask(GATE, Opcode.GATE_CLOSE) == (Result.STOPPED, 21)
    assert driver.image().gate is GateState.OPEN
    driver.wait(9000)
    driver.done(GATE, Opcode.GATE_CLOSE)


def test_an_emergency_stop_halts_a_gate_where_it_is_and_it_closes_later() -> None:
    driver = started(small_site())
    driver.post(GATE, Opcode.GATE_OPEN)
    driver.wait(4000)
    driver.plant.press_estop()
    driver.wait(20)
    assert driver.image().gate is GateState.UNKNOWN
    assert driver.reply(GATE).reason == 5
    driver.plant.release_estop()
    driver.done(GATE, Opcode.RESET)
    start = driver.rig.now_ms
    driver.done(GATE, Opcode.GATE_CLOSE)
    assert 3900 < driver.rig.now_ms - start < 4100


def test_a_restart_forgets_commands_but_not_faults_and_starts_nothing() -> None:
    driver = sliding()
    driver.plant.press_estop()
    driver.wait(20)
    driver.plant.release_estop()
    driver.rig.plcs[driver.module].reboot(driver.rig.now_ms)
    driver.wait(1000)
    assert driver.image().mode is PlcMode.STARTING
    assert driver.image().boot_count == 2
    assert driver.image().safety == 0
    driver.wait(3000)
    image = driver.image()
    assert (image.mode, image.faults) == (PlcMode.AUTOMATIC, (101,))
    assert driver.reply(1) == MailboxReply()
    assert driver.plant.moving == 0
    driver.done(GATE, Opcode.RESET)
    driver.done(1, Opcode.SLIDE, 1, 3)
    assert driver.rig.oracle.violations == []


def test_a_fault_that_comes_while_braking_does_not_disturb_the_braking() -> None:
    driver = sliding()
    driver.plant.press_estop()
    driver.wait(200)
    driver.plant.set_phase(False)
    assert driver.finish(1) == MailboxReply(50, Result.STOPPED, 5)
    assert driver.image().faults == (101, 501)
