"""Heads of the journal that are kept outside its database, so that a cut or rewritten journal shows.

Decides what an anchor looks like in a file (one line: UTC time, number, hash) and when the running program writes
one: at local midnight and when it stops. The anchors that PLCs keep are `runtime.anchor_keeper`'s.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path

from runtime.journal import Head

HASH_DIGITS_MIN = 16
"""A PLC keeps the first 8 bytes; fewer prove too little."""

DAY_MS = 86_400_000

_LINE = re.compile(r"(?P<time>\S+)\s+(?P<seq>\d{1,18})\s+(?P<hash>[0-9a-f]{16,64})")
_SHORT = re.compile(r"(?P<seq>\d{1,18}):(?P<hash>[0-9a-f]{16,64})")


class AnchorError(ValueError):
    """This is no anchor."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head that `source` keeps: the event's number and at least the first 16 hex digits of its hash."""

    seq: int
    hash: str
    source: str
    utc_ms: int | None = None

    def agrees_with(self, stored_hash: str) -> bool:
        """Whether the stored event may be the anchored one."""
        return stored_hash.startswith(self.hash)


def anchor_line(head: Head, utc_ms: int) -> str:
    """The line that is kept and printed: `2026-11-22T16:00:00Z 1234 <64 hex digits>`."""
    time = dt.datetime.fromtimestamp(utc_ms / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{time} {head.seq} {head.hash}"


def read_anchors(text: str) -> list[Anchor]:
    """The anchors of a file (by its path) or one typed by hand as `SEQ:HASH`; raises AnchorError, OSError.

    Empty lines and lines that begin with # are skipped.
    """
    typed = _SHORT.fullmatch(text)
    if typed is not None:
        return [Anchor(int(typed["seq"]), typed["hash"], "the anchor given")]
    lines = Path(text).read_text(encoding="utf-8").splitlines()
    return [
        _from_line(line, f"{text} line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith("#")
    ]


def _from_line(line: str, source: str) -> Anchor:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise AnchorError(f"{source}: not an anchor: UTC time, number and hash are wanted")
    try:
        moment = dt.datetime.fromisoformat(found["time"])
    except ValueError as error:
        raise AnchorError(f"{source}: {error}") from error
    return Anchor(int(found["seq"]), found["hash"], source, round(moment.timestamp() * 1000))


def append_anchor(path: Path, head: Head, utc_ms: int) -> str:
    """Add one line to the file, durably; returns the line. Raises OSError."""
    line = anchor_line(head, utc_ms)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
    return line


class DailyAnchor:
    """Writes the head into a file at each local midnight, and when the program stops."""

    def __init__(self, path: Path | None, utc_offset_minutes: int) -> None:
        self._path = path
        self._offset_ms = utc_offset_minutes * 60_000
        self._day: int | None = None
        self._written: Head | None = None

    def is_due(self, utc_ms: int) -> bool:
        """Asked in every scan: whether a local day has begun since the last time. Says so once."""
        day = (utc_ms + self._offset_ms) // DAY_MS
        before, self._day = self._day, day
        return before is not None and day > before

    def write(self, head: Head, utc_ms: int) -> None:
        """Write the head now, unless it stands there already. Raises OSError."""
        if self._path is not None and head.seq > 0 and head != self._written:
            append_anchor(self._path, head, utc_ms)
            self._written = head
