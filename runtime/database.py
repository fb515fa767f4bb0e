"""Which database the garage uses and how: engines, transactions, and the newest tables.

Decides what a commit means (on SQLite: on the disk when it returns) and how writers queue up. What is stored
belongs to `runtime.journal` and `billing.ledger`.

SQLite is the default; PostgreSQL is used by its URL as it is configured. `sqlite://` is a database in memory for
virtual runs: one shared connection, for one thread only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, MetaData, StaticPool, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

import billing.tables
import runtime.journal_tables
import runtime.user_tables

METADATA: tuple[MetaData, ...] = (
    runtime.journal_tables.metadata,
    billing.tables.metadata,
    runtime.user_tables.metadata,
)
"""Every table of the garage; the migrations create exactly these."""

_MIGRATIONS = Path(__file__).with_name("migrations")
_WRITES = "garage_writes"


def open_engine(url: str) -> Engine:
    """An engine for a URL; opens nothing yet, but makes the folder of an SQLite file."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        # A server that was restarted must cost a reader nothing but time.
        return create_engine(parsed, pool_pre_ping=True)
    if _is_memory(parsed):
        engine = create_engine(parsed, poolclass=StaticPool, connect_args={"check_same_thread": False})
        event.listen(engine, "connect", _prepare_memory)
    else:
        if not str(parsed.database).startswith("file:"):
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed)
        event.listen(engine, "connect", _prepare_file)
    event.listen(engine, "begin", _begin)
    return engine


def open_database(url: str) -> Engine:
    """An engine whose database has the newest tables: created in memory, else migrated."""
    if _is_memory(make_url(url)):
        engine = open_engine(url)
        create_tables(engine)
        return engine
    upgrade(url)
    return open_engine(url)


def is_memory(engine: Engine) -> bool:
    """Whether this database lives and dies with its one connection."""
    return isinstance(engine.pool, StaticPool)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write: it takes its turn at the beginning, and commits at the end."""
    with engine.connect() as connection:
        mark_writer(connection)
        with connection.begin():
            yield connection


def mark_writer(connection: Connection) -> None:
    """Let every transaction of this connection begin as a writer's.

    A reader that turns writer half-way fails at once on SQLite when somebody wrote meanwhile; a transaction that
    begins as a writer waits for its turn.
    """
    connection.execution_options(**{_WRITES: True})


def create_tables(engine: Engine) -> None:
    """Create all tables as the code describes them, without migrations: for databases in memory and tests."""
    with writing(engine) as connection:
        for metadata in METADATA:
            metadata.create_all(connection)


def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database to the newest tables (or to a revision); an up-to-date one stays as it is."""
    if _is_memory(make_url(url)):
        raise ValueError("a database in memory has no past to migrate: use open_database")
    config = Config()
    # Alembic reads % in its options as a reference to another option.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    engine = open_engine(url)
    try:
        with writing(engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def _is_memory(url: URL) -> bool:
    if url.get_backend_name() != "sqlite":
        return False
    return url.database in (None, "", ":memory:") or url.query.get("mode") == "memory"


def _prepare_file(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    _leave_transactions_to_us(connection)
    cursor = connection.cursor()
    for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_memory(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    _leave_transactions_to_us(connection)
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _leave_transactions_to_us(connection: DBAPIConnection) -> None:
    # Otherwise sqlite3 begins transactions by itself, late and never IMMEDIATE.
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
