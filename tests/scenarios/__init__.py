"""Named stories of the whole garage."""
