"""Work by hand in the whole garage: one holder, a held button, two people for a bypass, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from controller.memory import Memory
from domain.commands import (
    AskBypass,
    ConfirmClear,
    ConfirmModule,
    GrantBypass,
    HoldManual,
    JogMove,
    LetGo,
    Refused,
    ReleaseManual,
    ResetFaults,
    TakeManual,
)
from domain.events import (
    BypassAsked,
    BypassEnded,
    BypassGranted,
    FaultRaised,
    ManualReleased,
    ManualTaken,
    ModuleAdvanced,
    MotionEnded,
    MotionRequested,
)
from domain.faults import FaultNumber
from domain.ids import BayId, JobId, ModuleId
from domain.outputs import GATE, Bypass, Opcode, Outputs
from domain.reasons import ReasonCode, because
from domain.refusals import RefusalCode
from domain.signals import GateState, PlcMode, Result
from runtime.application import load_memory
from tests.garage_run import GarageRun
from tests.sites import module_layout, site_of

A = ModuleId("A")
WANG, LI = "Wang", "Li"
TOKEN = "digest of Wang's token"
REFRESH_MS = 200
STOP_MS = 500


class Desk:
    """An operator's page over a running garage."""

    def __init__(self, garage: GarageRun, name: str = WANG, token: str = TOKEN) -> None:
        self.garage = garage
        self.who = (A, name, token)
        self.counter = 0

    def take(self) -> None:
        self.garage.accept(TakeManual(*self.who[:2], "car stuck", self.who[2]))

    def refresh(self) -> None:
        self.counter += 1
        self.garage.accept(HoldManual(*self.who, self.counter))

    def press(self, opcode: Opcode, mailbox: int = GATE, first: int = 0, second: int = 0) -> None:
        self.counter += 1
        self.garage.accept(JogMove(*self.who, self.counter, opcode, mailbox, first, second))

    def refused(self, opcode: Opcode, mailbox: int = GATE, first: int = 0, second: int = 0) -> RefusalCode:
        self.counter += 1
        return self.garage.refuse(JogMove(*self.who, self.counter, opcode, mailbox, first, second))

    def keep_on(self, ms: int) -> None:
        """Hold for about so long."""
        end_ms = self.garage.now_ms + ms
        while self.garage.now_ms < end_ms:
            self.refresh()
            self.garage.wait(REFRESH_MS - 100)

    def jog(self, opcode: Opcode, mailbox: int = GATE, first: int = 0, second: int = 0) -> None:
        """Press, and hold until it is done."""
        self.press(opcode, mailbox, first, second)
        while self.garage.module().motions:
            self.keep_on(REFRESH_MS)
        assert self.garage.heard(MotionEnded)[-1].result == "done"
        self.garage.accept(LetGo(*self.who))

    def give_back(self) -> None:
        self.garage.accept(ReleaseManual(*self.who))


@pytest.fixture
def garage() -> GarageRun:
    """One module of 2 levels x 3 columns with a car above."""
    run = GarageRun(site_of(module_layout("A", 3, (2150, 2150))), {"A-2-01": "京A12345"})
    run.ready()
    return run


def turn_key(garage: GarageRun, mode: PlcMode = PlcMode.MANUAL) -> None:
    garage.plant().set_mode(mode)
    garage.wait(300)


@pytest.fixture
def desk(garage: GarageRun) -> Desk:
    turn_key(garage)
    desk = Desk(garage)
    desk.take()
    return desk


def still(garage: GarageRun) -> bool:
    gate = garage.plant().gate_state
    return not garage.plant().moving and gate not in (GateState.OPENING, GateState.CLOSING)


def automatic_requests(garage: GarageRun) -> list[MotionRequested]:
    return [event for event in garage.heard(MotionRequested) if not event.operator and event.opcode != Opcode.RESET]


# -- who holds it --------------------------------------------------------------------------------


def test_the_key_comes_first_and_is_only_noticed(garage: GarageRun) -> None:
    assert garage.refuse(TakeManual(A, WANG, "why", TOKEN)) is RefusalCode.KEY_NOT_MANUAL
    assert garage.plant().mode_switch is PlcMode.AUTOMATIC
    turn_key(garage)
    assert garage.module().state == "locked"
    garage.plant().set_key(False)
    garage.wait(300)
    assert garage.refuse(TakeManual(A, WANG, "why", TOKEN)) is RefusalCode.KEY_NOT_MANUAL


