"""The two barriers as a proof asks them: the soft PLC's rules and the supervisor's interlocks, each alone.

Decides nothing: every answer comes from the real functions of `sim.plc_rules` or
`controller.interlocks` (or from a copy of such a module with one guard deleted). A proof of some levels of
a module leaves the other rows where they hinder least: at rest, with their gap under the pallet that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from types import ModuleType
from typing import Protocol

from controller import interlocks, reconcile
from domain.faults import FaultNumber
from domain.grid import ModuleLayout
from domain.ids import Plate
from domain.machine import Machine
from domain.outputs import GATE, Bypass, MailboxWrite, Opcode
from domain.signals import GateState, ModuleImage, Pallet, PalletSignal
from runtime.verification.lifts import Lift, Phase, phases
from runtime.verification.rows import Gist, Row, blindly_slid, column_of, place_of, resting_row
from runtime.verification.sensed import HIDDEN, HIDDEN_SIGNAL, SensedModule, Unread, opcodes_of
from runtime.verification.world import Drive, Fault, Hand, Seen
from sim import plc_rules
from sim.plc_moves import GateMove, Move
from sim.plc_rules import Situation

Rows = Mapping[int, Row | Gist]
"""Rows by level; of some only the gist, where a guard must not look further."""
NO_PALLET = -1
"""What a nonsense lift would move."""
GATE_OPCODES = (Opcode.GATE_OPEN, Opcode.GATE_CLOSE)
LIFT_OPCODES = (Opcode.LOWER, Opcode.RAISE)
JOG = {jog.plain: jog for jog in Opcode if jog.is_jog}
_UNSAFE = {Drive.SLACK: FaultNumber.SLACK_ROPE, Drive.OVERTRAVEL: FaultNumber.OVERTRAVEL}


class Barrier(Protocol):
    """What a proof asks of a barrier. `hand` is None for a command that nobody's hand is at."""

    name: str

    def reaches(self, seen: Seen, hand: Hand | None) -> frozenset[Opcode]:
        """The kinds of commands that are not refused whatever the pallets do."""
        ...

    def slides(
        self, level: int, rows: Rows, lift: Lift | None, seen: Seen, hand: Hand | None
    ) -> Iterator[tuple[int, int, Row]]:
        """Every slide of a level that may start: its two columns, and the row setting off."""
        ...

    def lifts(
        self, level: int, rows: Rows, lift: Lift | None, seen: Seen, hand: Hand | None
    ) -> Iterator[tuple[Opcode, int]]:
        """Every lift of a level's pallets that may start: opcode and pallet."""
        ...

    def gate(self, opcode: Opcode, rows: Rows, lift: Lift | None, seen: Seen, hand: Hand | None) -> bool:
        """Whether the gate may open, or shut."""
        ...


class _Posing:
    """What both barriers share: the posed module, and where other rows hinder least."""

    def __init__(self, layout: ModuleLayout, machine: Machine, levels: tuple[int, ...]) -> None:
        self.layout = layout
        self.levels = levels
        self.posed = SensedModule(layout, machine)
        self.phases = phases(machine.hook_kind)
        self.others = tuple(n for n in range(1, len(layout.levels) + 1) if n not in levels)
        self._free = {
            (level, column): resting_row(layout, level, column)
            for level in self.others
            for column in range(layout.columns + 1)
        }

    def phase(self, lift: Lift | None) -> Phase | None:
        return None if lift is None else self.phases[lift.phase]

    def pose(self, rows: Rows, lift: Lift | None, seen: Seen, free: int = 0) -> None:
        self.posed.surroundings(seen)
        others = {level: self._free[level, free] for level in self.others}
        self.posed.pose({**others, **rows}, lift, self.phases, seen.fault)

    def make_room(self, column: int) -> None:
        for level in self.others:
            self.posed.pose_row(level, self._free[level, column])

    def liftable(self, level: int) -> Iterator[tuple[int, int]]:
        """Index and number of every pallet of a level that could be lifted."""
        start = self.layout.level_offset[level - 1]
        for index in range(1, self.layout.pallets_per_level[level - 1] + 1 if level > 1 else 1):
            yield index, start + index - 1


