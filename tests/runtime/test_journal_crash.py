"""Acknowledged = kept: the process is killed in the middle of its work, again and again."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from billing.ledger import trial_balance
from domain.events import CarLeft, Recorded
from runtime.database import open_database
from runtime.journal import Journal
from tests.runtime.recordings import batch_of, first_wrong

KILLS = {"sqlite": 20, "postgresql": 5}
"""SQLite lives in the killed process itself; PostgreSQL only loses a client."""

PROJECT = Path(__file__).parents[2]


def acknowledged_until_killed(url: str, lines: int) -> int:
    """Start the child, kill it after it acknowledged some batches; the last number it acknowledged."""
    command = [sys.executable, "-m", "tests.runtime.journal_child", url]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        acknowledged = [int(child.stdout.readline()) for _ in range(lines)]
        child.kill()
        # What it still got out between our reading and its end counts, but for a torn last line.
        acknowledged += [int(line) for line in child.stdout if line.endswith("\n")]
    assert child.returncode < 0
    return acknowledged[-1]


def test_no_kill_loses_an_acknowledged_event_or_its_money(database_url: str) -> None:
    engine = open_database(database_url)
    chance = random.Random(20260101)
    for _ in range(KILLS[engine.dialect.name]):
        last_seq = acknowledged_until_killed(database_url, chance.randint(1, 40))
        journal = Journal(engine)
        _, stored = journal.load()
        assert stored[-1].seq >= last_seq
        assert first_wrong(journal) is None
        expected: list[Recorded] = []
        while len(expected) < len(stored):
            expected += batch_of(len(expected) + 1)
        assert stored == expected, "a batch is stored whole or not at all"
        left = sum(isinstance(one.event, CarLeft) for one in stored)
        with engine.connect() as connection:
            assert trial_balance(connection) == {"income:parking": -500 * left, "receivable:京A12345": 500 * left}
        journal.close()
    engine.dispose()
