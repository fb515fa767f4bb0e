"""Bookings over HTTP: made, read, changed and cancelled by the one who knows the PIN."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from api.settings import Role
from domain.booking import BookingKind, Repeat
from domain.commands import MakeBooking, RequestRetrieval
from domain.ids import Plate
from domain.refusals import RefusalCode
from domain.vehicle import VEHICLE_CLASSES
from tests.api.conftest import bearer
from tests.api.fake_garage import START_UTC_MS, FakeGarage

PLATE, PIN = "京A12345", "271828"
NOW_LOCAL = datetime.fromtimestamp(START_UTC_MS / 1000, UTC) + timedelta(hours=8)
"""The garage's clock: Monday, 21 September 2026, 22:13 in Beijing."""

DEPARTURE = {"plate": PLATE, "pin": PIN, "kind": "departure", "at": "07:40"}


@pytest.fixture
def parked(garage: FakeGarage) -> FakeGarage:
    garage.park(PLATE, PIN)
    return garage


def book(client: TestClient, **fields: Any) -> Response:
    return client.post("/api/v1/bookings", json=DEPARTURE | fields)


def delete(client: TestClient, booking: str, pin: str = PIN) -> Response:
    return client.delete(f"/api/v1/bookings/{booking}", headers={"Garage-Pin": pin})


def test_a_booked_departure_is_told_on_the_site_s_clock_and_in_utc(client: TestClient, parked: FakeGarage) -> None:
    answer = book(client)
    assert answer.status_code == 201
    assert answer.headers["location"] == "/api/v1/bookings/B000001"
    assert answer.json() == {
        "booking": "B000001",
        "plate": PLATE,
        "kind": "departure",
        "at": "07:40",
        "repeat": "once",
        "date": "2026-09-22",
        "due_local": "2026-09-22T07:40:00+08:00",
        "due_at": "2026-09-21T23:40:00Z",
        "due_utc_ms": 1_790_034_000_000,
        "state": "planned",
        "reason": "",
        "why": [],
        "job": None,
    }


def test_a_booking_may_name_its_day_and_its_rhythm(client: TestClient, parked: FakeGarage) -> None:
    # given a Saturday, a booking for working days begins on the Monday after it
    told = book(client, repeat="weekdays", date="2026-09-26", at="7:40").json()
    assert (told["at"], told["date"], told["repeat"]) == ("07:40", "2026-09-28", "weekdays")
    command = parked.commands[0]
    assert isinstance(command, MakeBooking)
    assert (command.kind, command.minute_of_day, command.repeat) == (BookingKind.DEPARTURE, 460, Repeat.WEEKDAYS)


def test_an_arrival_of_a_car_that_is_not_here_needs_the_car(client: TestClient, garage: FakeGarage) -> None:
    arrival = {"kind": "arrival", "at": "18:00"}
    without = book(client, **arrival)
    assert (without.status_code, without.json()["code"]) == (409, "booking_needs_car")
    size = {"length_mm": 4650, "width_mm": 1790, "height_mm": 1440, "mass_kg": 1450}
    assert book(client, **arrival, vehicle=size).status_code == 201
    assert book(client, **(arrival | {"at": "20:00"}), vehicle_class="Z").status_code == 201
    command = garage.commands[-1]
    assert isinstance(command, MakeBooking)
    assert command.vehicle == VEHICLE_CLASSES["Z"]


def test_the_bookings_of_a_car_are_told_to_the_one_who_knows_its_pin(client: TestClient, parked: FakeGarage) -> None:
    first, second = book(client, at="09:00").json(), book(client, at="07:00").json()
    delete(client, first["booking"])
    found = client.post("/api/v1/bookings/search", json={"plate": "京a·12345", "pin": PIN})
    assert [(one["booking"], one["state"]) for one in found.json()["bookings"]] == [
        (second["booking"], "planned"),
        (first["booking"], "cancelled"),
    ]
    single = client.get(f"/api/v1/bookings/{second['booking']}", headers={"Garage-Pin": PIN})
    assert single.json() == second


def test_a_wrong_pin_learns_and_changes_nothing(client: TestClient, parked: FakeGarage) -> None:
    name = book(client).json()["booking"]
    wrong = {"pin": "000000"}
    answers = [
        book(client, at="12:00", **wrong),
        client.post("/api/v1/bookings/search", json={"plate": PLATE, **wrong}),
        client.get(f"/api/v1/bookings/{name}", headers={"Garage-Pin": "000000"}),
        client.patch(f"/api/v1/bookings/{name}", json={"at": "08:00", **wrong}),
        delete(client, name, "000000"),
    ]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(403, "wrong_pin")] * 5
    assert [(one["minute_of_day"], one["state"]) for one in parked.bookings()] == [(460, "planned")]


