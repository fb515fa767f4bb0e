"""The page for work by hand: big buttons that move something only while they are held.

Decides what the page shows at first; its script asks the programs' interface for everything after that.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api import asks
from api.edge import GarageDep, GuardedRoute, PrincipalDep
from api.pages.page import render
from domain.ids import ModuleId

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)


@router.get("/operator/modules/{module}/manual")
async def by_hand(module: str, request: Request, garage: GarageDep, principal: PrincipalDep) -> HTMLResponse:
    """One module's page for work by hand and recovery."""
    found = await asks.recovery(garage, module)
    layout = garage.site.layout[ModuleId(module)]
    view = garage.view()
    return render(request, "operator/by_hand.html", principal=principal, found=found, layout=layout, view=view)