class PlcBarrier(_Posing):
    """The soft PLC's rules, asked for anything that can be written into its mailboxes."""

    name = "plc"

    def __init__(
        self, layout: ModuleLayout, machine: Machine, levels: tuple[int, ...], rules: ModuleType = plc_rules
    ) -> None:
        super().__init__(layout, machine, levels)
        self._rules = rules
        self._refusals = (rules.Refusal,)
        self._columns = range(layout.columns + 2)
        """With one nonsense column on either side."""

    def _now(self, seen: Seen, hand: Hand | None) -> Situation:
        return situation(self.posed, seen, hand)

    def reaches(self, seen: Seen, hand: Hand | None) -> frozenset[Opcode]:
        """The kinds of commands that get as far as looking at a pallet."""
        self.pose({level: resting_row(self.layout, level) for level in self.levels}, None, seen)
        self.posed.hide()
        self.posed.moves.clear()
        now, found = self._now(seen, hand), set()
        asked: dict[Opcode, Callable[[], object]] = {
            Opcode.SLIDE: lambda: self._rules.train_of(now, 1, 1, 2),
            Opcode.LOWER: lambda: self._rules.pallet_to_lower(now, len(self.layout.levels), 1),
            Opcode.RAISE: lambda: self._rules.pallet_to_raise(now, len(self.layout.levels), 1),
            Opcode.GATE_OPEN: lambda: self._rules.check_gate_open(now),
            Opcode.GATE_CLOSE: lambda: self._rules.check_drive(now),
        }
        for opcode, ask in asked.items():
            try:
                # Whoever reads what is hidden wants to look at a pallet: that far the command got.
                with suppress(Unread):
                    ask()
            except self._refusals:
                continue
            found.add(opcode)
        return frozenset(found)

    def slides(
        self, level: int, rows: Rows, lift: Lift | None, seen: Seen, hand: Hand | None
    ) -> Iterator[tuple[int, int, Row]]:
        """Every slide of a level that the rules let start."""
        self.pose(rows, lift, seen)
        now = self._now(seen, hand)
        row, start = rows[level], self.layout.level_offset[level - 1]
        assert isinstance(row, Row)
        for first in self._columns:
            for second in self._columns:
                try:
                    self._rules.check_mailbox(now, level)
                    train = self._rules.train_of(now, level, first, second)
                except self._refusals:
                    continue
                to = list(row.at)
                for pallet, column in train:
                    to[pallet.offset - start] = place_of(column)
                yield first, second, Row(row.at, tuple(to))

    def lifts(
        self, level: int, rows: Rows, lift: Lift | None, seen: Seen, hand: Hand | None
    ) -> Iterator[tuple[Opcode, int]]:
        """Every lift of a level's pallets that the rules let start."""
        self.pose(rows, lift, seen)
        now = self._now(seen, hand)
        for index, offset in (*self._nonsense(level), *self.liftable(level)):
            if self.others and offset != NO_PALLET:
                self.make_room(self.posed.plant.pallets[offset].column)
            for opcode, rule in (
                (Opcode.LOWER, self._rules.pallet_to_lower),
                (Opcode.RAISE, self._rules.pallet_to_raise),
            ):
                try:
                    self._rules.check_mailbox(now, level)
                    rule(now, level, index)
                except self._refusals:
                    continue
                yield opcode, offset

    def _nonsense(self, level: int) -> Iterator[tuple[int, int]]:
        if level == 1:
            yield 1, NO_PALLET
        yield 0, NO_PALLET
        yield self.layout.pallets_per_level[level - 1] + 1, NO_PALLET

    def gate(self, opcode: Opcode, rows: Rows, lift: Lift | None, seen: Seen, hand: Hand | None) -> bool:
        """Whether the rules let the gate move."""
        self.pose(rows, lift, seen)
        if seen.gate is GateState.OPENING:
            self.posed.moves.pop(GATE, None)  # it may be opening again for somebody, and its mailbox is free
        now = self._now(seen, hand)
        try:
            self._rules.check_mailbox(now, GATE)
            if opcode is Opcode.GATE_OPEN:
                self._rules.check_gate_open(now)
            else:
                self._rules.check_drive(now)
        except self._refusals:
            return False
        return True


