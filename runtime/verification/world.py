"""Everything around the pallets that a proof lets happen: supply, switches, gate, people, sensors, supervisor.

Decides which such events there are and what the sensors say afterwards. Of the causes that stop a drive,
one stands at a time: each forbids every motion by itself (`tests/verification` runs all their combinations
on the real soft PLC).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from domain.signals import GateState, PlcMode


class Drive(Enum):
    """What keeps the drives from running; NOTHING is the usual case."""

    NOTHING = "nothing"
    ESTOP = "emergency stop pressed"
    PHASE = "supply phase lost"
    KEY = "key switch off"
    MANUAL = "mode switch on manual"
    MAINTENANCE = "mode switch on maintenance"
    STALE = "heartbeat stale"
    SLACK = "rope slack"
    OVERTRAVEL = "over-travel switch operated"
    STARTING = "PLC starting again"


LATCHES = frozenset((Drive.ESTOP, Drive.PHASE, Drive.SLACK, Drive.OVERTRAVEL))
"""Causes that latch a fault whether something moves or not."""


class Sensor(Enum):
    """Kinds of sensors, of which one may be stuck."""

    ZONE_A = "zone sensor A"
    ZONE_B = "zone sensor B"
    GATE_SHUT = "gate-shut switch"
    LOADED_A = "loaded sensor A"
    LOADED_B = "loaded sensor B"
    HOME = "home switch"
    GROUND = "ground switch"
    HOOK_CLOSED = "hook-closed switch"


OF_MODULE = (Sensor.ZONE_A, Sensor.ZONE_B, Sensor.GATE_SHUT)
OF_PALLET = (Sensor.LOADED_A, Sensor.LOADED_B, Sensor.HOME, Sensor.GROUND, Sensor.HOOK_CLOSED)


class Fault(NamedTuple):
    """One sensor stuck: on = clear, shut, loaded, home, ground, closed."""

    sensor: Sensor
    on: bool
    offset: int = -1
    """The pallet whose sensor it is."""


class World(NamedTuple):
    """The surroundings of the pallets of one module."""

    drive: Drive = Drive.NOTHING
    latched: bool = False
    gate: GateState = GateState.CLOSED
    person: bool = False
    """Whether somebody, or a car, truly is in the access zone."""
    fault: Fault | None = None
    supervised: bool = True
    """False while the supervisor is down, without the link, or not yet reconciled: it asks nothing."""

    @property
    def gate_driven(self) -> bool:
        """Whether the gate travels."""
        return self.gate in (GateState.OPENING, GateState.CLOSING)


class Seen(NamedTuple):
    """What the sensors and the PLC's own state say of a world: all that a guard can know of it."""

    mode: PlcMode
    estop: bool
    phase_ok: bool
    key: bool
    fresh: bool
    faulty: bool
    gate: GateState
    clear_a: bool
    clear_b: bool
    fault: Fault | None
    """A stuck sensor of a pallet."""
    unsafe: Drive | None
    """A slack rope or an operated over-travel switch."""


_MODES = {
    Drive.MANUAL: PlcMode.MANUAL,
    Drive.MAINTENANCE: PlcMode.MAINTENANCE,
    Drive.STARTING: PlcMode.STARTING,
}


def seen(world: World) -> Seen:
    """What the sensors make of a world."""
    fault, drive = world.fault, world.drive
    clear_a = clear_b = not world.person
    gate = world.gate
    if fault is not None:
        if fault.sensor is Sensor.ZONE_A:
            clear_a = fault.on
        elif fault.sensor is Sensor.ZONE_B:
            clear_b = fault.on
        elif fault.sensor is Sensor.GATE_SHUT:
            gate = _gate_seen(gate, fault.on)
    return Seen(
        mode=_MODES.get(drive, PlcMode.AUTOMATIC),
        estop=drive is Drive.ESTOP,
        phase_ok=drive is not Drive.PHASE,
        key=drive is not Drive.KEY,
        fresh=drive is not Drive.STALE,
        faulty=world.latched,
        gate=gate,
        clear_a=clear_a,
        clear_b=clear_b,
        fault=fault if fault is not None and fault.offset >= 0 else None,
        unsafe=drive if drive in (Drive.SLACK, Drive.OVERTRAVEL) else None,
    )


def _gate_seen(gate: GateState, on: bool) -> GateState:
    """A gate's state is made of two end switches and its drive; one of the switches is stuck."""
    if not on:
        return GateState.UNKNOWN if gate is GateState.CLOSED else gate
    if gate is GateState.OPEN:
        return GateState.UNKNOWN  # both end switches at once
    return GateState.CLOSED if gate is GateState.UNKNOWN else gate


def happenings(world: World, faults: Sequence[Fault], *, restarts: bool) -> Iterator[tuple[str, World]]:
    """Everything that can happen around the pallets by itself or by people, with its name.

    `restarts` lets the supervisor lose its knowledge.
    """
    if world.drive is Drive.NOTHING:
        if world.fault is None:
            for drive in Drive:
                if drive is not Drive.NOTHING:
                    yield drive.value, world._replace(drive=drive, latched=world.latched or drive in LATCHES)
    else:
        yield f"no more: {world.drive.value}", world._replace(drive=Drive.NOTHING)
    if world.fault is None and world.drive is Drive.NOTHING:
        for fault in faults:
            yield (
                f"{fault.sensor.value} stuck {'on' if fault.on else 'off'} ({fault.offset})",
                world._replace(fault=fault),
            )
    yield ("somebody leaves" if world.person else "somebody walks in"), world._replace(person=not world.person)
    if world.gate is GateState.CLOSED and world.fault is None:
        yield "somebody forces the gate", world._replace(gate=GateState.UNKNOWN)
    if world.gate is GateState.OPENING:
        yield "the gate is open", world._replace(gate=GateState.OPEN)
    elif world.gate is GateState.CLOSING:
        yield "the gate is shut", world._replace(gate=GateState.CLOSED)
        if world.fault is not None and world.fault.sensor is Sensor.GATE_SHUT and world.fault.on:
            yield "the gate stops half way, taken for shut", world._replace(gate=GateState.UNKNOWN)
    if world.latched and world.drive not in LATCHES:
        yield "faults reset", world._replace(latched=False)
    if restarts and world.supervised:
        yield "the supervisor crashes or loses the link", world._replace(supervised=False)


def wrong_with_start(world: World) -> str | None:
    """Why nothing may set off in this world; None if it may.

    A gate whose one switch is stuck is left out: the two zone sensors then still stand between people
    and pallets, and they are judged.
    """
    if world.person:
        return "R4: somebody is in the access zone"
    stuck = world.fault is not None and world.fault.sensor is Sensor.GATE_SHUT
    if world.gate is not GateState.CLOSED and not stuck:
        return f"R4: the gate is {world.gate.name.lower()}"
    if world.drive is not Drive.NOTHING:
        return f"stop: {world.drive.value}"
    return "stop: a fault is latched" if world.latched else None
