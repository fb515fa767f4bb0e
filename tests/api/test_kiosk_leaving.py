"""The kiosk asks a driver who parks when the car is wanted again."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from domain.booking import local_day
from domain.commands import Leaving, RequestStorage
from domain.refusals import RefusalCode
from tests.api.fake_garage import START_UTC_MS, FakeGarage
from tests.api.test_kiosk_bookings import press
from tests.api.test_pages import answer, screen_of

CAR = {"flow": "park", "plate": "京A12345", "vehicle_class": "Z"}
TODAY = local_day(START_UTC_MS, 480)
"""It is 22:13 on the site's clock."""


def parked_until(garage: FakeGarage) -> Leaving | None:
    command = garage.commands[-1]
    assert isinstance(command, RequestStorage)
    return command.leaves


def test_one_touch_books_the_departure(client: TestClient, garage: FakeGarage) -> None:
    asked = answer(client, "vehicle-class", **CAR)
    assert screen_of(asked) == "leaving"
    offered = re.findall(r'name="leaves" value="(\d+) ([\d:]+)"', asked.text)
    assert offered == [(str(TODAY + 1), at) for at in ("07:00", "07:30", "08:00", "09:00", "18:00")]
    assert "Then it waits for you at the gate. Otherwise fetching takes 2 to 3 min." in asked.text
    job = press(client, asked, "leaving", leaves=f"{TODAY + 1} 07:30")
    assert screen_of(job) == "job"
    assert "Your car will be at the gate at 07:30, tomorrow." in job.text
    assert 'data-test="departure"' not in job.text
    assert parked_until(garage) == Leaving(450, TODAY + 1)
    assert [(one["kind"], one["minute_of_day"]) for one in garage.bookings()] == [("departure", 450)]


def test_whoever_is_not_sure_parks_with_one_touch(client: TestClient, garage: FakeGarage) -> None:
    asked = answer(client, "vehicle-class", **CAR)
    job = press(client, asked, "leaving", leaves="")
    assert screen_of(job) == "job"
    assert "at your usual time" in job.text
    assert (parked_until(garage), garage.bookings()) == (None, [])


def test_any_other_time_is_three_questions_away(client: TestClient, garage: FakeGarage) -> None:
    asked = answer(client, "vehicle-class", **CAR)
    days = press(client, asked, "leaving-other")
    assert re.findall(r'name="day" value="(\d+)"', days.text) == [str(TODAY + ahead) for ahead in range(8)]
    assert re.findall(r'data-test="day-\d">([^<]+)<', days.text)[:3] == ["today", "tomorrow", "Wed 23 Sep"]
    hours = press(client, days, "leaving-day", day=str(TODAY + 2))
    assert len(re.findall(r'name="hour"', hours.text)) == 24
    minutes = press(client, hours, "leaving-hour", hour="6")
    job = press(client, minutes, "leaving", leaves=f"{TODAY + 2} 06:40")
    assert "Your car will be at the gate at 06:40, Wed 23 Sep." in job.text
    assert parked_until(garage) == Leaving(400, TODAY + 2)


@pytest.mark.parametrize("day", ["", "-1", "never", "1234567", "9" * 5000])
def test_a_day_that_no_calendar_has_is_refused(client: TestClient, day: str) -> None:
    assert answer(client, "leaving-day", **CAR, day=day).status_code in (400, 422)


def test_today_offers_only_what_is_still_to_come(client: TestClient, garage: FakeGarage) -> None:
    # given 22:13 and a quarter of an hour of notice
    hours = answer(client, "leaving-day", **CAR, day=str(TODAY))
    assert re.findall(r'name="hour" value="(\d+)"', hours.text) == ["22", "23"]
    minutes = press(client, hours, "leaving-hour", hour="22")
    times = re.findall(r'name="leaves" value="\d+ ([\d:]+)"', minutes.text)
    assert times == ["22:30", "22:35", "22:40", "22:45", "22:50", "22:55"]
    # and at 23:53 nothing of today is left
    garage.change()
    garage._view["utc_ms"] += 100 * 60_000
    days = answer(client, "leaving-other", **CAR)
    assert re.findall(r'name="day" value="(\d+)"', days.text)[0] == str(TODAY + 1)


def test_the_evening_of_today_is_offered_before_the_morning(client: TestClient, garage: FakeGarage) -> None:
    # given noon
    garage.change()
    garage._view["utc_ms"] -= 10 * 3_600_000
    asked = answer(client, "vehicle-class", **CAR)
    offered = re.findall(r'name="leaves" value="(\d+) ([\d:]+)"', asked.text)
    assert offered[0] == (str(TODAY), "18:00")
    assert len(offered) == 5


def test_the_same_times_are_offered_for_every_plate(client: TestClient, garage: FakeGarage) -> None:
    asked = [answer(client, "vehicle-class", **CAR | {"plate": plate}).text for plate in ("京A12345", "京B67890")]
    first, second = (re.findall(r'name="leaves" value="([^"]*)"', text) for text in asked)
    assert first == second


@pytest.mark.parametrize("mode", ["paused", "halted", "fire", "holding"])
def test_where_nobody_can_park_nothing_more_is_asked(client: TestClient, garage: FakeGarage, mode: str) -> None:
    garage.change(mode=mode)
    garage.next_refusal = RefusalCode.GARAGE_PAUSED
    assert screen_of(answer(client, "vehicle-class", **CAR)) == "refused"


def test_a_garage_without_a_fitting_bay_says_so_at_once(client: TestClient, garage: FakeGarage) -> None:
    garage.costs = []
    garage.next_refusal = RefusalCode.GARAGE_FULL
    assert screen_of(answer(client, "vehicle-class", **CAR)) == "refused"


def test_a_departure_that_is_booked_already_is_not_told_to_strangers(client: TestClient, garage: FakeGarage) -> None:
    # given a car whose household has booked 07:30, and somebody who types its plate and 07:35
    garage.park(CAR["plate"], "271828")
    body = {"plate": CAR["plate"], "pin": "271828", "kind": "departure", "at": "07:30", "repeat": "daily"}
    client.post("/api/v1/bookings", json=body)
    garage.parked.clear()
    told = answer(client, "leaving", **CAR, leaves=f"{TODAY + 1} 07:35")
    assert screen_of(told) == "job"
    assert "07:30" not in told.text
    assert len(garage.bookings()) == 1


@pytest.mark.parametrize(
    ("screen", "given"),
    [
        ("leaving", {"leaves": "tomorrow"}),
        ("leaving", {"leaves": f"{TODAY} 25:00"}),
        ("leaving", {"leaves": "99999 07:00"}),
        ("leaving", {"leaves": f"{TODAY - 1} 07:00"}),
        ("leaving", {"leaves": "", "vehicle_class": "Q"}),
        ("leaving-day", {"day": "Monday"}),
        ("leaving-hour", {"day": str(TODAY), "hour": "24"}),
    ],
)
def test_an_answer_that_no_button_gives_parks_nothing(
    client: TestClient, garage: FakeGarage, screen: str, given: dict[str, str]
) -> None:
    told = answer(client, screen, **(CAR | given))
    assert told.status_code in (409, 422)
    assert garage.parked == {}
