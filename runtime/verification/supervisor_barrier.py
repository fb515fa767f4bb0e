"""The supervisor's interlocks as a proof asks them, in front of a PLC that does whatever it is asked.

Decides nothing: every answer comes from the real functions of `controller.interlocks` (or of a copy with one guard
deleted) and of `controller.reconcile`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import TypeVar

from controller import interlocks, reconcile
from domain.grid import ModuleLayout
from domain.ids import Plate
from domain.machine import Machine
from domain.outputs import GATE, Bypass, MailboxWrite, Opcode
from domain.signals import GateState, ModuleImage, Pallet, PalletSignal
from runtime.verification.barriers import (
    GATE_OPCODES,
    JOG,
    LIFT_OPCODES,
    UNSAFE,
    Asked,
    Lifting,
    Posing,
    Rows,
    Sliding,
    is_open,
)
from runtime.verification.lifts import Lift
from runtime.verification.rows import Row, blindly_slid, column_of, place_of, resting_row
from runtime.verification.sensed import HIDDEN, HIDDEN_SIGNAL, Unread, opcodes_of
from runtime.verification.world import Fault, Hand, Seen
from sim.plc_moves import Move

T = TypeVar("T")


class SupervisorBarrier(Posing):
    """The controller's interlocks, in front of a PLC that does whatever it is asked."""

    name = "supervisor"

    def __init__(
        self, layout: ModuleLayout, machine: Machine, levels: tuple[int, ...], rules: ModuleType = interlocks
    ) -> None:
        super().__init__(layout, machine, levels)
        self._rules = rules
        columns = range(1, layout.columns + 1)
        self.slidings = tuple((first, second) for first in columns for second in columns)
        self._nobody = (HIDDEN_SIGNAL,) * len(layout.bays)
        self._returns: dict[Seen, bool] = {}
        self._signals: dict[object, tuple[tuple[PalletSignal, ...], tuple[int, ...], dict[int, Move]]] = {}

    def _image(self, rows: Rows, lift: Lift | None, seen: Seen) -> ModuleImage:
        key = (*rows.values(), lift, seen.fault, seen.drive if seen.drive in UNSAFE else None)
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
        image = self.posed.image(seen, self._nobody, [HIDDEN] * len(self.layout.levels))
        found = set()
        for opcode in (Opcode.SLIDE, *LIFT_OPCODES, *GATE_OPCODES):
            level = GATE if opcode in GATE_OPCODES else len(self.layout.levels)
            allowed = True
            with suppress(Unread):
                allowed = self._allows(image, opcode, (level, 1, 2), (), hand)
            if allowed:
                found.add(opcode)
        return frozenset(found)

    def open_slides(self, asked: Asked) -> tuple[Sliding, ...]:
        """The slides that the interlocks do not refuse before they look where hidden rows stand."""
        return tuple(self._open(asked, [(one, Opcode.SLIDE, (asked.level, *one)) for one in self.slidings]))

    def slides(self, asked: Asked, among: Iterable[Sliding] | None = None) -> Iterator[tuple[int, int, Row]]:
        """Every slide that the interlocks let the supervisor ask for."""
        level, rows, lift, seen, hand = asked
        image, row = self._image(rows, lift, seen), rows[level]
        assert isinstance(row, Row)
        running = self._running(lift, hand)
        for first, second in self.slidings if among is None else among:
            if not self._is_asked(level, row, image.cells[level - 1].bit_count(), seen.fault, first, second):
                continue
            if self._allows(image, Opcode.SLIDE, (level, first, second), running, hand):
                after = blindly_slid(row, first, second)
                if after.to is not None:
                    yield first, second, after

    def _open(self, asked: Asked, questions: Iterable[tuple[T, Opcode, tuple[int, int, int]]]) -> Iterator[T]:
        _, rows, lift, seen, hand = asked
        image, running = self._image(rows, lift, seen), self._running(lift, hand)
        for one, opcode, words in questions:
            if is_open(partial(self._allows, image, opcode, words, running, hand)):
                yield one

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

    def open_lifts(self, asked: Asked) -> tuple[Lifting, ...]:
        """The lifts that the interlocks do not refuse before they look where hidden rows stand."""
        liftings = self.liftings(asked.level)
        return tuple(self._open(asked, [(one, one[0], (asked.level, one[1], 0)) for one in liftings]))

    def lifts(self, asked: Asked, among: Iterable[Lifting] | None = None) -> Iterator[tuple[Opcode, int]]:
        """Every lift that the interlocks let the supervisor ask for."""
        level, rows, lift, seen, hand = asked
        image, row = self._image(rows, lift, seen), rows[level]
        assert isinstance(row, Row)
        running = self._running(lift, hand)
        for opcode, index, offset in self.liftings(level) if among is None else among:
            room = self._with_room(image, column_of(row.at[index - 1])) if self.others else image
            if self._allows(room, opcode, (level, index, 0), running, hand):
                yield opcode, offset

    def gate(self, opcode: Opcode, asked: Asked) -> bool:
        """Whether the interlocks let the supervisor move the gate."""
        _, rows, lift, seen, hand = asked
        image = self._image(rows, lift, seen)
        return self._allows(image, opcode, (GATE, 0, 0), self._running(lift, hand), hand)

    def gate_unseen(self, opcode: Opcode, asked: Asked) -> bool | None:
        """The same before the interlocks look at a pallet."""
        _, rows, lift, seen, hand = asked
        self.pose(rows, lift, seen)
        image = self.posed.image(seen, self._nobody, [HIDDEN] * len(self.layout.levels))
        with suppress(Unread):
            return self._allows(image, opcode, (GATE, 0, 0), self._running(lift, hand), hand)
        return None

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
