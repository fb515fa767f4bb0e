"""How the edge says no: problem+json (RFC 9457), with a fixed HTTP status for every refusal.

Decides statuses and shape; why something is refused comes from the controller.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from domain.refusals import Refusal, RefusalCode

_LOG = logging.getLogger(__name__)
_CODE = RefusalCode

REFUSAL_STATUS: dict[RefusalCode, int] = {
    _CODE.UNKNOWN_PLATE: 404,
    _CODE.WRONG_PIN: 403,
    _CODE.PIN_LOCKED: 429,
    _CODE.ALREADY_COMING: 409,
    _CODE.ALREADY_PARKED: 409,
    _CODE.JOB_OPEN: 409,
    _CODE.GARAGE_FULL: 409,
    _CODE.NO_FITTING_BAY: 409,
    _CODE.VEHICLE_TOO_LARGE: 422,
    _CODE.NO_MODULE_READY: 503,
    _CODE.MODULE_LOCKED: 409,
    _CODE.MODULE_NOT_LOCKED: 409,
    _CODE.GARAGE_PAUSED: 503,
    _CODE.GARAGE_HALTED: 503,
    _CODE.JOURNAL_AWAY: 503,
    _CODE.JOURNAL_DOUBTED: 503,
    _CODE.UNKNOWN_JOB: 404,
    _CODE.JOB_NOT_AT_GATE: 409,
    _CODE.ZONE_NOT_CLEAR: 409,
    _CODE.CAR_NOT_ON_PALLET: 409,
    _CODE.CAR_STILL_ON_PALLET: 409,
    _CODE.SENSORS_DISAGREE: 409,
    _CODE.JOB_TOO_FAR: 409,
    _CODE.UNKNOWN_SPOT: 404,
    _CODE.SPOT_TAKEN: 409,
    _CODE.ALL_SPOTS_TAKEN: 409,
    _CODE.SPOT_OFFLINE: 503,
    _CODE.NOT_CHARGING: 409,
    _CODE.UNKNOWN_MODULE: 404,
    _CODE.UNKNOWN_BAY: 404,
    _CODE.BAY_TAKEN: 409,
    _CODE.BAY_EMPTY: 409,
    _CODE.CAR_TOO_HEAVY: 409,
    _CODE.LINK_DOWN: 503,
    _CODE.INCOMPATIBLE_PLC: 503,
    _CODE.PALLET_UNKNOWN: 409,
    _CODE.OCCUPANCY_DIFFERS: 409,
    _CODE.PLC_FAULT: 409,
    _CODE.PLC_NOT_AUTOMATIC: 409,
    _CODE.PATH_BLOCKED: 409,
    _CODE.LEVEL_BUSY: 409,
    _CODE.HOIST_BUSY: 409,
    _CODE.HOOK_NOT_CLOSED: 409,
    _CODE.NOT_HOME: 409,
    _CODE.GATE_NOT_SHUT: 409,
    _CODE.SAFETY_NOT_OK: 409,
    _CODE.GARAGE_MODE: 409,
    _CODE.NO_POWER: 409,
    _CODE.UNKNOWN_BOOKING: 404,
    _CODE.BOOKING_EXISTS: 409,
    _CODE.BOOKING_PAST: 422,
    _CODE.BOOKING_TOO_FAR: 422,
    _CODE.BOOKING_TIME: 422,
    _CODE.BOOKING_NEEDS_CAR: 409,
    _CODE.BOOKING_LIMIT: 409,
    _CODE.BOOKING_CALLED: 409,
    _CODE.UNKNOWN_PART: 404,
    _CODE.PART_ALREADY_OUT: 409,
    _CODE.PART_NOT_OUT: 409,
    _CODE.OUT_OF_SERVICE: 409,
    _CODE.UNKNOWN_ALARM: 404,
    _CODE.ALARM_STATE: 409,
    _CODE.ALARM_SAFETY: 409,
    _CODE.SHELVE_TIME: 422,
    _CODE.UNREACHABLE: 409,
    _CODE.MODULE_MANUAL: 409,
    _CODE.MODULE_MAINTENANCE: 409,
    _CODE.MANUAL_HELD: 409,
    _CODE.NOT_MANUAL: 409,
    _CODE.KEY_NOT_MANUAL: 409,
    _CODE.NOT_HOLDER: 409,
    _CODE.OLD_COUNTER: 409,
    _CODE.UNKNOWN_MOVE: 422,
    _CODE.SECOND_PERSON: 409,
    _CODE.NO_LOCK_OF_OWNER: 404,
    _CODE.NO_REMOVAL_ASKED: 409,
    _CODE.NO_BYPASS_ASKED: 409,
    _CODE.CONFIRM_NEEDED: 409,
    _CODE.LOCK_HANGS: 409,
    _CODE.LOCK_NOT_YOURS: 409,
    _CODE.FIRE: 503,
    _CODE.GARAGE_HELD: 503,
    _CODE.STILL_DANGER: 409,
    _CODE.UNKNOWN_SERVICE: 404,
}
"""404: no such thing. 403 and 429: the PIN. 422: this car never. 409: not now. 503: the garage cannot."""

EDGE_CODES: dict[str, tuple[int, str, str]] = {
    "malformed_json": (400, "The body is not JSON.", "请求不是有效的 JSON。"),
    "unauthenticated": (401, "This needs a valid token.", "需要有效的令牌。"),
    "login_wrong": (401, "Name or password is not right.", "用户名或密码不正确。"),
    "login_wait": (429, "Too many wrong passwords. Please wait.", "密码错误次数过多，请稍候。"),
    "person_needed": (403, "This needs a person who logged in by name.", "须由本人以个人账号登录后操作。"),
    "forbidden": (403, "This role may not do that.", "当前角色无权进行此操作。"),
    "not_found": (404, "There is nothing here.", "页面或资源不存在。"),
    "unknown_charging": (404, "There is no such charging session.", "没有这个充电会话。"),
    "method_not_allowed": (405, "This cannot be done here.", "不支持的请求方法。"),
    "idempotency_in_flight": (409, "The first request with this key still runs.", "相同请求正在处理中。"),
    "body_too_large": (413, "The body is too large.", "请求内容过大。"),
    "invalid_input": (422, "Something in the request is not right.", "输入内容不正确。"),
    "idempotency_key_reused": (422, "This key belongs to another request.", "该幂等键已用于其他请求。"),
    "http_error": (400, "The request cannot be served.", "无法处理该请求。"),
    "internal_error": (500, "An error of the program; it has been logged.", "程序错误，已记录。"),
}
"""What the edge itself refuses: code -> status, English, Chinese."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a problem: code, both sentences, and what it is about."""

    code: str
    text_en: str
    text_zh: str
    about: str = ""

    def text(self, language: str) -> str:
        """The sentence in one language."""
        return self.text_zh if language == "zh" else self.text_en


