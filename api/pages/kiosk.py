"""The kiosk: one question a screen, from a plate to a PIN to a gate.

Decides which question comes next and how an answer is checked for form. Keeps nothing: what was
answered before travels with the form, and where a job stands is asked of the garage. The questions of
a booking are in `kiosk_bookings`, those after the time when a car is wanted again in `kiosk_leaving`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from api import asks
from api.edge import GarageDep, GuardedRoute
from api.pages import kiosk_bookings, kiosk_leaving
from api.pages.page import language_of, render
from api.pages.visit import Follow, Visit, visit_of
from api.problems import Problem, refusal
from domain.commands import Leaving
from domain.ids import parse_plate
from domain.refusals import RefusalCode
from domain.vehicle import VEHICLE_CLASSES

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
DIGITS = "1234567890"
SPECIAL = "港澳学警挂"
"""The keys of the plate keypad. I and O are not used on plates."""

FLOWS = ("park", "fetch", "book", "start-charging", "stop-charging")
_PIN = re.compile(r"[0-9]{6}")
_PLATE_LENGTH_MIN = 5


async def _start(visit: Visit) -> HTMLResponse:
    if visit.flow == "charge":
        return visit.screen("charge_choice")
    if visit.flow == "stop-charging":
        return _spot_question(visit)
    if visit.flow not in FLOWS:
        raise Problem("not_found")
    return _plate_question(visit)


def _plate_question(visit: Visit, error: str = "") -> HTMLResponse:
    keys = {"provinces": PROVINCES, "letters": LETTERS, "digits": DIGITS, "special": SPECIAL}
    return visit.screen("plate", 422 if error else 200, keypad=keys, error=error)


async def _plate(visit: Visit) -> HTMLResponse:
    try:
        plate = parse_plate(visit.plate)
    except ValueError:
        return _plate_question(visit, "plate_wrong")
    if len(plate) < _PLATE_LENGTH_MIN:
        return _plate_question(visit, "plate_wrong")
    if visit.flow == "park":
        return visit.screen(
            "vehicle_class", plate=plate, classes=list(VEHICLE_CLASSES.values()), carried={}, is_booking=False
        )
    if visit.flow in ("fetch", "book"):
        return visit.screen("pin", plate=plate)
    return _spot_question(visit)


async def _vehicle_class(visit: Visit) -> HTMLResponse:
    vehicle = visit.chosen_vehicle()
    if visit.flow == "book":
        return kiosk_bookings.hour_question(visit, kind="arrival")
    costs = visit.garage.bay_costs(vehicle, visit.typed_plate(), None)
    if kiosk_leaving.is_worth_asking(visit, costs):
        return kiosk_leaving.question(visit, costs)
    return await _park(visit, None, costs)


async def _leaving(visit: Visit) -> HTMLResponse:
    leaves = kiosk_leaving.leaving_of(visit)
    # Asked before the bay is promised: afterwards it is not free any more.
    costs = visit.garage.bay_costs(visit.chosen_vehicle(), visit.typed_plate(), None) if leaves is None else []
    return await _park(visit, leaves, costs)


async def _park(visit: Visit, leaves: Leaving | None, costs: list[dict[str, Any]]) -> HTMLResponse:
    """All is answered: the screen of the job, with its PIN and with what was booked or can be expected."""
    plate = visit.typed_plate()
    try:
        granted = await asks.store(visit.garage, plate, visit.chosen_vehicle(), None, leaves)
    except Problem as problem:
        return visit.refused(problem)
    job = asks.job(visit.garage, granted.id)
    told = {"departure": _departure(job, costs), "booked": kiosk_leaving.booked(visit, plate, leaves)}
    return render(visit.request, "kiosk/job.html", **_job_context(job, pin=granted.pin, **told))


def _departure(job: dict[str, Any], costs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """How long the car will take at its usual departure from the promised bay, and from the best other one."""
    own = next((cost for cost in costs if cost["bay"] == job["bay"]), None)
    others = [cost for cost in costs if cost["bay"] != job["bay"]]
    if own is None:
        return None
    return {"own": own, "other": min(others, key=lambda cost: int(cost["wait_ms"])) if others else None}


async def _pin(visit: Visit) -> HTMLResponse:
    if _PIN.fullmatch(visit.pin) is None:
        return visit.screen("pin", 422, error="pin_wrong")
    try:
        if visit.flow == "stop-charging":
            return await _stop_charging(visit)
        if visit.flow == "book":
            return await kiosk_bookings.begin(visit)
        priority = "disabled" if visit.answer("priority") == "disabled" else "normal"
        job = await asks.retrieve(visit.garage, visit.typed_plate(), visit.pin, priority)
    except Problem as problem:
        if problem.code == RefusalCode.WRONG_PIN.code:
            return visit.screen("pin", problem.status, error_text=problem.first_text.text(visit.language))
        return visit.refused(problem)
    return render(visit.request, "kiosk/job.html", **_job_context(asks.job(visit.garage, job)))


def _spot_question(visit: Visit) -> HTMLResponse:
    """Which spots can be chosen: free ones to start, those with a session to stop."""
    spots = visit.garage.view()["spots"]
    if visit.flow == "stop-charging":
        choice = [spot["id"] for spot in spots if spot["charging"] is not None]
    else:
        free = ("Available", "Finishing")
        choice = [s["id"] for s in spots if s["state"] in free and s["charging"] is None]
        choice.sort(key=lambda name: next(s["state"] for s in spots if s["id"] == name) != "Available")
    return visit.screen("spot", choice=choice)


async def _spot(visit: Visit) -> HTMLResponse:
    if visit.flow == "stop-charging":
        return visit.screen("pin")
    try:
        granted = await asks.start_charging(visit.garage, visit.typed_plate(), None, visit.answer("spot") or None)
    except Problem as problem:
        return visit.refused(problem)
    session = visit.garage.charging(granted.id) or {}
    return visit.screen("charging", spot=session.get("spot", visit.answer("spot")), pin=granted.pin)


async def _stop_charging(visit: Visit) -> HTMLResponse:
    """End the session at a spot; the session's plate goes with the PIN into the digest."""
    spots = {spot["id"]: spot["charging"] for spot in visit.garage.view()["spots"]}
    charging = spots.get(visit.answer("spot"))
    if charging is None:
        raise refusal(RefusalCode.NOT_CHARGING, visit.answer("spot"))
    await asks.stop_charging(visit.garage, charging, visit.pin)
    return visit.screen("stopped", session=asks.charging_session(visit.garage, charging))


