"""A command sent twice is carried out once."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.idempotency import Answer, IdempotencyStore
from api.problems import Problem
from api.settings import Role
from domain.refusals import RefusalCode
from tests.api.conftest import Clock, bearer
from tests.api.fake_garage import FakeGarage

PARK = {"plate": "京A12345", "vehicle_class": "Z"}
KEY = {"Idempotency-Key": "a-key"}


def test_the_same_request_is_answered_the_same_and_done_once(client: TestClient, garage: FakeGarage) -> None:
    first = client.post("/api/v1/storages", json=PARK, headers=KEY)
    second = client.post("/api/v1/storages", json=PARK, headers=KEY)
    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotency-replayed"] == "true"
    assert len(garage.commands) == 1


def test_another_body_with_the_key_is_refused(client: TestClient, garage: FakeGarage) -> None:
    client.post("/api/v1/storages", json=PARK, headers=KEY)
    other = client.post("/api/v1/storages", json={**PARK, "vehicle_class": "X"}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(garage.commands) == 1


def test_the_key_belongs_to_a_path_and_a_caller(client: TestClient, garage: FakeGarage) -> None:
    client.post("/api/v1/storages", json=PARK, headers=KEY)
    client.post("/api/v1/retrievals", json={"plate": "京A12345", "pin": "100001"}, headers=KEY)
    client.post("/api/v1/storages", json=PARK, headers=KEY | bearer(Role.SERVICE))
    assert len(garage.commands) == 3


def test_a_refusal_is_remembered_but_not_an_outage(client: TestClient, garage: FakeGarage) -> None:
    garage.next_refusal = RefusalCode.GARAGE_FULL
    full = client.post("/api/v1/storages", json=PARK, headers={"Idempotency-Key": "full"})
    again = client.post("/api/v1/storages", json=PARK, headers={"Idempotency-Key": "full"})
    garage.next_refusal = RefusalCode.JOURNAL_AWAY
    away = client.post("/api/v1/storages", json=PARK, headers={"Idempotency-Key": "away"})
    back = client.post("/api/v1/storages", json=PARK, headers={"Idempotency-Key": "away"})
    assert [a.status_code for a in (full, again, away, back)] == [409, 409, 503, 202]
    assert again.headers["content-type"] == "application/problem+json"


def test_wrong_input_is_answered_with_a_problem_under_a_key_too(client: TestClient) -> None:
    for _ in range(2):
        answer = client.post("/api/v1/storages", json={"plate": "!"}, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_keys_expire_after_a_day(client: TestClient, garage: FakeGarage, clock: Clock) -> None:
    client.post("/api/v1/storages", json=PARK, headers=KEY)
    clock.now_ms += 24 * 3_600_000 - 1
    client.post("/api/v1/storages", json=PARK, headers=KEY)
    assert len(garage.commands) == 1
    clock.now_ms += 1
    client.post("/api/v1/storages", json=PARK, headers=KEY)
    assert len(garage.commands) == 2


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_an_impossible_key_is_refused(client: TestClient, garage: FakeGarage, key: str) -> None:
    answer = client.post("/api/v1/storages", json=PARK, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["reasons"][0]["about"]) == (422, "Idempotency-Key")
    assert garage.commands == []


def test_a_second_request_while_the_first_still_runs_is_refused(app: FastAPI, garage: FakeGarage) -> None:
    async def story() -> tuple[int, str, int]:
        garage.submit_gate = asyncio.Event()
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://garage") as client:
            first = asyncio.create_task(client.post("/api/v1/storages", json=PARK, headers=KEY))
            while not app.state.edge.answers._entries:
                await asyncio.sleep(0)
            second = await client.post("/api/v1/storages", json=PARK, headers=KEY)
            garage.submit_gate.set()
            return second.status_code, second.json()["code"], (await first).status_code

    assert asyncio.run(story()) == (409, "idempotency_in_flight", 202)


def test_the_store_is_bounded() -> None:
    store = IdempotencyStore(lambda: 0, life_ms=1000, entries_max=3)
    for number in range(10):
        assert store.begin(str(number), "d") is None
        store.finish(str(number), Answer(202, (), b""))
    kept = [number for number in range(10) if str(number) in store._entries]
    assert kept == [7, 8, 9]


def test_an_abandoned_request_may_be_sent_again() -> None:
    store = IdempotencyStore(lambda: 0, life_ms=1000, entries_max=3)
    assert store.begin("k", "d") is None
    with pytest.raises(Problem):
        store.begin("k", "d")
    store.abandon("k")
    assert store.begin("k", "d") is None
