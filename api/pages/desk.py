"""The operator's desk, the committee's ledger, and the login to both."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api import asks
from api.access import COOKIE, holder
from api.edge import EdgeDep, GarageDep, GuardedRoute, PrincipalDep
from api.pages.page import language_of, render
from api.pages.words import say, why
from api.ports import Garage
from api.problems import Problem
from api.settings import Role
from api.times import clock_time
from domain.commands import Danger, HoldGarage
from domain.event_words import tell_reason
from domain.faults import FAULT_TEXTS

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

_HOME = {Role.OPERATOR: "/operator", Role.ADMINISTRATOR: "/operator", Role.COMMITTEE: "/ledger"}
_FAULTS = {int(number): text for number, text in FAULT_TEXTS.items()}
_MODULE_ACTIONS = ("confirm", "reset-faults")
_GARAGE_ACTIONS = ("pause", "resume", "hold", "end-hold")
_PAGE_SIZE = 100


@router.get("/login")
async def login_form(request: Request, back: Annotated[str, Query(max_length=40)] = "") -> HTMLResponse:
    """The form that takes a name and a password, or a token."""
    return render(request, "login.html", back=back, error="")


@router.post("/login", response_model=None)
async def log_in(request: Request, edge: EdgeDep) -> Response:
    """Exchange name and password, or a token, for a cookie that no script can read and no other site can use."""
    form = await request.form()
    back, name, token = (str(form.get(field, "")).strip() for field in ("back", "name", "token"))
    try:
        if token or not name:
            principal = holder(edge.settings, token)
        else:
            principal = await edge.logins.log_in(name, str(form.get("password", "")))
    except Problem as problem:
        waits = {} if problem.retry_after_s is None else {"Retry-After": str(problem.retry_after_s)}
        error = problem.first_text
        told = f"{error.text(language_of(request))} {error.about}".strip()
        page = render(request, "login.html", problem.status, back=back, error=told)
        page.headers.update(waits)
        return page
    if principal is None or principal.role not in _HOME:
        return render(request, "login.html", 401, back=back, error=say(language_of(request), "login_wrong"))
    home = _HOME[principal.role]
    target = back if back in ("/operator", "/ledger") and home == "/operator" else home
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        COOKIE,
        edge.sessions.begin(principal),
        max_age=edge.settings.session_ms // 1000,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout")
async def log_out(request: Request, edge: EdgeDep) -> RedirectResponse:
    """End the session here and on the server."""
    edge.sessions.end(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _fault(language: str, fault: dict[str, Any]) -> dict[str, Any]:
    """A fault as a person reads it: number, what it is, and what to do."""
    number = int(fault["number"])
    told = {"number": number, "about": fault.get("about", ""), "text": str(number), "cure": ""}
    text = _FAULTS.get(number)
    if text is not None:
        told["text"] = text.chinese if language == "zh" else text.english
        told["cure"] = text.cure
    return told


def _panel(request: Request, garage: Garage, texts: list[str], commanded: bool) -> dict[str, Any]:
    view = garage.view()
    language = language_of(request)
    modules = [
        module
        | {
            "reason_texts": [tell_reason(reason, language) for reason in module["reasons"]],
            "fault_texts": [_fault(language, fault) for fault in module["faults"]],
        }
        for module in view["modules"]
    ]
    jobs = [job for job in garage.jobs() if job["ended_utc_ms"] is None]
    jobs.sort(key=lambda job: (not job["overdue"], job["requested_utc_ms"]))
    offset = garage.site.utc_offset_minutes
    whys = {job["job"]: why(language, job, offset) for job in jobs}
    bookings = [one for one in garage.bookings() if one["state"] in ("planned", "called")]
    outages = garage.outages()
    seen = _seen(view, jobs, language, (sorted(whys.items()), bookings, outages))
    return {
        "view": view,
        "modules": modules,
        "jobs": jobs,
        "whys": whys,
        "standing": [job for job in jobs if job["state"] == "standing_by"],
        "bookings": bookings,
        "clock_time": clock_time,
        "outages": outages,
        "seen": seen,
        "texts": texts,
        "commanded": commanded,
    }


def _seen(view: dict[str, Any], jobs: list[dict[str, Any]], language: str, told: object) -> str:
    """Differs when the panel would look different; so a button is not replaced under a finger."""
    fields = ("state", "link", "gate", "active_job", "reasons", "faults", "zone_clear")
    state = [[module[name] for name in fields] for module in view["modules"]]
    work = [(j["job"], j["state"], j["session_state"], j["overdue"], (j["eta_s"] or 0) // 15) for j in jobs]
    looks = repr((language, view["mode"], view["alarms"], state, work, told))
    return hashlib.sha256(looks.encode()).hexdigest()[:16]


@router.get("/operator")
async def desk(request: Request, garage: GarageDep, principal: PrincipalDep) -> HTMLResponse:
    """All modules, why they stand, and what the operator may do about it."""
    context = _panel(request, garage, [], False)
    offset = garage.site.utc_offset_minutes
    return render(request, "operator/desk.html", principal=principal, utc_offset_minutes=offset, **context)


@router.get("/operator/panel", response_model=None)
async def panel(request: Request, garage: GarageDep, seen: Annotated[str, Query(max_length=40)] = "") -> Response:
    """The panel again if it would look different now."""
    context = _panel(request, garage, [], False)
    if seen == context["seen"]:
        return Response(status_code=204)
    return render(request, "operator/panel.html", **context)


async def _operate(request: Request, garage: Garage, principal_name: str, action: str, about: str) -> HTMLResponse:
    """Carry a command out and show the panel with what came of it."""
    return await _commanded(request, garage, asks.operate(garage, action, principal_name, about))


async def _commanded(request: Request, garage: Garage, command: Awaitable[str]) -> HTMLResponse:
    try:
        await command
    except Problem as problem:
        texts = [reason.text(language_of(request)) for reason in problem.reasons]
        return render(request, "operator/panel.html", problem.status, **_panel(request, garage, texts, False))
    return render(request, "operator/panel.html", **_panel(request, garage, [], True))


@router.post("/operator/modules/{module}/{action}")
async def operate_module(
    module: str, action: str, request: Request, garage: GarageDep, principal: PrincipalDep
) -> HTMLResponse:
    """Confirm a module, or reset its faults."""
    if action not in _MODULE_ACTIONS:
        raise Problem("not_found")
    return await _operate(request, garage, principal.name, action, module)


@router.post("/operator/garage/{action}")
async def operate_garage(action: str, request: Request, garage: GarageDep, principal: PrincipalDep) -> HTMLResponse:
    """Pause or resume the taking of new jobs, or rest for a danger and end that."""
    if action not in _GARAGE_ACTIONS:
        raise Problem("not_found")
    if action == "hold":
        return await _commanded(request, garage, asks.submit(garage, await _danger(request, principal.name)))
    return await _operate(request, garage, principal.name, action, "")


async def _danger(request: Request, operator: str) -> HoldGarage:
    form = await request.form()
    named = str(form.get("danger", ""))
    if named not in list(Danger):
        raise Problem("invalid_input")
    return HoldGarage(operator, Danger(named), str(form.get("reason", "")).strip()[:200])


@router.post("/operator/parts")
async def take_out(request: Request, garage: GarageDep, principal: PrincipalDep) -> HTMLResponse:
    """Take a part out of service."""
    form = await request.form()
    part, reason = (str(form.get(name, "")).strip()[:200] for name in ("part", "reason"))
    if not reason:
        words = [say(language_of(request), "outage_reason_needed")]
        return render(request, "operator/panel.html", 422, **_panel(request, garage, words, False))
    return await _commanded(request, garage, asks.take_out(garage, part, principal.name, reason))


@router.post("/operator/parts/{part}/back")
async def put_back(part: str, request: Request, garage: GarageDep, principal: PrincipalDep) -> HTMLResponse:
    """Put a part back into service."""
    return await _commanded(request, garage, asks.put_back(garage, part, principal.name))


@router.get("/operator/modules/{module}/reach")
async def show_reach(
    module: str, request: Request, garage: GarageDep, urgent: Annotated[str, Query(max_length=10)] = ""
) -> HTMLResponse:
    """Who can be reached in a module, and what people would have to move."""
    texts: list[str] = []
    try:
        found = await asks.reach(garage, module, [urgent.strip()] if urgent.strip() else [])
    except Problem as problem:
        texts = [reason.text(language_of(request)) for reason in problem.reasons]
        found = await asks.reach(garage, module, [])
    return render(request, "operator/reach.html", reach=found, urgent=urgent, texts=texts)


@router.get("/operator/modules/{module}/times")
async def show_times(module: str, request: Request, garage: GarageDep) -> HTMLResponse:
    """How long the machine takes, beside what its data sheet promises."""
    return render(request, "operator/times.html", times=asks.times(garage, module))


@router.get("/ledger")
async def ledger(
    request: Request, garage: GarageDep, principal: PrincipalDep, after: Annotated[int, Query(ge=0)] = 0
) -> HTMLResponse:
    """Totals and entries; the database is read in a thread."""
    totals = await run_in_threadpool(garage.ledger_totals)
    entries = await run_in_threadpool(garage.ledger_entries, after, _PAGE_SIZE + 1)
    page = entries[:_PAGE_SIZE]
    more = page[-1]["seq"] if len(entries) > _PAGE_SIZE else None
    columns = list(dict.fromkeys(name for entry in page for name in entry))
    return render(
        request,
        "ledger.html",
        principal=principal,
        totals=totals,
        entries=page,
        columns=columns,
        after=after,
        more=more,
    )
