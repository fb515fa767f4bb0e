"""Every state that some levels of a module can get into, and every step out of each.

What is real here: whether a command may start is answered by the soft PLC's `plc_rules` or the
controller's `interlocks`, whether a drive must stop by `plc_rules.cause_to_stop`, whether a supervisor
that has lost everything may go on by `controller.reconcile`, and what they read is made by the soft PLC's
own `plc_words`. What is abstraction: motion is a chain of phases (`rows`, `lifts`) that time or a stop
moves on, what happens around the pallets is `world`, and the rest of the module stands where it hinders
least. What is judged is the physics of the state, never a sensor or a memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from domain.grid import ModuleLayout
from domain.machine import Machine
from domain.outputs import Opcode
from domain.signals import GateState
from runtime.verification.barriers import NO_PALLET, Barrier, PlcStops, SupervisorBarrier
from runtime.verification.lifts import HOME, Height, Lift, Load, first_phase, phases
from runtime.verification.rows import (
    Row,
    RowBook,
    in_shaft,
    resting_row,
    stopped,
    swept,
    under_way,
    wrong_with_slide,
)
from runtime.verification.world import (
    Drive,
    Fault,
    Seen,
    Sensor,
    World,
    happenings,
    seen,
    wrong_with_start,
)

ROW_BITS = 16
LIFT_BITS = 16
_ROW_MASK, _LIFT_MASK = (1 << ROW_BITS) - 1, (1 << LIFT_BITS) - 1


Step = tuple[str, int, str | None]
"""One way on from a state: what happens, the state after it, and the rule that it breaks, if any."""


class View(NamedTuple):
    """A state in words: rows in the order of the model's levels, the lifted pallet, the surroundings."""

    rows: tuple[Row, ...]
    lift: Lift | None
    world: World


@dataclass(frozen=True, slots=True)
class Scope:
    """What a model covers: levels of one module, and the sensors that may fail."""

    layout: ModuleLayout
    machine: Machine
    levels: tuple[int, ...]
    faults: tuple[Fault, ...] = ()


