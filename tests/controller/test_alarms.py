"""Alarms as people get them: one for one trouble, none lost, and never one of safety set aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transitions import MachineError

from controller.alarm_book import AlarmBook, AlarmRecord
from controller.alarm_statistics import statistics_of
from controller.machines import ALARM
from controller.memory import Memory
from domain.alarm_catalogue import CATALOGUE
from domain.alarms import SHELVE_MAX_MS, AlarmId
from domain.commands import (
    AcknowledgeAlarm,
    ConfirmModule,
    PutAlarmBack,
    ResetAlarm,
    ResetFaults,
    ResumeGarage,
    ShelveAlarm,
    TakeAlarmOut,
    TakeOut,
    UnshelveAlarm,
)
from domain.events import AlarmRaised, AlarmReturned, AlarmShelved, AlarmSuppressed, AlarmUnshelved
from domain.ids import ModuleId, SpotId
from domain.moment import Moment
from domain.refusals import RefusalCode
from domain.signals import Inputs
from runtime.alarm_view import alarm_counts, alarm_list
from sim.streams import Stream, fork
from tests.garage_run import START_UTC_MS, GarageRun
from tests.sites import module_layout, site_of, small_site

A = ModuleId("A")
LOST, ESTOP = AlarmId("plc_lost:A"), AlarmId("estop:A")
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
TEN = [chr(ord("A") + number) for number in range(10)]

NORMAL, NEW, SEEN, GONE = "normal", "unacknowledged", "acknowledged", "returned_unacknowledged"
LATCHED, LATCHED_SEEN = "latched_unacknowledged", "latched_acknowledged"
SHELVED, HIDDEN, OUT = "shelved", "suppressed", "out_of_service"

TRANSITIONS: dict[str, dict[str, tuple[str, str]]] = {
    # trigger: state -> next state (no guard holds, every guard holds)
    "arise": dict.fromkeys((NORMAL, SEEN, GONE, LATCHED, LATCHED_SEEN), (NEW, NEW)),
    "go": {NEW: (GONE, LATCHED), SEEN: (NORMAL, LATCHED_SEEN), HIDDEN: (NORMAL, NORMAL)},
    "acknowledge": {NEW: (SEEN, SEEN), GONE: (NORMAL, NORMAL), LATCHED: (LATCHED_SEEN, LATCHED_SEEN)},
    "reset": {LATCHED_SEEN: (NORMAL, NORMAL)},
    "shelve": dict.fromkeys((NEW, SEEN, GONE), (SHELVED, SHELVED)),
    "unshelve": {SHELVED: (NORMAL, NEW)},
    "suppress": dict.fromkeys((NORMAL, NEW, SEEN, GONE, LATCHED, LATCHED_SEEN), (HIDDEN, HIDDEN)),
    "unsuppress": {HIDDEN: (NEW, SEEN)},
    "take_out": dict.fromkeys((NORMAL, NEW, SEEN, GONE, SHELVED, HIDDEN), (OUT, OUT)),
    "put_back": {OUT: (NORMAL, NEW)},
}


@pytest.mark.parametrize("state", ALARM.states)
@pytest.mark.parametrize("trigger", sorted({rule.trigger for rule in ALARM.rules}))
def test_every_pair_of_state_and_event(state: str, trigger: str) -> None:
    expected = TRANSITIONS[trigger].get(state)
    for answer in (False, True):
        facts = dict.fromkeys(("latches", "is_active", "was_acknowledged"), answer)
        if expected is None:
            with pytest.raises(MachineError):
                ALARM.next(state, trigger, **facts)
        else:
            assert ALARM.next(state, trigger, **facts) == expected[answer]


class Wire:
    """Breaks the wires of a run: a broken one's image grows old, the journal may be away."""

    def __init__(self, run: GarageRun) -> None:
        self.cut: set[str] = set()
        self.journal_ok = True
        self._whole: Callable[[], Inputs] = run.run._wires.inputs
        # Each run has wires of its own, so nothing needs to be put back.
        pytest.MonkeyPatch().setattr(run.run._wires, "inputs", self._inputs)

    def _inputs(self) -> Inputs:
        inputs = self._whole()
        modules = {n: replace(s, age_ms=60_000) if n in self.cut else s for n, s in inputs.module_links.items()}
        spots = {n: replace(s, age_ms=60_000) if n in self.cut else s for n, s in inputs.spot_links.items()}
        return replace(inputs, module_links=modules, spot_links=spots, journal_ok=self.journal_ok)