def test_a_second_holder_is_told_who_has_it(garage: GarageRun, desk: Desk) -> None:
    reply = garage.ask(TakeManual(A, LI, "me too", "digest of Li's token"))
    assert reply == Refused.because(RefusalCode.MANUAL_HELD, WANG)
    assert garage.refuse(JogMove(A, LI, TOKEN, 9, Opcode.JOG_SLIDE, 1, 1, 3)) is RefusalCode.NOT_HOLDER
    assert garage.refuse(JogMove(A, WANG, "another page", 9, Opcode.JOG_SLIDE, 1, 1, 3)) is RefusalCode.NOT_HOLDER
    assert garage.heard(ManualTaken) == [ManualTaken(A, WANG, "car stuck", TOKEN)]


def test_the_journal_names_the_holder_of_every_move(garage: GarageRun, desk: Desk) -> None:
    desk.jog(Opcode.JOG_SLIDE, 1, 1, 3)
    requested = garage.heard(MotionRequested)[-1]
    assert (requested.operator, requested.opcode, requested.job) == (WANG, Opcode.JOG_SLIDE, None)
    assert garage.violations == []


def test_nobody_seen_for_ten_minutes_loses_it(garage: GarageRun, desk: Desk) -> None:
    garage.wait(599_000)
    assert garage.module().state == "manual"
    garage.wait(2_000)
    assert garage.heard(ManualReleased) == [ManualReleased(A, WANG, (because(ReasonCode.NO_SIGN),))]
    assert garage.refuse(HoldManual(*desk.who, 99)) is RefusalCode.NOT_MANUAL


# -- stop within half a second, whatever is lost -------------------------------------------------------

PHASES_MS = (0, 200, 600, 1400, 2600, 8200, 40_000)


def begun(desk: Desk, opcode: Opcode) -> None:
    """Everything that the move needs before it, then the press."""
    if opcode in (Opcode.JOG_LOWER, Opcode.JOG_RAISE):
        desk.jog(Opcode.JOG_SLIDE, 1, 1, 3)
    if opcode is Opcode.JOG_RAISE:
        desk.jog(Opcode.JOG_LOWER, 2, 1)
    if opcode is Opcode.JOG_GATE_CLOSE:
        desk.jog(Opcode.JOG_GATE_OPEN)
    arguments = {Opcode.JOG_SLIDE: (1, 1, 3), Opcode.JOG_LOWER: (2, 1), Opcode.JOG_RAISE: (2, 1)}
    desk.press(opcode, *arguments.get(opcode, ()))


def tab_closed(desk: Desk) -> None:
    """No refresh comes any more."""


def released(desk: Desk) -> None:
    desk.garage.accept(LetGo(*desk.who))


def token_lost(desk: Desk) -> None:
    desk.garage.accept(ReleaseManual(*desk.who))


def key_turned(desk: Desk) -> None:
    desk.garage.plant().set_mode(PlcMode.AUTOMATIC)


def wire_cut(desk: Desk) -> None:
    """Nothing that the supervisor says reaches the PLC; the hand stays on the button."""
    pytest.MonkeyPatch().setattr(desk.garage.run._wires, "send", lambda outputs: None)


def supervisor_dead(desk: Desk) -> None:
    """The supervisor's process hangs: it neither scans nor writes."""
    run = desk.garage.run
    run.now_ms += STOP_MS
    run.rig.run_to(run.now_ms, fed=False)


LOSSES = [tab_closed, released, token_lost, key_turned, wire_cut, supervisor_dead]
JOGS = [op for op in Opcode if op.is_jog]


