"""What the soft PLC refuses by itself, one story a rule."""

from __future__ import annotations

import pytest

from domain.machine import SlideMode
from domain.outputs import GATE, Opcode
from domain.signals import Pallet, PlcMode, Result, Safety
from domain.site import Site
from domain.vehicle import Vehicle
from sim.plant import CarBody
from sim.rig import Rig
from tests.sim.driver import Driver
from tests.sites import default_site, module_layout, site_of, small_site

REFUSED = Result.REFUSED


def started(site: Site) -> Driver:
    driver = Driver(Rig(site))
    driver.wait(100)
    return driver


@pytest.fixture
def small() -> Driver:
    return started(small_site())


@pytest.fixture
def big() -> Driver:
    return started(default_site())


@pytest.mark.parametrize("asked", [(0, 3), (1, 4), (2, 2)])
def test_columns_that_do_not_exist(small: Driver, asked: tuple[int, int]) -> None:
    assert small.ask(1, Opcode.SLIDE, *asked) == (REFUSED, 1)


@pytest.mark.parametrize(("level", "index"), [(1, 1), (2, 0), (2, 4)])
def test_pallets_that_do_not_exist_or_cannot_be_lowered(small: Driver, level: int, index: int) -> None:
    assert small.ask(level, Opcode.LOWER, index) == (REFUSED, 1)


@pytest.mark.parametrize("mode", [PlcMode.MANUAL, PlcMode.MAINTENANCE])
def test_nothing_by_command_unless_the_switch_is_on_automatic(small: Driver, mode: PlcMode) -> None:
    small.plant.set_mode(mode)
    assert small.ask(1, Opcode.SLIDE, 1, 3) == (REFUSED, 3)
    assert small.ask(GATE, Opcode.GATE_OPEN) == (REFUSED, 3)
    assert small.image().mode is mode


def test_nothing_while_the_heartbeat_is_stale_and_all_well_when_it_returns(small: Driver) -> None:
    small.wait(1200, fed=False)
    image = small.image()
    assert not image.safety & Safety.WATCHDOG_OK
    assert image.faults == ()
    small.post(1, Opcode.SLIDE, 1, 3)
    small.wait(20, fed=False)
    assert (small.reply(1).result, small.reply(1).reason) == (REFUSED, 4)
    small.wait(40)
    assert small.image().safety & Safety.WATCHDOG_OK
    small.done(1, Opcode.SLIDE, 1, 3)


def test_a_heartbeat_counts_only_when_its_value_changes(small: Driver) -> None:
    for beat in (5, 5, 5):
        small.device.write_holding(0, [beat])
        small.wait(900, fed=False)
    assert not small.image().safety & Safety.WATCHDOG_OK
    for beat in (6, 7, 8):
        small.device.write_holding(0, [beat])
        small.wait(900, fed=False)
        assert small.image().safety & Safety.WATCHDOG_OK


def test_nothing_while_a_gate_is_open_or_on_its_way(small: Driver) -> None:
    small.post(GATE, Opcode.GATE_OPEN)
    small.wait(1000)
    assert small.ask(1, Opcode.SLIDE, 1, 3) == (REFUSED, 6)
    small.finish(GATE)
    assert small.ask(1, Opcode.SLIDE, 1, 3) == (REFUSED, 6)
    assert small.ask(2, Opcode.LOWER, 3) == (REFUSED, 6)
    assert small.ask(2, Opcode.RAISE, 3) == (REFUSED, 6)


@pytest.mark.parametrize("sensor", [0, 1])
def test_nothing_while_either_zone_sensor_sees_somebody(small: Driver, sensor: int) -> None:
    small.plant.set_zone_sensor(sensor, False)
    assert small.ask(1, Opcode.SLIDE, 1, 3) == (REFUSED, 7)
    assert small.ask(2, Opcode.LOWER, 3) == (REFUSED, 7)
    small.plant.set_zone_sensor(sensor, None)
    small.done(1, Opcode.SLIDE, 1, 3)


def test_no_slide_onto_a_pallet(small: Driver) -> None:
    assert small.ask(1, Opcode.SLIDE, 1, 2) == (REFUSED, 9)
    small.done(1, Opcode.SLIDE, 2, 3)
    assert small.ask(1, Opcode.SLIDE, 1, 3) == (REFUSED, 9)


