"""The whole site as the core sees it: modules, machine, charging spots, limits, patience.

A `Site` is built from `config.yaml` by `runtime.config`, which refuses impossible ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from domain.booking import DAY_MINUTES
from domain.grid import ModuleLayout
from domain.ids import BayId, ModuleId, SpotId, parse_bay
from domain.machine import Machine
from domain.maintenance import MaintenancePlan


@dataclass(frozen=True, slots=True)
class SpotSpec:
    """One flat charging spot: its name and what its wallbox can deliver."""

    id: SpotId
    voltage_v: int = 220
    phases: int = 1
    current_da_min: int = 60
    current_da_max: int = 320
    failsafe_da: int = 60

    def power_w(self, current_da: int) -> int:
        """Power drawn at a set current (in 0.1 A)."""
        return current_da * self.voltage_v * self.phases // 10


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each waiting state may last before somebody hears of it. All in ms."""

    link_stale_ms: int = 1000
    command_echo_ms: int = 1000
    command_resends: int = 3
    move_slack_ms: int = 5000
    gate_open_ms: int = 600_000
    queue_ms: int = 3_600_000
    charger_stale_ms: int = 10_000
    charger_watchdog_ms: int = 15_000
    charger_respond_ms: int = 30_000
    car_idle_ms: int = 300_000
    charger_raise_ms: int = 30_000
    interlock_ms: int = 5000
    reconcile_ms: int = 5000
    manual_hold_ms: int = 300
    manual_idle_ms: int = 600_000
    bypass_ms: int = 120_000
    pin_attempts: int = 5
    pin_lock_ms: int = 900_000
    age_bound_ms: int = 900_000
    booking_ahead_ms: int = 600_000
    booking_grace_ms: int = 120_000
    no_show_ms: int = 300_000
    night_after_ms: int = 300_000


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local minutes of the day between which an idle module does not move (22:00 to 06:00), over midnight."""

    from_minute: int = 1320
    to_minute: int = 360

    def at(self, minute_of_day: int) -> bool:
        """Whether it is quiet at this local minute."""
        if self.from_minute <= self.to_minute:
            return self.from_minute <= minute_of_day < self.to_minute
        return minute_of_day >= self.from_minute or minute_of_day < self.to_minute

    @property
    def length_minutes(self) -> int:
        """How long it is quiet every day."""
        return (self.to_minute - self.from_minute) % DAY_MINUTES

    def begins_within(self, minute_of_day: int, minutes: int) -> bool:
        """Whether it is not quiet yet at this local minute, but is so many minutes later at the latest."""
        ahead = (self.from_minute - minute_of_day) % DAY_MINUTES
        return self.length_minutes > 0 and not self.at(minute_of_day) and ahead <= minutes


class FireGate(StrEnum):
    """What a module's gate does in a fire, once nothing moves: as the fire plan of the building wants it."""

    STAY = "stay"
    OPEN = "open"
    CLOSE = "close"


@dataclass(frozen=True)
class Site:
    """Everything that is fixed while the controller runs."""

    name: str
    modules: tuple[ModuleLayout, ...]
    machine: Machine
    spots: tuple[SpotSpec, ...]
    power_limit_w: int
    patience: Patience = field(default_factory=Patience)
    utc_offset_minutes: int = 480
    quiet_hours: QuietHours = field(default_factory=QuietHours)
    fire_gate: FireGate = FireGate.STAY
    maintenance: MaintenancePlan = field(default_factory=MaintenancePlan)

    @cached_property
    def layout(self) -> dict[ModuleId, ModuleLayout]:
        """Modules by name."""
        return {module.id: module for module in self.modules}

    @cached_property
    def spot(self) -> dict[SpotId, SpotSpec]:
        """Charging spots by name."""
        return {spot.id: spot for spot in self.spots}

    @property
    def bay_count(self) -> int:
        """Number of bays in all modules."""
        return sum(len(module.bays) for module in self.modules)

    def layout_of(self, bay: BayId) -> ModuleLayout:
        """The module a bay belongs to."""
        return self.layout[parse_bay(bay).module]
