"""A command sent twice with one `Idempotency-Key` is carried out once.

Decides when a stored answer is given again. Answers of status 429 and 5xx are not stored: such a
command changed nothing, and the same person should be able to try it again with the same key.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from api.problems import Problem

KEY_LENGTH_MAX = 200
ANSWER_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, ready to be sent again."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(slots=True)
class _Entry:
    request_digest: str
    expires_ms: int
    answer: Answer | None = None


@dataclass(slots=True)
class IdempotencyStore:
    """Answers by key, bounded in number and age; the oldest finished ones go first."""

    now_ms: Callable[[], int]
    life_ms: int
    entries_max: int
    _entries: OrderedDict[str, _Entry] = field(default_factory=OrderedDict)

    def begin(self, key: str, request_digest: str) -> Answer | None:
        """The stored answer, or None when the caller is the first and must `finish` or `abandon`."""
        now_ms = self.now_ms()
        self._expire(now_ms)
        entry = self._entries.get(key)
        if entry is not None:
            if entry.request_digest != request_digest:
                raise Problem("idempotency_key_reused")
            if entry.answer is None:
                raise Problem("idempotency_in_flight")
            return entry.answer
        self._entries[key] = _Entry(request_digest, now_ms + self.life_ms)
        return None

    def finish(self, key: str, answer: Answer) -> None:
        """Keep the answer of the first request."""
        if answer.status == 429 or answer.status >= 500 or len(answer.body) > ANSWER_BYTES_MAX:
            self.abandon(key)
            return
        entry = self._entries.get(key)
        if entry is not None:
            entry.answer = answer

    def abandon(self, key: str) -> None:
        """Forget a request that came to no answer."""
        self._entries.pop(key, None)

    def _expire(self, now_ms: int) -> None:
        """Entries stand in the order of their expiry, because all live equally long."""
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            if entry.expires_ms > now_ms and len(self._entries) < self.entries_max:
                return
            del self._entries[key]


def request_digest(body: bytes) -> str:
    """What makes two requests with one key the same request."""
    return hashlib.sha256(body).hexdigest()
