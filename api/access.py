"""Who may call what: one table, and everything that is not in it is refused.

Decides by role and route only. That a car is handed to the right person is decided by the PIN, and
that a gate may move by the controller and the PLC.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Request

from api.problems import Problem
from api.settings import ANONYMOUS, Principal, Role, Settings, token_digest

ANYONE = frozenset(Role)
OPERATORS = frozenset({Role.OPERATOR, Role.ADMINISTRATOR})
ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
READERS_OF_MONEY = frozenset({Role.COMMITTEE, Role.OPERATOR, Role.ADMINISTRATOR})
READERS_OF_EVENTS = frozenset({Role.COMMITTEE, Role.OPERATOR, Role.ADMINISTRATOR})
"""The committee reads the journal without plates."""
SEE_PLATES = frozenset({Role.SERVICE})
"""Roles that see plates and vehicles in jobs and charging sessions."""

COOKIE = "garage_session"

ACCESS: dict[str, frozenset[Role]] = {
    "POST /api/v1/storages": ANYONE,
    "POST /api/v1/bay-costs": ANYONE,
    "POST /api/v1/retrievals": ANYONE,
    "GET /api/v1/jobs": ANYONE,
    "GET /api/v1/jobs/{job}": ANYONE,
    "POST /api/v1/jobs/{job}/clear": ANYONE,
    "POST /api/v1/jobs/{job}/cancel": ANYONE,
    "GET /api/v1/garage": ANYONE,
    "GET /api/v1/live": ANYONE,
    "GET /api/v1/spots": ANYONE,
    "GET /api/v1/vehicle-classes": ANYONE,
    "GET /api/v1/problems/{code}": ANYONE,
    "POST /api/v1/bookings": ANYONE,
    "POST /api/v1/bookings/search": ANYONE,
    "GET /api/v1/bookings": OPERATORS | SEE_PLATES,
    "GET /api/v1/bookings/{booking}": ANYONE,
    "PATCH /api/v1/bookings/{booking}": ANYONE,
    "DELETE /api/v1/bookings/{booking}": ANYONE,
    "POST /api/v1/charging-sessions": ANYONE,
    "GET /api/v1/charging-sessions/{charging}": ANYONE,
    "POST /api/v1/charging-sessions/{charging}/stop": ANYONE,
    "POST /api/v1/modules/{module}/confirm": OPERATORS,
    "POST /api/v1/modules/{module}/reset-faults": OPERATORS,
    "PUT /api/v1/bays/{bay}/car": OPERATORS,
    "DELETE /api/v1/bays/{bay}/car": OPERATORS,
    "POST /api/v1/garage/pause": OPERATORS,
    "POST /api/v1/garage/resume": OPERATORS,
    "POST /api/v1/garage/hold": OPERATORS,
    "POST /api/v1/garage/end-hold": OPERATORS,
    "PUT /api/v1/modules/{module}/lock": OPERATORS,
    "DELETE /api/v1/modules/{module}/lock": OPERATORS,
    "POST /api/v1/modules/{module}/locks/{owner}/removal": ADMINISTRATORS,
    "POST /api/v1/modules/{module}/locks/{owner}/removal/grant": OPERATORS,
    "GET /api/v1/modules/{module}/recovery": OPERATORS,
    "POST /api/v1/modules/{module}/manual": OPERATORS,
    "POST /api/v1/modules/{module}/manual/release": OPERATORS,
    "POST /api/v1/modules/{module}/manual/hold": OPERATORS,
    "POST /api/v1/modules/{module}/manual/let-go": OPERATORS,
    "POST /api/v1/modules/{module}/manual/moves": OPERATORS,
    "POST /api/v1/modules/{module}/manual/bypass": OPERATORS,
    "POST /api/v1/modules/{module}/manual/bypass/grant": OPERATORS,
    "GET /api/v1/modules/{module}/reach": OPERATORS,
    "GET /api/v1/modules/{module}/times": OPERATORS,
    "GET /api/v1/parts": OPERATORS,
    "PUT /api/v1/parts/{part}": OPERATORS,
    "DELETE /api/v1/parts/{part}": OPERATORS,
    "GET /api/v1/events": READERS_OF_EVENTS,
    "GET /api/v1/events/{seq}": OPERATORS,
    "GET /api/v1/alarms": OPERATORS | SEE_PLATES,
    "GET /api/v1/alarms/statistics": OPERATORS | READERS_OF_MONEY | SEE_PLATES,
    "POST /api/v1/alarms/{alarm}/acknowledge": OPERATORS,
    "POST /api/v1/alarms/{alarm}/reset": OPERATORS,
    "POST /api/v1/alarms/{alarm}/shelve": OPERATORS,
    "POST /api/v1/alarms/{alarm}/unshelve": OPERATORS,
    "POST /api/v1/alarms/{alarm}/take-out": OPERATORS,
    "POST /api/v1/alarms/{alarm}/put-back": OPERATORS,
    "GET /api/v1/maintenance": OPERATORS,
    "POST /api/v1/maintenance/works": OPERATORS,
    "GET /api/v1/ledger/entries": READERS_OF_MONEY,
    "GET /api/v1/ledger/totals": READERS_OF_MONEY,
    "GET /api/v1/ledger/statement": READERS_OF_MONEY,
    "GET /api/v1/openapi.json": ANYONE,
    "GET /health/live": ANYONE,
    "GET /health/ready": ANYONE,
    "GET /version": ANYONE,
    "GET /docs": ANYONE,
    "GET /": ANYONE,
    "GET /language/{language}": ANYONE,
    "POST /api/v1/sessions": ANYONE,
    "DELETE /api/v1/sessions": ANYONE,
    "GET /login": ANYONE,
    "POST /login": ANYONE,
    "POST /logout": ANYONE,
    "GET /kiosk": ANYONE,
    "POST /kiosk/{screen}": ANYONE,
    "GET /kiosk/job/{job}": ANYONE,
    "POST /kiosk/job/{job}/{action}": ANYONE,
    "GET /operator": OPERATORS,
    "GET /operator/panel": OPERATORS,
    "GET /operator/replay": OPERATORS,
    "POST /operator/modules/{module}/{action}": OPERATORS,
    "POST /operator/garage/{action}": OPERATORS,
    "GET /operator/modules/{module}/reach": OPERATORS,
    "GET /operator/modules/{module}/times": OPERATORS,
    "GET /operator/modules/{module}/manual": OPERATORS,
    "POST /operator/parts": OPERATORS,
    "POST /operator/parts/{part}/back": OPERATORS,
    "GET /operator/alarms": OPERATORS,
    "GET /operator/alarms/list": OPERATORS,
    "POST /operator/alarms/{alarm}/{action}": OPERATORS,
    "GET /operator/maintenance": OPERATORS,
    "POST /operator/maintenance/works": OPERATORS,
    "GET /ledger": READERS_OF_MONEY,
}
"""Route -> roles. A route that is missing here answers 403 to everybody."""


STOP_GRACE_MS = 24 * 3_600_000
"""So long after its end a login still serves to stop something."""

_STOPS = re.compile(r"/(?:api/v1|operator)/garage/(?:hold|pause)|/api/v1/modules/[^/]+/manual/let-go")
"""Paths that only ever stop: nobody has to log in again in an emergency."""


@dataclass(slots=True)
class Sessions:
    """Logins: random value (of a cookie, or a bearer token) -> principal, until they expire.

    `stamp_of` tells by a person's name what their login hangs on; when that changes, it ends.
    """

    now_ms: Callable[[], int]
    session_ms: int
    stamp_of: Callable[[str], str | None]
    session_count_max: int = 200
    _open: dict[str, tuple[int, Principal, str | None]] = field(default_factory=dict)

    def begin(self, principal: Principal) -> str:
        """Start a session; the oldest ends when there are too many."""
        while len(self._open) >= self.session_count_max:
            self._open.pop(next(iter(self._open)))
        value = secrets.token_urlsafe(32)
        self._open[token_digest(value)] = (self.now_ms() + self.session_ms, principal, self._stamp(principal))
        return value

    def principal(self, value: str, grace_ms: int = 0) -> Principal | None:
        """Who holds this value, or None; with `grace_ms` also for so long after the end."""
        key = token_digest(value)
        found = self._open.get(key)
        if found is None:
            return None
        until_ms, principal, stamp = found
        if until_ms + STOP_GRACE_MS <= self.now_ms() or stamp != self._stamp(principal):
            del self._open[key]
            return None
        return principal if self.now_ms() < until_ms + grace_ms else None

    def _stamp(self, principal: Principal) -> str | None:
        return self.stamp_of(principal.name) if principal.is_person else None

    def end(self, value: str) -> None:
        """End a session, if it is one."""
        self._open.pop(token_digest(value), None)


def holder(settings: Settings, token: str) -> Principal | None:
    """The principal of a token, or None; takes as long for a wrong token as for a right one."""
    digest = token_digest(token)
    found = None
    for known in settings.tokens:
        if hmac.compare_digest(known.sha256, digest):
            found = Principal(known.name, known.role)
    return found


def identify(request: Request, settings: Settings, sessions: Sessions) -> Principal:
    """Who sends this request. A wrong token is refused, a cookie that has expired is nobody's."""
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Problem("unauthenticated")
        principal = holder(settings, token.strip()) or sessions.principal(token.strip(), _grace_ms(request))
        if principal is None:
            raise Problem("unauthenticated")
        return principal
    cookie = request.cookies.get(COOKIE)
    principal = sessions.principal(cookie, _grace_ms(request)) if cookie else None
    if principal is None:
        return ANONYMOUS
    if request.method not in ("GET", "HEAD") and not _same_origin(request):
        raise Problem("forbidden")
    return principal


def _grace_ms(request: Request) -> int:
    return STOP_GRACE_MS if _STOPS.fullmatch(request.url.path) else 0


def person(principal: Principal) -> str:
    """The name of somebody who logged in by name; raises the problem for a token, which anybody may hold."""
    if not principal.is_person:
        raise Problem("person_needed")
    return principal.name


def _same_origin(request: Request) -> bool:
    """A browser names the page that sends a form; a foreign page must not use our cookie."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host", "")


def authorize(route: str, principal: Principal) -> None:
    """Let the principal through to a route ("METHOD /path"), or raise the problem."""
    if principal.role in ACCESS.get(route, frozenset()):
        return
    raise Problem("unauthenticated" if principal.role is Role.PUBLIC else "forbidden")
