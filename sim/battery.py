"""The truth about a charging spot: a car's battery filling along its curve, and the meter before it.

Decides power and energy as closed forms of time. Which current is allowed is told from outside
(`sim.soft_wallbox`), and when cars come and go as well. Energy is kept in whole W*ms, so one leap
and many small steps end on the same numbers.
"""

from __future__ import annotations

from domain.moment import NEVER_MS
from domain.site import SpotSpec

WMS_PER_WH = 3_600_000

Curve = tuple[tuple[int, int], ...]
"""Steps (until this state of charge in percent, share of the full power in percent), ascending to 100."""

TYPICAL_CURVE: Curve = ((80, 100), (90, 60), (97, 30), (100, 12))


class Battery:
    """A car's battery: how full it is, and what it takes at that state of charge."""

    def __init__(self, capacity_wh: int, energy_wh: int, power_w_max: int, curve: Curve = TYPICAL_CURVE) -> None:
        if not 0 <= energy_wh <= capacity_wh or power_w_max <= 0:
            raise ValueError(f"impossible battery: {energy_wh} of {capacity_wh} Wh, {power_w_max} W")
        if [step[0] for step in curve] != sorted({step[0] for step in curve}) or curve[-1][0] != 100:
            raise ValueError(f"impossible charging curve: {curve}")
        self.capacity_wh = capacity_wh
        self.power_w_max = power_w_max
        self.curve = curve
        self._stored_wms = energy_wh * WMS_PER_WH
        self._steps = tuple(
            (capacity_wh * WMS_PER_WH * until // 100, max(1, power_w_max * share // 100)) for until, share in curve
        )

    @property
    def energy_wh(self) -> int:
        """Energy stored, whole Wh."""
        return self._stored_wms // WMS_PER_WH

    def step(self) -> tuple[int, int]:
        """Energy still missing to the end of the present step of the curve (W*ms), and its power (W)."""
        for until_wms, power_w in self._steps:
            if self._stored_wms < until_wms:
                return until_wms - self._stored_wms, power_w
        return 0, 0

    def store(self, energy_wms: int) -> int:
        """Take up to that much energy (W*ms); returns what went in."""
        taken = min(energy_wms, self._steps[-1][0] - self._stored_wms)
        self._stored_wms += taken
        return taken


class SpotPlant:
    """One charging spot as it physically is: plug, battery, allowed current, meter."""

    def __init__(self, spec: SpotSpec, *, meter_wh: int = 0, now_ms: int = 0) -> None:
        self.spec = spec
        self.battery: Battery | None = None
        self.allowed_da = 0
        self.now_ms = now_ms
        self.changes = 0
        """Counts up whenever plug, allowed current, fault or power have changed."""
        self._meter_wms = meter_wh * WMS_PER_WH
        self._fault: str | None = None
        self._power_w = 0
        self._change_ms = NEVER_MS

    def plug_in(self, battery: Battery, now_ms: int) -> None:
        """A car is connected."""
        if self.battery is not None:
            raise ValueError(f"spot {self.spec.id}: a car is plugged in already")
        self.advance(now_ms)
        self.battery = battery
        self._settle()

    def unplug(self, now_ms: int) -> Battery:
        """The car is disconnected; returns its battery as it is now."""
        if self.battery is None:
            raise ValueError(f"spot {self.spec.id}: no car is plugged in")
        self.advance(now_ms)
        battery, self.battery = self.battery, None
        self._settle()
        return battery

    def set_allowed_da(self, current_da: int, now_ms: int) -> None:
        """The wallbox offers the car this current from now on (0.1 A; 0 = none)."""
        self.advance(now_ms)
        if current_da != self.allowed_da:
            self.allowed_da = current_da
            self._settle()

    def set_fault(self, letter: str | None, now_ms: int) -> None:
        """Break the wallbox (`E` or `F`: it delivers nothing) or mend it (None)."""
        if letter not in (None, "E", "F"):
            raise ValueError(f"spot {self.spec.id}: no fault {letter!r}")
        self.advance(now_ms)
        self._fault = letter
        self._settle()

    def state(self, now_ms: int) -> str:
        """IEC 61851 letter: A no car, B plugged but not charging, C charging, E or F fault."""
        self.advance(now_ms)
        if self._fault is not None:
            return self._fault
        if self.battery is None:
            return "A"
        return "C" if self._power_w else "B"

    def power_w(self, now_ms: int) -> int:
        """Power the car draws."""
        self.advance(now_ms)
        return self._power_w

    def energy_total_wh(self, now_ms: int) -> int:
        """The meter, whole Wh since it was built; never falls."""
        self.advance(now_ms)
        return self._meter_wms // WMS_PER_WH

    def next_change_ms(self) -> int:
        """When the power changes by itself: the next step of the curve, or full."""
        return self._change_ms

    def advance(self, to_ms: int) -> None:
        """Let time pass; raises ValueError for a time that is over."""
        if to_ms < self.now_ms:
            raise ValueError(f"spot {self.spec.id}: {to_ms} ms is before {self.now_ms} ms")
        while self._change_ms <= to_ms:
            self._draw(self._change_ms)
            self._settle()
        if self._power_w:
            self._draw(to_ms)
        else:
            self.now_ms = to_ms

    def _draw(self, to_ms: int) -> None:
        if self._power_w and self.battery is not None:
            self._meter_wms += self.battery.store(self._power_w * (to_ms - self.now_ms))
        self.now_ms = to_ms

    def _settle(self) -> None:
        """Find the power from here on, and until when it holds (the first whole ms past the step)."""
        self.changes += 1
        self._power_w, self._change_ms = 0, NEVER_MS
        if self.battery is None or self._fault is not None or self.allowed_da < self.spec.current_da_min:
            return
        missing_wms, accepted_w = self.battery.step()
        self._power_w = min(accepted_w, self.spec.power_w(self.allowed_da))
        if self._power_w:
            self._change_ms = self.now_ms + -(-missing_wms // self._power_w)
