"""The pages in Debian's Chromium, over the hand-made garage in a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from api.application import NOBODY_BY_NAME, create_app
from api.ports import Users
from api.settings import Role, Settings, Token, token_digest
from runtime.http_server import HttpServer
from tests.api.fake_garage import FakeGarage
from tests.peers import require_peer

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OPERATOR_TOKEN = "operator-token-for-tests"
COMMITTEE_TOKEN = "committee-token-for-tests"


def page_settings() -> Settings:
    """One operator and one member of the committee."""
    return Settings(
        tokens=(
            Token("Wang", Role.OPERATOR, token_digest(OPERATOR_TOKEN)),
            Token("Li", Role.COMMITTEE, token_digest(COMMITTEE_TOKEN)),
        ),
        version="test",
    )


class Served:
    """An application on a loopback port, in a thread, until `stop`."""

    def __init__(self, garage: FakeGarage, settings: Settings, users: Users = NOBODY_BY_NAME) -> None:
        self.garage = garage
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(create_app(garage, settings, users), log_level="warning", timeout_graceful_shutdown=2)
        self._server = HttpServer(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()

    def stop(self) -> None:
        """End the streams, then the server; a second time it does nothing."""
        self.garage.shutting_down.set()
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive(), "an open stream keeps the server from ending"
        self._socket.close()


@pytest.fixture
def garage() -> FakeGarage:
    return FakeGarage()


@pytest.fixture
def served(garage: FakeGarage) -> Iterator[Served]:
    running = Served(garage, page_settings())
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for one module of tests: while it runs, no other event loop can run in its thread."""
    require_peer("chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    opened = context.new_page()
    yield opened
    opened.close()
