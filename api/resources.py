"""Jobs and bookings as programs are told of them.

Decides which fields are shown to whom; times are told on the site's clock and in UTC.
"""

from __future__ import annotations

from typing import Any

from api.access import SEE_PLATES
from api.pages.words import why, why_told
from api.settings import Principal
from api.times import clock_time, local_moment, utc_iso

_PRIVATE = ("plate", "vehicle")


def without_plate(record: dict[str, Any]) -> dict[str, Any]:
    """A record as the public may see it."""
    return {name: value for name, value in record.items() if name not in _PRIVATE}


def shown(record: dict[str, Any], principal: Principal) -> dict[str, Any]:
    """A record as this caller may see it."""
    return record if principal.role in SEE_PLATES else without_plate(record)


def job_resource(job: dict[str, Any], principal: Principal, utc_offset_minutes: int) -> dict[str, Any]:
    """A job; `due_at` is the booked minute in UTC, `reason` says why it comes when it comes, `why` as codes."""
    due_utc_ms = job["due_utc_ms"]
    told = {
        "due_at": None if due_utc_ms is None else utc_iso(due_utc_ms),
        "reason": why("en", job, utc_offset_minutes),
    }
    return shown(job, principal) | told


def booking_resource(booking: dict[str, Any], utc_offset_minutes: int) -> dict[str, Any]:
    """A booking with its plate; its next minute on the site's clock (`at`, `date`, `due_local`) and in UTC."""
    due = local_moment(booking["due_utc_ms"], utc_offset_minutes)
    return {
        "booking": booking["booking"],
        "plate": booking["plate"],
        "kind": booking["kind"],
        "at": clock_time(booking["minute_of_day"]),
        "repeat": booking["repeat"],
        "date": due.date().isoformat(),
        "due_local": due.isoformat(timespec="seconds"),
        "due_at": utc_iso(booking["due_utc_ms"]),
        "due_utc_ms": booking["due_utc_ms"],
        "state": booking["state"],
        "reason": why_told("en", booking["why"]),
        "why": booking["why"],
        "job": booking["job"],
    }
