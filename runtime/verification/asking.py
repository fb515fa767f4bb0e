"""Which commands get past a barrier, for every way in which pallets stand and every look of the world around them.

Decides how seldom a barrier is asked: what its answer must not depend on is not shown to it, so that each question is
put once for all states that differ only in that; and it is put first with as much hidden as can be, because most
commands are refused before anybody looks where a pallet stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from domain.grid import ModuleLayout
from domain.machine import Machine
from domain.outputs import GATE, Bypass, Opcode
from runtime.verification.barriers import (
    GATE_OPCODES,
    LIFT_OPCODES,
    NO_PALLET,
    Asked,
    Barrier,
    Lifting,
    Sliding,
)
from runtime.verification.judge import Stand
from runtime.verification.lifts import HOME, Lift, Load, first_phase, phases
from runtime.verification.rows import under_way
from runtime.verification.stands import Stands
from runtime.verification.supervisor_barrier import SupervisorBarrier
from runtime.verification.world import Fault, Hand, Seen, Sensor

T = TypeVar("T")


class Command(NamedTuple):
    """A command that gets past the barrier: how pallets stand once it has begun, and the rule that it breaks."""

    label: str
    low: int
    wrong: str | None
    opcode: Opcode
    hand: Hand | None


class Look(NamedTuple):
    """What is seen of some worlds, and which commands get past that, in which way."""

    number: int
    seen: Seen
    ways: tuple[tuple[Hand | None, frozenset[Opcode]], ...]


Begun = tuple[Opcode, str, int, str | None]
"""A move that begins: how, in words, the number of the row or lift then, and the rule that it breaks."""


@dataclass(frozen=True, slots=True)
class _Kind(Generic[T]):
    """Slides or lifts: how a barrier is asked about them, and what it has answered so far."""

    own_level_only: bool
    """Whether only the level's own row matters to it, not those below."""
    ask: Callable[[Asked], tuple[T, ...]]
    begin: Callable[[Stand, Asked, tuple[T, ...]], Iterator[Begun]]
    open: dict[tuple[int, ...], tuple[T, ...]] = field(default_factory=dict)
    begun: dict[tuple[int, ...], tuple[Begun, ...]] = field(default_factory=dict)