def test_the_pin_stands_in_no_address_and_must_be_given(client: TestClient, parked: FakeGarage) -> None:
    name = book(client).json()["booking"]
    for answer in (
        client.get(f"/api/v1/bookings/{name}?pin={PIN}"),
        client.delete(f"/api/v1/bookings/{name}?pin={PIN}"),
        client.delete(f"/api/v1/bookings/{name}", headers={"Garage-Pin": "27182"}),
    ):
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "invalid_input")
        assert problem["reasons"][0]["about"] == "Garage-Pin"


def test_a_changed_booking_keeps_what_was_not_given(client: TestClient, parked: FakeGarage) -> None:
    name = book(client, date="2026-09-25").json()["booking"]
    later = client.patch(f"/api/v1/bookings/{name}", json={"pin": PIN, "at": "08:15"}).json()
    assert (later["at"], later["date"], later["repeat"]) == ("08:15", "2026-09-25", "once")
    daily = client.patch(f"/api/v1/bookings/{name}", json={"pin": PIN, "repeat": "daily"}).json()
    assert (daily["at"], daily["date"], daily["repeat"]) == ("08:15", "2026-09-22", "daily")
    moved = client.patch(f"/api/v1/bookings/{name}", json={"pin": PIN, "date": "2026-09-24"}).json()
    assert (moved["at"], moved["date"], moved["repeat"]) == ("08:15", "2026-09-24", "daily")


def test_a_called_booking_can_be_cancelled_and_not_changed(client: TestClient, parked: FakeGarage) -> None:
    name = book(client).json()["booking"]
    job = parked.call(name)
    changed = client.patch(f"/api/v1/bookings/{name}", json={"pin": PIN, "at": "08:00"})
    assert (changed.status_code, changed.json()["code"]) == (409, "booking_called")
    told = client.get(f"/api/v1/jobs/{job}").json()
    assert (told["booking"], told["due_at"], told["waiting_for_driver"]) == (name, "2026-09-21T23:40:00Z", True)
    assert told["reason"] == "booked for 07:40, driver not here yet"
    assert delete(client, name).json()["state"] == "cancelled"
    gone = delete(client, name)
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_booking")


def test_the_driver_of_a_called_booking_gets_the_booked_job(client: TestClient, parked: FakeGarage) -> None:
    job = parked.call(book(client).json()["booking"])
    assert parked.view()["waiting"] == 0
    answer = client.post("/api/v1/retrievals", json={"plate": PLATE, "pin": PIN})
    assert (answer.status_code, answer.json()["job"]) == (202, job)
    assert answer.json()["reason"] == "booked for 07:40, driver here"
    assert parked.view()["waiting"] == 1


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"at": "25:00"}, 422, "booking_time"),
        ({"at": "7:61"}, 422, "booking_time"),
        ({"at": "noon"}, 422, "booking_time"),
        ({"at": "24:00"}, 422, "booking_time"),
        ({"at": "-1:00"}, 422, "booking_time"),
        ({"at": "٠٧:٤٠"}, 422, "booking_time"),
        ({"date": "2026-09-21"}, 422, "booking_past"),
        ({"date": "2020-01-01"}, 422, "booking_past"),
        ({"date": "2026-10-23"}, 422, "booking_too_far"),
        ({"date": "9999-12-31"}, 422, "booking_too_far"),
        ({"date": "2026-09-31"}, 422, "invalid_input"),
        ({"date": "tomorrow"}, 422, "invalid_input"),
        ({"date": 5}, 422, "invalid_input"),
        ({"at": 740}, 422, "invalid_input"),
        ({"kind": "holiday"}, 422, "invalid_input"),
        ({"repeat": "hourly"}, 422, "invalid_input"),
        ({"vehicle_class": "Q"}, 422, "invalid_input"),
        ({"pin": "12345"}, 422, "invalid_input"),
        ({"plate": "京B99999"}, 409, "booking_needs_car"),
        ({"colour": "red"}, 422, "invalid_input"),
    ],
)
def test_a_booking_that_cannot_be_is_refused_in_both_languages(
    client: TestClient, parked: FakeGarage, fields: dict[str, Any], status: int, code: str
) -> None:
    answer = book(client, **fields)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(reason["text_en"] and reason["text_zh"] for reason in problem["reasons"])
    assert parked.bookings() == []


