"""Every order of E-stop, supply, key, mode, heartbeat, reset and reboot on the real soft PLC: nothing starts by itself.

The states are those of the real `SoftPlc` over the real plant; every event is tried in each of them. The only thing
that may set a pallet in motion is a new command, and only while nothing forbids it.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import NamedTuple

import pytest

from domain.outputs import GATE, Opcode
from domain.signals import PlcMode
from sim.rig import Rig
from tests.sim.driver import Driver
from tests.sites import small_site

SETTLE_MS = 700
"""Longer than scan, motor stagger and the ramp of a stop; much shorter than any move."""


class Power(NamedTuple):
    """What is told apart of the real machine."""

    estop: bool
    phase_ok: bool
    key: int
    mode: PlcMode
    fed: bool
    starting: bool
    faults: tuple[int, ...]
    underway: tuple[int, ...]

    @property
    def allows(self) -> bool:
        """Whether a new command may set something in motion."""
        healthy = self.phase_ok and bool(self.key) and not self.estop and not self.faults
        return healthy and self.fed and not self.starting and self.mode is PlcMode.AUTOMATIC


class Bench(Driver):
    """A module whose supervisor can fall silent."""

    fed = True

    def settle(self, ms: int = SETTLE_MS) -> None:
        self.wait(ms, fed=self.fed)

    def power(self) -> Power:
        image, plant = self.image(), self.plant
        underway = tuple(pallet.offset for pallet in plant.pallets if pallet.moving or pallet.hook.value == "moving")
        return Power(
            plant.estop_pressed,
            plant.phase_ok,
            plant.key_switch,
            plant.mode_switch,
            self.fed,
            image.mode is PlcMode.STARTING,
            tuple(sorted(image.faults)),
            underway,
        )

    def silence(self) -> None:
        self.fed = False
        self.settle(1100)

    def speak(self) -> None:
        self.fed = True

    def reboot(self) -> None:
        self.rig.plcs[self.module].reboot(self.rig.now_ms)


EVENTS: dict[str, Callable[[Bench], object]] = {
    "E-stop pressed": lambda b: b.plant.press_estop(),
    "E-stop released": lambda b: b.plant.release_estop(),
    "phase lost": lambda b: b.plant.set_phase(False),
    "phase back": lambda b: b.plant.set_phase(True),
    "key off": lambda b: b.plant.set_key(False),
    "key on": lambda b: b.plant.set_key(True),
    "automatic": lambda b: b.plant.set_mode(PlcMode.AUTOMATIC),
    "manual": lambda b: b.plant.set_mode(PlcMode.MANUAL),
    "maintenance": lambda b: b.plant.set_mode(PlcMode.MAINTENANCE),
    "reset": lambda b: b.post(GATE, Opcode.RESET),
    "reboot": Bench.reboot,
    "boot time passes": lambda b: b.settle(3100),
    "silence": Bench.silence,
    "heartbeat back": Bench.speak,
    "slide": lambda b: b.post(1, Opcode.SLIDE, 1, 3),
    "lower": lambda b: b.post(2, Opcode.LOWER, 3),
}
NEW_COMMANDS = ("slide", "lower")


@pytest.mark.timeout(300)
def test_in_every_state_and_at_every_event_nothing_moves_without_a_new_command() -> None:
    site = small_site()
    first = Bench(Rig(site))
    first.settle()
    known = {first.power(): first}
    frontier = [first.power()]
    steps = 0
    for before in frontier:
        for name, event in EVENTS.items():
            bench = deepcopy(known[before], {id(site): site})
            event(bench)
            bench.settle()
            after = bench.power()
            steps += 1
            started = set(after.underway) - set(before.underway)
            story = f"{name} in {before} leads to {after}"
            falling_in = {p.offset for p in bench.plant.pallets if p.hook_target.value == "closed" and not p.moving}
            assert started <= falling_in or (name in NEW_COMMANDS and before.allows), story
            if not after.allows:
                assert not any(p.moving for p in bench.plant.pallets), story
            if after not in known:
                known[after] = bench
                frontier.append(after)
    assert len(known) > 250
    assert steps == len(known) * len(EVENTS)
