"""The leap law of the rig: a leap leaves the same world as every small step to it."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ids import BayId, SpotId
from domain.machine import HookKind
from domain.outputs import GATE, Opcode
from domain.signals import GateState, Result
from domain.vehicle import VEHICLE_CLASSES
from sim.battery import Battery
from sim.plant import CarBody, PlantError
from sim.plc_registers import PALLET_WORDS, STATUS_WORDS
from sim.rig import Rig
from sim.trace import TraceWriter
from tests.sim.driver import Driver
from tests.sites import default_site, module_layout, site_of, small_site


@dataclass(frozen=True)
class Deed:
    """Something that somebody does to the rig, and how long nobody does anything after it."""

    what: str
    mailbox: int
    opcode: int
    first: int
    second: int
    pause_ms: int
    fed: bool


deeds = st.lists(
    st.builds(
        Deed,
        what=st.sampled_from(["post"] * 12 + ["beat", "estop", "pull", "walk", "reset", "reboot", "drive"]),
        mailbox=st.integers(0, 2),
        opcode=st.sampled_from([Opcode.SLIDE, Opcode.SLIDE, Opcode.LOWER, Opcode.RAISE, 4, 5]),
        first=st.integers(1, 3),
        second=st.integers(1, 3),
        pause_ms=st.integers(0, 400).map(lambda n: n * 7) | st.integers(0, 90).map(lambda n: n * 500),
        fed=st.sampled_from([True] * 5 + [False]),
    ),
    max_size=14,
)


def world(driver: Driver) -> tuple[object, ...]:
    """Everything a reader can see of a module, and everything the plant is."""
    plcs = driver.rig.plcs[driver.module]
    pallets = [
        (p.x_at(driver.rig.now_ms), p.z_at(driver.rig.now_ms), p.motion, p.hook, p.column, p.loaded_a, p.loaded_b)
        for p in driver.plant.pallets
    ]
    return (
        plcs.read_input(0, STATUS_WORDS),
        plcs.read_input(100, PALLET_WORDS),
        plcs.touched,
        pallets,
        driver.plant.gate_state,
        list(driver.rig.oracle.violations),
    )


def act(driver: Driver, deed: Deed) -> None:
    now = driver.rig.now_ms
    if deed.what == "post":
        mailbox = GATE if deed.opcode in (4, 5) else deed.mailbox
        driver.post(mailbox, deed.opcode, deed.first, deed.second, deadline_ms=deed.pause_ms + 20_000)
    elif deed.what == "beat":
        driver.device.write_holding(0, [deed.pause_ms])
    elif deed.what == "estop":
        driver.plant.press_estop()
    elif deed.what == "pull":
        driver.plant.release_estop()
    elif deed.what == "walk":
        driver.plant.walk_in(now + deed.first * 10, 2010)
    elif deed.what == "reset":
        driver.post(GATE, Opcode.RESET)
    elif deed.what == "reboot":
        driver.rig.plcs[driver.module].reboot(now)
    elif driver.plant.gate_state is GateState.OPEN and driver.plant.pallets[0].car is None:
        driver.plant.drive_in(BayId("A-1-01"), CarBody("京A12345", VEHICLE_CLASSES["X"]), now, 7777)


def live(script: list[Deed], kind: HookKind, step_ms: int | None) -> tuple[list[object], str]:
    """Run a script in leaps, or in steps of so many ms, and note the world after each pause."""
    file = io.StringIO()
    site = site_of(module_layout("A", 3, (2150, 2150)), hook_kind=kind)
    driver = Driver(Rig(site, trace=TraceWriter(file)))
    driver.wait(10)
    seen: list[object] = []
    for deed in script:
        act(driver, deed)
        end_ms = driver.rig.now_ms + deed.pause_ms
        while step_ms is not None and driver.rig.now_ms + step_ms < end_ms:
            driver.rig.run_to(driver.rig.now_ms + step_ms, fed=deed.fed)
            driver.image()
        driver.rig.run_to(end_ms, fed=deed.fed)
        seen.append(world(driver))
    return seen, file.getvalue()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=deeds, kind=st.sampled_from(list(HookKind)), step_ms=st.sampled_from([20, 33, 100, 1000]))
def test_a_leap_leaves_the_same_registers_plant_and_trace_as_small_steps(
    script: list[Deed], kind: HookKind, step_ms: int
) -> None:
    leapt, leapt_trace = live(script, kind, None)
    stepped, stepped_trace = live(script, kind, step_ms)
    assert leapt == stepped
    assert leapt_trace == stepped_trace


def test_idle_ticks_are_skipped_without_a_difference_to_scanning_every_one() -> None:
    """As before, but every tick is really scanned."""
    script = [
        Deed("post", 1, Opcode.SLIDE, 1, 3, 20_000, True),
        Deed("post", 2, Opcode.LOWER, 1, 0, 9000, True),
        Deed("estop", 0, 0, 0, 0, 3000, True),
        Deed("pull", 0, 0, 0, 0, 100, True),
        Deed("reset", 0, 0, 0, 0, 100, True),
        Deed("post", 2, Opcode.RAISE, 1, 0, 40_000, True),
        Deed("post", 1, Opcode.SLIDE, 3, 1, 9000, False),
    ]
    leapt, leapt_trace = live(script, HookKind.CONTACTLESS, None)
    file = io.StringIO()
    driver = Driver(Rig(site_of(module_layout("A", 3, (2150, 2150))), trace=TraceWriter(file)))
    driver.wait(10)
    plc = driver.rig.plcs[driver.module]
    seen: list[object] = []
    for deed in script:
        act(driver, deed)
        end_ms = driver.rig.now_ms + deed.pause_ms
        if deed.fed:
            plc.feed(end_ms)
        while (tick_ms := driver.rig.now_ms // 20 * 20 + 20) <= end_ms:
            driver.rig.run_to(tick_ms, fed=deed.fed)
            plc.scan(tick_ms)
        driver.rig.run_to(end_ms, fed=deed.fed)
        seen.append(world(driver))
    assert seen == leapt
    assert file.getvalue() == leapt_trace


def test_a_write_takes_effect_at_the_next_tick_even_when_it_comes_on_a_tick() -> None:
    driver = Driver(Rig(small_site()))
    driver.rig.run_to(200, fed=True)
    driver.post(1, Opcode.SLIDE, 2, 3)
    driver.rig.run_to(200, fed=True)
    assert driver.reply(1).result is Result.NONE
    driver.rig.run_to(220, fed=True)
    assert driver.reply(1).result is Result.RUNNING
    assert driver.plant.pallets[1].travel is not None
    assert driver.plant.pallets[1].travel.start_ms == 220


def test_an_idle_rig_changes_nothing_and_says_so() -> None:
    rig = Rig(default_site())
    rig.run_to(1000, fed=True)
    before = dict(rig.touched)
    assert set(before) == {"A", "B", "C", "D", *(f"E-{n:02d}" for n in range(1, 11))}
    assert rig.next_change_ms() > 10**12
    rig.run_to(86_400_000, fed=True)
    assert dict(rig.touched) == before
    assert rig.next_change_ms() > 10**12


def test_only_the_device_that_changed_is_touched() -> None:
    rig = Rig(default_site())
    rig.run_to(1000, fed=True)
    before = dict(rig.touched)
    Driver(rig, "B").post(1, Opcode.SLIDE, 9, 10)
    rig.run_to(2000, fed=True)
    after = dict(rig.touched)
    assert [name for name in after if after[name] != before[name]] == ["B"]


def test_next_change_leads_from_event_to_event() -> None:
    driver = Driver(Rig(small_site()))
    driver.wait(100)
    driver.post(1, Opcode.SLIDE, 2, 3)
    assert driver.rig.next_change_ms() == 120
    driver.rig.run_to(120, fed=True)
    end = 120 + driver.rig.site.machine.slide_ms(2400)
    assert driver.rig.next_change_ms() == end
    driver.rig.run_to(end, fed=True)
    assert driver.rig.next_change_ms() == -(-end // 20) * 20
    driver.rig.run_to(driver.rig.next_change_ms(), fed=True)
    assert driver.reply(1).result is Result.DONE


def test_a_wallbox_takes_a_set_point_over_while_the_rig_runs() -> None:
    rig = Rig(default_site())
    rig.run_to(1000, fed=True)
    spot = rig.plant.spots[SpotId("E-01")]
    spot.plug_in(Battery(50_000, 5_000, 7040), rig.now_ms)
    rig.device("E-01").write_holding(261, [160])
    assert rig.next_change_ms() == 1500
    rig.run_to(3000, fed=True)
    assert rig.plant.chargers_w() == 3520
    assert spot.energy_total_wh(rig.now_ms) == 3520 * 1500 // 3_600_000


def test_nobody_drives_through_a_shut_gate_or_onto_a_taken_or_missing_pallet() -> None:
    driver = Driver(Rig(small_site(), {BayId("A-1-01"): CarBody("京A1", VEHICLE_CLASSES["X"])}))
    newcomer = CarBody("京A2", VEHICLE_CLASSES["X"])
    with pytest.raises(PlantError, match="gate is not open"):
        driver.plant.drive_in(BayId("A-1-02"), newcomer, 0, 1000)
    driver.wait(100)
    driver.done(GATE, Opcode.GATE_OPEN)
    now = driver.rig.now_ms
    with pytest.raises(PlantError, match="already carries"):
        driver.plant.drive_in(BayId("A-1-01"), newcomer, now, 1000)
    with pytest.raises(PlantError, match="not at the ground"):
        driver.plant.drive_in(BayId("A-2-01"), newcomer, now, 1000)
    with pytest.raises(PlantError, match="no car"):
        driver.plant.drive_out(BayId("A-1-02"), now, 1000)
    with pytest.raises(PlantError, match="cannot go back"):
        driver.rig.plant.advance(now - 1)
    assert driver.plant.zone_people == driver.plant.zone_cars == 0


def test_people_and_cars_come_and_go_at_their_times() -> None:
    driver = Driver(Rig(small_site()))
    driver.wait(100)
    driver.done(GATE, Opcode.GATE_OPEN)
    start, bay = driver.rig.now_ms + 1000, BayId("A-1-01")
    driver.plant.drive_in(bay, CarBody("京A1", VEHICLE_CLASSES["X"]), start, 10_000)
    seen = []
    for t_ms in (start - 1, start, start + 6000, start + 6200, start + 10_000):
        driver.rig.run_to(t_ms, fed=True)
        pallet = driver.plant.pallet(bay)
        seen.append((driver.plant.zone_people, driver.plant.zone_cars, pallet.loaded_a, pallet.loaded_b))
    assert seen == [
        (0, 0, False, False),
        (1, 1, False, False),
        (1, 0, True, False),
        (1, 0, True, True),
        (0, 0, True, True),
    ]
    start = driver.rig.now_ms
    driver.plant.drive_out(bay, start, 10_000)
    seen = []
    for t_ms in (start + 4999, start + 5000, start + 5200, start + 10_000):
        driver.rig.run_to(t_ms, fed=True)
        pallet = driver.plant.pallet(bay)
        seen.append((driver.plant.zone_people, driver.plant.zone_cars, pallet.loaded_a, pallet.loaded_b))
    assert seen == [(1, 0, True, True), (1, 1, True, False), (1, 1, False, False), (0, 0, False, False)]
