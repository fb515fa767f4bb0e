"""Storing events in real time: one thread that commits in groups, so that a slow disk never holds up a scan.

Decides when to commit and what happens while the database is away: events stay in a bounded buffer, in order, and
are offered again every second on a fresh connection until they are durable. Nothing is dropped; whoever submits
sees in `ok` that the journal is away, and in a `JournalError` that the buffer is full. How events are stored is
`runtime.journal`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from domain.events import Recorded
from runtime.journal import Head, JournalError

EVENTS_BUFFERED_MAX = 10_000
EVENTS_PER_COMMIT_MAX = 1_000
COMMIT_S_MAX = 2.0
"""A commit that takes longer hangs, as far as new work is concerned."""


class Store(Protocol):
    """What the writer needs of a `runtime.journal.Journal`."""

    @property
    def head(self) -> Head:
        """The newest stored event."""

    def append(self, recorded: Sequence[Recorded]) -> None:
        """Store events durably, or raise `JournalError`."""

    def save_snapshot(self, seq: int, utc_ms: int, state: dict[str, Any]) -> None:
        """Keep the state after a stored event, or raise `JournalError`."""


@dataclass(frozen=True, slots=True)
class _Batch:
    recorded: tuple[Recorded, ...]
    durable: Future[None]
    taken_s: float


@dataclass(frozen=True, slots=True)
class _WantedSnapshot:
    seq: int
    utc_ms: int
    state: dict[str, Any]


class JournalWriter:
    """The one thread that writes the journal; it starts at once, behind the newest event that is stored."""

    def __init__(self, journal: Store, *, retry_s: float = 1.0, buffer_max: int = EVENTS_BUFFERED_MAX) -> None:
        self._journal = journal
        self._retry_s = retry_s
        self._buffer_max = buffer_max
        self._changed = threading.Condition()
        self._batches: deque[_Batch] = deque()
        self._snapshot: _WantedSnapshot | None = None
        self._backlog = 0
        self._head = journal.head
        self._seq_submitted = self._head.seq
        self._error: JournalError | None = None
        self._closing = False
        self._giving_up = False
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    @property
    def ok(self) -> bool:
        """Whether facts become durable in time; while False, no new work should be taken."""
        with self._changed:
            oldest_s = self._batches[0].taken_s if self._batches else None
        return self._error is None and (oldest_s is None or time.monotonic() - oldest_s < COMMIT_S_MAX)

    @property
    def head(self) -> Head:
        """The newest event that is durable."""
        return self._head

    @property
    def error(self) -> JournalError | None:
        """Why the journal is away; None while it is not."""
        return self._error

    @property
    def backlog(self) -> int:
        """How many events wait to become durable."""
        return self._backlog

    def submit(self, recorded: Sequence[Recorded]) -> Future[None]:
        """Take events for storing; the future is done when they are durable, however long that takes.

        Raises `JournalError`, and takes none of them, when the buffer is full, the writer is closed, or they do
        not follow the events submitted before.
        """
        durable: Future[None] = Future()
        # From here nobody can cancel it: what was submitted will be stored.
        durable.set_running_or_notify_cancel()
        if not recorded:
            durable.set_result(None)
            return durable
        with self._changed:
            self._refuse(recorded)
            self._batches.append(_Batch(tuple(recorded), durable, time.monotonic()))
            self._backlog += len(recorded)
            self._seq_submitted = recorded[-1].seq
            self._changed.notify_all()
        return durable

    def submit_snapshot(self, seq: int, utc_ms: int, state: dict[str, Any]) -> None:
        """Keep this state, once event `seq` is durable; a newer one replaces one that still waits."""
        with self._changed:
            if seq > self._seq_submitted:
                raise JournalError(f"a snapshot of event {seq} came before the event")
            self._snapshot = _WantedSnapshot(seq, utc_ms, state)
            self._changed.notify_all()

    def close(self, give_up_s: float = 10.0) -> None:
        """Store what waits and end the thread.

        Raises `JournalError` when the database stays away for `give_up_s`: the futures of what is lost fail
        with the same error.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(give_up_s)
        with self._changed:
            self._giving_up = True
            self._changed.notify_all()
        # A commit that hangs in the disk cannot be ended from here; the thread is a daemon.
        self._thread.join(self._retry_s)
        self._fail_what_waits()

    def _refuse(self, recorded: Sequence[Recorded]) -> None:
        if self._closing:
            raise JournalError("the journal is closed")
        expected = self._seq_submitted + 1
        for one in recorded:
            if one.seq != expected:
                raise JournalError(f"event {one.seq} cannot follow event {expected - 1}")
            expected += 1
        if self._backlog + len(recorded) > self._buffer_max:
            raise JournalError(f"the journal's buffer is full: {self._backlog} events wait")

    def _run(self) -> None:
        while (work := self._next_work()) is not None:
            try:
                if isinstance(work, _WantedSnapshot):
                    self._journal.save_snapshot(work.seq, work.utc_ms, work.state)
                else:
                    self._journal.append([one for batch in work for one in batch.recorded])
                    self._head = self._journal.head
            except JournalError as error:
                self._pause_after(error)
            else:
                self._done(work)

    def _next_work(self) -> list[_Batch] | _WantedSnapshot | None:
        """The oldest batches that fit one commit; when none waits, the snapshot; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._batches or self._snapshot or self._closing)
            if self._giving_up:
                return None
            if not self._batches:
                return self._snapshot
            group: list[_Batch] = []
            count = 0
            for batch in self._batches:
                count += len(batch.recorded)
                if group and count > EVENTS_PER_COMMIT_MAX:
                    break
                group.append(batch)
            return group

    def _done(self, work: list[_Batch] | _WantedSnapshot) -> None:
        with self._changed:
            self._error = None
            if isinstance(work, _WantedSnapshot):
                if self._snapshot is work:
                    self._snapshot = None
                return
            for batch in work:
                self._batches.popleft()
                self._backlog -= len(batch.recorded)
        for batch in work:
            batch.durable.set_result(None)

    def _pause_after(self, error: JournalError) -> None:
        with self._changed:
            self._error = error
            self._changed.wait_for(lambda: self._giving_up, timeout=self._retry_s)

    def _fail_what_waits(self) -> None:
        with self._changed:
            if self._thread.is_alive():
                raise JournalError(f"a commit hangs: {self._backlog} events may not be stored")
            lost, count, error = list(self._batches), self._backlog, self._error
            self._batches.clear()
            self._backlog = 0
        for batch in lost:
            batch.durable.set_exception(JournalError("the journal was closed before this was stored"))
        if count:
            raise JournalError(f"{count} events could not be stored: {error}")
