"""A free module and its queue in figures: what a decision of `scheduler.rolling` is made from, and what it says.

Decides nothing; `scheduler.online` fills a line from people's requests. Times are in ms from now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, BayRef, JobId
from domain.machine import Machine
from scheduler.measured import Times


@dataclass(frozen=True, slots=True)
class Turn:
    """One driver of the queue.

    `asked_ms` is when the wait began (negative), or the booked minute. The pallet is not wanted on
    the ground before `ground_ms`. `fits` are the levels that the car may stand on.
    """

    job: JobId
    kind: str
    bay: BayRef
    weight: int
    asked_ms: int
    ground_ms: int = 0
    urgent: bool = False
    booked: bool = False
    fits: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Line:
    """A free module and its queue, oldest request first.

    `down` is the pallet on the ground that lives higher up; `spare` are the pallets that a car may
    take which nobody has been promised.
    """

    layout: ModuleLayout
    machine: Machine
    times: Times
    columns: Columns
    turns: tuple[Turn, ...]
    down: BayRef | None = None
    spare: frozenset[BayId] = frozenset()
    age_bound_ms: int | None = None


class Served(NamedTuple):
    """One turn as planned: on which pallet, when its moves begin, when the gate is open and shut again."""

    turn: Turn
    bay: BayRef
    begin_ms: int
    open_ms: int
    shut_ms: int


class Order(NamedTuple):
    """An order with its cost; `proven` if none is better by a second or more.

    `bound_ms` is the wait that nobody should pass in it (`scheduler.longest_wait`; None: any), `beyond_ms`
    what drivers wait beyond that all the same.
    """

    served: tuple[Served, ...]
    beyond_ms: int
    weighted_ms: int
    proven: bool
    bound_ms: int | None = None
