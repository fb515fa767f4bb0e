"""Which commands get past a barrier, for every way in which pallets stand and every look of the world around them.

Decides how seldom a barrier is asked: what its answer must not depend on is not shown to it, so that each question is
put once for all states that differ only in that; and it is put first with as much hidden as can be, because most
commands are refused before anybody looks where a pallet stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

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
        self._slides: dict[tuple[int, ...], tuple[tuple[str, int, str | None], ...]] = {}
        self._open_slides: dict[tuple[int, ...], tuple[Sliding, ...]] = {}
        self._lifts: dict[tuple[int, ...], tuple[tuple[Opcode, str, int, str | None], ...]] = {}
        self._open_lifts: dict[tuple[int, ...], tuple[Lifting, ...]] = {}
        self._gates: dict[tuple[int, ...], bool] = {}
        self._gates_unseen: dict[tuple[object, ...], bool | None] = {}
        self._returns: dict[tuple[int, ...], bool] = {}

    def commands(self, low: int, look: Look) -> Iterator[Command]:
        """Every command to pallets that gets past the barrier."""
        if not look.ways:
            return
        stand = self._stands.stand(low)
        if _falls_unseen(stand.lift, look.seen.fault):
            return
        for way, (hand, opcodes) in enumerate(look.ways):
            if hand is not None and not _is_true(hand.bypass, stand.lift):
                continue
            for position, level in enumerate(self._levels):
                if Opcode.SLIDE in opcodes:
                    for label, row, wrong in self._slides_of(low, stand, look, way, position):
                        after = self._stands.with_row_number(low, position, row)
                        yield Command(label, after, wrong, Opcode.SLIDE, hand)
                if not opcodes.isdisjoint(LIFT_OPCODES):
                    for opcode, label, lift, wrong in self._lifts_of(low, stand, look, way, level):
                        yield Command(label, self._stands.with_lift_number(low, lift), wrong, opcode, hand)

    def _slides_of(
        self, low: int, stand: Stand, look: Look, way: int, position: int
    ) -> tuple[tuple[str, int, str | None], ...]:
        level = self._levels[position]
        exact = self._stands.shown(low, look.seen.fault, range(level, level + 1))
        about = (level, look.number, way, low >> self._stands.lift_shift)
        key = (*about, *exact)
        found = self._slides.get(key)
        if found is None:
            hidden = self._stands.veiled(exact, low, level)
            among = self._open_slides.get((*about, *hidden))
            if among is None:
                among = self._barrier.open_slides(self._asked(stand, look, way, level, hidden))
                self._open_slides[*about, *hidden] = among
            asked = self._asked(stand, look, way, level, exact)
            found = self._slides[key] = tuple(self._slides_begin(stand, asked, position, among)) if among else ()
        return found

    def _slides_begin(
        self, stand: Stand, asked: Asked, position: int, among: tuple[Sliding, ...]
    ) -> Iterator[tuple[str, int, str | None]]:
        for first, second, after in self._barrier.slides(asked, among):
            wrong = self._judge.slide(stand, position, after, asked.hand, self._mode)
            label = f"{told(asked.hand)}slide of level {asked.level} from {first} to {second} begins"
            yield label, self._stands.row_number(position, under_way(after)), wrong

    def _lifts_of(
        self, low: int, stand: Stand, look: Look, way: int, level: int
    ) -> tuple[tuple[Opcode, str, int, str | None], ...]:
        exact = self._stands.shown(low, look.seen.fault, range(1, level + 1))
        about = (level, look.number, way, low >> self._stands.lift_shift)
        key = (*about, *exact)
        found = self._lifts.get(key)
        if found is None:
            hidden = self._stands.veiled(exact, low, level)
            among = self._open_lifts.get((*about, *hidden))
            if among is None:
                among = self._barrier.open_lifts(self._asked(stand, look, way, level, hidden))
                self._open_lifts[*about, *hidden] = among
            asked = self._asked(stand, look, way, level, exact)
            found = self._lifts[key] = tuple(self._lifts_begin(stand, asked, among)) if among else ()
        return found

    def _lifts_begin(
        self, stand: Stand, asked: Asked, among: tuple[Lifting, ...]
    ) -> Iterator[tuple[Opcode, str, int, str | None]]:
        for opcode, offset in self._barrier.lifts(asked, among):
            begun = self._lift_begins(stand, opcode, offset, asked.seen.fault, asked.hand)
            if begun is not None:
                yield begun

    def _asked(self, stand: Stand, look: Look, way: int, level: int, numbers: Sequence[int]) -> Asked:
        return Asked(level, self._stands.rows(stand, numbers), stand.lift, look.seen, look.ways[way][0])

    def _lift_begins(
        self, stand: Stand, opcode: Opcode, offset: int, fault: Fault | None, hand: Hand | None
    ) -> tuple[Opcode, str, int, str | None] | None:
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
        if not look.ways:
            return
        stand = self._stands.stand(low)
        if _falls_unseen(stand.lift, look.seen.fault):
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
