"""Maintenance over HTTP and on the operator's page."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from api.settings import Role
from domain.commands import RecordWork
from tests.api.conftest import bearer
from tests.api.fake_garage import FakeGarage

OPERATOR = bearer(Role.OPERATOR)
NAME = "a person in the role operator"
WORKS = "/api/v1/maintenance/works"
WORK = {"service": "ropes", "part": "A-3-07", "person": "Zhao", "note": "strand checked"}


def test_services_parts_and_works_are_told(client: TestClient, garage: FakeGarage) -> None:
    answer = client.post(WORKS, headers=OPERATOR, json=WORK | {"renewed": True})
    assert (answer.status_code, answer.json()) == (202, {"service": "ropes", "part": "A-3-07"})
    assert garage.commands == [RecordWork("ropes", "A-3-07", NAME, "Zhao", "strand checked", True)]
    told = client.get("/api/v1/maintenance", headers=OPERATOR).json()
    assert {row["part"] for row in told["parts"]} >= {"A", "A-gate", "A-3", "A-3-07", "A-1-01"}
    assert [row["service"] for row in told["groups"]].count("ropes") == 4
    done = next(row for row in told["due"] if (row["service"], row["part"]) == ("ropes", "A-3-07"))
    assert (done["last_person"], done["count_since"], done["standing"]) == ("Zhao", 0, "ok")
    assert (told["works"][0]["parts"], told["works"][0]["operator"]) == (["A-3-07"], NAME)


def test_work_on_a_module_is_work_on_all_its_parts_of_that_kind(client: TestClient, garage: FakeGarage) -> None:
    client.post(WORKS, headers=OPERATOR, json=WORK | {"part": "D"})
    work = client.get("/api/v1/maintenance", headers=OPERATOR).json()["works"][0]
    # nine columns: 8 + 8 + 9 upper pallets
    assert len(work["parts"]) == 25


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"service": "polish"}, 404, "unknown_service"),
        ({"part": "Q"}, 404, "unknown_part"),
        ({"part": "A-gate"}, 404, "unknown_service"),
        ({"person": " "}, 422, "invalid_input"),
        ({"note": "x" * 201}, 422, "invalid_input"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    client: TestClient, garage: FakeGarage, change: dict[str, str], status: int, code: str
) -> None:
    answer = client.post(WORKS, headers=OPERATOR, json=WORK | change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get("/api/v1/maintenance", headers=OPERATOR).json()["works"] == []


@pytest.mark.parametrize("role", [Role.COMMITTEE, Role.SERVICE])
def test_names_of_fitters_are_for_operators(client: TestClient, role: Role) -> None:
    assert client.get("/api/v1/maintenance", headers=bearer(role)).status_code == 403
    assert client.post(WORKS, headers=bearer(role), json=WORK).status_code == 403


@pytest.mark.parametrize(("language", "words"), [("en", ("Ropes and chains", "lifts")), ("zh", ("钢丝绳", "次升降"))])
def test_the_page_says_what_is_due_in_both_languages(
    client: TestClient, garage: FakeGarage, language: str, words: tuple[str, str]
) -> None:
    page = client.get("/operator/maintenance", headers=OPERATOR | {"Accept-Language": language}).text
    assert all(word in page for word in words)
    assert page.count("data-service=") == 4 * 6


def test_the_form_records_work_and_says_what_is_missing(client: TestClient, garage: FakeGarage) -> None:
    headers = OPERATOR | {"HX-Request": "true", "Accept-Language": "en"}
    path = "/operator/maintenance/works"
    form = {"service": "repair", "part": "A-gate", "person": "Zhao", "note": "new spring", "renewed": "1"}
    page = client.post(path, headers=headers, data=form)
    assert page.status_code == 200
    assert "new spring" in page.text
    assert garage.commands == [RecordWork("repair", "A-gate", NAME, "Zhao", "new spring", True)]
    assert client.post(path, headers=headers, data=form | {"person": ""}).status_code == 422
    refused = client.post(path, headers=headers, data=form | {"part": "Q-9"})
    assert (refused.status_code, "There is no such part" in refused.text or "part" in refused.text) == (404, True)
