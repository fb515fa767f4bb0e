"""The memory of a soft PLC that the wire can see, and the answers of its mailboxes.

Decides which addresses exist and what counts as a change. What the values mean is
`plc.register_map`; where they come from is `sim.soft_plc`.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.signals import Result
from plc.codec import split_u32
from plc.device import IllegalAddress
from plc.register_map import (
    ADDRESS,
    KEPT_ADDRESS,
    KEPT_SHOWN_ADDRESS,
    KEPT_WORDS,
    LEVEL_STRIDE,
    LEVELS_MAX,
    MAILBOX_STRIDE,
    MAILBOX_WORDS,
    MAILBOXES_ADDRESS,
    MANUAL_ADDRESS,
    MANUAL_WORDS,
    PALLETS_ADDRESS,
    PALLETS_MAX,
    pallet_words,
    status_words,
)

READ_WORDS_MAX = 125
"""Modbus cannot carry more in one answer."""

STATUS_WORDS = status_words(LEVELS_MAX)
PALLET_WORDS = pallet_words(PALLETS_MAX)
HOLDING_WORDS = MANUAL_ADDRESS + MANUAL_WORDS
HALF_CIRCLE = 1 << 31


class RegisterBank:
    """Input and holding registers; `touched` counts the changes a reader may want to see."""

    def __init__(self) -> None:
        self.status = [0] * STATUS_WORDS
        self.pallets = [0] * PALLET_WORDS
        self.holding = [0] * HOLDING_WORDS
        self.kept = [0] * KEPT_WORDS
        """Outlives restarts, and is no change that a reader would want to see."""
        self.touched = 0

    def set(self, address: int, value: int) -> None:
        """Put one word into the status block."""
        if self.status[address] != value:
            self.status[address] = value
            self.touched += 1

    def set_u32(self, address: int, value: int) -> None:
        """Put a 32-bit value into the status block."""
        high, low = split_u32(value)
        self.set(address, high)
        self.set(address + 1, low)

    def set_pallet(self, offset: int, state: int, z_mm: int) -> None:
        """Put one pallet's two words."""
        at = 2 * offset
        if self.pallets[at] != state or self.pallets[at + 1] != z_mm:
            self.pallets[at] = state
            self.pallets[at + 1] = z_mm
            self.touched += 1

    def read_input(self, address: int, count: int) -> list[int]:
        """Words of one block; raises IllegalAddress for any that does not exist."""
        if 1 <= count <= READ_WORDS_MAX:
            if address >= 0 and address + count <= STATUS_WORDS:
                return self.status[address : address + count]
            at = address - KEPT_SHOWN_ADDRESS
            if at >= 0 and at + count <= KEPT_WORDS:
                return self.kept[at : at + count]
            at = address - PALLETS_ADDRESS
            if at >= 0 and at + count <= PALLET_WORDS:
                return self.pallets[at : at + count]
        raise IllegalAddress(address, count)

    def read_holding(self, address: int, count: int) -> list[int]:
        """Words as last written; raises IllegalAddress for any that does not exist."""
        if address < 0 or not 1 <= count <= READ_WORDS_MAX or address + count > HOLDING_WORDS:
            raise IllegalAddress(address, count)
        return self.holding[address : address + count]

    def write_holding(self, address: int, values: Sequence[int]) -> None:
        """Store words, all or nothing; raises IllegalAddress for any that does not exist."""
        if address < 0 or not values or address + len(values) > HOLDING_WORDS:
            raise IllegalAddress(address, len(values))
        self.holding[address : address + len(values)] = [value & 0xFFFF for value in values]
        if address < KEPT_ADDRESS + KEPT_WORDS and address + len(values) > KEPT_ADDRESS:
            self.kept = self.holding[KEPT_ADDRESS : KEPT_ADDRESS + KEPT_WORDS]

    def clear(self) -> None:
        """Forget everything that a restart forgets."""
        self.status = [0] * STATUS_WORDS
        self.pallets = [0] * PALLET_WORDS
        self.holding = [0] * HOLDING_WORDS
        self.touched += 1


class Mailbox:
    """One mailbox: which id was taken last, how it was answered, and what the echo shows."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.last_id = 0
        self.running_id = 0
        self.shown = (0, Result.NONE, 0)
        self._answer = (Result.NONE, 0)
        self._echo_at = ADDRESS["gate_echo"] if number == 0 else ADDRESS["level_1_echo"] + LEVEL_STRIDE * (number - 1)
        self._command_at = MAILBOXES_ADDRESS + MAILBOX_STRIDE * number

    def command(self, bank: RegisterBank) -> tuple[int, int, int, int, int]:
        """Opcode, both arguments, deadline and id as they stand in the registers."""
        words = bank.holding[self._command_at : self._command_at + MAILBOX_WORDS]
        return words[0], words[1], words[2], words[3] << 16 | words[4], words[5] << 16 | words[6]

    def is_new(self, command_id: int) -> bool:
        """Whether an id must be carried out; the echo then answers what is not.

        Ids are compared as serial numbers, so that they may wrap; 0 is no id.
        """
        if command_id == 0:
            return False
        if command_id == self.running_id:
            self.shown = (command_id, Result.RUNNING, 0)
        elif command_id == self.last_id:
            self.shown = (command_id, *self._answer)
        elif self.last_id == 0 or (command_id - self.last_id) % (2 * HALF_CIRCLE) < HALF_CIRCLE:
            return True
        else:
            self.shown = (command_id, Result.REFUSED, 2)
        return False

    def answer(self, command_id: int, result: Result, reason: int = 0) -> None:
        """Show how a command stands, and remember it for a repeat of the newest id."""
        if result is Result.RUNNING:
            self.running_id = command_id
        elif command_id == self.running_id:
            self.running_id = 0
        if command_id == self.last_id:
            self._answer = (result, reason)
        self.shown = (command_id, result, reason)

    def publish(self, bank: RegisterBank) -> None:
        """Bring the echo registers up to date."""
        bank.set_u32(self._echo_at, self.shown[0])
        bank.set(self._echo_at + 2, self.shown[1].value)
        bank.set(self._echo_at + 3, self.shown[2])
