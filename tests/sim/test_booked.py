"""Which departures are booked, when, and how punctually their drivers come."""

from __future__ import annotations

from collections import Counter
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.booking import MINUTE_MS
from domain.ids import Plate
from domain.vehicle import VEHICLE_CLASSES
from sim.booked import FORGETFUL_MS, NOTICE_MS_MIN, BookingHabits, with_bookings
from sim.demand import DAY_MS, HOUR_MS, Trip, TripKind
from tests.garage_run import START_UTC_MS

CAR = VEHICLE_CLASSES["Z"]
UTC_OFFSET_MINUTES = 480
ALL = BookingHabits(share=1.0)


def trip(at_ms: int, kind: TripKind = "depart", plate: str = "京A12345") -> Trip:
    return Trip(at_ms, kind, Plate(plate), CAR, "H-001")


def morning(cars: int, day: int = 1) -> list[Trip]:
    """So many cars leave between seven and eight."""
    return [trip(day * DAY_MS + 7 * HOUR_MS + n * 20_000, plate=f"京A{10000 + n}") for n in range(cars)]


def booked(trips: list[Trip], habits: BookingHabits = ALL, seed: int = 1) -> list[Trip]:
    return with_bookings(trips, seed, habits, start_utc_ms=START_UTC_MS, utc_offset_minutes=UTC_OFFSET_MINUTES)


def test_who_does_not_book_drives_as_before() -> None:
    trips = morning(20)
    assert booked(trips, BookingHabits()) == trips
    half = booked(trips, BookingHabits(share=0.5))
    bookers = {one.plate for one in half if one.kind == "book"}
    assert 5 < len(bookers) < 15
    assert [one for one in half if one.plate not in bookers] == [one for one in trips if one.plate not in bookers]


def test_a_driver_books_the_nearest_minute_in_the_evening_before() -> None:
    leaves_ms = DAY_MS + 7 * HOUR_MS + 40 * MINUTE_MS + 31_000
    book, depart = booked([trip(leaves_ms)])
    assert (book.kind, depart.kind) == ("book", "depart")
    assert book.due_utc_ms == START_UTC_MS + DAY_MS + 7 * HOUR_MS + 41 * MINUTE_MS
    assert 19 * HOUR_MS <= book.at_ms <= 22.5 * HOUR_MS
    assert depart.due_utc_ms is None


def test_whoever_parks_tells_when_the_car_is_wanted_again_unless_that_is_too_soon_or_too_far() -> None:
    home_ms = DAY_MS + 17 * HOUR_MS
    parks, departs = booked([trip(home_ms, "arrive"), trip(home_ms + 2 * HOUR_MS)])
    assert (parks.kind, departs.kind) == ("arrive", "depart")
    assert parks.due_utc_ms == START_UTC_MS + home_ms + 2 * HOUR_MS
    for stay_ms in (29 * MINUTE_MS, 31 * DAY_MS):
        unbooked = [trip(home_ms, "arrive"), trip(home_ms + stay_ms)]
        assert booked([trip(home_ms - HOUR_MS), *unbooked])[-2:] == unbooked


def test_drivers_come_about_their_minute_and_never_much_too_early() -> None:
    trips = booked(morning(300))
    due = {one.plate: (one.due_utc_ms or 0) - START_UTC_MS for one in trips if one.kind == "book"}
    late_min = [(one.at_ms - due[one.plate]) / MINUTE_MS for one in trips if one.kind == "depart"]
    assert mean(late_min) == pytest.approx(0.0, abs=0.2)
    assert min(late_min) >= -2


def test_some_booked_drivers_never_come_and_some_half_an_hour_late() -> None:
    trips = booked(morning(300), BookingHabits(share=1.0, no_show_share=0.2))
    due = {one.plate: (one.due_utc_ms or 0) - START_UTC_MS for one in trips if one.kind == "book"}
    came = {one.plate: one.at_ms - due[one.plate] for one in trips if one.kind == "depart"}
    fates = Counter("never" if p not in came else "late" if came[p] == FORGETFUL_MS else "kept" for p in due)
    assert 15 < fates["never"] < 50
    assert 15 < fates["late"] < 50
    assert fates["kept"] > 210


@given(st.integers(0, 1000), st.floats(0, 1), st.floats(0, 1))
def test_who_books_at_a_share_books_at_every_higher_one(seed: int, one: float, other: float) -> None:
    less, more = sorted((one, other))
    trips = morning(30)
    at = [{t for t in booked(trips, BookingHabits(share=s), seed) if t.kind == "book"} for s in (less, more)]
    assert at[0] <= at[1]


@given(st.integers(0, 50), st.integers(0, 23), st.integers(0, 59))
def test_trips_stay_in_order_of_time_and_notice_is_given(seed: int, hour: int, minute: int) -> None:
    day_ms = 2 * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS
    trips = booked([trip(day_ms + n * 7777, plate=f"京A{20000 + n}") for n in range(10)], seed=seed)
    assert [one.at_ms for one in trips] == sorted(one.at_ms for one in trips)
    for one in trips:
        if one.kind == "book" and one.due_utc_ms is not None:
            assert 0 <= one.at_ms <= one.due_utc_ms - START_UTC_MS - NOTICE_MS_MIN
            assert one.due_utc_ms % MINUTE_MS == 0
