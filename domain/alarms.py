"""The words in which alarms are spoken of, and the few times and counts that hold for all of them.

Decides what an alarm kind is made of; which there are stands in `domain.alarm_catalogue`. When one is
raised is decided by `controller.alarms`. What asks nobody to act is an event, not an alarm (ISA-18.2,
IEC 62682).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NewType

from domain.faults import FaultNumber

AlarmId = NewType("AlarmId", str)
"""`code:subject`, as `plc_lost:A`; of the whole site the code alone; `plc_lost:*` stands for several."""

SHELVE_MAX_MS = 8 * 3_600_000
"""Nobody shelves an alarm for longer than a shift."""

GROUP_MIN = 3
"""So many alarms of one kind at once have one cause somewhere: they are told as one alarm."""

BURST_MS = 10_000
"""Alarms that follow each other so closely are one burst; its first is the first-out."""

CHATTER_MS = 60_000
"""An alarm that is back sooner than this after it returned is the same alarm, and counted once."""

STALE_MS = 86_400_000
"""An alarm that stands for longer is stale: it tells nobody anything any more."""

PART_REMINDER_MS = 86_400_000
"""A part that was taken out of service is asked about after a day."""

EVERYTHING = "*"
"""The subject of an alarm that stands for several."""


class Priority(IntEnum):
    """How soon somebody must act; the smaller the sooner."""

    CRITICAL = 1
    HIGH = 2
    MEDIUM = 3
    LOW = 4


class AlarmClass(Enum):
    """How an alarm is managed. `safety`: never shelved, never out of service, never hidden by another kind."""

    SAFETY = "safety"
    MACHINE = "machine"
    SYSTEM = "system"
    SERVICE = "service"


class Scope(Enum):
    """What the subject of an alarm names."""

    SITE = "site"
    MODULE = "module"
    SPOT = "spot"
    JOB = "job"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One sentence in both languages."""

    english: str
    chinese: str

    def text(self, language: str) -> str:
        """The sentence; `language` is `zh` or `en`."""
        return self.chinese if language == "zh" else self.english


@dataclass(frozen=True, slots=True)
class AlarmKind:
    """One line of the catalogue.

    `behind` names the kinds that, standing for the same module, explain this one: it is suppressed by
    design as long. `on_delay_ms` passes before it is raised, `off_delay_ms` before it returns.
    """

    number: int
    code: str
    scope: Scope
    priority: Priority
    alarm_class: AlarmClass
    title: Bilingual
    cause: Bilingual
    consequence: Bilingual
    action: Bilingual
    latches: bool = False
    behind: frozenset[str] = frozenset()
    on_delay_ms: int = 0
    off_delay_ms: int = 10_000

    @property
    def is_safety(self) -> bool:
        """Whether it may never be shelved, taken out of service or hidden behind another kind."""
        return self.alarm_class is AlarmClass.SAFETY


_FAULT_CODES = {int(number): number.name.lower() for number in FaultNumber}


def alarm_id(code: str, subject: str = "") -> AlarmId:
    """The name of an alarm."""
    return AlarmId(f"{code}:{subject}" if subject else code)


def split_id(name: str) -> tuple[str, str]:
    """Code and subject of an alarm's name; the subject of the whole site is empty."""
    code, _, subject = name.partition(":")
    return code, subject


def fault_code(number: int) -> str:
    """The code of the alarm that a numbered fault raises; an unknown number has its own."""
    return _FAULT_CODES.get(number, "unknown_fault")
