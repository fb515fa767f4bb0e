"""Parking and fetching over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from api.settings import Role
from domain.commands import CancelJob, ConfirmClear, RequestStorage
from domain.vehicle import VEHICLE_CLASSES
from tests.api.conftest import bearer
from tests.api.fake_garage import FakeGarage

PARK = {"plate": "京A·12345", "vehicle_class": "Z"}


def test_a_parked_car_gets_a_job_and_a_pin(client: TestClient, garage: FakeGarage) -> None:
    answer = client.post("/api/v1/storages", json=PARK)
    body = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == "/api/v1/jobs/J000001"
    assert (body["job"], body["state"], body["pin"]) == ("J000001", "queued", "100001")
    command = garage.commands[0]
    assert isinstance(command, RequestStorage)
    assert (command.plate, command.vehicle) == ("京A12345", VEHICLE_CLASSES["Z"])
    assert command.pin_digest == garage.pin_digest("京A12345", "100001")


def test_a_driver_may_choose_the_pin(client: TestClient, garage: FakeGarage) -> None:
    body = client.post("/api/v1/storages", json={**PARK, "pin": "271828"}).json()
    assert body["pin"] == "271828"


def test_a_measured_car_gets_the_smallest_class_that_covers_it(client: TestClient, garage: FakeGarage) -> None:
    size = {"length_mm": 4650, "width_mm": 1790, "height_mm": 1440, "mass_kg": 1450}
    assert client.post("/api/v1/storages", json={"plate": "京B22222", "vehicle": size}).status_code == 202
    command = garage.commands[0]
    assert isinstance(command, RequestStorage)
    assert (command.vehicle.class_code, command.vehicle.length_mm) == ("Z", 4650)


def test_a_car_larger_than_every_class_is_put_to_the_garage_all_the_same(
    client: TestClient, garage: FakeGarage
) -> None:
    size = {"length_mm": 6200, "width_mm": 2200, "height_mm": 2500, "mass_kg": 3500}
    client.post("/api/v1/storages", json={"plate": "京B22222", "vehicle": size})
    command = garage.commands[0]
    assert isinstance(command, RequestStorage)
    assert command.vehicle.class_code == "custom"


def test_fetching_needs_the_pin_of_the_parking(client: TestClient) -> None:
    pin = client.post("/api/v1/storages", json=PARK).json()["pin"]
    wrong = client.post("/api/v1/retrievals", json={"plate": PARK["plate"], "pin": "000000"})
    right = client.post("/api/v1/retrievals", json={"plate": "京a 12345", "pin": pin})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_pin")
    assert (right.status_code, right.json()["kind"]) == (202, "retrieval")


def test_the_driver_s_word_counts_only_at_an_open_gate(client: TestClient, garage: FakeGarage) -> None:
    job = client.post("/api/v1/storages", json=PARK).json()["job"]
    early = client.post(f"/api/v1/jobs/{job}/clear")
    garage.advance(job, "at_gate", "open")
    given = client.post(f"/api/v1/jobs/{job}/clear")
    assert (early.status_code, early.json()["code"]) == (409, "job_not_at_gate")
    assert (given.status_code, given.json()["session_state"]) == (202, "closing")
    assert isinstance(garage.commands[-1], ConfirmClear)


def test_a_queued_job_can_be_cancelled_and_a_later_one_cannot(client: TestClient, garage: FakeGarage) -> None:
    first = client.post("/api/v1/storages", json=PARK).json()["job"]
    second = client.post("/api/v1/storages", json={**PARK, "plate": "京B22222"}).json()["job"]
    garage.advance(second, "delivering")
    assert client.post(f"/api/v1/jobs/{first}/cancel").json()["state"] == "cancelled"
    assert isinstance(garage.commands[-1], CancelJob)
    assert client.post(f"/api/v1/jobs/{second}/cancel").json()["code"] == "job_too_far"


def test_only_the_service_role_sees_plates(client: TestClient) -> None:
    client.post("/api/v1/storages", json=PARK)
    for role in Role:
        listed = client.get("/api/v1/jobs", headers=bearer(role)).json()["jobs"][0]
        single = client.get("/api/v1/jobs/J000001", headers=bearer(role)).json()
        for shown in (listed, single):
            assert ("plate" in shown, "vehicle" in shown) == (role is Role.SERVICE, role is Role.SERVICE)


def test_an_unknown_job_is_not_found(client: TestClient) -> None:
    answer = client.get("/api/v1/jobs/J999999")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")


def test_each_free_bay_is_told_with_its_wait_at_the_departure(client: TestClient) -> None:
    told = client.post("/api/v1/bay-costs", json=PARK | {"at": "07:40"})
    assert told.status_code == 200
    assert told.json()["at"] == "07:40"
    bays = told.json()["bays"]
    assert [(one["bay"], one["wait_s"]) for one in bays] == [("B-2-03", 95), ("A-3-07", 150)]
    assert bays[0]["reason"].startswith("level 2: 95 s to the open gate; about 07:40 module B is busy 0 % of the time")
    assert (bays[0]["why"][0]["code"], bays[0]["why"][0]["values"]["level"]) == ("bay_cost", 2)
    bad = client.post("/api/v1/bay-costs", json=PARK | {"at": "25:00"})
    assert (bad.status_code, bad.json()["code"]) == (422, "booking_time")
    for body in (PARK, {"plate": PARK["plate"], "at": "07:40"}):
        assert client.post("/api/v1/bay-costs", json=body).json()["code"] == "invalid_input"


BAD_BODIES: list[tuple[dict[str, Any], str]] = [
    ({"plate": "!", "vehicle_class": "Z"}, "plate"),
    ({"plate": "京A12345"}, "body"),
    ({"plate": "京A12345", "vehicle_class": "Q"}, "body"),
    ({"plate": "京A12345", "vehicle_class": "Z", "vehicle": {}}, "vehicle.length_mm"),
    ({"plate": "京A12345", "vehicle_class": "Z", "pin": "12345"}, "pin"),
    ({"plate": "京A12345", "vehicle_class": "Z", "pin": "１２３４５６"}, "pin"),
    ({"plate": "京A12345", "vehicle_class": "Z", "colour": "red"}, "colour"),
    ({"plate": 5, "vehicle_class": "Z"}, "plate"),
    ({"plate": "A" * 10_000, "vehicle_class": "Z"}, "plate"),
]


@pytest.mark.parametrize(("body", "field"), BAD_BODIES)
def test_a_wrong_field_is_named(client: TestClient, garage: FakeGarage, body: dict[str, Any], field: str) -> None:
    answer = client.post("/api/v1/storages", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_input")
    assert field in [reason["about"] for reason in problem["reasons"]]
    assert garage.commands == []


def test_vehicle_classes_are_those_of_the_domain(client: TestClient) -> None:
    told = client.get("/api/v1/vehicle-classes").json()["vehicle_classes"]
    assert [entry["vehicle_class"] for entry in told] == list(VEHICLE_CLASSES)
