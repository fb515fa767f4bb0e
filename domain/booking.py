"""Bookings: "leave at 7:40", "home at 18:00"; once, every day, or Monday to Friday.

Decides when a booking is due next. What the garage does about it is decided by the controller.
"""

from __future__ import annotations

from enum import StrEnum

MINUTE_MS = 60_000
DAY_MINUTES = 1440
_MONDAY = 3
"""1970-01-01 was a Thursday: day 0 of the epoch has weekday 3, counted from Monday = 0."""


class BookingKind(StrEnum):
    """Whether the car is wanted at the gate, or a bay for it."""

    DEPARTURE = "departure"
    ARRIVAL = "arrival"


class Repeat(StrEnum):
    """How often a booking comes round."""

    ONCE = "once"
    DAILY = "daily"
    WEEKDAYS = "weekdays"


def local_day(utc_ms: int, utc_offset_minutes: int) -> int:
    """Number of the local day since 1970-01-01."""
    return (utc_ms // MINUTE_MS + utc_offset_minutes) // DAY_MINUTES


def local_minute(utc_ms: int, utc_offset_minutes: int) -> int:
    """Minute of the local day, 0 to 1439."""
    return (utc_ms // MINUTE_MS + utc_offset_minutes) % DAY_MINUTES


def is_weekday(day: int) -> bool:
    """Whether a day number is a Monday to Friday."""
    return (day + _MONDAY) % 7 < 5


def due_on(day: int, minute_of_day: int, utc_offset_minutes: int) -> int:
    """UTC in ms of a local minute (0 to 1439) of a day number."""
    return (day * DAY_MINUTES + minute_of_day - utc_offset_minutes) * MINUTE_MS


def next_due_utc_ms(minute_of_day: int, repeat: Repeat, after_utc_ms: int, utc_offset_minutes: int) -> int:
    """The first time after `after_utc_ms` at which a booking is due."""
    day = local_day(after_utc_ms, utc_offset_minutes)
    while due_on(day, minute_of_day, utc_offset_minutes) <= after_utc_ms or (
        repeat is Repeat.WEEKDAYS and not is_weekday(day)
    ):
        day += 1
    return due_on(day, minute_of_day, utc_offset_minutes)
