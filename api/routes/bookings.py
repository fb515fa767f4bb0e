"""Bookings: a car at the gate, or a bay for it, at a time of day.

Whose bookings are told is decided by the PIN; it comes in a body, or in the header `Garage-Pin` where
there is none, and never in the address.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from api import asks
from api.access import OPERATORS, SEE_PLATES
from api.edge import GarageDep, GuardedRoute, PrincipalDep
from api.ports import Garage
from api.problems import invalid_input
from api.resources import booking_resource, shown
from api.schemas import BookingBody, BookingChangeBody, BookingSearchBody, PinText
from api.times import day_number, minute_of_day
from domain.booking import BookingKind, Repeat, local_day

router = APIRouter(prefix="/api/v1/bookings", route_class=GuardedRoute, tags=["bookings"])

PinHeader = Annotated[PinText | None, Header(alias="Garage-Pin", description="The PIN of the car or booking.")]
_STAFF = OPERATORS | SEE_PLATES
_EXAMPLE = {
    "booking": "B000012",
    "plate": "京A12345",
    "kind": "departure",
    "at": "07:40",
    "repeat": "weekdays",
    "date": "2026-11-23",
    "due_local": "2026-11-23T07:40:00+08:00",
    "due_at": "2026-11-22T23:40:00Z",
    "due_utc_ms": 1_795_390_800_000,
    "state": "planned",
    "reason": "",
    "job": None,
}
_ONE: dict[str, Any] = {"content": {"application/json": {"example": _EXAMPLE}}}
_MANY: dict[str, Any] = {"content": {"application/json": {"example": {"bookings": [_EXAMPLE]}}}}


def _resource(garage: Garage, name: str) -> dict[str, Any]:
    """The booking as its owner sees it; one that is over and forgotten is told by its name alone."""
    found = garage.booking(name)
    return {"booking": name} if found is None else booking_resource(found, garage.site.utc_offset_minutes)


@router.post("", status_code=201, responses={201: _ONE})
async def make_booking(body: BookingBody, garage: GarageDep, response: Response) -> dict[str, Any]:
    """Book a departure (the car at the gate) or an arrival (a bay for the car).

    The PIN is that of the parked car. For a car that is not here it is that of its other bookings, or
    chosen now; then the car's class or size is told, too.
    """
    time = asks.BookingTime(
        minute_of_day(body.at), Repeat(body.repeat), None if body.date is None else day_number(body.date)
    )
    name = await asks.book(garage, body.plate, body.pin, BookingKind(body.kind), time, body.car_told())
    response.headers["Location"] = f"/api/v1/bookings/{name}"
    return _resource(garage, name)


@router.post("/search", responses={200: _MANY})
async def search_bookings(body: BookingSearchBody, garage: GarageDep) -> dict[str, Any]:
    """The bookings of one car, for the one who knows its PIN: first those to come, then those that are over."""
    offset = garage.site.utc_offset_minutes
    found = await asks.bookings_of(garage, body.plate, body.pin)
    return {"bookings": [booking_resource(one, offset) for one in found]}


@router.get("", responses={200: _MANY})
async def list_bookings(garage: GarageDep, principal: PrincipalDep) -> dict[str, Any]:
    """All bookings, the next due first; those that are over at the end. Plates for the service role only."""
    offset = garage.site.utc_offset_minutes
    return {"bookings": [shown(booking_resource(one, offset), principal) for one in garage.bookings()]}


@router.get("/{booking}", responses={200: _ONE})
async def read_booking(
    booking: str, garage: GarageDep, principal: PrincipalDep, pin: PinHeader = None
) -> dict[str, Any]:
    """One booking, for the one who knows its PIN; staff need none."""
    if principal.role in _STAFF:
        asks.booking(garage, booking)
        return shown(_resource(garage, booking), principal)
    await asks.prove_booking(garage, booking, _given(pin))
    return _resource(garage, booking)


@router.patch("/{booking}", responses={200: _ONE})
async def change_booking(booking: str, body: BookingChangeBody, garage: GarageDep) -> dict[str, Any]:
    """Another time for a booking that has not been called. What is not given stays; a single one keeps its day."""
    old = asks.booking(garage, booking)
    repeat = Repeat(body.repeat or old["repeat"])
    day = day_number(body.date) if body.date is not None else None
    if day is None and repeat is Repeat.ONCE and old["repeat"] == Repeat.ONCE:
        day = local_day(old["due_utc_ms"], garage.site.utc_offset_minutes)
    minute = minute_of_day(body.at) if body.at is not None else old["minute_of_day"]
    await asks.change_booking(garage, booking, body.pin, asks.BookingTime(minute, repeat, day))
    return _resource(garage, booking)


@router.delete("/{booking}", responses={200: _ONE})
async def cancel_booking(booking: str, garage: GarageDep, pin: PinHeader = None) -> dict[str, Any]:
    """Give a booking up. A car that already stands at the gate for it goes home."""
    await asks.cancel_booking(garage, booking, _given(pin))
    return _resource(garage, booking)


def _given(pin: str | None) -> str:
    if pin is None:
        raise invalid_input("Garage-Pin", "the PIN is missing", "缺少取车码")
    return pin
