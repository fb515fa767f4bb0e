"""Seeded runs of the controller against the plant."""
