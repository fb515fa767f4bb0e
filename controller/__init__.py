"""What happens now: the state machines, interlocks and invariants."""
