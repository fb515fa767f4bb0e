"""What the program over counts is told: jobs by class, options by state, and what its bounds need.

Decides only the shape of plain arrays: `scheduler.count_dp` fills them, `scheduler.count_kernel` searches. Apart
from the kernel because that loads numba, which takes a while.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

IMMEDIATE = 0
"""The pallet stands at the ground already."""
RAISE_FIRST = 1
"""A ground pallet, after the pallet that is down has been sent home."""
UPPER = 2
"""Raise what is down, slide, lower."""

CLASS, KIND, RAISE, LOW, HIGH, LEAD, AFTER, FIRST, FIRST_COUNT, TAIL, PLAIN = range(11)
"""Columns of an option: class, kind, raising, low and high set-up, from the lowering to the gate open, new
state, the class that must come before (-1: none) and how many of it, from the gate open to the gate shut.
`PLAIN` says that it may be put before an idle time without changing what comes after: its pallet
serves one job, and it takes nobody's free shaft."""


class Jobs(NamedTuple):
    """The jobs, those of a class side by side in the order they are served."""

    size: Ints
    """By class: how many."""
    offset: Ints
    """By class: the place of the first."""
    weight: Ints
    """By class: what a waiting ms counts."""
    urgent: Ints
    """By class: 1 for emergencies."""
    release: Ints
    """By job, ms."""
    request: Ints
    """By job, ms."""
    release_sum: Ints
    """By job: the releases of all before it; one figure more than jobs."""
    request_sum: Ints
    """By job: the requests of all before it; one figure more than jobs."""


class Options(NamedTuple):
    """What can be done in each state."""

    start: Ints
    """By state: its first option; one figure more than states."""
    row: Ints
    """Options, a row each: see `CLASS` and the columns after it."""
    home: Ints
    """By state: the raising that what is down still needs."""


class Rules(NamedTuple):
    """Figures of the whole search."""

    first_state: int
    stagger_ms: int
    age_bound_ms: int
    """-1 where there is none."""
    urgency: int
    """What a waiting ms of an emergency counts against one beyond the age bound."""
    nodes_max: int


class Turns(NamedTuple):
    """The order that is best once every job is released, for the bound from below."""

    order: Ints
    """Classes."""
    lead: Ints
    """By class: least time from the machine free to the gate open."""
    alone: Ints
    """By class: least time from the release to the gate open, everything before it done meanwhile."""
    work: Ints
    """By class: least time that one job takes from the machine."""
    uppers_at: int
    """Place in the order from which on pallets of upper levels come."""
    due: Ints
    """By state: the raising before the first upper pallet."""
    spared: Ints
    """By state: what the work of the jobs holds too much."""


class Ages(NamedTuple):
    """What the bound on the time beyond the age bound needs; no job in `due` where there is no age bound."""

    due: Ints
    """By job, in ascending order: when it reaches the age bound."""
    of_class: Ints
    """By job in that order."""
    rank: Ints
    """By job in that order: how many of its class are served before it."""
    order: Ints
    """Classes, least work first."""
    lead: Ints
    """By place in that order: if the jobs up to there come first, from the last gate shut to the last one open."""
    ground: Ints
    """By class: 1 if its pallets need no shaft."""
