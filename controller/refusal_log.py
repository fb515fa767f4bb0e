"""Refused commands in the journal, so that "why did it refuse me?" has an answer later.

Decides which refusals are recorded: all, up to a number a minute, so that nobody can flood the journal by asking; the
next recorded one says how many were not. While the journal is away none is: the facts of running jobs come first.
PINs and their digests are never in a record.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from controller.module import ModuleControl
from controller.scan import Scan
from domain.commands import Command, Refused
from domain.events import CommandRefused
from domain.ids import BayId, JobId, ModuleId, Plate, parse_bay
from domain.sight import sight_of

RECORDED_PER_MINUTE_MAX = 30
_MINUTE_MS = 60_000
_SUBJECTS = ("job", "booking", "spot", "module", "bay", "part", "plate")
"""What a command is about: the first of these that it has."""


class RefusalLog:
    """Remembers only when it recorded last, which a restart may forget."""

    def __init__(self, modules: Mapping[ModuleId, ModuleControl]) -> None:
        self._modules = modules
        self._recorded_ms: deque[int] = deque()
        self._unrecorded = 0

    def note(self, scan: Scan, command: Command, refused: Refused) -> None:
        """Record one refusal, unless there were too many in the last minute."""
        now_ms = scan.moment.mono_ms
        while self._recorded_ms and self._recorded_ms[0] <= now_ms - _MINUTE_MS:
            self._recorded_ms.popleft()
        if not scan.inputs.journal_ok or len(self._recorded_ms) >= RECORDED_PER_MINUTE_MAX:
            self._unrecorded += 1
            return
        self._recorded_ms.append(now_ms)
        reasons = tuple(f"{r.code.code}:{r.about}" if r.about else r.code.code for r in refused.reasons)
        kind, subject = _subject(command)
        name = _module_of(scan, kind, subject)
        seen = sight_of(self._modules[name].image) if name is not None and name in self._modules else ""
        scan.emit(CommandRefused(type(command).__name__, subject, reasons, name, seen, self._unrecorded))
        self._unrecorded = 0


def _subject(command: Command) -> tuple[str, str]:
    for kind in _SUBJECTS:
        value = getattr(command, kind, None)
        if value is not None:
            return kind, str(value)
    return "garage", ""


def _module_of(scan: Scan, kind: str, subject: str) -> ModuleId | None:
    """The module that a command concerns, as far as that is known."""
    memory = scan.memory
    if kind == "module":
        return ModuleId(subject)
    if kind == "job" and JobId(subject) in memory.jobs:
        return memory.jobs[JobId(subject)].module
    if kind == "plate" and Plate(subject) in memory.parked:
        return parse_bay(memory.parked[Plate(subject)].bay).module
    if kind == "bay" and subject.count("-") == 2:
        return ModuleId(BayId(subject).partition("-")[0])
    return None
