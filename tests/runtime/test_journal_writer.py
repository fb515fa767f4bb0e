"""The writer's thread: groups, order, a database that goes away and comes back, and the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from domain.events import Recorded
from runtime.database import open_database
from runtime.journal import GENESIS_HASH, Head, Journal, JournalError
from runtime.journal_writer import JournalWriter
from tests.runtime.recordings import UTC_MS, first_wrong, series

SOON_S = 20.0
"""Patience with a busy machine; nothing here waits that long when it works."""


class Disk:
    """A store that can be held up, and fails while it is broken."""

    def __init__(self) -> None:
        self.commits: list[list[Recorded]] = []
        self.snapshots: list[tuple[int, int, dict[str, Any]]] = []
        self.failures = 0
        self.failed_again = threading.Event()
        self.entered = threading.Event()
        self.running = threading.Event()
        self.running.set()
        self.broken = False

    @property
    def head(self) -> Head:
        return Head(self.commits[-1][-1].seq if self.commits else 0, GENESIS_HASH)

    def append(self, recorded: Sequence[Recorded]) -> None:
        self._attempt()
        self.commits.append(list(recorded))

    def save_snapshot(self, seq: int, utc_ms: int, state: dict[str, Any]) -> None:
        self._attempt()
        self.snapshots.append((seq, utc_ms, state))

    def stored(self) -> list[Recorded]:
        return [one for commit in self.commits for one in commit]

    def _attempt(self) -> None:
        self.entered.set()
        if not self.running.wait(SOON_S):
            raise AssertionError("nobody let the disk run")
        if self.broken:
            self.failures += 1
            # By the second failure the writer has digested the first.
            if self.failures == 2:
                self.failed_again.set()
            raise JournalError("no space left")


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def writer(disk: Disk) -> Iterator[JournalWriter]:
    writer = JournalWriter(disk, retry_s=0.01, buffer_max=50)
    yield writer
    disk.broken = False
    disk.running.set()
    writer.close()


def test_a_future_is_done_when_its_events_are_stored(disk: Disk, writer: JournalWriter) -> None:
    writer.submit(series(1, 2)).result(SOON_S)
    assert disk.stored() == series(1, 2)
    writer.submit(series(3, 3)).result(SOON_S)
    assert disk.stored() == series(1, 3)
    assert writer.ok
    assert writer.backlog == 0


def test_nothing_is_durable_at_once(writer: JournalWriter) -> None:
    assert writer.submit([]).done()
    assert writer.backlog == 0


def test_what_comes_during_a_commit_goes_into_the_next_as_one(disk: Disk, writer: JournalWriter) -> None:
    disk.running.clear()
    futures = [writer.submit(series(1, 1))]
    assert disk.entered.wait(SOON_S)
    futures += [writer.submit(series(seq, seq + 1)) for seq in (2, 4, 6)]
    assert not any(future.done() for future in futures)
    disk.running.set()
    for future in futures:
        future.result(SOON_S)
    assert disk.commits == [series(1, 1), series(2, 7)]


def test_while_the_database_is_away_everything_waits_in_order(disk: Disk, writer: JournalWriter) -> None:
    disk.broken = True
    futures = [writer.submit(series(seq, seq)) for seq in range(1, 6)]
    assert disk.failed_again.wait(SOON_S)
    futures += [writer.submit(series(seq, seq)) for seq in range(6, 11)]
    assert not writer.ok
    assert str(writer.error) == "no space left"
    assert writer.backlog == 10
    assert not any(future.done() for future in futures)
    disk.broken = False
    for future in futures:
        future.result(SOON_S)
    assert disk.stored() == series(1, 10)
    assert writer.ok
    assert writer.error is None


def test_a_full_buffer_takes_no_more_and_loses_nothing(disk: Disk, writer: JournalWriter) -> None:
    disk.broken = True
    kept = writer.submit(series(1, 48))
    with pytest.raises(JournalError, match="buffer is full: 48 events wait"):
        writer.submit(series(49, 51))
    last = writer.submit(series(49, 50))
    disk.broken = False
    kept.result(SOON_S)
    last.result(SOON_S)
    assert disk.stored() == series(1, 50)


@pytest.mark.parametrize("batch", [series(4, 4), series(2, 2), [*series(3, 3), *series(5, 5)]])
def test_events_out_of_order_are_refused_and_leave_the_rest_alone(writer: JournalWriter, batch: list[Recorded]) -> None:
    writer.submit(series(1, 2)).result(SOON_S)
    with pytest.raises(JournalError, match="cannot follow"):
        writer.submit(batch)
    writer.submit(series(3, 3)).result(SOON_S)
    assert writer.backlog == 0


def test_nobody_can_take_back_what_was_submitted(disk: Disk, writer: JournalWriter) -> None:
    disk.running.clear()
    future = writer.submit(series(1, 1))
    assert not future.cancel()
    disk.running.set()
    future.result(SOON_S)
    assert disk.stored() == series(1, 1)


def test_a_snapshot_waits_for_the_events_before_it(disk: Disk, writer: JournalWriter) -> None:
    disk.running.clear()
    writer.submit(series(1, 3))
    writer.submit_snapshot(2, UTC_MS, {"old": 1})
    writer.submit_snapshot(3, UTC_MS, {"cars": 3})
    disk.running.set()
    writer.close()
    assert disk.stored() == series(1, 3)
    assert disk.snapshots == [(3, UTC_MS, {"cars": 3})]


def test_a_snapshot_before_its_event_is_refused(disk: Disk, writer: JournalWriter) -> None:
    with pytest.raises(JournalError, match="came before the event"):
        writer.submit_snapshot(1, UTC_MS, {})
    writer.close()
    assert disk.snapshots == []


def test_closing_stores_what_waits_and_takes_no_more(disk: Disk, writer: JournalWriter) -> None:
    disk.running.clear()
    future = writer.submit(series(1, 20))
    disk.running.set()
    writer.close()
    assert future.done()
    assert disk.stored() == series(1, 20)
    with pytest.raises(JournalError, match="closed"):
        writer.submit(series(21, 21))


def test_closing_while_the_database_is_away_says_what_is_lost(disk: Disk) -> None:
    disk.broken = True
    writer = JournalWriter(disk, retry_s=0.01)
    future = writer.submit(series(1, 3))
    assert disk.failed_again.wait(SOON_S)
    with pytest.raises(JournalError, match="3 events could not be stored: no space left"):
        writer.close(give_up_s=0.05)
    with pytest.raises(JournalError, match="before this was stored"):
        future.result(SOON_S)
    assert disk.stored() == []


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url)
    yield engine
    engine.dispose()


def test_a_real_journal_outlives_failing_commits(engine: Engine) -> None:
    left = [3]

    def fails_three_times(connection: Connection, recorded: Sequence[Recorded]) -> None:
        if left[0]:
            left[0] -= 1
            raise OSError("input/output error")

    journal = Journal(engine, fails_three_times)
    writer = JournalWriter(journal, retry_s=0.01)
    futures = [writer.submit(series(seq, seq)) for seq in range(1, 41)]
    for future in futures:
        future.result(SOON_S)
    writer.submit_snapshot(40, UTC_MS, {"jobs": 40})
    writer.close()
    snapshot, after = journal.load()
    assert snapshot is not None
    assert (snapshot.seq, after) == (40, [])
    assert journal.events_after(0, 100) == series(1, 40)
    assert first_wrong(journal) is None
    assert left == [0]
    journal.close()


def test_a_writer_goes_on_behind_what_an_earlier_one_stored(engine: Engine) -> None:
    journal = Journal(engine)
    for first_seq in (1, 4):
        writer = JournalWriter(journal)
        writer.submit(series(first_seq, first_seq + 2)).result(SOON_S)
        writer.close()
    assert journal.load() == (None, series(1, 6))
    journal.close()
