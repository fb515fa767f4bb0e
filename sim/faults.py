"""What can go wrong, as data: every class of fault with its place, its rhythm, its cue and its story.

Decides which classes there are. How a thing is broken is `sim.breakages`, when and where a fault strikes is
`sim.swarm`; faults of wires and of the supervisor are only named here and happen in the runner.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from sim import breakages
from sim.breakages import Break
from sim.plant_parts import Switch

MINUTE_MS = 60_000


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
    SAFETY_SWITCH_FLICKERS = "safety_switch_flickers"
    CELL_SWITCH_STUCK = "cell_switch_stuck"
    CELL_SWITCH_FLICKERS = "cell_switch_flickers"
    LOAD_CELL_WRONG = "load_cell_wrong"
    LOAD_CELL_FLICKERS = "load_cell_flickers"
    HOOK_WILL_NOT_OPEN = "hook_will_not_open"
    HOOK_WILL_NOT_CLOSE = "hook_will_not_close"
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
    FIRE_ALARM = "fire_alarm"
    EARTHQUAKE = "earthquake"
    PERSON_WALKS_IN = "person_walks_in"
    CHILD_AT_THE_GATE = "child_at_the_gate"
    DRIVER_STAYS = "driver_stays"
    DRIVER_NEVER_LEAVES = "driver_never_leaves"
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
    DANGER = "danger"
    WIRE = "wire"
    NONE = "none"


class Cue(Enum):
    """What a fault that has come waits for before it strikes."""

    MOTION = "a pallet sets off: it strikes at some point of the way; a quarter of these faults wait for nothing"
    GATE = "a gate sets off: it strikes at some point of the way"
    GATE_SHUTS = "a gate begins to shut: it strikes at some point of the way"
    HOOK = "a hook is told to open"
    CAR = "a car drives in"
    DRIVER = "a driver stands before an open gate"


@dataclass(frozen=True, slots=True)
class Kind:
    """One class: its slot, mean time between faults of one place while its dial is on, how long it lasts, its story."""

    slot: Slot
    gap_ms: int
    hold_ms: tuple[int, int]
    story: str
    breaks: Break | None = None
    cue: Cue = Cue.MOTION


_SENSOR_HOLD = (2_000, 4 * MINUTE_MS)
_DRIVE_HOLD = (5_000, 4 * MINUTE_MS)
_BLINK = (500, 20_000)
_RARE, _OFTEN = 45 * MINUTE_MS, 20 * MINUTE_MS
_PLACE_SWITCHES = (Switch.HOME, Switch.GROUND, Switch.HOOK_CLOSED, Switch.HOOK_OPEN)
_F, _S = FaultClass, Slot

KINDS: dict[FaultClass, Kind] = {
    _F.ZONE_SENSOR_BLIND: Kind(
        _S.SENSOR, _RARE, _SENSOR_HOLD, "one zone sensor says clear, whoever is inside", breakages.zone_sensor(True)
    ),
    _F.ZONE_SENSOR_SEES_GHOSTS: Kind(
        _S.SENSOR, _RARE, _SENSOR_HOLD, "one zone sensor says occupied", breakages.zone_sensor(False)
    ),
    _F.ZONE_SENSOR_FLICKERS: Kind(_S.SENSOR, _RARE, _BLINK, "one zone sensor flickers", breakages.zone_flickers),
    _F.GATE_SWITCH_STUCK: Kind(
        _S.SENSOR,
        _RARE,
        _SENSOR_HOLD,
        "one channel of the gate's shut switch is stuck on or off",
        breakages.gate_switch,
    ),
    _F.GATE_SWITCH_FLICKERS: Kind(
        _S.SENSOR, _RARE, _BLINK, "one channel of the gate's shut switch flickers", breakages.gate_switch_flickers
    ),
    _F.LOADED_SENSORS_DISAGREE: Kind(
        _S.SENSOR,
        _RARE,
        _SENSOR_HOLD,
        "one of the two car sensors of a pallet says the opposite",
        breakages.loaded_sensor,
    ),
    _F.LOADED_SENSOR_FLICKERS: Kind(
        _S.SENSOR,
        _RARE,
        _BLINK,
        "one of the two car sensors of a pallet flickers",
        breakages.pallet_switch(Switch.LOADED_A, Switch.LOADED_B, flickers=True),
    ),
    _F.HOME_SWITCH_STUCK: Kind(
        _S.SENSOR, _RARE, _SENSOR_HOLD, "home switch of a pallet stuck on or off", breakages.pallet_switch(Switch.HOME)
    ),
    _F.GROUND_SWITCH_STUCK: Kind(
        _S.SENSOR,
        _RARE,
        _SENSOR_HOLD,
        "ground switch of a pallet stuck on or off",
        breakages.pallet_switch(Switch.GROUND),
    ),
    _F.HOOK_SWITCH_STUCK: Kind(
        _S.SENSOR,
        _RARE,
        _SENSOR_HOLD,
        "hook-closed or hook-open switch stuck on or off",
        breakages.pallet_switch(Switch.HOOK_CLOSED, Switch.HOOK_OPEN),
    ),
    _F.PALLET_SWITCH_FLICKERS: Kind(
        _S.SENSOR,
        _RARE,
        _BLINK,
        "home, ground or hook switch of a pallet flickers",
        breakages.pallet_switch(*_PLACE_SWITCHES, flickers=True),
    ),
    _F.SAFETY_SWITCH_FLICKERS: Kind(
        _S.SENSOR,
        _RARE,
        _BLINK,
        "slack-rope or over-travel switch of a pallet flickers",
        breakages.safety_switch_flickers,
    ),
    _F.CELL_SWITCH_STUCK: Kind(
        _S.SENSOR, _RARE, _SENSOR_HOLD, "the switch of a cell stuck on or off", breakages.cell_switch()
    ),
    _F.CELL_SWITCH_FLICKERS: Kind(
        _S.SENSOR, _RARE, _BLINK, "the switch of a cell flickers", breakages.cell_switch(flickers=True)
    ),
    _F.LOAD_CELL_WRONG: Kind(
        _S.SENSOR, _RARE, _SENSOR_HOLD, "load cell says overload, or is blind", breakages.pallet_switch(Switch.OVERLOAD)
    ),
    _F.LOAD_CELL_FLICKERS: Kind(
        _S.SENSOR,
        _RARE,
        _BLINK,
        "load cell flickers between overload and none",
        breakages.pallet_switch(Switch.OVERLOAD, flickers=True),
    ),
    _F.HOOK_WILL_NOT_OPEN: Kind(
        _S.SENSOR, _RARE, _DRIVE_HOLD, "a hook that is told to open leaves its place and arrives nowhere", cue=Cue.HOOK
    ),
    _F.HOOK_WILL_NOT_CLOSE: Kind(
        _S.SENSOR, _RARE, _DRIVE_HOLD, "the hook of a pallet on its way will not close", breakages.hook_stays_open
    ),
    _F.MOTOR_STALLS: Kind(_S.DRIVE, _OFTEN, _DRIVE_HOLD, "a motor jams in the middle of a travel", breakages.stall),
    _F.LOW_VOLTAGE: Kind(
        _S.DRIVE,
        _RARE,
        _DRIVE_HOLD,
        "motors that start run at 20 to 90 % of their speed",
        breakages.damage("speed_pct", 20, 40, 60, 75, 90, sound=100),
    ),
    _F.CONTACTOR_WELDED: Kind(
        _S.DRIVE,
        _RARE,
        _DRIVE_HOLD,
        "motors do not hear a stop; only the main contactor stops them",
        breakages.damage("contactor_welded", True, sound=False),
    ),
    _F.OUTPUTS_HELD: Kind(
        _S.DRIVE,
        _RARE,
        _DRIVE_HOLD,
        "the remote I/O holds its last outputs: motors, hooks and gate hear nothing new",
        breakages.damage("outputs_held", True, sound=False),
    ),
    _F.ROPE_SLACK: Kind(_S.DRIVE, _RARE, _DRIVE_HOLD, "a rope goes slack", breakages.slack),
    _F.OVERTRAVEL: Kind(_S.DRIVE, _RARE, _DRIVE_HOLD, "an over-travel switch operates", breakages.overtravel),
    _F.GATE_JAMS: Kind(
        _S.DRIVE, _RARE, _DRIVE_HOLD, "the gate's leaf sticks while its drive runs", breakages.jam_gate, Cue.GATE
    ),
    _F.CAR_OVERWEIGHT: Kind(_S.NONE, _RARE, (1, 1), "the next car is heavier than its papers", cue=Cue.CAR),
    _F.PHASE_LOST: Kind(_S.POWER, _RARE, _DRIVE_HOLD, "a supply phase is missing", breakages.lose_phase),
    _F.MOTOR_POWER_CUT: Kind(
        _S.POWER, _RARE, _DRIVE_HOLD, "motors and hook magnets lose their supply", breakages.lose_power
    ),
    _F.SITE_POWER_CUT: Kind(
        _S.POWER, 2 * _RARE, _DRIVE_HOLD, "everything but the supervisor loses its supply, PLCs and wires too"
    ),
    _F.PLC_REBOOTS: Kind(_S.NONE, _RARE, (1, 1), "a PLC starts anew"),
    _F.ESTOP_PRESSED: Kind(
        _S.OPERATION, _RARE, (500, MINUTE_MS), "somebody presses the emergency stop", breakages.press_estop
    ),
    _F.MODE_SWITCH_TURNED: Kind(
        _S.OPERATION, _RARE, (500, MINUTE_MS), "somebody turns the mode switch", breakages.turn_mode
    ),
    _F.KEY_TURNED_OFF: Kind(
        _S.OPERATION, _RARE, (500, MINUTE_MS), "somebody turns the key switch off", breakages.turn_key
    ),
    _F.FIRE_ALARM: Kind(_S.DANGER, 2 * _RARE, _DRIVE_HOLD, "the fire input of one PLC, or of all, is on"),
    _F.EARTHQUAKE: Kind(_S.DANGER, 2 * _RARE, _DRIVE_HOLD, "the seismic switch of one PLC, or of all, has tripped"),
    _F.PERSON_WALKS_IN: Kind(
        _S.NONE, _OFTEN, (500, 40_000), "somebody walks into the zone, even over a shut gate", breakages.walk_in
    ),
    _F.CHILD_AT_THE_GATE: Kind(
        _S.NONE, _OFTEN, (300, 5_000), "a child runs in while the gate shuts", breakages.run_in, Cue.GATE_SHUTS
    ),
    _F.DRIVER_STAYS: Kind(_S.NONE, _RARE, (1, 1), "the next driver stays eight times as long", cue=Cue.DRIVER),
    _F.DRIVER_NEVER_LEAVES: Kind(
        _S.NONE, 2 * _RARE, (1, 1), "the next driver does not come out for 20 minutes", cue=Cue.DRIVER
    ),
    _F.DRIVER_CONFIRMS_EARLY: Kind(
        _S.NONE, _OFTEN, (1, 1), "the next driver presses clear before being out", cue=Cue.DRIVER
    ),
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
