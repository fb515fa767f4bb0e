"""Everything around the pallets that a proof lets happen: supply, switches, gate, people, sensors, supervisor.

Decides which such events there are and what the sensors say afterwards. Of the causes that stop a drive,
one stands at a time, in automatic as in manual mode: each forbids every motion by itself
(`tests/verification` runs all their combinations on the real soft PLC).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from domain.outputs import Bypass, Opcode
from domain.signals import GateState, PlcMode


class Drive(Enum):
    """What keeps the drives from running; NOTHING is the usual case."""

    NOTHING = "nothing"
    ESTOP = "emergency stop pressed"
    PHASE = "supply phase lost"
    KEY = "key switch off"
    MAINTENANCE = "mode switch on maintenance"
    LOCKED = "lock of maintenance"
    STALE = "heartbeat stale"
    SLACK = "rope slack"
    OVERTRAVEL = "over-travel switch operated"
    FIRE = "fire reported"
    QUAKE = "earthquake reported"
    STARTING = "PLC starting again"


LATCHES = frozenset((Drive.ESTOP, Drive.PHASE, Drive.SLACK, Drive.OVERTRAVEL, Drive.QUAKE))
"""Causes that latch a fault whether something moves or not."""


BESIDE_A_BROKEN_SWITCH = (Drive.ESTOP, Drive.STALE)
"""One cause that latches and one that does not: a pallet's switch makes no difference between the others."""


class Sensor(Enum):
    """Kinds of sensors, of which one may be stuck."""

    ZONE_A = "zone sensor A"
    ZONE_B = "zone sensor B"
    GATE_SHUT = "gate-shut switch"
    LOADED_A = "loaded sensor A"
    LOADED_B = "loaded sensor B"
    OVERLOAD = "overload switch"
    HOME = "home switch"
    GROUND = "ground switch"
    HOOK_CLOSED = "hook-closed switch"
    HOOK_OPEN = "hook-open switch"
    CELL = "cell switch"


OF_MODULE = (Sensor.ZONE_A, Sensor.ZONE_B, Sensor.GATE_SHUT)
OF_PALLET = (
    Sensor.LOADED_A,
    Sensor.LOADED_B,
    Sensor.OVERLOAD,
    Sensor.HOME,
    Sensor.GROUND,
    Sensor.HOOK_CLOSED,
    Sensor.HOOK_OPEN,
)
OF_HOOK = (Sensor.HOOK_CLOSED, Sensor.HOOK_OPEN)
OF_LOAD = (Sensor.LOADED_A, Sensor.LOADED_B)


class Fault(NamedTuple):
    """One sensor stuck: on = clear, shut, loaded, overloaded, home, ground, closed, open, occupied."""

    sensor: Sensor
    on: bool
    offset: int = -1
    """The pallet whose sensor it is."""
    cell: tuple[int, int] | None = None
    """The level and column whose switch it is."""

    @property
    def told(self) -> str:
        """In words."""
        of = f" of cell {self.cell}" if self.cell else f" of pallet {self.offset}" if self.offset >= 0 else ""
        return f"{self.sensor.value}{of} stuck {'on' if self.on else 'off'}"


class Hand(NamedTuple):
    """How a move by hand is asked for."""

    held: bool = True
    bypass: Bypass = Bypass.NONE
    """What two people have set aside, having looked: it is truly as the sensor should say."""


AUTOMATIC: Hand | None = None
"""A command that nobody's hand is at."""


class World(NamedTuple):
    """The surroundings of the pallets of one module."""

    drive: Drive = Drive.NOTHING
    latched: bool = False
    gate: GateState = GateState.CLOSED
    person: bool = False
    """Whether somebody, or a car, truly is in the access zone."""
    fault: Fault | None = None
    supervised: bool = True
    """False while the supervisor is down, without the link, or not yet reconciled: by itself it asks nothing."""
    manual: bool = False
    """Whether the mode switch stands on manual: what moves then is in somebody's hand."""

    @property
    def gate_driven(self) -> bool:
        """Whether the gate travels."""
        return self.gate in (GateState.OPENING, GateState.CLOSING)


class Seen(NamedTuple):
    """What the sensors and the PLC's own state say of a world: all that a guard can know of it."""

    mode: PlcMode
    drive: Drive
    """As far as its switches and inputs show it; NOTHING for what shows in the mode."""
    faulty: bool
    gate: GateState
    """Where the gate truly is; what its switches say is made of it and `shut_says` by the soft PLC's code."""
    shut_says: bool | None
    clear_a: bool
    clear_b: bool
    fault: Fault | None
    """A stuck sensor of a pallet or a cell."""


