"""What the edge is told when it is built: who may do what with which token, the clock, the version."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Who is asking. A request without a token is `public`: a driver's phone or the kiosk."""

    PUBLIC = "public"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"
    COMMITTEE = "committee"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Token:
    """One person's or program's access: the SHA-256 of the token, never the token."""

    name: str
    role: Role
    sha256: str


@dataclass(frozen=True, slots=True)
class Principal:
    """The one who sent a request; `is_person` if they logged in by name and not by a token of their role."""

    name: str
    role: Role
    is_person: bool = False


ANONYMOUS = Principal("public", Role.PUBLIC)


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the edge. `now_ms` is a clock that never steps back."""

    tokens: tuple[Token, ...] = ()
    version: str = "0"
    now_ms: Callable[[], int] = _monotonic_ms
    session_ms: int = 12 * 3_600_000
    idempotency_ms: int = 24 * 3_600_000
    idempotency_entries: int = 10_000
    body_bytes_max: int = 64 * 1024
    live_interval_ms: int = 100
    beat_ms: int = 1000
    heartbeat_ms: int = 5000


def token_digest(token: str) -> str:
    """The digest under which a token is kept in the settings."""
    return hashlib.sha256(token.encode()).hexdigest()
