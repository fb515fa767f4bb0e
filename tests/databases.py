"""Every database the garage supports, each fresh for a test."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from tests.postgresql import postgresql_server

_numbers = count(1)


@pytest.fixture(scope="session")
def postgresql_folder() -> Iterator[str]:
    """The socket folder of a PostgreSQL server."""
    with postgresql_server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A URL of an empty database on a disk."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/garage.db"
    folder = request.getfixturevalue("postgresql_folder")
    name = f"garage_{next(_numbers)}"
    engine = create_engine(f"postgresql+psycopg://postgres@/postgres?host={folder}", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"postgresql+psycopg://postgres@/{name}?host={folder}"
