"""How databases of earlier versions come to the newest tables (Alembic). A version, once released, never changes."""