def situation(posed: SensedModule, seen: Seen, hand: Hand | None) -> Situation:
    """What the PLC's rules look at."""
    return Situation(
        posed.plant,
        posed.moves,
        seen.mode,
        heartbeat_fresh=seen.drive is not Drive.STALE,
        faulty=seen.faulty,
        is_jog=hand is not None,
        held=hand is not None and hand.held,
        bypass=Bypass.NONE if hand is None else hand.bypass,
        locks=int(seen.drive is Drive.LOCKED),
    )


class PlcStops:
    """The soft PLC's own watch over what moves; it stands behind either barrier."""

    def __init__(self, posing: _Posing, rules: ModuleType = plc_rules) -> None:
        self._posing = posing
        self._rules = rules

    def cause(
        self, seen: Seen, pallets_driven: bool, gate_asked: bool, hand: Hand | None
    ) -> tuple[int, FaultNumber | None] | None:
        """Why all drives must stop now, as the rules say; None if they may go on."""
        posed = self._posing.posed
        posed.surroundings(seen)
        posed.moves.pop(GATE, None)
        if gate_asked:
            posed.moves[GATE] = GateMove(posed.plant, 1, 0, True)
        posed.plant.moving = int(pallets_driven)
        unsafe = {number: {0} if seen.drive is drive else set() for drive, number in _UNSAFE.items()}
        found: tuple[int, FaultNumber | None] | None = self._rules.cause_to_stop(situation(posed, seen, hand), unsafe)
        posed.plant.moving = 0
        return found

    def reopens(self, seen: Seen) -> bool:
        """Whether a closing gate opens again for somebody."""
        self._posing.posed.surroundings(seen)
        return bool(self._rules.somebody_seen(self._posing.posed.plant))


