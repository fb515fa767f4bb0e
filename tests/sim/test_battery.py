"""Charging as closed forms: the curve, the meter, and that leaps and steps agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import SpotId
from domain.moment import NEVER_MS
from domain.site import SpotSpec
from sim.battery import Battery, SpotPlant

SPEC = SpotSpec(SpotId("E-01"))
HOUR_MS = 3_600_000


def charging(energy_wh: int = 10_000, allowed_da: int = 320, power_w_max: int = 7000) -> SpotPlant:
    """A 50 kWh car plugged in at 0 ms."""
    plant = SpotPlant(SPEC)
    plant.plug_in(Battery(50_000, energy_wh, power_w_max), 0)
    plant.set_allowed_da(allowed_da, 0)
    return plant


def test_without_a_car_nothing_flows() -> None:
    plant = SpotPlant(SPEC)
    plant.set_allowed_da(320, 0)

    assert (plant.state(HOUR_MS), plant.power_w(HOUR_MS), plant.energy_total_wh(HOUR_MS)) == ("A", 0, 0)
    assert plant.next_change_ms() == NEVER_MS


def test_a_car_without_allowance_waits_in_state_b() -> None:
    plant = charging(allowed_da=0)

    assert (plant.state(HOUR_MS), plant.power_w(HOUR_MS), plant.next_change_ms()) == ("B", 0, NEVER_MS)


@pytest.mark.parametrize(
    ("allowed_da", "power_w_max", "power_w"),
    [(320, 7000, 7000), (320, 11_000, 7040), (160, 7000, 3520), (60, 7000, 1320), (59, 7000, 0)],
)
def test_the_smaller_of_box_and_car_decides(allowed_da: int, power_w_max: int, power_w: int) -> None:
    assert charging(allowed_da=allowed_da, power_w_max=power_w_max).power_w(0) == power_w


def test_the_power_falls_along_the_curve_until_the_car_is_full() -> None:
    plant = charging()
    seen = []
    while plant.next_change_ms() != NEVER_MS:
        plant.advance(plant.next_change_ms())
        assert plant.battery is not None
        seen.append((plant.battery.energy_wh, plant.power_w(plant.now_ms)))

    assert seen == [(40_000, 4200), (45_000, 2100), (48_500, 840), (50_000, 0)]
    assert plant.state(plant.now_ms) == "B"
    assert plant.energy_total_wh(plant.now_ms) == 40_000


def test_an_hour_at_full_power_is_exact() -> None:
    plant = charging(power_w_max=7000)

    assert plant.energy_total_wh(HOUR_MS) == 7000
    assert plant.unplug(HOUR_MS).energy_wh == 17_000
    assert plant.energy_total_wh(5 * HOUR_MS) == 7000


def test_a_fault_stops_the_flow_until_it_is_mended() -> None:
    plant = charging()
    plant.set_fault("F", 1000)
    assert (plant.state(1000), plant.power_w(1000), plant.next_change_ms()) == ("F", 0, NEVER_MS)

    plant.set_fault(None, 2000)
    assert (plant.state(2000), plant.power_w(2000)) == ("C", 7000)
    with pytest.raises(ValueError, match="no fault"):
        plant.set_fault("X", 3000)


def test_physical_nonsense_is_refused() -> None:
    plant = charging()
    with pytest.raises(ValueError, match="plugged in already"):
        plant.plug_in(Battery(1000, 0, 1000), 0)
    plant.unplug(10)
    with pytest.raises(ValueError, match="no car"):
        plant.unplug(10)
    with pytest.raises(ValueError, match="is before"):
        plant.advance(9)
    for bad in ((1000, 1001, 7000), (1000, -1, 7000), (1000, 0, 0)):
        with pytest.raises(ValueError, match="impossible battery"):
            Battery(*bad)
    with pytest.raises(ValueError, match="impossible charging curve"):
        Battery(1000, 0, 1000, ((80, 100), (90, 50)))


commands = st.lists(st.tuples(st.integers(0, 4 * HOUR_MS), st.sampled_from([0, 60, 100, 320])), max_size=8)


@given(
    commands=commands,
    looks=st.lists(st.integers(0, 4 * HOUR_MS), max_size=30),
    energy_wh=st.integers(30_000, 50_000),
)
def test_one_leap_and_many_steps_end_on_the_same_numbers(
    commands: list[tuple[int, int]], looks: list[int], energy_wh: int
) -> None:
    leaping, stepping = charging(energy_wh, 0), charging(energy_wh, 0)
    orders = dict(commands)
    meter_wh = 0
    for at_ms in sorted({*orders, *looks}):
        stepping.advance(at_ms)
        assert stepping.energy_total_wh(at_ms) >= meter_wh
        meter_wh = stepping.energy_total_wh(at_ms)
        if at_ms in orders:
            stepping.set_allowed_da(orders[at_ms], at_ms)
            leaping.set_allowed_da(orders[at_ms], at_ms)
    end_ms = 5 * HOUR_MS

    assert leaping.energy_total_wh(end_ms) == stepping.energy_total_wh(end_ms)
    assert leaping.power_w(end_ms) == stepping.power_w(end_ms)
    assert leaping.next_change_ms() == stepping.next_change_ms()
    assert leaping.changes == stepping.changes
    assert leaping.battery is not None
    assert leaping.battery.energy_wh <= leaping.battery.capacity_wh
    assert leaping.battery.energy_wh - energy_wh == leaping.energy_total_wh(end_ms)
