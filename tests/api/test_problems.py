"""How the edge says no."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.problems import EDGE_CODES, REFUSAL_STATUS, problem_body, refusal
from domain.refusals import RefusalCode
from tests.api.fake_garage import FakeGarage

RETRIEVAL = {"plate": "京A12345", "pin": "123456"}


def test_every_refusal_has_a_status() -> None:
    assert set(REFUSAL_STATUS) == set(RefusalCode)
    assert set(REFUSAL_STATUS.values()) <= {403, 404, 409, 422, 429, 503}


@pytest.mark.parametrize("code", list(RefusalCode), ids=lambda code: str(code.code))
def test_a_refusal_becomes_a_problem_document(client: TestClient, garage: FakeGarage, code: RefusalCode) -> None:
    garage.next_refusal = code
    answer = client.post("/api/v1/retrievals", json=RETRIEVAL)
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == told["status"] == REFUSAL_STATUS[code]
    assert told["code"] == code.code
    assert told["reasons"] == [
        {"code": code.code, "text_en": code.text("en"), "text_zh": code.text("zh"), "about": "A-3-07"}
    ]
    assert told["detail"] == f"{code.text('en')} (A-3-07)"
    explained = client.get(told["type"]).json()
    assert (explained["status"], explained["text_zh"]) == (told["status"], code.text("zh"))


@pytest.mark.parametrize("code", list(EDGE_CODES))
def test_the_edge_s_own_codes_are_explained(client: TestClient, code: str) -> None:
    assert client.get(f"/api/v1/problems/{code}").json()["status"] == EDGE_CODES[code][0]


def test_a_problem_without_subject_reads_as_one_sentence() -> None:
    assert problem_body(refusal(RefusalCode.GARAGE_FULL))["detail"] == "No bay is free."


def test_an_unknown_route_is_a_problem(client: TestClient) -> None:
    answer = client.get("/api/v1/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_method_is_a_problem(client: TestClient) -> None:
    answer = client.delete("/api/v1/jobs")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


def test_an_unknown_problem_code_is_not_found(client: TestClient) -> None:
    assert client.get("/api/v1/problems/nonsense").status_code == 404


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b"[1,", b'{"plate":'])
def test_broken_json_is_told_as_such(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/v1/retrievals", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("malformed_json", "invalid_input")
    assert answer.json()["code"] == "malformed_json" or body == b""


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_64_kb_is_refused(client: TestClient, garage: FakeGarage, declared: bool) -> None:
    body = b'{"plate":"' + b"A" * 65_536 + b'"}'
    content = body if declared else (body[i : i + 1000] for i in range(0, len(body), 1000))
    answer = client.post("/api/v1/retrievals", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert garage.commands == []


def test_a_bug_is_an_internal_error_without_its_secrets(app: FastAPI, garage: FakeGarage) -> None:
    garage.records["J1"] = {"job": object()}
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/api/v1/jobs/J1")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "Traceback" not in answer.text


def test_every_answer_forbids_foreign_content(client: TestClient) -> None:
    for path in ("/", "/kiosk", "/api/v1/garage", "/api/v1/nowhere", "/static/own/base.css", "/docs"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self';"), path
        assert headers["x-content-type-options"] == "nosniff"


def test_what_a_cache_may_keep(client: TestClient) -> None:
    assert client.get("/api/v1/garage").headers["cache-control"] == "no-store"
    assert client.get("/static/own/base.css").headers["cache-control"] == "no-cache"
    assert "max-age" in client.get("/static/vendor/htmx/htmx.min.js").headers["cache-control"]
