"""Fire, earthquake, flood, snow and maintenance: what stops, what still moves, and that nothing starts by itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from transitions import MachineError

from controller.machines import GARAGE, MODULE
from controller.manual import LOCK_REMOVAL_MS
from controller.memory import Memory
from domain.commands import (
    Accepted,
    AskLockRemoval,
    Command,
    ConfirmModule,
    Danger,
    EndHold,
    GrantLockRemoval,
    HangLock,
    HoldGarage,
    JogMove,
    PauseGarage,
    Refused,
    ReleaseManual,
    RemoveLock,
    ResetFaults,
    ResumeGarage,
    TakeManual,
)
from domain.events import LockHung, LockRemoved, LockRemovedForOwner, MotionRequested
from domain.ids import BayId, ModuleId
from domain.outputs import Opcode
from domain.refusals import RefusalCode
from domain.signals import GateState, PlcMode
from domain.site import FireGate, Site
from plc.register_map import MANUAL_ADDRESS
from tests.garage_run import GarageRun
from tests.sites import module_layout, site_of

A = ModuleId("A")
CAR = "京A12345"


def site(fire_gate: FireGate = FireGate.STAY) -> Site:
    return replace(site_of(module_layout("A", 3, (2150, 2150))), fire_gate=fire_gate)


def ready(fire_gate: FireGate = FireGate.STAY) -> GarageRun:
    run = GarageRun(site(fire_gate), {"A-2-01": CAR})
    run.ready()
    return run


def lowering() -> tuple[GarageRun, str]:
    run = ready()
    job = run.fetch(CAR)
    run.wait_until(lambda: run.job(job).state == "delivering")
    run.wait(10_000)
    assert run.plant().moving
    return run, job


def requests(run: GarageRun) -> list[Opcode]:
    return [Opcode(event.opcode) for event in run.heard(MotionRequested)]


# -- fire --------------------------------------------------------------------------------------------


def test_in_a_fire_what_comes_down_goes_home_again_and_nobody_is_served() -> None:
    run, job = lowering()
    run.plant().set_fire(True)
    run.wait(120_000)
    assert run.memory.garage == "fire"
    assert run.memory.garage_reason == "fire: module A"
    assert requests(run)[-2:] == [Opcode.LOWER, Opcode.RAISE]
    assert run.plant().pallet(BayId("A-2-01")).home
    assert run.refuse_fetch(CAR) is RefusalCode.FIRE
    assert run.module().state == "ready"
    count = len(requests(run))
    run.plant().set_fire(False)
    run.wait(600_000)
    assert (run.memory.garage, len(requests(run))) == ("fire", count), "the alarm's end starts nothing"
    run.accept(EndHold("Wang"))
    run.wait(600_000)
    assert run.memory.garage == "paused"
    run.accept(ResumeGarage("Wang"))
    assert run.see_through(job).state == "done"
    assert run.violations == []


@pytest.mark.parametrize(
    ("fire_gate", "state"),
    [(FireGate.STAY, GateState.CLOSED), (FireGate.OPEN, GateState.OPEN), (FireGate.CLOSE, GateState.CLOSED)],
)
def test_the_gate_does_what_the_fire_plan_says(fire_gate: FireGate, state: GateState) -> None:
    run = ready(fire_gate)
    run.accept(HoldGarage("Wang", Danger.FIRE, "smoke in bay 3"))
    run.wait(60_000)
    assert run.plant().gate_state is state
    assert run.memory.garage_reason == "fire: Wang (smoke in bay 3)"


def test_an_open_gate_with_a_driver_stays_open_in_a_fire() -> None:
    run = ready(FireGate.CLOSE)
    job = run.fetch(CAR)
    run.wait_until(lambda: run.job(job).session_state == "open")
    run.accept(HoldGarage("Wang", Danger.FIRE))
    run.wait(60_000)
    assert run.plant().gate_state is GateState.OPEN


def test_the_hold_ends_only_when_the_sensors_agree() -> None:
    run = ready()
    run.plant().set_fire(True)
    run.wait(500)
    assert run.refuse(EndHold("Wang")) is RefusalCode.STILL_DANGER
    assert run.refuse(ResumeGarage("Wang")) is RefusalCode.GARAGE_MODE


# -- earthquake and weather --------------------------------------------------------------------------


def test_an_earthquake_stops_everything_until_people_have_looked() -> None:
    run, job = lowering()
    run.plant().set_quake(True)
    run.wait(1000)
    assert not run.plant().moving
    assert (run.memory.garage, run.module().state) == ("holding", "locked")
    run.plant().set_quake(False)
    run.wait(600_000)
    count = len(requests(run))
    run.accept(EndHold("Wang"))
    run.accept(ResumeGarage("Wang"))
    run.accept(ResetFaults(A, "Wang"))
    run.wait(600_000)
    assert [opcode for opcode in requests(run)[count:] if opcode is not Opcode.RESET] == []
    run.accept(ConfirmModule(A, "Wang"))
    assert run.see_through(job).state == "done"
    assert run.violations == []


@pytest.mark.parametrize("danger", [Danger.FLOOD, Danger.SNOW, Danger.STORM, Danger.EARTHQUAKE])
def test_an_operator_s_hold_lets_the_running_move_end_and_asks_no_other(danger: Danger) -> None:
    run, job = lowering()
    run.accept(HoldGarage("Wang", danger, "forecast"))
    count = len(requests(run))
    run.wait(600_000)
    assert len(requests(run)) == count
    assert run.plant().pallet(BayId("A-2-01")).on_ground
    assert run.refuse_fetch(CAR) is RefusalCode.GARAGE_HELD
    run.accept(EndHold("Wang"))
    run.accept(ResumeGarage("Wang"))
    assert run.see_through(job).state == "done"


def test_a_danger_outlives_a_restart() -> None:
    run = ready()
    run.accept(HoldGarage("Wang", Danger.SNOW))
    run.crash()
    assert run.memory.garage == "holding"
    assert Memory.from_state(run.memory.to_state()).garage == "holding"


@pytest.mark.parametrize(
    ("command", "mode", "reason"),
    [
        (HoldGarage("Wang", Danger.FLOOD, "water in the pit"), "holding", "flood: Wang (water in the pit)"),
        (HoldGarage("Wang", Danger.FIRE, "smoke"), "fire", "fire: Wang (smoke)"),
        (PauseGarage("Wang", "nobody may go in"), "paused", "Wang: nobody may go in"),
    ],
)
def test_a_mistake_of_the_program_ends_no_danger_and_no_pause(
    command: Command, mode: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a car that is being fetched when somebody calls a halt to everything
    run, _ = lowering()
    run.accept(command)
    run.wait(120_000)
    # when the controller halts itself and is started anew
    monkeypatch.setattr(run.run.controller.modules[A], "react", lambda *about: 1 / 0)
    run.ask(ResetFaults(A, "Wang"))
    assert run.memory.garage == "halted"
    assert Memory.from_state(run.memory.to_state()).halted_in == mode
    count = len(requests(run))
    run.crash()
    run.wait(600_000)
    # then all is as before, and nobody has moved anything
    assert (run.memory.garage, run.memory.garage_reason) == (mode, reason)
    assert len(requests(run)) == count


def test_a_halt_out_of_automatic_starts_in_automatic(monkeypatch: pytest.MonkeyPatch) -> None:
    run = ready()
    monkeypatch.setattr(run.run.controller.modules[A], "react", lambda *about: 1 / 0)
    run.ask(ResetFaults(A, "Wang"))
    run.crash()
    run.wait(10_000)
    assert run.memory.garage == "automatic"


# -- maintenance -------------------------------------------------------------------------------------


def test_each_person_hangs_and_removes_only_their_own_lock() -> None:
    run = ready()
    run.accept(HangLock(A, "Wang", "rope"))
    run.accept(HangLock(A, "Li", "rope, from below"))
    assert run.refuse(HangLock(A, "Li", "again")) is RefusalCode.LOCK_HANGS
    assert run.module().state == "maintenance"
    assert run.refuse_fetch(CAR) is RefusalCode.MODULE_MAINTENANCE
    assert run.refuse(RemoveLock(A, "Zhao")) is RefusalCode.LOCK_NOT_YOURS
    run.accept(RemoveLock(A, "Wang"))
    assert run.module().state == "maintenance"
    run.accept(RemoveLock(A, "Li"))
    run.wait(2000)
    assert run.module().state == "locked"
    assert [event.operator for event in run.heard(LockHung)] == ["Wang", "Li"]
    assert [event.operator for event in run.heard(LockRemoved)] == ["Wang", "Li"]
    run.accept(ConfirmModule(A, "Li"))
    assert run.see_through(run.fetch(CAR)).state == "done"


def test_the_lock_of_somebody_absent_takes_an_administrator_a_reason_and_a_second_person() -> None:
    run = ready()
    run.accept(HangLock(A, "Wang", "rope"))
    # given that Wang has gone home: nobody agrees to what nobody has asked
    assert run.refuse(GrantLockRemoval(A, "Wang", "Li")) is RefusalCode.NO_REMOVAL_ASKED
    assert run.refuse(AskLockRemoval(A, "Zhao", "Chen", "gone home")) is RefusalCode.NO_LOCK_OF_OWNER
    run.accept(AskLockRemoval(A, "Wang", "Chen", "gone home, called, nobody inside"))
    assert run.module().state == "maintenance"
    # when the one who asked agrees with themselves, or the owner does, it stays
    for alone in ("Chen", "Wang"):
        assert run.refuse(GrantLockRemoval(A, "Wang", alone)) is RefusalCode.SECOND_PERSON
    # and when another person agrees it goes, also after a restart in between
    run.crash()
    run.wait(10_000)
    run.accept(GrantLockRemoval(A, "Wang", "Li"))
    run.wait(2000)
    assert run.heard(LockRemovedForOwner) == [
        LockRemovedForOwner(A, "Wang", "Chen", "Li", "gone home, called, nobody inside")
    ]
    assert (run.module().state, run.module().locks) == ("locked", {})
    run.accept(ConfirmModule(A, "Li"))
    assert run.see_through(run.fetch(CAR)).state == "done"


def test_other_locks_stay_when_one_of_somebody_absent_goes() -> None:
    run = ready()
    run.accept(HangLock(A, "Wang", "rope"))
    run.accept(HangLock(A, "Li", "inside"))
    run.accept(AskLockRemoval(A, "Wang", "Chen", "gone home"))
    run.accept(GrantLockRemoval(A, "Wang", "Li"))
    run.wait(2000)
    assert (run.module().state, list(run.module().locks)) == ("maintenance", ["Li"])


def test_a_wish_to_remove_a_lock_is_forgotten_after_a_quarter_of_an_hour() -> None:
    run = ready()
    run.accept(HangLock(A, "Wang", "rope"))
    run.accept(AskLockRemoval(A, "Wang", "Chen", "gone home"))
    run.wait(LOCK_REMOVAL_MS)
    assert run.refuse(GrantLockRemoval(A, "Wang", "Li")) is RefusalCode.NO_REMOVAL_ASKED
    # and a lock that its owner has hung anew is another lock
    run.accept(AskLockRemoval(A, "Wang", "Chen", "gone home"))
    run.accept(RemoveLock(A, "Wang"))
    run.wait(2000)
    run.accept(HangLock(A, "Wang", "rope again"))
    assert run.refuse(GrantLockRemoval(A, "Wang", "Li")) is RefusalCode.NO_REMOVAL_ASKED


def test_a_lock_waits_for_what_moves() -> None:
    run, _ = lowering()
    assert run.refuse(HangLock(A, "Wang", "rope")) is RefusalCode.LEVEL_BUSY


def test_nothing_moves_while_a_lock_hangs_not_even_after_a_restart_or_by_hand() -> None:
    run = ready()
    run.accept(HangLock(A, "Wang", "rope"))
    run.crash()
    run.wait(10_000)
    assert run.module().state == "maintenance"
    run.plant().set_mode(PlcMode.MANUAL)
    run.wait(500)
    assert run.refuse(TakeManual(A, "Li", "?", "token")) is RefusalCode.MODULE_MAINTENANCE
    run.run.rig.plcs[A].reboot(run.now_ms)
    run.wait(30_000)
    assert run.run.rig.device("A").read_holding(MANUAL_ADDRESS + 2, 1) == [1], (
        "a PLC that starts anew is told of the locks"
    )
    assert requests(run) == []


def test_a_lock_takes_a_module_out_of_the_holder_s_hand() -> None:
    run = ready()
    run.plant().set_mode(PlcMode.MANUAL)
    run.wait(500)
    run.accept(TakeManual(A, "Wang", "stuck", "token"))
    run.accept(HangLock(A, "Li", "I am inside"))
    assert run.refuse(JogMove(A, "Wang", "token", 1, Opcode.JOG_SLIDE, 1, 1, 3)) is RefusalCode.NOT_MANUAL


# -- every mode, every event -------------------------------------------------------------------------

MODES = ("automatic", "paused", "holding", "fire")
STATES = ("ready", "locked", "manual", "maintenance")
EVENTS: dict[str, Command | str] = {
    "pause": PauseGarage("Wang", "test"),
    "resume": ResumeGarage("Wang"),
    "snow": HoldGarage("Wang", Danger.SNOW),
    "fire alarm by hand": HoldGarage("Wang", Danger.FIRE),
    "end of danger": EndHold("Wang"),
    "confirm": ConfirmModule(A, "Wang"),
    "reset": ResetFaults(A, "Wang"),
    "take": TakeManual(A, "Li", "test", "other"),
    "give back": ReleaseManual(A, "Wang", "token"),
    "hang": HangLock(A, "Li", "test"),
    "unhang": RemoveLock(A, "Wang"),
    "key to automatic": "automatic",
    "key to manual": "manual",
    "key to maintenance": "maintenance",
    "key off": "off",
    "key on": "on",
    "E-stop": "estop",
    "E-stop pulled": "estop pulled",
    "phase lost": "phase lost",
    "phase back": "phase back",
    "fire": "fire",
    "fire over": "fire over",
    "earthquake": "quake",
    "earthquake over": "quake over",
    "PLC reboot": "reboot",
}
STARTS = {("automatic", "locked", "confirm"), ("paused", "locked", "confirm"), ("paused", "ready", "resume")}
"""Where a person's deliberate word lets waiting work go on."""