class SupervisorBarrier(_Posing):
    """The controller's interlocks, in front of a PLC that does whatever it is asked."""

    name = "supervisor"

    def __init__(
        self, layout: ModuleLayout, machine: Machine, levels: tuple[int, ...], rules: ModuleType = interlocks
    ) -> None:
        super().__init__(layout, machine, levels)
        self._rules = rules
        self._returns: dict[Seen, bool] = {}
        self._signals: dict[object, tuple[tuple[PalletSignal, ...], tuple[int, ...], dict[int, Move]]] = {}

    def _image(self, rows: Rows, lift: Lift | None, seen: Seen) -> ModuleImage:
        key = (*rows.values(), lift, seen.fault, seen.drive if seen.drive in _UNSAFE else None)
        known = self._signals.get(key)
        if known is None:
            self.pose(rows, lift, seen)
            known = self._signals[key] = (*self.posed.signals(seen), dict(self.posed.moves))
        self.posed.surroundings(seen)
        self.posed.moves = {**known[2], **self.posed.moves}
        if GATE in known[2] and seen.gate not in (GateState.OPENING, GateState.CLOSING):
            del self.posed.moves[GATE]
        return self.posed.image(seen, known[0], known[1])

    def _running(self, lift: Lift | None, hand: Hand | None) -> tuple[MailboxWrite, ...]:
        asked = opcodes_of(self.posed.moves, self.phase(lift))
        if hand is not None:
            asked = {number: JOG[opcode] for number, opcode in asked.items()}
        return tuple(MailboxWrite(self.layout.id, number, 1, opcode, 0, 0, 0) for number, opcode in asked.items())

    def _allows(
        self,
        image: ModuleImage,
        opcode: Opcode,
        asked: tuple[int, int, int],
        running: tuple[MailboxWrite, ...],
        hand: Hand | None,
    ) -> bool:
        wanted, bypass = (opcode, Bypass.NONE) if hand is None else (JOG[opcode], hand.bypass)
        return next(self._rules.reasons(self.layout, image, wanted, *asked, running, bypass), None) is None

    def reaches(self, seen: Seen, hand: Hand | None) -> frozenset[Opcode]:
        """The kinds of commands that get as far as looking at a pallet; without a hold there is no hand."""
        if hand is not None and not hand.held:
            return frozenset()
        self.posed.surroundings(seen)
        nobody = (HIDDEN_SIGNAL,) * len(self.layout.bays)
        image = self.posed.image(seen, nobody, [HIDDEN] * len(self.layout.levels))
        found = set()
        for opcode in (Opcode.SLIDE, *LIFT_OPCODES, *GATE_OPCODES):
            level = GATE if opcode in GATE_OPCODES else len(self.layout.levels)
            allowed = True
            with suppress(Unread):
                allowed = self._allows(image, opcode, (level, 1, 2), (), hand)
            if allowed:
                found.add(opcode)
        return frozenset(found)

    def slides(
        self, level: int, rows: Rows, lift: Lift | None, seen: Seen, hand: Hand | None
    ) -> Iterator[tuple[int, int, Row]]:
        """Every slide of a level that the interlocks let the supervisor ask for."""
        image, row = self._image(rows, lift, seen), rows[level]
        assert isinstance(row, Row)
        running = self._running(lift, hand)
        columns = range(1, self.layout.columns + 1)
        for first in columns:
            for second in columns:
                if not self._is_asked(level, row, image.cells[level - 1].bit_count(), seen.fault, first, second):
                    continue
                if self._allows(image, Opcode.SLIDE, (level, first, second), running, hand):
                    after = blindly_slid(row, first, second)
                    if after.to is not None:
                        yield first, second, after

    def _is_asked(self, level: int, row: Row, shown: int, fault: Fault | None, first: int, second: int) -> bool:
        """Whether memory, or who stands there, has reason to ask for it.

        A row with several gaps does not show where its interrupted train stands: all of it is asked for. A row of
        which a broken cell switch shows too few pallets is slid only as memory knows that it was interrupted.
        """
        if first == second:
            return False
        between = [at for at in row.at if at % 2]
        low, high = place_of(min(first, second)), place_of(max(first, second))
        if shown != len(row.at) and fault is not None and fault.cell is not None and fault.cell[0] == level:
            return bool(between) and (low, high) == (min(between) - 1, max(between) + 1)
        return self.layout.levels[level - 1].gaps == 1 or all(low < at < high for at in between)

    def lifts(
        self, level: int, rows: Rows, lift: Lift | None, seen: Seen, hand: Hand | None
    ) -> Iterator[tuple[Opcode, int]]:
        """Every lift of a level's pallets that the interlocks let the supervisor ask for."""
        image, row = self._image(rows, lift, seen), rows[level]
        assert isinstance(row, Row)
        running = self._running(lift, hand)
        for index, offset in self.liftable(level):
            shown = self._with_room(image, column_of(row.at[index - 1])) if self.others else image
            for opcode in LIFT_OPCODES:
                if self._allows(shown, opcode, (level, index, 0), running, hand):
                    yield opcode, offset

    def gate(self, opcode: Opcode, rows: Rows, lift: Lift | None, seen: Seen, hand: Hand | None) -> bool:
        """Whether the interlocks let the supervisor move the gate."""
        image = self._image(rows, lift, seen)
        return self._allows(image, opcode, (GATE, 0, 0), self._running(lift, hand), hand)

    def may_return(self, seen: Seen) -> bool:
        """Whether what is seen around the pallets lets a lost supervisor return if all pallets are home."""
        if seen not in self._returns:
            rows = {level: resting_row(self.layout, level) for level in self.levels}
            self._returns[seen] = self.returns(rows, None, seen)
        return self._returns[seen]

    def returns(self, rows: Rows, lift: Lift | None, seen: Seen) -> bool:
        """Whether a supervisor that has lost everything may use the module again, if people confirm all they may."""
        image = self._image(rows, lift, seen)
        if not reconcile.at_rest(image):
            return False
        cars = {
            name: Plate("CAR")
            for name, signal in zip(self.layout.bay_names, image.pallets, strict=True)
            if signal.has(Pallet.LOADED)
        }
        unfinished = {level.number: (1, 2) for level in self.layout.levels}
        return not reconcile.disagreements(self.layout, image, cars, None, unfinished)

    def _with_room(self, image: ModuleImage, column: int) -> ModuleImage:
        levels = list(image.levels)
        for level in self.others:
            mask = sum(1 << (column_of(at) - 1) for at in self._free[level, column].at)
            levels[level - 1] = replace(levels[level - 1], cells=mask)
        return replace(image, levels=tuple(levels))
