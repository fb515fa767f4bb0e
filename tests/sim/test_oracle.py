"""The oracle speaks when the plant is driven against the rules, and only then."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import pytest

from domain.ids import BayId
from domain.machine import HookKind, SlideMode
from domain.outputs import GATE, Opcode
from domain.signals import GateState, Pallet
from domain.site import Site
from domain.vehicle import VEHICLE_CLASSES
from sim.battery import Battery
from sim.module_plant import ModulePlant
from sim.oracle import Oracle
from sim.plant import CarBody, Plant
from sim.rig import Rig
from sim.trace import TraceWriter
from tests.sim.driver import Driver
from tests.sites import default_site, module_layout, site_of, small_site
from tests.trace_checker import check


class Hand:
    """Drives a plant by hand, past every safety device."""

    def __init__(self, site: Site) -> None:
        self.plant = Plant(site)
        self.oracle = Oracle(self.plant)
        self.module: ModulePlant = next(iter(self.plant.modules.values()))
        self.oracle.observe()

    def run(self, ms: int) -> None:
        self.oracle.observe()
        end = self.plant.now_ms + ms
        while self.plant.next_change_ms() <= end:
            self.plant.advance(self.plant.next_change_ms())
            self.oracle.observe()
        self.plant.advance(end)
        self.oracle.observe()

    def slide(self, bay: str, column: int) -> None:
        self.module.start_slide(self.module.layout.offset[BayId(bay)], column, self.plant.now_ms)
        self.oracle.observe()

    def lift(self, bay: str, z_mm: int) -> None:
        self.module.start_lift(self.module.layout.offset[BayId(bay)], z_mm, self.plant.now_ms)
        self.oracle.observe()

    def hook(self, bay: str, release: bool) -> None:
        self.module.hook(self.module.layout.offset[BayId(bay)], release, self.plant.now_ms)
        self.oracle.observe()
        self.run(self.module.machine.hook_ms)

    @property
    def broken(self) -> set[str]:
        return {violation.rule for violation in self.oracle.violations}


@pytest.fixture
def small() -> Hand:
    return Hand(small_site())


def test_a_slide_into_a_standing_pallet_breaks_r1_and_names_both(small: Hand) -> None:
    small.slide("A-1-01", 2)
    assert [(v.t_ms, v.module, v.rule) for v in small.oracle.violations] == [(0, "A", "R1")]
    assert "A-1-01" in small.oracle.violations[0].story
    assert "A-1-02" in small.oracle.violations[0].story


def test_a_train_in_step_keeps_r1_and_one_that_starts_late_breaks_it(small: Hand) -> None:
    small.module.start_slide(0, 2, 0)
    small.module.start_slide(1, 3, 0)
    small.oracle.observe()
    small.run(30_000)
    assert small.broken == set()
    small.slide("A-1-01", 1)
    small.run(40)
    small.slide("A-1-02", 2)
    assert small.broken == {"R1"}


def test_a_train_told_to_stop_brakes_in_step(small: Hand) -> None:
    small.module.start_slide(0, 2, 0)
    small.module.start_slide(1, 3, 0)
    small.run(5000)
    small.module.stop_all(small.plant.now_ms)
    small.run(5000)
    assert small.broken == set()


def jam(hand: Hand, bay: str) -> None:
    hand.module.stall(hand.module.pallet(BayId(bay)))
    hand.oracle.observe()


@pytest.mark.parametrize(("stopped_after_ms", "broken"), [(80, set()), (400, {"R1"})])
def test_a_train_whose_first_motor_jams_must_brake_at_once(
    small: Hand, stopped_after_ms: int, broken: set[str]
) -> None:
    small.module.start_slide(0, 2, 0)
    small.module.start_slide(1, 3, 0)
    small.run(5000)
    jam(small, "A-1-02")
    small.run(stopped_after_ms)
    small.module.stop_all(small.plant.now_ms)
    small.run(5000)
    assert small.broken == broken


def test_a_motor_that_jams_when_its_train_is_at_its_goal_calls_for_no_braking(small: Hand) -> None:
    """Seed 4 of the configured garage: who goes ahead leaves the jammed one behind, and brakes in its cell anyhow."""
    small.module.start_slide(0, 2, 0)
    small.module.start_slide(1, 3, 0)
    small.run(small.module.machine.slide_ms(small.module.layout.pitch_mm) - 540)
    assert small.module.moving == 2
    jam(small, "A-1-01")
    small.run(60)
    small.module.stop_all(small.plant.now_ms)
    small.run(5000)
    assert small.module.moving == 0
    assert small.broken == set()


def test_lowering_onto_a_pallet_breaks_r1_and_r3(small: Hand) -> None:
    small.hook("A-2-01", True)
    assert small.broken == {"R3"}
    small.lift("A-2-01", 0)
    assert small.broken == {"R1", "R3"}


def test_a_car_higher_than_its_level_breaks_r1() -> None:
    site = default_site()
    plant = Plant(site, {BayId("A-2-01"): CarBody("京A1", VEHICLE_CLASSES["K"])})
    oracle = Oracle(plant)
    oracle.observe()
    assert [v.rule for v in oracle.violations] == ["R1"]
    assert "A-3-01" in oracle.violations[0].story


def test_a_slide_of_two_pitches_or_out_of_the_frame_breaks_r2() -> None:
    hand = Hand(site_of(module_layout("A", 5, (2150, 2150), gaps=(3, 0))))
    hand.slide("A-1-02", 4)
    assert hand.broken == {"R2"}
    hand = Hand(site_of(module_layout("A", 3, (2150, 2150), gaps=(1, 0))))
    hand.slide("A-1-01", 0)
    assert hand.broken == {"R2"}


def test_a_slide_into_a_blocked_cell_breaks_r2() -> None:
    hand = Hand(site_of(module_layout("A", 4, (2150, 2150), blocked={1: (2,)})))
    hand.slide("A-1-01", 2)
    assert "blocked column 2" in hand.oracle.violations[0].story


def test_an_unhooked_slide_breaks_r2() -> None:
    hand = Hand(site_of(module_layout("A", 3, (2150, 1700, 1700), gaps=(1, 1, 1))))
    hand.hook("A-2-02", True)
    hand.oracle.violations.clear()
    hand.slide("A-2-02", 3)
    assert "R2" in hand.broken


@pytest.mark.parametrize(("mode", "second"), [(SlideMode.ROW, "A-2-02"), (SlideMode.SINGLE, "A-1-01")])
def test_sliding_more_than_the_machine_can_breaks_r2(mode: SlideMode, second: str) -> None:
    hand = Hand(site_of(module_layout("A", 3, (2150, 1700, 1700)), slide_mode=mode))
    hand.module.start_slide(1, 3, 0)
    hand.slide(second, 3 if second.startswith("A-2") else 2)
    assert hand.broken == {"R2"}


def test_a_slide_under_a_lowered_pallet_breaks_r3(small: Hand) -> None:
    small.hook("A-2-03", True)
    small.lift("A-2-03", 0)
    small.run(30_000)
    assert small.broken == set()
    small.slide("A-1-02", 1)
    assert "R3" in small.broken


def test_a_slide_before_the_hook_is_closed_again_breaks_r3(small: Hand) -> None:
    small.hook("A-2-03", True)
    small.slide("A-1-02", 1)
    assert "R3" in small.broken


def test_two_lifts_at_once_break_r3() -> None:
    hand = Hand(site_of(module_layout("A", 4, (2150, 2150), gaps=(2, 0))))
    hand.hook("A-2-03", True)
    assert hand.broken == set()
    hand.hook("A-2-04", True)
    assert hand.broken == {"R3"}


def test_a_lift_above_a_blocked_cell_breaks_r3() -> None:
    hand = Hand(site_of(module_layout("A", 4, (2150, 2150), blocked={1: (2,)})))
    hand.hook("A-2-02", True)
    assert hand.broken == {"R3"}


def open_gate(hand: Hand) -> None:
    hand.module.gate(True, hand.plant.now_ms)


def somebody(hand: Hand) -> None:
    hand.module.walk_in(hand.plant.now_ms, 20_000)


@pytest.mark.parametrize("danger", [open_gate, somebody])
def test_setting_off_with_people_about_breaks_r4(small: Hand, danger: Callable[[Hand], None]) -> None:
    danger(small)
    small.run(10_000)
    small.slide("A-1-02", 3)
    assert small.broken == {"R4"}


@pytest.mark.parametrize("danger", [open_gate, somebody])
def test_going_on_with_people_about_breaks_r4_and_braking_at_once_does_not(
    small: Hand, danger: Callable[[Hand], None]
) -> None:
    small.slide("A-1-02", 3)
    small.run(5000)
    danger(small)
    small.run(20)
    small.module.stop_all(small.plant.now_ms)
    small.run(30_000)
    assert small.broken == set()
    small.module.gate(False, small.plant.now_ms)
    small.run(30_000)
    small.slide("A-1-02", 3)
    small.run(2000)
    danger(small)
    small.run(30_000)
    assert small.broken == {"R4"}


def test_lifting_off_a_closed_hook_breaks_r5(small: Hand) -> None:
    small.lift("A-2-03", 0)
    assert small.broken == {"R3", "R5"} or small.broken == {"R5"}


def test_a_load_resting_hook_may_be_closed_for_the_short_way_up_but_not_down() -> None:
    hand = Hand(small_site(hook_kind=HookKind.LOAD_RESTING))
    hand.lift("A-2-03", 2180)
    hand.run(5000)
    hand.hook("A-2-03", True)
    hand.lift("A-2-03", 0)
    hand.run(30_000)
    assert hand.broken == set()
    hand = Hand(small_site(hook_kind=HookKind.LOAD_RESTING))
    hand.lift("A-2-03", 2180)
    hand.run(5000)
    hand.lift("A-2-03", 0)
    assert hand.broken == {"R5"}


def test_a_hook_that_closes_under_way_breaks_r5(small: Hand) -> None:
    small.hook("A-2-03", True)
    small.lift("A-2-03", 0)
    small.run(5000)
    small.hook("A-2-03", False)
    assert small.broken == {"R5"}


def test_a_pallet_left_unhooked_at_home_breaks_r5(small: Hand) -> None:
    small.hook("A-2-03", True)
    small.run(10_000)
    small.hook("A-2-03", False)
    assert small.broken == {"R5"}


def test_power_above_the_limit_breaks_r6_after_two_seconds_and_once() -> None:
    hand = Hand(default_site())
    for spot in hand.plant.spots.values():
        spot.plug_in(Battery(60_000, 6_000, 7040), 0)
        spot.set_allowed_da(320, 0)
    assert hand.plant.chargers_w() > 60_000
    hand.run(0)
    hand.run(1900)
    assert hand.broken == set()
    hand.run(200)
    hand.run(5000)
    assert [v.rule for v in hand.oracle.violations] == ["R6"]
    assert "60000 W" in hand.oracle.violations[0].story


def test_a_short_peak_of_a_motor_start_does_not_break_r6() -> None:
    hand = Hand(default_site())
    spots = list(hand.plant.spots.values())
    for spot in spots[:8]:
        spot.plug_in(Battery(60_000, 6_000, 7040), 0)
        spot.set_allowed_da(320, 0)
    hand.run(1000)
    hand.hook("A-4-10", True)
    hand.lift("A-4-10", 0)
    hand.run(1500)
    spots[0].set_allowed_da(60, hand.plant.now_ms)
    hand.run(60_000)
    assert hand.broken == set()


def test_a_wrong_that_lasts_is_told_once_and_one_that_comes_back_again(small: Hand) -> None:
    small.hook("A-2-01", True)
    small.run(1000)
    assert len(small.oracle.violations) == 1
    small.hook("A-2-01", False)
    small.run(1000)
    small.hook("A-2-01", True)
    assert [v.rule for v in small.oracle.violations] == ["R3", "R3"]


def ask_at_random(driver: Driver, chance: random.Random) -> None:
    """Anything anybody could ask for, sensible or not, with a reset or a shut gate when it is needed."""
    level = chance.randint(1, len(driver.layout.levels))
    image = driver.image()
    bays = zip(driver.layout.bays, image.pallets, strict=True)
    away = [bay for bay, pallet in bays if bay.level > 1 and not pallet.state & Pallet.HOME]
    if image.faults and chance.random() < 0.5:
        driver.post(GATE, Opcode.RESET)
    elif image.gate is not GateState.CLOSED and chance.random() < 0.5:
        driver.post(GATE, Opcode.GATE_CLOSE)
    elif chance.random() < 0.02:
        driver.plant.walk_in(driver.rig.now_ms, 1500)
    elif chance.random() < 0.02:
        driver.plant.press_estop()
        driver.wait(500)
        driver.plant.release_estop()
    elif chance.random() < 0.05:
        driver.post(GATE, Opcode.GATE_OPEN)
    elif away and chance.random() < 0.5:
        driver.post(away[0].level, Opcode.RAISE, away[0].index)
    elif chance.random() < 0.6:
        first = chance.randint(1, 4)
        driver.post(level, Opcode.SLIDE, first, chance.choice((first - 1, first + 1, chance.randint(1, 4))))
    else:
        driver.post(level, chance.choice((Opcode.LOWER, Opcode.RAISE)), chance.randint(1, 4))


@pytest.mark.parametrize("kind", list(HookKind))
@pytest.mark.parametrize("mode", list(SlideMode))
def test_the_soft_plc_keeps_every_rule_through_a_long_day_of_random_asking(mode: SlideMode, kind: HookKind) -> None:
    chance = random.Random(f"day {mode} {kind}")
    layouts = [
        module_layout("A", 4, (2150, 1700, 1700), gaps=(1, 2, 0)),
        module_layout("B", 4, (2150, 2150, 2150), blocked={1: (2,), 3: (4,)}),
    ]
    file = io.StringIO()
    rig = Rig(site_of(*layouts, slide_mode=mode, hook_kind=kind), trace=TraceWriter(file))
    drivers = [Driver(rig, layout.id) for layout in layouts]
    for _ in range(2000):
        ask_at_random(chance.choice(drivers), chance)
        rig.run_to(rig.now_ms + chance.choice((20, 1000, 9000, 30_000)), fed=chance.random() < 0.97)
    assert rig.oracle.violations == []
    assert check(file.getvalue().splitlines()) == []
    assert all(driver.image().lifts + driver.image().slides > 30 for driver in drivers)
