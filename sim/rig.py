"""The whole simulated site with its wire side: plant, one soft PLC a module, one wallbox a spot.

Decides in which order plant, PLCs and wallboxes get their turn, and skips the ticks at which nothing
can happen. A leap to a time leaves the same registers, plant and trace as many small steps to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from domain.ids import BayId, ModuleId, SpotId
from domain.site import Site
from plc.device import RegisterDevice
from sim.oracle import Oracle
from sim.panel import PANEL_ADDRESS, turn
from sim.plant import CarBody, Plant
from sim.soft_plc import SoftPlc
from sim.soft_wallbox import RESPONSE_MS, SoftWallbox
from sim.trace import TraceWriter


class RigDevice:
    """One PLC or wallbox as a register device; writes apply at the rig's present time."""

    def __init__(self, target: SoftPlc | SoftWallbox, plant: Plant) -> None:
        self._target = target
        self._plant = plant

    @property
    def touched(self) -> int:
        """Counts up when a register other than a heartbeat or a meter has changed."""
        return self._target.touched

    def read_input(self, address: int, count: int) -> list[int]:
        """Input registers; raises IllegalAddress."""
        return self._target.read_input(address, count)

    def read_holding(self, address: int, count: int) -> list[int]:
        """Holding registers; raises IllegalAddress."""
        return self._target.read_holding(address, count)

    def write_holding(self, address: int, values: Sequence[int]) -> None:
        """Write holding registers, or turn switches of the panel; raises IllegalAddress or IllegalValue."""
        if isinstance(self._target, SoftPlc) and address >= PANEL_ADDRESS:
            turn(self._target.plant, address, values)
            return
        self._target.write_holding(address, values, self._plant.now_ms)


class Rig:
    """Everything that stands in for the real site below the wire, on one clock."""

    def __init__(
        self,
        site: Site,
        cars: Mapping[BayId, CarBody] | None = None,
        trace: TraceWriter | None = None,
        seed: int = 0,
        *,
        watchdog_ms: int = 1000,
    ) -> None:
        self.site = site
        self.plant = Plant(site, cars, trace, seed)
        self.oracle = Oracle(self.plant)
        self.plcs: dict[ModuleId, SoftPlc] = {
            name: SoftPlc(module, site, watchdog_ms=watchdog_ms) for name, module in self.plant.modules.items()
        }
        self.wallboxes: dict[SpotId, SoftWallbox] = {
            name: SoftWallbox(spot.spec, spot) for name, spot in self.plant.spots.items()
        }
        self._targets: tuple[SoftPlc | SoftWallbox, ...] = (*self.plcs.values(), *self.wallboxes.values())
        self._devices: dict[str, RigDevice] = {
            name: RigDevice(target, self.plant)
            for name, target in zip((*self.plcs, *self.wallboxes), self._targets, strict=True)
        }

    @property
    def now_ms(self) -> int:
        """Plant time."""
        return self.plant.now_ms

    @property
    def touched(self) -> Mapping[str, int]:
        """A counter per device that tells a reader whether reading it again is worth it."""
        return {name: device.touched for name, device in self._devices.items()}

    def device(self, name: str) -> RegisterDevice:
        """The PLC of a module or the wallbox of a spot, by its name; raises KeyError."""
        return self._devices[name]

    def next_change_ms(self) -> int:
        """When something that a register could show will next happen by itself.

        That a heartbeat nobody feeds would grow stale is left out: this is for leaps that feed it.
        """
        due = self.plant.next_change_ms()
        for plc in self.plcs.values():
            due = min(due, plc.next_due_ms(fed=True))
        horizon = self.plant.now_ms + RESPONSE_MS
        for wallbox in self.wallboxes.values():
            wallbox_due = wallbox.next_due_ms()
            if wallbox_due <= horizon:  # later ones are its watchdog
                due = min(due, wallbox_due)
        return due

    def _next_due_ms(self) -> int:
        """When anything happens next, in the plant or in a PLC or wallbox."""
        due = self.plant.next_change_ms()
        for target in self._targets:
            due_ms = target.next_due_ms()
            if due_ms < due:
                due = due_ms
        return due

    def run_to(self, to_ms: int, *, fed: bool | Collection[str]) -> None:
        """Let plant, PLCs and wallboxes run up to and with `to_ms`.

        `fed` says that a supervisor would have kept feeding every heartbeat all that time, or only those of
        the devices with these names.
        """
        plant, targets = self.plant, self._targets
        if fed:
            for name, target in zip(self._devices, targets, strict=True):
                if fed is True or name in fed:
                    target.feed(to_ms)
        plant.tell_power()
        self.oracle.observe()
        while (due_ms := self._next_due_ms()) <= to_ms:
            plant.advance(max(due_ms, plant.now_ms))
            self.oracle.observe()
            for target in targets:
                if target.next_due_ms() <= due_ms:
                    target.scan(due_ms)
            plant.tell_power()
            self.oracle.observe()
        plant.advance(to_ms)
        for plc in self.plcs.values():
            plc.pass_ticks(to_ms)
