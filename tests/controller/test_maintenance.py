"""Wear in stories: moves are counted and measured, drift and dates raise alarms, work done begins anew."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.maintenance import Due, Standing, drifts, dues
from controller.maintenance_book import MaintenanceBook
from controller.memory import Memory
from domain.alarms import Bilingual
from domain.commands import RecordWork
from domain.events import CountersRead, MotionEnded, WorkRecorded
from domain.ids import ModuleId
from domain.maintenance import DAY_MS, RECENT_OF, USUAL_OF, Counted, MaintenancePlan, Service, Wearing
from domain.outputs import Opcode
from domain.refusals import RefusalCode
from runtime.application import load_memory
from runtime.maintenance_view import maintenance_view, table_csv
from tests.garage_run import START_UTC_MS, GarageRun
from tests.sites import module_layout, site_of, small_site

A = ModuleId("A")
PLATE = "京A12345"
ROPES = Service("ropes", Wearing.PALLET, Bilingual("Ropes", "钢丝绳"), Counted.LIFTS, 6, 0)


@pytest.fixture
def garage() -> GarageRun:
    """One pallet of the upper level stands ready for one car; all other bays are taken."""
    site = replace(small_site(), maintenance=MaintenancePlan((ROPES,)))
    cars = {bay: f"京G{n:05d}" for n, bay in enumerate(("A-1-01", "A-1-02", "A-2-02", "A-2-03"), start=1)}
    run = GarageRun(site, cars)
    run.ready()
    return run


def park_and_fetch(garage: GarageRun) -> None:
    garage.see_through(garage.store(PLATE))
    garage.see_through(garage.fetch(PLATE))
    garage.rest()


def alarms(garage: GarageRun) -> dict[str, str]:
    records = garage.memory.alarms.records
    return {name: record.about for name, record in records.items() if record.active}


# -- counting ------------------------------------------------------------------------------------


def test_a_car_in_and_out_is_counted_on_every_part_that_moved(garage: GarageRun) -> None:
    park_and_fetch(garage)
    book = garage.memory.maintenance
    lifted = book.tallies["A-2-01"]
    asked = [event for event in garage.heard(MotionEnded) if event.result == "done"]
    assert lifted.lifts == book.tallies["A"].lifts >= 2
    assert book.tallies["A-gate"].cycles >= 2
    # pallets of the row below moved out of the way, and each of them knows it
    below = [book.tallies.get(f"A-1-0{n}") for n in (1, 2)]
    assert sum(tally.slides for tally in below if tally) == book.tallies["A-1"].slides == book.tallies["A"].slides
    # a lift takes its hook and its way, and draws what its motor draws; energy is that of all motors together
    trends = lifted.trends
    machine = garage.run.site.machine
    assert trends["lower_ms"].values[0] >= machine.lowering_ms(2150)
    assert abs(trends["hook_open_ms"].values[0] - machine.hook_ms) <= 300
    assert abs(trends["hook_close_ms"].values[0] - machine.hook_ms) <= 300
    assert set(trends["raise_empty_w"].values) == {machine.lift_motor_w}
    assert book.tallies["A"].energy_j == sum(event.energy_j for event in asked) > 0


def test_only_empty_lifts_show_their_power(garage: GarageRun) -> None:
    park_and_fetch(garage)
    trends = garage.memory.maintenance.tallies["A-2-01"].trends
    # down empty and up with the car; then down with the car and up empty: one of two each
    assert len(trends["lower_ms"].values) == len(trends["raise_ms"].values) == 2
    assert len(trends["lower_empty_w"].values) == len(trends["raise_empty_w"].values) == 1


def test_the_plc_counts_the_same_and_what_it_did_alone_shows(garage: GarageRun) -> None:
    park_and_fetch(garage)
    assert len(garage.heard(CountersRead)) == 1

    def differ() -> tuple[int, int]:
        images = {name: module.image for name, module in garage.run.controller.modules.items() if module.image}
        row = maintenance_view(garage.run.site, garage.memory.maintenance, images, 0)["modules"][0]
        return row["lifts_differ"], row["slides_differ"]

    assert differ() == (0, 0)
    # somebody lifts it at the machine, without this program
    garage.run.rig.plcs[A]._counters[0] += 2
    garage.plant().press_estop()
    garage.wait(1000)
    assert differ() == (2, 0)


def test_a_plc_that_lost_its_counters_is_compared_anew() -> None:
    book = MaintenanceBook()
    book.counters_read(CountersRead(A, 1000, 2000, 50), 1)
    book.tally("A").lifts = 400
    book.counters_read(CountersRead(A, 1405, 2000, 60), 2)
    assert book.plcs[A].utc_ms == 1
    book.counters_read(CountersRead(A, 0, 0, 0), 3)
    assert (book.plcs[A].utc_ms, book.plcs[A].our_lifts) == (3, 400)


def test_a_slide_that_nobody_saw_counts_for_the_row_but_for_no_pallet() -> None:
    book = MaintenanceBook()
    book.moved(MotionEnded(A, 1, 7, "done", 0), Opcode.SLIDE, 1, 4)
    assert (book.tallies["A-1"].slides, book.tallies["A"].slides) == (3, 3)
    assert set(book.tallies) == {"A", "A-1"}
    book.moved(MotionEnded(A, 1, 8, "stopped", 5, energy_j=40), Opcode.SLIDE, 1, 4)
    assert (book.tallies["A-1"].slides, book.tallies["A"].energy_j) == (3, 40)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([Opcode.SLIDE, Opcode.LOWER, Opcode.RAISE, Opcode.GATE_OPEN, Opcode.GATE_CLOSE]),
            st.integers(1, 4),
            st.integers(1, 3),
            st.sets(st.integers(1, 3)),
            st.sampled_from(["done", "stopped"]),
            st.integers(0, 10_000),
        )
    )
)
def test_what_the_parts_have_done_adds_up_to_what_the_module_has_done(moves: list[Any]) -> None:
    book = MaintenanceBook()
    for opcode, level, index, moved, result, energy_j in moves:
        ended = MotionEnded(A, level, 7, result, 0, moved=tuple(sorted(moved)), energy_j=energy_j)
        book.moved(ended, opcode, index, index + 1)
    whole, done = book.tally(A), [move for move in moves if move[4] == "done"]
    pallets = [tally for name, tally in book.tallies.items() if name.count("-") == 2]
    rows = [tally for name, tally in book.tallies.items() if name in {f"A-{n}" for n in range(1, 5)}]
    assert whole.lifts == sum(t.lifts for t in pallets) == sum(m[0] in (Opcode.LOWER, Opcode.RAISE) for m in done)
    assert whole.slides == sum(t.slides for t in rows) >= sum(t.slides for t in pallets)
    assert whole.energy_j == sum(move[5] for move in moves)
    assert MaintenanceBook.from_state(json.loads(json.dumps(asdict(book)))) == book


# -- drift ---------------------------------------------------------------------------------------


def test_a_hoist_that_gets_slow_raises_an_alarm_until_it_was_renewed(garage: GarageRun) -> None:
    for _ in range(USUAL_OF):
        park_and_fetch(garage)
    garage.accept(RecordWork("ropes", "A", "Wang", "Zhao"))
    garage.wait(30_000)
    assert alarms(garage) == {}
    # when the motors turn at seven tenths of their speed
    garage.plant().set_damage("speed_pct", 70)
    for _ in range(RECENT_OF):
        park_and_fetch(garage)
        garage.accept(RecordWork("ropes", "A", "Wang", "Zhao"))
    garage.wait(6 * 3_600_000)
    found = list(drifts(garage.run.site.maintenance, garage.memory.maintenance))
    assert {"raise_ms", "lower_ms"} <= {drift.what for drift in found if drift.part == "A-2-01"}
    assert "A-2-01" in next(name for name in alarms(garage) if name.startswith("wear"))
    # and when everything was renewed, the alarms go at once
    garage.plant().set_damage("speed_pct", 100)
    garage.accept(RecordWork("repair", "A", "Wang", "Zhao", "new motors", renewed=True))
    garage.wait(30_000)
    assert alarms(garage) == {}


# -- what is due ---------------------------------------------------------------------------------


def test_a_service_comes_due_by_its_count_and_counts_anew_when_it_was_done(garage: GarageRun) -> None:
    for _ in range(3):
        park_and_fetch(garage)
    garage.wait(6 * 3_600_000)
    assert alarms(garage) == {"maintenance_due:A": "ropes A-2-01"}
    garage.accept(RecordWork("ropes", "A-2-01", "Wang", "Zhao", "greased"))
    garage.wait(1000)
    assert alarms(garage) == {}
    done = garage.heard(WorkRecorded)
    assert done == [WorkRecorded("ropes", ("A-2-01",), "Wang", "Zhao", "greased")]
    one = next(due for due in _dues(garage) if due.part == "A-2-01")
    assert (one.counted, one.standing, one.last.person if one.last else "") == (0, Standing.OK, "Zhao")


def test_a_date_comes_due_in_an_idle_garage_and_many_are_one_alarm() -> None:
    yearly = Service("inspection", Wearing.MODULE, Bilingual("Inspection", "检验"), every_days=10)
    layouts = [module_layout(name, 3, (2150, 2150)) for name in "ABC"]
    garage = GarageRun(replace(site_of(*layouts), maintenance=MaintenancePlan((yearly,))))
    garage.ready()
    garage.wait(9 * DAY_MS)
    assert alarms(garage) == {}
    assert {due.standing for due in _dues(garage)} == {Standing.SOON}
    garage.wait(DAY_MS + 6 * 3_600_000)
    told = {name for name, record in garage.memory.alarms.records.items() if record.state == "unacknowledged"}
    assert told == {"maintenance_due:*"}


def test_the_calendar_begins_where_somebody_said_it_was_done() -> None:
    book = MaintenanceBook(since_utc_ms=100 * DAY_MS)
    known = Service("inspection", Wearing.MODULE, Bilingual("I", "检"), every_days=30, last_utc_ms=80 * DAY_MS)
    due = next(dues(MaintenancePlan((known,)), [module_layout("A", 3)], book, 109 * DAY_MS))
    assert (due.due_utc_ms, due.standing) == (110 * DAY_MS, Standing.SOON)
    assert next(dues(MaintenancePlan((known,)), [module_layout("A", 3)], book, 110 * DAY_MS)).standing is Standing.DUE


def test_what_cannot_be_recorded_is_refused(garage: GarageRun) -> None:
    assert garage.refuse(RecordWork("polish", "A", "Wang", "Zhao")) is RefusalCode.UNKNOWN_SERVICE
    assert garage.refuse(RecordWork("ropes", "Q-2-01", "Wang", "Zhao")) is RefusalCode.UNKNOWN_PART
    # the gate has no ropes
    assert garage.refuse(RecordWork("ropes", "A-gate", "Wang", "Zhao")) is RefusalCode.UNKNOWN_SERVICE
    assert garage.heard(WorkRecorded) == []


def _dues(garage: GarageRun) -> list[Due]:
    now = START_UTC_MS + garage.now_ms
    return list(dues(garage.run.site.maintenance, garage.run.site.modules, garage.memory.maintenance, now))


# -- memory --------------------------------------------------------------------------------------


def test_counts_trends_and_works_survive_snapshots_and_replays(garage: GarageRun) -> None:
    park_and_fetch(garage)
    garage.accept(RecordWork("ropes", "A", "Wang", "Zhao"))
    garage.wait(1000)
    state = json.loads(json.dumps(garage.memory.to_state()))
    assert Memory.from_state(state).maintenance == garage.memory.maintenance
    assert load_memory(garage.journal).maintenance == garage.memory.maintenance
    del state["maintenance"]
    assert Memory.from_state(state).maintenance == MaintenanceBook()


def test_a_table_has_one_line_for_each_part_and_reads_as_csv(garage: GarageRun) -> None:
    park_and_fetch(garage)
    view = maintenance_view(garage.run.site, garage.memory.maintenance, {}, 0)
    lines = table_csv(view, "parts").splitlines()
    assert lines[0].startswith("part,kind,module,lifts,slides,run_s,energy_wh")
    assert len(lines) == 1 + 1 + 1 + 1 + 5  # heading, module, gate, row, pallets
    assert table_csv(view, "due").count("A-2-0") == 3
