"""Where money is kept: the ledger's tables. Only whole numbers: fen, Wh, minutes, epoch ms.

Decides names and types; `billing.ledger` reads and writes them, `runtime.migrations` creates them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, Table, Text

NAMING_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Named constraints, so that a migration can find them on every database."""

metadata = MetaData(naming_convention=NAMING_CONVENTION)

_INT64 = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits everywhere; SQLite makes only a key called INTEGER its row id."""

entries = Table(
    "entries",
    metadata,
    Column("id", _INT64, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),
    Column("utc_ms", _INT64, nullable=False, index=True),
    Column("text", Text, nullable=False),
)

postings = Table(
    "postings",
    metadata,
    Column("entry_id", _INT64, ForeignKey("entries.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("amount_fen", _INT64, nullable=False),
    Index("ix_postings_account", "account", "entry_id"),
)

charges = Table(
    "charges",
    metadata,
    Column("seq", _INT64, primary_key=True, autoincrement=False),
    Column("utc_ms", _INT64, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("plate", Text, nullable=False),
    Column("total_fen", _INT64, nullable=False),
    Column("free_because", Text, nullable=False),
    Column("entry_id", _INT64, ForeignKey("entries.id"), nullable=True),
    Index("ix_charges_plate", "plate", "seq"),
)

charge_lines = Table(
    "charge_lines",
    metadata,
    Column("seq", _INT64, ForeignKey("charges.seq"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("item", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("quantity", _INT64, nullable=False),
    Column("unit", Text, nullable=False),
    Column("price_fen", _INT64, nullable=False),
    Column("amount_fen", _INT64, nullable=False),
)
