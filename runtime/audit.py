"""Is the journal still what was written? Reads every event, recomputes the chain, and says in words what is wrong.

Decides what a break in the chain means. Inside the chain an event that was edited, dropped, inserted, doubled or
moved cannot hide, because every hash carries all that came before. Whoever can write the whole database can also
rewrite every hash, or cut the end off: only an anchor shows that, a head that was kept elsewhere (`runtime.anchors`).
What happened after the newest anchor and was then rewritten whole is beyond any audit.

Changes nothing, and does not ask what the events mean; that snapshots follow from the events is `runtime.replay`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from runtime.anchors import Anchor
from runtime.journal import GENESIS_HASH, Head, StoredEvent, event_row_line, link_hash

FINDINGS_MAX = 10
"""More breaks than this say nothing new. The first is sure; those after it may follow from it."""

LOOK_AHEAD = 256
"""So many events after a break are searched for the one that should stand there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `seq` is the first event concerned, `utc_ms` when it says it happened, if known."""

    kind: str
    seq: int
    utc_ms: int | None
    text: str


@dataclass(slots=True)
class Audit:
    """Outcome: how many events were read, the last of them, and what is wrong (empty: the chain is whole)."""

    records: int = 0
    head: Head = field(default_factory=lambda: Head(0, GENESIS_HASH))
    head_utc_ms: int | None = None
    anchors_met: int = 0
    renumbered: int = 0
    """By how much the numbers from here on differ from those that were written."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def has_said_enough(self) -> bool:
        """Whether more breaks need not be explained."""
        return len(self.findings) >= FINDINGS_MAX

    def found(self, kind: str, seq: int, utc_ms: int | None, text: str) -> None:
        """Note one finding, unless there are too many already."""
        if not self.has_said_enough:
            self.findings.append(Finding(kind, seq, utc_ms, text))


def audit(stored: Iterable[StoredEvent], anchors: Sequence[Anchor] = ()) -> Audit:
    """Check events in stored order against the chain and against heads that were kept elsewhere."""
    outcome = Audit()
    wanted = _by_seq(anchors)
    ahead = _Window(stored)
    met = Head(0, GENESIS_HASH)
    while (row := ahead.take()) is not None:
        expected_seq = outcome.head.seq + 1
        written = row._replace(seq=row.seq + outcome.renumbered) if outcome.renumbered else row
        follows = row.seq == expected_seq and row.hash == link_hash(outcome.head.hash, event_row_line(written))
        outcome.records += 1
        if follows or outcome.has_said_enough:
            outcome.head = Head(row.seq, row.hash)
        else:
            outcome.head = _explain(outcome, row, ahead.look(LOOK_AHEAD))
        outcome.head_utc_ms = row.utc_ms
        for anchor in wanted.pop(row.seq, ()):
            if anchor.agrees_with(row.hash):
                outcome.anchors_met += 1
                met = outcome.head
            else:
                _tell_fork(outcome, anchor, row.utc_ms, met)
    _tell_what_is_missing(outcome, wanted)
    return outcome


def _by_seq(anchors: Iterable[Anchor]) -> dict[int, list[Anchor]]:
    wanted: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        if anchor.seq > 0:
            wanted.setdefault(anchor.seq, []).append(anchor)
    return wanted


def _tell_fork(outcome: Audit, anchor: Anchor, utc_ms: int, met: Head) -> None:
    since = f"after event {met.seq}" if met.seq else "from the first event on"
    text = (
        f"forked: event {anchor.seq} is not the one that {anchor.source} keeps ({anchor.hash[:16]}); "
        f"the journal was rewritten somewhere {since}, up to event {anchor.seq}"
    )
    outcome.found("forked", anchor.seq, utc_ms, text)


def _tell_what_is_missing(outcome: Audit, wanted: dict[int, list[Anchor]]) -> None:
    """Anchors whose event is not there: cut off if it would be after the end, else the gap is told already."""
    beyond = [one for group in wanted.values() for one in group if one.seq > outcome.head.seq]
    if beyond:
        last = max(beyond, key=lambda one: one.seq)
        text = (
            f"truncated: the journal ends at event {outcome.head.seq}, but {last.source} keeps event {last.seq}; "
            f"at least {last.seq - outcome.head.seq} events were cut off the end"
        )
        outcome.found("truncated", outcome.head.seq + 1, outcome.head_utc_ms, text)
    elif wanted and outcome.whole:
        seq = min(wanted)
        outcome.found("dropped", seq, None, f"dropped: event {seq} is anchored by {wanted[seq][0].source} and missing")


