"""People who log in by name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INT64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create their table."""
    op.create_table(
        "users",
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("changed_utc_ms", _INT64, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_users"),
    )


def downgrade() -> None:
    """Drop it: nobody can log in by name then, and tokens still count."""
    op.drop_table("users")