def test_no_slide_where_no_pallet_would_move() -> None:
    driver = started(site_of(module_layout("A", 5, (2150, 2150), gaps=(3, 0))))
    assert driver.ask(1, Opcode.SLIDE, 4, 5) == (REFUSED, 1)


def test_no_slide_through_a_blocked_cell() -> None:
    driver = started(site_of(module_layout("A", 5, (2150, 2150), blocked={1: (3,)})))
    assert driver.ask(1, Opcode.SLIDE, 1, 5) == (REFUSED, 9)
    assert driver.ask(1, Opcode.SLIDE, 2, 3) == (REFUSED, 9)


def test_no_lowering_through_a_blocked_cell() -> None:
    driver = started(site_of(module_layout("A", 5, (2150, 2150), blocked={1: (3,)})))
    assert driver.ask(2, Opcode.LOWER, 3) == (REFUSED, 9)


def test_no_lowering_onto_a_pallet_of_any_level_below(big: Driver) -> None:
    assert big.ask(4, Opcode.LOWER, 1) == (REFUSED, 9)
    big.done(1, Opcode.SLIDE, 1, 10)
    assert big.ask(4, Opcode.LOWER, 1) == (REFUSED, 9)
    big.done(2, Opcode.SLIDE, 1, 10)
    assert big.ask(4, Opcode.LOWER, 1) == (REFUSED, 9)
    big.done(3, Opcode.SLIDE, 1, 10)
    big.done(4, Opcode.LOWER, 1)


def test_no_second_pallet_leaves_its_cell(big: Driver) -> None:
    big.done(4, Opcode.LOWER, 10)
    assert big.ask(2, Opcode.LOWER, 1) == (REFUSED, 10)
    assert big.ask(4, Opcode.LOWER, 10) == (REFUSED, 8)
    big.post(4, Opcode.RAISE, 10)
    big.wait(1000)
    assert big.ask(3, Opcode.LOWER, 1) == (REFUSED, 10)


def test_no_slide_on_a_level_that_the_shaft_of_a_lowered_pallet_crosses_but_above_it(big: Driver) -> None:
    big.done(2, Opcode.SLIDE, 9, 10)
    big.done(1, Opcode.SLIDE, 9, 10)
    big.done(3, Opcode.LOWER, 9)
    for level in (1, 2, 3):
        assert big.ask(level, Opcode.SLIDE, 1, 9) in ((REFUSED, 10), (REFUSED, 9))
    assert big.ask(1, Opcode.SLIDE, 8, 9) == (REFUSED, 10)
    big.post(3, Opcode.RAISE, 9)
    big.wait(1000)
    assert big.ask(1, Opcode.SLIDE, 8, 9) == (REFUSED, 10)
    assert big.finish(3).result is Result.DONE
    big.done(1, Opcode.SLIDE, 8, 9)


def test_slides_above_a_lift_go_on() -> None:
    driver = started(site_of(module_layout("A", 4, (2150, 1700, 1700), gaps=(1, 1, 1))))
    driver.done(1, Opcode.SLIDE, 3, 4)
    driver.done(3, Opcode.SLIDE, 1, 4)
    driver.post(3, Opcode.SLIDE, 4, 1)
    driver.post(2, Opcode.LOWER, 3)
    driver.wait(1000)
    assert driver.reply(2).result is Result.RUNNING
    assert driver.reply(3).result is Result.RUNNING
    assert driver.finish(2).result is Result.DONE
    driver.done(3, Opcode.SLIDE, 1, 4)
    assert driver.rig.oracle.violations == []


def test_no_lowering_while_a_crossed_level_slides(big: Driver) -> None:
    big.post(1, Opcode.SLIDE, 5, 10)
    big.wait(100)
    assert big.ask(4, Opcode.LOWER, 10) == (REFUSED, 11)


def test_row_mode_lets_one_level_slide_at_a_time() -> None:
    driver = started(default_site(slide_mode=SlideMode.ROW))
    driver.post(1, Opcode.SLIDE, 1, 10)
    driver.wait(100)
    assert driver.ask(2, Opcode.SLIDE, 1, 10) == (REFUSED, 12)
    assert driver.finish(1).result is Result.DONE
    driver.done(2, Opcode.SLIDE, 1, 10)
    assert driver.rig.oracle.violations == []


