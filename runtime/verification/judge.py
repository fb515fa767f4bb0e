"""What breaks a rule: the physics of a state and of a step out of it, never a sensor or a memory.

Decides R1, R2, R3 and R5 for pallets and the gate of some levels of a module. People, stops and modes are
judged in `world`, what happens inside one row in `rows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from domain.grid import ModuleLayout
from domain.machine import SlideMode
from domain.outputs import Opcode
from runtime.verification.lifts import HOME, Height, Lift, Load, Phase
from runtime.verification.rows import Row, in_shaft, swept, wrong_with_slide
from runtime.verification.world import OF_LOAD, Fault, Hand, Sensor


class Stand(NamedTuple):
    """How the pallets of a model's levels stand: rows in the order of its levels, and the lifted one."""

    rows: tuple[Row, ...]
    lift: Lift | None


class Judge:
    """The rules for some levels of one module."""

    def __init__(self, layout: ModuleLayout, levels: tuple[int, ...], phases: Mapping[str, Phase]) -> None:
        self._layout = layout
        self._levels = levels
        self._phases = phases

    def name(self, lift: Lift) -> str:
        """The bay of a lifted pallet."""
        return self._layout.bay_names[lift.offset]

    def is_driven(self, stand: Stand) -> bool:
        """Whether pallets are under way."""
        if any(row.to is not None for row in stand.rows):
            return True
        return stand.lift is not None and self._phases[stand.lift.phase].move is not None

    # --- slides -------------------------------------------------------------------------------

    def slide(self, stand: Stand, position: int, after: Row, hand: Hand | None, mode: SlideMode | None) -> str | None:
        """How a slide that begins breaks a rule; `mode` is how rows may slide, if that is to be kept."""
        level = self._levels[position]
        if stand.rows[position].to is not None:
            return f"R2: level {level} is asked for a second slide while the first goes on"
        return (
            wrong_with_slide(self._layout, level, after)
            or (self._beside(level, after, stand.lift) if stand.lift is not None else None)
            or self._by_hand(stand, hand)
            or (self._in_mode(stand, position, after, mode) if mode is not None else None)
        )

    def _beside(self, level: int, after: Row, lift: Lift) -> str | None:
        """R3: no slide below a pallet that is not home and hooked again, nor into the cell that it left."""
        own = self._level_of(lift.offset)
        if own > level:
            return f"R3: level {level} slides below {self.name(lift)}, which is not home and hooked"
        if own == level:
            index = lift.offset - self._layout.level_offset[own - 1]
            if after.to is not None and after.to[index] != after.at[index]:
                return f"R2: {self.name(lift)} slides and is not home and hooked"
            if in_shaft(after, after.at[index], index):
                return f"R1: level {level} slides into the cell of {self.name(lift)}, which is not home"
        return None

    def _by_hand(self, stand: Stand, hand: Hand | None) -> str | None:
        if hand is not None and self.is_driven(stand):
            return "hold-to-run: a second move by hand begins while the first goes on"
        return None

    def _in_mode(self, stand: Stand, position: int, after: Row, mode: SlideMode) -> str | None:
        sliding = [self._levels[at] for at, row in enumerate(stand.rows) if at != position and row.to is not None]
        if mode is not SlideMode.PARALLEL and sliding:
            return f"R2: levels {sliding[0]} and {self._levels[position]} slide at once in {mode} mode"
        going = sum(a != b for a, b in zip(after.at, after.to or after.at, strict=True))
        return f"R2: {going} pallets slide at once in {mode} mode" if mode is SlideMode.SINGLE and going > 1 else None

    # --- lifts --------------------------------------------------------------------------------

    def lift(
        self, stand: Stand, lift: Lift, opcode: Opcode, here: str, fault: Fault | None, hand: Hand | None
    ) -> str | None:
        """How a lift that begins breaks a rule; `here` is the phase in which the pallet was."""
        name = self.name(lift)
        if stand.lift is not None and stand.lift.offset != lift.offset:
            return f"R3: {name} and {self.name(stand.lift)} are off their hooks at once"
        if here != HOME and self._phases[here].move is not None:
            return f"R3: {name} is asked for a second move while the first goes on"
        if opcode is Opcode.LOWER and here != HOME and hand is None:
            return f"R5: {name} is lowered from where it was stopped, not from its hook"
        return self._in_its_shaft(stand, lift) or self._by_hand(stand, hand) or self._with_load(lift, opcode, fault)

    def _in_its_shaft(self, stand: Stand, lift: Lift) -> str | None:
        name, level = self.name(lift), self._level_of(lift.offset)
        own = stand.rows[self._levels.index(level)]
        index = lift.offset - self._layout.level_offset[level - 1]
        left, right = swept(own, index)
        if left != right or left % 2:
            return f"R3: {name} is lifted and does not stand in a cell"
        if in_shaft(own, left, index):
            return f"R1: {name} is lifted while its own row slides into its cell"
        for other, row in zip(self._levels, stand.rows, strict=True):
            if other < level and in_shaft(row, left):
                return f"R3: {name} is lifted while level {other} stands in its shaft"
            if other < level and row.to is not None:
                return f"R3: {name} is lifted while level {other}, which it crosses, slides"
        for below in range(1, level):
            if left // 2 + 1 in self._layout.levels[below - 1].blocked:
                return f"R3: {name} is lifted through a blocked cell of level {below}"
        return None

    def _with_load(self, lift: Lift, opcode: Opcode, fault: Fault | None) -> str | None:
        """What a car may be raised like. A stuck car sensor or overload switch is all that there is to tell."""
        sensor = None if fault is None else fault.sensor
        if opcode is Opcode.RAISE and lift.load is Load.HALF and sensor not in OF_LOAD:
            return f"R1: {self.name(lift)} is raised with a car half on it"
        leaves = lift.phase == "LEAVING_GROUND" and sensor is not Sensor.OVERLOAD
        if opcode is Opcode.RAISE and lift.load is Load.HEAVY and leaves:
            return f"R5: {self.name(lift)} is raised with a car that is too heavy"
        return None

    # --- gate ---------------------------------------------------------------------------------

    def opening(self, stand: Stand) -> str | None:
        """The gate opens only onto pallets that stand still where they belong."""
        if self.is_driven(stand):
            return "R4: the gate opens while pallets are driven"
        for level, row in zip(self._levels, stand.rows, strict=True):
            if any(at % 2 for at in row.at):
                return f"R4: the gate opens while level {level} stands between its cells"
        lift = stand.lift
        if lift is None or self._phases[lift.phase].height in (Height.GROUND, Height.HOME):
            return None
        return f"R4: the gate opens onto {self.name(lift)}, which hangs between home and ground"

    def _level_of(self, offset: int) -> int:
        return self._layout.bays[offset].level
