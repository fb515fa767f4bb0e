"""How long a driver still waits: the rest of the job under way, then the queue as it is planned.

Decides nothing; it adds up the times of the plan that the module follows. What people are told of it is
`scheduler.calibration`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.grid import Columns
from domain.ids import BayRef, JobId
from scheduler.dockings import slid
from scheduler.measured import nominal
from scheduler.reach import approach
from scheduler.sequence import Planner, Queue

REST = 4
"""Who dwells longer than the mean is expected to take a further quarter of it."""


@dataclass(frozen=True, slots=True)
class Running:
    """The job that a module works on: its state, for how long it has been in it, and what its driver has done.

    `opened_ago_ms` counts from when the gate stood open; `shutting` says that its driver is done. The driver of a
    booking is expected in `driver_in_ms`, 0 for who is there.
    """

    job: JobId
    kind: str
    bay: BayRef
    state: str
    elapsed_ms: int
    opened_ago_ms: int | None = None
    shutting: bool = False
    driver_in_ms: int = 0

    @property
    def has_gate_before_it(self) -> bool:
        """Whether its driver has yet to finish at the gate: from then on only the machine is waited for."""
        return self.state != "returning" and not self.shutting


@dataclass(frozen=True, slots=True)
class Due:
    """One driver's turn: time until the gate opens, and how many are served before.

    `dwells` of these have yet to finish at the gate.
    """

    open_ms: int
    ahead: int
    dwells: int


def turns(queue: Queue, under_way: Sequence[Running], planner: Planner) -> dict[JobId, Due]:
    """When the gate opens for the jobs under way, if it has not yet, and for each that waits.

    `under_way` is the job that the machine works on, if any, and the pallets that stand by. `queue` is as of now, also
    while a job runs; it may be empty then.
    """
    found: dict[JobId, Due] = {}
    free_ms = ahead = dwells = 0
    standing = [one for one in under_way if one.state == "standing_by"]
    for one in under_way:
        if one.state == "standing_by":
            continue
        if one.driver_in_ms and one.state != "returning":
            free_ms, queue = _lowered(queue, one)
            standing.append(replace(one, state="standing_by"))
            continue
        open_ms, free_ms, queue = _after(queue, one)
        if one.opened_ago_ms is None:
            found[one.job] = Due(open_ms, 0, 0)
        ahead, dwells = 1, int(one.has_gate_before_it)
        if standing and queue.down == one.bay.name and not _served_past(standing, free_ms):
            free_ms, queue = _raised(queue, one, free_ms)
    for one in sorted(standing, key=lambda one: one.driver_in_ms):
        free_ms, queue, passed = _past(queue, free_ms, one.driver_in_ms, planner)
        for place, (job, open_ms) in enumerate(passed):
            found[job] = Due(open_ms, ahead + place, dwells + place)
        ahead, dwells = ahead + len(passed), dwells + len(passed)
        open_ms, shut_ms, queue = _after(queue, replace(one, driver_in_ms=max(0, one.driver_in_ms - free_ms)))
        found[one.job] = Due(free_ms + open_ms, ahead, dwells)
        free_ms, ahead, dwells = free_ms + shut_ms, ahead + 1, dwells + 1
    if queue.waiting:
        for place, served in enumerate(planner(queue).served):
            found[served.turn.job] = Due(free_ms + served.open_ms, ahead + place, dwells + place)
    return found


def _lowered(queue: Queue, booked: Running) -> tuple[int, Queue]:
    """When the pallet of a booking is on the ground, and how the module stands then."""
    open_ms, columns = _opens(queue, booked)
    times = queue.times or nominal(queue.layout, queue.machine)
    down_ms = open_ms - times.gate_open_ms
    down = booked.bay.name if booked.bay.level > 1 else queue.down
    return down_ms, replace(queue, columns=columns, now_utc_ms=queue.now_utc_ms + down_ms, down=down)


def _served_past(standing: Sequence[Running], free_ms: int) -> bool:
    """Whether a driver of the ground level is there by then: met past the pallet of a job that is done."""
    return any(one.bay.level == 1 and one.driver_in_ms <= free_ms for one in standing)


def _raised(queue: Queue, done: Running, free_ms: int) -> tuple[int, Queue]:
    """When the pallet of a job that is done is home: it goes before a driver is met who is not there yet."""
    raise_ms = (queue.times or nominal(queue.layout, queue.machine)).raise_ms[done.bay.level]
    return free_ms + raise_ms, replace(queue, now_utc_ms=queue.now_utc_ms + raise_ms, down=None)


def _past(
    queue: Queue, free_ms: int, driver_in_ms: int, planner: Planner
) -> tuple[int, Queue, list[tuple[JobId, int]]]:
    """Who is served on the ground level, and when, while a pallet stands by whose driver is yet to come."""
    passed: list[tuple[JobId, int]] = []
    ground = tuple(one for one in queue.waiting if one.bay.level == 1)
    if not ground or driver_in_ms <= free_ms:
        return free_ms, queue, passed
    gone_ms = 0
    for served in planner(replace(queue, waiting=ground)).served:
        if free_ms + served.begin_ms >= driver_in_ms:
            break
        passed.append((served.turn.job, free_ms + served.open_ms))
        gone_ms = served.shut_ms
    names = {job for job, _ in passed}
    left = tuple(one for one in queue.waiting if one.job not in names)
    return free_ms + gone_ms, replace(queue, waiting=left, now_utc_ms=queue.now_utc_ms + gone_ms), passed


def _after(queue: Queue, running: Running) -> tuple[int, int, Queue]:
    """When the running job's gate opens and shuts, and how the module stands then."""
    times = queue.times or nominal(queue.layout, queue.machine)
    bay = running.bay
    open_ms, columns = _opens(queue, running)
    dwell_ms = times.dwell_ms(running.kind)
    down: BayRef | None = bay if bay.level > 1 else None
    if running.state == "returning":
        shut_ms = max(0, times.raise_ms[bay.level] - running.elapsed_ms)
        down = None
    elif running.opened_ago_ms is None:
        shut_ms = open_ms + dwell_ms + times.gate_close_ms
    elif running.shutting:
        shut_ms = times.gate_close_ms
    else:
        shut_ms = max(dwell_ms - running.opened_ago_ms, dwell_ms // REST) + times.gate_close_ms
    empty = queue.empty | {bay.name} if running.kind == "retrieval" else queue.empty - {bay.name}
    kept = queue.down if bay.level == 1 else None
    after = replace(
        queue,
        columns=columns,
        now_utc_ms=queue.now_utc_ms + shut_ms,
        down=down.name if down is not None else kept,
        empty=empty,
    )
    return open_ms, shut_ms, after


def _opens(queue: Queue, running: Running) -> tuple[int, Columns]:
    """When the running job's gate opens, and where the rows stand then."""
    times = queue.times or nominal(queue.layout, queue.machine)
    bay, state = running.bay, running.state
    if state == "standing_by":
        return running.driver_in_ms + times.gate_open_ms, queue.columns
    if state == "delivering":
        return max(0, times.lower_ms[bay.level] - running.elapsed_ms) + times.gate_open_ms, queue.columns
    if state != "preparing":
        return max(0, times.gate_open_ms - running.elapsed_ms), queue.columns
    columns: Columns = queue.columns
    prepare_ms = 0
    way = approach(queue.layout, queue.machine, columns, bay)
    if way is not None:
        promised_ms = queue.machine.slide_ms(queue.layout.pitch_mm)
        prepare_ms, columns = way.slide_ms * times.slide_ms // promised_ms, slid(columns, way.slides)
    if queue.down is not None and queue.down != bay.name and bay.level > 1:
        prepare_ms += max(times.raise_ms)
    lower_ms = times.lower_ms[bay.level] if queue.down != bay.name else 0
    return max(0, prepare_ms - running.elapsed_ms) + lower_ms + times.gate_open_ms, columns
