"""What the garage remembers of the wear of its parts: a fold of moves and of work done, part of the memory.

Decides what a move adds to which part. Only moves that ended well count; a pallet's slides are those in which
its own switch said that it moved. What is due, and what has drifted, is decided by `controller.maintenance`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from domain.events import CountersRead, MotionEnded, WorkRecorded
from domain.ids import ModuleId
from domain.maintenance import REPAIR, Counted, Trend, gate_of, pallet_of, row_of
from domain.outputs import Opcode

WORKS_KEPT = 200
"""Works remembered for the list; the journal has all of them."""

PLC_BEHIND_MAX = 3
"""A PLC that has counted so many moves fewer than we have lost its counters, or is another one."""

_TIMES = {
    Opcode.SLIDE: "slide_ms",
    Opcode.LOWER: "lower_ms",
    Opcode.RAISE: "raise_ms",
    Opcode.GATE_OPEN: "open_ms",
    Opcode.GATE_CLOSE: "close_ms",
}
_HOOKS = {Opcode.LOWER: "hook_open_ms", Opcode.RAISE: "hook_close_ms"}
_POWERS = {Opcode.SLIDE: "slide_w", Opcode.LOWER: "lower_empty_w", Opcode.RAISE: "raise_empty_w"}


@dataclass(slots=True)
class Tally:
    """What one part has done since the journal began, and what it takes to do it (`domain.maintenance.Trend`)."""

    lifts: int = 0
    slides: int = 0
    cycles: int = 0
    run_ms: int = 0
    energy_j: int = 0
    trends: dict[str, Trend] = field(default_factory=dict)

    def counted(self, what: Counted) -> int:
        """The count that wears the part."""
        return self.run_ms // 3_600_000 if what is Counted.RUN_HOURS else int(getattr(self, what.value))

    def learn(self, what: str, value: int | None) -> None:
        """One more measurement, if there is one."""
        if value is not None:
            self.trends[what] = self.trends.get(what, Trend()).learnt(value)


@dataclass(slots=True)
class Done:
    """A service done on a part: when, by whom, and what the part had counted by then."""

    utc_ms: int
    person: str
    note: str
    tally: dict[str, int]

    def counted(self, what: Counted) -> int:
        """The count at that time."""
        return self.tally.get(what.value, 0)


@dataclass(slots=True)
class Work:
    """One entry of the list of works."""

    utc_ms: int
    service: str
    parts: tuple[str, ...]
    operator: str
    person: str
    note: str
    renewed: bool


@dataclass(slots=True)
class PlcCounts:
    """What a PLC and we had counted when we began to compare."""

    utc_ms: int
    lifts: int
    slides: int
    run_s: int
    our_lifts: int
    our_slides: int
    our_run_ms: int


@dataclass(slots=True)
class MaintenanceBook:
    """All parts that have moved, by name; services done, by service and part."""

    since_utc_ms: int | None = None
    tallies: dict[str, Tally] = field(default_factory=dict)
    done: dict[str, dict[str, Done]] = field(default_factory=dict)
    works: list[Work] = field(default_factory=list)
    work_count: int = 0
    plcs: dict[ModuleId, PlcCounts] = field(default_factory=dict)

    @classmethod
    def from_state(cls, state: dict[str, Any] | None) -> MaintenanceBook:
        """The book of a snapshot; an empty one of a snapshot from before parts were counted."""
        if state is None:
            return cls()
        return cls(
            since_utc_ms=state["since_utc_ms"],
            tallies={name: _tally_from(tally) for name, tally in state["tallies"].items()},
            done={
                service: {part: Done(**mark) for part, mark in parts.items()}
                for service, parts in state["done"].items()
            },
            works=[Work(**{**work, "parts": tuple(work["parts"])}) for work in state["works"]],
            work_count=state["work_count"],
            plcs={module: PlcCounts(**counts) for module, counts in state["plcs"].items()},
        )

    def tally(self, part: str) -> Tally:
        """The tally of a part, made at first use."""
        return self.tallies.setdefault(part, Tally())

    def open_since(self, utc_ms: int) -> None:
        """The garage started; the first start is where counting begins."""
        if self.since_utc_ms is None:
            self.since_utc_ms = utc_ms

    def moved(self, event: MotionEnded, opcode: Opcode, first: int, second: int) -> None:
        """A move has ended; `opcode` is the plain one, by hand or not, `first` and `second` as asked."""
        module, level = event.module, event.mailbox
        whole = self.tally(module)
        whole.run_ms += event.run_ms
        whole.energy_j += event.energy_j
        if event.result != "done":
            return
        match opcode:
            case Opcode.SLIDE:
                # Without a picture of the move (a restart in between) nobody knows which pallets slid.
                count = len(event.moved) or abs(first - second)
                whole.slides += count
                self._move(row_of(module, level), opcode, event, slides=count)
                for index in event.moved:
                    self.tally(pallet_of(module, level, index)).slides += 1
            case Opcode.LOWER | Opcode.RAISE:
                whole.lifts += 1
                self._move(pallet_of(module, level, first), opcode, event, lifts=1)
            case Opcode.GATE_OPEN:
                self._move(gate_of(module), opcode, event, cycles=1)
            case Opcode.GATE_CLOSE:
                self._move(gate_of(module), opcode, event)

    def _move(
        self, part: str, opcode: Opcode, event: MotionEnded, *, lifts: int = 0, slides: int = 0, cycles: int = 0
    ) -> None:
        tally = self.tally(part)
        tally.lifts += lifts
        tally.slides += slides
        tally.cycles += cycles
        tally.learn(_TIMES[opcode], event.took_ms)
        if opcode in _HOOKS:
            tally.learn(_HOOKS[opcode], event.hook_ms)
        if opcode in _POWERS:
            tally.learn(_POWERS[opcode], event.power_w)

    def counters_read(self, event: CountersRead, utc_ms: int) -> None:
        """Compare from here on, if nothing was compared yet or the PLC has lost its counters."""
        ours, known = self.tally(event.module), self.plcs.get(event.module)
        if known is not None:
            behind = (ours.lifts - known.our_lifts) - (event.lifts - known.lifts)
            behind = max(behind, (ours.slides - known.our_slides) - (event.slides - known.slides))
            if behind <= PLC_BEHIND_MAX:
                return
        self.plcs[event.module] = PlcCounts(
            utc_ms, event.lifts, event.slides, event.run_s, ours.lifts, ours.slides, ours.run_ms
        )

    def work_recorded(self, event: WorkRecorded, utc_ms: int) -> None:
        """The service counts anew for these parts; what was renewed has to show again what is usual for it."""
        for part in event.parts:
            tally = self.tally(part)
            if event.renewed:
                tally.trends.clear()
            if event.service != REPAIR:
                counts = {what.value: tally.counted(what) for what in Counted}
                self.done.setdefault(event.service, {})[part] = Done(utc_ms, event.person, event.note, counts)
        self.work_count += 1
        self.works.append(
            Work(utc_ms, event.service, event.parts, event.operator, event.person, event.note, event.renewed)
        )
        del self.works[:-WORKS_KEPT]


def _tally_from(state: dict[str, Any]) -> Tally:
    trends = {what: Trend(tuple(trend["values"]), trend["usual"]) for what, trend in state["trends"].items()}
    return Tally(**{**state, "trends": trends})
