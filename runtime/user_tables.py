"""Where the people who may log in are kept.

Decides names and types; `runtime.users` reads and writes them, `runtime.migrations` creates them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text

from billing.tables import NAMING_CONVENTION

metadata = MetaData(naming_convention=NAMING_CONVENTION)

users = Table(
    "users",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("role", String(20), nullable=False),
    Column("secret", Text, nullable=False),
    Column("changed_utc_ms", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
)
"""`key` is the name as it is compared: no two people differ in case or in the width of letters only."""
