"""What waiting drivers are told: the plan of their module, and how such plans have turned out.

Decides when a plan is made anew (after any event) and puts memory into the shape that
`scheduler.estimate` reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from controller.memory import Memory
from controller.queueing import outlook_of, queue_of, queued_jobs, times_of
from controller.records import Job
from controller.scan import Scan
from domain.booking import DAY_MINUTES, MINUTE_MS
from domain.events import JobEstimated
from domain.grid import Columns
from domain.ids import JobId, ModuleId, Plate, parse_bay
from domain.site import Site
from domain.vehicle import Vehicle
from scheduler.bay_costs import BayCost, module_costs
from scheduler.calibration import Estimate
from scheduler.estimate import Due, Running, turns
from scheduler.habits import DAY_MS, HOUR_MS
from scheduler.sequence import Planner

LATER_MS = 45_000
"""Who is not there at the booked minute is expected so much later: about the mean of what is left of a normally
distributed lateness of a minute. An assumption, as in `sim.booked`: nobody has measured it."""


class Estimates:
    """Estimates of all modules; a plan is kept until something happens."""

    def __init__(self, site: Site, planner: Planner) -> None:
        self._site = site
        self._planner = planner
        self._plans: dict[ModuleId, tuple[int, int, Columns, dict[JobId, Due]]] = {}

    def of(self, memory: Memory, columns: Columns, job: Job, now_utc_ms: int) -> Estimate | None:
        """Time until the gate opens for an open job; None once it has been open, or as long as nobody can say."""
        due = self._due(memory, columns, job, now_utc_ms)
        if due is None:
            return None
        return memory.calibration.estimate(due.dwells, job.level, due.open_ms)

    def tell(self, scan: Scan, columns: Columns, job: Job) -> None:
        """Tell a driver who has just asked."""
        due = self._due(scan.memory, columns, job, scan.moment.utc_ms)
        if due is not None:
            told = scan.memory.calibration.estimate(due.dwells, job.level, due.open_ms)
            scan.emit(
                JobEstimated(
                    job.id, told.wait_ms, told.low_ms, told.high_ms, due.ahead, due.dwells, planned_ms=due.open_ms
                )
            )

    def _due(self, memory: Memory, columns: Columns, job: Job, now_utc_ms: int) -> Due | None:
        if not job.is_open or job.opened_utc_ms is not None or not _runs(memory, job.module):
            return None
        known = self._plans.get(job.module)
        if known is None or known[0] != memory.seq or known[2] != columns or now_utc_ms < known[1]:
            known = memory.seq, now_utc_ms, columns, self._plan(memory, columns, job.module, now_utc_ms)
            self._plans[job.module] = known
        _, planned_utc_ms, _, dues = known
        due = dues.get(job.id)
        return None if due is None else replace(due, open_ms=max(0, due.open_ms - (now_utc_ms - planned_utc_ms)))

    def _plan(self, memory: Memory, columns: Columns, module: ModuleId, now_utc_ms: int) -> dict[JobId, Due]:
        layout = self._site.layout[module]
        names = memory.open_jobs.get(module, ())
        under_way = [memory.jobs[name] for name in names if memory.jobs[name].state != "queued"]
        queue = queue_of(self._site, layout, memory, columns, queued_jobs(memory, layout), now_utc_ms)
        return turns(queue, [_running(job, now_utc_ms) for job in under_way], self._planner)


def _runs(memory: Memory, module: ModuleId) -> bool:
    """Whether the module does what is planned; nobody knows when one that people must see to will."""
    return memory.module(module).state == "ready" and memory.garage in ("automatic", "paused")


def _running(job: Job, now_utc_ms: int) -> Running:
    opened = job.opened_utc_ms
    return Running(
        job.id,
        job.kind,
        parse_bay(job.bay),
        job.state,
        max(0, now_utc_ms - job.since_utc_ms),
        None if opened is None else max(0, now_utc_ms - opened),
        job.session_state in ("closing", "checking"),
        0 if job.has_driver else max(LATER_MS, (job.due_utc_ms or 0) - now_utc_ms),
    )


def bay_costs(
    site: Site, memory: Memory, columns: Mapping[ModuleId, Columns], vehicle: Vehicle, leaving_utc_ms: int
) -> list[BayCost]:
    """Every bay that this car could take now, cheapest first, with the wait to expect when it leaves then."""
    minute = (leaving_utc_ms // MINUTE_MS + site.utc_offset_minutes) % DAY_MINUTES
    found: list[BayCost] = []
    for layout in site.modules:
        if memory.module(layout.id).state != "ready":
            continue
        outlook = outlook_of(site, layout, memory, columns[layout.id], leaving_utc_ms)
        free = [bay for bay in outlook.empty if not layout.misfits(vehicle, parse_bay(bay).level)]
        if free:
            times = times_of(site, layout, memory)
            found += module_costs(layout, times, free, outlook.departures_per_h, outlook.arrivals_per_h, minute)
    return sorted(found, key=lambda cost: (cost.wait_ms, cost.bay))


def usual_departure_utc_ms(memory: Memory, plate: Plate, now_utc_ms: int) -> int:
    """The middle of the hour at which this car, or else a car here, leaves most often; within a day from now."""
    habit = memory.habits.get(plate)
    shown = (habit if habit is not None and habit.weight >= 1 else memory.crowd).departures
    busiest = max(range(24), key=lambda hour: (shown[hour], -hour)) if any(shown) else now_utc_ms % DAY_MS // HOUR_MS
    return _next(now_utc_ms, busiest * HOUR_MS + HOUR_MS // 2)


def next_minute_utc_ms(site: Site, minute_of_day: int, now_utc_ms: int) -> int:
    """The next time that local clocks show this minute."""
    return _next(now_utc_ms, (minute_of_day - site.utc_offset_minutes) * MINUTE_MS % DAY_MS)


def _next(now_utc_ms: int, of_day_ms: int) -> int:
    return now_utc_ms + (of_day_ms - now_utc_ms) % DAY_MS
