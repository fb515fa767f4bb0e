"""How each thing in a module is broken and mended: one function per way to break it.

Decides what a fault does to the plant. Which faults there are and how often they come is `sim.faults`; when and
where they strike is `sim.swarm`. A broken switch changes what the PLC reads, never where anything is: the
plant stays the truth that the oracle watches.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from domain.signals import GateState, PlcMode
from sim.module_plant import ModulePlant
from sim.plant_parts import Hook, Motion, PalletPlant, Switch

Mend = Callable[[], None]
"""Puts right what a fault has broken."""

Break = Callable[[ModulePlant, random.Random, int], Mend | None]
"""Breaks something in a module for so many ms; None: nothing there could break now."""


# -- sensors ---------------------------------------------------------------------------------------


def _flicker(plant: ModulePlant, dice: random.Random, say: Callable[[bool | None], None]) -> Mend:
    """Say yes and no in turn, for 30 to 600 ms each, until mended."""
    on = True

    def toggle(says: Any) -> None:
        if on:
            say(says)
            plant.at(plant.clock.now_ms + dice.randrange(30, 601), toggle, not says)

    def mend() -> None:
        nonlocal on
        on = False
        say(None)

    toggle(dice.random() < 0.5)
    return mend


def _one_of(plant: ModulePlant, dice: random.Random, among: Sequence[PalletPlant] = ()) -> PalletPlant:
    """Mostly one that travels or is down, for there a fault hurts most; else any of `among`."""
    busy = [p for p in plant.pallets if p.moving or not p.at_home_height]
    return dice.choice(busy) if busy and dice.random() < 0.7 else dice.choice(among or plant.pallets)


def _upper(plant: ModulePlant) -> Sequence[PalletPlant]:
    return plant.pallets[len(plant.by_level[0]) :]


def zone_sensor(says: bool) -> Break:
    """One zone sensor says this, whoever is inside."""

    def breaks(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
        number = dice.randrange(2)
        plant.set_zone_sensor(number, says)
        return lambda: plant.set_zone_sensor(number, None)

    return breaks


def zone_flickers(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """One zone sensor flickers."""
    number = dice.randrange(2)
    return _flicker(plant, dice, lambda says: plant.set_zone_sensor(number, says))


def gate_switch(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """One channel of the gate's shut switch is stuck."""
    plant.set_gate_shut_switch(dice.random() < 0.5)
    return lambda: plant.set_gate_shut_switch(None)


def gate_switch_flickers(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """One channel of the gate's shut switch flickers."""
    return _flicker(plant, dice, plant.set_gate_shut_switch)


def pallet_switch(*switches: Switch, flickers: bool = False) -> Break:
    """One of these switches of an upper pallet is stuck, or flickers."""

    def breaks(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
        pallet, switch = _one_of(plant, dice, _upper(plant)), dice.choice(switches)
        if flickers:
            return _flicker(plant, dice, lambda says: plant.set_switch(pallet.bay, switch, says))
        plant.set_switch(pallet.bay, switch, dice.random() < 0.5)
        return lambda: plant.set_switch(pallet.bay, switch, None)

    return breaks


def loaded_sensor(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """One of a pallet's two car sensors says the opposite of the truth."""
    pallet, first = _one_of(plant, dice), dice.random() < 0.5
    switch, truth = (Switch.LOADED_A, pallet.loaded_a) if first else (Switch.LOADED_B, pallet.loaded_b)
    plant.set_switch(pallet.bay, switch, not truth)
    return lambda: plant.set_switch(pallet.bay, switch, None)


def cell_switch(*, flickers: bool = False) -> Break:
    """The switch of a cell is stuck, or flickers; mostly on a level where something slides."""

    def breaks(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
        level = dice.choice([p.level for p in plant.pallets if p.moving] or [1, len(plant.by_level)])
        column = dice.randrange(1, plant.layout.columns + 1)
        if flickers:
            return _flicker(plant, dice, lambda says: plant.set_cell_switch(level, column, says))
        plant.set_cell_switch(level, column, dice.random() < 0.5)
        return lambda: plant.set_cell_switch(level, column, None)

    return breaks


def safety_switch_flickers(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """The slack-rope or the over-travel switch of a pallet flickers."""
    bay = _one_of(plant, dice, _upper(plant)).bay
    force = plant.force_slack if dice.random() < 0.5 else plant.force_overtravel
    return _flicker(plant, dice, lambda says: force(bay, bool(says)))


# -- drives ----------------------------------------------------------------------------------------


def hook_stays_open(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend | None:
    """The hook of a pallet that is out of its place will not close."""
    open_ones = [p for p in plant.pallets if p.hook is Hook.OPEN]
    if not open_ones:
        return None
    bay = dice.choice(open_ones).bay
    plant.force_hook_stuck(bay)
    return lambda: plant.force_hook_stuck(bay, False)


def stall(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend | None:
    """A motor jams in the middle of a travel."""
    moving = [p for p in plant.pallets if p.motion is not Motion.STILL and p.travel is not None]
    if not moving:
        return None
    plant.stall(dice.choice(moving))
    return lambda: None


def damage(name: str, *values: int | bool, sound: int | bool) -> Break:
    """A field of `Damage` takes one of these values."""

    def breaks(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
        plant.set_damage(name, dice.choice(values))
        return lambda: plant.set_damage(name, sound)

    return breaks


def slack(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """A rope goes slack."""
    bay = _one_of(plant, dice).bay
    plant.force_slack(bay)
    return lambda: plant.force_slack(bay, False)


def overtravel(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """An over-travel switch operates."""
    bay = _one_of(plant, dice).bay
    plant.force_overtravel(bay)
    return lambda: plant.force_overtravel(bay, False)


def jam_gate(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """The gate's leaf sticks while its drive runs."""
    plant.jam_gate(True)
    return lambda: plant.jam_gate(False)


# -- supply, switches, people ----------------------------------------------------------------------


def lose_phase(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """A supply phase is missing."""
    plant.set_phase(False)
    return lambda: plant.set_phase(True)


def cut_power(plant: ModulePlant) -> Mend:
    """Motors and hook magnets of a module lose their supply: brakes and hooks fall in."""
    now_ms = plant.clock.now_ms
    plant.cut_motors(now_ms)
    plant.gate_stop(now_ms)
    plant.cut_hook_power(now_ms)
    plant.set_phase(False)
    return lambda: plant.set_phase(True)


def lose_power(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """The motors' supply fails."""
    return cut_power(plant)


def press_estop(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """Somebody presses the emergency stop, and somebody pulls it again."""
    plant.press_estop()
    return plant.release_estop


def turn_mode(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """Somebody turns the mode switch away from automatic, and back."""
    plant.set_mode(dice.choice((PlcMode.MANUAL, PlcMode.MAINTENANCE)))
    return lambda: plant.set_mode(PlcMode.AUTOMATIC)


def turn_key(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """Somebody turns the key switch off, and on again."""
    plant.set_key(False)
    return lambda: plant.set_key(True)


def walk_in(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    """Somebody is in the zone for so long."""
    plant.walk_in(plant.clock.now_ms, hold_ms)
    return lambda: None


def run_in(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend | None:
    """A child runs through a gate that is not shut yet."""
    return None if plant.gate_state is GateState.CLOSED else walk_in(plant, dice, hold_ms)
