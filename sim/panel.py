"""The panel of a simulated machine: switches and alarms that people, not programs, turn at a real one.

Decides which words of the simulated PLC's wire stand for its switches. A real PLC has none of these
registers: nobody can turn a key over a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from domain.signals import PlcMode
from plc.device import IllegalAddress, IllegalValue
from sim.module_plant import ModulePlant

PANEL_ADDRESS = 900


def _mode(plant: ModulePlant, value: int) -> None:
    plant.set_mode(PlcMode(value))


def _estop(plant: ModulePlant, value: int) -> None:
    (plant.press_estop if value else plant.release_estop)()


SWITCHES: Final[tuple[tuple[str, Callable[[ModulePlant, int], None]], ...]] = (
    ("mode", _mode),
    ("key", lambda plant, value: plant.set_key(bool(value))),
    ("estop", _estop),
    ("fire", lambda plant, value: plant.set_fire(bool(value))),
    ("quake", lambda plant, value: plant.set_quake(bool(value))),
)
"""Name and effect of each switch; the n-th is holding register `PANEL_ADDRESS` + n."""


def turn(plant: ModulePlant, address: int, values: Sequence[int]) -> None:
    """Turn the switches that a write names; raises IllegalAddress, or IllegalValue for no such position."""
    first = address - PANEL_ADDRESS
    if first < 0 or first + len(values) > len(SWITCHES):
        raise IllegalAddress(address, len(values))
    for (name, effect), value in zip(SWITCHES[first:], values, strict=False):
        if value not in ([mode.value for mode in PlcMode] if name == "mode" else (0, 1)):
            raise IllegalValue(f"{name} has no position {value}")
        effect(plant, value)
