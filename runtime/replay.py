"""Any past event again: what the controller knew at that moment, what it saw, and why it acted or refused.

Decides what is shown. What was known is the memory folded from the events up to the one asked for, by the same code
that ran then; what was seen is the sight recorded with moves, locks and refusals (`domain.sight`). Nothing is asked of
the machine, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from controller.memory import Memory
from domain.event_words import tell_event, tell_reason, without_plates
from domain.events import Recorded, to_payload
from domain.ids import JobId, ModuleId
from domain.reasons import tell
from domain.sight import tell_sight
from domain.site import Site
from runtime.journal import Journal

PAGE = 500
LOOK_BACK = 10_000
"""So many events are searched for neighbours of the same job or module."""

_NEVER_SHOWN = ("pin_digest",)
_ONLY_WITH_PLATES = ("vehicle",)


class NotThere(LookupError):
    """The journal has no such event."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which event, and which events around it: all, or those of one job or module."""

    seq: int | None = None
    at_utc_ms: int | None = None
    job: JobId | None = None
    module: ModuleId | None = None
    around: int = 20


def replay(journal: Journal, site: Site, wanted: Wanted) -> dict[str, Any]:
    """The event with its neighbours and the knowledge of its moment, JSON-ready; raises NotThere, JournalError."""
    seq = _find(journal, wanted)
    memory = memory_at(journal, seq)
    before = _before(journal, memory, wanted, seq)
    shown = [*reversed(before), *_after(journal, memory, wanted, seq)]
    return {
        "event": event_view(before[0], site),
        "knew": knowledge(memory),
        "around": [event_view(record, site) for record in shown],
    }


def _find(journal: Journal, wanted: Wanted) -> int:
    head = journal.head.seq
    if wanted.seq is not None:
        seq = wanted.seq
    elif wanted.at_utc_ms is not None:
        seq = journal.last_seq_at(wanted.at_utc_ms)
    elif wanted.job is not None or wanted.module is not None:
        memory = memory_at(journal, head)
        backwards = _backwards(journal, head)
        seq = next((one.seq for one in backwards if _concerns(one, memory, wanted)), 0)
    else:
        seq = head
    if not 1 <= seq <= head:
        raise NotThere(f"the journal has the events 1 to {head}, and not the one asked for")
    return seq


def memory_at(journal: Journal, seq: int) -> Memory:
    """What was known after event `seq`: from the newest snapshot before it, or from the first event."""
    kept = [snapshot for snapshot in journal.snapshots() if snapshot.seq <= seq]
    memory = Memory.from_state(kept[-1].state) if kept else Memory()
    while memory.seq < seq:
        page = journal.events_after(memory.seq, min(2000, seq - memory.seq))
        if not page:
            raise NotThere(f"the journal ends at event {memory.seq}")
        memory.replay(page)
    return memory


def _backwards(journal: Journal, seq: int) -> Iterator[Recorded]:
    while seq > 0:
        first = max(0, seq - PAGE)
        yield from journal.events_before(seq + 1, seq - first)
        seq = first


def _before(journal: Journal, memory: Memory, wanted: Wanted, seq: int) -> list[Recorded]:
    """The event itself and those that concern the same, backwards."""
    backwards = _backwards(journal, seq)
    target = next(backwards)
    others = (one for one in islice(backwards, LOOK_BACK) if _concerns(one, memory, wanted))
    return [target, *islice(others, wanted.around)]


def _after(journal: Journal, memory: Memory, wanted: Wanted, seq: int) -> list[Recorded]:
    following = journal.events_after(seq, PAGE)
    return [one for one in following if _concerns(one, memory, wanted)][: wanted.around]


def _concerns(record: Recorded, memory: Memory, wanted: Wanted) -> bool:
    event = record.event
    job = getattr(event, "job", None)
    if wanted.job is not None and job != wanted.job and getattr(event, "subject", None) != wanted.job:
        return False
    if wanted.module is None:
        return True
    known = memory.jobs.get(job) if job is not None else None
    module = getattr(event, "module", None) or getattr(event, "device", None) or (known.module if known else None)
    bay = str(getattr(event, "bay", ""))
    return module == wanted.module or bay.startswith(f"{wanted.module}-")


def event_view(record: Recorded, site: Site, plates: bool = True) -> dict[str, Any]:
    """One event with its words and what was seen; without PIN digests, and without plates unless allowed."""
    event = record.event if plates else without_plates(record.event)
    hidden = _NEVER_SHOWN if plates else (*_NEVER_SHOWN, *_ONLY_WITH_PLATES)
    payload = {name: value for name, value in to_payload(event).items() if name not in hidden}
    seen = str(payload.get("seen", ""))
    bays = _bays_of(site, event, seen)
    return {
        "seq": record.seq,
        "utc_ms": record.utc_ms,
        "kind": type(event).__name__,
        "text_en": tell_event(event, "en"),
        "text_zh": tell_event(event, "zh"),
        "seen_en": tell_sight(seen, bays, "en") if seen else None,
        "seen_zh": tell_sight(seen, bays, "zh") if seen else None,
        "payload": payload,
    }


def _bays_of(site: Site, event: object, seen: str) -> Sequence[str]:
    """Names of the pallets that a sight counts: those of the event's module, else of none."""
    layout = site.layout.get(getattr(event, "module", None) or ModuleId(""))
    return layout.bay_names if seen and layout is not None else ()


def knowledge(memory: Memory) -> dict[str, Any]:
    """What the controller knew, as far as decisions depend on it; no plates, no PINs."""
    return {
        "seq": memory.seq,
        "garage": memory.garage,
        "garage_reason": memory.garage_reason,
        "cars_parked": len(memory.parked),
        "out_of_service": {part: mark.reason for part, mark in memory.out_of_service.items()},
        "modules": [
            {
                "id": name,
                "state": module.state,
                "reasons_en": [tell_reason(reason, "en") for reason in module.reasons],
                "reasons_zh": [tell_reason(reason, "zh") for reason in module.reasons],
                "faults": list(module.faults),
                "moves": [motion.command_id for motion in module.motions.values()],
                "down": module.down,
            }
            for name, module in sorted(memory.modules.items())
        ],
        "jobs": [
            {
                "job": job.id,
                "kind": job.kind,
                "bay": job.bay,
                "state": job.state,
                "session_state": job.session_state,
                "why_en": tell(job.why, "en"),
                "why_zh": tell(job.why, "zh"),
            }
            for names in memory.open_jobs.values()
            for job in (memory.jobs[name] for name in names)
        ],
    }