class Model:
    """States as numbers: row numbers in the low bits, then the lifted pallet, then the world."""

    def __init__(self, scope: Scope, barrier: Barrier, stops: PlcStops) -> None:
        self.scope = scope
        self._barrier = barrier
        self._stops = stops
        self._layout = scope.layout
        self._levels = scope.levels
        self._kind = scope.machine.hook_kind
        self._phases = phases(self._kind)
        self._books = tuple(RowBook() for _ in scope.levels)
        self._lifts: list[Lift | None] = [None]
        self._lift_numbers: dict[Lift | None, int] = {None: 0}
        self._worlds: list[World] = []
        self._world_numbers: dict[World, int] = {}
        self._lift_shift = ROW_BITS * len(scope.levels)
        self._world_shift = self._lift_shift + LIFT_BITS
        self._low_mask = (1 << self._world_shift) - 1
        self._restarts = isinstance(barrier, SupervisorBarrier)
        self._around: dict[int, tuple[tuple[str, int], ...]] = {}
        self._seen: dict[int, tuple[int, Seen, frozenset[Opcode], str | None]] = {}
        self._seen_numbers: dict[Seen, int] = {}
        self._slides: dict[tuple[object, ...], tuple[Step, ...]] = {}
        self._raised: dict[tuple[int, int], tuple[Step, ...]] = {}
        self._gates: dict[tuple[int, int, Opcode], bool] = {}
        self._watches: dict[tuple[int, bool], tuple[int | None, str | None, int | None]] = {}
        self._stopped_rows: tuple[dict[int, tuple[int, ...]], ...] = tuple({} for _ in scope.levels)

    # --- states as numbers --------------------------------------------------------------------

    def number(self, view: View) -> int:
        """The number of a state."""
        state = self._world_number(view.world) << self._world_shift
        state |= self._lift_number(view.lift) << self._lift_shift
        for position, row in enumerate(view.rows):
            state |= self._row_number(position, row) << (ROW_BITS * position)
        return state

    def view(self, state: int) -> View:
        """A state in words."""
        rows = tuple(book.rows[state >> (ROW_BITS * position) & _ROW_MASK] for position, book in enumerate(self._books))
        return View(rows, self._lifts[state >> self._lift_shift & _LIFT_MASK], self._worlds[state >> self._world_shift])

    def start(self) -> int:
        """The module as assembled, everything in order."""
        rows = tuple(resting_row(self._layout, level) for level in self._levels)
        return self.number(View(rows, None, World()))

    def _row_number(self, position: int, row: Row) -> int:
        number = self._books[position].number(row)
        if number > _ROW_MASK:
            raise OverflowError(f"level {self._levels[position]} has more rows than a state can number")
        return number

    def _lift_number(self, lift: Lift | None) -> int:
        found = self._lift_numbers.get(lift)
        if found is None:
            found = self._lift_numbers[lift] = len(self._lifts)
            self._lifts.append(lift)
        return found

    def _world_number(self, world: World) -> int:
        found = self._world_numbers.get(world)
        if found is None:
            found = self._world_numbers[world] = len(self._worlds)
            self._worlds.append(world)
        return found

    def _with_world(self, state: int, world: World) -> int:
        return state & self._low_mask | self._world_number(world) << self._world_shift

    def _with_lift(self, state: int, lift: Lift | None) -> int:
        return state & ~(_LIFT_MASK << self._lift_shift) | self._lift_number(lift) << self._lift_shift

    def _with_row(self, state: int, position: int, row: Row) -> int:
        shift = ROW_BITS * position
        return state & ~(_ROW_MASK << shift) | self._row_number(position, row) << shift

    def _look(self, world: int) -> tuple[int, Seen, frozenset[Opcode], str | None]:
        """What is seen of a world and its number, which commands get past that, and why nothing may start in it."""
        found = self._seen.get(world)
        if found is None:
            now = seen(self._worlds[world])
            number = self._seen_numbers.setdefault(now, len(self._seen_numbers))
            reaches = self._barrier.reaches(now)
            found = self._seen[world] = (number, now, reaches, wrong_with_start(self._worlds[world]))
        return found

    # --- steps --------------------------------------------------------------------------------

    def steps(self, state: int) -> list[Step]:
        """Everything that can happen next."""
        view = self.view(state)
        driven = self._pallets_driven(view)
        if driven or view.world.gate_driven:
            steps = self._happens_under_way(state, view, driven)
        else:
            low, shift = state & self._low_mask, self._world_shift
            steps = [(label, low | number << shift, None) for label, number in self._around_of(state, view.world)]
            if view.world.drive in (Drive.MANUAL, Drive.MAINTENANCE):
                steps += self._by_hand(state, view)
        steps += self._goes_on(state, view)
        if view.world.supervised:
            steps += self._asked(state, view)
        else:
            steps += self._supervisor_returns(state, view, driven)
        return steps

    def _pallets_driven(self, view: View) -> bool:
        if any(row.to is not None for row in view.rows):
            return True
        return view.lift is not None and self._phases[view.lift.phase].move is not None

    def _around_of(self, state: int, world: World) -> tuple[tuple[str, int], ...]:
        number = state >> self._world_shift
        around = self._around.get(number)
        if around is None:
            found = happenings(world, self.scope.faults, restarts=self._restarts)
            around = self._around[number] = tuple((label, self._world_number(after)) for label, after in found)
        return around

    def _happens_under_way(self, state: int, view: View, driven: bool) -> list[Step]:
        """Something happens while a drive runs: the PLC stops it, or it goes on, rightly or not."""
        outcomes = tuple(self._stop_outcomes(state, view))
        low, shift = state & self._low_mask, self._world_shift
        steps: list[Step] = []
        for label, number in self._around_of(state, view.world):
            after, wrong, reopened = self._watched(number, driven)
            if after is not None:
                steps += [(label, outcome | after, None) for outcome in outcomes]
            if after is None:
                steps.append((label, low | number << shift, wrong))
            if reopened is not None:
                steps.append((label, low | reopened, None))
        stood = self._world_number(_stood(view.world, latches=True)) << shift
        steps += [("a move takes too long and is stopped", outcome | stood, None) for outcome in outcomes]
        return steps

    def _watched(self, number: int, driven: bool) -> tuple[int | None, str | None, int | None]:
        """What becomes of a world in which a drive runs.

        The world after a stop (None: no stop), what is wrong if there is none, and the world in which
        a gate goes on, or opens again, all the same (None: it does not).
        """
        found = self._watches.get((number, driven))
        if found is None:
            found = self._watches[number, driven] = self._watch(number, driven)
        return found

    def _watch(self, number: int, driven: bool) -> tuple[int | None, str | None, int | None]:
        world, shift = self._worlds[number], self._world_shift
        cause = self._cause(number, driven)
        if cause is not None:
            stood = self._world_number(_stood(world, latches=cause[1] is not None)) << shift
            # A gate that was opening again for somebody needs no supervisor for that.
            return stood, None, number << shift if world.gate is GateState.OPENING and not driven else None
        wrong = wrong_with_start(world._replace(latched=False)) if driven else None
        reopened = None
        if world.gate is GateState.CLOSING and self._stops.reopens(self._look(number)[1]):
            reopened = self._world_number(world._replace(gate=GateState.OPENING)) << shift
        return None, f"{wrong}, and pallets go on" if wrong is not None else None, reopened

    def _cause(self, world: int, driven: bool) -> tuple[int, object] | None:
        if self._worlds[world].drive is Drive.STARTING:
            return (0, None)
        now = self._look(world)[1]
        return self._stops.cause(now, driven, self._worlds[world].gate_driven)

    def _supervisor_returns(self, state: int, view: View, driven: bool) -> Iterator[Step]:
        assert isinstance(self._barrier, SupervisorBarrier)
        rows = dict(zip(self._levels, view.rows, strict=True))
        now = self._look(state >> self._world_shift)[1]
        if self._barrier.may_return(now) and self._barrier.returns(rows, view.lift, now):
            after = self._with_world(state, view.world._replace(supervised=True))
            wrong = "the supervisor knows nothing of a move that goes on" if driven else None
            yield ("the supervisor is back", after, wrong)

    def _stop_outcomes(self, state: int, view: View) -> Iterator[int]:
        """Every state that a stop of all drives can lead to, without the world."""
        choices = []
        for position, row in enumerate(view.rows):
            number = state >> (ROW_BITS * position) & _ROW_MASK
            numbers = self._stopped_rows[position].get(number)
            if numbers is None:
                shift = ROW_BITS * position
                numbers = tuple(self._row_number(position, each) << shift for each in stopped(row))
                self._stopped_rows[position][number] = numbers
            choices.append(numbers)
        for lift in self._stopped_lifts(view):
            high = self._lift_number(lift) << self._lift_shift
            for numbers in product(*choices):
                yield high | sum(numbers)

    def _stopped_lifts(self, view: View) -> Iterator[Lift | None]:
        lift = view.lift
        if lift is None or self._phases[lift.phase].move is None:
            yield lift
            return
        for phase in self._phases[lift.phase].stopped:
            yield None if phase == HOME else lift._replace(phase=phase)

    def _falls_unseen(self, view: View) -> bool:
        """A hook falls in behind a stuck switch: it has, in two seconds, before anybody has asked for anything."""
        fault, lift = view.world.fault, view.lift
        return (
            lift is not None
            and lift.phase == "FALLING_IN"
            and fault is not None
            and (fault.offset, fault.sensor) == (lift.offset, Sensor.HOOK_CLOSED)
        )

    # --- time and hands -----------------------------------------------------------------------

    def _goes_on(self, state: int, view: View) -> Iterator[Step]:
        for position, row in enumerate(view.rows):
            if row.to is not None:
                after = self._with_row(state, position, Row(row.to))
                yield (f"the slide of level {self._levels[position]} is done", after, None)
        lift = view.lift
        if lift is not None:
            following = self._phases[lift.phase].next
            if following is not None:
                after = self._with_lift(state, None if following == HOME else lift._replace(phase=following))
                yield (f"{self._name(lift)}: {lift.phase} over, {following}", after, None)
            elif lift.phase == "GROUND" and view.world.gate is GateState.OPEN and view.world.person:
                for load in Load:
                    if load is not lift.load:
                        yield (
                            f"the car on {self._name(lift)} is {load.value}",
                            self._with_lift(state, lift._replace(load=load)),
                            None,
                        )

    def _by_hand(self, state: int, view: View) -> Iterator[Step]:
        """In manual mode people crank what stands between two places to one of them."""
        for position, row in enumerate(view.rows):
            if any(at % 2 for at in row.at):
                for step in (-1, 1):
                    moved = Row(tuple(at + step if at % 2 else at for at in row.at))
                    yield (
                        f"level {self._levels[position]} is cranked into its cells",
                        self._with_row(state, position, moved),
                        None,
                    )
        lift = view.lift
        if lift is not None and lift.phase in ("BETWEEN", "GROUND"):
            yield (f"{self._name(lift)} is cranked home", self._with_lift(state, None), None)
            other = "GROUND" if lift.phase == "BETWEEN" else "BETWEEN"
            yield (f"{self._name(lift)} is cranked: {other}", self._with_lift(state, lift._replace(phase=other)), None)

    # --- commands -----------------------------------------------------------------------------

    def _asked(self, state: int, view: View) -> Iterator[Step]:
        """Every command that gets past the barrier."""
        seen_number, now, reaches, wrong = self._look(state >> self._world_shift)
        if not reaches or view.world.drive is Drive.STARTING or self._falls_unseen(view):
            return
        rows = dict(zip(self._levels, view.rows, strict=True))
        if Opcode.SLIDE in reaches:
            for position in range(len(self._levels)):
                yield from self._asked_slides(state, view, position, wrong)
        low = state & self._low_mask
        if Opcode.LOWER in reaches or Opcode.RAISE in reaches:
            found = self._raised.get((low, seen_number))
            if found is None:
                begun = (self._lift_begins(view, *asked) for asked in self._barrier.lifts(rows, view.lift, now))
                found = self._raised[low, seen_number] = tuple(step for step in begun if step is not None)
            for label, lift, violation in found:
                after = state & ~(_LIFT_MASK << self._lift_shift) | lift << self._lift_shift
                yield (label, after, wrong or violation)
        for opcode in (Opcode.GATE_OPEN, Opcode.GATE_CLOSE):
            if opcode in reaches:
                key = (low, seen_number, opcode)
                if key not in self._gates:
                    self._gates[key] = self._barrier.gate(opcode, rows, view.lift, now)
                if self._gates[key]:
                    yield self._gate_begins(state, view, opcode)

    def _asked_slides(self, state: int, view: View, position: int, wrong: str | None) -> Iterator[Step]:
        number, now, _, _ = self._look(state >> self._world_shift)
        others = tuple(_gist(row) for at, row in enumerate(view.rows) if at != position)
        shift = ROW_BITS * position
        key = (position, state >> shift & _ROW_MASK, others, state >> self._lift_shift & _LIFT_MASK, number)
        found = self._slides.get(key)
        if found is None:
            level = self._levels[position]
            rows = dict(zip(self._levels, view.rows, strict=True))
            found = self._slides[key] = tuple(
                self._slide_begins(level, view, first, second, after, position)
                for first, second, after in self._barrier.slides(level, rows, view.lift, now)
            )
        rest = state & ~(_ROW_MASK << shift)
        for label, row, violation in found:
            yield (label, rest | row << shift, wrong or violation)

    def _slide_begins(self, level: int, view: View, first: int, second: int, after: Row, position: int) -> Step:
        wrong = wrong_with_slide(self._layout, level, after)
        if view.rows[position].to is not None:
            wrong = f"R2: level {level} is asked for a second slide while the first goes on"
        lift = view.lift
        if wrong is None and lift is not None:
            wrong = self._wrong_beside(level, after, lift)
        if wrong is None:
            wrong = self._wrong_in_mode(level, view, after)
        return (
            f"slide of level {level} from {first} to {second} begins",
            self._row_number(position, under_way(after)),
            wrong,
        )

    def _wrong_beside(self, level: int, after: Row, lift: Lift) -> str | None:
        """R3: no slide below a pallet that is not home and hooked again, nor into the cell that it left."""
        own = self._level_of(lift.offset)
        if own > level:
            return f"R3: level {level} slides below {self._name(lift)}, which is not home and hooked"
        if own == level:
            index = lift.offset - self._layout.level_offset[own - 1]
            if after.to is not None and after.to[index] != after.at[index]:
                return f"R2: {self._name(lift)} slides and is not home and hooked"
            if in_shaft(after, after.at[index], index):
                return f"R1: level {level} slides into the cell of {self._name(lift)}, which is not home"
        return None

    def _wrong_in_mode(self, level: int, view: View, after: Row) -> str | None:
        if self._restarts:
            return None  # the planner keeps to the machine's way of sliding; its guard is the PLC's alone
        mode = self.scope.machine.slide_mode.value
        others = [n for n, row in zip(self._levels, view.rows, strict=True) if n != level and row.to is not None]
        if mode != "parallel" and others:
            return f"R2: levels {others[0]} and {level} slide at once in {mode} mode"
        going = sum(a != b for a, b in zip(after.at, after.to or after.at, strict=True))
        return f"R2: {going} pallets slide at once in {mode} mode" if mode == "single" and going > 1 else None

    def _lift_begins(self, view: View, opcode: Opcode, offset: int) -> Step | None:
        if offset == NO_PALLET:
            return f"{opcode.name} of no pallet begins", 0, "R3: a pallet is lifted that does not exist or has no hoist"
        lift = view.lift
        here = lift.phase if lift is not None and lift.offset == offset else HOME
        fault = view.world.fault
        phase = first_phase(self._kind, opcode, here)
        if phase is None and here == HOME and opcode is Opcode.RAISE and fault is not None and fault.offset == offset:
            phase = "CLOSING"  # a switch says that it is away: its hook opens and closes again
        if phase is None:
            return None
        after = lift._replace(phase=phase) if lift is not None and here != HOME else Lift(offset, phase)
        label = f"{opcode.name} of {self._name(after)} begins"
        return (label, self._lift_number(after), self._wrong_with_lift(view, after, opcode, here))

    def _wrong_with_lift(self, view: View, lift: Lift, opcode: Opcode, here: str) -> str | None:
        name = self._name(lift)
        if view.lift is not None and view.lift.offset != lift.offset:
            return f"R3: {name} and {self._name(view.lift)} are off their hooks at once"
        if here != HOME and self._phases[here].move is not None:
            return f"R3: {name} is asked for a second move while the first goes on"
        if opcode is Opcode.LOWER and here != HOME:
            return f"R5: {name} is lowered from where it was stopped, not from its hook"
        level = self._level_of(lift.offset)
        own = view.rows[self._levels.index(level)]
        index = lift.offset - self._layout.level_offset[level - 1]
        left, right = swept(own, index)
        if left != right or left % 2:
            return f"R3: {name} is lifted and does not stand in a cell"
        if in_shaft(own, left, index):
            return f"R1: {name} is lifted while its own row slides into its cell"
        for other, row in zip(self._levels, view.rows, strict=True):
            if other < level and in_shaft(row, left):
                return f"R3: {name} is lifted while level {other} stands in its shaft"
            if other < level and row.to is not None:
                return f"R3: {name} is lifted while level {other}, which it crosses, slides"
        for below in range(1, level):
            if left // 2 + 1 in self._layout.levels[below - 1].blocked:
                return f"R3: {name} is lifted through a blocked cell of level {below}"
        return self._wrong_with_load(view.world, lift, opcode)

    def _wrong_with_load(self, world: World, lift: Lift, opcode: Opcode) -> str | None:
        loaded = world.fault is not None and world.fault.sensor in (Sensor.LOADED_A, Sensor.LOADED_B)
        if opcode is Opcode.RAISE and lift.load is Load.HALF and not loaded:
            return f"R1: {self._name(lift)} is raised with a car half on it"
        if opcode is Opcode.RAISE and lift.load is Load.HEAVY and lift.phase == "LEAVING_GROUND":
            return f"R5: {self._name(lift)} is raised with a car that is too heavy"
        return None

    def _gate_begins(self, state: int, view: View, opcode: Opcode) -> Step:
        world, wrong, after = view.world, None, view.world.gate
        if opcode is Opcode.GATE_OPEN:
            wrong = self._wrong_with_opening(view)
            if after is not GateState.OPEN:
                after = GateState.OPENING
        elif after is not GateState.CLOSED:
            after = GateState.OPENING if self._stops.reopens(seen(world)) else GateState.CLOSING
            if world.person and after is GateState.CLOSING:
                wrong = "R4: the gate shuts on somebody"
        if wrong is None and world.drive not in (Drive.NOTHING, Drive.STALE, Drive.SLACK, Drive.OVERTRAVEL):
            wrong = f"stop: {world.drive.value}, and the gate moves"
        return (f"{opcode.name} begins", self._with_world(state, world._replace(gate=after)), wrong)

    def _wrong_with_opening(self, view: View) -> str | None:
        """The gate opens only onto pallets that stand still where they belong."""
        if self._pallets_driven(view):
            return "R4: the gate opens while pallets are driven"
        for level, row in zip(self._levels, view.rows, strict=True):
            if any(at % 2 for at in row.at):
                return f"R4: the gate opens while level {level} stands between its cells"
        fault, lift = view.world.fault, view.lift
        if lift is None or self._phases[lift.phase].height in (Height.GROUND, Height.HOME):
            return None
        stuck = fault is not None and fault.sensor is Sensor.GROUND and fault.offset == lift.offset
        return None if stuck else f"R4: the gate opens onto {self._name(lift)}, which hangs between home and ground"

    def _level_of(self, offset: int) -> int:
        return self._layout.bays[offset].level

    def _name(self, lift: Lift) -> str:
        return self._layout.bay_names[lift.offset]


def _stood(world: World, *, latches: bool) -> World:
    """A world after all drives have stopped."""
    gate = GateState.UNKNOWN if world.gate_driven else world.gate
    return world._replace(latched=world.latched or latches, gate=gate)


def _gist(row: Row) -> tuple[bool, bool]:
    """All that a slide of one level may know of another row: whether it slides, and whether it stands in its cells."""
    return row.to is not None, any(at % 2 for at in row.at)
