"""Logins by name for programs that people use: a token for a while, and its end."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import COOKIE
from api.edge import EdgeDep, GuardedRoute
from api.schemas import LoginBody

router = APIRouter(prefix="/api/v1", route_class=GuardedRoute, tags=["sessions"])


@router.post("/sessions", status_code=201)
async def log_in(body: LoginBody, edge: EdgeDep) -> dict[str, Any]:
    """Exchange name and password for a token that counts as the person's own, for so many seconds."""
    person = await edge.logins.log_in(body.name, body.password)
    return {
        "token": edge.sessions.begin(person),
        "name": person.name,
        "role": person.role,
        "expires_in_s": edge.settings.session_ms // 1000,
    }


@router.delete("/sessions", status_code=204)
async def log_out(request: Request, edge: EdgeDep) -> Response:
    """End the login that this request carries."""
    token = request.headers.get("authorization", "").partition(" ")[2].strip()
    edge.sessions.end(token or request.cookies.get(COOKIE, ""))
    return Response(status_code=204)
