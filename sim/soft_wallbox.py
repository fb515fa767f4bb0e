"""A wallbox in software: the Heidelberg/Amperfied registers in front of a `SpotPlant`.

Decides what the box does by itself: it answers a set point half a second late, and falls to its
failsafe current when nobody has spoken to it for the watchdog time. Contact brings the set current
back. Energy counts in VAh on the wire; the cars here have a power factor of 1, so VAh are Wh.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.moment import NEVER_MS
from domain.site import SpotSpec
from plc.codec import split_u32
from plc.device import IllegalAddress, IllegalValue
from sim.battery import SpotPlant

LAYOUT_VERSION = 0x108
RESPONSE_MS = 500
WATCHDOG_MS = 15_000

_STATUS, _STATUS_WORDS = 4, 15
_LIMITS, _LIMITS_WORDS = 100, 2
_WATCHDOG, _CURRENT, _FAILSAFE = 257, 261, 262

_CODES = {"A": (2, 3), "B": (4, 5), "C": (6, 7), "E": (9, 9), "F": (10, 10)}
"""State code of each letter: while no current is allowed, and while one is."""


class SoftWallbox:
    """Register face of one charging spot; time comes from the plant and the caller."""

    writes_single_only = True
    """The real box refuses FC 16 with exception 1."""

    def __init__(
        self,
        spec: SpotSpec,
        plant: SpotPlant,
        *,
        response_ms: int = RESPONSE_MS,
        watchdog_ms: int = WATCHDOG_MS,
    ) -> None:
        self.spec = spec
        self.plant = plant
        self._response_ms = response_ms
        self._watchdog_ms = watchdog_ms
        self._set_da = 0
        self._failsafe_da = spec.failsafe_da
        self._heard_ms = plant.now_ms
        self._apply_ms = NEVER_MS
        self._fallen = False
        self._meter_start_wh = plant.energy_total_wh(plant.now_ms)
        self._writes = 0

    @property
    def touched(self) -> int:
        """Counts up when state, current or a setting has changed, but not when energy counts."""
        return self._writes + self.plant.changes

    @property
    def fallen(self) -> bool:
        """Whether the box runs on its failsafe current because nobody spoke to it."""
        return self._fallen

    def read_input(self, address: int, count: int) -> list[int]:
        """Input registers; raises IllegalAddress outside the two blocks of the layout."""
        if _inside(address, count, _STATUS, _STATUS_WORDS):
            words = self._status()[address - _STATUS : address - _STATUS + count]
        elif _inside(address, count, _LIMITS, _LIMITS_WORDS):
            limits = [self.spec.current_da_max // 10, self.spec.current_da_min // 10]
            words = limits[address - _LIMITS : address - _LIMITS + count]
        else:
            raise IllegalAddress(address, count)
        self._hear(self.plant.now_ms)
        return words

    def read_holding(self, address: int, count: int) -> list[int]:
        """Holding registers; raises IllegalAddress for one that the box does not have."""
        settings = {_WATCHDOG: self._watchdog_ms, _CURRENT: self._set_da, _FAILSAFE: self._failsafe_da}
        try:
            words = [settings[at] for at in range(address, address + count)]
        except KeyError as missing:
            raise IllegalAddress(address, count) from missing
        self._hear(self.plant.now_ms)
        return words

    def write_holding(self, address: int, values: Sequence[int], now_ms: int) -> None:
        """Take a setting; raises IllegalAddress, or IllegalValue for a current the box cannot give."""
        if len(values) != 1 or address not in (_WATCHDOG, _CURRENT, _FAILSAFE):
            raise IllegalAddress(address, len(values))
        value = values[0]
        if address != _WATCHDOG and value and not self.spec.current_da_min <= value <= self.spec.current_da_max:
            raise IllegalValue(f"{self.spec.id}: {value / 10} A")
        self._hear(now_ms)
        if address == _CURRENT:
            if value == self._set_da:
                return
            self._set_da = value
            self._apply_ms = now_ms + self._response_ms
        elif address == _FAILSAFE:
            self._failsafe_da = value
        else:
            self._watchdog_ms = value
        self._writes += 1

    def feed(self, now_ms: int) -> None:
        """Somebody has spoken to the box at least until then (what a leap skips)."""
        self._hear(now_ms)

    def next_due_ms(self, *, fed: bool = False) -> int:
        """When the box does something by itself: takes over a set point, or gives up waiting.

        `fed` leaves the giving up out, for leaps during which somebody keeps speaking to the box.
        """
        if fed or self._fallen or not self._watchdog_ms:
            return self._apply_ms
        expiry_ms = self._heard_ms + self._watchdog_ms
        return expiry_ms if expiry_ms < self._apply_ms else self._apply_ms

    def scan(self, now_ms: int) -> None:
        """Do what is due until now, in the order in which it fell due."""
        while (due_ms := self.next_due_ms()) <= now_ms:
            if due_ms == self._apply_ms:
                self._apply_ms = NEVER_MS
                offered_da = self._set_da
            else:
                self._fallen = True
                self._apply_ms = NEVER_MS
                offered_da = self._failsafe_da
            self.plant.set_allowed_da(offered_da, max(due_ms, self.plant.now_ms))

    def _hear(self, now_ms: int) -> None:
        self._heard_ms = max(self._heard_ms, now_ms)
        if self._fallen:
            self._fallen = False
            self._apply_ms = self.plant.now_ms + self._response_ms

    def _status(self) -> list[int]:
        plant = self.plant
        now_ms = plant.now_ms
        power_w = plant.power_w(now_ms)
        total_wh = plant.energy_total_wh(now_ms)
        volt, phases = self.spec.voltage_v, self.spec.phases
        current_da = (10 * power_w + volt * phases // 2) // (volt * phases)
        code = _CODES[plant.state(now_ms)][plant.allowed_da > 0]
        return [
            LAYOUT_VERSION,
            code,
            *([current_da] * phases + [0] * (3 - phases)),
            250,  # temperature of the board, 0.1 degree
            *([volt] * phases + [0] * (3 - phases)),
            1,  # external lock: open
            power_w,
            *split_u32(total_wh - self._meter_start_wh),
            *split_u32(total_wh),
        ]


def _inside(address: int, count: int, first: int, words: int) -> bool:
    return first <= address and count > 0 and address + count <= first + words
