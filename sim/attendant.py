"""The attendant of the simulated garage: walks to locked modules, looks, resets, confirms, helps stuck drivers.

Decides what a person does who follows docs/operating.md and sees what a person can see: the desk, and the
module itself when standing before it. Knows nothing of the controller; asks like anybody at the desk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from domain.ids import BayId, JobId, ModuleId, Plate
from domain.moment import NEVER_MS
from domain.signals import PlcMode
from domain.vehicle import Vehicle
from sim.module_plant import ModulePlant
from sim.streams import Stream, fork

WALK_MS = (15_000, 90_000)
"""From the desk's alarm to standing before the module."""
LOOK_AGAIN_MS = (10_000, 40_000)
RESET_TAKES_MS = 1500
HELP_AGAIN_MS = 30_000
FITTERS_AFTER = 3
"""Rounds without success after which fitters push what hangs between two cells."""
CALM_MS = 180_000
"""A module that gets locked again within this time has not been helped."""


@dataclass(frozen=True, slots=True)
class ResetAsk:
    """Clear the module's faults."""

    module: ModuleId


@dataclass(frozen=True, slots=True)
class ConfirmAsk:
    """I have looked: the module may be used again."""

    module: ModuleId


@dataclass(frozen=True, slots=True)
class HelpAsk:
    """The driver is out and has forgotten to say so."""

    job: JobId


@dataclass(frozen=True, slots=True)
class WithdrawAsk:
    """The driver gives up."""

    job: JobId


@dataclass(frozen=True, slots=True)
class EnterAsk:
    """This car stands there, whatever the record says."""

    bay: BayId
    plate: Plate
    vehicle: Vehicle


@dataclass(frozen=True, slots=True)
class StrikeAsk:
    """Nothing stands there, whatever the record says."""

    bay: BayId


@dataclass(frozen=True, slots=True)
class EndDangerAsk:
    """The danger is over."""


@dataclass(frozen=True, slots=True)
class ResumeAsk:
    """The garage may serve again."""


DeskAsk: TypeAlias = ResetAsk | ConfirmAsk | HelpAsk | WithdrawAsk | EnterAsk | StrikeAsk | EndDangerAsk | ResumeAsk


@dataclass(frozen=True, slots=True)
class Desk:
    """What the desk shows: why modules are locked, overdue drivers at gates, what was refused, the garage's mode."""

    locked: Mapping[ModuleId, tuple[str, ...]] = field(default_factory=dict)
    overdue: tuple[tuple[JobId, ModuleId], ...] = ()
    refused: Mapping[ModuleId, tuple[str, ...]] = field(default_factory=dict)
    """Why a module's last confirmation was refused."""
    mode: str = "automatic"