def brought_into(mode: str, state: str) -> GarageRun:
    """A garage with a driver waiting in a module of this state, in this mode."""
    run = ready()
    if state == "ready":
        run.accept(PauseGarage("Wang", "set up"))
    run.plant().set_zone_sensor(0, False)  # so that the waiting job cannot set off before the event
    run.fetch(CAR) if state != "ready" else None
    if state in ("locked", "manual"):
        run.plant().set_mode(PlcMode.MANUAL)
        run.wait(500)
    if state == "manual":
        run.accept(TakeManual(A, "Wang", "test", "token"))
    if state == "maintenance":
        run.accept(HangLock(A, "Wang", "test"))
    if state == "locked":
        run.plant().set_mode(PlcMode.AUTOMATIC)
    run.plant().set_zone_sensor(0, None)
    if mode == "automatic" and state == "ready":
        run.accept(ResumeGarage("Wang"))
    elif mode == "paused" and state != "ready":
        run.accept(PauseGarage("Wang", "test"))
    elif mode in ("holding", "fire"):
        run.accept(HoldGarage("Wang", Danger.FIRE if mode == "fire" else Danger.SNOW))
    run.wait(300)
    assert (run.memory.garage, run.module().state) == (mode, state)
    return run


def happen(run: GarageRun, event: Command | str) -> Accepted | Refused | None:
    if not isinstance(event, str):
        return run.ask(event)
    plant = run.plant()
    match event:
        case "automatic" | "manual" | "maintenance":
            plant.set_mode(PlcMode[event.upper()])
        case "on" | "off":
            plant.set_key(event == "on")
        case "estop":
            plant.press_estop()
        case "estop pulled":
            plant.release_estop()
        case "phase lost" | "phase back":
            plant.set_phase(event == "phase back")
        case "fire" | "fire over":
            plant.set_fire(event == "fire")
        case "quake" | "quake over":
            plant.set_quake(event == "quake")
        case "reboot":
            run.run.rig.plcs[A].reboot(run.now_ms)
    return None


