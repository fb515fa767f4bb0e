"""What a module does when it is asked properly."""

from __future__ import annotations

import pytest

from domain.machine import HookKind
from domain.outputs import GATE, Opcode
from domain.signals import GateState, Pallet, PlcMode, Result, Safety
from domain.site import Site
from domain.vehicle import VEHICLE_CLASSES
from plc.codec import decode_identity
from plc.register_map import MAP_VERSION, layout_hash
from sim.plant import CarBody
from sim.rig import Rig
from tests.sim.driver import Driver
from tests.sites import default_site, module_layout, site_of, small_site

SEDAN = CarBody("京A12345", VEHICLE_CLASSES["Z"])


def started(site: Site) -> Driver:
    driver = Driver(Rig(site))
    driver.wait(100)
    return driver


def test_after_start_every_pallet_is_home_and_everything_is_safe() -> None:
    driver = started(default_site())
    image = driver.image()
    assert (image.mode, image.gate, image.faults) == (PlcMode.AUTOMATIC, GateState.CLOSED, ())
    assert image.safety == Safety.ALL_OK
    assert image.cells == (0b111111111, 0b111111111, 0b111111111, 0b1111111111)
    ground, upper = image.pallets[0], image.pallets[9]
    assert ground.state == Pallet.HOME | Pallet.GROUND
    assert upper.state == Pallet.HOME | Pallet.HOOK_CLOSED
    assert upper.z_mm == 2150


def test_the_plc_says_for_which_layout_it_was_built() -> None:
    site = default_site()
    driver = started(site)
    identity = decode_identity(driver.device.read_input(0, 10))
    assert (identity.map_version, identity.boot_count) == (MAP_VERSION, 1)
    assert identity.layout_hash == layout_hash(site.modules[0], site.machine)


def test_a_slide_then_a_lowering_then_the_gate_and_all_the_way_back() -> None:
    driver = started(small_site())
    driver.done(1, Opcode.SLIDE, 1, 3)
    assert driver.image().cells == (0b110, 0b111)
    driver.done(2, Opcode.LOWER, 1)
    assert driver.pallet("A-2-01").state == Pallet.GROUND | Pallet.HOOK_OPEN
    assert driver.pallet("A-2-01").z_mm == 0
    assert driver.image().cells == (0b110, 0b111)
    driver.done(GATE, Opcode.GATE_OPEN)
    assert driver.image().gate is GateState.OPEN
    driver.plant.drive_in(driver.layout.bay_names[2], SEDAN, driver.rig.now_ms + 1000, 10_000)
    driver.wait(6000)
    assert not driver.image().safety & Safety.ZONE_CLEAR_A
    driver.wait(6000)
    assert driver.pallet("A-2-01").has(Pallet.LOADED)
    driver.done(GATE, Opcode.GATE_CLOSE)
    driver.done(2, Opcode.RAISE, 1)
    assert driver.pallet("A-2-01").state == Pallet.HOME | Pallet.HOOK_CLOSED | Pallet.LOADED
    assert driver.image().lifts == 2
    assert driver.image().slides == 2
    assert driver.rig.oracle.violations == []


def test_moves_take_the_time_the_machine_promises_up_to_a_few_ticks() -> None:
    driver = started(small_site())
    machine = driver.rig.site.machine
    for mailbox, asked, nominal in (
        (1, (Opcode.SLIDE, 1, 3), machine.slide_ms(2400)),
        (2, (Opcode.LOWER, 1), machine.lowering_ms(2150)),
        (2, (Opcode.RAISE, 1), machine.lowering_ms(2150)),
        (GATE, (Opcode.GATE_OPEN,), machine.gate_ms),
    ):
        start = driver.rig.now_ms
        driver.done(mailbox, *asked)
        assert nominal <= driver.rig.now_ms - start <= nominal + 100


def test_a_running_slide_shows_its_way_and_clears_its_cells() -> None:
    driver = started(small_site())
    driver.post(1, Opcode.SLIDE, 1, 3)
    driver.wait(5000)
    level = driver.image().levels[0]
    assert level.reply.result is Result.RUNNING
    assert level.cells == 0
    assert 500 < level.slide_mm < 700
    assert driver.pallet("A-1-01").state == Pallet.MOVING
    assert driver.image().motors_w == 2 * 400
    assert driver.finish(1).result is Result.DONE
    driver.post(1, Opcode.SLIDE, 3, 1)
    driver.wait(5000)
    assert -700 < driver.image().levels[0].slide_mm < -500
    driver.finish(1)
    assert driver.image().levels[0].slide_mm == 0
    assert driver.image().motors_w == 0
    assert driver.image().run_s == 4 * driver.rig.site.machine.slide_ms(2400) // 1000


