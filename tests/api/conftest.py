"""An application over the hand-made garage, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.application import create_app
from api.settings import Role, Settings, Token, token_digest
from tests.api.fake_garage import FakeGarage

TOKENS = {role: f"token-of-{role}" for role in Role if role is not Role.PUBLIC}


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


def settings_with(clock: Clock) -> Settings:
    tokens = tuple(Token(f"a person in the role {role}", role, token_digest(TOKENS[role])) for role in TOKENS)
    return Settings(tokens=tokens, version="1.2.3", now_ms=clock)


def bearer(role: Role) -> dict[str, str]:
    return {} if role is Role.PUBLIC else {"Authorization": f"Bearer {TOKENS[role]}"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def garage() -> FakeGarage:
    return FakeGarage()


@pytest.fixture
def app(garage: FakeGarage, clock: Clock) -> FastAPI:
    return create_app(garage, settings_with(clock))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, follow_redirects=False) as opened:
        yield opened
