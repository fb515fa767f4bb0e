"""The web application, put together: routes, pages, guard, limits.

Decides nothing but the order of the layers. `runtime` gives it the garage and serves it.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from api import problems
from api.access import Sessions
from api.edge import Edge
from api.idempotency import IdempotencyStore
from api.logins import Logins
from api.middleware import BodyLimit, SecurityHeaders
from api.pages import alarms as alarm_pages
from api.pages import by_hand, desk, history, kiosk, public
from api.pages import maintenance as maintenance_pages
from api.ports import Garage, Users
from api.routes import alarms, bookings, charging, events, garage, health, jobs, ledger, maintenance, manual, sessions
from api.settings import Settings

STATIC = Path(__file__).parent / "static"


class _NobodyByName:
    """No people: everybody uses the tokens of the roles."""

    def check(self, name: str, password: str) -> None:
        """Nobody has this name."""

    def stamp(self, name: str) -> None:
        """Nobody has this name."""


NOBODY_BY_NAME = _NobodyByName()


def create_app(running: Garage, settings: Settings, users: Users = NOBODY_BY_NAME) -> FastAPI:
    """The application that serves one garage."""
    app = FastAPI(title="Garage", version=settings.version, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.edge = Edge(
        garage=running,
        settings=settings,
        sessions=Sessions(settings.now_ms, settings.session_ms, users.stamp),
        logins=Logins(users, settings.now_ms),
        answers=IdempotencyStore(settings.now_ms, settings.idempotency_ms, settings.idempotency_entries),
    )
    problems.install(app)
    routes = (jobs, bookings, garage, manual, alarms, maintenance, charging, ledger, events, sessions, health)
    for part in (*routes, public, kiosk, by_hand, desk, history, alarm_pages, maintenance_pages):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(BodyLimit, bytes_max=settings.body_bytes_max)
    app.add_middleware(SecurityHeaders)
    return app