class Asking:
    """One barrier, and what it has answered so far."""

    def __init__(
        self, layout: ModuleLayout, machine: Machine, levels: tuple[int, ...], barrier: Barrier, stands: Stands
    ) -> None:
        self._layout = layout
        self._levels = levels
        self._kind = machine.hook_kind
        self._phases = phases(machine.hook_kind)
        self._barrier = barrier
        self._supervisor = barrier if isinstance(barrier, SupervisorBarrier) else None
        # The planner keeps to the machine's way of sliding; its guard is the PLC's alone.
        self._mode = None if self._supervisor else machine.slide_mode
        self._stands = stands
        self._judge = stands.judge
        self._slides = _Kind(True, barrier.open_slides, self._slides_begin)
        self._lifts = _Kind(False, barrier.open_lifts, self._lifts_begin)
        self._gates: dict[tuple[int, ...], bool] = {}
        self._gates_unseen: dict[tuple[object, ...], bool | None] = {}
        self._returns: dict[tuple[int, ...], bool] = {}

    def commands(self, low: int, look: Look) -> Iterator[Command]:
        """Every command to pallets that gets past the barrier."""
        stand = self._stand_to_ask(low, look)
        if stand is None:
            return
        for way, (hand, opcodes) in enumerate(look.ways):
            if hand is not None and not _is_true(hand.bypass, stand.lift):
                continue
            for position, level in enumerate(self._levels):
                if Opcode.SLIDE in opcodes:
                    for opcode, label, row, wrong in self._begun(self._slides, low, look, way, level):
                        yield Command(label, self._stands.with_row_number(low, position, row), wrong, opcode, hand)
                if not opcodes.isdisjoint(LIFT_OPCODES):
                    for opcode, label, lift, wrong in self._begun(self._lifts, low, look, way, level):
                        yield Command(label, self._stands.with_lift_number(low, lift), wrong, opcode, hand)

    def _stand_to_ask(self, low: int, look: Look) -> Stand | None:
        """How the pallets stand, if anything can be asked while they do."""
        stand = self._stands.stand(low)
        return stand if look.ways and not _falls_unseen(stand.lift, look.seen.fault) else None

    def _begun(self, kind: _Kind[T], low: int, look: Look, way: int, level: int) -> tuple[Begun, ...]:
        """The moves of a level that begin: asked with all hidden that can be, and then what is left of them exactly."""
        first = level if kind.own_level_only else 1
        exact = self._stands.shown(low, look.seen.fault, range(first, level + 1))
        about = (level, look.number, way, low >> self._stands.lift_shift)
        key = (*about, *exact)
        found = kind.begun.get(key)
        if found is None:
            stand = self._stands.stand(low)
            hidden = self._stands.veiled(exact, low, level)
            among = kind.open.get((*about, *hidden))
            if among is None:
                among = kind.open[*about, *hidden] = kind.ask(self._asked(stand, look, way, level, hidden))
            asked = self._asked(stand, look, way, level, exact)
            found = kind.begun[key] = tuple(kind.begin(stand, asked, among)) if among else ()
        return found

    def _slides_begin(self, stand: Stand, asked: Asked, among: tuple[Sliding, ...]) -> Iterator[Begun]:
        position = self._levels.index(asked.level)
        for first, second, after in self._barrier.slides(asked, among):
            wrong = self._judge.slide(stand, position, after, asked.hand, self._mode)
            label = f"{told(asked.hand)}slide of level {asked.level} from {first} to {second} begins"
            yield Opcode.SLIDE, label, self._stands.row_number(position, under_way(after)), wrong

    def _lifts_begin(self, stand: Stand, asked: Asked, among: tuple[Lifting, ...]) -> Iterator[Begun]:
        for opcode, offset in self._barrier.lifts(asked, among):
            begun = self._lift_begins(stand, opcode, offset, asked.seen.fault, asked.hand)
            if begun is not None:
                yield begun

    def _asked(self, stand: Stand, look: Look, way: int, level: int, numbers: Sequence[int]) -> Asked:
        return Asked(level, self._stands.rows(stand, numbers), stand.lift, look.seen, look.ways[way][0])

    def _lift_begins(
        self, stand: Stand, opcode: Opcode, offset: int, fault: Fault | None, hand: Hand | None
    ) -> Begun | None:
        if offset == NO_PALLET:
            nonsense = "R3: a pallet is lifted that does not exist or has no hoist"
            return opcode, f"{told(hand)}{opcode.name} of no pallet begins", 0, nonsense
        lift = stand.lift
        here = lift.phase if lift is not None and lift.offset == offset else HOME
        phase = first_phase(self._kind, opcode, here, by_hand=hand is not None)
        if phase is None and here == HOME and opcode is Opcode.RAISE and fault is not None and fault.offset == offset:
            phase = "CLOSING"  # a switch says that it is away: its hook opens and closes again
        if phase is None:
            return None
        after = lift._replace(phase=phase) if lift is not None and here != HOME else Lift(offset, phase)
        label = f"{told(hand)}{opcode.name} of {self._judge.name(after)} begins"
        wrong = self._judge.lift(stand, after, opcode, here, fault, hand)
        return opcode, label, self._stands.lift_number(after), wrong

    def gates(self, low: int, look: Look) -> Iterator[tuple[Opcode, Hand | None, str | None]]:
        """Every gate command that gets past the barrier, and the rule that it breaks by how the pallets stand."""
        stand = self._stand_to_ask(low, look)
        if stand is None:
            return
        for way, (hand, opcodes) in enumerate(look.ways):
            for opcode in GATE_OPCODES:
                if opcode not in opcodes or (hand is not None and hand.bypass):
                    continue
                if self._gate_may(opcode, low, stand, look, way):
                    yield opcode, hand, self._judge.opening(stand) if opcode is Opcode.GATE_OPEN else None

    def _gate_may(self, opcode: Opcode, low: int, stand: Stand, look: Look, way: int) -> bool:
        """Whether a gate command gets past the barrier; most are answered before it looks at a pallet."""
        lift = stand.lift
        driven = None if lift is None else (self._layout.bays[lift.offset].level, self._phases[lift.phase].move)
        gists = [self._stands.gist(low, position) for position in range(len(self._levels))]
        unseen = (opcode, look.number, way, driven, *gists)
        if unseen not in self._gates_unseen:
            asked = self._asked(stand, look, way, GATE, gists)
            self._gates_unseen[unseen] = self._barrier.gate_unseen(opcode, asked)
        answer = self._gates_unseen[unseen]
        if answer is not None:
            return answer
        numbers = self._stands.shown(low, look.seen.fault, range(0))
        key = (opcode, look.number, way, low >> self._stands.lift_shift, *numbers)
        if key not in self._gates:
            self._gates[key] = self._barrier.gate(opcode, self._asked(stand, look, way, GATE, numbers))
        return self._gates[key]

    def returns(self, low: int, look: Look) -> bool:
        """Whether a supervisor that has lost everything may use the module again."""
        barrier = self._supervisor
        if barrier is None or not barrier.may_return(look.seen):
            return False
        stand = self._stands.stand(low)
        numbers = self._stands.shown(low, look.seen.fault, range(0))
        key = (look.number, low >> self._stands.lift_shift, *numbers)
        if key not in self._returns:
            self._returns[key] = barrier.returns(self._stands.rows(stand, numbers), stand.lift, look.seen)
        return self._returns[key]


def told(hand: Hand | None) -> str:
    """How a command is asked for, in words."""
    if hand is None:
        return ""
    aside = f", {hand.bypass.name} set aside" if hand.bypass else ""
    return f"by hand{aside}: " if hand.held else "by hand, not held: "


def _is_true(bypass: Bypass, lift: Lift | None) -> bool:
    """Whether what two people set aside is truly as its sensor should say; they have looked."""
    if bypass is Bypass.HOOK_CLOSED:
        return lift is None or lift.phase != "FALLING_IN"
    return bypass is Bypass.NONE or lift is None or lift.load is not Load.HALF


def _falls_unseen(lift: Lift | None, fault: Fault | None) -> bool:
    """A hook falls in behind its stuck switch: it has, in two seconds, before anybody has asked for anything."""
    return (
        lift is not None
        and lift.phase == "FALLING_IN"
        and fault is not None
        and (fault.offset, fault.sensor) == (lift.offset, Sensor.HOOK_CLOSED)
    )
