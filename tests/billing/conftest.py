"""The databases that these tests run on."""

from tests.databases import database_url, postgresql_folder

__all__ = ["database_url", "postgresql_folder"]
