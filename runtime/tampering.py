"""Copies of a journal with something done to them, as somebody with the database in hand could do it.

Decides what "tampered" means in the campaign: six kinds of change, each by three kinds of people. The clumsy one
changes rows; the careful one also closes up the numbers; the expert recomputes every hash behind the change, so that
only an anchor outside can tell. Every copy differs from what was written. What an expert adds behind the newest anchor
is left out: it looks like any event that the garage itself has written since, and no audit can tell.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from runtime.journal import GENESIS_HASH, StoredEvent, event_row_line, link_hash

Rows: TypeAlias = list[StoredEvent]

HANDS = ("clumsy", "careful", "expert")


@dataclass(frozen=True, slots=True)
class Tampered:
    """A changed copy; `seq` is the first number where it differs from what was written."""

    kind: str
    hand: str
    seq: int
    rows: Rows


def tampered(written: Sequence[StoredEvent], chance: random.Random) -> Tampered:
    """One changed copy of at least four written events."""
    while True:
        kind = chance.choice(KINDS)
        hand = chance.choice(HANDS)
        rows = _CHANGES[kind](list(written), chance)
        if hand != "clumsy":
            rows = [row._replace(seq=number) for number, row in enumerate(rows, 1)]
        if hand == "expert":
            rows = chained(rows)
        seq = _first_difference(written, rows)
        if seq is not None and not (hand == "expert" and seq > len(written)):
            return Tampered(kind, hand, seq, rows)


def chained(rows: Sequence[StoredEvent]) -> Rows:
    """The same contents with hashes that fit."""
    made: Rows = []
    before = GENESIS_HASH
    for row in rows:
        before = link_hash(before, event_row_line(row))
        made.append(row._replace(hash=before))
    return made


def _first_difference(written: Sequence[StoredEvent], rows: Rows) -> int | None:
    for old, new in zip(written, rows, strict=False):
        if old != new:
            return old.seq
    return None if len(rows) == len(written) else min(len(rows), len(written)) + 1


def _edit(rows: Rows, chance: random.Random) -> Rows:
    at = chance.randrange(len(rows))
    row = rows[at]
    match chance.choice(("utc_ms", "kind", "payload", "hash")):
        case "utc_ms":
            rows[at] = row._replace(utc_ms=row.utc_ms + chance.choice((-60_000, -1, 1, 3_600_000)))
        case "kind":
            rows[at] = row._replace(kind=_misprint(row.kind, chance))
        case "payload":
            rows[at] = row._replace(payload=_misprint(row.payload, chance))
        case "hash":
            rows[at] = row._replace(hash=_misprint(row.hash, chance))
    return rows


def _misprint(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text))
    return text[:place] + chance.choice("0123456789abcdef") + text[place + 1 :]


def _drop(rows: Rows, chance: random.Random) -> Rows:
    count = chance.randint(1, 3)
    at = chance.randrange(len(rows) - count)
    return rows[:at] + rows[at + count :]


def _reorder(rows: Rows, chance: random.Random) -> Rows:
    one, other = sorted(chance.sample(range(len(rows)), 2))
    rows[one], rows[other] = rows[other], rows[one]
    if chance.random() < 0.5:
        # As a table with numbered rows shows it: the contents have changed places, the numbers have not.
        rows[one], rows[other] = rows[one]._replace(seq=rows[other].seq), rows[other]._replace(seq=rows[one].seq)
    return rows


def _truncate(rows: Rows, chance: random.Random) -> Rows:
    return rows[: -chance.randint(1, len(rows) - 1)]


def _insert(rows: Rows, chance: random.Random) -> Rows:
    at = chance.randrange(len(rows))
    model = chance.choice(rows)
    forged = model._replace(seq=rows[at].seq, utc_ms=rows[at].utc_ms, hash=f"{chance.getrandbits(256):064x}")
    return [*rows[:at], forged, *rows[at:]]


def _duplicate(rows: Rows, chance: random.Random) -> Rows:
    at = chance.randrange(len(rows))
    return [*rows[: at + 1], rows[at], *rows[at + 1 :]]


_CHANGES: dict[str, Callable[[Rows, random.Random], Rows]] = {
    "edit": _edit,
    "drop": _drop,
    "reorder": _reorder,
    "truncate": _truncate,
    "insert": _insert,
    "duplicate": _duplicate,
}
KINDS = tuple(_CHANGES)
