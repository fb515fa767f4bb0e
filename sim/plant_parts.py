"""The parts a module's plant is made of: clock, car bodies, pallets, and who watches them.

Decides what state each part has and how it reads at a time. What moves them is `sim.module_plant`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from domain.ids import BayId
from domain.moment import NEVER_MS
from domain.vehicle import Vehicle
from sim.motion import Trajectory

ON_CELL_MM = 0.5
"""A pallet this near to a place operates the position switch there."""


class PlantError(Exception):
    """Somebody asked the plant for what cannot physically happen: a bug of the caller."""


@dataclass(slots=True)
class Clock:
    """Plant time, shared by everything in one plant."""

    now_ms: int = 0


@dataclass(frozen=True, slots=True)
class CarBody:
    """A car as a thing: its number plate, its size and mass."""

    plate: str
    vehicle: Vehicle


class Motion(StrEnum):
    """What a pallet is doing, as the trace writes it."""

    STILL = "still"
    SLIDE = "slide"
    LIFT = "lift"


class Hook(StrEnum):
    """Where a hook is; `MOVING` closes neither of its two switches. Ground pallets have none."""

    NONE = "none"
    CLOSED = "closed"
    OPEN = "open"
    MOVING = "moving"


class Switch(StrEnum):
    """The switches of one pallet that can be broken; which of them the PLC believes alone is its business."""

    HOME = "home"
    GROUND = "ground"
    HOOK_CLOSED = "hook_closed"
    HOOK_OPEN = "hook_open"
    LOADED_A = "loaded_a"
    LOADED_B = "loaded_b"
    OVERLOAD = "overload"


@dataclass(eq=False)
class PalletPlant:
    """One pallet: where it stands or how it travels, its hook, its car and its sensors."""

    offset: int
    bay: BayId
    level: int
    home_z_mm: int
    pitch_mm: int
    width_mm: int
    x_mm: float
    z_mm: float
    column: int
    """Cell of its level it stands in, whatever its height; 0 while between two cells."""
    hook: Hook
    motion: Motion = Motion.STILL
    travel: Trajectory | None = None
    hook_target: Hook = Hook.CLOSED
    hook_turn: int = 0
    hook_unpowered: bool = False
    """Its magnet has lost power on the way: the hook falls in when the pallet comes home."""
    hook_shown: str = "closed"
    car: CarBody | None = None
    loaded_a: bool = False
    loaded_b: bool = False
    slack: bool = False
    overtravel: bool = False
    hook_stuck: bool = False
    stalled: bool = False
    """Its motor has jammed on the present or the last travel."""
    switch_says: dict[Switch, bool] = field(default_factory=dict)
    """What a broken switch says instead of the truth."""

    def x_at(self, t_ms: int) -> float:
        """Left edge at a time."""
        if self.motion is Motion.SLIDE and self.travel is not None:
            return self.travel.position_mm(t_ms)
        return self.x_mm

    def z_at(self, t_ms: int) -> float:
        """Height above the ground at a time."""
        if self.motion is Motion.LIFT and self.travel is not None:
            return self.travel.position_mm(t_ms)
        return self.z_mm

    @property
    def moving(self) -> bool:
        """Whether it travels."""
        return self.motion is not Motion.STILL

    @property
    def hooked(self) -> bool:
        """Whether it cannot fall: hook closed, or a ground pallet."""
        return self.hook is Hook.CLOSED or self.hook is Hook.NONE

    @property
    def at_home_height(self) -> bool:
        """Whether it stands still at its own level's height."""
        return self.motion is not Motion.LIFT and self.z_mm == self.home_z_mm

    @property
    def home(self) -> bool:
        """Whether it stands in a cell of its level, at home height and hooked."""
        return self.column > 0 and self.at_home_height and self.hooked

    @property
    def on_ground(self) -> bool:
        """Whether it stands in a column, on the ground."""
        return self.column > 0 and not self.moving and self.z_mm == 0

    # What the PLC can know. A place needs its switch and the height in mm, so a switch that is stuck on proves
    # nothing; a hook whose two switches say the same is in neither place.

    @property
    def reads_home_height(self) -> bool:
        """Whether home switch and height agree that it stands at its own level's height."""
        return self.at_home_height and self.switch_says.get(Switch.HOME, True)

    @property
    def reads_ground(self) -> bool:
        """Whether ground switch and height agree that it stands on the ground."""
        return self.on_ground and self.switch_says.get(Switch.GROUND, True)

    @property
    def reads_hook(self) -> Hook:
        """Where the two hook switches say that the hook is."""
        if not self.switch_says or self.hook is Hook.NONE:
            return self.hook
        closed = self.switch_says.get(Switch.HOOK_CLOSED, self.hook is Hook.CLOSED)
        if closed == self.switch_says.get(Switch.HOOK_OPEN, self.hook is Hook.OPEN):
            return Hook.MOVING
        return Hook.CLOSED if closed else Hook.OPEN

    @property
    def reads_hooked(self) -> bool:
        """Whether the hook switches say that it cannot fall."""
        return self.reads_hook in (Hook.CLOSED, Hook.NONE) if self.switch_says else self.hooked

    @property
    def reads_loaded_a(self) -> bool:
        """What the first car sensor says."""
        return self.switch_says.get(Switch.LOADED_A, self.loaded_a)

    @property
    def reads_loaded_b(self) -> bool:
        """What the second, independent car sensor says."""
        return self.switch_says.get(Switch.LOADED_B, self.loaded_b)

    def rest_at(self, at_mm: float) -> None:
        """Come to rest; so near to a switch's place that the switch operates, it is in that place."""
        if self.motion is Motion.SLIDE:
            index = round(at_mm / self.pitch_mm)
            cell_mm = float(index * self.pitch_mm)
            self.column = index + 1 if abs(at_mm - cell_mm) < ON_CELL_MM else 0
            self.x_mm = cell_mm if self.column else at_mm
        else:
            places = (z for z in (0.0, float(self.home_z_mm)) if abs(at_mm - z) < ON_CELL_MM)
            self.z_mm = next(places, at_mm)
        self.motion = Motion.STILL
        self.travel = None


