"""The soft PLC as a proof asks it: what its rules let start, and what its own watch stops.

Decides nothing: every answer comes from the real functions of `sim.plc_rules` (or of a copy with one guard deleted).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import product
from types import ModuleType

from domain.faults import FaultNumber
from domain.grid import ModuleLayout
from domain.machine import Machine
from domain.outputs import GATE, Bypass, Opcode
from domain.signals import GateState
from runtime.verification.barriers import (
    LIFT_OPCODES,
    NO_PALLET,
    UNSAFE,
    Asked,
    Lifting,
    Posing,
    Sliding,
    is_open,
)
from runtime.verification.rows import Row, place_of, resting_row
from runtime.verification.sensed import SensedModule, Unread
from runtime.verification.world import Drive, Hand, Seen
from sim import plc_rules
from sim.plant_parts import PalletPlant
from sim.plc_moves import GateMove
from sim.plc_rules import Situation


class PlcBarrier(Posing):
    """The soft PLC's rules, asked for anything that can be written into its mailboxes."""

    name = "plc"

    def __init__(
        self, layout: ModuleLayout, machine: Machine, levels: tuple[int, ...], rules: ModuleType = plc_rules
    ) -> None:
        super().__init__(layout, machine, levels)
        self._rules = rules
        self._refusals = (rules.Refusal,)
        self.slidings = tuple((one, two) for one, two in product(range(layout.columns + 2), repeat=2))
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

    def open_slides(self, asked: Asked) -> tuple[Sliding, ...]:
        """The slides that the rules do not refuse before they look where hidden rows stand."""
        now = self._posed(asked)
        return tuple(one for one in self.slidings if is_open(partial(self._train, now, asked.level, *one)))

    def slides(self, asked: Asked, among: Iterable[Sliding] | None = None) -> Iterator[tuple[int, int, Row]]:
        """Every slide that the rules let start."""
        now, level = self._posed(asked), asked.level
        row, start = asked.rows[level], self.layout.level_offset[level - 1]
        assert isinstance(row, Row)
        for first, second in self.slidings if among is None else among:
            train = self._train(now, level, first, second)
            if train is None:
                continue
            to = list(row.at)
            for pallet, column in train:
                to[pallet.offset - start] = place_of(column)
            yield first, second, Row(row.at, tuple(to))

    def open_lifts(self, asked: Asked) -> tuple[Lifting, ...]:
        """The lifts that the rules do not refuse before they look where hidden rows stand."""
        now = self._posed(asked)
        return tuple(one for one in self.liftings(asked.level) if is_open(partial(self._lets, now, asked, one)))

    def lifts(self, asked: Asked, among: Iterable[Lifting] | None = None) -> Iterator[tuple[Opcode, int]]:
        """Every lift that the rules let start."""
        now = self._posed(asked)
        for one in self.liftings(asked.level) if among is None else among:
            opcode, _, offset = one
            if self.others:
                self.make_room(0 if offset == NO_PALLET else self.posed.plant.pallets[offset].column)
            if self._lets(now, asked, one):
                yield opcode, offset

    def liftings(self, level: int) -> tuple[Lifting, ...]:
        """With nonsense beside what could be lifted."""
        indexes = [0, self.layout.pallets_per_level[level - 1] + 1, *([1] if level == 1 else [])]
        nonsense = [(opcode, index, NO_PALLET) for index in indexes for opcode in LIFT_OPCODES]
        return (*nonsense, *super().liftings(level))

    def _posed(self, asked: Asked) -> Situation:
        self.pose(asked.rows, asked.lift, asked.seen)
        return self._now(asked.seen, asked.hand)

    def _train(self, now: Situation, level: int, first: int, second: int) -> list[tuple[PalletPlant, int]] | None:
        try:
            self._rules.check_mailbox(now, level)
            train: list[tuple[PalletPlant, int]] = self._rules.train_of(now, level, first, second)
        except self._refusals:
            return None
        return train

    def _lets(self, now: Situation, asked: Asked, one: Lifting) -> bool:
        opcode, index, _ = one
        rule = self._rules.pallet_to_lower if opcode is Opcode.LOWER else self._rules.pallet_to_raise
        try:
            self._rules.check_mailbox(now, asked.level)
            rule(now, asked.level, index)
        except self._refusals:
            return False
        return True

    def gate(self, opcode: Opcode, asked: Asked) -> bool:
        """Whether the rules let the gate move."""
        self.pose(asked.rows, asked.lift, asked.seen)
        return self._lets_gate(opcode, asked)

    def gate_unseen(self, opcode: Opcode, asked: Asked) -> bool | None:
        """The same before the rules look at a pallet."""
        self.pose(asked.rows, asked.lift, asked.seen)
        self.posed.hide()
        with suppress(Unread):
            return self._lets_gate(opcode, asked)
        return None

    def _lets_gate(self, opcode: Opcode, asked: Asked) -> bool:
        if asked.seen.gate is GateState.OPENING:
            self.posed.moves.pop(GATE, None)  # it may be opening again for somebody, and its mailbox is free
        now = self._now(asked.seen, asked.hand)
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

    def __init__(self, posing: Posing, rules: ModuleType = plc_rules) -> None:
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
        unsafe = {number: {0} if seen.drive is drive else set() for drive, number in UNSAFE.items()}
        found: tuple[int, FaultNumber | None] | None = self._rules.cause_to_stop(situation(posed, seen, hand), unsafe)
        posed.plant.moving = 0
        return found

    def reopens(self, seen: Seen) -> bool:
        """Whether a closing gate opens again for somebody."""
        self._posing.posed.surroundings(seen)
        return bool(self._rules.somebody_seen(self._posing.posed.plant))
