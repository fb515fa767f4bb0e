"""The alarm list over HTTP and on the operator's page."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from api.settings import Role
from domain.alarms import AlarmId
from domain.commands import AcknowledgeAlarm, ShelveAlarm, TakeAlarmOut
from tests.api.conftest import bearer
from tests.api.fake_garage import FakeGarage

OPERATOR = bearer(Role.OPERATOR)
NAME = "a person in the role operator"
LIST = "/api/v1/alarms"
LOST = AlarmId("plc_lost:B")


def listed(client: TestClient) -> dict[str, str]:
    return {row["alarm"]: row["state"] for row in client.get(LIST, headers=OPERATOR).json()["alarms"]}


def test_an_alarm_is_listed_acknowledged_shelved_and_taken_back(client: TestClient, garage: FakeGarage) -> None:
    garage.raise_alarm("plc_lost:B")
    row = client.get(LIST, headers=OPERATOR).json()["alarms"][0]
    assert (row["priority"], row["state"], row["active"], row["number"]) == ("medium", "unacknowledged", True, 710)
    assert row["action_en"] and row["consequence_zh"] and row["cause_en"]
    told = client.post(f"{LIST}/plc_lost:B/acknowledge", headers=OPERATOR)
    assert (told.status_code, told.json()) == (202, {"alarm": "plc_lost:B"})
    shelve = {"minutes": 30, "reason": "new switch"}
    assert client.post(f"{LIST}/plc_lost:B/shelve", headers=OPERATOR, json=shelve).status_code == 202
    assert listed(client) == {"plc_lost:B": "shelved"}
    assert client.post(f"{LIST}/plc_lost:B/unshelve", headers=OPERATOR).status_code == 202
    assert listed(client) == {"plc_lost:B": "unacknowledged"}
    assert client.post(f"{LIST}/plc_lost:B/take-out", headers=OPERATOR, json={"reason": " x "}).status_code == 202
    assert listed(client) == {"plc_lost:B": "out_of_service"}
    assert client.post(f"{LIST}/plc_lost:B/put-back", headers=OPERATOR).status_code == 202
    assert garage.commands[:2] == [
        AcknowledgeAlarm(LOST, NAME),
        ShelveAlarm(LOST, 1_800_000, NAME, "new switch"),
    ]
    assert TakeAlarmOut(LOST, NAME, "x") in garage.commands


def test_the_most_urgent_stands_first(client: TestClient, garage: FakeGarage) -> None:
    for alarm in ("charger_silent:E-01", "module_locked:A", "estop:C", "slack_rope:B"):
        garage.raise_alarm(alarm)
    assert list(listed(client)) == ["estop:C", "slack_rope:B", "module_locked:A", "charger_silent:E-01"]
    counts = client.get("/api/v1/garage").json()["alarms"]
    assert counts["unacknowledged"] == counts["standing"] == 4
    assert (counts["critical"], counts["high"], counts["medium"], counts["low"]) == (1, 1, 1, 1)


def test_refusals_have_a_status_and_a_code(client: TestClient, garage: FakeGarage) -> None:
    garage.raise_alarm("estop:A")
    garage.raise_alarm("plc_lost:B")

    def refused(path: str, body: dict[str, object] | None = None) -> tuple[int, str]:
        answer = client.post(f"{LIST}/{path}", headers=OPERATOR, json=body)
        return answer.status_code, answer.json()["code"]

    assert refused("estop:A/shelve", {"minutes": 5, "reason": "noise"}) == (409, "alarm_safety")
    assert refused("estop:A/take-out", {"reason": "noise"}) == (409, "alarm_safety")
    assert refused("plc_lost:B/shelve", {"minutes": 481, "reason": "noise"}) == (422, "shelve_time")
    assert refused("plc_lost:B/shelve", {"minutes": 5, "reason": " "}) == (422, "invalid_input")
    assert refused("plc_lost:B/unshelve") == (409, "alarm_state")
    assert refused("plc_lost:Q/acknowledge") == (404, "unknown_alarm")


def test_the_figures_are_for_operators_and_the_committee(client: TestClient, garage: FakeGarage) -> None:
    garage.raise_alarm("plc_lost:B")
    figures = client.get(f"{LIST}/statistics", headers=bearer(Role.COMMITTEE)).json()
    assert (figures["annunciated"], figures["standing"]) == (1, 1)
    assert figures["most_frequent"] == [{"code": "plc_lost", "count": 1}]
    assert client.get(f"{LIST}/statistics").status_code == 401
    assert client.get(LIST, headers=bearer(Role.COMMITTEE)).status_code == 403
    assert client.post(f"{LIST}/plc_lost:B/acknowledge", headers=bearer(Role.COMMITTEE)).status_code == 403


@pytest.mark.parametrize(
    ("language", "title", "action"), [("en", "Emergency stop", "Help first"), ("zh", "急停", "先救人")]
)
def test_the_page_says_what_is_wrong_and_what_to_do(
    client: TestClient, garage: FakeGarage, language: str, title: str, action: str
) -> None:
    garage.raise_alarm("estop:A")
    garage.raise_alarm("charger_silent:E-01")
    page = client.get("/operator/alarms", headers=OPERATOR | {"Accept-Language": language}).text
    assert title in page
    assert action in page
    assert page.count('data-test="acknowledge"') == 2
    # what is of safety has no button that puts it aside
    assert page.count('data-test="shelve"') == page.count('data-test="take-out"') == 1
    # the two came together, and the first of them is marked
    assert page.count('data-test="first-out"') == 1


def test_the_buttons_of_the_page_do_what_they_say(client: TestClient, garage: FakeGarage) -> None:
    headers = OPERATOR | {"HX-Request": "true", "Accept-Language": "en"}
    garage.raise_alarm("plc_lost:B")
    path = "/operator/alarms/plc_lost:B"
    assert 'data-test="acknowledge"' not in client.post(f"{path}/acknowledge", headers=headers).text
    assert 'data-test="unshelve"' in client.post(f"{path}/shelve", headers=headers).text
    assert client.post(f"{path}/acknowledge", headers=headers).status_code == 409
    client.post(f"{path}/unshelve", headers=headers)
    assert 'data-test="put-back"' in client.post(f"{path}/take-out", headers=headers).text
    client.post(f"{path}/put-back", headers=headers)
    assert client.post(f"{path}/explode", headers=headers).status_code == 404


def test_the_list_is_sent_again_only_when_it_differs(client: TestClient, garage: FakeGarage) -> None:
    headers = OPERATOR | {"HX-Request": "true"}
    found = re.search(r'hx-get="([^"]+)"', client.get("/operator/alarms", headers=headers).text)
    assert found is not None
    assert client.get(found[1], headers=headers).status_code == 204
    garage.raise_alarm("plc_lost:B")
    assert client.get(found[1], headers=headers).status_code == 200
    assert "plc_lost" not in client.get("/operator", headers=headers).text
    assert "/operator/alarms" in client.get("/operator", headers=headers).text
