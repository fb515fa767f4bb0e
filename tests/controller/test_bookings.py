"""Bookings as drivers live them: made in the evening, kept at the minute, changed, missed, cancelled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.records import Booking
from domain.booking import BookingKind, Repeat, local_day
from domain.commands import (
    CancelBooking,
    CancelJob,
    ChangeBooking,
    ConfirmModule,
    Leaving,
    MakeBooking,
    RequestStorage,
    ResetFaults,
)
from domain.events import JobQueued, MotionRequested
from domain.ids import BookingId, JobId, ModuleId, Plate
from domain.outputs import GATE, Opcode
from domain.reasons import ReasonCode, because, tell
from domain.refusals import RefusalCode
from domain.signals import GateState
from runtime.virtual import digest
from tests.garage_run import PIN, SEDAN, START_UTC_MS, TALL, GarageRun
from tests.policies import LIVELY
from tests.sites import module_layout, site_of

MINUTE_MS = 60_000
SEVEN_FORTY = 7 * 60 + 40
MONDAY = local_day(START_UTC_MS, 480)
UPPER, HIGHER, GROUND = "京A11111", "京A22222", "京A33333"


@pytest.fixture
def garage() -> GarageRun:
    """Seven in the morning; cars on levels 1, 2 and 3 of one module."""
    site = site_of(module_layout("A", 4))
    run = GarageRun(site, {"A-2-02": UPPER, "A-3-01": HIGHER, "A-1-01": GROUND})
    run.ready()
    run.wait(7 * 60 * MINUTE_MS - run.now_ms)
    return run


def wish(
    plate: str = UPPER,
    minute: int = SEVEN_FORTY,
    *,
    pin: str = PIN,
    repeat: Repeat = Repeat.ONCE,
    day: int | None = None,
) -> MakeBooking:
    return MakeBooking(Plate(plate), digest(plate, pin), BookingKind.DEPARTURE, minute, repeat, day)


def booking(garage: GarageRun, name: str) -> Booking:
    return garage.memory.bookings[BookingId(name)]


def wait_till(garage: GarageRun, minute: int, second: int = 0) -> None:
    garage.wait((minute * 60 + second) * 1000 - garage.now_ms)


def job_of(garage: GarageRun, plate: str) -> str:
    job = garage.memory.job_of(Plate(plate))
    assert job is not None
    return job.id


def test_a_booked_car_stands_by_at_its_minute_behind_a_shut_gate(garage: GarageRun) -> None:
    # given a booking for 7:40
    name = garage.accept(wish())
    # when it is 7:38 no pallet has been lowered
    wait_till(garage, SEVEN_FORTY - 2)
    assert [move for move in garage.heard(MotionRequested) if move.opcode != Opcode.SLIDE] == []
    # then at the minute the car is down, and the gate is shut as nobody has come
    wait_till(garage, SEVEN_FORTY, 30)
    job = garage.job(job_of(garage, UPPER))
    assert job.state == "standing_by"
    assert garage.plant().gate_state is GateState.CLOSED
    # when its driver comes the gate opens at once
    asked_ms = garage.now_ms
    assert garage.fetch(UPPER) == job.id
    garage.wait_until(lambda: job.session_state == "open")
    assert garage.now_ms - asked_ms <= garage.run.site.machine.gate_ms + 1000
    garage.see_through(job.id)
    garage.wait(1000)
    assert booking(garage, name).state == "kept"
    assert UPPER not in garage.memory.parked
    assert garage.violations == []


def test_whoever_comes_before_the_car_is_down_waits_for_it_as_usual(garage: GarageRun) -> None:
    garage.accept(wish())
    wait_till(garage, SEVEN_FORTY - 5)
    job = garage.fetch(UPPER)
    garage.see_through(job)
    assert garage.job(job).state == "done"
    assert garage.job(job).booking is not None


def test_a_no_show_frees_the_module_and_a_daily_booking_comes_round_again(garage: GarageRun) -> None:
    name = garage.accept(wish(repeat=Repeat.DAILY))
    first_due_ms = booking(garage, name).due_utc_ms
    # when nobody comes for six minutes
    wait_till(garage, SEVEN_FORTY + 7)
    # then the car is home again, and the booking is planned for tomorrow
    assert garage.memory.job_of(Plate(UPPER)) is None
    assert garage.module().down is None
    assert UPPER in garage.memory.parked
    assert booking(garage, name).state == "planned"
    assert booking(garage, name).due_utc_ms == first_due_ms + 86_400_000
    assert booking(garage, name).why == (because(ReasonCode.NOBODY_CAME),)
    # and whoever comes late is served as everybody else
    garage.see_through(garage.fetch(UPPER))
    assert garage.violations == []


def test_a_car_on_the_ground_is_fetched_past_the_one_that_stands_by(garage: GarageRun) -> None:
    garage.accept(wish())
    wait_till(garage, SEVEN_FORTY, 40)
    moves = len(garage.heard(MotionRequested))
    job = garage.see_through(garage.fetch(GROUND))
    assert job.state == "done"
    only_gate = [event for event in garage.heard(MotionRequested)[moves:] if event.mailbox != GATE]
    assert only_gate == []
    assert garage.job(job_of(garage, UPPER)).state == "standing_by"
    # the booked driver comes while the other one is still at the gate
    assert garage.see_through(garage.fetch(UPPER)).state == "done"
    assert garage.violations == []


def test_a_booked_driver_who_comes_while_another_is_at_the_gate_is_next(garage: GarageRun) -> None:
    garage.accept(wish())
    wait_till(garage, SEVEN_FORTY, 40)
    other = garage.fetch(GROUND)
    garage.wait_until(lambda: garage.job(other).session_state == "open")
    job = garage.fetch(UPPER)
    garage.see_through(other)
    assert garage.see_through(job).state == "done"
    assert garage.violations == []


def test_who_comes_and_then_gives_up_while_another_is_at_the_gate_is_not_served(garage: GarageRun) -> None:
    garage.accept(wish())
    wait_till(garage, SEVEN_FORTY, 40)
    other = garage.fetch(GROUND)
    garage.wait_until(lambda: garage.job(other).session_state == "open")
    job = garage.fetch(UPPER)
    garage.accept(CancelJob(JobId(job)))
    garage.see_through(other)
    garage.rest()
    assert garage.job(job).state == "cancelled"
    assert garage.job(job).opened_utc_ms is None
    assert UPPER in garage.memory.parked
    assert garage.violations == []


def test_nobody_waits_long_for_a_no_show(garage: GarageRun) -> None:
    # given a booked car that stands by, and another driver who wants an upper car
    garage.accept(wish())
    wait_till(garage, SEVEN_FORTY, 40)
    job = garage.fetch(HIGHER)
    garage.wait(10_000)
    assert garage.job(job).state == "queued"
    # then after the grace the booked car goes back and the other is brought
    garage.see_through(job)
    grace_ms = garage.run.site.patience.booking_grace_ms
    opened_ms = garage.job(job).opened_utc_ms
    assert opened_ms is not None
    due_ms = next(iter(garage.memory.bookings.values())).due_utc_ms
    assert opened_ms - due_ms < grace_ms + 200_000
    assert next(iter(garage.memory.bookings.values())).why == (because(ReasonCode.NOBODY_CAME_IN_THE_WAY),)
    assert garage.violations == []


def test_a_cancelled_booking_sends_the_car_back(garage: GarageRun) -> None:
    name = garage.accept(wish())
    wait_till(garage, SEVEN_FORTY, 40)
    garage.accept(CancelBooking(BookingId(name), digest(UPPER, PIN)))
    garage.rest()
    assert garage.module().down is None
    assert booking(garage, name).state == "cancelled"
    assert garage.violations == []


def test_the_operator_gives_up_a_standing_car(garage: GarageRun) -> None:
    name = garage.accept(wish())
    wait_till(garage, SEVEN_FORTY, 40)
    garage.accept(CancelJob(JobId(job_of(garage, UPPER))))
    garage.rest()
    garage.wait(1000)
    assert booking(garage, name).state == "missed"


def test_a_booking_is_changed_before_it_is_called_and_not_after(garage: GarageRun) -> None:
    name = garage.accept(wish())
    garage.accept(ChangeBooking(BookingId(name), digest(UPPER, PIN), 8 * 60))
    wait_till(garage, SEVEN_FORTY, 40)
    assert garage.memory.job_of(Plate(UPPER)) is None
    wait_till(garage, 8 * 60 - 1)
    again = ChangeBooking(BookingId(name), digest(UPPER, PIN), 9 * 60)
    assert garage.refuse(again) is RefusalCode.BOOKING_CALLED
    wait_till(garage, 8 * 60, 40)
    assert garage.job(job_of(garage, UPPER)).state == "standing_by"


def test_coming_home_a_fitting_empty_pallet_is_down(garage: GarageRun) -> None:
    # given a car that has left and is booked to be home at eight
    plate = "京A44444"
    cars = {f"A-1-{n:02d}": f"京G{n:05d}" for n in range(1, 4)}
    full = GarageRun(site_of(module_layout("A", 4)), cars)
    full.ready()
    home = MakeBooking(Plate(plate), digest(plate, PIN), BookingKind.ARRIVAL, 8 * 60, vehicle=SEDAN)
    name = full.accept(home)
    wait_till(full, 8 * 60, 40)
    job = full.job(job_of(full, plate))
    assert (job.kind, job.state, job.level) == ("storage", "standing_by", 2)
    # when it comes it drives in after the gate alone
    asked_ms = full.now_ms
    assert full.store(plate, pin="654321") == job.id
    full.wait_until(lambda: job.session_state == "open")
    assert full.now_ms - asked_ms <= full.run.site.machine.gate_ms + 1000
    full.see_through(job.id)
    full.wait(1000)
    assert booking(full, name).state == "kept"
    assert full.memory.parked[Plate(plate)].pin_digest == digest(plate, "654321")
    assert full.violations == []


def test_another_car_than_the_booked_one_gets_another_bay(garage: GarageRun) -> None:
    plate = "京A44444"
    cars = {f"A-1-{n:02d}": f"京G{n:05d}" for n in range(1, 4)}
    full = GarageRun(site_of(module_layout("A", 4)), cars)
    full.ready()
    full.accept(MakeBooking(Plate(plate), digest(plate, PIN), BookingKind.ARRIVAL, 8 * 60, vehicle=SEDAN))
    wait_till(full, 8 * 60, 40)
    job = full.see_through(full.store(plate, TALL))
    assert (job.state, job.level) == ("done", 4)
    assert full.violations == []


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (wish(pin="000000"), RefusalCode.WRONG_PIN),
        (wish("京X00000"), RefusalCode.BOOKING_NEEDS_CAR),
        (wish(minute=1440), RefusalCode.BOOKING_TIME),
        (wish(minute=-1), RefusalCode.BOOKING_TIME),
        (wish(day=0), RefusalCode.BOOKING_PAST),
        (wish(day=99_999), RefusalCode.BOOKING_TOO_FAR),
        (CancelBooking(BookingId("B000099"), ""), RefusalCode.UNKNOWN_BOOKING),
        (ChangeBooking(BookingId("B000099"), "", 60), RefusalCode.UNKNOWN_BOOKING),
    ],
)
def test_what_cannot_be_booked_is_refused_with_its_reason(
    garage: GarageRun, command: MakeBooking | CancelBooking | ChangeBooking, code: RefusalCode
) -> None:
    assert garage.refuse(command) is code
    assert garage.memory.bookings == {}


def test_the_same_wish_twice_is_one_booking_and_nine_are_too_many(garage: GarageRun) -> None:
    garage.accept(wish())
    assert garage.refuse(wish(minute=SEVEN_FORTY + 5)) is RefusalCode.BOOKING_EXISTS
    for hour in range(9, 16):
        garage.accept(wish(minute=hour * 60))
    assert garage.refuse(wish(minute=20 * 60)) is RefusalCode.BOOKING_LIMIT


def test_bookings_for_one_minute_of_different_days_are_two(garage: GarageRun) -> None:
    garage.accept(wish(day=MONDAY + 4))
    other = garage.accept(wish(day=MONDAY + 2))
    assert garage.refuse(wish(day=MONDAY + 2)) is RefusalCode.BOOKING_EXISTS
    assert garage.refuse(wish(repeat=Repeat.DAILY)) is RefusalCode.BOOKING_EXISTS
    moved = ChangeBooking(BookingId(other), digest(UPPER, PIN), SEVEN_FORTY, day=MONDAY + 4)
    assert garage.refuse(moved) is RefusalCode.BOOKING_EXISTS
    garage.accept(replace(moved, day=MONDAY + 3))


def test_a_saturday_beside_the_weekdays_is_another_booking(garage: GarageRun) -> None:
    garage.accept(wish(repeat=Repeat.WEEKDAYS))
    garage.accept(wish(day=MONDAY + 5))
    assert garage.refuse(wish(day=MONDAY + 3)) is RefusalCode.BOOKING_EXISTS


def test_what_is_told_at_parking_counts_though_another_day_has_that_minute(garage: GarageRun) -> None:
    garage.accept(wish(day=MONDAY + 4))
    garage.see_through(garage.fetch(UPPER))
    told = RequestStorage(Plate(UPPER), SEDAN, digest(UPPER, PIN), Leaving(SEVEN_FORTY, MONDAY + 1))
    garage.see_through(garage.accept(told))
    wait_till(garage, 24 * 60 + SEVEN_FORTY, 30)
    assert garage.job(job_of(garage, UPPER)).state == "standing_by"


def test_who_has_too_many_bookings_is_told_so_at_parking(garage: GarageRun) -> None:
    garage.see_through(garage.fetch(UPPER))
    for hour in range(9, 17):
        garage.accept(replace(wish(minute=hour * 60, day=MONDAY + 2), kind=BookingKind.ARRIVAL, vehicle=SEDAN))
    told = RequestStorage(Plate(UPPER), SEDAN, digest(UPPER, PIN), Leaving(SEVEN_FORTY, MONDAY + 1))
    assert garage.refuse(told) is RefusalCode.BOOKING_LIMIT
    garage.accept(replace(told, leaves=None))


def test_bookings_that_a_stop_outlasted_keep_nobody_waiting(garage: GarageRun) -> None:
    # given two cars called for 7:40 when the emergency stop is pressed until 9:00
    names = [garage.accept(wish()), garage.accept(wish(HIGHER, SEVEN_FORTY + 2))]
    wait_till(garage, SEVEN_FORTY - 8)
    garage.plant().press_estop()
    wait_till(garage, 9 * 60)
    # then nobody is expected any more, and who comes at nine is the only one
    assert {booking(garage, name).state for name in names} == {"missed"}
    assert {booking(garage, name).why for name in names} == {(because(ReasonCode.NOBODY_CAME),)}
    garage.plant().release_estop()
    garage.accept(ResetFaults(ModuleId("A"), "Wang"))
    garage.wait(1000)
    garage.accept(ConfirmModule(ModuleId("A"), "Wang"))
    garage.wait(3000)
    job = garage.see_through(garage.fetch(UPPER))
    assert job.opened_utc_ms is not None
    assert job.opened_utc_ms - job.requested_utc_ms < 120_000
    assert garage.violations == []


def test_a_booking_for_a_car_that_is_away_lapses(garage: GarageRun) -> None:
    name = garage.accept(wish())
    garage.see_through(garage.fetch(UPPER))
    wait_till(garage, SEVEN_FORTY, 10)
    assert booking(garage, name).state == "missed"


def test_the_controller_dies_while_a_booked_car_stands_by_and_the_driver_still_gets_it(garage: GarageRun) -> None:
    garage.accept(wish())
    wait_till(garage, SEVEN_FORTY, 40)
    garage.crash()
    garage.ready()
    job = job_of(garage, UPPER)
    assert garage.job(job).state == "standing_by"
    assert garage.fetch(UPPER) == job
    assert garage.see_through(job).state == "done"
    assert garage.violations == []


def test_a_waiting_car_takes_the_pallet_that_another_has_just_left() -> None:
    # given a ground without a free bay, one car coming out from level 2 and one waiting to come in
    cars = {f"A-1-{n:02d}": f"京G{n:05d}" for n in range(1, 4)} | {"A-2-01": UPPER}
    cars |= {"A-2-02": HIGHER, "A-2-03": "京A55555"}
    garage = GarageRun(site_of(module_layout("A", 4)), cars, policy=LIVELY)
    garage.ready()
    out = garage.fetch(UPPER)
    garage.wait_until(lambda: garage.job(out).session_state == "open")
    coming = garage.store("京B00001")
    assert garage.job(coming).bay != "A-2-01"
    garage.see_through(out)
    garage.see_through(coming)
    # then the pallet is not raised and lowered in between: the gate shuts and opens, and it goes up once
    assert garage.job(coming).bay == "A-2-01"
    moves = [event for event in garage.heard(MotionRequested) if event.job == coming]
    assert [event.mailbox for event in moves] == [GATE, GATE, 2]
    assert [event.mailbox for event in garage.heard(MotionRequested) if event.job == out] == [1, 2, GATE, GATE]
    assert garage.violations == []


def test_an_empty_pallet_waits_on_the_ground_and_goes_home_when_another_is_wanted() -> None:
    # given a policy that leaves the pallet of bay A-2-02 on the ground
    cars = {f"A-1-{n:02d}": f"京G{n:05d}" for n in range(1, 4)} | {"A-2-02": UPPER, "A-3-01": HIGHER}
    garage = GarageRun(site_of(module_layout("A", 4)), cars, policy=LIVELY)
    garage.ready()
    garage.see_through(garage.fetch(UPPER))
    garage.wait(600_000)
    assert garage.module().down == "A-2-02"
    # when the controller restarts, it knows the pallet and goes on
    garage.crash()
    garage.ready()
    # and when an upper car is asked for, the pallet makes way
    assert garage.see_through(garage.fetch(HIGHER)).state == "done"
    assert garage.violations == []


def test_whoever_parks_may_tell_when_the_car_is_wanted_again(garage: GarageRun) -> None:
    plate = Plate("京A44444")
    job = garage.accept(RequestStorage(plate, SEDAN, digest(plate, PIN), Leaving(9 * 60)))
    (made,) = garage.memory.bookings.values()
    assert (made.plate, made.kind, made.minute_of_day) == (plate, "departure", 9 * 60)
    garage.see_through(job)
    wait_till(garage, 9 * 60, 20)
    assert garage.job(job_of(garage, plate)).state == "standing_by"
    bad = RequestStorage(Plate("京A55555"), SEDAN, digest("京A55555", PIN), Leaving(24 * 60))
    assert garage.refuse(bad) is RefusalCode.BOOKING_TIME


def test_whoever_comes_home_as_booked_may_tell_it_too(garage: GarageRun) -> None:
    # given a bay that stands ready for a car that comes home
    plate = Plate("京A44444")
    name = garage.accept(MakeBooking(plate, digest(plate, PIN), BookingKind.ARRIVAL, SEVEN_FORTY, vehicle=SEDAN))
    wait_till(garage, SEVEN_FORTY, 40)
    assert booking(garage, name).state == "called"
    # when its driver comes and tells the next departure, the job is that of the booking, and it is booked
    job = garage.accept(RequestStorage(plate, SEDAN, digest(plate, PIN), Leaving(9 * 60)))
    assert job == job_of(garage, plate)
    made = [one for one in garage.memory.bookings.values() if one.kind == "departure"]
    assert [(one.plate, one.minute_of_day) for one in made] == [(plate, 9 * 60)]
    assert garage.see_through(job).state == "done"


def test_why_a_car_got_its_bay_is_in_the_journal_and_not_told_to_whoever_asks_for_the_job(garage: GarageRun) -> None:
    job = garage.store("京A44444")
    (queued,) = [event for event in garage.heard(JobQueued) if event.job == job]
    assert "for a stay of about" in tell(queued.why, "en")
    assert not set(queued.why) & set(garage.job(job).why)


def test_a_booked_car_on_the_ground_keeps_nobody_waiting(garage: GarageRun) -> None:
    # given a booked ground car whose driver is late
    garage.accept(wish(GROUND))
    wait_till(garage, SEVEN_FORTY, 40)
    booked = job_of(garage, GROUND)
    assert garage.job(booked).state == "standing_by"
    # when another driver wants a car from above, it comes at once
    upper = garage.fetch(UPPER)
    garage.wait_until(lambda: garage.job(upper).session_state == "open", 120_000)
    # and the late driver, who comes meanwhile, is next
    assert garage.fetch(GROUND) == booked
    garage.see_through(upper)
    # past the pallet of who has left, which goes home only when nobody is served
    garage.wait_until(lambda: garage.job(booked).session_state == "open")
    assert garage.module().down == "A-2-02"
    assert garage.see_through(booked).state == "done"
    garage.wait_until(lambda: garage.module().down is None, 60_000)
    assert garage.violations == []


def test_two_booked_for_one_minute_stand_side_by_side_if_one_lives_on_the_ground(garage: GarageRun) -> None:
    garage.accept(wish(GROUND))
    garage.accept(wish(UPPER))
    wait_till(garage, SEVEN_FORTY, 30)
    jobs = [garage.job(job_of(garage, plate)) for plate in (GROUND, UPPER)]
    assert [job.state for job in jobs] == ["standing_by", "standing_by"]
    for job in jobs:
        garage.fetch(job.plate)
    for job in jobs:
        assert garage.see_through(job.id).state == "done"
    assert garage.violations == []
