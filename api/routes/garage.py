"""The state of the whole garage, live and at once, and the operator's commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api import asks
from api.edge import EdgeDep, GarageDep, GuardedRoute, PrincipalDep
from api.live import live_events
from api.problems import EDGE_CODES, REFUSAL_STATUS, Problem
from api.schemas import DangerBody, OutageBody, PauseBody, StorageBody
from domain.commands import Danger, EndHold, HoldGarage, StrikeCar
from domain.ids import BayId
from domain.refusals import RefusalCode

router = APIRouter(prefix="/api/v1", route_class=GuardedRoute, tags=["garage"])


@router.get("/garage")
async def read_garage(garage: GarageDep) -> dict[str, Any]:
    """Everything that the public may see, without plates."""
    return garage.view()


@router.get("/live", response_class=EventSourceResponse)
async def follow_garage(edge: EdgeDep) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `snapshot`, then `delta` with what changed, `beat` when nothing did."""
    async for event in live_events(edge.garage, edge.settings):
        yield event


@router.get("/spots")
async def list_spots(garage: GarageDep) -> dict[str, Any]:
    """The charging spots."""
    return {"spots": garage.view()["spots"]}


@router.post("/modules/{module}/confirm", status_code=202)
async def confirm_module(module: str, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """An operator has looked: the locked module may work again if the sensors allow it."""
    await asks.operate(garage, "confirm", principal.name, module)
    return {"module": module}


@router.post("/modules/{module}/reset-faults", status_code=202)
async def reset_faults(module: str, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Clear latched faults whose cause is gone. Starts nothing."""
    await asks.operate(garage, "reset-faults", principal.name, module)
    return {"module": module}


@router.put("/bays/{bay}/car", status_code=202)
async def enter_car(bay: str, body: StorageBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """An operator has seen this car in a bay that the journal believes empty. The answer carries its PIN."""
    granted = await asks.enter_car(garage, bay, body.plate, body.car(), body.pin, principal.name)
    return {"bay": granted.id, "pin": granted.pin}


@router.delete("/bays/{bay}/car", status_code=202)
async def strike_car(bay: str, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """An operator has seen that the bay is empty: the car is struck out of the journal, uncharged."""
    await asks.submit(garage, StrikeCar(BayId(bay), principal.name))
    return {"bay": bay}


@router.get("/modules/{module}/reach")
async def read_reach(
    module: str, garage: GarageDep, urgent: Annotated[list[str] | None, Query(max_length=40)] = None
) -> dict[str, Any]:
    """Which cars can be brought down, which not and why, and the least work by hand that frees them."""
    return await asks.reach(garage, module, urgent or ())


@router.get("/modules/{module}/times")
async def read_times(module: str, garage: GarageDep) -> dict[str, Any]:
    """How long the module takes for each part of a job: promised, measured, and planned with."""
    return asks.times(garage, module)


@router.get("/parts")
async def list_parts_out(garage: GarageDep) -> dict[str, Any]:
    """The parts that operators took out of service."""
    return {"out_of_service": garage.outages()}


@router.put("/parts/{part}", status_code=202)
async def take_part_out(part: str, body: OutageBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Take a pallet, row, cell or hoist out of service: it is planned around and not moved."""
    return {"part": await asks.take_out(garage, part, principal.name, body.reason)}


@router.delete("/parts/{part}", status_code=202)
async def put_part_back(part: str, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Put a part back into service."""
    return {"part": await asks.put_back(garage, part, principal.name)}


@router.post("/garage/pause", status_code=202)
async def pause_garage(garage: GarageDep, principal: PrincipalDep, body: PauseBody | None = None) -> dict[str, Any]:
    """Take no new jobs; running ones end."""
    await asks.operate(garage, "pause", principal.name, body.reason if body else "")
    return {"mode": garage.view()["mode"]}


@router.post("/garage/resume", status_code=202)
async def resume_garage(garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Take new jobs again."""
    await asks.operate(garage, "resume", principal.name)
    return {"mode": garage.view()["mode"]}


@router.post("/garage/hold", status_code=202)
async def hold_garage(body: DangerBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """A danger comes: no new jobs, nothing is moved any more; in a fire what hangs goes home."""
    await asks.submit(garage, HoldGarage(principal.name, Danger(body.danger), body.reason.strip()))
    return {"mode": garage.view()["mode"]}


@router.post("/garage/end-hold", status_code=202)
async def end_hold(garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """The danger is over: the garage is paused, and resumed by another command."""
    await asks.submit(garage, EndHold(principal.name))
    return {"mode": garage.view()["mode"]}


@router.get("/problems/{code}")
async def explain_problem(code: str) -> dict[str, Any]:
    """What a problem's `type` points to: its status and its sentence in two languages."""
    if code in EDGE_CODES:
        status, english, chinese = EDGE_CODES[code]
        return {"code": code, "status": status, "text_en": english, "text_zh": chinese}
    for refusal in RefusalCode:
        if refusal.code == code:
            status = REFUSAL_STATUS[refusal]
            return {"code": code, "status": status, "text_en": refusal.text("en"), "text_zh": refusal.text("zh")}
    raise Problem("not_found")
