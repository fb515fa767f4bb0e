"""Charging spots from the controller's side: statuses, meters, motors first."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from domain.commands import StartCharging, StopCharging
from domain.events import ChargingEnded, EnergyMetered
from domain.ids import BayId, Plate, SpotId
from domain.signals import Inputs
from runtime.virtual import digest
from sim.battery import Battery
from sim.plant import CarBody
from tests.garage_run import PIN, SEDAN, GarageRun
from tests.sites import module_layout, site_of


def garage(limit_w: int = 60_000, spots: int = 3) -> GarageRun:
    site = replace(site_of(module_layout("A", 4), spots=spots), power_limit_w=limit_w)
    run = GarageRun(site, {"A-4-01": "京A12345"})
    run.wait(1000)
    return run


def start(run: GarageRun, number: int) -> str:
    plate = f"京D{number:05d}"
    return run.accept(StartCharging(Plate(plate), digest(plate, PIN)))


def spot_state(run: GarageRun, name: str = "E-01") -> str:
    return run.memory.spot(SpotId(name)).state


def test_a_session_from_grant_to_unplugged() -> None:
    run = garage()
    charging = start(run, 1)
    assert spot_state(run) == "Preparing"
    run.wait_until(lambda: spot_state(run) == "Charging")
    run.wait_until(lambda: spot_state(run) in ("Finishing", "Available"), 4 * 3_600_000)
    ended = run.heard(ChargingEnded)[0]
    assert isinstance(ended, ChargingEnded)
    assert ended.charging == charging
    drawn_wh = sum(part[2] for part in ended.slices)
    # the newcomer's car needs 12 kWh; the last few Wh trickle
    assert 11_500 <= drawn_wh <= 12_000
    run.wait_until(lambda: spot_state(run) == "Available", 3_600_000)


def test_the_meter_is_read_at_every_full_hour_so_that_each_hour_has_its_price() -> None:
    run = garage()
    start(run, 1)
    run.wait_until(lambda: spot_state(run) == "Charging")
    run.wait(2 * 3_600_000 + 60_000)
    readings = [event for event in run.heard(EnergyMetered) if isinstance(event, EnergyMetered)]
    assert len(readings) >= 1
    assert all(event.to_utc_ms % 3_600_000 == 0 for event in readings[:1])
    slices = [(event.from_utc_ms, event.to_utc_ms) for event in readings]
    assert all(a[1] == b[0] for a, b in pairwise(slices))


def test_stopping_needs_the_pin_and_ends_the_session_with_the_car_still_plugged() -> None:
    run = garage()
    start(run, 1)
    run.wait_until(lambda: spot_state(run) == "Charging")
    run.wait(600_000)
    run.accept(StopCharging(SpotId("E-01"), digest("京D00001", PIN)))
    assert spot_state(run) == "Finishing"
    assert run.run.rig.plant.spots[SpotId("E-01")].state(run.run.rig.now_ms) in "BC"
    run.wait(5000)
    assert run.run.rig.plant.chargers_w() == 0


@pytest.mark.parametrize("limit_w", [12_000, 16_000])
def test_motors_first_chargers_give_way_and_come_back_and_the_limit_holds(limit_w: int) -> None:
    # given two cars that take all the supply there is
    run = garage(limit_w, spots=2)
    start(run, 1)
    start(run, 2)
    run.wait(120_000)
    plant = run.run.rig.plant
    quiet_w = plant.chargers_w()
    assert limit_w * 0.7 < quiet_w <= limit_w
    # when a pallet is fetched from the top
    job = run.fetch("京A12345")
    run.wait_until(lambda: run.job(job).state == "delivering")
    run.wait(10_000)
    assert plant.motors_w() == 5500
    assert plant.chargers_w() + 5500 <= limit_w
    run.see_through(job)
    run.wait(60_000)
    # then the chargers get it back, and at no time was the limit broken for more than two seconds
    assert plant.chargers_w() == quiet_w
    assert run.violations == []


def test_a_wallbox_that_falls_silent_is_unavailable_and_its_failsafe_current_is_kept_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = garage(10_000, spots=2)
    start(run, 1)
    start(run, 2)
    run.wait(120_000)
    wires = run.run._wires
    whole = wires.inputs
    silent = SpotId("E-02")

    def without_one() -> Inputs:
        inputs = whole()
        aged = replace(inputs.spot_links[silent], age_ms=60_000)
        return replace(inputs, spot_links={**inputs.spot_links, silent: aged})

    monkeypatch.setattr(wires, "inputs", without_one)
    run.run.leap = False
    run.wait(60_000)
    assert spot_state(run, "E-02") == "Unavailable"
    assert run.memory.spot(silent).charging is not None
    image = run.run.controller._charging._images[SpotId("E-01")]
    assert image is not None
    assert image.power_w <= 10_000 - 1320
    monkeypatch.setattr(wires, "inputs", whole)
    run.wait(2000)
    assert spot_state(run, "E-02") in ("Preparing", "Charging")


def test_cars_do_not_charge_in_the_bays() -> None:
    run = garage()
    run.plant().place_car(BayId("A-1-01"), CarBody("京A00001", SEDAN))
    assert run.run.rig.plant.chargers_w() == 0


def test_whoever_plugs_in_first_may_name_the_spot() -> None:
    run = garage()
    run.run.rig.plant.spots[SpotId("E-02")].plug_in(Battery(40_000, 30_000, 7000), run.now_ms)
    run.wait(2000)
    assert spot_state(run, "E-02") == "Finishing"
    plate = Plate("京D00009")
    assert run.memory.spot(SpotId("E-02")).charging is None
    run.accept(StartCharging(plate, digest(plate, PIN), SpotId("E-02")))
    run.wait(60_000)
    assert spot_state(run, "E-02") == "Charging"


def test_a_car_that_was_unplugged_during_a_silence_pays_nothing_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    run = garage()
    start(run, 1)
    run.wait_until(lambda: spot_state(run) == "Charging")
    wires, silent = run.run._wires, SpotId("E-01")
    whole = wires.inputs

    def without_one() -> Inputs:
        inputs = whole()
        return replace(
            inputs, spot_links={**inputs.spot_links, silent: replace(inputs.spot_links[silent], age_ms=60_000)}
        )

    monkeypatch.setattr(wires, "inputs", without_one)
    run.run.leap = False
    run.wait(2000)
    run.run.rig.plant.spots[silent].unplug(run.now_ms)
    monkeypatch.setattr(wires, "inputs", whole)
    run.run.leap = True
    run.wait(2000)
    assert [e.reason for e in run.heard(ChargingEnded) if isinstance(e, ChargingEnded)] == ["unplugged"]
    assert spot_state(run) == "Available"