class Attendant:
    """One person for the whole garage; `act` is called at `next_ms` and when the desk has changed."""

    def __init__(self, modules: Mapping[ModuleId, ModulePlant], seed: int) -> None:
        self.confirmed = 0
        self.helped = 0
        self._modules = modules
        self._dice = fork(seed, Stream.ATTENDANT)
        self._visit_ms: dict[ModuleId, int] = {}
        self._reset: dict[ModuleId, bool] = {}
        self._rounds: dict[ModuleId, int] = {}
        self._seen_ms: dict[ModuleId, int] = {}
        self._help_ms: dict[JobId, int] = {}
        self._danger_ms = NEVER_MS

    def next_ms(self) -> int:
        """When the attendant does something next; NEVER_MS when nothing is wrong."""
        return min((self._danger_ms, *self._visit_ms.values(), *self._help_ms.values()))

    def act(self, now_ms: int, desk: Desk) -> list[DeskAsk]:
        """Look at the desk, do what is due, and say what is asked at the desk."""
        self._note(now_ms, desk)
        asks: list[DeskAsk] = []
        if self._danger_ms <= now_ms:
            asks += self._after_danger(now_ms, desk.mode)
        for module in sorted(name for name, due_ms in self._visit_ms.items() if due_ms <= now_ms):
            asks += self._at_module(module, now_ms, desk)
        for job in sorted(name for name, due_ms in self._help_ms.items() if due_ms <= now_ms):
            asks += self._at_gate(job, now_ms, dict(desk.overdue)[job])
        return asks

    def _note(self, now_ms: int, desk: Desk) -> None:
        """Set out for what is new, forget what has righted itself."""
        if desk.mode not in ("fire", "holding", "paused"):
            self._danger_ms = NEVER_MS
        elif self._danger_ms == NEVER_MS:
            self._danger_ms = now_ms + self._dice.randrange(*WALK_MS)
        for module in desk.locked:
            if module not in self._visit_ms:
                self._visit_ms[module] = now_ms + self._dice.randrange(*WALK_MS)
                self._reset[module] = False
                if now_ms - self._seen_ms.get(module, -CALM_MS) >= CALM_MS:
                    self._rounds[module] = 0
        for module in [name for name in self._visit_ms if name not in desk.locked]:
            del self._visit_ms[module]
        overdue = dict(desk.overdue)
        for job in overdue:
            self._help_ms.setdefault(job, now_ms + self._dice.randrange(*WALK_MS))
        for job in [name for name in self._help_ms if name not in overdue]:
            del self._help_ms[job]

    def _after_danger(self, now_ms: int, mode: str) -> list[DeskAsk]:
        """Say that a danger is over when nothing reports it any more; then let the garage serve again."""
        self._danger_ms = now_ms + self._dice.randrange(*LOOK_AGAIN_MS)
        if mode == "paused":
            return [ResumeAsk()]
        if any(plant.fire or plant.quake for plant in self._modules.values()):
            return []
        return [EndDangerAsk()]

    def _at_module(self, module: ModuleId, now_ms: int, desk: Desk) -> list[DeskAsk]:
        """One round of the steps of docs/operating.md: look, reset, make sure that nobody is inside, confirm."""
        plant = self._modules[module]
        again_ms = now_ms + self._dice.randrange(*LOOK_AGAIN_MS)
        danger = plant.fire or plant.quake
        if danger or plant.estop_pressed or not plant.phase_ok or plant.mode_switch is not PlcMode.AUTOMATIC:
            self._visit_ms[module] = again_ms  # a cause that everybody can see is still there
            return []
        if not self._reset[module]:
            self._reset[module] = True
            self._visit_ms[module] = now_ms + RESET_TAKES_MS
            return [ResetAsk(module)]
        self._visit_ms[module], self._reset[module] = again_ms, False
        if plant.zone_people and not plant.zone_cars:
            return []  # somebody is in there on foot
        self._rounds[module] += 1
        self._seen_ms[module] = now_ms
        asks: list[DeskAsk] = []
        if self._rounds[module] > FITTERS_AFTER:
            self._send_for_fitters(plant)
            asks = self._correct(plant, desk.refused.get(module, ()))
        self.confirmed += 1
        return [*asks, ConfirmAsk(module)]

    def _send_for_fitters(self, plant: ModulePlant) -> None:
        for pallet in plant.pallets:
            plant.put_by_hand(pallet)

    def _correct(self, plant: ModulePlant, reasons: tuple[str, ...]) -> list[DeskAsk]:
        """Where record and bay differ, what can be seen in the bay is right."""
        asks: list[DeskAsk] = []
        for code, _, about in (reason.partition(":") for reason in reasons):
            if code != "occupancy_differs":
                continue
            car = plant.pallet(BayId(about)).car
            if car is None:
                asks.append(StrikeAsk(BayId(about)))
            else:
                asks.append(EnterAsk(BayId(about), Plate(car.plate), car.vehicle))
        return asks

    def _at_gate(self, job: JobId, now_ms: int, module: ModuleId) -> list[DeskAsk]:
        """Go to a gate that has been open for long: say clear for a driver who is gone, or give up for them."""
        self._help_ms[job] = now_ms + HELP_AGAIN_MS
        plant = self._modules[module]
        if plant.zone_people or plant.zone_cars:
            return []
        self.helped += 1
        return [HelpAsk(job), WithdrawAsk(job)] if self._dice.random() < 0.5 else [HelpAsk(job)]