@pytest.fixture
def garage() -> GarageRun:
    run = GarageRun(small_site(), {"A-2-02": "京A00001"})
    run.ready()
    return run


def record(run: GarageRun, alarm: str) -> AlarmRecord:
    return run.memory.alarms.records.get(AlarmId(alarm), AlarmRecord())


def states(run: GarageRun) -> dict[str, str]:
    """What an operator sees, in the order of the list."""
    return {row["alarm"]: row["state"] for row in alarm_list(run.memory, 0)}


def told(run: GarageRun) -> list[str]:
    return [name for _, name in run.memory.alarms.told]


# -- one trouble, one alarm ---------------------------------------------------------------------------


def test_a_healthy_garage_raises_nothing_at_all(garage: GarageRun) -> None:
    garage.wait(HOUR_MS)
    assert told(garage) == []
    assert alarm_counts(garage.memory)["standing"] == 0


def test_an_emergency_stop_is_one_critical_alarm_and_not_also_a_locked_module(garage: GarageRun) -> None:
    garage.plant().press_estop()
    garage.wait(5000)
    assert garage.module().state == "locked"
    assert states(garage) == {"estop:A": NEW}
    assert record(garage, "module_locked:A").because == "estop:A"


def test_a_safety_alarm_stays_until_it_is_acknowledged_and_reset(garage: GarageRun) -> None:
    garage.plant().press_estop()
    garage.wait(5000)
    garage.plant().release_estop()
    garage.accept(ResetFaults(A, "Wang"))
    garage.wait(30_000)
    # the fault has gone, the alarm has not
    assert record(garage, ESTOP).state == LATCHED
    assert garage.refuse(ResetAlarm(ESTOP, "Wang")) is RefusalCode.ALARM_STATE
    garage.accept(AcknowledgeAlarm(ESTOP, "Wang"))
    garage.accept(ResetAlarm(ESTOP, "Wang"))
    # what it explained speaks for itself now: the module still waits for its confirmation
    garage.wait(1000)
    assert states(garage) == {"module_locked:A": NEW}


def test_what_was_put_right_together_with_its_cause_is_never_told(garage: GarageRun) -> None:
    garage.plant().press_estop()
    garage.wait(5000)
    garage.plant().release_estop()
    garage.accept(ResetFaults(A, "Wang"))
    garage.wait(1000)
    garage.accept(ConfirmModule(A, "Wang"))
    garage.wait(MINUTE_MS)
    assert told(garage) == [ESTOP]


def test_a_lost_plc_is_one_alarm_and_what_follows_from_it_none() -> None:
    # given a module that is locked and a driver who has waited too long
    garage = GarageRun(small_site(), {"A-2-02": "京A00001", "A-1-01": "京A00002"})
    garage.ready()
    wire = Wire(garage)
    garage.fetch("京A00001")
    job = garage.fetch("京A00002")
    wire.cut.add("A")
    garage.wait(2 * HOUR_MS)
    assert garage.job(job).overdue
    assert told(garage) == [LOST]
    assert states(garage) == {LOST: NEW}
    assert record(garage, f"job_overdue:{job}").because == LOST


