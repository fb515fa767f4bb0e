"""The power-cut campaign: SQLite with the journal's own statements on a disk that loses what was not synced.

What is real: SQLite's library (the one in apsw, whose version is reported), its pager and WAL, the garage's tables,
and every statement with its parameters as journal and ledger send them: they are recorded from `Journal.append` with
the ledger's poster and played back.

What is not: the connection. SQLAlchemy speaks to Python's own sqlite3, which cannot be given another file system, so
the recorded statements go through apsw; and as there is one connection only, it holds the file exclusively
(`locking_mode=EXCLUSIVE`), which keeps the WAL's index in its memory instead of a shared file. That index is made
anew after every start and is never trusted. The disk is `runtime.cut_disk`'s. A transaction counts as acknowledged
when COMMIT has returned.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import apsw
from sqlalchemy import Connection, event

from runtime.cut_disk import Disk
from runtime.database import create_tables, open_engine
from runtime.durable_work import POSTER, batch_of
from runtime.journal import Journal

Synchronous = Literal["FULL", "NORMAL", "OFF"]

BATCHES_PER_LIFE = 400
OPERATIONS_TO_CUT_MAX = 900
"""Of writes and syncs; about thirty transactions."""

CHECKPOINTS_PAGES = (1000, 40)
"""SQLite's own choice, and one that checkpoints every few transactions."""

Statement = tuple[str, Any, bool]
"""SQL, its parameters, and whether these are many rows."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One transaction as it was recorded, and the last event that it stores."""

    statements: tuple[Statement, ...]
    last_seq: int


@dataclass(frozen=True, slots=True)
class Tape:
    """What a garage sends to its database: the tables, then transactions, and what they leave there."""

    schema: tuple[str, ...]
    batches: tuple[Batch, ...]
    events: tuple[tuple[Any, ...], ...]


@dataclass(slots=True)
class CutReport:
    """What a campaign has seen."""

    synchronous: str
    cuts: int = 0
    acknowledged: int = 0
    cuts_with_loss: int = 0
    transactions_lost: int = 0
    corrupt: int = 0
    stories: list[str] = field(default_factory=list)


@lru_cache(maxsize=1)
def record_tape(batches: int = BATCHES_PER_LIFE) -> Tape:
    """Let the journal and the ledger write into a database in memory and note every statement."""
    engine = open_engine("sqlite://")
    heard: list[Statement] = []

    def hear(_: Connection, __: Any, statement: str, parameters: Any, ___: Any, is_many: bool) -> None:
        heard.append((statement, parameters, is_many))

    event.listen(engine, "before_cursor_execute", hear)
    create_tables(engine)
    schema = tuple(sql for sql, _, _ in heard if sql.lstrip().upper().startswith("CREATE"))
    journal = Journal(engine, POSTER)
    seq = journal.head.seq
    recorded = []
    for _ in range(batches):
        heard.clear()
        batch = batch_of(seq + 1)
        journal.append(batch)
        seq = batch[-1].seq
        recorded.append(Batch(tuple(heard), seq))
    events = tuple(tuple(row) for row in journal.stored())
    engine.dispose()
    return Tape(schema, tuple(recorded), events)


def cut_campaign(
    cuts: int, seed: int, synchronous: Synchronous = "FULL", tick: Callable[[int], object] = lambda count: None
) -> CutReport:
    """Cut the power so many times; each time the machine starts again and goes on behind what is stored."""
    chance = random.Random(seed)
    tape = record_tape()
    report = CutReport(synchronous)
    while report.cuts < cuts:
        _one_life(tape, cuts, chance, report, tick)
    return report


def _one_life(tape: Tape, cuts: int, chance: random.Random, report: CutReport, tick: Callable[[int], object]) -> None:
    """One database from its making until the tape is at its end."""
    disk = Disk()
    connection = _open(disk, report.synchronous, chance.choice(CHECKPOINTS_PAGES))
    for sql in tape.schema:
        connection.execute(sql).fetchall()
    # The tables are there before the first cut: installing is not what is tried here.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    disk.sync_all()
    done = 0
    while report.cuts < cuts:
        disk.cut_at = disk.operations + chance.randint(1, OPERATIONS_TO_CUT_MAX)
        begun = done
        done = _work(connection, tape, done)
        if not disk.is_off:
            disk.cut_at = None
            connection.close()
            disk.retire()
            return
        report.acknowledged += done - begun
        report.cuts += 1
        # The process is gone with the machine; what its connection still tries meets a disk that is off.
        with suppress(apsw.Error):
            connection.close(True)
        disk = disk.after_cut(chance, chance.choice((0.0, 0.25, 0.5, 0.9)))
        connection = _open(disk, report.synchronous, chance.choice(CHECKPOINTS_PAGES))
        stored = _stored_batches(connection, tape)
        _judge(report, done, stored)
        tick(1)
        if stored is None:
            disk.retire()
            return
        done = stored


def _open(disk: Disk, synchronous: str, checkpoint_pages: int) -> apsw.Connection:
    connection = apsw.Connection("/garage.db", vfs=disk.name)
    with suppress(apsw.Error):
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute(f"PRAGMA wal_autocheckpoint={checkpoint_pages}").fetchall()
    return connection


def _work(connection: apsw.Connection, tape: Tape, done: int) -> int:
    """Play transactions until the power goes or the tape ends; how many have been acknowledged in all."""
    try:
        for batch in tape.batches[done:]:
            for sql, parameters, is_many in batch.statements:
                if is_many:
                    connection.executemany(sql, parameters)
                else:
                    connection.execute(sql, parameters or None)
            connection.execute("COMMIT")
            done += 1
    except apsw.Error:
        return done
    return done


def _stored_batches(connection: apsw.Connection, tape: Tape) -> int | None:
    """How many whole transactions the database holds; None when it is not sound or holds anything else."""
    try:
        sound = connection.execute("PRAGMA integrity_check").get
        rows = list(connection.execute("SELECT seq, utc_ms, kind, payload, hash FROM events ORDER BY seq"))
        owed = connection.execute("SELECT COUNT(*) FROM entries").get
    except apsw.Error:
        return None
    stored = _batches_to(tape.batches, len(rows))
    as_written = tuple(rows) == tape.events[: len(rows)]
    return stored if sound == "ok" and as_written and owed == stored else None


def _batches_to(batches: Sequence[Batch], last_seq: int) -> int | None:
    """How many batches end with this event; None when none does."""
    if last_seq == 0:
        return 0
    return next((number for number, batch in enumerate(batches, 1) if batch.last_seq == last_seq), None)


def _judge(report: CutReport, acknowledged: int, stored: int | None) -> None:
    """A transaction that was under way may be there or not; an acknowledged one must be."""
    if stored is None:
        report.corrupt += 1
        report.stories.append(f"cut {report.cuts}: the database is not sound")
    elif stored < acknowledged:
        report.cuts_with_loss += 1
        report.transactions_lost += acknowledged - stored
