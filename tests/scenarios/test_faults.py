"""Single faults told as stories: what the PLC believes, what it stops, and how it goes on."""

from __future__ import annotations

import pytest

from domain.commands import ConfirmModule, ResetFaults
from domain.events import FaultRaised
from domain.faults import FaultNumber
from domain.ids import BayId, ModuleId
from domain.outputs import GATE, Opcode
from domain.signals import GateState, Pallet, Result
from sim.plant_parts import Hook, Motion, Switch
from sim.rig import Rig
from tests.garage_run import GarageRun
from tests.sim.driver import Driver
from tests.sites import module_layout, site_of, small_site

A = ModuleId("A")


def rows_driver() -> Driver:
    driver = Driver(Rig(site_of(module_layout("A", 4))))
    driver.wait(100)
    return driver


def sliding() -> Driver:
    """Three pallets of level 1 on their way, half a pitch done."""
    driver = rows_driver()
    driver.post(1, Opcode.SLIDE, 1, 4)
    driver.wait(8000)
    return driver


def test_a_welded_contactor_is_overruled_by_the_main_contactor_within_the_reaction_time() -> None:
    # given pallets that slide, and a contactor that no longer drops out
    driver = sliding()
    driver.plant.set_damage("contactor_welded", True)
    # when somebody walks in
    driver.plant.walk_in(driver.rig.now_ms, 5000)
    driver.wait(2000)
    # then everything stands, in time, and the fault says why
    assert driver.plant.moving == 0
    assert FaultNumber.CONTACTOR_STUCK in driver.image().faults
    assert driver.rig.oracle.violations == []
    # and nothing starts before it is mended and reset
    driver.wait(6000)
    assert driver.ask(GATE, Opcode.RESET) == (Result.REFUSED, 19)
    driver.plant.set_damage("contactor_welded", False)
    assert driver.ask(GATE, Opcode.RESET) == (Result.DONE, 0)


def test_held_outputs_do_not_leave_a_pallet_hanging_unhooked() -> None:
    """The remote I/O holds the magnet of an open hook; the main contactor takes its supply away."""
    driver = rows_driver()
    driver.done(1, Opcode.SLIDE, 1, 4)
    driver.post(2, Opcode.LOWER, 1)
    driver.wait(1500)
    driver.plant.set_damage("outputs_held", True)
    driver.wait(60_000)
    hooks = {pallet.hook for pallet in driver.plant.pallets if pallet.at_home_height}
    assert Hook.OPEN not in hooks
    assert [v for v in driver.rig.oracle.violations if v.rule in ("R1", "R3", "R5")] == []


def test_a_train_that_breaks_up_is_stopped_before_its_pallets_meet() -> None:
    driver = sliding()
    last = max((p for p in driver.plant.by_level[0] if p.moving), key=lambda p: p.x_mm)
    driver.plant.stall(last)
    driver.wait(2000)
    assert driver.plant.moving == 0
    assert driver.reply(1).result is Result.STOPPED
    assert FaultNumber.POSITION_LOST in driver.image().faults
    assert driver.rig.oracle.violations == []


@pytest.mark.parametrize(("switch", "says"), [(Switch.HOOK_CLOSED, True), (Switch.HOME, False), (Switch.HOME, True)])
def test_a_lying_switch_never_lets_a_pallet_stand_at_home_unhooked(switch: Switch, says: bool) -> None:
    # given a pallet on the ground whose switch breaks
    driver = rows_driver()
    driver.bring_down("A-2-01")
    driver.plant.set_switch(BayId("A-2-01"), switch, says)
    # when it is raised
    driver.post(2, Opcode.RAISE, 1)
    driver.wait(120_000)
    # then it hangs in its hook or stands on the ground, and no rule was broken
    pallet = driver.plant.pallet(BayId("A-2-01"))
    assert pallet.hook is Hook.CLOSED or pallet.z_mm == 0
    assert driver.rig.oracle.violations == []


@pytest.mark.parametrize("says", [True, False])
def test_a_cell_switch_that_lies_closes_its_level_to_lifts(says: bool) -> None:
    """Stuck on in the gap or stuck off under a car: the count of the level is wrong, so no shaft is free."""
    driver = rows_driver()
    driver.done(1, Opcode.SLIDE, 1, 4)
    column = 1 if says else 3
    driver.plant.set_cell_switch(1, column, says)
    driver.wait(100)
    assert driver.ask(2, Opcode.LOWER, 1) == (Result.REFUSED, 9)
    driver.plant.set_cell_switch(1, column, None)
    driver.wait(100)
    driver.done(2, Opcode.LOWER, 1)


def test_a_gate_switch_whose_channels_differ_is_no_shut_gate() -> None:
    driver = rows_driver()
    driver.done(GATE, Opcode.GATE_OPEN)
    driver.plant.set_gate_shut_switch(True)
    driver.wait(100)
    assert driver.image().gate is GateState.UNKNOWN
    assert driver.ask(1, Opcode.SLIDE, 1, 4) == (Result.REFUSED, 6)


def test_a_gate_that_does_not_move_ends_its_move_at_the_deadline() -> None:
    driver = rows_driver()
    driver.plant.set_damage("outputs_held", True)
    driver.plant.damage.outputs_held = False
    driver.plant.jam_gate(True)
    driver.post(GATE, Opcode.GATE_OPEN, deadline_ms=10_000)
    driver.wait(11_000)
    assert driver.reply(GATE).result is Result.STOPPED
    assert FaultNumber.GATE_TIMEOUT in driver.image().faults


def test_a_silent_home_switch_locks_the_module_and_costs_no_rule() -> None:
    # given a car on its way up under a home switch that has died
    garage = GarageRun(site_of(module_layout("A", 4)), {f"A-1-{n:02d}": f"京G{n:05d}" for n in range(1, 4)})
    garage.ready()
    job = garage.store("京A12345")
    garage.wait_until(lambda: not garage._clear_and_look(job) and garage.job(job).state == "returning")
    bay = garage.job(job).bay
    garage.plant().set_switch(bay, Switch.HOME, False)
    # when it arrives
    garage.wait_until(lambda: garage.module().state == "locked", 120_000)
    # then it hangs in its hook, and the fault says that the lift did not arrive
    assert garage.plant().pallet(bay).hook in (Hook.CLOSED, Hook.MOVING)
    assert any(isinstance(one, FaultRaised) for one in garage.heard(FaultRaised))
    # and once the switch is mended, reset and confirmation end the job
    garage.plant().set_switch(bay, Switch.HOME, None)
    garage.accept(ResetFaults(A, "Wang"))
    garage.wait(1000)
    garage.accept(ConfirmModule(A, "Wang"))
    garage.rest()
    assert garage.job(job).state == "done"
    assert garage.violations == []


def test_low_voltage_stops_a_lift_at_its_deadline() -> None:
    driver = Driver(Rig(small_site()))
    driver.wait(100)
    driver.done(1, Opcode.SLIDE, 1, 3)
    driver.plant.set_damage("speed_pct", 20)
    driver.post(2, Opcode.LOWER, 1, deadline_ms=40_000)
    driver.wait(45_000)
    assert driver.plant.pallets[2].motion is Motion.STILL
    assert FaultNumber.LIFT_TIMEOUT in driver.image().faults
    assert not driver.image().pallets[2].has(Pallet.GROUND)
