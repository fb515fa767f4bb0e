"""`garagectl verify-journal` and `garagectl export anchor`: the journal as it stands in its database.

Decides what is compared: the chain, every anchor given, and every snapshot with the events it is made of. Opens the
database as it is: no migration, no table is made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from controller.memory import Memory
from domain.events import Recorded, from_payload
from runtime.anchors import Anchor
from runtime.audit import Audit, Finding, audit
from runtime.database import open_engine
from runtime.journal import Journal, Snapshot, StoredEvent


class NoDatabase(FileNotFoundError):
    """There is no such database file; opening it would make one."""


def open_journal(url: str) -> Journal:
    """The journal of a database that exists; raises NoDatabase."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).is_file():
        raise NoDatabase(f"no database {parsed.database}")
    return Journal(open_engine(url))


def verify(journal: Journal, anchors: Sequence[Anchor]) -> dict[str, Any]:
    """What the audit says, JSON-ready; raises JournalError when the journal cannot be read."""
    begun_s = time.perf_counter()
    outcome = audit(journal.stored(), anchors)
    spent_s = time.perf_counter() - begun_s
    findings = list(outcome.findings)
    if outcome.whole:
        # Folding events that are not those written would only repeat what is known.
        findings += _wrong_snapshots(journal)
    return {
        "whole": not findings,
        "records": outcome.records,
        "head": _head(outcome),
        "anchors": len([one for one in anchors if one.seq > 0]),
        "anchors_met": outcome.anchors_met,
        "records_per_s": round(outcome.records / spent_s) if outcome.records else 0,
        "findings": [asdict(finding) for finding in findings],
    }


def _head(outcome: Audit) -> dict[str, Any]:
    return {"seq": outcome.head.seq, "hash": outcome.head.hash, "utc_ms": outcome.head_utc_ms}


def _wrong_snapshots(journal: Journal) -> list[Finding]:
    """Snapshots that do not follow from the events: a restart would believe them."""
    kept = journal.snapshots()
    memory, wrong = Memory(), []
    stored = iter(journal.stored())
    for snapshot in kept:
        memory.replay(_until(stored, memory.seq, snapshot.seq))
        if not _is_state_of(memory, snapshot):
            text = (
                f"snapshot: the state kept after event {snapshot.seq} does not follow from the events; "
                "delete it from the table `snapshots`, it can be made again"
            )
            wrong.append(Finding("snapshot", snapshot.seq, snapshot.utc_ms, text))
    return wrong


def _until(stored: Iterable[StoredEvent], at: int, last_seq: int) -> Iterable[Recorded]:
    if at >= last_seq:
        return
    for row in stored:
        yield Recorded(row.seq, row.utc_ms, from_payload(row.kind, json.loads(row.payload)))
        if row.seq >= last_seq:
            return


def _is_state_of(memory: Memory, snapshot: Snapshot) -> bool:
    # Through JSON and back, because a snapshot has been there: tuples are lists then.
    expected: object = json.loads(json.dumps(memory.to_state()))
    kept: object = json.loads(json.dumps(Memory.from_state(snapshot.state).to_state()))
    return kept == expected
