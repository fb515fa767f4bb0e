"""Booking at the kiosk, screen by screen, as the server sends them."""

from __future__ import annotations

import re

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from api.pages.words import day_word
from domain.booking import BookingKind, Repeat
from domain.commands import CancelBooking, ChangeBooking, MakeBooking
from domain.vehicle import VEHICLE_CLASSES
from tests.api.fake_garage import START_UTC_MS, FakeGarage
from tests.api.test_pages import ENGLISH, answer, screen_of

PLATE, PIN = "京A12345", "271828"
KNOWN = {"flow": "book", "plate": PLATE, "pin": PIN}
DAY_MS = 86_400_000


@pytest.fixture
def parked(garage: FakeGarage) -> FakeGarage:
    garage.park(PLATE, PIN)
    return garage


def hidden(page: Response) -> dict[str, str]:
    """What the screen's form carries on."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))


def press(client: TestClient, page: Response, screen: str, **given: str) -> Response:
    """Press a button of a screen: its form with one more answer."""
    return answer(client, screen, **(hidden(page) | given))


def book(client: TestClient, at: str = "07:40", repeat: str = "once") -> Response:
    wish = {"kind": "departure", "at": at, "repeat": repeat}
    return answer(client, "booking-repeat", **KNOWN, **wish)


def test_a_departure_is_booked_one_question_at_a_time(client: TestClient, parked: FakeGarage) -> None:
    assert screen_of(answer(client, "start", flow="book")) == "plate"
    assert screen_of(answer(client, "plate", flow="book", plate="京a·12345")) == "pin"
    kind = answer(client, "pin", **KNOWN)
    hour = press(client, kind, "booking-kind", kind="departure")
    minute = press(client, hour, "booking-hour", hour="7")
    repeat = press(client, minute, "booking-time", at="07:40")
    booked = press(client, repeat, "booking-repeat", repeat="weekdays")
    screens = [screen_of(page) for page in (kind, hour, minute, repeat, booked)]
    assert screens == ["booking-kind", "booking-hour", "booking-minute", "booking-repeat", "booked"]
    assert len(re.findall(r'name="hour"', hour.text)) == 24
    assert re.findall(r'name="at" value="([^"]+)"', minute.text) == [f"07:{m:02d}" for m in range(0, 60, 5)]
    assert "Your car will be at the gate at 07:40, Monday to Friday. First: tomorrow." in booked.text
    command = parked.commands[-1]
    assert isinstance(command, MakeBooking)
    assert (command.kind, command.minute_of_day, command.repeat) == (BookingKind.DEPARTURE, 460, Repeat.WEEKDAYS)


def test_the_sentence_is_chinese_for_who_reads_chinese(client: TestClient, parked: FakeGarage) -> None:
    form = KNOWN | {"kind": "departure", "at": "07:40", "repeat": "once"}
    told = client.post("/kiosk/booking-repeat", data=form, headers={"Accept-Language": "zh"})
    assert "明天 07:40，您的车会在门口等您。" in told.text


def test_a_car_that_is_not_here_books_its_coming_home(client: TestClient, garage: FakeGarage) -> None:
    which = answer(client, "pin", **KNOWN)
    assert screen_of(which) == "vehicle-class"
    assert "The car is not here" in which.text
    hour = press(client, which, "vehicle-class", vehicle_class="K")
    assert "At what hour do you come home?" in hour.text
    minute = press(client, hour, "booking-hour", hour="18")
    repeat = press(client, minute, "booking-time", at="18:00")
    booked = press(client, repeat, "booking-repeat", repeat="daily")
    assert "A bay will be ready for you at 18:00, every day. First: tomorrow." in booked.text
    command = garage.commands[-1]
    assert isinstance(command, MakeBooking)
    assert (command.kind, command.vehicle) == (BookingKind.ARRIVAL, VEHICLE_CLASSES["K"])
    # and whoever comes with another code reads nothing
    assert screen_of(answer(client, "pin", **(KNOWN | {"pin": "000000"}))) == "pin"


def test_my_bookings_are_listed_changed_and_cancelled(client: TestClient, parked: FakeGarage) -> None:
    book(client, "07:40", "weekdays")
    second = book(client, "09:00")
    listed = press(client, second, "bookings")
    assert re.findall(r'data-booking="([^"]+)"', listed.text) == ["B000001", "B000002"]
    assert "Leave · Mon to Fri" in listed.text
    chosen = press(client, listed, "booking-chosen", booking="B000002")
    assert "Your car will be at the gate at 09:00, tomorrow." in chosen.text
    hour = press(client, chosen, "booking-change")
    minute = press(client, hour, "booking-hour", hour="8")
    repeat = press(client, minute, "booking-time", at="08:05")
    changed = press(client, repeat, "booking-repeat", repeat="once")
    assert "Your car will be at the gate at 08:05, tomorrow." in changed.text
    assert isinstance(parked.commands[-1], ChangeBooking)
    asked = press(client, chosen, "booking-ask-cancel")
    assert screen_of(asked) == "booking-cancel"
    assert not any(isinstance(command, CancelBooking) for command in parked.commands)
    over = press(client, asked, "booking-cancel")
    assert screen_of(over) == "booking-over"
    left = press(client, over, "bookings")
    assert re.findall(r'data-booking="([^"]+)"', left.text) == ["B000001"]
    assert screen_of(press(client, left, "booking-new")) == "booking-kind"


def test_a_changed_booking_keeps_its_day_and_else_takes_the_next(client: TestClient, parked: FakeGarage) -> None:
    far = {"plate": PLATE, "pin": PIN, "kind": "departure", "at": "07:40", "date": "2026-09-25"}
    name = client.post("/api/v1/bookings", json=far).json()["booking"]
    form = KNOWN | {"booking": name, "kind": "departure", "repeat": "once"}
    assert "at 08:00, Fri 25 Sep." in answer(client, "booking-repeat", **form, at="08:00").text
    # given 22:13 now and a booking for 23:00 today, 09:00 can only mean tomorrow
    late = book(client, "23:00")
    assert "at 23:00, today." in late.text
    form = KNOWN | {"booking": "B000002", "kind": "departure", "repeat": "once"}
    assert "at 09:00, tomorrow." in answer(client, "booking-repeat", **form, at="09:00").text


def test_refusals_of_a_booking_are_said_in_words(client: TestClient, parked: FakeGarage) -> None:
    book(client)
    twice = book(client, "07:45")
    assert (twice.status_code, screen_of(twice)) == (409, "refused")
    assert "already has a booking at about this time" in twice.text
    gone = answer(client, "booking-chosen", **KNOWN, booking="B000009")
    assert (gone.status_code, screen_of(gone)) == (404, "refused")
    for screen in ("booking-chosen", "booking-ask-cancel", "booking-cancel", "bookings"):
        stranger = answer(client, screen, **(KNOWN | {"pin": "000000"}), booking="B000001")
        assert (stranger.status_code, screen_of(stranger)) == (403, "refused")
    assert [one["state"] for one in parked.bookings()] == ["planned"]


@pytest.mark.parametrize(
    ("screen", "given"),
    [
        ("booking-kind", {"kind": "holiday"}),
        ("booking-hour", {"hour": "24"}),
        ("booking-hour", {}),
        ("booking-time", {"at": "7:61"}),
        ("booking-repeat", {"kind": "departure", "at": "07:40", "repeat": "hourly"}),
        ("booking-repeat", {"kind": "departure", "at": "25:00", "repeat": "once"}),
        ("booking-repeat", {"kind": "nonsense", "at": "07:40", "repeat": "once"}),
    ],
)
def test_an_answer_that_no_button_gives_is_refused(
    client: TestClient, parked: FakeGarage, screen: str, given: dict[str, str]
) -> None:
    told = answer(client, screen, **KNOWN, **given)
    assert told.status_code == 422
    assert parked.bookings() == []


def test_fetching_a_called_car_says_that_it_is_coming_or_there(client: TestClient, parked: FakeGarage) -> None:
    book(client)
    job = parked.call("B000001")
    parked.advance(job, "delivering")
    coming = answer(client, "pin", flow="fetch", plate=PLATE, pin=PIN)
    assert f'data-job="{job}"' in coming.text
    assert "Your car is coming for 07:40" in coming.text
    parked.advance(job, "standing_by")
    there = client.get(f"/kiosk/job/{job}", headers=ENGLISH).text
    assert ("Your car is at the gate already" in there, "The gate opens now." in there) == (True, True)


def test_a_standing_car_without_its_driver_asks_for_the_code(client: TestClient, parked: FakeGarage) -> None:
    book(client)
    job = parked.call("B000001")
    parked.advance(job, "standing_by")
    page = client.get(f"/kiosk/job/{job}", headers=ENGLISH)
    assert "choose Fetch and enter your code" in page.text
    found = re.search(r'hx-get="([^"]+)"', page.text)
    assert found is not None
    assert client.get(found[1], headers={"HX-Request": "true"}).status_code == 204
    answer(client, "pin", flow="fetch", plate=PLATE, pin=PIN)
    assert "The gate opens now." in client.get(found[1], headers=ENGLISH | {"HX-Request": "true"}).text


def test_a_disabled_driver_says_so_with_the_code(client: TestClient, parked: FakeGarage) -> None:
    form = {"flow": "fetch", "plate": PLATE, "pin": PIN}
    assert 'value="disabled"' in answer(client, "plate", flow="fetch", plate=PLATE).text
    answer(client, "pin", **form, priority="disabled")
    assert parked.records["J000001"]["priority"] == "disabled"


def test_nobody_becomes_an_emergency_at_the_kiosk(client: TestClient, parked: FakeGarage) -> None:
    answer(client, "pin", flow="fetch", plate=PLATE, pin=PIN, priority="emergency")
    assert parked.records["J000001"]["priority"] == "normal"


@pytest.mark.parametrize(
    ("ahead_ms", "english", "chinese"),
    [
        (0, "today", "今天"),
        (3_600_000 * 2, "tomorrow", "明天"),
        (DAY_MS, "tomorrow", "明天"),
        (DAY_MS * 4, "Fri 25 Sep", "9月25日 周五"),
    ],
)
def test_days_are_told_as_people_do(ahead_ms: int, english: str, chinese: str) -> None:
    told = [day_word(language, START_UTC_MS + ahead_ms, START_UTC_MS, 480) for language in ("en", "zh")]
    assert told == [english, chinese]
