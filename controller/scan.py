"""What the parts of one step share: the moment, the inputs, and a place for what they decide."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.memory import Memory
from domain.commands import Reply
from domain.events import Event, Recorded
from domain.moment import NEVER_MS, Moment
from domain.outputs import MailboxWrite, ManualWrite, Outputs, SpotSetpoint
from domain.signals import Inputs


class InvariantBroken(Exception):
    """Something that cannot be: a bug. The machine is stopped, not worked around."""


@dataclass(frozen=True, slots=True)
class Step:
    """Outcome of one step: what to ask, what happened, answers in command order, when to wake."""

    outputs: Outputs
    events: tuple[Recorded, ...]
    replies: tuple[Reply, ...]
    wake_ms: int

    @property
    def is_quiet(self) -> bool:
        """Whether nothing changed and nothing is asked."""
        asked = self.outputs.mailboxes or self.outputs.manual or self.outputs.setpoints
        return not self.events and not asked


@dataclass(slots=True)
class Scan:
    """One step in the making. Parts emit events (which change the memory at once) and ask."""

    moment: Moment
    inputs: Inputs
    memory: Memory
    events: list[Recorded] = field(default_factory=list)
    mailboxes: list[MailboxWrite] = field(default_factory=list)
    manual: list[ManualWrite] = field(default_factory=list)
    setpoints: list[SpotSetpoint] = field(default_factory=list)
    wake_ms: int = NEVER_MS

    def emit(self, event: Event) -> None:
        """Record one event and fold it into the memory."""
        record = Recorded(self.memory.seq + 1, self.moment.utc_ms, event)
        self.memory.apply(record)
        self.events.append(record)

    def wake_at(self, mono_ms: int) -> None:
        """Ask to be run again at this time at the latest."""
        if mono_ms < self.wake_ms:
            self.wake_ms = mono_ms
