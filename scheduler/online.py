"""The next job of a module: an exact plan of its queue, made anew whenever the module is free.

Decides what `scheduler.rolling` is asked (who waits since when, what is booked, which pallets are
free), takes the first job of the answer and tells people why. Nothing is remembered from one decision
to the next: the same queue gives the same choice.
"""

from __future__ import annotations

from dataclasses import replace

from domain.grid import ModuleLayout
from domain.reasons import Reason, ReasonCode, Why, because
from domain.vehicle import Vehicle
from scheduler.line import Line, Order, Served, Turn
from scheduler.measured import nominal
from scheduler.rolling import best_order, order_as_given
from scheduler.sequence import Chosen, Queue, Waiting

WEIGHT = {"emergency": 4, "disabled": 2, "normal": 1}
"""How much a waiting second of each class counts."""

BOOKED_WEIGHT = 4
"""A second late for a booked minute counts like four of waiting: the driver was promised a time."""

BOOKED_EARLY_MS = 15_000
"""So much before its minute a booked pallet should be on the ground: time for what takes longer than planned."""


def rolling_exact(queue: Queue) -> Chosen:
    """The first job of the best order.

    With nobody booked the choice begins at once; only a booked job may begin in the future, and only
    when nothing else can be finished before it at less waiting in all.
    """
    line = line_of(queue)
    order = best_order(line)
    first = order.served[0]
    # A person's job begins now whatever the plan says: only a booking is worth an idle machine.
    begin_ms = max(0, first.begin_ms) if first.turn.booked else 0
    return Chosen(first.turn.job, first.bay.name, queue.now_utc_ms + begin_ms, _why(queue, line, order, begin_ms))


def planned_order(queue: Queue) -> Order:
    """The whole order; times in ms from now."""
    return best_order(line_of(queue))


def first_come_order(queue: Queue) -> Order:
    """What comes of serving them as they asked."""
    return order_as_given(line_of(queue))


def line_of(queue: Queue) -> Line:
    """The queue in figures, oldest request first."""
    oldest_first = sorted(queue.waiting, key=lambda one: (one.waits_from_utc_ms, one.job))
    return Line(
        layout=queue.layout,
        machine=queue.machine,
        times=queue.times or nominal(queue.layout, queue.machine),
        columns=queue.columns,
        turns=tuple(_turn(queue, one) for one in oldest_first),
        down=None if queue.down is None else queue.layout.bays[queue.layout.offset[queue.down]],
        spare=queue.empty - frozenset(queue.layout.dead),
        age_bound_ms=queue.age_bound_ms,
    )


def _turn(queue: Queue, one: Waiting) -> Turn:
    booked = one.due_utc_ms is not None
    asked_ms = one.waits_from_utc_ms - queue.now_utc_ms
    return Turn(
        job=one.job,
        kind=one.kind,
        bay=one.bay,
        weight=max(BOOKED_WEIGHT if booked or one.promised else 1, WEIGHT.get(one.priority, 1)),
        asked_ms=asked_ms if booked else min(0, asked_ms),
        ground_ms=max(0, asked_ms - BOOKED_EARLY_MS) if booked else 0,
        urgent=one.priority == "emergency",
        booked=booked,
        fits=_levels(queue.layout, one.vehicle) if one.kind == "storage" else frozenset(),
    )


def _levels(layout: ModuleLayout, vehicle: Vehicle) -> frozenset[int]:
    return frozenset(level.number for level in layout.levels if not layout.misfits(vehicle, level.number))


def _why(queue: Queue, line: Line, order: Order, begin_ms: int) -> Why:
    """What was weighed."""
    first = order.served[0]
    if first.turn.booked:
        return (_booked(queue, first, begin_ms),)
    moved: Why = ()
    if first.bay != first.turn.bay:
        moved = (because(ReasonCode.NEARER, bay=first.bay.name, other=first.turn.bay.name),)
    if len(line.turns) == 1:
        return (because(ReasonCode.ONLY_ONE), *moved)
    place = because(ReasonCode.FIRST_OF, waiting=len(line.turns))
    proof = because(ReasonCode.PROVEN if order.proven else ReasonCode.NOT_PROVEN)
    return (place, *moved, _weighed(line, order), proof)


def _weighed(line: Line, order: Order) -> Reason:
    first = order.served[0].turn
    given = order_as_given(replace(line, age_bound_ms=order.bound_ms))
    if first.urgent:
        return because(ReasonCode.EMERGENCY)
    if first is line.turns[0]:
        return because(ReasonCode.OLDEST)
    if order.beyond_ms and order.beyond_ms == given.beyond_ms:
        return because(ReasonCode.ALL_WAIT_LONG)
    if order.beyond_ms < given.beyond_ms:
        return because(ReasonCode.LESS_BEYOND, saved_s=(given.beyond_ms - order.beyond_ms) // 1000)
    return because(ReasonCode.LESS_WAITING, saved_s=(given.weighted_ms - order.weighted_ms) // 1000)


def _booked(queue: Queue, first: Served, begin_ms: int) -> Reason:
    due_utc_ms = queue.now_utc_ms + first.turn.asked_ms
    minute = (due_utc_ms // 60_000 + queue.utc_offset_minutes) % 1440
    at, bay = f"{minute // 60:02d}:{minute % 60:02d}", first.bay.name
    if not begin_ms:
        return because(ReasonCode.BOOKED, bay=bay, at=at)
    return because(ReasonCode.WAITS_FOR_BOOKED, wait_s=-(-begin_ms // 1000), bay=bay, at=at)
