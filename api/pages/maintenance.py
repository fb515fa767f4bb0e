"""The maintenance page: what is due, what wears, and the record of work done."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from api import asks
from api.edge import GarageDep, GuardedRoute, PrincipalDep
from api.pages.page import language_of, render
from api.pages.words import say
from api.ports import Garage
from api.problems import Problem
from api.schemas import WorkBody

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

DRIFTS_SHOWN = 12
WORKS_SHOWN = 20


def _context(garage: Garage, texts: list[str], recorded: bool) -> dict[str, Any]:
    found = garage.maintenance()
    return {
        "view": garage.view(),
        "maintenance": found,
        "drifts": found["drifts"][:DRIFTS_SHOWN],
        "works": found["works"][:WORKS_SHOWN],
        "waiting": [one for one in found["due"] if one["standing"] != "ok"],
        "texts": texts,
        "recorded": recorded,
    }


@router.get("/operator/maintenance")
async def maintenance_page(request: Request, garage: GarageDep, principal: PrincipalDep) -> HTMLResponse:
    """Everything about wear and services."""
    return render(request, "operator/maintenance.html", principal=principal, **_context(garage, [], False))


@router.post("/operator/maintenance/works")
async def record(request: Request, garage: GarageDep, principal: PrincipalDep) -> HTMLResponse:
    """Work done, by the form of the page."""
    form = await request.form()
    fields = {name: str(form.get(name, "")).strip() for name in ("service", "part", "person", "note")}
    language, status, texts = language_of(request), 200, []
    try:
        await asks.record_work(garage, WorkBody(**fields, renewed="renewed" in form), principal.name)
    except ValidationError:
        status, texts = 422, [say(language, "work_incomplete")]
    except Problem as problem:
        status, texts = problem.status, [reason.text(language) for reason in problem.reasons]
    return render(request, "operator/maintenance_list.html", status, **_context(garage, texts, not texts))
