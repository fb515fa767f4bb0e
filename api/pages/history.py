"""What has happened, for operators: the journal in words, and one event with all that was known and seen then."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from api.edge import GarageDep, GuardedRoute, PrincipalDep
from api.pages.page import language_of, render
from api.problems import Problem
from api.routes.events import SEQ_MAX

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

_PAGE_SIZE = 50
_Seq = Annotated[int | None, Query(ge=1, le=SEQ_MAX)]


@router.get("/operator/replay")
async def show_history(
    request: Request, garage: GarageDep, principal: PrincipalDep, before: _Seq = None, seq: _Seq = None
) -> HTMLResponse:
    """A page of events, the newest first; with `seq`, that event and its neighbours instead."""
    found = None
    more = None
    if seq is not None:
        found = await run_in_threadpool(garage.replay, seq)
        if found is None:
            raise Problem("not_found")
        events = list(reversed(found["around"]))
    else:
        events = await run_in_threadpool(garage.events_before, before, _PAGE_SIZE + 1, True)
        more = events[_PAGE_SIZE - 1]["seq"] if len(events) > _PAGE_SIZE else None
    return render(
        request,
        "operator/replay.html",
        principal=principal,
        events=events[:_PAGE_SIZE],
        found=found,
        before=before,
        more=more,
        suffix=language_of(request),
    )
