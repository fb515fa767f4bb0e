"""How long a driver still waits: the rest of the job under way, then the queue as it is planned.

Decides nothing; it adds up the times of the plan that the module follows. What people are told of it is
`scheduler.calibration`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.grid import Columns
from domain.ids import BayRef, JobId
from scheduler.dockings import slid
from scheduler.line import Order
from scheduler.measured import nominal
from scheduler.reach import approach
from scheduler.sequence import Planner, Queue

REST = 4
"""Who dwells longer than the mean is expected to take a further quarter of it."""


@dataclass(frozen=True, slots=True)
class Running:
    """The job that a module works on: its state, for how long it has been in it, and what its driver has done.

    `opened_ago_ms` counts from when the gate stood open; `shutting` says that its driver is done.
    A booked pallet that stands by is held until about `driver_in_ms`.
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


def turns(queue: Queue, running: Running | None, planner: Planner) -> dict[JobId, Due]:
    """When the gate opens for the running job, if it has not yet, and for each that waits.

    `queue` is as of now, also while a job runs; it may be empty then.
    """
    found: dict[JobId, Due] = {}
    free_ms = 0
    if running is not None:
        open_ms, free_ms, queue = _after(queue, running)
        if running.opened_ago_ms is None:
            found[running.job] = Due(open_ms, 0, 0)
    if queue.waiting:
        order: Order = planner(queue)
        for place, served in enumerate(order.served):
            ahead = place + (running is not None)
            dwells = place + (running is not None and running.has_gate_before_it)
            found[served.turn.job] = Due(free_ms + served.open_ms, ahead, dwells)
    return found


def _after(queue: Queue, running: Running) -> tuple[int, int, Queue]:
    """When the running job's gate opens and shuts, and how the module stands then."""
    times = queue.times or nominal(queue.layout, queue.machine)
    bay, state = running.bay, running.state
    columns: Columns = queue.columns
    prepare_ms = 0
    if state == "preparing":
        way = approach(queue.layout, queue.machine, columns, bay)
        if way is not None:
            promised_ms = queue.machine.slide_ms(queue.layout.pitch_mm)
            prepare_ms, columns = way.slide_ms * times.slide_ms // promised_ms, slid(columns, way.slides)
        if queue.down is not None and queue.down != bay.name and bay.level > 1:
            prepare_ms += max(times.raise_ms)
    lower_ms = times.lower_ms[bay.level] if queue.down != bay.name else 0
    match state:
        case "preparing":
            open_ms = max(0, prepare_ms - running.elapsed_ms) + lower_ms + times.gate_open_ms
        case "delivering":
            open_ms = max(0, times.lower_ms[bay.level] - running.elapsed_ms) + times.gate_open_ms
        case "standing_by":
            open_ms = max(0, running.driver_in_ms) + times.gate_open_ms
        case _:
            open_ms = max(0, times.gate_open_ms - running.elapsed_ms)
    dwell_ms = times.dwell_ms(running.kind)
    down: BayRef | None = bay if bay.level > 1 else None
    if state == "returning":
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
