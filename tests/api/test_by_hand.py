"""Work by hand over HTTP: the caller's name, a token for each holder, and the page with its buttons."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from api.settings import Role, token_digest
from domain.commands import (
    Danger,
    EndHold,
    HoldGarage,
    HoldManual,
    JogMove,
    LetGo,
    ReleaseManual,
    TakeManual,
)
from domain.ids import ModuleId
from domain.outputs import Opcode
from tests.api.conftest import bearer
from tests.api.fake_garage import FakeGarage

OPERATOR = bearer(Role.OPERATOR)
NAME = "a person in the role operator"
B = ModuleId("B")
BASE = "/api/v1/modules/B"


def test_taking_gives_a_token_that_the_controller_knows_only_as_a_digest(
    client: TestClient, garage: FakeGarage
) -> None:
    first = client.post(f"{BASE}/manual", headers=OPERATOR, json={"reason": " car stuck "})
    second = client.post(f"{BASE}/manual", headers=OPERATOR, json={"reason": "again"})
    assert first.status_code == 202
    token = first.json()["token"]
    assert token != second.json()["token"]
    assert garage.commands[0] == TakeManual(B, NAME, "car stuck", token_digest(token))
    assert token not in repr(garage.commands)


def test_every_press_carries_name_token_and_counter(client: TestClient, garage: FakeGarage) -> None:
    token, digest = "a" * 32, token_digest("a" * 32)
    sent = [
        ("/manual/moves", {"token": token, "counter": 1, "move": "raise", "level": 3, "first": 2}),
        ("/manual/hold", {"token": token, "counter": 2}),
        ("/manual/let-go", {"token": token}),
        ("/manual/release", {"token": token}),
    ]
    for path, body in sent:
        assert client.post(BASE + path, headers=OPERATOR, json=body).status_code == 202
    assert garage.commands == [
        JogMove(B, NAME, digest, 1, Opcode.JOG_RAISE, 3, 2, 0),
        HoldManual(B, NAME, digest, 2),
        LetGo(B, NAME, digest),
        ReleaseManual(B, NAME, digest),
    ]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/manual", {"reason": "  "}),
        ("/manual/hold", {"token": "short", "counter": 1}),
        ("/manual/hold", {"token": "a" * 32, "counter": 0}),
        ("/manual/moves", {"token": "a" * 32, "counter": 1, "move": "resume"}),
        ("/manual/bypass", {"token": "a" * 32, "interlock": "estop", "reason": "no"}),
        ("/manual/bypass/grant", {"interlock": "zone"}),
    ],
)
def test_what_cannot_be_said_is_not_sent(client: TestClient, garage: FakeGarage, path: str, body: object) -> None:
    assert client.post(BASE + path, headers=OPERATOR, json=body).json()["code"] == "invalid_input"
    assert garage.commands == []


@pytest.mark.parametrize("role", [Role.PUBLIC, Role.COMMITTEE, Role.SERVICE])
def test_nobody_but_operators(client: TestClient, garage: FakeGarage, role: Role) -> None:
    answer = client.post(f"{BASE}/manual", headers=bearer(role), json={"reason": "let me"})
    assert answer.status_code in (401, 403)
    assert garage.commands == []


def test_a_danger_and_its_end(client: TestClient, garage: FakeGarage) -> None:
    fire = client.post("/api/v1/garage/hold", headers=OPERATOR, json={"danger": "fire", "reason": "smoke"})
    end = client.post("/api/v1/garage/end-hold", headers=OPERATOR)
    assert (fire.json(), end.json()) == ({"mode": "fire"}, {"mode": "paused"})
    assert garage.commands == [HoldGarage(NAME, Danger.FIRE, "smoke"), EndHold(NAME)]
    form = client.post("/operator/garage/hold", headers=OPERATOR, data={"danger": "snow", "reason": ""})
    assert form.status_code == 200
    assert garage.commands[-1] == HoldGarage(NAME, Danger.SNOW)
    assert client.post("/operator/garage/hold", headers=OPERATOR, data={"danger": "wolves"}).status_code == 422


def test_the_page_has_buttons_to_hold_and_nothing_that_clicks(client: TestClient, garage: FakeGarage) -> None:
    page = client.get("/operator/modules/B/manual", headers=OPERATOR | {"Accept-Language": "en"}).text
    for move in ("lower", "raise", "slide", "gate_open", "gate_close"):
        assert f'data-move="{move}"' in page
    script = client.get("/static/own/by-hand.mjs").text
    for end in ("pointerup", "pointercancel", "pointerleave", "blur", "pagehide", "visibilitychange"):
        assert end in script
    assert client.get("/api/v1/modules/B/recovery", headers=OPERATOR).json()["module"] == "B"
    assert client.get("/api/v1/modules/Q/recovery", headers=OPERATOR).status_code == 404


@pytest.mark.parametrize(("state", "words"), [("manual", "by hand"), ("maintenance", "maintenance")])
def test_the_kiosk_tells_that_a_module_is_closed(
    client: TestClient, garage: FakeGarage, state: str, words: str
) -> None:
    garage.change_module("B", state=state)
    page = client.get("/kiosk", headers={"Accept-Language": "en"}).text
    assert f"Module B is {'being worked ' if state == 'manual' else 'closed for '}{words}" in page


@pytest.mark.parametrize(("mode", "words"), [("fire", "Leave the garage on foot"), ("holding", "rests until")])
def test_the_kiosk_tells_a_danger(client: TestClient, garage: FakeGarage, mode: str, words: str) -> None:
    garage.change(mode=mode)
    assert words in client.get("/kiosk", headers={"Accept-Language": "en"}).text