_SCREENS: dict[str, Follow] = {
    "start": _start,
    "plate": _plate,
    "vehicle-class": _vehicle_class,
    "leaving": _leaving,
    "pin": _pin,
    "spot": _spot,
    **kiosk_leaving.SCREENS,
    **kiosk_bookings.SCREENS,
}
"""The screen that was answered -> what follows from the answer."""


@router.get("/kiosk")
async def welcome(request: Request, garage: GarageDep) -> HTMLResponse:
    """The first question: park, fetch or charge; and the gates that wait for somebody's word."""
    view = garage.view()
    at_gate = [job for job in view["queue"] if job["session_state"] == "open"]
    by_hand = [module for module in view["modules"] if module["state"] in ("manual", "maintenance")]
    return render(request, "kiosk/welcome.html", view=view, at_gate=at_gate[:4], by_hand=by_hand)


@router.post("/kiosk/{screen}")
async def answer(screen: str, request: Request, garage: GarageDep) -> HTMLResponse:
    """One answer; the next screen follows."""
    follow = _SCREENS.get(screen)
    if follow is None:
        raise Problem("not_found")
    return await follow(await visit_of(request, garage))


def stage_of(job: dict[str, Any]) -> str:
    """What a driver should see of a job: one word for its two machines."""
    if job["ended_utc_ms"] is not None:
        return "done" if job["state"] == "done" else "cancelled"
    session = job["session_state"]
    if session == "closed" or job["state"] == "returning":
        return "shut"
    if session in ("opening", "open"):
        return f"gate_{session}"
    if session in ("closing", "checking"):
        return "gate_closing"
    return str(job["state"])


def _digest(job: dict[str, Any], stage: str) -> str:
    """Changes whenever the screen would look different; the estimate counts in steps of 10 s."""
    eta = None if job["eta_s"] is None else job["eta_s"] // 10
    return f"{stage}.{eta}.{job['ahead']}.{job['fee_fen']}.{job['waiting_for_driver']}"


def _job_context(job: dict[str, Any], **more: Any) -> dict[str, Any]:
    stage = stage_of(job)
    steps = ("queued", "preparing", "delivering", "gate")
    at = "gate" if stage in ("standing_by", "at_gate", "gate_opening") else stage
    step = steps.index(at) if at in steps else len(steps)
    return {
        "job": job,
        "stage": stage,
        "steps": steps,
        "step": step,
        "seen": _digest(job, stage),
        "texts": [],
        "asking_cancel": False,
        "pin": "",
        **more,
    }


@router.get("/kiosk/job/{job}", response_model=None)
async def follow_job(
    job: str, request: Request, garage: GarageDep, seen: Annotated[str, Query(max_length=80)] = ""
) -> Response:
    """Where a job stands: a whole page, or for the page's own polling only what has changed."""
    record = asks.job(garage, job)
    if request.headers.get("hx-request") is None:
        return render(request, "kiosk/job_page.html", **_job_context(record))
    if seen == _digest(record, stage_of(record)):
        return Response(status_code=204)
    return render(request, "kiosk/job_region.html", **_job_context(record))


@router.post("/kiosk/job/{job}/{action}")
async def act_on_job(job: str, action: str, request: Request, garage: GarageDep) -> HTMLResponse:
    """The driver's word, or the wish to cancel (asked once more before it counts)."""
    texts: list[str] = []
    status = 200
    try:
        if action == "clear":
            await asks.confirm_clear(garage, job)
        elif action == "cancel":
            await asks.cancel(garage, job)
        elif action not in ("ask-cancel", "keep"):
            raise Problem("not_found")
    except Problem as problem:
        if problem.code in ("not_found", RefusalCode.UNKNOWN_JOB.code):
            raise
        language = language_of(request)
        texts = [reason.text(language) for reason in problem.reasons]
        status = problem.status
    context = _job_context(asks.job(garage, job), texts=texts, asking_cancel=action == "ask-cancel")
    return render(request, "kiosk/job_region.html", status, **context)
