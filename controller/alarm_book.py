"""What the garage remembers of its alarms: a fold of alarm events, part of the memory.

Decides which annunciations count (an alarm that is back within a minute is the same one), and which
alarm was the first of its burst. When alarms come and go is decided by `controller.alarms`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from domain.alarms import BURST_MS, CHATTER_MS, AlarmId
from domain.events import (
    AlarmAcknowledged,
    AlarmPutBack,
    AlarmRaised,
    AlarmReset,
    AlarmReturned,
    AlarmShelved,
    AlarmSuppressed,
    AlarmTakenOut,
    AlarmUnshelved,
    AlarmUnsuppressed,
)

LOG_KEPT = 10_000
"""Annunciations remembered for the statistics: a month of the most that an operator can manage."""

LOG_KEPT_MS = 31 * 86_400_000

AlarmEvent: TypeAlias = (
    AlarmRaised
    | AlarmReturned
    | AlarmSuppressed
    | AlarmUnsuppressed
    | AlarmAcknowledged
    | AlarmReset
    | AlarmShelved
    | AlarmUnshelved
    | AlarmTakenOut
    | AlarmPutBack
)
ALARM_EVENTS: tuple[type[AlarmEvent], ...] = AlarmEvent.__args__


@dataclass(slots=True)
class AlarmRecord:
    """One alarm; `state` is one of the ALARM table, `active` whether its cause stands.

    `place` counts from 1 within `burst`; the first-out has place 1. Both are 0 before it was ever told.
    """

    state: str = "normal"
    active: bool = False
    acknowledged: bool = False
    about: str = ""
    raised_utc_ms: int = 0
    returned_utc_ms: int | None = None
    shelved_until_utc_ms: int | None = None
    because: str = ""
    operator: str = ""
    reason: str = ""
    burst: int = 0
    place: int = 0


@dataclass(slots=True)
class AlarmBook:
    """All alarms that are not normal (or were a minute ago), and when alarms were told."""

    records: dict[AlarmId, AlarmRecord] = field(default_factory=dict)
    told: list[tuple[int, AlarmId]] = field(default_factory=list)
    """Annunciations that count, as (utc_ms, alarm), oldest first."""
    since_utc_ms: int | None = None
    """From when on annunciations were counted."""
    burst: int = 0
    burst_size: int = 0
    burst_utc_ms: int = 0
    """When the last alarm of the last burst was told."""

    @classmethod
    def from_state(cls, state: dict[str, Any] | None) -> AlarmBook:
        """The book of a snapshot; an empty one of a snapshot from before there were alarms."""
        if state is None:
            return cls()
        records = {AlarmId(name): AlarmRecord(**fields) for name, fields in state["records"].items()}
        return cls(**{**state, "records": records, "told": [(at, AlarmId(name)) for at, name in state["told"]]})

    def open_since(self, utc_ms: int) -> None:
        """The garage started; the first start is where the statistics begin."""
        if self.since_utc_ms is None:
            self.since_utc_ms = utc_ms

    def apply(self, event: AlarmEvent, utc_ms: int) -> None:
        """Fold one event in."""
        record = self.records.setdefault(event.alarm, AlarmRecord())
        before = record.state
        match event:
            case AlarmRaised():
                self._raise(record, event.about, utc_ms)
                record.state = event.state
            case AlarmReturned():
                record.active, record.returned_utc_ms, record.state = False, utc_ms, event.state
                record.acknowledged, record.because = False, ""
            case AlarmSuppressed():
                if not record.active:
                    self._raise(record, event.about, utc_ms)
                record.because, record.state = event.because, "suppressed"
            case AlarmUnsuppressed() | AlarmUnshelved() | AlarmPutBack():
                record.state, record.because, record.shelved_until_utc_ms = event.state, "", None
            case AlarmAcknowledged():
                record.state, record.acknowledged, record.operator = event.state, record.active, event.operator
            case AlarmReset():
                record.state, record.operator = "normal", event.operator
            case AlarmShelved():
                record.state, record.shelved_until_utc_ms = "shelved", event.until_utc_ms
                record.operator, record.reason = event.operator, event.reason
            case AlarmTakenOut():
                record.state, record.operator, record.reason = "out_of_service", event.operator, event.reason
                record.shelved_until_utc_ms = None
        if record.state == "unacknowledged" and before != "unacknowledged":
            self._tell(event.alarm, record, utc_ms)
        elif record.state == "normal":
            self._forget_old(utc_ms)

    def _raise(self, record: AlarmRecord, about: str, utc_ms: int) -> None:
        if not record.active:
            record.raised_utc_ms = utc_ms
        record.active, record.about = True, about

    def _tell(self, alarm: AlarmId, record: AlarmRecord, utc_ms: int) -> None:
        """Somebody must look: count it unless it is the same as a minute ago, and place it in its burst."""
        record.acknowledged = False
        returned = record.returned_utc_ms
        if returned is None or utc_ms - returned >= CHATTER_MS:
            self.told.append((utc_ms, alarm))
            while len(self.told) > LOG_KEPT or self.told[0][0] < utc_ms - LOG_KEPT_MS:
                del self.told[0]
        if self.burst == 0 or utc_ms - self.burst_utc_ms > BURST_MS:
            self.burst, self.burst_size = self.burst + 1, 0
        self.burst_size, self.burst_utc_ms = self.burst_size + 1, utc_ms
        record.burst, record.place = self.burst, self.burst_size

    def _forget_old(self, utc_ms: int) -> None:
        """Normal alarms are kept for a minute only, to know them again when they chatter."""
        over = [
            name
            for name, record in self.records.items()
            if record.state == "normal" and utc_ms - (record.returned_utc_ms or 0) > CHATTER_MS
        ]
        for name in over:
            del self.records[name]
