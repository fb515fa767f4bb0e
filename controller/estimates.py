"""Turns the state of a module's queue into the scheduler's question "how long still?"."""

from __future__ import annotations

from controller.memory import Job, Memory
from domain.grid import Columns
from domain.ids import parse_bay
from domain.site import Site
from scheduler.estimate import Estimate, Work, queue_estimate


def estimate_of(site: Site, memory: Memory, columns: Columns, job: Job) -> Estimate | None:
    """Wait of one open job behind its module's queue; None once its gate has been opened."""
    if not job.is_open or job.opened_utc_ms is not None:
        return None
    layout = site.layout[job.module]
    own = Work(parse_bay(job.bay), job.kind)
    ahead, running = [], None
    for name in memory.open_jobs.get(job.module, ()):
        other = memory.jobs[name]
        work = Work(parse_bay(other.bay), other.kind)
        if other.id == job.id or job.state != "queued":
            continue
        if other.state != "queued":
            running = (work, other.state)
        elif other.id < job.id:
            ahead.append(work)
    return queue_estimate(layout, site.machine, columns, ahead, own, job.state, running)
