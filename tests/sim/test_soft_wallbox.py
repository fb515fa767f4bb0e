"""The wallbox in software behaves as the register map of the real one says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import SpotId
from domain.moment import NEVER_MS
from domain.signals import SpotImage
from domain.site import SpotSpec
from plc.device import IllegalAddress, IllegalValue
from plc.wallbox import decode_spot, load_profile, reads
from sim.battery import Battery, SpotPlant
from sim.soft_wallbox import SoftWallbox

SPEC = SpotSpec(SpotId("E-01"))
PROFILE = load_profile("amperfied")


def wallbox(plugged: bool = True) -> SoftWallbox:
    """A box at 0 ms, with a nearly empty car."""
    plant = SpotPlant(SPEC, meter_wh=70_000)
    if plugged:
        plant.plug_in(Battery(50_000, 5000, 7000), 0)
    return SoftWallbox(SPEC, plant)


def image(box: SoftWallbox) -> SpotImage:
    answers = [
        (box.read_input if block.space == "input" else box.read_holding)(block.address, block.count)
        for block in reads(PROFILE)
    ]
    return decode_spot(PROFILE, answers)


def live(box: SoftWallbox, to_ms: int) -> None:
    """Let plant and box run to that time, each change in its turn."""
    while (next_ms := min(box.next_due_ms(), box.plant.next_change_ms())) <= to_ms:
        box.plant.advance(next_ms)
        box.scan(next_ms)
    box.plant.advance(to_ms)


def test_the_whole_face_of_an_idle_box() -> None:
    box = wallbox(plugged=False)

    assert box.read_input(4, 15) == [0x108, 2, 0, 0, 0, 250, 220, 0, 0, 1, 0, 0, 0, 1, 4464]
    assert box.read_input(100, 2) == [32, 6]
    assert box.read_holding(257, 1) == [15_000]
    assert box.read_holding(261, 2) == [0, 60]


def test_a_set_point_takes_half_a_second() -> None:
    box = wallbox()
    box.write_holding(261, [160], 0)
    assert box.next_due_ms() == 500

    live(box, 499)
    assert (image(box).state, image(box).set_current_da, image(box).power_w) == ("B", 160, 0)
    live(box, 500)
    assert image(box) == SpotImage("C", 160, 3520, 160, 70_000, 60, 60, 320)
    live(box, 500 + 3_600_000)
    assert box.plant.energy_total_wh(box.plant.now_ms) > 70_000


@pytest.mark.parametrize(("address", "value"), [(261, 59), (261, 321), (262, 30), (261, 1)])
def test_a_current_it_cannot_give_is_refused(address: int, value: int) -> None:
    with pytest.raises(IllegalValue):
        wallbox().write_holding(address, [value], 0)


@pytest.mark.parametrize(("address", "values"), [(258, [1]), (260, [1]), (5, [1]), (261, [60, 60])])
def test_a_register_that_cannot_be_written_is_refused(address: int, values: list[int]) -> None:
    with pytest.raises(IllegalAddress):
        wallbox().write_holding(address, values, 0)


@pytest.mark.parametrize(("address", "count"), [(3, 1), (4, 16), (19, 1), (100, 3), (99, 1)])
def test_a_read_outside_the_layout_is_refused(address: int, count: int) -> None:
    with pytest.raises(IllegalAddress):
        wallbox().read_input(address, count)
    with pytest.raises(IllegalAddress):
        wallbox().read_holding(260, 2)


def test_silence_makes_it_fall_to_the_failsafe_current_and_contact_brings_the_set_current_back() -> None:
    box = wallbox()
    box.write_holding(261, [320], 0)
    live(box, 15_000)
    assert box.fallen
    assert box.plant.allowed_da == 60

    live(box, 20_000)
    assert image(box).set_current_da == 320
    assert not box.fallen
    live(box, 20_499)
    assert box.plant.allowed_da == 60
    live(box, 20_500)
    assert box.plant.allowed_da == 320


def test_a_box_that_was_told_to_stop_gives_its_failsafe_current_without_contact() -> None:
    box = wallbox()
    live(box, 15_000)

    assert box.plant.state(15_000) == "C"
    assert box.plant.power_w(15_000) == 1320


def test_a_set_point_under_way_does_not_survive_the_fall() -> None:
    box = wallbox()
    box.write_holding(257, [300], 0)
    box.write_holding(261, [320], 0)
    live(box, 5000)

    assert box.plant.allowed_da == 60


def test_reads_feeds_and_a_watchdog_of_zero_keep_it_from_falling() -> None:
    box = wallbox()
    live(box, 14_000)
    box.read_input(5, 1)
    assert box.next_due_ms() == 29_000
    assert box.next_due_ms(fed=True) == NEVER_MS
    box.feed(100_000)
    assert box.next_due_ms() == 115_000
    live(box, 110_000)
    assert not box.fallen
    box.write_holding(257, [0], 110_000)
    assert box.next_due_ms() == NEVER_MS


def test_touched_counts_what_can_be_seen_but_not_the_meter() -> None:
    box = wallbox()
    marks = [box.touched]
    box.write_holding(261, [320], 0)
    marks.append(box.touched)
    box.write_holding(261, [320], 0)
    assert box.touched == marks[-1]
    live(box, 500)
    marks.append(box.touched)
    live(box, 60_000 // 5)
    assert box.touched == marks[-1]
    box.plant.unplug(box.plant.now_ms)
    marks.append(box.touched)

    assert marks == sorted(set(marks))


@given(
    writes=st.lists(
        st.tuples(st.integers(0, 60_000), st.sampled_from([0, 60, 200, 320])), max_size=6, unique_by=lambda w: w[0]
    ),
    looks=st.lists(st.integers(0, 90_000), max_size=40),
)
def test_scanning_more_often_changes_nothing(writes: list[tuple[int, int]], looks: list[int]) -> None:
    leaping, scanning = wallbox(), wallbox()
    orders = dict(writes)
    for at_ms in sorted({*orders, *looks}):
        live(scanning, at_ms)
        scanning.scan(at_ms)
        if at_ms in orders:
            live(leaping, at_ms)
            for box in (leaping, scanning):
                box.write_holding(261, [orders[at_ms]], at_ms)
    live(leaping, 100_000)
    live(scanning, 100_000)

    assert leaping.fallen == scanning.fallen
    assert leaping.touched == scanning.touched
    assert leaping.read_input(4, 15) == scanning.read_input(4, 15)
