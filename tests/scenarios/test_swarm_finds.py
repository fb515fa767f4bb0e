"""What campaigns of faults have found, each as a story of its own with the seed's accident in slow motion."""

from __future__ import annotations

import pytest

from controller import interlocks
from domain.commands import ConfirmModule, ResetFaults
from domain.ids import ModuleId
from domain.outputs import Opcode
from domain.refusals import RefusalCode
from domain.signals import PlcMode
from sim.plc_rules import Refusal, Situation, pallet_to_lower
from tests.garage_run import GarageRun
from tests.sites import module_layout, site_of

A = ModuleId("A")
CAR = "京A12345"


def garage_with_a_slide_to_come() -> tuple[GarageRun, str]:
    """A car on level 2 above a car on level 1 that has to slide aside."""
    run = GarageRun(site_of(module_layout("A", 4)), {"A-1-01": "京G00001", "A-2-01": CAR})
    run.ready()
    return run, run.fetch(CAR)


def test_a_switch_that_sticks_hides_no_pallet_that_hangs_in_the_shaft() -> None:
    """Seed 88: two pallets of the ground stand between cells, and the cell that one has left still reads occupied."""
    # given a slide of the ground that was cut short under the shaft of a wanted car
    run, _ = garage_with_a_slide_to_come()
    run.wait_until(lambda: run.plant().moving > 0)
    run.wait(8000)
    run.plant().press_estop()
    run.wait(3000)
    adrift = [pallet for pallet in run.plant().by_level[0] if not pallet.column]
    assert adrift
    # when for every pallet adrift a switch sticks, so that the count of the level is right
    for pallet in adrift:
        run.plant().set_cell_switch(1, int(pallet.x_mm // pallet.pitch_mm) + 1, True)
    run.plant().release_estop()
    run.accept(ResetFaults(A, "wang"))
    run.wait(1000)
    image = run.run.controller.modules[A].image
    assert image is not None
    assert image.cells[0].bit_count() == len(run.plant().by_level[0])
    # then neither the supervisor nor the PLC lowers anything through that row
    layout = run.run.site.layout[A]
    reasons = interlocks.against(layout, image, Opcode.LOWER, 4, 4, 0, ())
    assert RefusalCode.PATH_BLOCKED in {reason.code for reason in reasons}
    now = Situation(run.plant(), {}, PlcMode.AUTOMATIC, heartbeat_fresh=True, faulty=False)
    for index in range(1, 5):
        with pytest.raises(Refusal, match=r"^9:"):
            pallet_to_lower(now, 4, index)


def test_a_row_in_which_every_cell_reads_occupied_locks_the_module() -> None:
    # given a slide that was cut short, whose pallets fitters have pushed on into their cells
    run, job = garage_with_a_slide_to_come()
    run.wait_until(lambda: run.plant().moving > 0)
    run.wait(14_000)
    run.plant().press_estop()
    run.wait(3000)
    for pallet in run.plant().pallets:
        run.plant().put_by_hand(pallet)
    run.plant().release_estop()
    run.accept(ResetFaults(A, "wang"))
    run.wait(1000)
    assert run.module().unfinished
    run.accept(ConfirmModule(A, "wang"))
    assert run.see_through(job).state == "done"
    # when the switch of the row's free cell sticks while nobody wants anything
    cells = run.plant().reads_cells(1)
    free = next(column for column in range(1, 5) if not cells >> (column - 1) & 1)
    run.plant().set_cell_switch(1, free, True)
    run.wait(30_000)
    # then the module is locked, the garage is not halted, and nothing has moved
    assert run.memory.garage == "automatic"
    assert run.module().state == "locked"
    assert run.run.rig.oracle.violations == []
    # and with the switch mended the module can be used again
    run.plant().set_cell_switch(1, free, None)
    run.wait(1000)
    run.accept(ConfirmModule(A, "wang"))
    assert run.see_through(run.fetch("京G00001")).state == "done"
