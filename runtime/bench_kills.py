"""The kill campaign: a process that stores events is killed with SIGKILL, again and again, and nothing may be missing.

What is real: the process (one per kill, forked off a server that has imported everything), the journal's writer
thread with its group commits, the journal, the ledger, SQLAlchemy, SQLite as it is shipped (WAL, synchronous=FULL)
and the file system. The moment of each kill is drawn from the seed, in time; what the process was doing then is up to
the machine, so that two runs are alike but not equal.

What is not: the machine goes on, and with it the page cache. A missing fsync cannot show here; that is
`runtime.power_cuts`.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import Engine

from billing.ledger import trial_balance
from domain.events import Recorded
from runtime.audit import audit
from runtime.database import open_database, open_engine
from runtime.durable_work import FEE_FEN, POSTER, batch_of
from runtime.journal import Head, Journal
from runtime.journal_writer import JournalWriter

LIFE_S_MAX = 0.06
"""So long a process may work, at most, after its first acknowledgement."""

START_S_MAX = 30.0
BATCHES_AHEAD = 8
EVENTS_PER_SNAPSHOT = 200


@dataclass(slots=True)
class KillReport:
    """What a campaign has seen."""

    kills: int = 0
    acknowledged: int = 0
    stored: int = 0
    lost: int = 0
    torn: int = 0
    stories: tuple[str, ...] = ()


def kill_campaign(kills: int, seed: int, tick: Callable[[int], object] = lambda count: None) -> KillReport:
    """Kill so many processes; a journal is used by fifty of them, one after the other, then audited whole."""
    chance = random.Random(seed)
    report = KillReport()
    while report.kills < kills:
        with tempfile.TemporaryDirectory(prefix="garage-kills-") as folder:
            _one_journal(f"sqlite:///{Path(folder)}/garage.db", min(50, kills - report.kills), chance, report, tick)
    return report


def _one_journal(
    url: str, kills: int, chance: random.Random, report: KillReport, tick: Callable[[int], object]
) -> None:
    open_database(url).dispose()
    known = Head(0, "")
    acknowledged = 0
    for _ in range(kills):
        acknowledged = max(acknowledged, acknowledged_until_killed(url, chance.uniform(0, LIFE_S_MAX)))
        report.kills += 1
        # Closed again before the next process starts: the last connection to close would tidy up its WAL.
        engine = open_engine(url)
        known = _look(engine, known, acknowledged, report)
        engine.dispose()
        tick(1)
    engine = open_engine(url)
    _audit(engine, report)
    engine.dispose()
    report.acknowledged += acknowledged
    report.stored += known.seq


def _look(engine: Engine, known: Head, acknowledged: int, report: KillReport) -> Head:
    """What is there that was not there before: whole batches, and all that was acknowledged."""
    new = list(Journal(engine).events_after(known.seq, 1_000_000))
    last_seq = known.seq + len(new)
    if last_seq < acknowledged:
        report.lost += acknowledged - last_seq
        report.stories += (
            f"kill {report.kills}: event {acknowledged} was acknowledged, {last_seq} is the last stored",
        )
    expected: list[Recorded] = []
    while len(expected) < len(new):
        expected += batch_of(known.seq + len(expected) + 1)
    if new != expected:
        report.torn += 1
        report.stories += (f"kill {report.kills}: what stands behind event {known.seq} are no whole batches",)
    return Head(last_seq, "")


def _audit(engine: Engine, report: KillReport) -> None:
    """The chain, the file and the money of a journal at the end of its life."""
    outcome = audit(Journal(engine).stored())
    batches = batches_of(outcome.head.seq)
    with engine.connect() as connection:
        sound = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
        owed = trial_balance(connection).get("receivable:京A12345", 0)
    if not outcome.whole or sound != "ok" or owed != FEE_FEN * batches:
        report.torn += 1
        report.stories += (f"{[one.text for one in outcome.findings]}, integrity {sound}, owed {owed}",)


def batches_of(last_seq: int) -> int:
    """How many whole batches end at or before this number."""
    count, seq = 0, 0
    while (seq := batch_of(seq + 1)[-1].seq) <= last_seq:
        count += 1
    return count


def acknowledged_until_killed(url: str, life_s: float) -> int:
    """Let one process store events and kill it so long after its first acknowledgement; the last acknowledged."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["runtime.bench_kills"])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=store_until_killed, args=(url, theirs), daemon=True)
    process.start()
    theirs.close()
    if not ours.poll(START_S_MAX):
        process.kill()
        raise RuntimeError("the process that should store events did not start")
    time.sleep(life_s)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    acknowledged = 0
    try:
        while True:
            acknowledged = ours.recv()
    except EOFError:
        ours.close()
    return acknowledged


def store_until_killed(url: str, acknowledge: Connection) -> None:
    """Submit batches behind what is stored, for ever, some ahead of their acknowledgements; snapshots in between."""
    journal = Journal(open_engine(url), POSTER)
    seq = journal.head.seq
    writer = JournalWriter(journal)
    waiting: list[tuple[int, Future[None]]] = []
    snapshot_seq = seq
    while True:
        batch = batch_of(seq + 1)
        seq = batch[-1].seq
        waiting.append((seq, writer.submit(batch)))
        if seq - snapshot_seq >= EVENTS_PER_SNAPSHOT:
            snapshot_seq = seq
            writer.submit_snapshot(seq, batch[-1].utc_ms, {"seq": seq, "filler": "x" * 20_000})
        if len(waiting) >= BATCHES_AHEAD:
            oldest, durable = waiting.pop(0)
            durable.result()
            acknowledge.send(oldest)
