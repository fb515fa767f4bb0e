"""The garage's memory: an append-only, hash-chained journal of events, and snapshots beside it.

Decides what "stored" means: `append` returns when the events and what they cost are committed together, or raises
`JournalError` and nothing of them is stored. After any error the connection is thrown away and never asked again:
after a failed fsync a second commit on it may lie. A repeat of stored events is harmless, so the caller may simply
append the same events again.

The chain: hash = SHA-256 of the hash before (64 hex digits) and the event's canonical line, so that no stored event
can be changed, dropped or moved unseen. Dropping the newest events is seen only by who kept the head elsewhere.

Does not know threads of its own (that is `runtime.journal_writer`) nor prices (that is the poster it is given).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from domain.events import Recorded, from_payload, to_payload
from runtime.database import is_memory, mark_writer
from runtime.journal_tables import events, snapshots

GENESIS_HASH = "0" * 64
"""The hash before the first event."""

SNAPSHOTS_KEPT = 3
"""Older snapshots are removed: any of them can be made again from the events."""

Poster = Callable[[Connection, Sequence[Recorded]], object]
"""Books what events cost, inside the transaction that stores them."""

_CHUNK = 2000
_INSERT_EVENTS = insert(events)
_SELECT_EVENTS = select(events.c.seq, events.c.utc_ms, events.c.kind, events.c.payload, events.c.hash)
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_SURROGATE = re.compile("[\ud800-\udfff]")


class JournalError(Exception):
    """The journal could not store or read what was asked; nothing was stored by halves."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event's number and hash; (0, GENESIS_HASH) for an empty journal."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state after the event `seq`, as JSON-ready values."""

    seq: int
    utc_ms: int
    state: dict[str, Any]


class StoredEvent(NamedTuple):
    """One row of the journal as it stands: nothing of it is believed yet."""

    seq: int
    utc_ms: int
    kind: str
    payload: str
    hash: str


def post_nothing(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """A poster for a journal without money."""


def event_line(recorded: Recorded) -> str:
    """The canonical JSON line of an event: sorted keys, no spaces, characters as they are."""
    return _line(recorded.seq, recorded.utc_ms, type(recorded.event).__name__, _payload_text(recorded))


class Journal:
    """Appends to, reads and checks the journal of one database.

    `post` books what events cost in the same transaction. Appending is for one thread at a time and is locked;
    reading opens a connection of its own.
    """

    def __init__(self, engine: Engine, post: Poster = post_nothing) -> None:
        self._engine = engine
        self._post = post
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._head: Head | None = None

    @property
    def head(self) -> Head:
        """The newest stored event's number and hash."""
        with self._writes():
            return self._known_head()

    def append(self, recorded: Sequence[Recorded]) -> None:
        """Store events and what they cost in one transaction; durable when it returns.

        Numbers must follow each other and the stored ones. Events that are already stored are accepted if they
        are the same, else `JournalError` is raised, as for every failure of the database.
        """
        if not recorded:
            return
        with self._writes():
            _refuse_gaps(recorded)
            head = self._known_head()
            if recorded[0].seq <= head.seq:
                recorded = self._without_stored(recorded, head.seq)
                if not recorded:
                    return
            if recorded[0].seq != head.seq + 1:
                raise JournalError(f"event {recorded[0].seq} cannot follow event {head.seq}")
            rows = chained_rows(recorded, head.hash)
            connection = self._writer()
            with connection.begin():
                connection.execute(_INSERT_EVENTS, rows)
                self._post(connection, recorded)
            self._head = Head(recorded[-1].seq, rows[-1]["hash"])

    def load(self) -> tuple[Snapshot | None, list[Recorded]]:
        """The newest snapshot, if any, and every event after it."""
        newest = select(snapshots).order_by(snapshots.c.seq.desc()).limit(1)
        with self._reads():
            with self._engine.connect() as connection:
                row = connection.execute(newest).first()
            snapshot = Snapshot(row.seq, row.utc_ms, json.loads(row.state)) if row else None
            after = snapshot.seq if snapshot else 0
            return snapshot, [_recorded(row) for row in self._rows_after(after)]

    def save_snapshot(self, seq: int, utc_ms: int, state: dict[str, Any]) -> None:
        """Keep the state after event `seq`, which must be stored; the oldest snapshots go."""
        row = {"seq": seq, "utc_ms": utc_ms, "state": _storable(_encode(state))}
        kept = select(snapshots.c.seq).order_by(snapshots.c.seq.desc()).limit(SNAPSHOTS_KEPT).subquery()
        with self._writes():
            head = self._known_head()
            if not 0 <= seq <= head.seq:
                raise JournalError(f"a snapshot of event {seq} cannot be kept: the newest event is {head.seq}")
            connection = self._writer()
            with connection.begin():
                connection.execute(delete(snapshots).where(snapshots.c.seq == seq))
                connection.execute(insert(snapshots), row)
                connection.execute(delete(snapshots).where(snapshots.c.seq.not_in(select(kept.c.seq))))

    def events_after(self, seq: int, limit: int) -> list[Recorded]:
        """At most `limit` stored events after number `seq`, in order."""
        page = _SELECT_EVENTS.where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
        with self._reads(), self._engine.connect() as connection:
            return [_recorded(row) for row in connection.execute(page)]

    def stored(self, after: int = 0) -> Iterator[StoredEvent]:
        """Every row after number `after`, in order, as it stands; `runtime.audit` judges them."""
        with self._reads():
            for row in self._rows_after(after):
                yield StoredEvent(row.seq, row.utc_ms, row.kind, row.payload, row.hash)

    def snapshots(self) -> list[Snapshot]:
        """All that are kept, the oldest first."""
        with self._reads(), self._engine.connect() as connection:
            rows = connection.execute(select(snapshots).order_by(snapshots.c.seq)).all()
            return [Snapshot(row.seq, row.utc_ms, json.loads(row.state)) for row in rows]

    def events_before(self, seq: int, limit: int) -> list[Recorded]:
        """At most `limit` stored events with a number below `seq`, the newest first."""
        page = _SELECT_EVENTS.where(events.c.seq < seq).order_by(events.c.seq.desc()).limit(limit)
        with self._reads(), self._engine.connect() as connection:
            return [_recorded(row) for row in connection.execute(page)]

    def last_seq_at(self, utc_ms: int) -> int:
        """Number of the last event that had happened by then; 0 for none."""
        last = select(func.max(events.c.seq)).where(events.c.utc_ms <= utc_ms)
        with self._reads(), self._engine.connect() as connection:
            return connection.execute(last).scalar() or 0

    def hash_of(self, seq: int) -> str | None:
        """The stored hash of one event; None when there is no such event."""
        with self._reads(), self._engine.connect() as connection:
            return connection.execute(select(events.c.hash).where(events.c.seq == seq)).scalar()

    def close(self) -> None:
        """End the journal's own connection; the engine stays the owner's."""
        with self._writes():
            self._drop_connection()

    def _known_head(self) -> Head:
        if self._head is None:
            newest = select(events.c.seq, events.c.hash).order_by(events.c.seq.desc()).limit(1)
            with self._engine.connect() as connection:
                row = connection.execute(newest).first()
            self._head = Head(row.seq, row.hash) if row else Head(0, GENESIS_HASH)
        return self._head

    def _writer(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
            mark_writer(self._connection)
        return self._connection

    def _without_stored(self, recorded: Sequence[Recorded], head_seq: int) -> Sequence[Recorded]:
        """Those events that are not stored yet; the stored ones must be the same."""
        stored = [one for one in recorded if one.seq <= head_seq]
        there = self._rows_between(stored[0].seq, stored[-1].seq)
        for one in stored:
            row = there.get(one.seq)
            if row is None or _line(row.seq, row.utc_ms, row.kind, row.payload) != event_line(one):
                raise JournalError(f"event {one.seq} is stored already, and it is another one")
        return recorded[len(stored) :]

    def _rows_between(self, first_seq: int, last_seq: int) -> dict[int, Row[int, int, str, str, str]]:
        page = _SELECT_EVENTS.where(events.c.seq.between(first_seq, last_seq))
        with self._engine.connect() as connection:
            return {row.seq: row for row in connection.execute(page)}

    def _rows_after(self, seq: int) -> Iterator[Row[int, int, str, str, str]]:
        with self._engine.connect() as connection:
            while True:
                page = _SELECT_EVENTS.where(events.c.seq > seq).order_by(events.c.seq).limit(_CHUNK)
                rows = connection.execute(page).all()
                yield from rows
                if len(rows) < _CHUNK:
                    return
                seq = rows[-1].seq

    @contextmanager
    def _writes(self) -> Iterator[None]:
        """One writer at a time; any failure throws its connection away and becomes a `JournalError`."""
        with self._lock:
            try:
                yield
            except JournalError:
                raise
            except Exception as error:
                self._abandon_writer()
                raise JournalError(f"journal: {error}") from error

    @contextmanager
    def _reads(self) -> Iterator[None]:
        """Any failure becomes a `JournalError`; connections that failed are not used again."""
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            self._abandon_pool()
            raise JournalError(f"journal: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise JournalError(f"journal: what is stored makes no sense here: {error!r}") from error

    def _abandon_writer(self) -> None:
        self._head = None
        self._drop_connection()
        self._abandon_pool()

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None or connection.closed:
            return
        # A database in memory lives only as long as its connection, and has no disk that could have failed.
        if not is_memory(self._engine):
            connection.invalidate()
        connection.close()

    def _abandon_pool(self) -> None:
        if not is_memory(self._engine):
            self._engine.dispose()


def _refuse_gaps(recorded: Sequence[Recorded]) -> None:
    for earlier, later in pairwise(recorded):
        if later.seq != earlier.seq + 1:
            raise JournalError(f"event {later.seq} cannot follow event {earlier.seq}")


def chained_rows(recorded: Iterable[Recorded], head_hash: str) -> list[dict[str, Any]]:
    """The rows that store these events behind a head with this hash."""
    rows: list[dict[str, Any]] = []
    for one in recorded:
        kind = type(one.event).__name__
        payload = _payload_text(one)
        head_hash = link_hash(head_hash, _line(one.seq, one.utc_ms, kind, payload))
        rows.append({"seq": one.seq, "utc_ms": one.utc_ms, "kind": kind, "payload": payload, "hash": head_hash})
    return rows


def _recorded(row: Row[int, int, str, str, str]) -> Recorded:
    return Recorded(row.seq, row.utc_ms, from_payload(row.kind, json.loads(row.payload)))


def _payload_text(recorded: Recorded) -> str:
    return _storable(_encode(to_payload(recorded.event)))


def _storable(text: str) -> str:
    """The same JSON without half characters, which no database and no file can hold."""
    return text if text.isascii() else _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _line(seq: int, utc_ms: int, kind: str, payload: str) -> str:
    return f'{{"kind":"{kind}","payload":{payload},"seq":{seq},"utc_ms":{utc_ms}}}'


def event_row_line(row: StoredEvent) -> str:
    """The canonical line of a row as it stands."""
    return _line(row.seq, row.utc_ms, row.kind, row.payload)


def link_hash(previous_hash: str, line: str) -> str:
    """The hash of an event: SHA-256 over the hash before and the event's canonical line."""
    return sha256((previous_hash + line).encode()).hexdigest()
