"""Logins by name: sessions of people, and waits that grow with every wrong password.

Decides how fast somebody may guess. Nobody who is logged in already is hindered by it, and emergency stops are
the PLC's: they ask for no password.
"""

from __future__ import annotations

import asyncio
import logging
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from api.ports import Users
from api.problems import Problem, edge_reason
from api.settings import Principal

_LOG = logging.getLogger(__name__)

FREE_TRIES = 3
WAIT_MS_FIRST = 1000
WAIT_MS_MAX = 60_000
"""However often somebody guesses, the right person waits a minute at most."""

FORGET_MS = 3_600_000
NAMES_MAX = 10_000
CHECKS_MAX = 8
"""So many passwords may be waiting to be checked; each costs 32 MiB and some 0.2 s."""


@dataclass(slots=True)
class Guesses:
    """Wrong passwords per name: after a few, each doubles the wait before the next."""

    now_ms: Callable[[], int]
    _wrong: dict[str, tuple[int, int]] = field(default_factory=dict)

    def wait_ms(self, name: str) -> int:
        """How long until this name may be tried again; 0: now."""
        count, last_ms = self._wrong.get(name, (0, 0))
        if count < FREE_TRIES:
            return 0
        wait_ms = min(WAIT_MS_MAX, WAIT_MS_FIRST << min(16, count - FREE_TRIES))
        return max(0, last_ms + wait_ms - self.now_ms())

    def begin(self, name: str) -> None:
        """A try counts as wrong from its beginning: many at once are no way around the wait."""
        now = self.now_ms()
        count, last_ms = self._wrong.pop(name, (0, now))
        self._wrong[name] = (count + 1 if now - last_ms < FORGET_MS else 1, now)
        while len(self._wrong) > NAMES_MAX:
            self._wrong.pop(next(iter(self._wrong)))

    def was_right(self, name: str) -> None:
        """The password was right: forget what was guessed before."""
        self._wrong.pop(name, None)


class Logins:
    """The door for people with names."""

    def __init__(self, users: Users, now_ms: Callable[[], int]) -> None:
        self._users = users
        self._guesses = Guesses(now_ms)
        self._one_by_one = asyncio.Semaphore(1)
        self._checking = 0

    async def log_in(self, name: str, password: str) -> Principal:
        """The person; raises `login_wrong`, or `login_wait` with the seconds to wait."""
        key = unicodedata.normalize("NFKC", name).strip().casefold()[:80]
        wait_ms = self._guesses.wait_ms(key)
        if wait_ms or self._checking >= CHECKS_MAX:
            raise too_soon(max(1000, wait_ms))
        self._guesses.begin(key)
        self._checking += 1
        try:
            async with self._one_by_one:
                person = await asyncio.to_thread(self._users.check, name, password)
        finally:
            self._checking -= 1
        if person is None:
            _LOG.warning("a wrong password for %r", name[:80])
            raise Problem("login_wrong")
        self._guesses.was_right(key)
        return person


def too_soon(wait_ms: int) -> Problem:
    """The problem of somebody who guesses, with the time to wait."""
    seconds = str(-(-wait_ms // 1000))
    return Problem("login_wait", (edge_reason("login_wait", f"{seconds} s"),), retry_after_s=int(seconds))