@pytest.mark.parametrize("lose", LOSSES)
@pytest.mark.parametrize("opcode", JOGS, ids=lambda opcode: opcode.name)
def test_it_stands_half_a_second_after_any_loss(opcode: Opcode, lose: Callable[[Desk], None]) -> None:
    for phase_ms in PHASES_MS:
        run = GarageRun(site_of(module_layout("A", 3, (2150, 2150))), {"A-2-01": "京A12345"})
        run.ready()
        turn_key(run)
        desk = Desk(run)
        desk.take()
        begun(desk, opcode)
        desk.keep_on(phase_ms)
        if not run.module().motions:
            continue
        lost_ms = run.now_ms  # the last refresh was read by the scan before this
        lose(desk)
        while run.now_ms < lost_ms + STOP_MS - 100:
            if lose is wire_cut:
                desk.refresh()
            else:
                run.wait(100)
        run.run.rig.run_to(max(run.run.rig.now_ms, lost_ms + STOP_MS), fed=True)
        assert still(run), (phase_ms, lose.__name__)
        assert automatic_requests(run) == []
        assert run.violations == []


def test_the_supervisor_lets_go_by_itself_when_the_refresh_is_missing(garage: GarageRun, desk: Desk) -> None:
    """The second barrier on its own: what it tells the PLC, not what the PLC does."""
    told: list[Outputs] = []
    send = garage.run._wires.send

    def overheard(outputs: Outputs) -> None:
        told.append(outputs)
        send(outputs)

    pytest.MonkeyPatch().setattr(garage.run._wires, "send", overheard)
    desk.press(Opcode.JOG_SLIDE, 1, 1, 3)
    desk.keep_on(2000)
    told.clear()
    garage.wait(400)
    assert [write.hold for outputs in told for write in outputs.manual] == [0]


def test_a_late_refresh_does_not_set_it_going_again(garage: GarageRun, desk: Desk) -> None:
    desk.press(Opcode.JOG_SLIDE, 1, 1, 3)
    desk.keep_on(3000)
    garage.wait(1000)
    desk.keep_on(5000)
    assert still(garage)
    assert garage.heard(MotionEnded)[-1].result == "stopped"
    assert garage.module().state == "manual"
    desk.jog(Opcode.JOG_SLIDE, 1, 1, 3)


def test_a_jog_let_go_in_the_scan_in_which_it_was_pressed_is_not_sent(garage: GarageRun, desk: Desk) -> None:
    pressed = JogMove(*desk.who, 1, Opcode.JOG_SLIDE, 1, 1, 3)
    instead = JogMove(*desk.who, 2, Opcode.JOG_GATE_OPEN, GATE, 0, 0)
    garage.run.ask(pressed, LetGo(*desk.who), instead)
    desk.counter = 2
    desk.keep_on(2000)
    image = garage.run.controller.modules[A].image
    assert image is not None
    assert (image.levels[0].reply.result, image.gate_reply.result) == (Result.NONE, Result.RUNNING)
    assert [event.result for event in garage.heard(MotionEnded)] == ["lost"]


# -- bad input -----------------------------------------------------------------------------------------


def test_replayed_and_old_counters_are_refused(garage: GarageRun, desk: Desk) -> None:
    desk.press(Opcode.JOG_SLIDE, 1, 1, 3)
    for counter in (0, desk.counter, -1):
        assert garage.refuse(HoldManual(*desk.who, counter)) is RefusalCode.OLD_COUNTER
    assert garage.refuse(JogMove(*desk.who, desk.counter, Opcode.JOG_SLIDE, 1, 1, 3)) is RefusalCode.OLD_COUNTER


@pytest.mark.parametrize(
    "move",
    [
        (Opcode.JOG_SLIDE, 0, 1, 3),
        (Opcode.JOG_SLIDE, 3, 1, 3),
        (Opcode.JOG_SLIDE, 1, 1, 1),
        (Opcode.JOG_SLIDE, 1, 0, 3),
        (Opcode.JOG_SLIDE, 1, 1, 99),
        (Opcode.JOG_LOWER, 1, 1, 0),
        (Opcode.JOG_LOWER, 2, 9, 0),
        (Opcode.JOG_RAISE, 2, 0, 0),
        (Opcode.JOG_GATE_OPEN, 1, 0, 0),
        (Opcode.SLIDE, 1, 1, 3),
        (Opcode.RESET, 0, 0, 0),
        (Opcode.NONE, 0, 0, 0),
    ],
)
def test_what_is_no_jog_of_this_module_is_refused(garage: GarageRun, desk: Desk, move: Any) -> None:
    assert desk.refused(*move) is RefusalCode.UNKNOWN_MOVE