def test_the_last_bookable_day_is_the_thirty_first_from_now(client: TestClient, parked: FakeGarage) -> None:
    last = (NOW_LOCAL + timedelta(days=31)).date().isoformat()
    assert book(client, date=last, at="07:40").status_code == 201
    assert book(client, date=last, at="23:00").json()["code"] == "booking_too_far"


def test_unknown_bookings_are_not_found(client: TestClient) -> None:
    header = {"Garage-Pin": PIN}
    answers = [
        client.get("/api/v1/bookings/B9", headers=header),
        client.get("/api/v1/bookings/B9", headers=bearer(Role.OPERATOR)),
        client.patch("/api/v1/bookings/B9", json={"pin": PIN, "at": "08:00"}),
        client.delete("/api/v1/bookings/B9", headers=header),
    ]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(404, "unknown_booking")] * 4
    nobody = client.post("/api/v1/bookings/search", json={"plate": PLATE, "pin": PIN})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "unknown_plate")


def test_a_repeated_key_books_once(client: TestClient, parked: FakeGarage) -> None:
    key = {"Idempotency-Key": "one-wish"}
    first, second = (client.post("/api/v1/bookings", json=DEPARTURE, headers=key) for _ in range(2))
    assert (first.text, second.headers["idempotency-replayed"]) == (second.text, "true")
    assert len(parked.bookings()) == 1


def test_staff_see_all_bookings_plates_only_the_service_and_digests_nobody(
    client: TestClient, parked: FakeGarage
) -> None:
    name = book(client).json()["booking"]
    for role in (Role.OPERATOR, Role.ADMINISTRATOR, Role.SERVICE):
        listed = client.get("/api/v1/bookings", headers=bearer(role))
        single = client.get(f"/api/v1/bookings/{name}", headers=bearer(role)).json()
        assert listed.json()["bookings"] == [single]
        assert ("plate" in single) == (role is Role.SERVICE)
        assert parked.pin_digest(PLATE, PIN) not in listed.text
    assert client.get("/api/v1/bookings", headers=bearer(Role.COMMITTEE)).status_code == 403
    public = client.get("/api/v1/garage")
    assert public.json()["bookings"] == {"planned": 1, "called": 0}
    assert (PLATE in public.text, name in public.text) == (False, False)


def test_only_operators_call_an_emergency(client: TestClient, parked: FakeGarage) -> None:
    wish = {"plate": PLATE, "pin": PIN, "priority": "emergency"}
    for role in (Role.PUBLIC, Role.COMMITTEE, Role.SERVICE):
        answer = client.post("/api/v1/retrievals", json=wish, headers=bearer(role))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert parked.commands == []
    told = client.post("/api/v1/retrievals", json=wish, headers=bearer(Role.OPERATOR)).json()
    assert (told["priority"], told["reason"]) == ("emergency", "an emergency; 1 before it in its module")


def test_a_disabled_driver_may_say_so(client: TestClient, parked: FakeGarage) -> None:
    told = client.post("/api/v1/retrievals", json={"plate": PLATE, "pin": PIN, "priority": "disabled"}).json()
    assert told["priority"] == "disabled"
    assert parked.commands == [RequestRetrieval(Plate(PLATE), parked.pin_digest(PLATE, PIN), "disabled")]
    vip = client.post("/api/v1/retrievals", json={"plate": PLATE, "pin": PIN, "priority": "vip"})
    assert (vip.status_code, vip.json()["code"]) == (422, "invalid_input")


def test_every_refusal_of_a_booking_has_its_page(client: TestClient) -> None:
    codes = [code for code in RefusalCode if "booking" in code.code]
    assert len(codes) == 8
    for code in codes:
        assert client.get(f"/api/v1/problems/{code.code}").json()["text_zh"] == code.text("zh")


def test_the_interface_s_description_shows_bookings_with_examples(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()
    paths = {path for path in described["paths"] if path.startswith("/api/v1/bookings")}
    assert paths == {"/api/v1/bookings", "/api/v1/bookings/search", "/api/v1/bookings/{booking}"}
    made = described["paths"]["/api/v1/bookings"]["post"]["responses"]["201"]
    assert made["content"]["application/json"]["example"]["at"] == "07:40"
    body = described["components"]["schemas"]["BookingBody"]["properties"]
    assert (body["at"]["examples"], body["plate"]["examples"]) == (["07:40"], ["京A·12345"])
