"""Times as people and programs write them: "07:40" on the site's clock, and UTC in ISO 8601.

Decides how a time of day and a day are read and written. Whether one can be booked is decided by the
controller.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

from api.problems import refusal
from domain.refusals import RefusalCode

_AT = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_EPOCH = date(1970, 1, 1).toordinal()


def minute_of_day(at: str) -> int:
    """Minutes since midnight (0 to 1439) of "7:40" or "07:40"; raises the problem for anything else."""
    match = _AT.fullmatch(at)
    if match is None:
        raise refusal(RefusalCode.BOOKING_TIME, at)
    return int(match[1]) * 60 + int(match[2])


def clock_time(minute: int) -> str:
    """A minute of the day as "07:40"."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def day_number(day: date) -> int:
    """Number of a day since 1970-01-01, as bookings count them."""
    return day.toordinal() - _EPOCH


def local_moment(utc_ms: int, utc_offset_minutes: int) -> datetime:
    """A moment on the site's clock, with its offset."""
    return datetime.fromtimestamp(utc_ms / 1000, timezone(timedelta(minutes=utc_offset_minutes)))


def utc_iso(utc_ms: int) -> str:
    """A moment as "2026-11-22T23:40:00Z"; fractions of a second are dropped."""
    return datetime.fromtimestamp(utc_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
