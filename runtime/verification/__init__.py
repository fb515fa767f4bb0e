"""Proof by exhaustion that no command, fault or interruption makes the guards break rules R1 to R5."""
