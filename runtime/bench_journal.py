"""`garagectl bench journal`: does every change of the journal show, and how fast is it read?

Decides what is measured: copies of journals of a simulated day, each changed once (`runtime.tampering`) and audited
with one anchor at the written head, and the audit's speed on a database file. Rows as in `runtime.bench`.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domain.events import Recorded
from runtime.anchors import HASH_DIGITS_MIN, Anchor
from runtime.audit import audit
from runtime.bench_rows import row_of
from runtime.config import Config
from runtime.database import open_database
from runtime.journal import GENESIS_HASH, Journal, StoredEvent, chained_rows
from runtime.simulation import SimulationOptions, demand_of, start_utc_ms
from runtime.tampering import KINDS, tampered
from runtime.virtual import VirtualRun

EVENTS_PER_COPY = 40
COPIES = 50
RECORDS_PER_S_TARGET = 10_000
RECORDS_MEASURED = 50_000
SIMULATED_MS = 12 * 3_600_000


@dataclass(slots=True)
class Campaign:
    """Counts of one campaign; `missed` tells of the first few changes that did not show."""

    made: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    placed: int = 0
    placeable: int = 0
    missed: list[str] = field(default_factory=list)


def bench_journal(config: Config, mutations: int, seed: int, tick: Callable[[int], object]) -> list[dict[str, Any]]:
    """The campaign and the speed; `tick` hears of so many mutations more."""
    events = simulated_events(config, seed)
    campaign = run_campaign(journals_of(events), mutations, seed, tick)
    made, found = sum(campaign.made.values()), sum(campaign.found.values())
    rows = [row_of(f"{kind} found", 100.0 * campaign.found[kind] / campaign.made[kind], "%", 100) for kind in KINDS]
    rows.append(row_of(f"all of {made} found", 100.0 * found / made, "%", 100))
    right = round(100.0 * campaign.placed / max(1, campaign.placeable), 2)
    rows.append(row_of("place named within one event (where the chain alone can tell)", right, "%", 95))
    rows.append(row_of("verified on a database file", records_per_s(events), "records/s", RECORDS_PER_S_TARGET))
    return rows


def simulated_events(config: Config, seed: int) -> list[Recorded]:
    """What half a simulated day writes into the journal."""
    demand = demand_of(config, SimulationOptions(1, seed))
    engine = open_database("sqlite://")
    journal = Journal(engine)
    run = VirtualRun(config.site, demand.residents, demand.trips, seed, start_utc_ms(config), journal)
    run.run_to(SIMULATED_MS)
    _, events = journal.load()
    engine.dispose()
    return events


def journals_of(events: list[Recorded]) -> list[list[StoredEvent]]:
    """Short journals, each of another stretch of these events."""
    step = max(1, (len(events) - EVENTS_PER_COPY) // COPIES)
    starts = range(0, max(1, len(events) - EVENTS_PER_COPY), step)
    return [stored_as(events[start : start + EVENTS_PER_COPY]) for start in starts]


def stored_as(events: list[Recorded]) -> list[StoredEvent]:
    """The rows of a journal that holds just these events, numbered from 1."""
    numbered = [Recorded(number, one.utc_ms, one.event) for number, one in enumerate(events, 1)]
    return [StoredEvent(**row) for row in chained_rows(numbered, GENESIS_HASH)]


def run_campaign(
    journals: list[list[StoredEvent]], mutations: int, seed: int, tick: Callable[[int], object] = lambda count: None
) -> Campaign:
    """Change and audit so many copies."""
    chance = random.Random(seed)
    campaign = Campaign()
    for number in range(1, mutations + 1):
        written = chance.choice(journals)
        copy = tampered(written, chance)
        digits = chance.choice((HASH_DIGITS_MIN, 64))
        anchor = Anchor(written[-1].seq, written[-1].hash[:digits], "the campaign")
        outcome = audit(copy.rows, [anchor])
        campaign.made[copy.kind] += 1
        if outcome.whole:
            if len(campaign.missed) < 10:
                campaign.missed.append(f"{copy.kind} by the {copy.hand} hand at event {copy.seq}")
            continue
        campaign.found[copy.kind] += 1
        if copy.hand != "expert":
            campaign.placeable += 1
            campaign.placed += abs(outcome.findings[0].seq - copy.seq) <= 1
        if number % 1000 == 0:
            tick(1000)
    return campaign


def records_per_s(events: list[Recorded]) -> float:
    """Audited records a second of a journal on a disk."""
    with tempfile.TemporaryDirectory(prefix="garage-audit-") as folder:
        engine = open_database(f"sqlite:///{Path(folder)}/garage.db")
        journal = Journal(engine)
        written = 0
        while written < RECORDS_MEASURED:
            batch = [Recorded(written + n, one.utc_ms, one.event) for n, one in enumerate(events, 1)]
            journal.append(batch)
            written += len(batch)
        begun_s = time.perf_counter()
        outcome = audit(journal.stored())
        spent_s = time.perf_counter() - begun_s
        journal.close()
        engine.dispose()
    assert outcome.whole and outcome.records == written, "the bench's own journal is whole"
    return round(written / spent_s)
