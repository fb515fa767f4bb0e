"""Charging sessions over HTTP."""

from __future__ import annotations

from starlette.testclient import TestClient

from api.settings import Role
from domain.commands import StopCharging
from tests.api.conftest import bearer
from tests.api.fake_garage import FakeGarage


def test_a_session_names_its_spot_and_its_pin(client: TestClient) -> None:
    answer = client.post("/api/v1/charging-sessions", json={"plate": "京A12345"})
    assert (answer.status_code, answer.json()) == (201, {"charging": "C000001", "spot": "E-01", "pin": "100001"})
    assert answer.headers["location"] == "/api/v1/charging-sessions/C000001"


def test_a_chosen_spot_that_is_taken_is_refused(client: TestClient) -> None:
    client.post("/api/v1/charging-sessions", json={"plate": "京A12345", "spot": "E-04"})
    second = client.post("/api/v1/charging-sessions", json={"plate": "京B22222", "spot": "E-04"})
    assert (second.status_code, second.json()["code"]) == (409, "spot_taken")


def test_a_session_is_stopped_with_its_pin_and_tells_the_fee(client: TestClient, garage: FakeGarage) -> None:
    session = client.post("/api/v1/charging-sessions", json={"plate": "京A12345"}).json()
    url = f"/api/v1/charging-sessions/{session['charging']}"
    wrong = client.post(f"{url}/stop", json={"pin": "000000"})
    right = client.post(f"{url}/stop", json={"pin": session["pin"]})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_pin")
    assert (right.status_code, right.json()["fee_fen"], right.json()["energy_wh"]) == (202, 1481, 12_340)
    assert garage.commands[-1] == StopCharging(session["spot"], garage.pin_digest("京A12345", session["pin"]))


def test_the_plate_of_a_session_is_private(client: TestClient) -> None:
    client.post("/api/v1/charging-sessions", json={"plate": "京A12345"})
    for role in Role:
        shown = client.get("/api/v1/charging-sessions/C000001", headers=bearer(role)).json()
        assert ("plate" in shown) == (role is Role.SERVICE)


def test_an_unknown_session_is_not_found(client: TestClient) -> None:
    read = client.get("/api/v1/charging-sessions/C9")
    stop = client.post("/api/v1/charging-sessions/C9/stop", json={"pin": "123456"})
    assert [(a.status_code, a.json()["code"]) for a in (read, stop)] == [(404, "unknown_charging")] * 2


def test_the_spots_are_those_of_the_view(client: TestClient, garage: FakeGarage) -> None:
    assert client.get("/api/v1/spots").json()["spots"] == garage.view()["spots"]