def test_reading_a_running_motion_is_no_change() -> None:
    driver = started(small_site())
    driver.done(1, Opcode.SLIDE, 1, 3)
    driver.post(2, Opcode.LOWER, 1)
    driver.wait(6000)
    before = driver.device.touched
    heights = []
    for _ in range(5):
        driver.wait(1000)
        heights.append(driver.pallet("A-2-01").z_mm)
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 5
    assert driver.device.touched == before
    driver.finish(2)
    assert driver.device.touched > before


def test_three_levels_slide_at_once_and_their_motors_start_one_after_the_other() -> None:
    driver = started(default_site())
    for level in (1, 2, 3):
        driver.post(level, Opcode.SLIDE, 1, 10)
    driver.wait(40)
    moving = [any(p.moving for p in row) for row in driver.plant.by_level]
    assert moving == [True, False, False, False]
    driver.wait(300)
    assert [any(p.moving for p in row) for row in driver.plant.by_level] == [True, True, False, False]
    driver.wait(300)
    assert [any(p.moving for p in row) for row in driver.plant.by_level] == [True, True, True, False]
    assert driver.image().motors_w == 27 * 400
    for level in (1, 2, 3):
        assert driver.finish(level).result is Result.DONE
    driver.done(4, Opcode.LOWER, 1)
    assert driver.rig.oracle.violations == []


@pytest.mark.parametrize("kind", list(HookKind))
def test_both_kinds_of_hook_go_down_and_up(kind: HookKind) -> None:
    driver = started(small_site(hook_kind=kind))
    driver.done(1, Opcode.SLIDE, 1, 3)
    heights = []
    command = driver.post(2, Opcode.LOWER, 1)
    while driver.reply(2).result is not Result.DONE:
        driver.wait(20)
        heights.append(driver.pallet("A-2-01").z_mm)
    assert driver.reply(2).command_id == command
    assert max(heights) == (2180 if kind is HookKind.LOAD_RESTING else 2150)
    driver.bring_home("A-2-01")
    assert driver.pallet("A-2-01").state == Pallet.HOME | Pallet.HOOK_CLOSED
    assert driver.pallet("A-2-01").z_mm == 2150
    assert driver.rig.oracle.violations == []


def test_the_hook_is_neither_open_nor_closed_on_its_way() -> None:
    driver = started(small_site())
    driver.done(1, Opcode.SLIDE, 1, 3)
    driver.post(2, Opcode.LOWER, 1)
    driver.wait(500)
    assert driver.pallet("A-2-01").lacks(Pallet.HOOK_OPEN | Pallet.HOOK_CLOSED | Pallet.HOME | Pallet.MOVING)
    driver.wait(2000)
    assert driver.pallet("A-2-01").has(Pallet.HOOK_OPEN | Pallet.MOVING)


def test_levels_with_several_gaps_let_a_train_close_up_or_only_one_pallet_move() -> None:
    driver = started(site_of(module_layout("A", 6, (2150, 2150), gaps=(3, 0))))
    driver.done(1, Opcode.SLIDE, 3, 4)
    assert driver.image().cells[0] == 0b001011
    driver.done(1, Opcode.SLIDE, 1, 5)  # 1, 2 and 4 move on by one
    assert driver.image().cells[0] == 0b010110
    assert driver.rig.oracle.violations == []


def test_a_module_with_a_blocked_cell_slides_beside_it() -> None:
    driver = started(site_of(module_layout("A", 5, (2150, 2150), blocked={1: (3,)})))
    assert driver.image().cells[0] == 0b01011
    driver.done(1, Opcode.SLIDE, 4, 5)
    driver.done(2, Opcode.LOWER, 4)
    assert driver.rig.oracle.violations == []


def test_a_pallet_of_the_ground_level_is_reached_without_any_move() -> None:
    driver = started(small_site())
    driver.done(GATE, Opcode.GATE_OPEN)
    driver.plant.drive_in(driver.layout.bay_names[0], SEDAN, driver.rig.now_ms, 10_000)
    driver.wait(11_000)
    driver.done(GATE, Opcode.GATE_CLOSE)
    assert driver.pallet("A-1-01").state == Pallet.HOME | Pallet.GROUND | Pallet.LOADED
    driver.done(GATE, Opcode.GATE_OPEN)
    driver.plant.drive_out(driver.layout.bay_names[0], driver.rig.now_ms, 10_000)
    driver.wait(11_000)
    assert driver.pallet("A-1-01").lacks(Pallet.LOADED)
    assert driver.image().safety & Safety.ZONE_CLEAR_A


def test_a_gate_that_is_where_it_should_be_is_done_at_once() -> None:
    driver = started(small_site())
    driver.post(GATE, Opcode.GATE_CLOSE)
    driver.wait(20)
    assert driver.reply(GATE).result is Result.DONE


def test_a_raise_of_a_pallet_that_is_home_is_done_without_motion() -> None:
    driver = started(small_site())
    driver.done(2, Opcode.RAISE, 3)  # its shaft is free
    assert driver.plant.motor_ms == 0
