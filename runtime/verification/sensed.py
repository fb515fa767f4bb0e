"""A module as its sensors show it, built of the simulator's own parts, for the real guards to look at.

Decides how a state of the proof becomes what the guards read: a `ModulePlant` with pallets in their
places, the moves under way, and the process image that the soft PLC's own code makes of them. What a
guard must not depend on is hidden: reading it raises `Unread`, which ends the proof at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.grid import ModuleLayout
from domain.machine import Machine
from domain.outputs import GATE, Opcode
from domain.signals import GateState, LevelSignal, MailboxReply, ModuleImage, Pallet, PalletSignal, Result
from domain.vehicle import Vehicle
from runtime.verification.lifts import Height, Lift, Load, Phase
from runtime.verification.rows import Row, column_of
from runtime.verification.world import Drive, Fault, Seen, Sensor
from sim.module_plant import ModulePlant
from sim.plant_parts import CarBody, Clock, Hook, Motion, PalletPlant
from sim.plc_moves import GateMove, LiftMove, MotorStarter, Move, SlideMove
from sim.plc_words import safety_word, state_word

_ANSWERED = MailboxReply(1, Result.DONE)
_RUNNING = MailboxReply(1, Result.RUNNING)
_BETWEEN_PART = 0.5


class _Word(int):
    """A word of bits. As a type of its own it answers `&` itself, many times faster than a flag would."""


class Unread(Exception):
    """A guard looked at something that its answer must not depend on."""


def _refuse(*_: Any) -> Any:
    raise Unread


class Hidden:
    """Stands for a value that nobody may read."""

    __bool__ = __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __sub__ = __rsub__ = __add__ = __radd__ = _refuse
    __floordiv__ = __mod__ = __rshift__ = __and__ = __iter__ = __len__ = __getitem__ = __getattr__ = _refuse

    def __hash__(self) -> int:
        """Refused as all else: a set would look at it, too."""
        raise Unread


HIDDEN: Any = Hidden()


class SensedPallet(PalletPlant):
    """A pallet one of whose switches may be stuck."""

    stuck: Fault | None = None

    @property
    def hooked(self) -> bool:
        """What the hook-closed switch says."""
        if self.hook is HIDDEN:
            raise Unread
        return self._said(Sensor.HOOK_CLOSED, self.hook is Hook.CLOSED or self.hook is Hook.NONE)

    @property
    def at_home_height(self) -> bool:
        """What the home switch says."""
        if self.motion is HIDDEN:
            raise Unread
        return self.motion is not Motion.LIFT and self._said(Sensor.HOME, self.z_mm == self.home_z_mm)

    @property
    def on_ground(self) -> bool:
        """What the ground switch says."""
        return self.column > 0 and not self.moving and self._said(Sensor.GROUND, self.z_mm == 0)

    def _said(self, sensor: Sensor, truth: bool) -> bool:
        return self.stuck.on if self.stuck is not None and self.stuck.sensor is sensor else truth


class SensedModule:
    """One module, posed as a state of the proof says."""

    def __init__(self, layout: ModuleLayout, machine: Machine) -> None:
        self.layout = layout
        self.plant = ModulePlant(layout, machine, Clock())
        self.plant.pallets = tuple(_sensed(pallet) for pallet in self.plant.pallets)
        starts = zip(layout.level_offset, layout.pallets_per_level, strict=True)
        self.plant.by_level = tuple(self.plant.pallets[start : start + count] for start, count in starts)
        self.moves: dict[int, Move] = {}
        self._posed: dict[int, Row] = {}
        """The rows that stand as posed, with nothing lifted or hidden: they need not be posed again."""
        self._stuck: SensedPallet | None = None
        self._starter = MotorStarter(0)
        self._heavy = CarBody("HEAVY", Vehicle("sedan", 4000, 1800, 1500, layout.car_mass_kg_max + 1))

    def surroundings(self, seen: Seen) -> None:
        """Set switches, gate and zone."""
        plant = self.plant
        plant.mode_switch, plant.estop_pressed = seen.mode, seen.estop
        plant.phase_ok, plant.key_switch = seen.phase_ok, int(seen.key)
        plant.gate_state = seen.gate
        plant.zone_sensor_override[:] = [seen.clear_a, seen.clear_b]
        self.moves = {}
        if seen.gate in (GateState.OPENING, GateState.CLOSING):
            self.moves[GATE] = GateMove(plant, 1, 0, seen.gate is GateState.OPENING)

    def hide(self) -> None:
        """Let nobody read where any pallet is."""
        self._posed.clear()
        for pallet in self.plant.pallets:
            pallet.column = pallet.x_mm = pallet.z_mm = pallet.hook = pallet.motion = HIDDEN

    def pose(
        self, rows: Mapping[int, Row], lift: Lift | None, phases: Mapping[str, Phase], fault: Fault | None
    ) -> None:
        """Put pallets of these levels into their places, and the lifted one where it is."""
        for level, row in rows.items():
            self.pose_row(level, row)
        if lift is not None:
            self._pose_lift(lift, phases[lift.phase])
        if self._stuck is not None:
            self._stuck.stuck = None
            self._stuck = None
        if fault is not None and fault.offset >= 0:
            self._break(fault)

    def _break(self, fault: Fault) -> None:
        pallet = self.plant.pallets[fault.offset]
        assert isinstance(pallet, SensedPallet)
        pallet.stuck, self._stuck = fault, pallet
        self._posed.pop(pallet.level, None)
        if fault.sensor is Sensor.LOADED_A:
            pallet.loaded_a = fault.on
        elif fault.sensor is Sensor.LOADED_B:
            pallet.loaded_b = fault.on

    def hide_columns(self, levels: Sequence[int]) -> None:
        """Let nobody read where along these levels their pallets are."""
        for level in levels:
            self._posed.pop(level, None)
            for pallet in self.plant.by_level[level - 1]:
                pallet.column = pallet.x_mm = HIDDEN

    def slide_under_way(self, level: int) -> None:
        """Another level's row is on its way; where to is nobody's business."""
        pallets = self.plant.by_level[level - 1]
        self.moves[level] = SlideMove(self.plant, self._starter, 1, 0, [(pallets[0], 1)])

    def pose_row(self, level: int, row: Row) -> None:
        """Put the pallets of one level into their places."""
        if row.to is not None:
            self.slide_under_way(level)
        if self._posed.get(level) is row:
            return
        self._posed[level] = row
        pitch = self.layout.pitch_mm
        for index, pallet in enumerate(self.plant.by_level[level - 1]):
            at = row.at[index]
            goes = row.to is not None and row.to[index] != at
            pallet.column = 0 if goes else column_of(at)
            pallet.x_mm = float(at // 2 * pitch) + (at % 2) * _BETWEEN_PART * pitch
            pallet.z_mm = float(pallet.home_z_mm)
            pallet.motion = Motion.SLIDE if goes else Motion.STILL
            pallet.hook = Hook.NONE if level == 1 else Hook.CLOSED
            pallet.loaded_a = pallet.loaded_b = False
            pallet.car = None

    def _pose_lift(self, lift: Lift, phase: Phase) -> None:
        pallet = self.plant.pallets[lift.offset]
        self._posed.pop(pallet.level, None)
        pallet.motion, pallet.hook = phase.motion, phase.hook
        heights = {
            Height.HOME: float(pallet.home_z_mm),
            Height.ABOVE: float(pallet.home_z_mm + self.plant.machine.hook_raise_mm),
            Height.BETWEEN: pallet.home_z_mm / 2,
            Height.GROUND: 0.0,
        }
        pallet.z_mm = heights[phase.height]
        pallet.loaded_a, pallet.loaded_b = lift.load is not Load.FINE, lift.load is Load.HEAVY
        pallet.car = self._heavy if lift.load is Load.HEAVY else None
        if phase.move is not None:
            self.moves[pallet.level] = LiftMove(self.plant, self._starter, 1, 0, pallet, ())

    def signals(self, seen: Seen) -> tuple[tuple[PalletSignal, ...], tuple[int, ...]]:
        """The words of all pallets and the cells of all levels that the soft PLC publishes of this."""
        plant = self.plant
        slack, beyond = seen.unsafe is Drive.SLACK, seen.unsafe is Drive.OVERTRAVEL
        pallets = []
        for pallet in plant.pallets:
            pallet.slack, pallet.overtravel = slack, beyond
            word = state_word(plant, pallet)
            stuck = pallet.stuck if isinstance(pallet, SensedPallet) else None
            if stuck is not None and stuck.sensor is Sensor.HOOK_CLOSED:
                word = word | Pallet.HOOK_CLOSED if stuck.on else word & ~Pallet.HOOK_CLOSED
            pallets.append(PalletSignal(_Word(word), round(pallet.z_mm)))
        return tuple(pallets), tuple(self._cells(level) for level in plant.by_level)

    def image(self, seen: Seen, pallets: tuple[PalletSignal, ...], cells: Sequence[int]) -> ModuleImage:
        """The process image with these words and cells, and the surroundings as posed."""
        return ModuleImage(
            boot_count=1,
            mode=seen.mode,
            key_switch=int(seen.key),
            safety=_Word(safety_word(self.plant, seen.fresh)),
            gate=seen.gate,
            gate_reply=_RUNNING if GATE in self.moves else _ANSWERED,
            faults=(1,) if seen.faulty else (),
            motors_w=0,
            lifts=0,
            slides=0,
            run_s=0,
            levels=tuple(
                LevelSignal(_RUNNING if number in self.moves else _ANSWERED, mask, 0)
                for number, mask in enumerate(cells, start=1)
            ),
            pallets=pallets,
        )

    def _cells(self, pallets: Sequence[PalletPlant]) -> int:
        mask = 0
        for pallet in pallets:
            if pallet.column:
                mask |= 1 << (pallet.column - 1)
        return mask


def opcodes_of(moves: Mapping[int, Move], phase: Phase | None) -> dict[int, Opcode]:
    """What the mailboxes with a move under way were asked for."""
    asked = {}
    for number, move in moves.items():
        if isinstance(move, SlideMove):
            asked[number] = Opcode.SLIDE
        elif isinstance(move, GateMove):
            asked[number] = Opcode.GATE_OPEN if move.opening else Opcode.GATE_CLOSE
        elif phase is not None and phase.move is not None:
            asked[number] = phase.move
    return asked


def _sensed(pallet: PalletPlant) -> SensedPallet:
    return SensedPallet(
        offset=pallet.offset,
        bay=pallet.bay,
        level=pallet.level,
        home_z_mm=pallet.home_z_mm,
        pitch_mm=pallet.pitch_mm,
        width_mm=pallet.width_mm,
        x_mm=pallet.x_mm,
        z_mm=pallet.z_mm,
        column=pallet.column,
        hook=pallet.hook,
    )
