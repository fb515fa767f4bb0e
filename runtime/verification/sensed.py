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
from domain.signals import GateState, LevelSignal, MailboxReply, ModuleImage, PalletSignal, Result
from domain.vehicle import Vehicle
from runtime.verification.lifts import Height, Lift, Load, Phase
from runtime.verification.rows import Gist, Row, column_of
from runtime.verification.world import Drive, Fault, Seen, Sensor
from sim.module_plant import ModulePlant
from sim.plant_parts import CarBody, Clock, Hook, Motion, PalletPlant, Switch
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


class Somewhere(Hidden):
    """A column that is one of those of the row; which one nobody may read."""

    def __bool__(self) -> bool:
        """It is a column: not 0."""
        return True

    def __gt__(self, other: object) -> bool:
        """More than 0, which says that it is a column; anything else is refused."""
        return True if other == 0 else bool(_refuse())


class Counted(Hidden):
    """The cells of a row, of which only may be read how many are occupied."""

    def __init__(self, count: int) -> None:
        """`count` cells are."""
        self._count = count

    def bit_count(self) -> int:
        """How many are occupied."""
        return self._count


class HiddenSignal(PalletSignal):
    """The word of a pallet that nobody may read."""

    __slots__ = ()

    def has(self, bits: int) -> bool:
        """Refused."""
        return bool(_refuse(bits))

    def lacks(self, bits: int) -> bool:
        """Refused."""
        return bool(_refuse(bits))


HIDDEN: Any = Hidden()
HIDDEN_SIGNAL = HiddenSignal(HIDDEN, HIDDEN)
SOMEWHERE: Any = Somewhere()

_SWITCHES = {
    Sensor.HOME: Switch.HOME,
    Sensor.GROUND: Switch.GROUND,
    Sensor.HOOK_CLOSED: Switch.HOOK_CLOSED,
    Sensor.HOOK_OPEN: Switch.HOOK_OPEN,
    Sensor.LOADED_A: Switch.LOADED_A,
    Sensor.LOADED_B: Switch.LOADED_B,
    Sensor.OVERLOAD: Switch.OVERLOAD,
}


