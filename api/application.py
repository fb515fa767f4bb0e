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
from api.middleware import BodyLimit, SecurityHeaders
from api.pages import alarms as alarm_pages
from api.pages import by_hand, desk, history, kiosk, public
from api.pages import maintenance as maintenance_pages
from api.ports import Garage
from api.routes import alarms, bookings, charging, events, garage, health, jobs, ledger, maintenance, manual
from api.settings import Settings

STATIC = Path(__file__).parent / "static"


def create_app(running: Garage, settings: Settings) -> FastAPI:
    """The application that serves one garage."""
    app = FastAPI(title="Garage", version=settings.version, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.edge = Edge(
        garage=running,
        settings=settings,
        sessions=Sessions(settings.now_ms, settings.session_ms),
        answers=IdempotencyStore(settings.now_ms, settings.idempotency_ms, settings.idempotency_entries),
    )
    problems.install(app)
    routes = (jobs, bookings, garage, manual, alarms, maintenance, charging, ledger, events, health)
    for part in (*routes, public, kiosk, by_hand, desk, history, alarm_pages, maintenance_pages):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(BodyLimit, bytes_max=settings.body_bytes_max)
    app.add_middleware(SecurityHeaders)
    return app
