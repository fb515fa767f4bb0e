"""Time as the core sees it: a value that arrives from outside, never a clock that is read."""

from __future__ import annotations

from dataclasses import dataclass

NEVER_MS = 2**62
"""A wake time that never comes."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on two clocks.

    `mono_ms` never steps back and serves every timer; `utc_ms` (ms since 1970) serves receipts and
    the journal and may jump when the computer's clock is set.
    """

    mono_ms: int
    utc_ms: int
