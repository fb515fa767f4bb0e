"""The public board, the choice of language, and the description of the programs' interface."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from api.edge import GarageDep, GuardedRoute
from api.pages.page import LANGUAGE_COOKIE, render

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

YEAR_S = 365 * 24 * 3600


@router.get("/")
async def board(request: Request, garage: GarageDep) -> HTMLResponse:
    """Every module from the side, the charging spots, the power and the queue, live."""
    return render(request, "board.html", view=garage.view(), utc_offset_minutes=garage.site.utc_offset_minutes)


@router.get("/language/{language}")
async def choose_language(
    language: Literal["zh", "en"], back: Annotated[str, Query(max_length=200)] = "/"
) -> RedirectResponse:
    """Remember a language and go back to the page; to a page of ours only."""
    is_ours = back.startswith("/") and not back.startswith("//") and "\\" not in back
    answer = RedirectResponse(back if is_ours else "/", 303)
    answer.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_S, samesite="strict", httponly=True)
    return answer


@router.get("/docs")
async def interface_page(request: Request) -> HTMLResponse:
    """The interface description, to read and to try."""
    return render(request, "docs.html")


@router.get("/api/v1/openapi.json")
async def interface_description(request: Request) -> dict[str, Any]:
    """The interface description, for programs."""
    description: dict[str, Any] = request.app.openapi()
    return description