def test_the_same_guards_as_ever_refuse_a_jog(garage: GarageRun, desk: Desk) -> None:
    assert desk.refused(Opcode.JOG_LOWER, 2, 1) is RefusalCode.PATH_BLOCKED
    garage.plant().set_zone_sensor(1, False)
    garage.wait(200)
    assert desk.refused(Opcode.JOG_SLIDE, 1, 1, 3) is RefusalCode.ZONE_NOT_CLEAR
    garage.plant().set_zone_sensor(1, None)
    garage.plant().press_estop()
    garage.wait(200)
    assert desk.refused(Opcode.JOG_SLIDE, 1, 1, 3) in (RefusalCode.PLC_FAULT, RefusalCode.SAFETY_NOT_OK)
    assert {event.number for event in garage.heard(FaultRaised)} == {FaultNumber.ESTOP}


def test_without_the_holder_nothing_is_answered_by_hand(garage: GarageRun) -> None:
    assert garage.refuse(JogMove(A, WANG, TOKEN, 1, Opcode.JOG_SLIDE, 1, 1, 3)) is RefusalCode.NOT_MANUAL
    assert garage.refuse(ReleaseManual(A, WANG, TOKEN)) is RefusalCode.NOT_MANUAL
    assert garage.refuse(GrantBypass(A, LI, Bypass.HOOK_CLOSED)) is RefusalCode.NOT_MANUAL
    assert garage.refuse(TakeManual(ModuleId("Q"), WANG, "?", TOKEN)) is RefusalCode.UNKNOWN_MODULE


def test_a_plc_that_restarts_and_does_not_count_it_is_caught(garage: GarageRun, desk: Desk) -> None:
    desk.jog(Opcode.JOG_SLIDE, 1, 1, 3)
    plc = garage.run.rig.plcs[A]
    plc.reboot(garage.now_ms)
    plc._boot_count -= 1
    plc._start()
    garage.wait(5000)
    told = [event for event in garage.heard(FaultRaised) if event.number == FaultNumber.PLC_REBOOTED]
    assert [event.about for event in told] == ["it forgot commands but counted no start"]
    assert garage.heard(ManualReleased)[-1].why == (because(ReasonCode.LINK_LOST),)
    assert garage.module().state == "locked"


# -- the front ---------------------------------------------------------------------------------------------


def test_the_front_is_locked_out(garage: GarageRun, desk: Desk) -> None:
    assert garage.refuse_fetch("京A12345") is RefusalCode.MODULE_MANUAL
    garage.wait(600_000 - 1000)
    assert automatic_requests(garage) == []


def test_a_driver_s_word_moves_nothing_while_a_module_is_in_hand() -> None:
    run = GarageRun(site_of(module_layout("A", 3, (2150, 2150))), {"A-1-01": "京A12345"})
    run.ready()
    job = run.fetch("京A12345")
    run.wait_until(lambda: run.job(job).session_state == "open")
    turn_key(run)
    Desk(run).take()
    assert run.job(job).session_state == "open"
    moved = len(run.heard(MotionRequested))
    assert run.refuse(ConfirmClear(JobId(job))) is RefusalCode.JOB_NOT_AT_GATE
    run.wait(60_000)
    assert len(run.heard(MotionRequested)) == moved


# -- two people ---------------------------------------------------------------------------------------------


