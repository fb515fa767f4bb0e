"""What is counted while a simulated garage runs, because its memory forgets old jobs.

Decides what a wait, a kept booking and a punctual pallet are. Sums nothing up; that is the report's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from controller.memory import Memory
from domain.events import (
    BookingAdvanced,
    BookingMade,
    ChargingEnded,
    JobAdvanced,
    JobOverdue,
    JobQueued,
    Recorded,
    SessionAdvanced,
)
from domain.ids import BayId, JobId, ModuleId
from runtime.told import ToldWait, told_wait

PUNCTUAL_MS = 30_000
"""A booked pallet is in time if it stands on the ground at the latest so long after the booked minute."""


@dataclass(frozen=True, slots=True)
class Served:
    """One driver for whom the gate has opened.

    The wait counts from the request or, for a booked driver, from the booked minute if that is later.
    """

    job: JobId
    kind: str
    module: ModuleId
    bay: BayId
    booked: bool
    waits_from_utc_ms: int
    opened_utc_ms: int

    @property
    def wait_ms(self) -> int:
        """From when somebody waits to the open gate; 0 for who drove out before the booked minute."""
        return max(0, self.opened_utc_ms - self.waits_from_utc_ms)


@dataclass(slots=True)
class Tally:
    """Counts over one run; `hear` it every scan's events once they are stored."""

    served: list[Served] = field(default_factory=list)
    jobs: int = 0
    overdue: int = 0
    energy_wh: int = 0
    bookings_made: int = 0
    bookings_kept: int = 0
    bookings_missed: int = 0
    lapsed: int = 0
    """Of the missed bookings, those for which the garage could not even begin."""
    late_ms: dict[JobId, int] = field(default_factory=dict)
    """By booked job: how long after the booked minute its pallet stood on the ground; 0 or less is in time."""
    called: set[JobId] = field(default_factory=set)
    told: list[ToldWait] = field(default_factory=list)
    """The record of every estimate that a driver was given at the request."""

    def hear(self, records: Iterable[Recorded], memory: Memory) -> None:
        """Count these events; `memory` has them folded in."""
        for record in records:
            match record.event:
                case SessionAdvanced(job=name, state="open"):
                    self._gate_opened(name, record.utc_ms, memory)
                case JobQueued(job=name, due_utc_ms=due_utc_ms) if due_utc_ms is not None:
                    self.called.add(name)
                case JobAdvanced(job=name, state=state):
                    self.jobs += state == "done"
                    if state in ("standing_by", "at_gate") and name in self.called and name not in self.late_ms:
                        self.late_ms[name] = record.utc_ms - (memory.jobs[name].due_utc_ms or 0)
                case JobOverdue():
                    self.overdue += 1
                case ChargingEnded(slices=slices):
                    self.energy_wh += sum(part[2] for part in slices)
                case BookingMade():
                    self.bookings_made += 1
                case BookingAdvanced(booking=booking, state=state):
                    self.bookings_kept += state == "kept"
                    self.bookings_missed += state == "missed"
                    self.lapsed += state == "missed" and memory.bookings[booking].job is None

    def _gate_opened(self, name: JobId, utc_ms: int, memory: Memory) -> None:
        job = memory.jobs[name]
        if job.opened_utc_ms != utc_ms:
            return  # the gate of this job has opened before
        told = told_wait(job, utc_ms)
        if told is not None:
            self.told.append(told)
        booked = job.booking is not None
        self.served.append(Served(name, job.kind, job.module, job.bay, booked, job.waits_from_utc_ms, utc_ms))

    @property
    def punctual(self) -> int:
        """Booked pallets that were in time."""
        return sum(late_ms <= PUNCTUAL_MS for late_ms in self.late_ms.values())

    @property
    def punctual_pct(self) -> float | None:
        """Share of the bookings that came due whose pallet was in time; None without bookings."""
        due = len(self.called) + self.lapsed
        return round(100 * self.punctual / due, 1) if due else None


def mean_wait_s(served: Iterable[Served]) -> float | None:
    """Mean wait in seconds; None if nobody waited."""
    waits = [one.wait_ms for one in served]
    return round(sum(waits) / len(waits) / 1000, 1) if waits else None
