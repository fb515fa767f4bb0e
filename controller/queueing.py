"""The scheduler's questions about one module: who waits there, and what is likely to come.

Decides nothing; puts the memory and the columns into the shape that `scheduler` reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controller.memory import Memory
from controller.records import Job
from domain.booking import DAY_MINUTES, MINUTE_MS, local_minute
from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, parse_bay
from domain.reasons import ReasonCode
from domain.site import Patience, Site
from scheduler.habits import HOUR_MS, departure_rate_h, mean_rate_h
from scheduler.measured import Times, learnt
from scheduler.reach import takes_cars
from scheduler.sequence import Queue, Waiting
from scheduler.stance import Outlook

PRESET_MINUTES = 30
"""So long before the quiet hours an idle module prepares for the night and the first to leave after it."""


def queued_jobs(memory: Memory, layout: ModuleLayout) -> list[Job]:
    """The module's jobs that nothing has been done for, oldest first."""
    jobs = (memory.jobs[name] for name in memory.open_jobs.get(layout.id, ()))
    return [job for job in jobs if job.state == "queued"]


def queue_of(
    site: Site, layout: ModuleLayout, memory: Memory, columns: Columns, jobs: Iterable[Job], now_utc_ms: int
) -> Queue:
    """These jobs as the sequencer sees them; at least one."""
    waiting = tuple(
        Waiting(
            job.id,
            job.kind,
            parse_bay(job.bay),
            job.vehicle,
            job.waits_from_utc_ms,
            None if job.has_driver else job.due_utc_ms,
            job.priority,
            promised=job.booking is not None,
        )
        for job in jobs
    )
    return Queue(
        layout,
        site.machine,
        columns,
        waiting,
        now_utc_ms,
        memory.module(layout.id).down,
        empty_bays(layout, columns, memory),
        site.patience.age_bound_ms,
        times_of(site, layout, memory),
        utc_offset_minutes=site.utc_offset_minutes,
    )


def times_of(site: Site, layout: ModuleLayout, memory: Memory) -> Times:
    """How long the parts of a job take in a module, as far as that has been measured."""
    return learnt(layout, site.machine, memory.module(layout.id).timings)


def empty_bays(layout: ModuleLayout, columns: Columns, memory: Memory) -> frozenset[BayId]:
    """Pallets without a car that no storage has been promised and that can be brought."""
    jobs = (memory.jobs[name] for name in memory.open_jobs.get(layout.id, ()))
    taken = {job.bay for job in jobs if job.kind == "storage"}
    free = frozenset(name for name in layout.bay_names if name not in memory.car_at and name not in taken)
    return free if layout.is_whole else free & takes_cars(layout, columns)


def outlook_of(site: Site, layout: ModuleLayout, memory: Memory, columns: Columns, now_utc_ms: int) -> Outlook:
    """What the stancer may know of an idle module: who parks there, and what cars have taught.

    Shortly before the quiet hours the rates are those of the whole night and the hour after it: what is prepared
    then stands until somebody comes.
    """
    crowd, night_ms = memory.crowd, _night_ahead_ms(site, now_utc_ms)
    rates = {}
    for bay in layout.bay_names:
        plate = memory.car_at.get(bay)
        if plate is None:
            continue
        habit = memory.habits.get(plate)
        if night_ms:
            rates[bay] = mean_rate_h(habit, crowd, now_utc_ms, night_ms)
        else:
            rates[bay] = departure_rate_h(habit, crowd, now_utc_ms)
    empty = empty_bays(layout, columns, memory)
    return Outlook(
        layout,
        site.machine,
        columns,
        rates,
        memory.arrivals.per_h(now_utc_ms) * _share(site, layout, memory),
        memory.module(layout.id).down,
        empty,
        times_of(site, layout, memory),
    )


def _night_ahead_ms(site: Site, now_utc_ms: int) -> int:
    """Time until an hour after the coming quiet hours if they begin soon, else 0."""
    quiet, minute = site.quiet_hours, local_minute(now_utc_ms, site.utc_offset_minutes)
    if not quiet.begins_within(minute, PRESET_MINUTES):
        return 0
    until = (quiet.from_minute - minute) % DAY_MINUTES + quiet.length_minutes
    return until * MINUTE_MS + HOUR_MS


def _share(site: Site, layout: ModuleLayout, memory: Memory) -> float:
    """The part of the arriving cars that comes to this module: its part of the empty bays in use."""
    free = {
        other.id: sum(1 for bay in other.bay_names if bay not in memory.car_at)
        for other in site.modules
        if memory.module(other.id).state == "ready"
    }
    return free.get(layout.id, 0) / max(1, sum(free.values()))


def standing_ends(job: Job, others: Sequence[Job], memory: Memory, patience: Patience) -> tuple[ReasonCode, int]:
    """Until when a booked pallet stands at the gate without its driver, and the reason to end it then.

    It stands for `no_show_ms` after its minute, but only for `booking_grace_ms` while it keeps another
    from coming down, and not at all when that is an emergency or after it has been given up. A car
    that lives on the ground is in nobody's way.
    """
    if job.withdrawn:
        return ReasonCode.GIVEN_UP, 0
    booking = memory.bookings.get(job.booking) if job.booking is not None else None
    if booking is None or booking.state != "called":
        return ReasonCode.BOOKING_CANCELLED, 0
    since_utc_ms = max(job.waits_from_utc_ms, job.stood_utc_ms or 0)
    held_up = [other for other in others if other.level > 1] if job.level > 1 else []
    if any(other.priority == "emergency" for other in held_up):
        return ReasonCode.EMERGENCY_WAITS, 0
    if held_up:
        return ReasonCode.NOBODY_CAME_IN_THE_WAY, since_utc_ms + patience.booking_grace_ms
    return ReasonCode.NOBODY_CAME, since_utc_ms + patience.no_show_ms