def test_a_bypass_takes_two_people_one_held_move_and_is_journalled(garage: GarageRun, desk: Desk) -> None:
    garage.plant().kill_hook_switch(BayId("A-2-02"))
    garage.wait(300)
    assert desk.refused(Opcode.JOG_SLIDE, 1, 1, 3) is RefusalCode.HOIST_BUSY
    assert garage.refuse(GrantBypass(A, LI, Bypass.HOOK_CLOSED)) is RefusalCode.NO_BYPASS_ASKED
    garage.accept(AskBypass(*desk.who, Bypass.HOOK_CLOSED, "switch torn off, hook seen closed"))
    assert desk.refused(Opcode.JOG_SLIDE, 1, 1, 3) is RefusalCode.HOIST_BUSY, "asked is not granted"
    assert garage.refuse(GrantBypass(A, WANG, Bypass.HOOK_CLOSED)) is RefusalCode.SECOND_PERSON
    assert garage.refuse(GrantBypass(A, LI, Bypass.LOADED_SENSORS)) is RefusalCode.NO_BYPASS_ASKED
    garage.accept(GrantBypass(A, LI, Bypass.HOOK_CLOSED))
    desk.jog(Opcode.JOG_SLIDE, 1, 1, 3)
    assert desk.refused(Opcode.JOG_SLIDE, 1, 3, 1) is RefusalCode.HOIST_BUSY, "one move, then it is over"
    assert garage.heard(BypassAsked)[-1].reason == "switch torn off, hook seen closed"
    assert garage.heard(BypassGranted) == [BypassGranted(A, WANG, LI, 1)]
    assert garage.heard(BypassEnded) == [BypassEnded(A, 1, (because(ReasonCode.MOVE_OVER),))]
    assert garage.violations == []


def test_a_bypass_ends_with_its_move_though_the_button_is_still_held(garage: GarageRun, desk: Desk) -> None:
    garage.plant().kill_hook_switch(BayId("A-2-02"))
    garage.accept(AskBypass(*desk.who, Bypass.HOOK_CLOSED, "switch torn off, hook seen closed"))
    garage.accept(GrantBypass(A, LI, Bypass.HOOK_CLOSED))
    desk.press(Opcode.JOG_SLIDE, 1, 1, 3)
    while garage.module().motions:
        desk.keep_on(REFRESH_MS)
    desk.keep_on(REFRESH_MS)
    assert desk.refused(Opcode.JOG_SLIDE, 1, 3, 1) is RefusalCode.HOIST_BUSY
    assert garage.heard(BypassEnded) == [BypassEnded(A, 1, (because(ReasonCode.MOVE_OVER),))]


def test_holding_the_button_does_not_keep_a_bypass_for_later(garage: GarageRun, desk: Desk) -> None:
    garage.accept(AskBypass(*desk.who, Bypass.HOOK_CLOSED, "soon"))
    garage.accept(GrantBypass(A, LI, Bypass.HOOK_CLOSED))
    desk.keep_on(125_000)
    assert garage.heard(BypassEnded) == [BypassEnded(A, 1, (because(ReasonCode.NOT_USED),))]


def test_a_granted_bypass_does_not_open_what_guards_people(garage: GarageRun, desk: Desk) -> None:
    for bypass in (Bypass.HOOK_CLOSED, Bypass.LOADED_SENSORS):
        garage.accept(AskBypass(*desk.who, bypass, "try"))
        garage.accept(GrantBypass(A, LI, bypass))
        assert desk.refused(Opcode.JOG_LOWER, 2, 1) is RefusalCode.PATH_BLOCKED, "R1"
        garage.plant().set_zone_sensor(0, False)
        garage.wait(100)
        assert desk.refused(Opcode.JOG_SLIDE, 1, 1, 3) is RefusalCode.ZONE_NOT_CLEAR, "R4"
        garage.plant().set_zone_sensor(0, None)
        garage.wait(100)


def test_a_bypass_that_nobody_uses_lapses(garage: GarageRun, desk: Desk) -> None:
    garage.accept(AskBypass(*desk.who, Bypass.HOOK_CLOSED, "soon"))
    garage.accept(GrantBypass(A, LI, Bypass.HOOK_CLOSED))
    garage.wait(121_000)
    assert garage.heard(BypassEnded) == [BypassEnded(A, 1, (because(ReasonCode.NOT_USED),))]


# -- the way back -------------------------------------------------------------------------------------------


