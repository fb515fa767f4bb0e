"""Parts out of service over HTTP and on the pages."""

from __future__ import annotations

from starlette.testclient import TestClient

from api.settings import Role
from domain.commands import PutBack, TakeOut
from tests.api.conftest import bearer
from tests.api.fake_garage import FakeGarage

OPERATOR = bearer(Role.OPERATOR)
NAME = "a person in the role operator"


def test_a_part_is_taken_out_listed_and_put_back(client: TestClient, garage: FakeGarage) -> None:
    out = client.put("/api/v1/parts/A-2@05", headers=OPERATOR, json={"reason": " bent rail "})
    assert (out.status_code, out.json()) == (202, {"part": "A-2@05"})
    listed = client.get("/api/v1/parts", headers=OPERATOR).json()["out_of_service"]
    assert [(one["part"], one["reason"]) for one in listed] == [("A-2@05", "bent rail")]
    assert client.delete("/api/v1/parts/A-2@05", headers=OPERATOR).status_code == 202
    assert client.get("/api/v1/parts", headers=OPERATOR).json() == {"out_of_service": []}
    again = client.delete("/api/v1/parts/A-2@05", headers=OPERATOR)
    assert (again.status_code, again.json()["code"]) == (409, "part_not_out")
    assert garage.commands[:2] == [TakeOut("A-2@05", NAME, "bent rail"), PutBack("A-2@05", NAME)]


def test_without_a_reason_nothing_is_taken_out(client: TestClient, garage: FakeGarage) -> None:
    for body in ({}, {"reason": ""}, {"reason": "  "}):
        answer = client.put("/api/v1/parts/A-3", headers=OPERATOR, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert garage.commands == []


def test_only_operators_see_and_change_parts(client: TestClient) -> None:
    for headers, status in (({}, 401), (bearer(Role.COMMITTEE), 403)):
        assert client.get("/api/v1/modules/A/reach", headers=headers).status_code == status
        assert client.put("/api/v1/parts/A-3", headers=headers, json={"reason": "x"}).status_code == status
        assert client.delete("/api/v1/parts/A-3", headers=headers).status_code == status


def test_reach_tells_who_waits_for_what_and_what_frees_them(client: TestClient) -> None:
    client.put("/api/v1/parts/A-2-05", headers=OPERATOR, json={"reason": "rope"})
    told = client.get("/api/v1/modules/A/reach", headers=OPERATOR).json()
    assert told["out_of_service"][0]["part"] == "A-2-05"
    assert {tuple(one["because"]) for one in told["unreachable"]} == {("A-2-05",)}
    push = next(step for step in told["rescue"]["steps"] if step["do"] == "push")
    assert (push["bay"], push["first"], push["second"]) == ("A-2-05", 5, 6)
    assert "push pallet A-2-05" in push["text_en"]
    assert "第2层载车板 A-2-05" in push["text_zh"]
    assert told["rescue"]["least_proven"] is True
    assert len(told["reachable"]) + len(told["unreachable"]) == 37


def test_the_urgent_bay_goes_first_and_an_unknown_one_is_refused(client: TestClient) -> None:
    client.put("/api/v1/parts/A", headers=OPERATOR, json={"reason": "gearbox"})
    told = client.get("/api/v1/modules/A/reach?urgent=A-4-02", headers=OPERATOR).json()
    assert next(step for step in told["rescue"]["steps"] if step["do"] == "crank")["bay"] == "A-4-02"
    for path, code in (("A/reach?urgent=A-9-01", "unknown_bay"), ("Q/reach", "unknown_module")):
        answer = client.get(f"/api/v1/modules/{path}", headers=OPERATOR)
        assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_a_driver_whose_job_ended_reads_why_at_the_kiosk(client: TestClient, garage: FakeGarage) -> None:
    job = client.post("/api/v1/storages", json={"plate": "京A12345", "vehicle_class": "Z"}).json()["job"]
    garage.advance(job, "cancelled", why=[{"code": "unreachable", "values": {"about": "A-4-01: A-2-02 (rope)"}}])
    for language, words in (("en", "No sequence of moves brings this pallet down."), ("zh", "无法将该载车板降至地面")):
        page = client.get(f"/kiosk/job/{job}", headers={"Accept-Language": language}).text
        assert words in page
        assert "(A-4-01: A-2-02 (rope))" in page
