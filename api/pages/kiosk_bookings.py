"""The kiosk's questions for a booking: leave or come home, at which hour, which minutes, how often.

Decides which question comes next and how a booking is said in a sentence. Who may book, and whether the
time can be kept, is decided by the controller; the PIN travels in the form from screen to screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.responses import HTMLResponse

from api import asks
from api.pages.visit import Follow, Visit
from api.pages.words import booking_sentence, day_word
from api.problems import Problem
from api.times import clock_time, minute_of_day
from domain.booking import BookingKind, Repeat, due_on, local_day, next_due_utc_ms
from domain.refusals import RefusalCode
from domain.vehicle import VEHICLE_CLASSES

MINUTE_STEP = 5
_CARRIED = ("flow", "plate", "pin", "kind", "vehicle_class", "booking", "hour", "at")
_OPEN = ("planned", "called")
_NOTHING: Mapping[str, str] = {}
_HOME = dict.fromkeys(("kind", "vehicle_class", "booking", "hour", "at"), "")
"""What is forgotten on the way back to the list."""


async def begin(visit: Visit) -> HTMLResponse:
    """After the PIN: the bookings there are, or the first question of a new one; raises for a wrong PIN."""
    try:
        bookings = await _open_bookings(visit)
    except Problem as problem:
        if problem.code != RefusalCode.UNKNOWN_PLATE.code:
            raise
        return _car_question(visit)
    return _list(visit, bookings) if bookings else _kind_question(visit)


async def _open_bookings(visit: Visit) -> list[dict[str, Any]]:
    bookings = await asks.bookings_of(visit.garage, visit.typed_plate(), visit.pin)
    return [one for one in bookings if one["state"] in _OPEN]


def _screen(visit: Visit, name: str, carry: Mapping[str, str] = _NOTHING, **context: Any) -> HTMLResponse:
    """A screen of the booking flow; what was answered goes along in hidden fields, `carry` in place of the old."""
    answers = {field: visit.answer(field) for field in _CARRIED} | dict(carry)
    return visit.screen(name, carried={field: value for field, value in answers.items() if value}, **context)


def _car_question(visit: Visit) -> HTMLResponse:
    """The car is not here and has no booking: only its coming home can be booked."""
    return visit.screen(
        "vehicle_class", classes=list(VEHICLE_CLASSES.values()), carried={"pin": visit.pin}, is_booking=True
    )


def _kind_question(visit: Visit) -> HTMLResponse:
    return _screen(visit, "booking_kind", carry={"booking": ""})


def hour_question(visit: Visit, kind: str) -> HTMLResponse:
    """At which hour; `kind` is what was answered before."""
    return _screen(visit, "booking_hour", kind=kind, carry={"kind": kind, "hour": "", "at": ""})


async def _kind(visit: Visit) -> HTMLResponse:
    return hour_question(visit, _one_of(visit.answer("kind"), tuple(BookingKind)))


async def _hour(visit: Visit) -> HTMLResponse:
    start = minute_of_day(f"{visit.answer('hour')}:00")
    times = [clock_time(minute) for minute in range(start, start + 60, MINUTE_STEP)]
    return _screen(visit, "booking_minute", times=times, kind=visit.answer("kind"))


async def _time(visit: Visit) -> HTMLResponse:
    """How often; the single time is told with its day, because "once" alone leaves it open."""
    minute, now, offset = _when(visit)
    due_utc_ms = next_due_utc_ms(minute, Repeat.ONCE, now, offset)
    return _screen(
        visit, "booking_repeat", at=clock_time(minute), day=day_word(visit.language, due_utc_ms, now, offset)
    )


def _when(visit: Visit) -> tuple[int, int, int]:
    """The minute that was answered, the garage's time in UTC, the site's offset."""
    now = int(visit.garage.view()["utc_ms"])
    return minute_of_day(visit.answer("at")), now, visit.garage.site.utc_offset_minutes


async def _repeat(visit: Visit) -> HTMLResponse:
    """All is answered: book, or change the booking that was chosen."""
    repeat = Repeat(_one_of(visit.answer("repeat"), tuple(Repeat)))
    minute, now, offset = _when(visit)
    name = visit.answer("booking")
    try:
        if name:
            time = asks.BookingTime(minute, repeat, _kept_day(asks.booking(visit.garage, name), minute, now, offset))
            await asks.change_booking(visit.garage, name, visit.pin, time)
        else:
            kind = BookingKind(_one_of(visit.answer("kind"), tuple(BookingKind)))
            vehicle = VEHICLE_CLASSES.get(visit.answer("vehicle_class"))
            time = asks.BookingTime(minute, repeat)
            name = await asks.book(visit.garage, visit.typed_plate(), visit.pin, kind, time, vehicle)
    except Problem as problem:
        return visit.refused(problem)
    booking = asks.booking(visit.garage, name)
    wait_minutes = visit.garage.site.patience.no_show_ms // 60_000
    return _screen(
        visit, "booked", booking=booking, sentence=_sentence(visit, booking), wait_minutes=wait_minutes, carry=_HOME
    )


def _kept_day(booking: dict[str, Any], minute: int, now_utc_ms: int, offset_minutes: int) -> int | None:
    """The day of a single booking stays when its new minute is still to come on that day."""
    day = local_day(booking["due_utc_ms"], offset_minutes)
    is_single = booking["repeat"] == Repeat.ONCE
    return day if is_single and due_on(day, minute, offset_minutes) > now_utc_ms else None


def _sentence(visit: Visit, booking: dict[str, Any]) -> str:
    now = int(visit.garage.view()["utc_ms"])
    return booking_sentence(visit.language, booking, now, visit.garage.site.utc_offset_minutes)


def _list(visit: Visit, bookings: list[dict[str, Any]]) -> HTMLResponse:
    now, offset = int(visit.garage.view()["utc_ms"]), visit.garage.site.utc_offset_minutes
    days = {one["booking"]: day_word(visit.language, one["due_utc_ms"], now, offset) for one in bookings}
    return _screen(visit, "bookings", bookings=bookings, days=days, clock_time=clock_time, carry=_HOME)


async def _bookings(visit: Visit) -> HTMLResponse:
    try:
        return await begin(visit)
    except Problem as problem:
        return visit.refused(problem)


async def _new(visit: Visit) -> HTMLResponse:
    return _kind_question(visit)


async def _chosen(visit: Visit) -> HTMLResponse:
    return await _with_booking(visit, "booking")


async def _ask_cancel(visit: Visit) -> HTMLResponse:
    return await _with_booking(visit, "booking_cancel")


async def _with_booking(visit: Visit, screen: str) -> HTMLResponse:
    """A screen about one of the driver's own bookings."""
    try:
        booking = asks.booking(visit.garage, visit.answer("booking"))
        await asks.prove_booking(visit.garage, booking["booking"], visit.pin)
    except Problem as problem:
        return visit.refused(problem)
    return _screen(visit, screen, booking=booking, sentence=_sentence(visit, booking))


async def _change(visit: Visit) -> HTMLResponse:
    try:
        booking = asks.booking(visit.garage, visit.answer("booking"))
    except Problem as problem:
        return visit.refused(problem)
    return hour_question(visit, booking["kind"])


async def _cancel(visit: Visit) -> HTMLResponse:
    try:
        await asks.cancel_booking(visit.garage, visit.answer("booking"), visit.pin)
    except Problem as problem:
        return visit.refused(problem)
    return _screen(visit, "booking_over", carry=_HOME)


def _one_of(answer: str, choices: tuple[str, ...]) -> str:
    if answer not in choices:
        raise Problem("invalid_input")
    return answer


SCREENS: dict[str, Follow] = {
    "bookings": _bookings,
    "booking-new": _new,
    "booking-chosen": _chosen,
    "booking-change": _change,
    "booking-ask-cancel": _ask_cancel,
    "booking-cancel": _cancel,
    "booking-kind": _kind,
    "booking-hour": _hour,
    "booking-time": _time,
    "booking-repeat": _repeat,
}
"""The screen that was answered -> what follows from the answer."""
