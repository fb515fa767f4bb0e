"""What can go wrong, as data: every class of fault with its place, its rhythm and what it does to the plant.

Decides how one fault is made and mended. When and where it strikes is `sim.swarm`; faults of wires and of
the supervisor are only named here and happen in the runner. A broken switch changes what the PLC reads,
never where anything is: the plant stays the truth that the oracle watches.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from domain.signals import GateState, PlcMode
from sim.module_plant import ModulePlant
from sim.plant_parts import Motion, PalletPlant, Switch

MINUTE_MS = 60_000

Mend = Callable[[], None]
"""Puts right what a fault has broken."""

Break = Callable[[ModulePlant, random.Random, int], Mend | None]
"""Breaks something in a module for so many ms; None: nothing there could break now."""


class FaultClass(StrEnum):
    """Every class of fault; the values are the names in reports."""

    ZONE_SENSOR_BLIND = "zone_sensor_blind"
    ZONE_SENSOR_SEES_GHOSTS = "zone_sensor_sees_ghosts"
    ZONE_SENSOR_FLICKERS = "zone_sensor_flickers"
    GATE_SWITCH_STUCK = "gate_switch_stuck"
    GATE_SWITCH_FLICKERS = "gate_switch_flickers"
    LOADED_SENSORS_DISAGREE = "loaded_sensors_disagree"
    LOADED_SENSOR_FLICKERS = "loaded_sensor_flickers"
    HOME_SWITCH_STUCK = "home_switch_stuck"
    GROUND_SWITCH_STUCK = "ground_switch_stuck"
    HOOK_SWITCH_STUCK = "hook_switch_stuck"
    PALLET_SWITCH_FLICKERS = "pallet_switch_flickers"
    CELL_SWITCH_STUCK = "cell_switch_stuck"
    LOAD_CELL_WRONG = "load_cell_wrong"
    HOOK_JAMS = "hook_jams"
    MOTOR_STALLS = "motor_stalls"
    LOW_VOLTAGE = "low_voltage"
    CONTACTOR_WELDED = "contactor_welded"
    OUTPUTS_HELD = "outputs_held"
    ROPE_SLACK = "rope_slack"
    OVERTRAVEL = "overtravel"
    GATE_JAMS = "gate_jams"
    CAR_OVERWEIGHT = "car_overweight"
    PHASE_LOST = "phase_lost"
    MOTOR_POWER_CUT = "motor_power_cut"
    SITE_POWER_CUT = "site_power_cut"
    PLC_REBOOTS = "plc_reboots"
    ESTOP_PRESSED = "estop_pressed"
    MODE_SWITCH_TURNED = "mode_switch_turned"
    KEY_TURNED_OFF = "key_turned_off"
    PERSON_WALKS_IN = "person_walks_in"
    CHILD_AT_THE_GATE = "child_at_the_gate"
    DRIVER_STAYS = "driver_stays"
    DRIVER_CONFIRMS_EARLY = "driver_confirms_early"
    LINK_LOST = "link_lost"
    FRAMES_LOST = "frames_lost"
    FRAMES_LATE = "frames_late"
    FRAMES_TWICE = "frames_twice"
    FRAMES_OUT_OF_ORDER = "frames_out_of_order"
    SUPERVISOR_KILLED = "supervisor_killed"
    SUPERVISOR_HANGS = "supervisor_hangs"
    JOURNAL_FAILS = "journal_fails"
    CLOCK_STEPS = "clock_steps"
    CHARGER_SILENT = "charger_silent"


class Slot(Enum):
    """What a module can have broken once at a time: two faults of one slot could hide each other.

    No machine with two signals for a place survives that both lie; the promise is about one at a time.
    """

    SENSOR = "sensor"
    DRIVE = "drive"
    POWER = "power"
    OPERATION = "operation"
    WIRE = "wire"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Kind:
    """One class: its slot, mean time between faults of one place while its dial is on, how long it lasts, for people.

    `at_gate` faults wait for a gate that closes, all others mostly for a motion, before they strike.
    """

    slot: Slot
    gap_ms: int
    hold_ms: tuple[int, int]
    story: str
    breaks: Break | None = None
    at_gate: bool = False


def _pallet(plant: ModulePlant, dice: random.Random, among: Sequence[PalletPlant] = ()) -> PalletPlant:
    """Mostly one that travels or is down, for there a fault hurts most; else any of `among`."""
    busy = [p for p in plant.pallets if p.moving or not p.at_home_height]
    return dice.choice(busy) if busy and dice.random() < 0.7 else dice.choice(among or plant.pallets)


def _zone_sensor(says: bool) -> Break:
    def breaks(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
        number = dice.randrange(2)
        plant.set_zone_sensor(number, says)
        return lambda: plant.set_zone_sensor(number, None)

    return breaks


def _flicker(plant: ModulePlant, dice: random.Random, hold_ms: int, say: Callable[[bool | None], None]) -> Mend:
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


def _zone_flickers(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    number = dice.randrange(2)
    return _flicker(plant, dice, hold_ms, lambda says: plant.set_zone_sensor(number, says))


def _gate_switch(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    plant.set_gate_shut_switch(dice.random() < 0.5)
    return lambda: plant.set_gate_shut_switch(None)


def _gate_switch_flickers(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    return _flicker(plant, dice, hold_ms, plant.set_gate_shut_switch)


def _pallet_switch(*switches: Switch, flickers: bool = False) -> Break:
    def breaks(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
        pallet, switch = _pallet(plant, dice, plant.pallets[len(plant.by_level[0]) :]), dice.choice(switches)
        if flickers:
            return _flicker(plant, dice, hold_ms, lambda says: plant.set_switch(pallet.bay, switch, says))
        plant.set_switch(pallet.bay, switch, dice.random() < 0.5)
        return lambda: plant.set_switch(pallet.bay, switch, None)

    return breaks


def _loaded(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    pallet, first = _pallet(plant, dice), dice.random() < 0.5
    switch, truth = (Switch.LOADED_A, pallet.loaded_a) if first else (Switch.LOADED_B, pallet.loaded_b)
    plant.set_switch(pallet.bay, switch, not truth)
    return lambda: plant.set_switch(pallet.bay, switch, None)


def _cell(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    level = dice.choice([p.level for p in plant.pallets if p.moving] or [1, len(plant.by_level)])
    column = dice.randrange(1, plant.layout.columns + 1)
    plant.set_cell_switch(level, column, dice.random() < 0.5)
    return lambda: plant.set_cell_switch(level, column, None)


def _hook_jams(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    bay = _pallet(plant, dice, plant.pallets[len(plant.by_level[0]) :]).bay
    plant.force_hook_stuck(bay)
    return lambda: plant.force_hook_stuck(bay, False)


def _stalls(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend | None:
    moving = [p for p in plant.pallets if p.motion is not Motion.STILL and p.travel is not None]
    if not moving:
        return None
    plant.stall(dice.choice(moving))
    return lambda: None


def _damage(name: str, *values: int | bool, sound: int | bool) -> Break:
    def breaks(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
        plant.set_damage(name, dice.choice(values))
        return lambda: plant.set_damage(name, sound)

    return breaks


def _overweight(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    plant.set_damage("overweight_next", True)
    return lambda: plant.set_damage("overweight_next", False)


def _slack(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    bay = _pallet(plant, dice).bay
    plant.force_slack(bay)
    return lambda: plant.force_slack(bay, False)


def _overtravel(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    bay = _pallet(plant, dice).bay
    plant.force_overtravel(bay)
    return lambda: plant.force_overtravel(bay, False)


def _gate_jams(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    plant.jam_gate(True)
    return lambda: plant.jam_gate(False)


def _phase(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
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


def _power(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    return cut_power(plant)


def _estop(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    plant.press_estop()
    return plant.release_estop


def _mode(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    plant.set_mode(dice.choice((PlcMode.MANUAL, PlcMode.MAINTENANCE)))
    return lambda: plant.set_mode(PlcMode.AUTOMATIC)


def _key(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    plant.set_key(False)
    return lambda: plant.set_key(True)


def _walk_in(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend:
    plant.walk_in(plant.clock.now_ms, hold_ms)
    return lambda: None


def _child(plant: ModulePlant, dice: random.Random, hold_ms: int) -> Mend | None:
    if plant.gate_state is GateState.CLOSED:
        return None
    return _walk_in(plant, dice, hold_ms)


_SENSOR_HOLD = (2_000, 4 * MINUTE_MS)
_DRIVE_HOLD = (5_000, 4 * MINUTE_MS)
_BLINK = (500, 20_000)
_RARE, _OFTEN = 45 * MINUTE_MS, 20 * MINUTE_MS
_PLACE_SWITCHES = (Switch.HOME, Switch.GROUND, Switch.HOOK_CLOSED, Switch.HOOK_OPEN)
_F, _S = FaultClass, Slot

KINDS: dict[FaultClass, Kind] = {
    _F.ZONE_SENSOR_BLIND: Kind(
        _S.SENSOR, _RARE, _SENSOR_HOLD, "one zone sensor says clear, whoever is inside", _zone_sensor(True)
    ),
    _F.ZONE_SENSOR_SEES_GHOSTS: Kind(
        _S.SENSOR, _RARE, _SENSOR_HOLD, "one zone sensor says occupied", _zone_sensor(False)
    ),
    _F.ZONE_SENSOR_FLICKERS: Kind(_S.SENSOR, _RARE, _BLINK, "one zone sensor flickers", _zone_flickers),
    _F.GATE_SWITCH_STUCK: Kind(
        _S.SENSOR, _RARE, _SENSOR_HOLD, "one channel of the gate's shut switch is stuck on or off", _gate_switch
    ),
    _F.GATE_SWITCH_FLICKERS: Kind(
        _S.SENSOR, _RARE, _BLINK, "one channel of the gate's shut switch flickers", _gate_switch_flickers
    ),
    _F.LOADED_SENSORS_DISAGREE: Kind(
        _S.SENSOR, _RARE, _SENSOR_HOLD, "one of the two car sensors of a pallet says the opposite", _loaded
    ),
    _F.LOADED_SENSOR_FLICKERS: Kind(
        _S.SENSOR,
        _RARE,
        _BLINK,
        "one of the two car sensors of a pallet flickers",
        _pallet_switch(Switch.LOADED_A, Switch.LOADED_B, flickers=True),
    ),
    _F.HOME_SWITCH_STUCK: Kind(
        _S.SENSOR, _RARE, _SENSOR_HOLD, "home switch of a pallet stuck on or off", _pallet_switch(Switch.HOME)
    ),
    _F.GROUND_SWITCH_STUCK: Kind(
        _S.SENSOR, _RARE, _SENSOR_HOLD, "ground switch of a pallet stuck on or off", _pallet_switch(Switch.GROUND)
    ),
    _F.HOOK_SWITCH_STUCK: Kind(
        _S.SENSOR,
        _RARE,
        _SENSOR_HOLD,
        "hook-closed or hook-open switch stuck on or off",
        _pallet_switch(Switch.HOOK_CLOSED, Switch.HOOK_OPEN),
    ),
    _F.PALLET_SWITCH_FLICKERS: Kind(
        _S.SENSOR,
        _RARE,
        _BLINK,
        "home, ground or hook switch of a pallet flickers",
        _pallet_switch(*_PLACE_SWITCHES, flickers=True),
    ),
    _F.CELL_SWITCH_STUCK: Kind(_S.SENSOR, _RARE, _SENSOR_HOLD, "the switch of a cell stuck on or off", _cell),
    _F.LOAD_CELL_WRONG: Kind(
        _S.SENSOR, _RARE, _SENSOR_HOLD, "load cell says overload, or is blind", _pallet_switch(Switch.OVERLOAD)
    ),
    _F.HOOK_JAMS: Kind(
        _S.SENSOR, _RARE, _DRIVE_HOLD, "a hook leaves its place and arrives nowhere: opening or closing", _hook_jams
    ),
    _F.MOTOR_STALLS: Kind(_S.DRIVE, _OFTEN, _DRIVE_HOLD, "a motor jams in the middle of a travel", _stalls),
    _F.LOW_VOLTAGE: Kind(
        _S.DRIVE,
        _RARE,
        _DRIVE_HOLD,
        "motors that start run at 20 to 90 % of their speed",
        _damage("speed_pct", 20, 40, 60, 75, 90, sound=100),
    ),
    _F.CONTACTOR_WELDED: Kind(
        _S.DRIVE,
        _RARE,
        _DRIVE_HOLD,
        "motors do not hear a stop; only the main contactor stops them",
        _damage("contactor_welded", True, sound=False),
    ),
    _F.OUTPUTS_HELD: Kind(
        _S.DRIVE,
        _RARE,
        _DRIVE_HOLD,
        "the remote I/O holds its last outputs: motors, hooks and gate hear nothing new",
        _damage("outputs_held", True, sound=False),
    ),
    _F.ROPE_SLACK: Kind(_S.DRIVE, _RARE, _DRIVE_HOLD, "a rope goes slack", _slack),
    _F.OVERTRAVEL: Kind(_S.DRIVE, _RARE, _DRIVE_HOLD, "an over-travel switch operates", _overtravel),
    _F.GATE_JAMS: Kind(_S.DRIVE, _RARE, _DRIVE_HOLD, "the gate's leaf sticks while its drive runs", _gate_jams, True),
    _F.CAR_OVERWEIGHT: Kind(
        _S.NONE,
        _RARE,
        (10 * MINUTE_MS, 30 * MINUTE_MS),
        "the next car is heavier than its papers",
        _overweight,
    ),
    _F.PHASE_LOST: Kind(_S.POWER, _RARE, _DRIVE_HOLD, "a supply phase is missing", _phase),
    _F.MOTOR_POWER_CUT: Kind(_S.POWER, _RARE, _DRIVE_HOLD, "motors and hook magnets lose their supply", _power),
    _F.SITE_POWER_CUT: Kind(
        _S.POWER, 4 * _RARE, _DRIVE_HOLD, "everything but the supervisor loses its supply, PLCs and wires too"
    ),
    _F.PLC_REBOOTS: Kind(_S.NONE, _RARE, (1, 1), "a PLC starts anew"),
    _F.ESTOP_PRESSED: Kind(_S.OPERATION, _RARE, (500, MINUTE_MS), "somebody presses the emergency stop", _estop),
    _F.MODE_SWITCH_TURNED: Kind(_S.OPERATION, _RARE, (500, MINUTE_MS), "somebody turns the mode switch", _mode),
    _F.KEY_TURNED_OFF: Kind(_S.OPERATION, _RARE, (500, MINUTE_MS), "somebody turns the key switch off", _key),
    _F.PERSON_WALKS_IN: Kind(
        _S.NONE, _OFTEN, (500, 40_000), "somebody walks into the zone, even over a shut gate", _walk_in
    ),
    _F.CHILD_AT_THE_GATE: Kind(
        _S.NONE, _OFTEN, (300, 5_000), "a child runs in while the gate closes", _child, at_gate=True
    ),
    _F.DRIVER_STAYS: Kind(_S.NONE, _RARE, (1, 1), "the next driver stays eight times as long"),
    _F.DRIVER_CONFIRMS_EARLY: Kind(_S.NONE, _OFTEN, (1, 1), "the next driver presses clear before being out"),
    _F.LINK_LOST: Kind(_S.WIRE, _RARE, (300, MINUTE_MS), "nothing gets through to a PLC or back"),
    _F.FRAMES_LOST: Kind(_S.WIRE, _RARE, (1_000, MINUTE_MS), "5 to 60 % of requests or answers are lost"),
    _F.FRAMES_LATE: Kind(_S.WIRE, _RARE, (1_000, MINUTE_MS), "requests and answers take up to 0.1 to 1.5 s"),
    _F.FRAMES_TWICE: Kind(_S.WIRE, _RARE, (1_000, MINUTE_MS), "requests arrive again up to 3 s later"),
    _F.FRAMES_OUT_OF_ORDER: Kind(_S.WIRE, _RARE, (1_000, MINUTE_MS), "requests arrive behind later ones"),
    _F.SUPERVISOR_KILLED: Kind(
        _S.NONE, _OFTEN, (300, 30_000), "the supervisor dies before, in or after any step of a scan and starts anew"
    ),
    _F.SUPERVISOR_HANGS: Kind(_S.NONE, _OFTEN, (200, 20_000), "the supervisor stands still, then goes on"),
    _F.JOURNAL_FAILS: Kind(_S.NONE, _RARE, (1_000, 5 * MINUTE_MS), "disk full or I/O error: nothing can be stored"),
    _F.CLOCK_STEPS: Kind(_S.NONE, _OFTEN, (1, 1), "the wall clock jumps by up to two hours either way"),
    _F.CHARGER_SILENT: Kind(_S.NONE, _RARE, (5_000, 5 * MINUTE_MS), "a wallbox does not answer"),
}
"""Every class. Times are of the plant."""
