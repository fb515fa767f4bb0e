"""The database: what a commit means, who waits for whom, and that migrations and tables agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Engine, Integer, MetaData, Table, insert, inspect, select
from sqlalchemy.exc import IntegrityError, OperationalError

from billing.tables import NAMING_CONVENTION, charge_lines
from runtime.database import METADATA, is_memory, open_database, open_engine, upgrade, writing
from runtime.journal_tables import snapshots

TABLES = {"events", "snapshots", "entries", "postings", "charges", "charge_lines", "users"}


@pytest.fixture
def sqlite(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path}/garage.db")


def all_tables() -> MetaData:
    """Every table of the code in one place."""
    together = MetaData(naming_convention=NAMING_CONVENTION)
    for metadata in METADATA:
        for table in metadata.sorted_tables:
            table.to_metadata(together)
    return together


def test_migrations_and_tables_agree(database_url: str) -> None:
    engine = open_database(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, all_tables()) == []
        assert set(inspect(connection).get_table_names()) == {*TABLES, "alembic_version"}
    engine.dispose()


def test_a_forgotten_migration_would_be_seen(database_url: str) -> None:
    engine = open_database(database_url)
    described = all_tables()
    described.tables["events"].append_column(Column("forgotten", Integer))
    Table("forgotten", described, Column("id", Integer, primary_key=True))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), described)
    assert [difference[0] for difference in differences] == ["add_table", "add_column"]
    engine.dispose()


def test_an_upgraded_database_is_left_as_it_is(database_url: str) -> None:
    engine = open_database(database_url)
    with writing(engine) as connection:
        connection.execute(insert(snapshots).values(seq=0, utc_ms=1, state="{}"))
    upgrade(database_url)
    with engine.connect() as connection:
        assert connection.execute(select(snapshots.c.utc_ms)).scalar_one() == 1
    engine.dispose()


def test_a_foreign_table_in_the_way_leaves_no_half_made_tables(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/garage.db"
    engine = open_engine(url)
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE charge_lines (unrelated INTEGER)")
    with pytest.raises(OperationalError, match="already exists"):
        upgrade(url)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["charge_lines"]
    engine.dispose()


def test_sqlite_commits_reach_the_disk(sqlite: Engine) -> None:
    with sqlite.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    full = 2
    assert pragmas == {"journal_mode": "wal", "synchronous": full, "foreign_keys": 1, "busy_timeout": 5000}
    sqlite.dispose()


def test_a_second_writer_is_kept_out_and_readers_are_not(sqlite: Engine) -> None:
    with writing(sqlite) as first:
        first.execute(insert(snapshots).values(seq=1, utc_ms=1, state="{}"))
        with sqlite.connect() as reader:
            assert reader.execute(select(snapshots)).all() == []
        with sqlite.connect() as second:
            second.exec_driver_sql("PRAGMA busy_timeout=0")
            second.commit()
            with pytest.raises(OperationalError, match="locked"):
                second.exec_driver_sql("INSERT INTO snapshots VALUES (2, 1, '{}')")
    with sqlite.connect() as reader:
        assert len(reader.execute(select(snapshots)).all()) == 1
    sqlite.dispose()


def test_a_failed_transaction_leaves_nothing(database_url: str) -> None:
    engine = open_database(database_url)
    row = {"seq": 1, "utc_ms": 1, "state": "{}"}
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(insert(snapshots), row)
        connection.execute(insert(snapshots), row)
    with engine.connect() as connection:
        assert connection.execute(select(snapshots)).all() == []
    engine.dispose()


def test_a_line_without_its_charge_is_refused(database_url: str) -> None:
    engine = open_database(database_url)
    orphan = {
        "seq": 1,
        "position": 0,
        "item": "parking",
        "about": "A-1-01",
        "quantity": 1,
        "unit": "min",
        "price_fen": 1,
        "amount_fen": 1,
    }
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(insert(charge_lines), orphan)
    with engine.connect() as connection:
        assert connection.execute(select(charge_lines)).all() == []
    engine.dispose()


def test_a_database_in_memory_has_all_tables_and_no_migrations() -> None:
    engine = open_database("sqlite://")
    assert is_memory(engine)
    with engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) == TABLES
    with pytest.raises(ValueError, match="in memory"):
        upgrade("sqlite://")
    engine.dispose()


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/var/deep/garage.db")
    assert (tmp_path / "var/deep/garage.db").is_file()
    engine.dispose()
