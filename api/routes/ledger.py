"""The money, for those who check it. Handlers are plain functions: the database is read in a thread."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.edge import GarageDep, GuardedRoute
from api.schemas import PlateText

router = APIRouter(prefix="/api/v1/ledger", route_class=GuardedRoute, tags=["ledger"])


@router.get("/entries")
def list_entries(
    garage: GarageDep,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Entries after a running number; `next_after` asks for the next page, None at the end."""
    entries = garage.ledger_entries(after, limit + 1)
    page = entries[:limit]
    return {"entries": page, "next_after": page[-1]["seq"] if len(entries) > limit else None}


@router.get("/totals")
def read_totals(garage: GarageDep) -> dict[str, Any]:
    """Balances and sums."""
    return garage.ledger_totals()


@router.get("/statement")
def read_statement(garage: GarageDep, plate: Annotated[PlateText, Query()]) -> dict[str, Any]:
    """All entries of one car."""
    return {"plate": plate, "entries": garage.statement(plate)}
