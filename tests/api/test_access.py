"""Who may call what: every cell of the table, tried over HTTP."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount
from starlette.testclient import TestClient

from api.access import ACCESS, ANYONE
from api.application import create_app
from api.edge import GuardedRoute
from api.settings import Role
from tests.api.conftest import Clock, bearer, settings_with
from tests.api.fake_garage import FakeGarage

STREAMS = {"GET /api/v1/live"}


def routes_of(app: FastAPI) -> dict[str, APIRoute]:
    found: dict[str, APIRoute] = {}
    todo = list(app.routes)
    while todo:
        route = todo.pop()
        if isinstance(route, APIRoute):
            found |= {f"{method} {route.path}": route for method in route.methods or ()}
        elif isinstance(route, Mount):
            assert route.path == "/static"
        else:
            inner = getattr(route, "original_router", None)
            assert inner is not None, f"a route of unknown kind: {route!r}"
            todo += inner.routes
    return found


def test_every_route_has_an_entry_and_every_entry_a_route(app: FastAPI) -> None:
    assert set(routes_of(app)) == set(ACCESS)


def test_every_route_is_guarded(app: FastAPI) -> None:
    assert all(isinstance(route, GuardedRoute) for route in routes_of(app).values())


@pytest.mark.parametrize("route", sorted(set(ACCESS) - STREAMS))
def test_each_role_reaches_exactly_its_routes(app: FastAPI, route: str) -> None:
    method, path = route.split()
    url = re.sub(r"\{language\}", "en", path)
    url = re.sub(r"\{\w+\}", "x", url)
    with TestClient(app, follow_redirects=False) as client:
        for role in Role:
            answer = client.request(method, url, headers=bearer(role))
            is_page = not path.startswith("/api/")
            is_json = "json" in answer.headers.get("content-type", "")
            code = answer.json().get("code") if is_json else ""
            to_login = answer.headers.get("location", "").startswith("/login?back=")
            turned_away = code in ("unauthenticated", "forbidden") or to_login
            assert turned_away == (role not in ACCESS[route]), (role, answer.status_code)
            if turned_away and not is_page:
                assert answer.status_code == (401 if role is Role.PUBLIC else 403)


def test_the_open_routes_are_few_and_known() -> None:
    closed = {route for route, roles in ACCESS.items() if roles != ANYONE}
    assert all(
        route in closed for route in ACCESS if re.search(r"/(modules|ledger|operator)|garage/(pause|resume)", route)
    )


def test_a_route_without_an_entry_is_refused_to_everybody(
    app: FastAPI, garage: FakeGarage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(ACCESS, "GET /api/v1/garage")
    with TestClient(app) as client:
        statuses = {client.get("/api/v1/garage", headers=bearer(role)).status_code for role in Role}
    assert statuses == {401, 403}


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer ", "Basic abc", "nonsense"])
def test_a_wrong_token_is_refused_even_where_none_is_needed(client: TestClient, header: str) -> None:
    answer = client.get("/api/v1/garage", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


def log_in(client: TestClient, role: Role, back: str = "/operator") -> str:
    token = bearer(role)["Authorization"].removeprefix("Bearer ")
    answer = client.post("/login", data={"token": token, "back": back})
    assert answer.status_code == 303
    return answer.headers["location"]


def test_an_operator_logs_in_with_the_token_and_out_again(client: TestClient) -> None:
    assert client.get("/operator").headers["location"] == "/login?back=/operator"
    assert log_in(client, Role.OPERATOR) == "/operator"
    assert client.get("/operator").status_code == 200
    old = client.cookies["garage_session"]
    client.post("/logout")
    assert client.get("/operator").status_code == 303
    client.cookies.set("garage_session", old)
    assert client.get("/operator").status_code == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: TestClient) -> None:
    token = bearer(Role.OPERATOR)["Authorization"].removeprefix("Bearer ")
    cookie = client.post("/login", data={"token": token}).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert token not in cookie


def test_a_login_ends_by_itself(client: TestClient, clock: Clock) -> None:
    log_in(client, Role.OPERATOR)
    clock.now_ms += 12 * 3_600_000
    assert client.get("/operator").status_code == 303


def test_a_wrong_token_stays_at_the_login(client: TestClient) -> None:
    answer = client.post("/login", data={"token": "nonsense", "back": "/operator"})
    assert answer.status_code == 401
    assert "garage_session" not in client.cookies


def test_the_committee_comes_to_the_ledger_and_not_to_the_desk(client: TestClient) -> None:
    assert log_in(client, Role.COMMITTEE, back="/operator") == "/ledger"
    assert client.get("/ledger").status_code == 200
    assert client.get("/operator").headers["location"] == "/login?back=/operator"


def test_a_foreign_page_cannot_use_the_operator_s_cookie(client: TestClient, garage: FakeGarage) -> None:
    log_in(client, Role.OPERATOR)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://elsewhere.example"}):
        assert client.post("/api/v1/garage/pause", headers=headers).json()["code"] == "forbidden"
    assert garage.commands == []
    assert client.post("/api/v1/garage/pause", headers={"Origin": "http://testserver"}).status_code == 202


def test_a_login_never_leads_to_another_site(client: TestClient) -> None:
    assert log_in(client, Role.OPERATOR, back="https://elsewhere.example") == "/operator"
    for back in ("https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example"):
        assert client.get("/language/en", params={"back": back}).headers["location"] == "/"


def test_without_tokens_nobody_is_an_operator(garage: FakeGarage, clock: Clock) -> None:
    settings = settings_with(clock)
    bare = type(settings)(now_ms=clock)
    with TestClient(create_app(garage, bare)) as client:
        assert client.post("/api/v1/garage/pause", headers=bearer(Role.OPERATOR)).status_code == 401
