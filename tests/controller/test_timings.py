"""The machine's own times are measured while it works, and plans and estimates go by them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from controller.queueing import times_of
from domain.commands import ConfirmModule, ResetFaults
from domain.events import JobEstimated, MotionEnded, MotionRequested, SessionAdvanced
from domain.ids import ModuleId, Plate
from domain.machine import Machine
from domain.outputs import Opcode
from scheduler.measured import ENOUGH, Times, nominal
from tests.garage_run import SEDAN, GarageRun
from tests.sites import small_site

SLOW = Machine().at_speed(80)
"""A fifth slower than its data sheet, in everything."""

A = ModuleId("A")


def times(garage: GarageRun) -> Times:
    site = garage.run.site
    return times_of(site, site.modules[0], garage.memory)


def fetch_and_store(garage: GarageRun, plate: str) -> tuple[str, str]:
    """One car out and in again; its two jobs."""
    out = garage.fetch(plate)
    garage.see_through(out)
    back = garage.store(plate)
    garage.see_through(back)
    return out, back


def told_and_waited_ms(garage: GarageRun, job: str) -> tuple[int, int]:
    """What the driver of a job was told as planned, and how long the wait was."""
    done = garage.job(job)
    told = next(e for e in garage.heard(JobEstimated) if e.job == job)
    assert told.planned_ms is not None and done.opened_utc_ms is not None
    return told.planned_ms, done.opened_utc_ms - done.estimated_utc_ms


def test_a_slow_machine_is_learnt_and_then_the_estimates_are_right() -> None:
    garage = GarageRun(small_site(), {"A-2-02": "京A00001"}, built=SLOW)
    garage.ready()
    first, _ = fetch_and_store(garage, "京A00001")
    for _ in range(2 * ENOUGH):
        fetch_and_store(garage, "京A00001")
    last, _ = fetch_and_store(garage, "京A00001")

    planned_ms, waited_ms = told_and_waited_ms(garage, first)
    assert waited_ms > 1.15 * planned_ms
    planned_ms, waited_ms = told_and_waited_ms(garage, last)
    assert abs(waited_ms - planned_ms) <= 500
    built = nominal(garage.run.site.modules[0], SLOW)
    for part, ms in times(garage).by_part().items():
        if not part.startswith("dwell") and garage.module().timings[part].median_ms is not None:
            assert 0 <= ms - built.by_part()[part] <= 300, part
    assert garage.violations == []


def test_a_machine_as_it_should_be_is_measured_with_its_wire_and_scans() -> None:
    garage = GarageRun(small_site(), {"A-2-02": "京A00001"})
    garage.ready()
    for _ in range(ENOUGH):
        fetch_and_store(garage, "京A00001")
    paper = nominal(garage.run.site.modules[0], Machine())
    assert paper.gate_open_ms <= times(garage).gate_open_ms <= paper.gate_open_ms + 200


def is_open(garage: GarageRun, job: str) -> bool:
    """Whether the gate stands open for a job."""
    return garage.job(job).session_state == "open"


def test_who_dwells_longer_than_expected_is_learnt_too() -> None:
    garage = GarageRun(small_site(), {"A-1-01": "京A00001"})
    garage.ready()
    for _ in range(ENOUGH):
        job = garage.fetch("京A00001")
        garage.wait_until(partial(is_open, garage, job))
        garage.wait(75_000)
        garage.see_through(job)
        garage.see_through(garage.store("京A00001"))
    assert times(garage).dwell_out_ms >= 75_000
    closings = [e.dwelt_ms for e in garage.heard(SessionAdvanced) if e.state == "closing"]
    assert None not in closings


def test_a_restart_breaks_a_measurement_and_so_does_the_rest_of_a_move() -> None:
    # given a slide half way when the program dies, and with it the PLC's heartbeat
    garage = GarageRun(small_site(), {"A-2-01": "京A00001"})
    garage.ready()
    job = garage.fetch("京A00001")
    garage.wait(5000)
    garage.crash()
    garage.wait(10_000)
    # when people have looked, and the row slides on from where it stands
    garage.accept(ResetFaults(A, "Wang"))
    garage.wait(1000)
    garage.accept(ConfirmModule(A, "Wang"))
    garage.wait_until(lambda: garage.job(job).state == "delivering")
    # then neither part of the slide is a measurement
    slides = {e.command_id for e in garage.heard(MotionRequested) if e.opcode == Opcode.SLIDE}
    ended = [e for e in garage.heard(MotionEnded) if e.command_id in slides]
    assert [e.result for e in ended][-1] == "done" and len(ended) > 1
    assert [e.took_ms for e in ended] == [None] * len(ended)


def test_a_driver_during_a_restart_is_not_timed() -> None:
    garage = GarageRun(small_site(), {"A-1-01": "京A00001"})
    garage.ready()
    job = garage.fetch("京A00001")
    garage.wait_until(lambda: garage.job(job).session_state == "open")
    garage.crash()
    garage.wait(10_000)
    if garage.module().state == "locked":
        garage.accept(ResetFaults(A, "Wang"))
        garage.wait(1000)
        garage.accept(ConfirmModule(A, "Wang"))
    assert garage.see_through(job).dwelt_ms is None
    assert "dwell_out" not in garage.module().timings


def test_a_pause_half_way_is_no_measurement() -> None:
    garage = GarageRun(small_site(), {"A-2-02": "京A00001"})
    garage.ready()
    job = garage.fetch("京A00001")
    garage.wait_until(lambda: garage.job(job).state == "delivering")
    garage.wait(5000)
    garage.plant().press_estop()
    garage.wait(2000)
    ended = garage.heard(MotionEnded)[-1]
    assert (ended.result, ended.took_ms) == ("stopped", None)


def test_what_moves_beside_another_is_not_timed_and_what_moves_alone_is() -> None:
    garage = GarageRun(small_site(), {"A-2-01": "京A00001"})
    garage.ready()
    fetch_and_store(garage, "京A00001")
    asked = {e.command_id: e for e in garage.heard(MotionRequested) if e.opcode < Opcode.JOG_SLIDE}
    timed = [e for e in garage.heard(MotionEnded) if e.took_ms is not None]
    assert len(timed) == len(asked)  # one row below the top: nothing ever moves beside another here


@pytest.mark.parametrize("took_ms", [1000, 200_000])
def test_what_no_gate_can_take_is_kept_out(took_ms: int) -> None:
    machine = replace(Machine(), gate_ms=took_ms)
    garage = GarageRun(small_site(), {"A-1-01": "京A00001"}, built=machine)
    garage.ready()
    garage.fetch("京A00001")
    garage.wait(20_000)
    assert "gate_open" not in garage.module().timings


def test_bays_cost_what_the_machine_that_stands_there_takes() -> None:
    garage = GarageRun(small_site(), {"A-2-02": "京A00001"}, built=SLOW)
    garage.ready()
    for _ in range(ENOUGH):
        fetch_and_store(garage, "京A00001")
    cheapest = garage.run.controller.bay_costs(SEDAN, Plate("京B00001"))[0]
    assert cheapest.wait_ms >= SLOW.gate_ms > Machine().gate_ms