_MODES = {Drive.MAINTENANCE: PlcMode.MAINTENANCE, Drive.STARTING: PlcMode.STARTING}


def seen(world: World) -> Seen:
    """What the sensors make of a world."""
    fault, clear = world.fault, not world.person
    sensor = None if fault is None else fault.sensor
    stuck = fault is not None and fault.on
    return Seen(
        mode=_MODES.get(world.drive, PlcMode.MANUAL if world.manual else PlcMode.AUTOMATIC),
        drive=Drive.NOTHING if world.drive in _MODES else world.drive,
        faulty=world.latched,
        gate=world.gate,
        shut_says=stuck if sensor is Sensor.GATE_SHUT and stuck != (world.gate is GateState.CLOSED) else None,
        clear_a=stuck if sensor is Sensor.ZONE_A else clear,
        clear_b=stuck if sensor is Sensor.ZONE_B else clear,
        fault=None if sensor in OF_MODULE else fault,
    )


def happenings(world: World, faults: Sequence[Fault], *, supervisor: bool) -> Iterator[tuple[str, World]]:
    """Everything that can happen around the pallets by itself or by people, with its name.

    Behind the `supervisor` alone it can also lose its knowledge, and locks are no business of its interlocks.
    """
    if world.drive is not Drive.NOTHING:
        yield f"no more: {world.drive.value}", world._replace(drive=Drive.NOTHING)
    else:
        yield from _causes(world, supervisor)
        turned = "automatic" if world.manual else "manual"
        yield f"mode switch on {turned}", world._replace(manual=not world.manual)
        if world.fault is None:
            for fault in faults:
                yield fault.told, world._replace(fault=fault)
    yield ("somebody leaves" if world.person else "somebody walks in"), world._replace(person=not world.person)
    if world.gate is GateState.CLOSED and world.fault is None:
        yield "somebody forces the gate", world._replace(gate=GateState.UNKNOWN)
    if world.gate is GateState.OPENING:
        yield "the gate is open", world._replace(gate=GateState.OPEN)
    elif world.gate is GateState.CLOSING:
        yield "the gate is shut", world._replace(gate=GateState.CLOSED)
    if world.latched and world.drive not in LATCHES:
        yield "faults reset", world._replace(latched=False)
    if supervisor and world.supervised:
        yield "the supervisor crashes or loses the link", world._replace(supervised=False)


def _causes(world: World, supervisor: bool) -> Iterator[tuple[str, World]]:
    broken = world.fault is not None and world.fault.sensor not in OF_MODULE
    for drive in BESIDE_A_BROKEN_SWITCH if broken else Drive:
        if drive is not Drive.NOTHING and not (supervisor and drive is Drive.LOCKED):
            yield drive.value, world._replace(drive=drive, latched=world.latched or drive in LATCHES)


def bypasses(fault: Fault | None) -> tuple[Bypass, ...]:
    """What two people may have reason to set aside: an interlock whose sensor is at fault.

    With a sound sensor a bypass changes no answer, because they give it only for what is truly in order.
    """
    if fault is not None and fault.sensor in OF_HOOK:
        return Bypass.NONE, Bypass.HOOK_CLOSED
    if fault is not None and fault.sensor in OF_LOAD:
        return Bypass.NONE, Bypass.LOADED_SENSORS
    return (Bypass.NONE,)


def wrong_with_start(world: World, hand: Hand | None, opcode: Opcode) -> str | None:
    """Why no pallet may set off in this world in this way; None if it may."""
    if world.person:
        return "R4: somebody is in the access zone"
    if world.gate is not GateState.CLOSED:
        return f"R4: the gate is {world.gate.name.lower()}"
    if world.drive is Drive.FIRE:
        if opcode is not Opcode.RAISE:
            return f"fire: {opcode.name} begins"
        world = world._replace(drive=Drive.NOTHING)
    return wrong_with_drive(world, hand)


def wrong_with_drive(world: World, hand: Hand | None) -> str | None:
    """Why no drive may run in this world in this way; None if it may."""
    if world.drive is not Drive.NOTHING:
        return f"stop: {world.drive.value}"
    if world.latched:
        return "stop: a fault is latched"
    return wrong_with_hand(world, hand)


def wrong_with_hand(world: World, hand: Hand | None) -> str | None:
    """Why a command does not suit the mode: by itself in automatic, by a held hand in manual."""
    if hand is None:
        return "mode: it moves by itself in manual mode" if world.manual else None
    if not world.manual:
        return "mode: it is moved by hand in automatic mode"
    return None if hand.held else "hold-to-run: nobody holds the button"
