"""The vertical way of one pallet in phases: hook, travel, ground, and where a stop can leave it.

Decides the physics of a lift for both kinds of hook. Phases follow `sim.plc_moves`: a hook opens before
and closes after the travel; a stop at home height lets the hook fall in, below home it stays open.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from domain.machine import HookKind
from domain.outputs import Opcode
from sim.plant_parts import Hook, Motion


class Height(Enum):
    """Where a pallet is between its home and the ground."""

    HOME = "home"
    ABOVE = "just above home"
    BETWEEN = "between home and ground"
    GROUND = "on the ground"


class Load(Enum):
    """How the car on a pallet at the gate stands."""

    FINE = "fine"
    HALF = "half on"
    HEAVY = "too heavy"


@dataclass(frozen=True, slots=True)
class Phase:
    """What a pallet that is not home and hooked looks like."""

    height: Height
    hook: Hook
    motion: Motion
    move: Opcode | None
    """The command it carries out; None at rest."""
    next: str | None
    """The phase that comes by itself; "HOME" when it is home and hooked again."""
    stopped: tuple[str, ...] = ()
    """The phases that a stop can lead to."""


class Lift(NamedTuple):
    """The one pallet that is off its hook: its number in the module, its phase, its load."""

    offset: int
    phase: str
    load: Load = Load.FINE


HOME = "HOME"
_LOWER, _RAISE = Opcode.LOWER, Opcode.RAISE
_AT_REST = {
    "GROUND": Phase(Height.GROUND, Hook.OPEN, Motion.STILL, None, None),
    "BETWEEN": Phase(Height.BETWEEN, Hook.OPEN, Motion.STILL, None, None),
    "FALLING_IN": Phase(Height.HOME, Hook.MOVING, Motion.STILL, None, HOME),
}
_TRAVEL = {
    "LEAVING_GROUND": Phase(Height.GROUND, Hook.OPEN, Motion.STILL, _RAISE, "UP", ("GROUND",)),
    "LEAVING_BETWEEN": Phase(Height.BETWEEN, Hook.OPEN, Motion.STILL, _RAISE, "UP", ("BETWEEN",)),
}
_CONTACTLESS = {
    "OPENING": Phase(Height.HOME, Hook.MOVING, Motion.STILL, _LOWER, "DOWN", ("FALLING_IN", HOME)),
    "DOWN": Phase(Height.BETWEEN, Hook.OPEN, Motion.LIFT, _LOWER, "GROUND", ("FALLING_IN", "BETWEEN", "GROUND")),
    "UP": Phase(Height.BETWEEN, Hook.OPEN, Motion.LIFT, _RAISE, "CLOSING", ("BETWEEN", "FALLING_IN")),
    "CLOSING": Phase(Height.HOME, Hook.MOVING, Motion.STILL, _RAISE, HOME, ("FALLING_IN", HOME)),
}
_LOAD_RESTING = {
    "LEAVING_HOME": Phase(Height.HOME, Hook.CLOSED, Motion.STILL, _LOWER, "LIFTING_OFF", (HOME,)),
    "LIFTING_OFF": Phase(Height.ABOVE, Hook.CLOSED, Motion.LIFT, _LOWER, "OPENING", ("ABOVE", HOME)),
    "OPENING": Phase(Height.ABOVE, Hook.MOVING, Motion.STILL, _LOWER, "DOWN", ("ABOVE",)),
    "DOWN": Phase(
        Height.BETWEEN, Hook.OPEN, Motion.LIFT, _LOWER, "GROUND", ("ABOVE", "FALLING_IN", "BETWEEN", "GROUND")
    ),
    "UP": Phase(Height.BETWEEN, Hook.OPEN, Motion.LIFT, _RAISE, "CLOSING", ("BETWEEN", "FALLING_IN", "ABOVE")),
    "CLOSING": Phase(Height.ABOVE, Hook.MOVING, Motion.STILL, _RAISE, "SETTLING", ("ABOVE",)),
    "SETTLING": Phase(Height.ABOVE, Hook.CLOSED, Motion.LIFT, _RAISE, HOME, ("ABOVE", HOME)),
    "ABOVE": Phase(Height.ABOVE, Hook.CLOSED, Motion.STILL, None, None),
}


def phases(kind: HookKind) -> dict[str, Phase]:
    """All phases of a machine with this kind of hook."""
    return _AT_REST | _TRAVEL | (_CONTACTLESS if kind is HookKind.CONTACTLESS else _LOAD_RESTING)


def first_phase(kind: HookKind, opcode: Opcode, phase: str, *, by_hand: bool = False) -> str | None:
    """The phase that an accepted command begins with from here (HOME or a phase at rest); None: it changes nothing."""
    contactless = kind is HookKind.CONTACTLESS
    if opcode is _LOWER:
        if phase == HOME or (phase == "FALLING_IN" and by_hand):
            return "OPENING" if contactless else "LEAVING_HOME"
        if phase == "ABOVE" and by_hand:
            return "OPENING"
        return "DOWN" if phase in ("BETWEEN", "ABOVE") else None
    if opcode is _RAISE:
        return {
            "GROUND": "LEAVING_GROUND",
            "BETWEEN": "LEAVING_BETWEEN",
            "FALLING_IN": "CLOSING" if contactless else "UP",
            "ABOVE": "SETTLING",
        }.get(phase)
    return None