class Problem(Exception):
    """A request that ends with a problem document."""

    def __init__(
        self, code: str, reasons: Iterable[Reason] = (), status: int | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.reasons = tuple(reasons)
        self.status = status or _status_of(code)
        self.retry_after_s = retry_after_s

    @property
    def first_text(self) -> Reason:
        """The main reason; for the edge's own codes the sentence of the code."""
        return self.reasons[0] if self.reasons else edge_reason(self.code)


def _status_of(code: str) -> int:
    if code in EDGE_CODES:
        return EDGE_CODES[code][0]
    return next(status for refusal, status in REFUSAL_STATUS.items() if refusal.code == code)


def edge_reason(code: str, about: str = "") -> Reason:
    """The reason that belongs to one of the edge's own codes."""
    _, english, chinese = EDGE_CODES[code]
    return Reason(code, english, chinese, about)


def refused(reasons: Iterable[Refusal]) -> Problem:
    """The problem for a command that the controller refused; the first reason gives the code."""
    told = [Reason(r.code.code, r.code.text("en"), r.code.text("zh"), r.about) for r in reasons]
    return Problem(told[0].code, told)


def refusal(code: RefusalCode, about: str = "") -> Problem:
    """The problem for a refusal that the edge can tell by itself (an unknown id)."""
    return refused((Refusal(code, about),))


def problem_body(problem: Problem) -> dict[str, Any]:
    """The document: RFC 9457 members, the code, and every reason in both languages."""
    main = problem.first_text
    reasons = problem.reasons or (main,)
    return {
        "type": f"/api/v1/problems/{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": f"{main.text_en} ({main.about})" if main.about else main.text_en,
        "code": problem.code,
        "reasons": [{"code": r.code, "text_en": r.text_en, "text_zh": r.text_zh, "about": r.about} for r in reasons],
    }


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer that carries a problem document."""
    told = dict(headers or {})
    if problem.status == 401:
        told["WWW-Authenticate"] = "Bearer"
    if problem.retry_after_s is not None:
        told["Retry-After"] = str(problem.retry_after_s)
    return JSONResponse(problem_body(problem), problem.status, headers=told, media_type="application/problem+json")


def invalid_input(about: str, english: str, chinese: str = "") -> Problem:
    """The problem for one wrong field; `about` is its path."""
    return Problem("invalid_input", (Reason("invalid_input", english, chinese or english, about),))


def validation_problem(error: RequestValidationError) -> Problem:
    """What is wrong with a request, field by field; broken JSON has a code of its own."""
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return Problem("malformed_json")
    reasons = []
    for item in found:
        path = ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0])
        reasons.append(Reason("invalid_input", str(item["msg"]), EDGE_CODES["invalid_input"][2], path))
    return Problem("invalid_input", reasons)


def http_problem(error: HTTPException) -> Problem:
    """The problem for what the framework refuses (unknown route, wrong method)."""
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    return Problem(code, status=error.status_code)


def install(app: FastAPI) -> None:
    """Make every error of an application a problem document."""

    async def on_problem(_: Request, error: Exception) -> Response:
        return problem_response(error if isinstance(error, Problem) else Problem("internal_error"))

    async def on_validation(_: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        return problem_response(validation_problem(error))

    async def on_http(_: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        return problem_response(http_problem(error), error.headers)

    async def on_bug(request: Request, error: Exception) -> Response:
        _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return problem_response(Problem("internal_error"))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_bug)
