"""The whole site as the core sees it: modules, machine, charging spots, limits, patience.

A `Site` is built from `config.yaml` by `runtime.config`, which refuses impossible ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from domain.grid import ModuleLayout
from domain.ids import BayId, ModuleId, SpotId, parse_bay
from domain.machine import Machine


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
    pin_attempts: int = 5
    pin_lock_ms: int = 900_000


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
