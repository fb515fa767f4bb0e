"""People log in by name: sessions of their own, waits that grow, and two people for a bypass."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from api.application import create_app
from api.logins import FORGET_MS, WAIT_MS_MAX, Guesses
from api.settings import Principal, Role
from domain.commands import (
    AskBypass,
    AskLockRemoval,
    GrantBypass,
    GrantLockRemoval,
    HangLock,
    HoldGarage,
    LetGo,
    PauseGarage,
    RemoveLock,
)
from domain.ids import ModuleId
from tests.api.conftest import Clock, bearer, settings_with
from tests.api.fake_garage import FakeGarage

BASE = "/api/v1/modules/B/manual"
ASK = {"token": "a" * 32, "interlock": "hook_closed", "reason": "torn off"}
GRANT = {"interlock": "hook_closed"}


class People:
    """Two operators and a member of the committee; a password is the name backwards."""

    def __init__(self) -> None:
        self.roles = {"Wang": Role.OPERATOR, "Li": Role.ADMINISTRATOR, "Zhao": Role.COMMITTEE}
        self.checked = 0

    def check(self, name: str, password: str) -> Principal | None:
        self.checked += 1
        role = self.roles.get(name)
        return Principal(name, role, is_person=True) if role is not None and password == name[::-1] else None

    def stamp(self, name: str) -> str | None:
        return self.roles.get(name)


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def client(garage: FakeGarage, clock: Clock, people: People) -> Iterator[TestClient]:
    with TestClient(create_app(garage, settings_with(clock), people), follow_redirects=False) as opened:
        yield opened


def log_in(client: TestClient, name: str) -> dict[str, str]:
    answer = client.post("/api/v1/sessions", json={"name": name, "password": name[::-1]})
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def test_a_person_s_commands_carry_their_name(client: TestClient, garage: FakeGarage) -> None:
    wang = log_in(client, "Wang")
    assert client.post("/api/v1/garage/pause", headers=wang).status_code == 202
    assert isinstance(garage.commands[-1], PauseGarage)
    assert garage.commands[-1].operator == "Wang"


def test_a_login_says_who_and_for_how_long_and_can_be_ended(client: TestClient) -> None:
    told = client.post("/api/v1/sessions", json={"name": "Li", "password": "iL"}).json()
    assert (told["name"], told["role"], told["expires_in_s"]) == ("Li", "administrator", 43_200)
    headers = {"Authorization": f"Bearer {told['token']}"}
    assert client.get("/api/v1/parts", headers=headers).status_code == 200
    assert client.delete("/api/v1/sessions", headers=headers).status_code == 204
    assert client.get("/api/v1/parts", headers=headers).json()["code"] == "unauthenticated"


@pytest.mark.parametrize("name", ["Wang", "nobody"])
def test_a_wrong_password_and_a_wrong_name_are_told_alike(client: TestClient, people: People, name: str) -> None:
    answer = client.post("/api/v1/sessions", json={"name": name, "password": "guess"})
    assert (answer.status_code, answer.json()["code"]) == (401, "login_wrong")
    assert people.checked == 1


def test_whoever_guesses_waits_longer_each_time(client: TestClient, clock: Clock, people: People) -> None:
    wrong = {"name": "Wang", "password": "guess"}
    for _ in range(3):
        assert client.post("/api/v1/sessions", json=wrong).json()["code"] == "login_wrong"
    waits = []
    for _ in range(9):
        told = client.post("/api/v1/sessions", json=wrong)
        assert (told.status_code, told.json()["code"]) == (429, "login_wait")
        waits.append(int(told.headers["retry-after"]))
        # even the right password is not looked at before the time
        right = client.post("/api/v1/sessions", json={"name": " wang ", "password": "gnaW"})
        assert right.status_code == 429
        clock.now_ms += waits[-1] * 1000
        assert client.post("/api/v1/sessions", json=wrong).status_code == 401
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert people.checked == 12
    # but others log in, and the right person a minute later
    log_in(client, "Li")
    clock.now_ms += WAIT_MS_MAX
    log_in(client, "Wang")
    assert client.post("/api/v1/sessions", json=wrong).status_code == 401


def test_guesses_are_forgotten_after_an_hour(clock: Clock) -> None:
    guesses = Guesses(clock)
    for _ in range(6):
        guesses.begin("wang")
    clock.now_ms += FORGET_MS
    guesses.begin("wang")
    assert guesses.wait_ms("wang") == 0


def test_guessing_hinders_nobody_who_is_logged_in(client: TestClient, garage: FakeGarage) -> None:
    wang = log_in(client, "Wang")
    for _ in range(5):
        client.post("/api/v1/sessions", json={"name": "Wang", "password": "guess"})
    assert client.post("/api/v1/garage/hold", headers=wang, json={"danger": "flood"}).status_code == 202
    assert isinstance(garage.commands[-1], HoldGarage)


@pytest.mark.parametrize("change", ["removed", "other role"])
def test_a_person_who_is_removed_or_changed_is_logged_out(client: TestClient, people: People, change: str) -> None:
    wang = log_in(client, "Wang")
    if change == "removed":
        del people.roles["Wang"]
    else:
        people.roles["Wang"] = Role.COMMITTEE
    assert client.post("/api/v1/garage/pause", headers=wang).status_code == 401
    assert client.post("/api/v1/garage/hold", headers=wang, json={"danger": "flood"}).status_code == 401


def test_an_expired_login_still_stops_and_does_nothing_else(
    client: TestClient, garage: FakeGarage, clock: Clock
) -> None:
    wang = log_in(client, "Wang")
    clock.now_ms += 13 * 3_600_000
    for path, body in (
        ("/api/v1/garage/hold", {"danger": "flood"}),
        ("/api/v1/garage/pause", None),
        (f"{BASE}/let-go", {"token": "a" * 32}),
    ):
        assert client.post(path, headers=wang, json=body).status_code == 202, path
    assert [type(command) for command in garage.commands] == [HoldGarage, PauseGarage, LetGo]
    for path in ("/api/v1/garage/resume", "/api/v1/garage/end-hold", "/api/v1/modules/B/confirm"):
        assert client.post(path, headers=wang).status_code == 401, path
    clock.now_ms += 24 * 3_600_000
    assert client.post("/api/v1/garage/hold", headers=wang, json={"danger": "flood"}).status_code == 401


def test_a_bypass_takes_two_people_with_names(client: TestClient, garage: FakeGarage) -> None:
    wang, li = log_in(client, "Wang"), log_in(client, "Li")
    assert client.post(f"{BASE}/bypass", headers=wang, json=ASK).status_code == 202
    assert client.post(f"{BASE}/bypass/grant", headers=li, json=GRANT).status_code == 202
    asked, granted = garage.commands
    assert isinstance(asked, AskBypass)
    assert isinstance(granted, GrantBypass)
    assert (asked.operator, granted.operator) == ("Wang", "Li")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMINISTRATOR])
def test_a_token_is_no_person(client: TestClient, garage: FakeGarage, role: Role) -> None:
    for path, body in (("bypass", ASK), ("bypass/grant", GRANT)):
        told = client.post(f"{BASE}/{path}", headers=bearer(role), json=body)
        assert (told.status_code, told.json()["code"]) == (403, "person_needed")
    assert garage.commands == []


def test_a_lock_is_a_person_s_own(client: TestClient, garage: FakeGarage) -> None:
    wang, lock = log_in(client, "Wang"), "/api/v1/modules/B/lock"
    assert client.put(lock, headers=wang, json={"reason": " rope "}).status_code == 202
    assert client.delete(lock, headers=wang).status_code == 202
    assert garage.commands == [HangLock(ModuleId("B"), "Wang", "rope"), RemoveLock(ModuleId("B"), "Wang")]
    shared = client.put(lock, headers=bearer(Role.OPERATOR), json={"reason": "rope"})
    assert (shared.status_code, shared.json()["code"]) == (403, "person_needed")


def test_the_lock_of_somebody_absent_is_asked_for_by_an_administrator_and_agreed_by_another(
    client: TestClient, garage: FakeGarage
) -> None:
    wang, li = log_in(client, "Wang"), log_in(client, "Li")
    path = "/api/v1/modules/B/locks/%E7%8E%8B%E8%8A%B3/removal"
    assert client.post(path, headers=wang, json={"reason": "gone home"}).json()["code"] == "forbidden"
    assert client.post(path, headers=bearer(Role.ADMINISTRATOR), json={"reason": "gone"}).json()["code"] == (
        "person_needed"
    )
    assert client.post(path, headers=li, json={"reason": "  "}).status_code == 422
    assert client.post(path, headers=li, json={"reason": "gone home"}).status_code == 202
    assert client.post(f"{path}/grant", headers=wang).status_code == 202
    b = ModuleId("B")
    assert garage.commands == [AskLockRemoval(b, "王芳", "Li", "gone home"), GrantLockRemoval(b, "王芳", "Wang")]


def test_the_login_page_takes_name_and_password(client: TestClient) -> None:
    page = client.post("/login", data={"name": "Wang", "password": "wrong", "back": "/operator"})
    assert page.status_code == 401
    assert 'data-test="login-wrong"' in page.text
    done = client.post("/login", data={"name": "Wang", "password": "gnaW", "back": "/operator"})
    assert (done.status_code, done.headers["location"]) == (303, "/operator")
    assert ">Wang<" in client.get("/operator").text
    assert client.get("/api/v1/parts", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_the_login_page_tells_how_long_to_wait(client: TestClient) -> None:
    for _ in range(3):
        client.post("/login", data={"name": "Zhao", "password": "wrong"})
    page = client.post("/login", data={"name": "Zhao", "password": "wrong"}, headers={"Accept-Language": "en"})
    assert (page.status_code, page.headers["retry-after"]) == (429, "1")
    assert "Too many wrong passwords. Please wait. 1 s" in page.text