@pytest.mark.parametrize(("mode", "state"), list(product(MODES, STATES)), ids=lambda value: str(value))
def test_no_event_but_a_person_s_start_moves_anything(mode: str, state: str) -> None:
    """Promise: a change of mode alone starts nothing, in any state."""
    for name, event in EVENTS.items():
        run = brought_into(mode, state)
        before = len(run.heard(MotionRequested))
        reply = happen(run, event)
        if isinstance(reply, Refused):
            assert all(reason.code.text("zh") for reason in reply.reasons)
        run.wait(30_000)
        moved = [Opcode(e.opcode) for e in run.heard(MotionRequested)[before:] if e.opcode != Opcode.RESET]
        if (mode, state, name) not in STARTS:
            assert moved == [], (mode, state, name)
        assert run.memory.garage in GARAGE.states
        assert run.module().state in MODULE.states
        assert run.violations == []


def test_each_pair_of_mode_and_trigger_leads_where_the_table_says_or_nowhere() -> None:
    for table in (GARAGE, MODULE):
        allowed = {(s, r.trigger) for r in table.rules for s in ([r.source] if isinstance(r.source, str) else r.source)}
        for state, trigger in product(table.states, {rule.trigger for rule in table.rules}):
            facts = {guard: True for rule in table.rules for guard in rule.guards}
            if (state, trigger) in allowed:
                assert table.next(state, trigger, **facts) in table.states
            else:
                with pytest.raises(MachineError):
                    table.next(state, trigger, **facts)


def test_the_way_back_to_ready_always_goes_through_a_person() -> None:
    """From every state in which people work on a module, `ready` is reached by `confirm` only."""
    back = {rule.source: rule.dest for rule in MODULE.rules if rule.trigger in ("give_back", "untag")}
    assert back == {"manual": "reconciling", "maintenance": "reconciling"}
    assert GARAGE.next("fire", "end_alarm") == GARAGE.next("holding", "end_hold") == "paused"


def test_a_lock_outlives_restarts_of_plc_and_controller() -> None:
    run = brought_into("automatic", "locked")
    run.run.rig.plcs[A].reboot(run.now_ms)
    run.wait(30_000)
    assert run.module().state == "locked"
    run.crash()
    run.wait(30_000)
    assert run.module().state == "locked"
    run.accept(ConfirmModule(A, "Wang"))
    assert run.module().state == "ready"