class GateDrive:
    """Where a gate's leaf is: it travels at one speed and can stop or turn round anywhere."""

    def __init__(self, stroke_ms: int) -> None:
        self.turn = 0
        """Counts up at every order, so that an arrival that was called off can be told."""
        self._stroke_ms = stroke_ms
        self._since_ms = 0
        self._from = 0.0
        self._direction = 0

    def opened(self, now_ms: int) -> float:
        """How far it is open: 0 shut, 1 open."""
        if not self._direction:
            return self._from
        way = (now_ms - self._since_ms) / self._stroke_ms if self._stroke_ms else 1.0
        return min(1.0, max(0.0, self._from + self._direction * way))

    def drive(self, opening: bool, now_ms: int) -> tuple[int, int]:
        """Set off; returns the number of this order and when the leaf will arrive."""
        self._halt(now_ms, self.opened(now_ms))
        self._direction = 1 if opening else -1
        way = 1.0 - self._from if opening else self._from
        return self.turn, now_ms + (max(1, round(way * self._stroke_ms)) if way else 0)

    def stop(self, now_ms: int) -> None:
        """Stand still here."""
        self._halt(now_ms, self.opened(now_ms))

    def arrive(self, opening: bool) -> None:
        """Stand at the end of the stroke."""
        self._from, self._direction = (1.0 if opening else 0.0), 0

    def _halt(self, now_ms: int, at: float) -> None:
        self._since_ms, self._from, self._direction = now_ms, at, 0
        self.turn += 1


@dataclass(slots=True)
class Watch:
    """What one onlooker has not seen yet: since when, and which pallets have changed."""

    since_ms: int = NEVER_MS
    pallets: set[int] = field(default_factory=set)

    def take(self) -> set[int]:
        """The pallets that changed since the last call."""
        pallets, self.pallets = self.pallets, set()
        self.since_ms = NEVER_MS
        return pallets


class Ambush(StrEnum):
    """What lies in wait in a module until the plant itself sets it off."""

    HEAVY_CAR = "heavy_car"
    """The next car that drives in is heavier than its papers."""
    HOOK_JAMS = "hook_jams"
    """The next hook that is told to open leaves its place and arrives nowhere."""


@dataclass(slots=True)
class Damage:
    """What is broken in one module now, beyond single pallets; nothing is when it is made."""

    speed_pct: int = 100
    """Low voltage: every motor that starts runs at this share of its speed."""
    contactor_welded: bool = False
    """The motors do not hear a stop; opening the main contactor still stops them."""
    outputs_held: bool = False
    """The remote I/O holds its last outputs: motors, hooks and gate hear nothing new."""
    gate_jammed: bool = False
    """The gate's drive runs, the leaf stays."""
    gate_shut_says: bool | None = None
    """One of the two channels of the gate's shut switch says this instead of the truth."""
    cell_says: dict[tuple[int, int], bool] = field(default_factory=dict)
    """What the switch of a cell (level, column) says instead of the truth."""
    ambushes: dict[Ambush, Callable[[PalletPlant], bool]] = field(default_factory=dict)
    """What lies in wait; told when it can strike a pallet, it says whether it does."""
