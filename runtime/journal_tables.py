"""Where the garage's memory is kept: events, and snapshots of the state that follows from them.

Decides names and types; `runtime.journal` reads and writes them, `runtime.migrations` creates them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text

from billing.tables import NAMING_CONVENTION

metadata = MetaData(naming_convention=NAMING_CONVENTION)

_INT64 = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits everywhere; SQLite makes only a key called INTEGER its row id."""

events = Table(
    "events",
    metadata,
    Column("seq", _INT64, primary_key=True, autoincrement=False),
    Column("utc_ms", _INT64, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("payload", Text, nullable=False),
    Column("hash", String(64), nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("seq", _INT64, primary_key=True, autoincrement=False),
    Column("utc_ms", _INT64, nullable=False),
    Column("state", Text, nullable=False),
)