class _Window:
    """The events in order, with a look at the next few."""

    def __init__(self, stored: Iterable[StoredEvent]) -> None:
        self._rows: Iterator[StoredEvent] = iter(stored)
        self._ahead: deque[StoredEvent] = deque()

    def take(self) -> StoredEvent | None:
        """The next event, or None at the end."""
        if self._ahead:
            return self._ahead.popleft()
        return next(self._rows, None)

    def look(self, count: int) -> list[StoredEvent]:
        """At most so many events after the one taken last; they stay to be taken."""
        self._ahead.extend(islice(self._rows, max(0, count - len(self._ahead))))
        return list(islice(self._ahead, count))


def _explain(outcome: Audit, row: StoredEvent, later: Sequence[StoredEvent]) -> Head:
    """Say what the first event that does not follow means; the head behind which the audit goes on."""
    before = outcome.head
    at = _place_of_true_next(before, later)
    if row.seq <= before.seq:
        text = f"duplicated: event {row.seq} stands again after event {before.seq}"
        outcome.found("duplicated", row.seq, row.utc_ms, text)
    elif at is not None and _goes_on(before, later[at:]):
        return _explain_inserted(outcome, row, later[at])
    elif at is not None:
        text = (
            f"reordered: the event that was written as number {before.seq + 1} stands at {later[at].seq}; "
            f"event {row.seq} stands in its place"
        )
        outcome.found("reordered", before.seq + 1, row.utc_ms, text)
    elif row.seq > before.seq + 1:
        missing = (
            f"event {before.seq + 1} is" if row.seq == before.seq + 2 else f"{before.seq + 1} to {row.seq - 1} are"
        )
        text = f"dropped: {missing} missing between event {before.seq} and event {row.seq}"
        outcome.found("dropped", before.seq + 1, row.utc_ms, text)
    else:
        _explain_in_place(outcome, row, later)
    return Head(row.seq, row.hash)


def _place_of_true_next(before: Head, later: Sequence[StoredEvent]) -> int | None:
    """Where the event that was written behind `before` stands further on, under whatever number."""
    wanted_seq = before.seq + 1
    for at, row in enumerate(later):
        if link_hash(before.hash, event_row_line(row._replace(seq=wanted_seq))) == row.hash:
            return at
    return None


def _goes_on(before: Head, found: Sequence[StoredEvent]) -> bool:
    """Whether the one after the found event was written after it, too: then nothing moved, something was put in."""
    if len(found) < 2:
        return False
    true_next, after = found[:2]
    return link_hash(true_next.hash, event_row_line(after._replace(seq=before.seq + 2))) == after.hash


def _explain_inserted(outcome: Audit, row: StoredEvent, true_next: StoredEvent) -> Head:
    """The true event comes later, and the journal goes on from there: this one is left out of the chain."""
    before = outcome.head
    shift = before.seq + 1 - true_next.seq
    renumbered = "; those after were renumbered" if shift else ""
    text = f"inserted: event {row.seq} behind event {before.seq} was never written{renumbered}"
    outcome.found("inserted", row.seq, row.utc_ms, text)
    if shift:
        outcome.renumbered -= 1
        return Head(row.seq, before.hash)
    return before


def _explain_in_place(outcome: Audit, row: StoredEvent, later: Sequence[StoredEvent]) -> None:
    """The number is right and the hash is not: edited, or renumbered around something taken out."""
    before = outcome.head
    if later and link_hash(row.hash, event_row_line(later[0])) == later[0].hash:
        text = f"edited: event {row.seq} ({row.kind}) is not what was written; the events after it are"
        outcome.found("edited", row.seq, row.utc_ms, text)
        return
    shift = _shift(row, later)
    outcome.renumbered += shift
    if shift:
        text = f"dropped: {shift} of the events behind {before.seq} are missing, and those after were renumbered"
        outcome.found("dropped", row.seq, row.utc_ms, text)
    else:
        text = f"edited: event {row.seq} ({row.kind}) or its hash is not what was written"
        outcome.found("edited", row.seq, row.utc_ms, text)


def _shift(row: StoredEvent, later: Sequence[StoredEvent]) -> int:
    """By how much the numbers from here on are too small, because some were taken out before; 0: they are not."""
    for earlier, one in zip((row, *later), later, strict=False):
        for shift in (1, 2, 3, 4):
            if link_hash(earlier.hash, event_row_line(one._replace(seq=one.seq + shift))) == one.hash:
                return shift
    return 0