class SensedModule:
    """One module, posed as a state of the proof says."""

    def __init__(self, layout: ModuleLayout, machine: Machine) -> None:
        self.layout = layout
        self.plant = ModulePlant(layout, machine, Clock())
        self.moves: dict[int, Move] = {}
        self._posed: dict[int, Row | Gist] = {}
        """The rows that stand as posed, with nothing lifted or hidden: they need not be posed again."""
        self._last: tuple[dict[int, Row | Gist], Lift | None, Fault | None] | None = None
        """What stands posed, and with which moves under way."""
        self._moves: dict[int, Move] = {}
        self._gists: dict[int, Gist] = {}
        """The rows of which no more than this is shown."""
        self._stuck: PalletPlant | None = None
        self._starter = MotorStarter(0)
        self._heavy = CarBody("HEAVY", Vehicle("sedan", 4000, 1800, 1500, layout.car_mass_kg_max + 1))

    def surroundings(self, seen: Seen) -> None:
        """Set switches, inputs, gate and zone."""
        plant, drive = self.plant, seen.drive
        plant.mode_switch, plant.estop_pressed = seen.mode, drive is Drive.ESTOP
        plant.phase_ok, plant.key_switch = drive is not Drive.PHASE, int(drive is not Drive.KEY)
        plant.fire, plant.quake = drive is Drive.FIRE, drive is Drive.QUAKE
        plant.gate_state, plant.damage.gate_shut_says = seen.gate, seen.shut_says
        plant.zone_sensor_override[:] = [seen.clear_a, seen.clear_b]
        self.moves = {}
        if seen.gate in (GateState.OPENING, GateState.CLOSING):
            self.moves[GATE] = GateMove(plant, 1, 0, seen.gate is GateState.OPENING)

    def hide(self) -> None:
        """Let nobody read where any pallet is."""
        self._last = None
        self._posed.clear()
        for pallet in self.plant.pallets:
            pallet.column = pallet.x_mm = pallet.z_mm = pallet.hook = pallet.motion = HIDDEN

    def pose(
        self, rows: Mapping[int, Row | Gist], lift: Lift | None, phases: Mapping[str, Phase], fault: Fault | None
    ) -> None:
        """Put pallets of these levels into their places, and the lifted one where it is.

        Of a row of which only the gist is given nobody can read where along its level anything stands.
        """
        asked = (dict(rows), lift, fault)
        if self._last == asked:
            self.moves.update(self._moves)
            return
        gate = set(self.moves)
        for level, row in rows.items():
            self.pose_row(level, row)
        if lift is not None:
            self._pose_lift(lift, phases[lift.phase])
        if self._stuck is not None:
            self._stuck.switch_says.clear()
            self._stuck = None
        self.plant.damage.cell_says.clear()
        if fault is not None and fault.cell is not None:
            self.plant.damage.cell_says[fault.cell] = fault.on
        elif fault is not None:
            self._stuck = self.plant.pallets[fault.offset]
            self._stuck.switch_says[_SWITCHES[fault.sensor]] = fault.on
        self._last, self._moves = asked, {n: move for n, move in self.moves.items() if n not in gate}

    def pose_row(self, level: int, row: Row | Gist) -> None:
        """Put the pallets of one level into their places."""
        self._last = None
        slides = row in (Gist.SLIDES, Gist.BUSY) if isinstance(row, Gist) else row.to is not None
        pallets = self.plant.by_level[level - 1]
        if slides:  # where to is nobody's business
            self.moves[level] = SlideMove(self.plant, self._starter, 1, 0, [(pallets[0], 1)])
        if self._posed.get(level) is row:
            return
        self._posed[level] = row
        self._gists.pop(level, None)
        for pallet in pallets:
            pallet.z_mm = float(pallet.home_z_mm)
            pallet.motion = Motion.STILL
            pallet.hook = Hook.NONE if level == 1 else Hook.CLOSED
            pallet.loaded_a = pallet.loaded_b = False
            pallet.car = None
            pallet.column, pallet.x_mm = HIDDEN if row is Gist.BUSY else SOMEWHERE, HIDDEN
        if isinstance(row, Gist):
            self._gists[level] = row
            if row in (Gist.BETWEEN, Gist.SLIDES):
                pallets[0].column = 0
                pallets[0].motion = Motion.SLIDE if slides else Motion.STILL
        else:
            self._place(pallets, row)

    def _place(self, pallets: Sequence[PalletPlant], row: Row) -> None:
        pitch = self.layout.pitch_mm
        for index, pallet in enumerate(pallets):
            at = row.at[index]
            goes = row.to is not None and row.to[index] != at
            pallet.column = 0 if goes else column_of(at)
            pallet.x_mm = float(at // 2 * pitch) + (at % 2) * _BETWEEN_PART * pitch
            pallet.motion = Motion.SLIDE if goes else Motion.STILL

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
        slack, beyond = seen.drive is Drive.SLACK, seen.drive is Drive.OVERTRAVEL
        pallets: list[PalletSignal] = []
        for pallet in self.plant.pallets:
            pallet.slack, pallet.overtravel = slack, beyond
            if self._gists.get(pallet.level) is Gist.BUSY:
                pallets.append(HIDDEN_SIGNAL)
            else:
                pallets.append(PalletSignal(_Word(state_word(self.plant, pallet)), round(pallet.z_mm)))
        return tuple(pallets), tuple(self._cells(level) for level in range(1, len(self.layout.levels) + 1))

    def _cells(self, level: int) -> int:
        gist = self._gists.get(level)
        if gist is None:
            return self.plant.reads_cells(level)
        if gist is Gist.BUSY:
            hidden: int = HIDDEN
            return hidden
        counted: Any = Counted(self.layout.pallets_per_level[level - 1] - (gist is not Gist.AT_REST))
        cells: int = counted
        return cells

    def image(self, seen: Seen, pallets: tuple[PalletSignal, ...], cells: Sequence[int]) -> ModuleImage:
        """The process image with these words and cells, and the surroundings as posed."""
        return ModuleImage(
            boot_count=1,
            mode=seen.mode,
            key_switch=self.plant.key_switch,
            safety=_Word(safety_word(self.plant, seen.drive is not Drive.STALE)),
            gate=self.plant.reads_gate,
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
