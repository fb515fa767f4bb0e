"""The composition root: command line, wiring, scan, runners, journal and database."""