def test_ten_plcs_lost_at_once_are_one_alarm_and_stay_one_until_the_last_is_back() -> None:
    run = GarageRun(site_of(*(module_layout(name, 3, (2150, 2150)) for name in TEN)))
    run.ready()
    wire = Wire(run)
    wire.cut.update(TEN)
    run.wait(MINUTE_MS)
    assert told(run) == ["plc_lost:*"]
    assert [row["subject"] for row in alarm_list(run.memory, 0)] == [", ".join(TEN)]
    # when they come back one by one, nothing new is told, and the list empties after the last
    run.accept(AcknowledgeAlarm(AlarmId("plc_lost:*"), "Wang"))
    for name in TEN:
        wire.cut.discard(name)
        run.wait(2 * MINUTE_MS)
    assert told(run) == ["plc_lost:*"]
    assert states(run) == {}


def test_ten_plcs_lost_one_after_another_are_at_most_three_alarms() -> None:
    run = GarageRun(site_of(*(module_layout(name, 3, (2150, 2150)) for name in TEN)))
    run.ready()
    wire = Wire(run)
    for name in TEN:
        wire.cut.add(name)
        run.wait(20_000)
    assert told(run) == ["plc_lost:A", "plc_lost:B", "plc_lost:*"]
    assert states(run) == {"plc_lost:*": NEW}


def test_who_joins_an_acknowledged_group_makes_it_speak_again() -> None:
    run = GarageRun(site_of(*(module_layout(name, 3, (2150, 2150)) for name in TEN)))
    run.ready()
    wire = Wire(run)
    wire.cut.update("ABC")
    run.wait(MINUTE_MS)
    run.accept(AcknowledgeAlarm(AlarmId("plc_lost:*"), "Wang"))
    wire.cut.add("D")
    run.wait(MINUTE_MS)
    assert states(run) == {"plc_lost:*": NEW}
    assert told(run) == ["plc_lost:*", "plc_lost:*"]


def test_the_first_of_a_burst_is_marked(garage: GarageRun) -> None:
    wire = Wire(garage)
    garage.plant().press_estop()
    garage.wait(5000)
    wire.journal_ok = False
    garage.wait(8000)
    rows = {row["alarm"]: row["first_out"] for row in alarm_list(garage.memory, 0)}
    assert rows == {"estop:A": True, "journal_away": False}


def test_a_link_that_flickers_is_one_alarm_and_a_blink_none(garage: GarageRun) -> None:
    wire = Wire(garage)
    wire.cut.add("A")
    garage.wait(3000)
    wire.cut.clear()
    garage.wait(2 * MINUTE_MS)
    assert told(garage) == []
    for _ in range(20):
        wire.cut.add("A")
        garage.wait(10_000)
        wire.cut.clear()
        garage.wait(20_000)
    assert told(garage) == [LOST]
    assert len(garage.heard(AlarmRaised)) == 1
    garage.wait(2 * MINUTE_MS)
    assert record(garage, LOST).state == GONE


def test_back_within_a_minute_of_its_return_it_is_counted_once() -> None:
    book = AlarmBook()
    book.open_since(0)
    for at_ms in (0, 30_000, 60_000, 300_000):
        book.apply(AlarmRaised(ESTOP, NEW), at_ms)
        book.apply(AlarmReturned(ESTOP, LATCHED), at_ms + 10_000)
    assert [at for at, _ in book.told] == [0, 300_000]


def test_an_absent_journal_a_silent_charger_and_a_forgotten_part_are_told() -> None:
    run = GarageRun(site_of(module_layout("A", 3, (2150, 2150)), spots=2))
    run.ready()
    wire = Wire(run)
    run.accept(TakeOut("A-2-01", "Wang", "rope"))
    wire.cut.add(SpotId("E-01"))
    wire.journal_ok = False
    run.wait(2 * MINUTE_MS)
    assert states(run) == {"journal_away": NEW, "charger_silent:E-01": NEW}
    run.wait(24 * HOUR_MS)
    assert record(run, "part_out:A-2-01").state == NEW


def test_a_gate_that_stands_open_and_a_job_that_waits_are_told_apart(garage: GarageRun) -> None:
    job = garage.store("京A77777")
    garage.wait_until(lambda: garage.job(job).session_state == "open")
    garage.wait(11 * MINUTE_MS)
    waiting = garage.store("京A88888")
    assert states(garage) == {f"driver_overdue:{job}": NEW}
    garage.wait(2 * HOUR_MS)
    assert record(garage, f"job_overdue:{waiting}").because == f"driver_overdue:{job}"


