"""Is the program alive, can it serve, and which version is it. Says nothing about safety."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from api.edge import EdgeDep, GarageDep, GuardedRoute

router = APIRouter(route_class=GuardedRoute, tags=["health"])


@router.get("/health/live")
async def live(garage: GarageDep, response: Response) -> dict[str, Any]:
    """200 while the control loop turns, else 503."""
    health = garage.health()
    response.status_code = 200 if health["live"] else 503
    return health


@router.get("/health/ready")
async def ready(garage: GarageDep, response: Response) -> dict[str, Any]:
    """200 when new jobs can be taken, else 503 with reasons."""
    health = garage.health()
    response.status_code = 200 if health["ready"] else 503
    return health


@router.get("/version")
async def version(edge: EdgeDep) -> dict[str, Any]:
    """The program's version and the name of the site."""
    return {"version": edge.settings.version, "site": edge.garage.site.name}
