"""How long anybody may wait, as a queue stands: the age bound where it can be kept, and if not, what then.

Decides the wait that an order must not let anybody pass. Where requests come faster than the machine
serves, no order keeps the age bound for all. To have the *sum* of what lies beyond it least would let a
few wait very long, so the rule is then: nobody waits longer than the longest wait that there would be if
all were served as they asked, and one pallet sent home besides. That can be kept, with some room to choose,
and within it the mean is least.
"""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.serving import Path, Serving

AGE_RESERVE_MS = 30_000
"""So much before the age bound gates should open: who is served before may dwell longer than planned."""


def longest_wait_ms(serving: Serving, age_bound_ms: int | None) -> int | None:
    """The wait that nobody should pass; None where there is no age bound.

    Two orders tell whether the age bound can be kept: that of the requests, and the earliest due first,
    where a turn is due so much later as its work after the gate's opening takes (Jackson's rule, best for
    the longest wait where set-ups are equal). Drivers who are yet to come for their minute are left out.
    """
    if age_bound_ms is None:
        return None
    turns = serving.turns
    aim_ms = age_bound_ms - min(AGE_RESERVE_MS, age_bound_ms // 10)
    there = [at for at, turn in enumerate(turns) if not turn.booked]
    as_asked = sorted(there, key=lambda at: (not turns[at].urgent, turns[at].asked_ms, at))
    asked_ms = _longest_ms(serving, as_asked)
    if asked_ms <= aim_ms:
        return aim_ms
    due_ms = [turns[at].asked_ms + _after_open_ms(serving, at) for at in range(len(turns))]
    earliest_due = sorted(there, key=lambda at: (not turns[at].urgent, due_ms[at], at))
    longest_ms = min(asked_ms, _longest_ms(serving, earliest_due))
    return max(aim_ms, longest_ms) if longest_ms <= age_bound_ms else asked_ms + max(serving.times.raise_ms)


def _after_open_ms(serving: Serving, at: int) -> int:
    """Work of a turn after its gate is open: the driver, the gate, and the pallet's way home."""
    return serving.tail_ms[at] + serving.times.raise_ms[serving.turns[at].bay.level]


def _longest_ms(serving: Serving, order: Iterable[int]) -> int:
    path: Path = serving.in_order(order, own=True)
    return max((way.open_ms - serving.turns[at].asked_ms for at, way in path), default=0)