def test_single_mode_lets_one_pallet_slide_at_a_time() -> None:
    driver = started(default_site(slide_mode=SlideMode.SINGLE))
    assert driver.ask(1, Opcode.SLIDE, 8, 10) == (REFUSED, 12)
    driver.post(1, Opcode.SLIDE, 9, 10)
    driver.wait(100)
    assert driver.ask(2, Opcode.SLIDE, 9, 10) == (REFUSED, 12)
    assert driver.finish(1).result is Result.DONE
    driver.done(1, Opcode.SLIDE, 8, 9)
    assert driver.rig.oracle.violations == []


def test_an_emergency_stop_and_a_missing_phase_are_told_apart(small: Driver) -> None:
    small.plant.press_estop()
    assert small.ask(1, Opcode.SLIDE, 1, 3) == (REFUSED, 5)
    assert small.ask(GATE, Opcode.GATE_CLOSE) == (REFUSED, 5)
    small.plant.release_estop()
    small.done(GATE, Opcode.RESET)
    small.plant.set_phase(False)
    assert small.ask(1, Opcode.SLIDE, 1, 3) == (REFUSED, 13)
    small.plant.set_phase(True)
    small.done(GATE, Opcode.RESET)
    small.plant.set_key(False)
    assert small.ask(1, Opcode.SLIDE, 1, 3) == (REFUSED, 13)
    assert not small.image().safety & Safety.DRIVE_ENABLED
    small.plant.set_key(True)
    small.done(1, Opcode.SLIDE, 1, 3)


def test_a_latched_fault_refuses_moves_until_it_is_reset(small: Driver) -> None:
    small.plant.press_estop()
    small.wait(100)
    small.plant.release_estop()
    small.wait(100)
    assert small.image().faults == (101,)
    for mailbox, asked in ((1, (Opcode.SLIDE, 1, 3)), (2, (Opcode.LOWER, 3)), (GATE, (Opcode.GATE_OPEN,))):
        assert small.ask(mailbox, *asked) == (REFUSED, 19)
    small.done(GATE, Opcode.RESET)
    assert small.image().faults == ()
    assert small.plant.moving == 0
    small.done(1, Opcode.SLIDE, 1, 3)


def test_a_reset_does_not_clear_a_fault_whose_cause_is_still_there(small: Driver) -> None:
    small.plant.press_estop()
    assert small.ask(GATE, Opcode.RESET) == (REFUSED, 19)
    assert small.image().faults == (101,)


def test_a_car_too_heavy_for_the_pallet_is_not_raised(small: Driver) -> None:
    truck = CarBody("京A00001", Vehicle("C", 5000, 1900, 1550, 2550))
    small.done(2, Opcode.LOWER, 3)
    small.done(GATE, Opcode.GATE_OPEN)
    bay = small.layout.bay_names[4]
    small.plant.drive_in(bay, truck, small.rig.now_ms, 10_000)
    small.wait(11_000)
    assert small.pallet("A-2-03").has(Pallet.OVERLOAD)
    small.done(GATE, Opcode.GATE_CLOSE)
    assert small.ask(2, Opcode.RAISE, 3) == (REFUSED, 15)
    small.done(GATE, Opcode.GATE_OPEN)
    small.plant.drive_out(bay, small.rig.now_ms, 10_000)
    small.wait(11_000)
    small.done(GATE, Opcode.GATE_CLOSE)
    small.bring_home("A-2-03")
    assert small.rig.oracle.violations == []


def test_a_pallet_whose_two_car_sensors_disagree_is_not_raised(small: Driver) -> None:
    small.done(2, Opcode.LOWER, 3)
    small.plant.set_loaded_sensors(small.layout.bay_names[4], True, False)
    assert small.ask(2, Opcode.RAISE, 3) == (REFUSED, 18)


def test_the_gate_does_not_open_while_something_moves_or_hangs_in_between(small: Driver) -> None:
    small.post(1, Opcode.SLIDE, 1, 3)
    small.wait(1000)
    assert small.ask(GATE, Opcode.GATE_OPEN) == (REFUSED, 11)
    small.finish(1)
    small.post(2, Opcode.LOWER, 1)
    small.wait(6000)
    assert small.ask(GATE, Opcode.GATE_OPEN) == (REFUSED, 10)
    small.plant.press_estop()
    small.finish(2)
    small.plant.release_estop()
    small.done(GATE, Opcode.RESET)
    assert small.ask(GATE, Opcode.GATE_OPEN) == (REFUSED, 8)
