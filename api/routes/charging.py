"""Charging sessions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from api import asks
from api.edge import GarageDep, GuardedRoute, PrincipalDep
from api.resources import shown, without_plate
from api.schemas import ChargingBody, StopBody

router = APIRouter(prefix="/api/v1/charging-sessions", route_class=GuardedRoute, tags=["charging"])


@router.post("", status_code=201)
async def start_charging(body: ChargingBody, garage: GarageDep, response: Response) -> dict[str, Any]:
    """Start charging; the answer names the spot and the PIN that stops it.

    202 instead of 201 when the session is granted but has no spot yet.
    """
    granted = await asks.start_charging(garage, body.plate, body.pin, body.spot)
    session = garage.charging(granted.id) or {}
    spot = session.get("spot", body.spot)
    response.status_code = 201 if spot is not None else 202
    response.headers["Location"] = f"/api/v1/charging-sessions/{granted.id}"
    return {"charging": granted.id, "spot": spot, "pin": granted.pin}


@router.get("/{charging}")
async def read_charging(charging: str, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """One charging session: energy so far, and the fee when it is over."""
    return shown(asks.charging_session(garage, charging), principal)


@router.post("/{charging}/stop", status_code=202)
async def stop_charging(charging: str, body: StopBody, garage: GarageDep) -> dict[str, Any]:
    """End a charging session with its PIN."""
    await asks.stop_charging(garage, charging, body.pin)
    return without_plate(asks.charging_session(garage, charging))