def test_a_controller_that_halts_itself_says_so_and_the_alarm_outlives_the_restart(
    garage: GarageRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(garage.run.controller._charging, "react", bug)
    garage.wait(10_000)
    assert garage.memory.garage == "halted"
    assert record(garage, "controller_halted").about == "RuntimeError: out of order"
    garage.crash()
    garage.wait(MINUTE_MS)
    assert record(garage, "controller_halted").state == GONE


def test_while_the_garage_is_halted_alarms_are_still_seen_to_and_nothing_else(
    garage: GarageRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(garage.run.controller._charging, "react", bug)
    garage.wait(10_000)
    assert garage.memory.garage == "halted"
    garage.accept(AcknowledgeAlarm(AlarmId("controller_halted"), "Wang"))
    assert record(garage, "controller_halted").state == "acknowledged"
    garage.accept(TakeAlarmOut(AlarmId("plc_lost:A"), "Wang", "being repaired"))
    assert record(garage, "plc_lost:A").state == "out_of_service"
    assert garage.refuse(AcknowledgeAlarm(AlarmId("no_such_alarm"), "Wang")) is RefusalCode.UNKNOWN_ALARM
    assert garage.refuse(ResumeGarage("Wang")) is RefusalCode.GARAGE_HALTED
    # and what was said then is known after the restart
    garage.crash()
    garage.wait(MINUTE_MS)
    assert record(garage, "plc_lost:A").state == "out_of_service"


@settings(max_examples=30, deadline=None)
@given(
    cuts=st.lists(st.tuples(st.sampled_from(["A", "B", "C", "E-01", "E-02"]), st.integers(0, 90_000)), max_size=6),
    journal_ok=st.booleans(),
    is_shelved=st.booleans(),
    fractions=st.lists(st.floats(0, 1), max_size=4),
)
def test_between_two_alarms_a_step_says_nothing(
    cuts: list[tuple[str, int]], journal_ok: bool, is_shelved: bool, fractions: list[float]
) -> None:
    """The quiet law, with delays, groups and a shelf under way; the second cut of a wire mends it."""
    run = GarageRun(site_of(*(module_layout(name, 3, (2150, 2150)) for name in "ABC"), spots=2))
    run.ready()
    wire = Wire(run)
    run.accept(TakeOut("A-2-01", "Wang", "rope"))
    for name, ms in cuts:
        wire.cut ^= {name}
        run.wait(ms)
    wire.journal_ok = journal_ok
    standing = [name for name, alarm in run.memory.alarms.records.items() if alarm.state == NEW]
    if is_shelved and standing:
        run.accept(ShelveAlarm(standing[0], HOUR_MS, "Wang", "cable"))
    now_ms, inputs, controller = -(-run.now_ms // 100) * 100, run.run._wires.inputs(), run.run.controller
    step = controller.step(Moment(now_ms, START_UTC_MS + now_ms), inputs)
    while not step.is_quiet:
        now_ms += 100
        step = controller.step(Moment(now_ms, START_UTC_MS + now_ms), inputs)
    before = asdict(run.memory)
    for fraction in sorted(fractions):
        at_ms = now_ms + int((min(step.wake_ms, now_ms + 25 * HOUR_MS) - 1 - now_ms) * fraction)
        quiet = controller.step(Moment(at_ms, START_UTC_MS + at_ms), inputs)
        assert quiet.is_quiet
        assert quiet.wake_ms >= step.wake_ms
    assert asdict(run.memory) == before


# -- what operators do --------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [kind.code for kind in CATALOGUE.values() if kind.is_safety])
def test_a_safety_alarm_is_neither_shelved_nor_taken_out(garage: GarageRun, code: str) -> None:
    alarm = AlarmId(f"{code}:A")
    assert garage.refuse(ShelveAlarm(alarm, HOUR_MS, "Wang", "noise")) is RefusalCode.ALARM_SAFETY
    assert garage.refuse(TakeAlarmOut(alarm, "Wang", "noise")) is RefusalCode.ALARM_SAFETY


def test_a_shelved_alarm_comes_back_by_itself(garage: GarageRun) -> None:
    Wire(garage).cut.add("A")
    garage.wait(MINUTE_MS)
    garage.accept(ShelveAlarm(LOST, SHELVE_MAX_MS, "Wang", "cable is being laid"))
    garage.wait(SHELVE_MAX_MS - MINUTE_MS)
    assert states(garage) == {LOST: SHELVED}
    garage.wait(2 * MINUTE_MS)
    assert states(garage) == {LOST: NEW}
    shelved, back = garage.heard(AlarmShelved)[0], garage.heard(AlarmUnshelved)[0]
    assert (shelved.operator, back.operator) == ("Wang", "")
    at = {type(one.event): one.utc_ms for one in garage.events}
    assert 0 <= at[AlarmUnshelved] - shelved.until_utc_ms < 200


def test_what_goes_while_it_is_shelved_is_not_told_again(garage: GarageRun) -> None:
    wire = Wire(garage)
    wire.cut.add("A")
    garage.wait(MINUTE_MS)
    garage.accept(ShelveAlarm(LOST, HOUR_MS, "Wang", "cable"))
    wire.cut.clear()
    garage.wait(5 * MINUTE_MS)
    garage.accept(UnshelveAlarm(LOST, "Wang"))
    garage.wait(MINUTE_MS)
    assert states(garage) == {}
    assert told(garage) == [LOST]


def test_an_alarm_out_of_service_is_not_told_until_it_is_put_back(garage: GarageRun) -> None:
    wire = Wire(garage)
    garage.accept(TakeAlarmOut(LOST, "Wang", "new switch"))
    wire.cut.add("A")
    garage.wait(HOUR_MS)
    assert told(garage) == []
    garage.accept(PutAlarmBack(LOST, "Wang"))
    assert states(garage) == {LOST: NEW}


def test_refusals_say_what_is_wrong(garage: GarageRun) -> None:
    Wire(garage).cut.add("A")
    garage.wait(MINUTE_MS)
    refuse = garage.refuse
    for unknown in ("nonsense", "plc_lost:Z", "plc_lost", "charger_silent:E-99", "part_out:A-9", "job_overdue:J1"):
        assert refuse(AcknowledgeAlarm(AlarmId(unknown), "Wang")) is RefusalCode.UNKNOWN_ALARM, unknown
    assert refuse(ShelveAlarm(LOST, SHELVE_MAX_MS + 1, "Wang", "x")) is RefusalCode.SHELVE_TIME
    assert refuse(ShelveAlarm(LOST, 0, "Wang", "x")) is RefusalCode.SHELVE_TIME
    assert refuse(UnshelveAlarm(LOST, "Wang")) is RefusalCode.ALARM_STATE
    assert refuse(PutAlarmBack(LOST, "Wang")) is RefusalCode.ALARM_STATE
    garage.accept(AcknowledgeAlarm(LOST, "Wang"))
    assert refuse(AcknowledgeAlarm(LOST, "Wang")) is RefusalCode.ALARM_STATE


# -- memory -------------------------------------------------------------------------------------------


def test_a_restart_keeps_what_was_acknowledged(garage: GarageRun) -> None:
    garage.plant().press_estop()
    garage.wait(5000)
    garage.accept(AcknowledgeAlarm(ESTOP, "Wang"))
    garage.crash()
    garage.wait(HOUR_MS)
    assert record(garage, ESTOP).state == SEEN
    assert record(garage, ESTOP).operator == "Wang"
    assert told(garage) == [ESTOP]


def test_a_snapshot_gives_the_same_alarms_back(garage: GarageRun) -> None:
    Wire(garage).cut.add("A")
    garage.wait(MINUTE_MS)
    garage.accept(ShelveAlarm(LOST, HOUR_MS, "Wang", "cable"))
    state = garage.memory.to_state()
    assert Memory.from_state(state).alarms == garage.memory.alarms
    del state["alarms"]
    assert Memory.from_state(state).alarms == AlarmBook()


def test_alarms_that_are_over_are_forgotten() -> None:
    book = AlarmBook()
    for number in range(100):
        alarm = AlarmId(f"job_overdue:J{number}")
        book.apply(AlarmSuppressed(alarm, "plc_lost:A"), number * HOUR_MS)
        book.apply(AlarmReturned(alarm, NORMAL), number * HOUR_MS + 1000)
    assert len(book.records) <= 2


# -- a month of troubles -------------------------------------------------------------------------------


def test_in_a_month_of_troubles_people_get_few_alarms_and_never_a_flood() -> None:
    """Every two hours or so something fails somewhere, once a day a whole network; somebody mends it."""
    names = "ABCD"
    run = GarageRun(site_of(*(module_layout(name, 3, (2150, 2150)) for name in names), spots=4))
    run.ready()
    wire, dice = Wire(run), fork(12, Stream.DAY, 99)
    devices = [*names, "E-01", "E-02", "E-03", "E-04"]
    troubles, until_ms = 0, run.now_ms + 30 * 24 * HOUR_MS
    while run.now_ms < until_ms:
        run.wait(int(dice.expovariate(1 / (2 * HOUR_MS))))
        troubles += 1
        kind = dice.random()
        if kind < 0.1:
            wire.cut.update(devices)
        elif kind < 0.2:
            run.plant(dice.choice(names)).press_estop()
        elif kind < 0.3:
            wire.journal_ok = False
        else:
            wire.cut.add(dice.choice(devices))
        run.wait(dice.randrange(1000, 1_800_000))
        mend(run, wire)
    figures = statistics_of(run.memory.alarms, START_UTC_MS + run.now_ms)
    assert troubles > 250
    assert 0.8 * troubles <= figures.annunciated <= 1.2 * troubles
    assert figures.mean_per_10_min <= 1
    assert figures.max_per_10_min <= 10
    assert figures.windows_over_10_pct < 1
    assert figures.stale == 0
    assert states(run) == {}


def mend(run: GarageRun, wire: Wire) -> None:
    """An operator puts everything right and works the list down."""
    wire.cut.clear()
    wire.journal_ok = True
    run.wait(10_000)
    for name, module in run.memory.modules.items():
        run.plant(name).release_estop()
        if module.state == "locked":
            run.accept(ResetFaults(name, "Wang"))
            run.wait(1000)
            run.accept(ConfirmModule(name, "Wang"))
    run.wait(90_000)
    for alarm, state in states(run).items():
        run.accept(AcknowledgeAlarm(AlarmId(alarm), "Wang"))
        if state == LATCHED:
            run.accept(ResetAlarm(AlarmId(alarm), "Wang"))


# -- figures ------------------------------------------------------------------------------------------


def test_the_figures_count_floods_and_what_stands() -> None:
    book = AlarmBook()
    book.open_since(0)
    for number in range(11):
        book.apply(AlarmRaised(AlarmId(f"charger_silent:E-{number:02d}"), NEW), number * 1000)
    book.apply(AlarmRaised(LOST, NEW), 7_200_000)
    figures = statistics_of(book, 100 * HOUR_MS)
    assert (figures.annunciated, figures.windows, figures.windows_over_10) == (12, 601, 1)
    assert (figures.max_per_10_min, figures.windows_over_10_pct) == (11, 0.166)
    assert (figures.standing, figures.stale, figures.last_day) == (12, 12, 0)
    assert figures.most_frequent[0] == ("charger_silent", 11)
    assert figures.by_priority == {"critical": 0, "high": 0, "medium": 1, "low": 11}


def test_figures_of_an_empty_book_are_zero() -> None:
    figures = statistics_of(AlarmBook(), 5_000_000)
    assert (figures.annunciated, figures.mean_per_10_min, figures.windows_over_10_pct) == (0, 0, 0)
