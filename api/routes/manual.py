"""Work by hand over HTTP: take a module, hold a button, set an interlock aside, hang a lock, see the way back.

Decides how these are spelt. Every press carries the holder's token and a counter that only grows, so that a
late, repeated or foreign request cannot hold anything.
"""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import APIRouter

from api import asks
from api.access import person
from api.edge import GarageDep, GuardedRoute, PrincipalDep
from api.schemas import BypassBody, GrantBody, HoldBody, JogBody, ReasonBody, TokenBody
from api.settings import token_digest
from domain.commands import (
    AskBypass,
    AskLockRemoval,
    GrantBypass,
    GrantLockRemoval,
    HangLock,
    HoldManual,
    JogMove,
    LetGo,
    ReleaseManual,
    RemoveLock,
    TakeManual,
)
from domain.ids import ModuleId
from domain.outputs import Bypass, Opcode

router = APIRouter(prefix="/api/v1/modules/{module}", route_class=GuardedRoute, tags=["by hand"])


@router.get("/recovery")
async def read_recovery(module: str, garage: GarageDep) -> dict[str, Any]:
    """What people do next, what still forbids it, who has the module in hand, and whose cars are stranded."""
    return await asks.recovery(garage, module)


@router.put("/lock", status_code=202)
async def hang_lock(module: str, body: ReasonBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Hang the lock of the caller, logged in by name: nothing moves in the module while any hangs."""
    await asks.submit(garage, HangLock(ModuleId(module), person(principal), body.reason.strip()))
    return {"module": module}


@router.delete("/lock", status_code=202)
async def remove_lock(module: str, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Take the caller's own lock away."""
    await asks.submit(garage, RemoveLock(ModuleId(module), principal.name))
    return {"module": module}


@router.post("/locks/{owner}/removal", status_code=202)
async def ask_lock_removal(
    module: str, owner: str, body: ReasonBody, garage: GarageDep, principal: PrincipalDep
) -> dict[str, Any]:
    """An administrator, logged in by name, wants the lock of somebody absent taken away."""
    command = AskLockRemoval(ModuleId(module), owner, person(principal), body.reason.strip())
    await asks.submit(garage, command)
    return {"module": module, "owner": owner}


@router.post("/locks/{owner}/removal/grant", status_code=202)
async def grant_lock_removal(module: str, owner: str, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """A second person, logged in by name, has looked into the module and agrees: the lock goes."""
    await asks.submit(garage, GrantLockRemoval(ModuleId(module), owner, person(principal)))
    return {"module": module, "owner": owner}


@router.post("/manual", status_code=202)
async def take_manual(module: str, body: ReasonBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Take a module in hand; the answer carries the token that every press needs."""
    token = secrets.token_urlsafe(24)
    command = TakeManual(ModuleId(module), principal.name, body.reason.strip(), token_digest(token))
    await asks.submit(garage, command)
    return {"module": module, "operator": principal.name, "token": token}


@router.post("/manual/release", status_code=202)
async def release_manual(module: str, body: TokenBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Give the module back."""
    await asks.submit(garage, ReleaseManual(ModuleId(module), principal.name, token_digest(body.token)))
    return {"module": module}


@router.post("/manual/hold", status_code=202)
async def hold_manual(module: str, body: HoldBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """The button is still held: at least every 200 ms, or everything stops."""
    command = HoldManual(ModuleId(module), principal.name, token_digest(body.token), body.counter)
    await asks.submit(garage, command)
    return {"module": module, "counter": body.counter}


@router.post("/manual/let-go", status_code=202)
async def let_go(module: str, body: TokenBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """The button is let go."""
    await asks.submit(garage, LetGo(ModuleId(module), principal.name, token_digest(body.token)))
    return {"module": module}


@router.post("/manual/moves", status_code=202)
async def jog(module: str, body: JogBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Press a button: one move by hand, for as long as holds follow."""
    opcode = Opcode[f"JOG_{body.move.upper()}"]
    caller = (ModuleId(module), principal.name, token_digest(body.token))
    await asks.submit(garage, JogMove(*caller, body.counter, opcode, body.level, body.first, body.second))
    return {"module": module, "counter": body.counter}


@router.post("/manual/bypass", status_code=202)
async def ask_bypass(module: str, body: BypassBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """The holder, logged in by name, asks to set one interlock aside for the next held move."""
    caller = (ModuleId(module), person(principal), token_digest(body.token))
    await asks.submit(garage, AskBypass(*caller, Bypass[body.interlock.upper()], body.reason.strip()))
    return {"module": module, "interlock": body.interlock}


@router.post("/manual/bypass/grant", status_code=202)
async def grant_bypass(module: str, body: GrantBody, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """Another person than the holder, logged in by name, has looked and agrees."""
    await asks.submit(garage, GrantBypass(ModuleId(module), person(principal), Bypass[body.interlock.upper()]))
    return {"module": module, "interlock": body.interlock}
