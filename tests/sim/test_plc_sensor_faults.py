"""One stuck switch must not unhook a pallet or carry a car that is too heavy."""

from __future__ import annotations

from domain.ids import BayId
from domain.outputs import Opcode
from domain.signals import Pallet, Result
from domain.vehicle import Vehicle
from sim.plant import CarBody
from sim.plant_parts import Hook
from sim.rig import Rig
from tests.sim.driver import Driver
from tests.sites import small_site

BAY = BayId("A-2-03")


def test_a_closed_switch_that_is_stuck_does_not_leave_the_magnet_on() -> None:
    driver = Driver(Rig(small_site()))
    driver.wait(100)
    driver.bring_down("A-2-03")
    pallet = driver.plant.pallet(BAY)
    driver.post(2, Opcode.RAISE, 3)
    driver.wait(5000)
    assert pallet.moving
    pallet.hook = Hook.CLOSED  # what its switch says; the magnet holds it open
    answer = driver.finish(2)
    assert answer.result is Result.DONE
    assert pallet.hook_target is Hook.CLOSED, "the magnet has no power any more"


def test_a_car_that_is_too_heavy_is_not_raised_from_half_way_either() -> None:
    driver = Driver(Rig(small_site()))
    driver.wait(100)
    driver.plant.place_car(BAY, CarBody("京A00001", Vehicle("C", 5000, 1900, 1550, 2550)))
    assert driver.pallet("A-2-03").lacks(Pallet.OVERLOAD), "the hook carries it"
    driver.post(2, Opcode.LOWER, 3)
    driver.wait(10_000)
    driver.plant.press_estop()
    driver.wait(2000)
    driver.plant.release_estop()
    assert driver.ask(0, Opcode.RESET) == (Result.DONE, 0)
    assert driver.pallet("A-2-03").has(Pallet.OVERLOAD)
    assert driver.ask(2, Opcode.RAISE, 3) == (Result.REFUSED, 15)
