"""Which services are due, which parts have drifted, and the record of work done.

Decides from the book of counts and the site's plan; nothing here moves or stops anything. An alarm is raised for
what is due or has drifted, so that somebody looks (`controller.alarms`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from controller.maintenance_book import Done, MaintenanceBook, Tally
from controller.scan import Scan
from domain.alarms import AlarmId, alarm_id
from domain.commands import Accepted, RecordWork, Refused, Reply
from domain.events import WorkRecorded
from domain.grid import ModuleLayout
from domain.ids import ModuleId
from domain.maintenance import (
    DAY_MS,
    REPAIR,
    SOON_PCT,
    MaintenancePlan,
    Service,
    Wearing,
    is_time,
    parts_named,
    parts_of,
)
from domain.refusals import RefusalCode
from domain.site import Site

LOOK_MS = 6 * 3_600_000
"""The calendar is looked at so often; wear does not come overnight."""

_NO_TALLY = Tally()


class Standing(StrEnum):
    """How urgent a service is."""

    OK = "ok"
    SOON = "soon"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class Due:
    """One service of one part: what was counted since it was done last, and when it is to be done again.

    `share_pct` is how much of the interval is used up, by count or by calendar, whichever is more.
    """

    service: Service
    part: str
    counted: int
    last: Done | None
    since_utc_ms: int
    due_utc_ms: int | None
    share_pct: int

    @property
    def standing(self) -> Standing:
        """Due at 100 % of the interval, soon a little before."""
        if self.share_pct >= 100:
            return Standing.DUE
        return Standing.SOON if self.share_pct >= SOON_PCT else Standing.OK


@dataclass(frozen=True, slots=True)
class Drift:
    """A part that takes more than usual of one thing (`Tally.trends`)."""

    part: str
    what: str
    usual: int
    recent: int
    drift_pct: int

    def __str__(self) -> str:
        unit = "ms" if is_time(self.what) else "W"
        name = self.what.removesuffix(f"_{unit.lower()}").replace("_", " ")
        return f"{self.part} {name} {self.drift_pct:+d} % ({self.usual} to {self.recent} {unit})"


def dues(
    plan: MaintenancePlan, layouts: Iterable[ModuleLayout], book: MaintenanceBook, now_utc_ms: int
) -> Iterator[Due]:
    """Every service of every part, in the order of the plan."""
    for layout in layouts:
        for service in plan.services:
            for part in parts_of(layout, service.part):
                yield _due(service, part, book, now_utc_ms)


def _due(service: Service, part: str, book: MaintenanceBook, now_utc_ms: int) -> Due:
    tally, last = book.tallies.get(part, _NO_TALLY), book.done.get(service.id, {}).get(part)
    counted = tally.counted(service.counted) - (last.counted(service.counted) if last else 0)
    begun = book.since_utc_ms if book.since_utc_ms is not None else now_utc_ms
    since = last.utc_ms if last else service.last_utc_ms if service.last_utc_ms is not None else begun
    due_utc_ms = since + service.every_days * DAY_MS if service.every_days else None
    by_count = 100 * counted // service.every if service.every else 0
    by_date = 100 * (now_utc_ms - since) // (service.every_days * DAY_MS) if service.every_days else 0
    return Due(service, part, counted, last, since, due_utc_ms, max(by_count, by_date, 0))


def drifts(plan: MaintenancePlan, book: MaintenanceBook) -> Iterator[Drift]:
    """Every part that has drifted, the book's order."""
    for part, tally in book.tallies.items():
        for what, trend in tally.trends.items():
            if trend.has_drifted(what, plan):
                yield Drift(part, what, trend.usual or 0, trend.recent or 0, trend.drift_pct or 0)


def record_work(scan: Scan, site: Site, command: RecordWork) -> Reply:
    """Write down what people have done; what the parts count for this service begins anew."""
    service = site.maintenance.service(command.service)
    if service is None and command.service != REPAIR:
        return Refused.because(RefusalCode.UNKNOWN_SERVICE, command.service)
    kinds = tuple(Wearing) if service is None else (service.part,)
    parts = parts_named(site.modules, kinds, command.part)
    if not parts:
        known = parts_named(site.modules, Wearing, command.part)
        return Refused.because(RefusalCode.UNKNOWN_SERVICE if known else RefusalCode.UNKNOWN_PART, command.part)
    scan.emit(WorkRecorded(command.service, parts, command.operator, command.person, command.note, command.renewed))
    return Accepted(command.part)


class WearWatch:
    """What the alarms are told of wear; looks again every six hours, and when work was recorded."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._looked: tuple[int, int] = (-1, -1)
        self._standing: dict[AlarmId, str] = {}

    def standing(self, scan: Scan) -> dict[AlarmId, str]:
        """The alarms that stand, and what each is about."""
        book, now = scan.memory.maintenance, scan.moment
        looks = (now.utc_ms // LOOK_MS, book.work_count)
        if looks != self._looked:
            self._looked = looks
            self._standing = dict(self._causes(book, now.utc_ms))
        scan.wake_at(now.mono_ms + LOOK_MS - now.utc_ms % LOOK_MS)
        return self._standing

    def _causes(self, book: MaintenanceBook, now_utc_ms: int) -> Iterator[tuple[AlarmId, str]]:
        plan = self._site.maintenance
        late: dict[ModuleId, list[str]] = {}
        for layout in self._site.modules:
            found = [one for one in dues(plan, (layout,), book, now_utc_ms) if one.standing is Standing.DUE]
            if found:
                late[layout.id] = [f"{one.service.id} {one.part}" for one in found]
        for module, names in late.items():
            yield alarm_id("maintenance_due", module), _few(names)
        found_drifts: dict[str, list[str]] = {}
        for drift in drifts(plan, book):
            found_drifts.setdefault(drift.part, []).append(str(drift))
        for part, told in found_drifts.items():
            yield alarm_id("wear", part), _few(told)


def _few(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
