"""The operator's alarm list: what is wrong, what follows from it, what to do, and the buttons."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from api import asks
from api.edge import GarageDep, GuardedRoute, PrincipalDep
from api.pages.page import language_of, render
from api.pages.words import say
from api.ports import Garage
from api.problems import Problem

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

_PLAIN = ("acknowledge", "reset", "unshelve", "put-back")


def _list(request: Request, garage: Garage, texts: list[str], commanded: bool) -> dict[str, Any]:
    alarms = garage.alarms()
    fields = ("alarm", "state", "active", "first_out", "subject", "about", "stale")
    looks = repr((language_of(request), [[alarm[name] for name in fields] for alarm in alarms]))
    return {
        "view": garage.view(),
        "alarms": alarms,
        "figures": garage.alarm_statistics(),
        "seen": hashlib.sha256(looks.encode()).hexdigest()[:16],
        "texts": texts,
        "commanded": commanded,
    }


@router.get("/operator/alarms")
async def alarm_page(request: Request, garage: GarageDep, principal: PrincipalDep) -> HTMLResponse:
    """All alarms, the most urgent first, and how many there have been."""
    return render(request, "operator/alarms.html", principal=principal, **_list(request, garage, [], False))


@router.get("/operator/alarms/list", response_model=None)
async def alarm_list(request: Request, garage: GarageDep, seen: Annotated[str, Query(max_length=40)] = "") -> Response:
    """The list again if it would look different now."""
    context = _list(request, garage, [], False)
    if seen == context["seen"]:
        return Response(status_code=204)
    return render(request, "operator/alarm_list.html", **context)


@router.post("/operator/alarms/{alarm}/{action}")
async def handle(alarm: str, action: str, request: Request, garage: GarageDep, principal: PrincipalDep) -> HTMLResponse:
    """Acknowledge, reset, shelve for an hour, take out of service, or back."""
    form = await request.form()
    reason = str(form.get("reason", "")).strip()[:200] or say(language_of(request), "alarm_no_reason")
    if action == "shelve":
        return await _commanded(request, garage, asks.shelve_alarm(garage, alarm, principal.name, 60, reason))
    if action == "take-out":
        return await _commanded(request, garage, asks.take_alarm_out(garage, alarm, principal.name, reason))
    if action not in _PLAIN:
        raise Problem("not_found")
    return await _commanded(request, garage, asks.handle_alarm(garage, action, alarm, principal.name))


async def _commanded(request: Request, garage: Garage, command: Awaitable[str]) -> HTMLResponse:
    try:
        await command
    except Problem as problem:
        texts = [reason.text(language_of(request)) for reason in problem.reasons]
        return render(request, "operator/alarm_list.html", problem.status, **_list(request, garage, texts, False))
    return render(request, "operator/alarm_list.html", **_list(request, garage, [], True))
