"""The kiosk's question to a driver who parks: when is the car wanted again?

Decides which times are offered at one touch, and which questions lead to any other. The times are the same
for everybody: whoever types a plate has shown no PIN yet, and a household's habit would tell strangers when
nobody is at home. "Not sure" parks as well; the bay is then chosen by what has been learnt.
"""

from __future__ import annotations

from typing import Any

from fastapi.responses import HTMLResponse

from api.pages.visit import Follow, Visit
from api.pages.words import booking_sentence, day_word
from api.problems import Problem
from api.times import clock_time, minute_of_day
from domain.booking import DAY_MINUTES, BookingKind, due_on, local_day, local_minute
from domain.commands import Leaving
from domain.ids import Plate

QUICK_MINUTES = (7 * 60, 7 * 60 + 30, 8 * 60, 9 * 60, 18 * 60)
"""Minutes of the day that are one touch away: the morning when most leave, and the evening."""

DAYS_OFFERED = 8
DAY_DIGITS_MAX = 6
"""A day number of more digits is none that a calendar can show."""
MINUTE_STEP = 5
NOTICE_MINUTES = 15
"""A time closer than this is not offered: the car would still be on its way up."""

_CARRIED = ("flow", "plate", "vehicle_class", "day", "hour")


def is_worth_asking(visit: Visit, costs: list[dict[str, Any]]) -> bool:
    """Whether anybody can park now; if not, the refusal comes without another question."""
    return bool(costs) and visit.garage.view()["mode"] == "automatic"


def question(visit: Visit, costs: list[dict[str, Any]]) -> HTMLResponse:
    """The times of one touch, the way to any other, and the waiting that telling one spares.

    `costs` are the free bays with the wait at the usual departure.
    """
    today, earliest = _now(visit)
    moments = sorted((today + (minute < earliest), minute) for minute in QUICK_MINUTES)
    choices = [(f"{day} {clock_time(minute)}", clock_time(minute), _day_word(visit, day)) for day, minute in moments]
    waits_s = [cost["wait_ms"] // 1000 for cost in costs]
    return _screen(visit, "leaving", choices=choices, wait_s=min(waits_s), spread_s=max(waits_s) - min(waits_s))


async def _days(visit: Visit) -> HTMLResponse:
    """None of the times of one touch: first the day."""
    today, earliest = _now(visit)
    # Shortly before midnight no minute of today can be told any more.
    first = today + (earliest >= DAY_MINUTES)
    days = [(day, _day_word(visit, day)) for day in range(first, first + DAYS_OFFERED)]
    return _screen(visit, "leaving_day", days=days)


async def _hours(visit: Visit) -> HTMLResponse:
    """The day is told: the hours of it in which a minute can still be chosen."""
    told = _day(visit.answer("day"))
    first = _first_minute(visit, told)
    hours = [hour for hour in range(24) if hour * 60 + 60 - MINUTE_STEP >= first]
    return _screen(visit, "leaving_hour", hours=hours, day=_day_word(visit, told))


async def _minutes(visit: Visit) -> HTMLResponse:
    """The hour is told: its minutes."""
    told = _day(visit.answer("day"))
    start, first = minute_of_day(f"{visit.answer('hour')}:00"), _first_minute(visit, told)
    times = [clock_time(minute) for minute in range(start, start + 60, MINUTE_STEP) if minute >= first]
    moments = [(f"{told} {at}", at) for at in times]
    return _screen(visit, "leaving_minute", moments=moments, day=_day_word(visit, told))


def leaving_of(visit: Visit) -> Leaving | None:
    """What was answered, such as "20779 07:30" (number of a local day, minute), or None for "not sure".

    Raises the problem for anything else.
    """
    told = visit.answer("leaves")
    if not told:
        return None
    day, _, at = told.partition(" ")
    return Leaving(minute_of_day(at), _day(day))


def booked(visit: Visit, plate: Plate, leaves: Leaving | None) -> str:
    """The departure that was told as a sentence; empty if the garage has not booked it."""
    if leaves is None or leaves.day is None:
        return ""
    offset = visit.garage.site.utc_offset_minutes
    due_utc_ms = due_on(leaves.day, leaves.minute_of_day, offset)
    mine = (one for one in visit.garage.bookings() if one["plate"] == plate and one["kind"] == BookingKind.DEPARTURE)
    booking = next((one for one in mine if one["state"] == "planned" and one["due_utc_ms"] == due_utc_ms), None)
    if booking is None:
        return ""
    return booking_sentence(visit.language, booking, int(visit.garage.view()["utc_ms"]), offset)


def _screen(visit: Visit, name: str, **context: Any) -> HTMLResponse:
    answers = {field: visit.answer(field) for field in _CARRIED}
    return visit.screen(name, carried={field: value for field, value in answers.items() if value}, **context)


def _now(visit: Visit) -> tuple[int, int]:
    """The number of today on the site's clock, and the first minute of it that can be told."""
    utc_ms, offset = int(visit.garage.view()["utc_ms"]), visit.garage.site.utc_offset_minutes
    return local_day(utc_ms, offset), local_minute(utc_ms, offset) + NOTICE_MINUTES


def _first_minute(visit: Visit, day: int) -> int:
    today, earliest = _now(visit)
    return earliest if day <= today else 0


def _day_word(visit: Visit, day: int) -> str:
    offset = visit.garage.site.utc_offset_minutes
    return day_word(visit.language, due_on(day, 0, offset), int(visit.garage.view()["utc_ms"]), offset)


def _day(told: str) -> int:
    if not told.isdecimal() or len(told) > DAY_DIGITS_MAX:
        raise Problem("invalid_input")
    return int(told)


SCREENS: dict[str, Follow] = {"leaving-other": _days, "leaving-day": _hours, "leaving-hour": _minutes}
"""The screen that was answered -> what follows from the answer."""
