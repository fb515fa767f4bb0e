"""What operators do with alarms: acknowledge, reset, shelve, take out of service, and back.

Decides which of it is allowed: nothing sets a safety alarm aside, and nothing stays shelved for longer
than a shift. Any alarm that could exist at this site may be taken out of service beforehand.
"""

from __future__ import annotations

from transitions import MachineError

from controller.alarm_book import AlarmRecord
from controller.machines import ALARM
from controller.memory import Memory
from controller.scan import Scan
from domain.alarm_catalogue import CATALOGUE
from domain.alarms import EVERYTHING, SHELVE_MAX_MS, AlarmId, AlarmKind, Scope, split_id
from domain.commands import (
    Accepted,
    AcknowledgeAlarm,
    AlarmCommand,
    PutAlarmBack,
    Refused,
    Reply,
    ResetAlarm,
    ShelveAlarm,
    TakeAlarmOut,
    UnshelveAlarm,
)
from domain.events import (
    AlarmAcknowledged,
    AlarmPutBack,
    AlarmReset,
    AlarmShelved,
    AlarmTakenOut,
    AlarmUnshelved,
    Event,
)
from domain.maintenance import gate_of
from domain.parts import Part, find_part
from domain.refusals import RefusalCode
from domain.site import Site

SHELVE_MIN_MS = 60_000


def handle_alarm(scan: Scan, site: Site, command: AlarmCommand) -> Reply:
    """Decide one command about an alarm."""
    if not could_exist(scan.memory, site, command.alarm):
        return Refused.because(RefusalCode.UNKNOWN_ALARM, command.alarm)
    kind = CATALOGUE[split_id(command.alarm)[0]]
    if kind.is_safety and isinstance(command, ShelveAlarm | TakeAlarmOut):
        return Refused.because(RefusalCode.ALARM_SAFETY, command.alarm)
    if isinstance(command, ShelveAlarm) and not SHELVE_MIN_MS <= command.duration_ms <= SHELVE_MAX_MS:
        return Refused.because(RefusalCode.SHELVE_TIME, command.alarm)
    record = scan.memory.alarms.records.get(command.alarm, AlarmRecord())
    try:
        event = _event(command, kind, record, scan.moment.utc_ms)
    except MachineError:
        return Refused.because(RefusalCode.ALARM_STATE, record.state)
    scan.emit(event)
    return Accepted(command.alarm)


def could_exist(memory: Memory, site: Site, alarm: AlarmId) -> bool:
    """Whether this is an alarm of this site: one that stands, or a kind with a subject that is here."""
    code, subject = split_id(alarm)
    kind = CATALOGUE.get(code)
    if kind is None or alarm in memory.alarms.records:
        return kind is not None
    match kind.scope:
        case Scope.SITE:
            return not subject
        case Scope.MODULE:
            return subject == EVERYTHING or subject in site.layout
        case Scope.SPOT:
            return subject == EVERYTHING or subject in site.spot
        case Scope.JOB:
            return subject in memory.jobs
        case Scope.PART:
            gates = {gate_of(layout.id) for layout in site.modules}
            return subject in gates or isinstance(find_part(subject, site.modules), Part)


def _event(command: AlarmCommand, kind: AlarmKind, record: AlarmRecord, utc_ms: int) -> Event:
    """What an allowed command makes happen; raises MachineError if the alarm's state forbids it."""

    def after(trigger: str) -> str:
        return ALARM.next(
            record.state,
            trigger,
            latches=kind.latches,
            is_active=record.active,
            was_acknowledged=record.acknowledged,
        )

    match command:
        case AcknowledgeAlarm():
            return AlarmAcknowledged(command.alarm, after("acknowledge"), command.operator)
        case ResetAlarm():
            after("reset")
            return AlarmReset(command.alarm, command.operator)
        case ShelveAlarm():
            after("shelve")
            return AlarmShelved(command.alarm, utc_ms + command.duration_ms, command.operator, command.reason)
        case UnshelveAlarm():
            return AlarmUnshelved(command.alarm, after("unshelve"), command.operator)
        case TakeAlarmOut():
            after("take_out")
            return AlarmTakenOut(command.alarm, command.operator, command.reason)
        case PutAlarmBack():
            return AlarmPutBack(command.alarm, after("put_back"), command.operator)
