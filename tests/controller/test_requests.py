"""What people may ask, and the clear no they get otherwise: nothing lost, nothing moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.step import Controller
from domain.booking import BookingKind
from domain.commands import (
    Accepted,
    CancelJob,
    ConfirmClear,
    ConfirmModule,
    MakeBooking,
    PauseGarage,
    ProvePin,
    Refused,
    RequestRetrieval,
    RequestStorage,
    ResetFaults,
    ResumeGarage,
    StartCharging,
    StopCharging,
)
from domain.events import PinRejected
from domain.ids import JobId, ModuleId, Plate, SpotId
from domain.moment import Moment
from domain.refusals import RefusalCode
from domain.signals import Inputs
from domain.vehicle import VEHICLE_CLASSES, Vehicle
from runtime.virtual import digest, expected_identities
from tests.garage_run import SEDAN, TALL, GarageRun
from tests.sites import default_site, module_layout, site_of, small_site

A, PLATE = ModuleId("A"), Plate("京A12345")
SPOT = SpotId("E-01")


@pytest.fixture
def garage() -> GarageRun:
    run = GarageRun(site_of(module_layout("A", 3, (2150, 1700)), spots=2), {"A-1-01": PLATE})
    run.ready()
    return run


def storage(plate: str, vehicle: Vehicle = SEDAN) -> RequestStorage:
    return RequestStorage(Plate(plate), vehicle, digest(plate, "1"))


def retrieval(plate: str, pin: str = "123456") -> RequestRetrieval:
    return RequestRetrieval(Plate(plate), digest(plate, pin))


def test_unknown_plate(garage: GarageRun) -> None:
    assert garage.refuse(retrieval("京B00000")) is RefusalCode.UNKNOWN_PLATE


def test_wrong_pin_is_counted_and_locks_after_five(garage: GarageRun) -> None:
    for _ in range(5):
        assert garage.refuse(retrieval(PLATE, "000000")) is RefusalCode.WRONG_PIN
    assert garage.refuse(retrieval(PLATE)) is RefusalCode.PIN_LOCKED
    assert len(garage.heard(PinRejected)) == 5
    garage.wait(garage.run.site.patience.pin_lock_ms)
    assert garage.fetch(PLATE)


def test_reading_bookings_needs_the_pin_of_the_car_and_counts_wrong_ones(garage: GarageRun) -> None:
    # given four wrong PINs, a right one starts the count again
    for _ in range(4):
        assert garage.refuse(ProvePin(PLATE, digest(PLATE, "000000"))) is RefusalCode.WRONG_PIN
    garage.accept(ProvePin(PLATE, digest(PLATE, "123456")))
    for _ in range(5):
        assert garage.refuse(ProvePin(PLATE, digest(PLATE, "000000"))) is RefusalCode.WRONG_PIN
    # then the plate is locked for fetching, too
    assert garage.refuse(retrieval(PLATE)) is RefusalCode.PIN_LOCKED


def test_a_car_that_is_not_here_proves_itself_with_the_pin_of_its_booking(garage: GarageRun) -> None:
    plate = Plate("京B00000")
    assert garage.refuse(ProvePin(plate, digest(plate, "1"))) is RefusalCode.UNKNOWN_PLATE
    garage.accept(MakeBooking(plate, digest(plate, "1"), BookingKind.ARRIVAL, 1080, vehicle=SEDAN))
    garage.accept(ProvePin(plate, digest(plate, "1")))
    assert garage.refuse(ProvePin(plate, digest(plate, "2"))) is RefusalCode.WRONG_PIN


def test_wrong_pins_are_remembered_across_a_restart(garage: GarageRun) -> None:
    for _ in range(5):
        garage.refuse(retrieval(PLATE, "000000"))
    garage.crash()
    garage.ready()
    assert garage.refuse(retrieval(PLATE)) is RefusalCode.PIN_LOCKED


def test_a_second_request_for_a_car_already_coming(garage: GarageRun) -> None:
    job = garage.fetch(PLATE)
    assert garage.refuse(retrieval(PLATE)) is RefusalCode.ALREADY_COMING
    assert garage.see_through(job).state == "done"


def test_a_car_cannot_be_parked_twice(garage: GarageRun) -> None:
    assert garage.refuse(storage(PLATE)) is RefusalCode.ALREADY_PARKED
    garage.store("京A22222")
    assert garage.refuse(storage("京A22222")) is RefusalCode.JOB_OPEN
    assert garage.refuse(retrieval("京A22222")) is RefusalCode.JOB_OPEN


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"length_mm": 5100}, "too_long"),
        ({"width_mm": 2000}, "too_wide"),
        ({"height_mm": 2100}, "too_tall"),
        ({"mass_kg": 2600}, "too_heavy"),
    ],
)
def test_a_car_too_big_for_any_bay(garage: GarageRun, change: dict[str, Any], about: str) -> None:
    reply = garage.ask(storage("京A33333", replace(SEDAN, **change)))
    assert isinstance(reply, Refused)
    assert (reply.reasons[0].code, reply.reasons[0].about) == (RefusalCode.VEHICLE_TOO_LARGE, about)


def test_tall_cars_get_tall_bays_until_there_are_none(garage: GarageRun) -> None:
    first = garage.store("京A44444", TALL)
    assert garage.job(first).bay == "A-1-02"
    assert garage.refuse(storage("京A55555", TALL)) is RefusalCode.NO_FITTING_BAY
    assert garage.job(garage.store("京A66666")).level == 2


def test_garage_full(garage: GarageRun) -> None:
    for number in range(4):
        garage.store(f"京A{number:05d}")
    assert garage.refuse(storage("京A77777")) is RefusalCode.GARAGE_FULL


def test_clear_is_refused_until_the_gate_is_open_and_everybody_is_out(garage: GarageRun) -> None:
    job = JobId(garage.store("京A88888"))
    assert garage.refuse(ConfirmClear(job)) is RefusalCode.JOB_NOT_AT_GATE
    garage.wait_until(lambda: garage.job(job).session_state == "open")
    garage.wait(1000)
    assert garage.refuse(ConfirmClear(job)) is RefusalCode.ZONE_NOT_CLEAR
    assert garage.refuse(ConfirmClear(JobId("J999999"))) is RefusalCode.UNKNOWN_JOB
    assert garage.see_through(job).state == "done"


def test_clear_is_refused_while_the_loaded_sensors_say_otherwise(garage: GarageRun) -> None:
    job = JobId(garage.fetch(PLATE))
    garage.wait_until(lambda: garage.job(job).session_state == "open")
    # the gate has just opened: nobody has come yet, the car still stands there
    assert garage.refuse(ConfirmClear(job)) is RefusalCode.CAR_STILL_ON_PALLET
    garage.wait(1000)
    garage.wait_until(lambda: garage.plant().zone_clear_a)
    garage.plant().set_loaded_sensors(garage.job(job).bay, True, False)
    garage.wait(200)
    assert garage.refuse(ConfirmClear(job)) is RefusalCode.SENSORS_DISAGREE
    assert PLATE in garage.memory.parked


def test_a_queued_job_can_be_cancelled_a_moving_one_not(garage: GarageRun) -> None:
    first = garage.store("京A10001")
    second = garage.store("京A10002")
    assert garage.refuse(CancelJob(JobId(first))) is RefusalCode.JOB_TOO_FAR
    garage.accept(CancelJob(JobId(second)))
    assert garage.job(second).state == "cancelled"
    assert garage.refuse(CancelJob(JobId("J1"))) is RefusalCode.UNKNOWN_JOB


def test_a_driver_may_give_up_at_the_open_gate_and_leave_the_pallet_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a garage whose newcomers do not drive by themselves
    run = GarageRun(small_site())
    run.ready()
    monkeypatch.setattr(run.run.crowd, "_session_opened", lambda *about: None)
    job = JobId(run.store("京A10003"))
    run.wait_until(lambda: run.job(job).session_state == "open")
    run.accept(CancelJob(job))
    run.rest()
    assert run.job(job).state == "cancelled"
    assert not run.memory.parked


def test_all_spots_taken_and_stopping(garage: GarageRun) -> None:
    def start(plate: str, spot: SpotId | None = None) -> StartCharging:
        return StartCharging(Plate(plate), digest(plate, "1"), spot)

    garage.accept(start("京D00001", SPOT))
    assert garage.refuse(start("京D00001")) is RefusalCode.JOB_OPEN
    assert garage.refuse(start("京D00002", SPOT)) is RefusalCode.SPOT_TAKEN
    garage.accept(start("京D00002"))
    assert garage.refuse(start("京D00003")) is RefusalCode.ALL_SPOTS_TAKEN
    assert garage.refuse(start("京D00003", SpotId("E-99"))) is RefusalCode.UNKNOWN_SPOT
    assert garage.refuse(StopCharging(SPOT, digest("京D00001", "2"))) is RefusalCode.WRONG_PIN
    garage.accept(StopCharging(SPOT, digest("京D00001", "1")))
    assert garage.refuse(StopCharging(SPOT, digest("京D00001", "1"))) is RefusalCode.NOT_CHARGING
    assert garage.refuse(StopCharging(SpotId("E-99"), "")) is RefusalCode.UNKNOWN_SPOT


def test_a_paused_garage_takes_nothing_new_but_ends_what_runs(garage: GarageRun) -> None:
    job = garage.store("京A10004")
    garage.accept(PauseGarage("Wang", "inspection"))
    assert garage.refuse(storage("京A10005")) is RefusalCode.GARAGE_PAUSED
    assert garage.refuse(PauseGarage("Wang", "again")) is RefusalCode.GARAGE_MODE
    assert garage.see_through(job).state == "done"
    garage.accept(ResumeGarage("Wang"))
    assert garage.store("京A10005")


def test_operators_cannot_confirm_what_is_not_locked(garage: GarageRun) -> None:
    assert garage.refuse(ConfirmModule(A, "Wang")) is RefusalCode.MODULE_NOT_LOCKED
    assert garage.refuse(ConfirmModule(ModuleId("Z"), "Wang")) is RefusalCode.UNKNOWN_MODULE
    assert garage.refuse(ResetFaults(ModuleId("Z"), "Wang")) is RefusalCode.UNKNOWN_MODULE


def test_with_the_journal_away_nothing_new_is_taken() -> None:
    site = small_site()
    controller = Controller(site, expected_identities(site))
    inputs = Inputs({}, {}, {}, {}, journal_ok=False)
    reply = controller.step(Moment(0, 0), inputs, [storage("京A1")]).replies[0]
    assert isinstance(reply, Refused)
    assert reply.reasons[0].code is RefusalCode.JOURNAL_AWAY


def test_with_no_plc_at_all_the_refusal_names_every_module() -> None:
    site = default_site()
    controller = Controller(site, expected_identities(site))
    reply = controller.step(Moment(0, 0), Inputs({}, {}, {}, {}), [storage("京A1")]).replies[0]
    assert isinstance(reply, Refused)
    assert [r.code for r in reply.reasons] == [RefusalCode.NO_MODULE_READY, *[RefusalCode.LINK_DOWN] * 4]


def test_accepted_names_the_job(garage: GarageRun) -> None:
    reply = garage.ask(storage("京A99999", VEHICLE_CLASSES["X"]))
    assert reply == Accepted("J000001")
