"""The PLCs as keepers of the journal's head, so that a supervisor with an older or another journal is noticed.

Decides when a PLC is told of the newest durable event (the head has moved, and some seconds have passed since it was
told last: never in every scan), and whether what a PLC keeps is in our journal. A PLC in doubt is told nothing until
an operator has confirmed its module: its anchor is the evidence. What a doubt means for the module is the
controller's: it stays locked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from domain.events import ModuleConfirmed, Recorded
from domain.ids import ModuleId
from domain.signals import Inputs, KeptHead, LinkSignal
from runtime.journal import Head, Journal, JournalError

HASH_DIGITS = 16
PERIOD_MS = 10_000

Tell = Callable[[ModuleId, KeptHead], None]


class AnchorKeeper:
    """Judges what PLCs keep when they answer for the first time, and tells them of new heads."""

    def __init__(self, journal: Journal, period_ms: int = PERIOD_MS) -> None:
        self._journal = journal
        self._period_ms = period_ms
        self._known: dict[ModuleId, KeptHead] = {}
        """What each PLC keeps as far as it was judged, or what it was told."""
        self._due_ms = 0
        self._is_behind = True
        self.doubts: Mapping[ModuleId, str] = {}

    def judged(self, inputs: Inputs) -> Inputs:
        """The image with the modules whose PLC keeps what our journal does not have; mostly the image itself."""
        for name, link in inputs.module_links.items():
            if link.kept is not None and link.kept != self._known.get(name):
                self._judge_one(name, link.kept)
        return replace(inputs, journal_doubts=self.doubts) if self.doubts else inputs

    def _judge_one(self, name: ModuleId, kept: KeptHead) -> None:
        self._known[name] = kept
        self._is_behind = True
        doubt = self._doubt(kept)
        others = {module: text for module, text in self.doubts.items() if module != name}
        self.doubts = others if doubt is None else {**others, name: doubt}

    def _doubt(self, kept: KeptHead) -> str | None:
        if kept.seq == 0:
            return None
        try:
            head = self._journal.head
            stored = self._journal.hash_of(kept.seq)
        except JournalError:
            return f"event {kept.seq} cannot be looked up"
        if stored is None and kept.seq <= head.seq:
            return f"the PLC keeps event {kept.seq}, the journal has lost it"
        if stored is None:
            return f"the PLC keeps event {kept.seq}, the journal ends at {head.seq}"
        return None if stored.startswith(kept.hash) else f"event {kept.seq} is not the one that the PLC keeps"

    def scanned(
        self,
        mono_ms: int,
        events: Sequence[Recorded],
        links: Mapping[ModuleId, LinkSignal],
        tell: Tell,
        head: Head | None = None,
    ) -> None:
        """After each scan: hear the operator's word, and tell the PLCs what is durable when it is time.

        `head` is the newest durable event where the journal is written by a thread of its own; None: ask the journal.
        """
        if events:
            self._is_behind = True
            confirmed = {record.event.module for record in events if isinstance(record.event, ModuleConfirmed)}
            if confirmed & self.doubts.keys():
                self.doubts = {name: text for name, text in self.doubts.items() if name not in confirmed}
                self._due_ms = mono_ms
        if self._is_behind and mono_ms >= self._due_ms:
            self._due_ms = mono_ms + self._period_ms
            self._tell(links, head or self._journal.head, tell)

    def _tell(self, links: Mapping[ModuleId, LinkSignal], head: Head, tell: Tell) -> None:
        newest = KeptHead(head.seq, head.hash[:HASH_DIGITS])
        behind = [
            name
            for name, link in links.items()
            if name not in self.doubts and (link.kept is None or link.kept.seq != newest.seq)
        ]
        for name in behind:
            if links[name].kept is not None:
                self._known[name] = newest
                tell(name, newest)
        # Until a link shows what it was told, it counts as behind: a lost write is written again.
        self._is_behind = bool(behind)
