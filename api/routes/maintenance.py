"""What is due, what the parts have done, what has drifted, and the record of work done."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api import asks
from api.edge import GarageDep, GuardedRoute, PrincipalDep
from api.schemas import WorkBody

router = APIRouter(prefix="/api/v1/maintenance", route_class=GuardedRoute, tags=["maintenance"])


@router.get("")
async def read_maintenance(garage: GarageDep) -> dict[str, Any]:
    """Services and when they are due, counts and drift of every part, the PLCs' own counts, and works."""
    return garage.maintenance()


@router.post("/works", status_code=202)
async def record_work(body: WorkBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """A service has been done on a part, or on all such parts of a module or row: they count anew. Moves nothing."""
    part = await asks.record_work(garage, body, principal.name)
    return {"service": body.service, "part": part}