def test_the_key_back_in_automatic_starts_nothing_and_a_person_confirms(garage: GarageRun, desk: Desk) -> None:
    desk.jog(Opcode.JOG_SLIDE, 1, 1, 3)
    turn_key(garage, PlcMode.AUTOMATIC)
    garage.wait(1000)
    assert [event.state for event in garage.heard(ModuleAdvanced)][-3:] == ["manual", "reconciling", "locked"]
    assert garage.heard(ManualReleased)[-1].why == (because(ReasonCode.KEY_TURNED),)
    garage.wait(600_000)
    assert automatic_requests(garage) == []
    garage.accept(ConfirmModule(A, WANG))
    assert garage.module().state == "ready"
    assert garage.see_through(garage.fetch("京A12345")).state == "done"
    assert garage.violations == []


def test_given_back_with_the_key_still_in_manual_it_stays_locked(garage: GarageRun, desk: Desk) -> None:
    desk.give_back()
    garage.wait(1000)
    assert garage.module().state == "locked"
    assert garage.refuse(ConfirmModule(A, WANG)) is RefusalCode.PLC_NOT_AUTOMATIC
    turn_key(garage, PlcMode.AUTOMATIC)
    garage.wait(60_000)
    assert garage.module().state == "locked", "a turned key confirms nothing"
    garage.accept(ConfirmModule(A, WANG))


def test_a_pallet_left_hanging_is_brought_home_by_hand_and_the_job_goes_on() -> None:
    run = GarageRun(site_of(module_layout("A", 4)), {"A-3-02": "京A12345"})
    run.ready()
    job = run.fetch("京A12345")
    run.wait_until(lambda: run.job(job).state == "delivering")
    run.wait(15_000)
    run.plant().press_estop()
    run.wait(1000)
    run.plant().release_estop()
    turn_key(run)
    run.accept(ResetFaults(A, WANG))
    run.wait(300)
    desk = Desk(run)
    desk.take()
    before = len(automatic_requests(run))
    desk.jog(Opcode.JOG_RAISE, 3, 2)
    desk.give_back()
    turn_key(run, PlcMode.AUTOMATIC)
    run.wait(5000)
    assert len(automatic_requests(run)) == before
    run.accept(ConfirmModule(A, WANG))
    assert run.see_through(job).state == "done"
    assert run.violations == []


def test_a_pallet_put_away_by_hand_is_brought_again_before_the_gate_opens() -> None:
    # given a driver who has driven out without a word
    run = GarageRun(site_of(module_layout("A", 3, (2150, 2150))), {"A-2-01": "京A12345"})
    run.ready()
    job = run.fetch("京A12345")
    run.wait_until(lambda: run.job(job).session_state == "open")
    run.wait(90_000)
    turn_key(run)
    # when the operator shuts the gate, sends the pallet home by hand and gives the module back
    by_hand = Desk(run)
    by_hand.take()
    by_hand.jog(Opcode.JOG_GATE_CLOSE)
    by_hand.jog(Opcode.JOG_RAISE, 2, 1)
    by_hand.give_back()
    turn_key(run, PlcMode.AUTOMATIC)
    run.wait(2000)
    run.accept(ConfirmModule(A, WANG))
    # then no gate opens on a gap in the floor
    run.wait_until(lambda: run.job(job).state == "delivering")
    assert run.job(job).session_state is None
    run.wait_until(lambda: run.plant().gate_state is not GateState.CLOSED)
    assert run.plant().pallet(BayId("A-2-01")).on_ground
    assert run.see_through(job).state == "done"
    assert run.violations == []


def test_a_restart_takes_the_module_out_of_every_hand(garage: GarageRun, desk: Desk) -> None:
    desk.press(Opcode.JOG_SLIDE, 1, 1, 3)
    desk.keep_on(2000)
    garage.crash()
    assert still(garage)
    garage.wait(3000)
    assert garage.heard(ManualReleased) == [ManualReleased(A, WANG, (because(ReasonCode.CONTROLLER_STARTED),))]
    assert garage.module().state == "locked"
    assert garage.refuse(HoldManual(*desk.who, 999)) is RefusalCode.NOT_MANUAL


def test_who_holds_it_survives_a_snapshot(garage: GarageRun, desk: Desk) -> None:
    garage.accept(AskBypass(*desk.who, Bypass.HOOK_CLOSED, "torn off"))
    kept = Memory.from_state(garage.memory.to_state())
    assert kept.module(A) == garage.module()
    assert replace(load_memory(garage.journal), seq=0) == replace(garage.memory, seq=0)
