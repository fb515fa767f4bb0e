"""The first tables: events and snapshots, entries and postings, charges and their lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_INT64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create them."""
    _create_journal()
    _create_ledger()


def downgrade() -> None:
    """Refuse: before these tables there was nothing, and memory and money are not thrown away by a migration."""
    raise RuntimeError("there is nothing before version 0001; to begin anew, use a new database")


def _create_journal() -> None:
    op.create_table(
        "events",
        sa.Column("seq", _INT64, autoincrement=False, nullable=False),
        sa.Column("utc_ms", _INT64, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
    )
    op.create_table(
        "snapshots",
        sa.Column("seq", _INT64, autoincrement=False, nullable=False),
        sa.Column("utc_ms", _INT64, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_snapshots"),
    )


def _create_ledger() -> None:
    op.create_table(
        "entries",
        sa.Column("id", _INT64, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("utc_ms", _INT64, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
        sa.UniqueConstraint("key", name="uq_entries_key"),
    )
    op.create_index("ix_entries_utc_ms", "entries", ["utc_ms"])
    op.create_table(
        "postings",
        sa.Column("entry_id", _INT64, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("amount_fen", _INT64, nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "position", name="pk_postings"),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_postings_entry_id_entries"),
    )
    op.create_index("ix_postings_account", "postings", ["account", "entry_id"])
    op.create_table(
        "charges",
        sa.Column("seq", _INT64, autoincrement=False, nullable=False),
        sa.Column("utc_ms", _INT64, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("plate", sa.Text, nullable=False),
        sa.Column("total_fen", _INT64, nullable=False),
        sa.Column("free_because", sa.Text, nullable=False),
        sa.Column("entry_id", _INT64, nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_charges"),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="fk_charges_entry_id_entries"),
    )
    op.create_index("ix_charges_subject", "charges", ["subject"])
    op.create_index("ix_charges_plate", "charges", ["plate", "seq"])
    op.create_table(
        "charge_lines",
        sa.Column("seq", _INT64, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("quantity", _INT64, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("price_fen", _INT64, nullable=False),
        sa.Column("amount_fen", _INT64, nullable=False),
        sa.PrimaryKeyConstraint("seq", "position", name="pk_charge_lines"),
        sa.ForeignKeyConstraint(["seq"], ["charges.seq"], name="fk_charge_lines_seq_charges"),
    )
