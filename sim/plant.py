"""The whole plant: every module and charging spot on one clock, and the power they draw together.

Decides the order in which things happen. Knows nothing of controller, PLC or registers.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.ids import BayId, ModuleId, SpotId
from domain.moment import NEVER_MS
from domain.site import Site
from sim.battery import SpotPlant
from sim.module_plant import ModulePlant
from sim.plant_parts import CarBody, Clock, Hook, Motion, PalletPlant, PlantError
from sim.trace import TraceWriter

__all__ = ["CarBody", "Hook", "ModulePlant", "Motion", "PalletPlant", "Plant", "PlantError"]


class Plant:
    """The truth of a site. Time passes only in `advance`."""

    def __init__(
        self,
        site: Site,
        cars: Mapping[BayId, CarBody] | None = None,
        trace: TraceWriter | None = None,
        seed: int = 0,
    ) -> None:
        self.site = site
        self.clock = Clock()
        self.modules: dict[ModuleId, ModulePlant] = {
            layout.id: ModulePlant(layout, site.machine, self.clock, trace) for layout in site.modules
        }
        self.spots: dict[SpotId, SpotPlant] = {spec.id: SpotPlant(spec) for spec in site.spots}
        self._parts: tuple[ModulePlant | SpotPlant, ...] = (*self.modules.values(), *self.spots.values())
        self._trace = trace
        self._spot_changes = -1
        self._chargers_w = 0
        self._told = (0, 0)
        for bay, car in (cars or {}).items():
            self.modules[site.layout_of(bay).id].place_car(bay, car)
        if trace is not None:
            trace.header(site, seed)
            for module in self.modules.values():
                module.tell_start()

    @property
    def now_ms(self) -> int:
        """Plant time."""
        return self.clock.now_ms

    def next_change_ms(self) -> int:
        """When a sensor or the oracle could next see something new; NEVER_MS if nothing is under way."""
        change = NEVER_MS
        for part in self._parts:
            change_ms = part.next_change_ms()
            if change_ms < change:
                change = change_ms
        return change

    def advance(self, to_ms: int) -> None:
        """Let time pass, everything happening in its order."""
        clock = self.clock
        if to_ms < clock.now_ms:
            raise PlantError(f"time cannot go back from {clock.now_ms} to {to_ms} ms")
        self.tell_power()
        while (due := self._next_any_ms()) <= to_ms:
            clock.now_ms = max(due, clock.now_ms)
            for module in self.modules.values():
                if module.next_any_ms() <= due:
                    module.run_due(due)
            for spot in self.spots.values():
                if spot.next_change_ms() <= due:
                    spot.advance(due)
            self.tell_power()
        clock.now_ms = to_ms
        for spot in self.spots.values():
            spot.advance(to_ms)

    def _next_any_ms(self) -> int:
        due = self.next_change_ms()
        if self._trace is not None:
            due = min(due, *(module.next_any_ms() for module in self.modules.values()))
        return due

    def motors_w(self) -> int:
        """Power of all motors of the site now."""
        return sum(module.motors_w for module in self.modules.values())

    def chargers_w(self) -> int:
        """Power of all charging cars now."""
        changes = sum(spot.changes for spot in self.spots.values())
        if changes != self._spot_changes:
            self._spot_changes = changes
            self._chargers_w = sum(spot.power_w(spot.now_ms) for spot in self.spots.values())
        return self._chargers_w

    def tell_power(self) -> None:
        """Write a trace line if the power has changed since the last one."""
        if self._trace is None:
            return
        power = (self.motors_w(), self.chargers_w())
        if power != self._told:
            self._told = power
            self._trace.power(self.clock.now_ms, *power)
