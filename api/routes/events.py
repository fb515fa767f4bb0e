"""The journal for people who check it. Handlers are plain functions: the database is read in a thread."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from api.edge import GarageDep, GuardedRoute, PrincipalDep
from api.problems import Problem
from api.settings import Role

router = APIRouter(prefix="/api/v1/events", route_class=GuardedRoute, tags=["events"])

SEQ_MAX = 2**53
"""The largest number that every JSON reader understands."""


@router.get("")
def list_events(
    garage: GarageDep,
    principal: PrincipalDep,
    before: Annotated[int | None, Query(ge=1, le=SEQ_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Events in words, the newest first; `next_before` asks for the page before, None at the beginning.

    The committee reads them without plates and vehicles. PIN digests are shown to nobody.
    """
    events = garage.events_before(before, limit + 1, principal.role is not Role.COMMITTEE)
    page = events[:limit]
    return {"events": page, "next_before": page[-1]["seq"] if len(events) > limit else None}


@router.get("/{seq}")
def read_event(garage: GarageDep, seq: Annotated[int, Path(ge=1, le=SEQ_MAX)]) -> dict[str, Any]:
    """One event, what the controller knew and saw then, and the events around it."""
    found = garage.replay(seq)
    if found is None:
        raise Problem("not_found")
    return found
