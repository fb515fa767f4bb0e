"""The alarm list, its figures, and what operators do with an alarm."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import asks
from api.edge import GarageDep, GuardedRoute, PrincipalDep
from api.schemas import AlarmReasonBody, ShelveBody

router = APIRouter(prefix="/api/v1/alarms", route_class=GuardedRoute, tags=["alarms"])


@router.get("")
async def list_alarms(garage: GarageDep, suppressed: Annotated[bool, Query()] = False) -> dict[str, Any]:
    """Every alarm that is not normal, the most urgent first; those suppressed by design if asked for."""
    return {"alarms": garage.alarms(suppressed)}


@router.get("/statistics")
async def read_statistics(garage: GarageDep) -> dict[str, Any]:
    """How many alarms people get: rates, floods, what stands, and which come most often."""
    return garage.alarm_statistics()


@router.post("/{alarm}/acknowledge", status_code=202)
async def acknowledge(alarm: str, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """The operator has seen it."""
    return {"alarm": await asks.handle_alarm(garage, "acknowledge", alarm, principal.name)}


@router.post("/{alarm}/reset", status_code=202)
async def reset(alarm: str, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Release a latched alarm that was acknowledged and whose cause has gone. Moves nothing."""
    return {"alarm": await asks.handle_alarm(garage, "reset", alarm, principal.name)}


@router.post("/{alarm}/shelve", status_code=202)
async def shelve(alarm: str, body: ShelveBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Put an alarm aside for at most 8 hours; never one of safety."""
    told = await asks.shelve_alarm(garage, alarm, principal.name, body.minutes, body.reason)
    return {"alarm": told}


@router.post("/{alarm}/unshelve", status_code=202)
async def unshelve(alarm: str, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Take an alarm off the shelf."""
    return {"alarm": await asks.handle_alarm(garage, "unshelve", alarm, principal.name)}


@router.post("/{alarm}/take-out", status_code=202)
async def take_out(alarm: str, body: AlarmReasonBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Take an alarm out of service while its device is worked on; never one of safety."""
    return {"alarm": await asks.take_alarm_out(garage, alarm, principal.name, body.reason)}


@router.post("/{alarm}/put-back", status_code=202)
async def put_back(alarm: str, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Put an alarm back into service."""
    return {"alarm": await asks.handle_alarm(garage, "put-back", alarm, principal.name)}
