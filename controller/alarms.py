"""The alarms: raised, returned, and what stays untold because another alarm explains it.

Decides from memory and images which alarms stand, after their delays; which are suppressed by design;
and what operators may do with them. The catalogue is `domain.alarm_catalogue`, the states are the ALARM table.

Three rules keep the list short. A consequence is suppressed while its cause stands for the same module
(`AlarmKind.behind`). Three or more of one kind are told as one alarm, which stays until the last of them
has gone and speaks up again when another joins. An alarm returns only after its cause has been away for a
while, so that what flickers is told once.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.alarm_book import AlarmRecord
from controller.machines import ALARM
from controller.maintenance import WearWatch
from controller.memory import Memory
from controller.scan import Scan
from domain.alarm_catalogue import CATALOGUE
from domain.alarms import (
    EVERYTHING,
    GROUP_MIN,
    PART_REMINDER_MS,
    AlarmId,
    Scope,
    alarm_id,
    fault_code,
    split_id,
)
from domain.events import (
    AlarmRaised,
    AlarmReturned,
    AlarmSuppressed,
    AlarmUnshelved,
    AlarmUnsuppressed,
    Event,
)
from domain.ids import JobId, ModuleId
from domain.moment import NEVER_MS
from domain.parts import Part, parse_part
from domain.signals import Inputs
from domain.site import Site

Standing = dict[AlarmId, str]
"""Alarms whose cause is there, with what they are about."""

_ASIDE = ("shelved", "out_of_service")


def module_of(memory: Memory, alarm: AlarmId) -> str:
    """The module an alarm belongs to; empty if it is of the whole site or of a charging spot."""
    code, subject = split_id(alarm)
    scope = CATALOGUE[code].scope
    if scope is Scope.MODULE:
        return subject
    if scope is Scope.JOB and subject in memory.jobs:
        return memory.jobs[JobId(subject)].module
    part = parse_part(subject) if scope is Scope.PART else None
    return part.module if isinstance(part, Part) else ""


class Alarms:
    """All alarms of the site over one memory; keeps only the clocks of its delays."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._since_ms: dict[AlarmId, int] = {}
        self._gone_ms: dict[AlarmId, int] = {}
        self._wear = WearWatch(site)
        self._looked: tuple[object, ...] = ()
        self._wake_ms = 0
        self.touched = True

    def react(self, scan: Scan) -> None:
        """Look whether anything has come or gone; the last part of a scan."""
        looks = self._looks(scan.inputs)
        if not scan.events and looks == self._looked and not self.touched and scan.moment.mono_ms < self._wake_ms:
            scan.wake_at(self._wake_ms)
            return
        self.touched, self._looked = False, looks
        outer_wake_ms, scan.wake_ms = scan.wake_ms, NEVER_MS
        causes = dict(self._causes(scan))
        standing = self._delayed(scan, causes)
        self._follow(scan, standing, self._explained(scan.memory, standing, causes))
        self._end_shelving(scan)
        self._wake_ms = scan.wake_ms
        scan.wake_ms = min(outer_wake_ms, self._wake_ms)

    def halt(self, scan: Scan) -> None:
        """The controller stops itself: the one alarm that is raised without looking at anything else."""
        alarm = alarm_id("controller_halted")
        record = scan.memory.alarms.records.get(alarm, AlarmRecord())
        if not record.active:
            state = record.state if record.state in _ASIDE else _next(record, "arise", alarm)
            scan.emit(AlarmRaised(alarm, state, scan.memory.garage_reason))

    # -- what stands -------------------------------------------------------------------------------

    def _looks(self, inputs: Inputs) -> tuple[object, ...]:
        """What of the images matters here; everything else comes with an event."""
        faults = tuple(image.faults for image in inputs.modules.values())
        return (inputs.journal_ok, faults, self._drawn_w(inputs) > self._site.power_limit_w)

    def _drawn_w(self, inputs: Inputs) -> int:
        motors_w = sum(image.motors_w for image in inputs.modules.values())
        return motors_w + sum(image.power_w for image in inputs.spots.values())

    def _causes(self, scan: Scan) -> Iterator[tuple[AlarmId, str]]:
        memory, inputs = scan.memory, scan.inputs
        if not inputs.journal_ok:
            yield alarm_id("journal_away"), ""
        drawn_w = self._drawn_w(inputs)
        if drawn_w > self._site.power_limit_w:
            yield alarm_id("power_limit"), f"{drawn_w} W of {self._site.power_limit_w} W"
        for layout in self._site.modules:
            yield from self._module_causes(memory, inputs, layout.id)
        for spec in self._site.spots:
            if memory.links.get(spec.id, "down") == "down":
                yield alarm_id("charger_silent", spec.id), ""
            elif memory.spot(spec.id).state == "Faulted":
                yield alarm_id("charger_faulted", spec.id), ""
        for names in memory.open_jobs.values():
            for job in (memory.jobs[name] for name in names):
                if job.overdue_in == "open" and job.state == "at_gate":
                    yield alarm_id("driver_overdue", job.id), job.bay
                elif job.overdue_in == "queued" and job.state == "queued":
                    yield alarm_id("job_overdue", job.id), job.bay
        yield from self._forgotten_parts(scan)
        yield from self._wear.standing(scan).items()

    def _module_causes(self, memory: Memory, inputs: Inputs, name: ModuleId) -> Iterator[tuple[AlarmId, str]]:
        module = memory.module(name)
        if memory.links.get(name, "down") == "down":
            yield alarm_id("plc_lost", name), ""
        numbers = list(module.faults)
        image = inputs.modules.get(name)
        if image is not None and module.state != "offline":
            numbers += [number for number in image.faults if number not in numbers]
        for number in numbers:
            yield alarm_id(fault_code(number), name), str(number)
        if module.state == "locked":
            yield alarm_id("module_locked", name), ", ".join(module.reasons)

    def _forgotten_parts(self, scan: Scan) -> Iterator[tuple[AlarmId, str]]:
        for part, outage in scan.memory.out_of_service.items():
            left_ms = outage.since_utc_ms + PART_REMINDER_MS - scan.moment.utc_ms
            if left_ms <= 0:
                yield alarm_id("part_out", part), outage.reason
            else:
                scan.wake_at(scan.moment.mono_ms + left_ms)

    def _delayed(self, scan: Scan, causes: Standing) -> Standing:
        """What stands after the delays: later than its cause, and a while longer."""
        now = scan.moment.mono_ms
        records = scan.memory.alarms.records
        standing: Standing = {}
        self._since_ms = {name: self._since_ms.get(name, now) for name in causes}
        for name, about in causes.items():
            self._gone_ms.pop(name, None)
            record = records.get(name)
            from_ms = self._since_ms[name] + CATALOGUE[split_id(name)[0]].on_delay_ms
            if now >= from_ms or (record is not None and record.active):
                standing[name] = about
            else:
                scan.wake_at(from_ms)
        for name, record in records.items():
            code, subject = split_id(name)
            if not record.active or name in causes or subject == EVERYTHING:
                continue
            if record.because and split_id(record.because)[1] != EVERYTHING:
                continue  # nobody was told, and nobody shall be when what explained it goes first
            until_ms = self._gone_ms.setdefault(name, now) + CATALOGUE[code].off_delay_ms
            if now < until_ms:
                standing[name] = record.about
                scan.wake_at(until_ms)
            else:
                del self._gone_ms[name]
        return standing

    # -- what explains what ------------------------------------------------------------------------

    def _explained(self, memory: Memory, standing: Standing, causes: Standing) -> dict[AlarmId, AlarmId]:
        """For every standing alarm that is suppressed by design, the one that explains or includes it.

        Adds the alarms that stand for several of a kind to `standing`.
        """
        records = memory.alarms.records
        present = {*causes, *standing}
        because = {}
        for name in standing:
            module = module_of(memory, name)
            behind = CATALOGUE[split_id(name)[0]].behind
            found = [
                one for one in present if module and split_id(one)[0] in behind and module_of(memory, one) == module
            ]
            if found:
                because[name] = min(found, key=_urgency)
        kinds: dict[str, list[AlarmId]] = {}
        for name in standing:
            code = split_id(name)[0]
            aside = name in records and records[name].state in _ASIDE
            if name not in because and not aside and CATALOGUE[code].scope is not Scope.SITE:
                kinds.setdefault(code, []).append(name)
        for code, names in kinds.items():
            group = alarm_id(code, EVERYTHING)
            record = records.get(group)
            if len(names) >= GROUP_MIN or (record is not None and record.active):
                standing[group] = ", ".join(split_id(name)[1] for name in names)
                because |= dict.fromkeys(names, group)
        return because

    # -- telling -----------------------------------------------------------------------------------

    def _follow(self, scan: Scan, standing: Standing, because: dict[AlarmId, AlarmId]) -> None:
        book = scan.memory.alarms
        joined = {
            group
            for name, group in because.items()
            if split_id(group)[1] == EVERYTHING and book.records.get(name, AlarmRecord()).because != group
        }
        for name in sorted({*standing, *book.records}, key=_urgency):
            record = book.records.get(name, AlarmRecord())
            event = self._change(name, record, standing.get(name), because.get(name))
            if event is None and name in joined and record.state == "acknowledged":
                event = AlarmRaised(name, _next(record, "arise", name), standing[name])
            if event is not None:
                scan.emit(event)

    def _change(self, name: AlarmId, record: AlarmRecord, about: str | None, because: AlarmId | None) -> Event | None:
        """The one event that brings a record to what stands now; None if it is there."""
        stands = about is not None
        if record.state in _ASIDE:
            if stands == record.active:
                return None
            return AlarmRaised(name, record.state, about or "") if stands else AlarmReturned(name, record.state)
        if record.state == "suppressed":
            if not stands:
                return AlarmReturned(name, _next(record, "go", name))
            if because is None:
                return AlarmUnsuppressed(name, _next(record, "unsuppress", name))
            return None if record.because == because else AlarmSuppressed(name, because, about or "")
        if stands and because is not None:
            return AlarmSuppressed(name, because, about or "")
        if stands and not record.active:
            return AlarmRaised(name, _next(record, "arise", name), about or "")
        if not stands and record.active:
            return AlarmReturned(name, _next(record, "go", name))
        return None

    def _end_shelving(self, scan: Scan) -> None:
        for name, record in list(scan.memory.alarms.records.items()):
            if record.shelved_until_utc_ms is None:
                continue
            left_ms = record.shelved_until_utc_ms - scan.moment.utc_ms
            if left_ms <= 0:
                scan.emit(AlarmUnshelved(name, _next(record, "unshelve", name)))
                self.touched = True
            else:
                scan.wake_at(scan.moment.mono_ms + left_ms)


def _next(record: AlarmRecord, trigger: str, name: AlarmId) -> str:
    return ALARM.next(
        record.state,
        trigger,
        latches=CATALOGUE[split_id(name)[0]].latches,
        is_active=record.active,
        was_acknowledged=record.acknowledged,
    )


def _urgency(name: AlarmId) -> tuple[int, int, str]:
    kind = CATALOGUE[split_id(name)[0]]
    return (int(kind.priority), kind.number, name)
