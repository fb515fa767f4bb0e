"""What Alembic runs: the versions, in one transaction, on the connection that `runtime.database` opened."""

from __future__ import annotations

from alembic import context

from runtime.database import METADATA


def run() -> None:
    """Run the versions that are asked for."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        render_as_batch=True,
        # SQLite's DDL is transactional too: an interrupted upgrade leaves nothing behind.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
