"""Storages, retrievals and the jobs that they become."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from api import asks
from api.access import OPERATORS
from api.edge import GarageDep, GuardedRoute, PrincipalDep
from api.pages.words import why_told
from api.ports import Garage
from api.problems import Problem
from api.resources import job_resource
from api.schemas import BayCostsBody, RetrievalBody, StorageBody, class_table
from api.settings import Principal
from api.times import day_number, minute_of_day
from domain.commands import Leaving

_BAY_COSTS: dict[str, Any] = {
    "content": {
        "application/json": {
            "example": {"at": "07:40", "bays": [{"bay": "A-2-04", "wait_s": 95, "reason": "level 2, few others then"}]}
        }
    }
}
router = APIRouter(prefix="/api/v1", route_class=GuardedRoute, tags=["jobs"])


def _shown(garage: Garage, record: dict[str, Any], principal: Principal) -> dict[str, Any]:
    return job_resource(record, principal, garage.site.utc_offset_minutes)


def _accepted(garage: Garage, job: str, response: Response, principal: Principal) -> dict[str, Any]:
    """The job's fields; a job that ended within the same instant is told by its name alone."""
    response.headers["Location"] = f"/api/v1/jobs/{job}"
    record = garage.job(job)
    return {"job": job} if record is None else _shown(garage, record, principal)


@router.post("/storages", status_code=202)
async def request_storage(
    body: StorageBody, garage: GarageDep, principal: PrincipalDep, response: Response
) -> dict[str, Any]:
    """Park a car. The answer carries the PIN that fetches it again; nobody can ask for it later."""
    told = body.leaves
    leaves = None
    if told is not None:
        leaves = Leaving(minute_of_day(told.at), None if told.date is None else day_number(told.date))
    granted = await asks.store(garage, body.plate, body.car(), body.pin, leaves)
    return {**_accepted(garage, granted.id, response, principal), "pin": granted.pin}


@router.post("/retrievals", status_code=202)
async def request_retrieval(
    body: RetrievalBody, garage: GarageDep, principal: PrincipalDep, response: Response
) -> dict[str, Any]:
    """Fetch a car with its PIN. For a booked car: its driver has come; the answer names the booked job."""
    if body.priority == "emergency" and principal.role not in OPERATORS:
        raise Problem("forbidden")
    job = await asks.retrieve(garage, body.plate, body.pin, body.priority)
    return _accepted(garage, job, response, principal)


@router.get("/jobs")
async def list_jobs(garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """All open jobs and the last 200 that have ended."""
    return {"jobs": [_shown(garage, job, principal) for job in garage.jobs()]}


@router.get("/jobs/{job}")
async def read_job(job: str, garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """One job: where it stands, how long it will take, what it cost."""
    return _shown(garage, asks.job(garage, job), principal)


@router.post("/jobs/{job}/clear", status_code=202)
async def confirm_clear(job: str, garage: GarageDep, principal: PrincipalDep, response: Response) -> dict[str, Any]:
    """The driver's word: everybody is out and the car stands where it should (or has left)."""
    await asks.confirm_clear(garage, job)
    return _accepted(garage, job, response, principal)


@router.post("/jobs/{job}/cancel", status_code=202)
async def cancel_job(job: str, garage: GarageDep, principal: PrincipalDep, response: Response) -> dict[str, Any]:
    """Give a job up that has not moved a car yet."""
    await asks.cancel(garage, job)
    return _accepted(garage, job, response, principal)


@router.post("/bay-costs", responses={200: _BAY_COSTS})
async def ask_bay_costs(body: BayCostsBody, garage: GarageDep) -> dict[str, Any]:
    """How long the driver would wait at that time, from each bay that is free for this car, the best first.

    The car's usual time is not asked here: its waits would tell strangers when somebody leaves home.
    """
    costs = garage.bay_costs(body.car(), body.plate, minute_of_day(body.at))
    bays = [
        {
            "bay": cost["bay"],
            "wait_s": cost["wait_ms"] // 1000,
            "reason": why_told("en", cost["why"]),
            "why": cost["why"],
        }
        for cost in costs
    ]
    return {"at": body.at, "bays": bays}


@router.get("/vehicle-classes")
async def list_vehicle_classes() -> dict[str, Any]:
    """The vehicle classes with the largest car of each."""
    return {"vehicle_classes": class_table()}
