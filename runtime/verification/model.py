"""Every state that some levels of a module can get into, and every step out of each.

What is real here: whether a command may start is answered by the soft PLC's `plc_rules` or the
controller's `interlocks`, whether a drive must stop by `plc_rules.cause_to_stop`, whether a supervisor
that has lost everything may go on by `controller.reconcile`, and what they read is made by the soft PLC's
own `plc_words` of the plant's own switches. What is abstraction: motion is a chain of phases (`rows`,
`lifts`) that time or a stop moves on, what happens around the pallets is `world`, and the rest of the module
stands where it hinders least. What is judged is the physics of the state (`judge`), never a sensor.

A state is a number: how the pallets stand in its low bits, the world above. What a guard's answer must not
depend on is not shown to it, so that each question is asked once for all states that differ only in that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from domain.grid import ModuleLayout
from domain.machine import Machine
from domain.outputs import Bypass, Opcode
from domain.signals import GateState, PlcMode
from runtime.verification.barriers import (
    GATE_OPCODES,
    LIFT_OPCODES,
    NO_PALLET,
    Barrier,
    PlcStops,
    Rows,
    SupervisorBarrier,
)
from runtime.verification.judge import Judge, Stand
from runtime.verification.lifts import HOME, Lift, Load, first_phase, phases
from runtime.verification.rows import Gist, Row, RowBook, gist_of, resting_row, stopped, under_way
from runtime.verification.world import (
    AUTOMATIC,
    Drive,
    Fault,
    Hand,
    Seen,
    Sensor,
    World,
    bypasses,
    happenings,
    seen,
    wrong_with_drive,
    wrong_with_hand,
    wrong_with_start,
)

ROW_BITS = 16
LIFT_BITS = 16
_ROW_MASK, _LIFT_MASK = (1 << ROW_BITS) - 1, (1 << LIFT_BITS) - 1
_GISTS = {Gist.AT_REST: -1, Gist.BETWEEN: -2, Gist.SLIDES: -3}
_GATE_MAY = (Drive.NOTHING, Drive.STALE, Drive.SLACK, Drive.OVERTRAVEL, Drive.FIRE)
"""Causes beside which the gate may move."""

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


class Going(NamedTuple):
    """A way on of the pallets alone."""

    label: str
    low: int
    when: str = ""
    """Empty: by itself, in time. "attended": somebody is at the open gate. "cranked": people turn cranks."""


class Command(NamedTuple):
    """A command that gets past the barrier: how pallets stand once it has begun, and the rule that it breaks."""

    label: str
    low: int
    wrong: str | None
    opcode: Opcode
    hand: Hand | None


class UnderWay(NamedTuple):
    """What may become of a world while something is driven."""

    stops: tuple[tuple[str, int], ...]
    """What stops all drives, and the world then."""
    stays: tuple[tuple[str, int, str | None], ...]
    """What does not, the world then, and the rule that this breaks."""


class Look(NamedTuple):
    """What is seen of some worlds, and which commands get past that, in which way."""

    number: int
    seen: Seen
    ways: tuple[tuple[Hand | None, frozenset[Opcode]], ...]


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
        self._judge = Judge(scope.layout, scope.levels, self._phases)
        self._books = tuple(RowBook() for _ in scope.levels)
        self._gists: tuple[dict[int, int], ...] = tuple({} for _ in scope.levels)
        self._lifts: list[Lift | None] = [None]
        self._lift_numbers: dict[Lift | None, int] = {None: 0}
        self.worlds: list[World] = []
        self._world_numbers: dict[World, int] = {}
        self._lift_shift = ROW_BITS * len(scope.levels)
        self.world_shift = self._lift_shift + LIFT_BITS
        self.low_mask = (1 << self.world_shift) - 1
        self._supervisor = barrier if isinstance(barrier, SupervisorBarrier) else None
        # The planner keeps to the machine's way of sliding; its guard is the PLC's alone.
        self._mode = None if self._supervisor else scope.machine.slide_mode
        self._around: dict[int, tuple[tuple[str, int], ...]] = {}
        self._looks: list[Look] = []
        self._look_of: dict[int, Look] = {}
        self._look_numbers: dict[Seen, Look] = {}
        self._slides: dict[tuple[int, ...], tuple[tuple[str, int, str | None], ...]] = {}
        self._raised: dict[tuple[int, ...], tuple[tuple[Opcode, str, int, str | None], ...]] = {}
        self._gates: dict[tuple[int, ...], bool] = {}
        self._returns: dict[tuple[int, ...], bool] = {}
        self._begins: dict[tuple[int, Opcode, Hand | None], tuple[int, str | None]] = {}
        self._starts: dict[tuple[int, Opcode, Hand | None], str | None] = {}
        self._under_way: dict[tuple[int, bool], UnderWay] = {}
        self._stopped_rows: tuple[dict[int, tuple[int, ...]], ...] = tuple({} for _ in scope.levels)

    # --- states as numbers --------------------------------------------------------------------

    def number(self, view: View) -> int:
        """The number of a state."""
        return self._world_number(view.world) << self.world_shift | self._low(Stand(view.rows, view.lift))

    def view(self, state: int) -> View:
        """A state in words."""
        return View(*self.stand(state & self.low_mask), self.worlds[state >> self.world_shift])

    def stand(self, low: int) -> Stand:
        """How the pallets stand."""
        rows = tuple(book.rows[low >> (ROW_BITS * position) & _ROW_MASK] for position, book in enumerate(self._books))
        return Stand(rows, self._lifts[low >> self._lift_shift])

    def start(self) -> int:
        """The module as assembled, everything in order."""
        rows = tuple(resting_row(self._layout, level) for level in self._levels)
        return self.number(View(rows, None, World()))

    def _low(self, stand: Stand) -> int:
        low = self._lift_number(stand.lift) << self._lift_shift
        for position, row in enumerate(stand.rows):
            low |= self._row_number(position, row) << (ROW_BITS * position)
        return low

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
            found = self._world_numbers[world] = len(self.worlds)
            self.worlds.append(world)
        return found

    def _with_lift(self, low: int, lift: Lift | None) -> int:
        return low & ~(_LIFT_MASK << self._lift_shift) | self._lift_number(lift) << self._lift_shift

    def _with_row(self, low: int, position: int, row: Row) -> int:
        shift = ROW_BITS * position
        return low & ~(_ROW_MASK << shift) | self._row_number(position, row) << shift

    def _gist_number(self, low: int, position: int) -> int:
        number = low >> (ROW_BITS * position) & _ROW_MASK
        found = self._gists[position].get(number)
        if found is None:
            found = self._gists[position][number] = _GISTS[gist_of(self._books[position].rows[number])]
        return found

    def _shown(self, low: int, stand: Stand, look: Look, levels: range) -> tuple[tuple[int, ...], Rows]:
        """The rows as a guard is shown them, these levels exactly, and their numbers.

        With a broken cell switch all are shown: what it says depends on where the pallets stand.
        """
        all_of_them = look.seen.fault is not None and look.seen.fault.cell is not None
        numbers: list[int] = []
        rows: dict[int, Row | Gist] = {}
        for position, level in enumerate(self._levels):
            if all_of_them or level in levels:
                numbers.append(low >> (ROW_BITS * position) & _ROW_MASK)
                rows[level] = stand.rows[position]
            else:
                numbers.append(self._gist_number(low, position))
                rows[level] = gist_of(stand.rows[position])
        return tuple(numbers), rows

    # --- steps --------------------------------------------------------------------------------

    def steps(self, state: int) -> Iterator[Step]:
        """Everything that can happen next."""
        number, low = state >> self.world_shift, state & self.low_mask
        world, high = self.worlds[number], number << self.world_shift
        driven = self.is_driven(low)
        if driven or world.gate_driven:
            found, outcomes = self.under_way(number, driven), self.outcomes(low)
            for label, after in found.stops:
                yield from ((label, after << self.world_shift | outcome, None) for outcome in outcomes)
            yield from ((label, after << self.world_shift | low, wrong) for label, after, wrong in found.stays)
        else:
            yield from ((label, after << self.world_shift | low, None) for label, after in self.around(number))
        for going in self.goes_on(low):
            if not going.when or self.is_when(world, going.when):
                yield going.label, high | going.low, None
        look = self.look(number)
        for command in self.commands(low, look):
            if world.supervised or command.hand is not None:
                wrong = self.wrong_to_start(number, command.opcode, command.hand) or command.wrong
                yield command.label, high | command.low, wrong
        for opcode, hand, opening in self.gates(low, look):
            if world.supervised or hand is not None:
                after, wrong = self.gate_begins(number, opcode, hand)
                yield f"{_told(hand)}{opcode.name} begins", after << self.world_shift | low, opening or wrong
        if not world.supervised and self.returns(low, look):
            yield "the supervisor is back", self.back(number) << self.world_shift | low, self.wrong_to_return(low)

    # --- the world ----------------------------------------------------------------------------

    def look(self, world: int) -> Look:
        """What is seen of a world, and which commands get past that."""
        found = self._look_of.get(world)
        if found is None:
            now = seen(self.worlds[world])
            found = self._look_numbers.get(now)
            if found is None:
                found = self._look_numbers[now] = Look(len(self._looks), now, tuple(self._ways(now)))
                self._looks.append(found)
            self._look_of[world] = found
        return found

    def _ways(self, now: Seen) -> Iterator[tuple[Hand | None, frozenset[Opcode]]]:
        if now.mode is PlcMode.STARTING:
            return  # a PLC that starts takes nothing
        hands = [Hand(False), *(Hand(True, bypass) for bypass in bypasses(now.fault))]
        for hand in (AUTOMATIC, *hands):
            reached = self._barrier.reaches(now, hand)
            if reached:
                yield hand, reached

    def around(self, world: int) -> tuple[tuple[str, int], ...]:
        """What happens around the pallets, and the world then."""
        around = self._around.get(world)
        if around is None:
            found = happenings(self.worlds[world], self.scope.faults, supervisor=self._supervisor is not None)
            around = self._around[world] = tuple((label, self._world_number(after)) for label, after in found)
        return around

    def is_when(self, world: World, when: str) -> bool:
        """Whether what some goings wait for is given."""
        if when == "attended":
            return world.gate is GateState.OPEN and world.person
        return not world.gate_driven and (world.manual or world.drive is Drive.MAINTENANCE)

    def under_way(self, world: int, driven: bool) -> UnderWay:
        """What may happen while pallets (`driven`) or the gate are under way: the PLC stops them, or they go on."""
        found = self._under_way.get((world, driven))
        if found is None:
            found = self._under_way[world, driven] = self._find_under_way(world, driven)
        return found

    def _find_under_way(self, number: int, driven: bool) -> UnderWay:
        before = self.worlds[number]
        hand = Hand() if before.manual else AUTOMATIC
        stops: list[tuple[str, int]] = []
        stays: list[tuple[str, int, str | None]] = []
        happens = [(label, after, hand) for label, after in self.around(number)]
        if hand is not None:
            happens.append(("the button is let go", number, Hand(held=False)))
        for label, after, held in happens:
            world = self.worlds[after]
            cause = self._cause(after, driven, held)
            if cause is not None:
                stops.append((label, self._world_number(_stood(world, latches=cause[1] is not None))))
                if world.gate is GateState.OPENING and not driven:
                    stays.append((label, after, None))  # opening again for somebody, it needs no supervisor
                continue
            wrong = None
            if driven:
                wrong = wrong_with_start(world._replace(latched=False), held, Opcode.RAISE)
            if label != "the button is let go" or wrong is not None:
                stays.append((label, after, f"{wrong}, and pallets go on" if wrong is not None else None))
            if world.gate is GateState.CLOSING and self._stops.reopens(self.look(after).seen):
                stays.append((label, self._world_number(world._replace(gate=GateState.OPENING)), None))
        stops.append(("a move takes too long and is stopped", self._world_number(_stood(before, latches=True))))
        return UnderWay(tuple(stops), tuple(stays))

    def _cause(self, world: int, driven: bool, hand: Hand | None) -> tuple[int, object] | None:
        if self.worlds[world].drive is Drive.STARTING:
            return (0, None)
        return self._stops.cause(self.look(world).seen, driven, self.worlds[world].gate_driven, hand)

    # --- pallets ------------------------------------------------------------------------------

    def is_driven(self, low: int) -> bool:
        """Whether pallets are under way."""
        return self._judge.is_driven(self.stand(low))

    def outcomes(self, low: int) -> tuple[int, ...]:
        """Every way in which the pallets can stand after a stop of all drives."""
        stand, choices = self.stand(low), []
        for position, row in enumerate(stand.rows):
            number = low >> (ROW_BITS * position) & _ROW_MASK
            numbers = self._stopped_rows[position].get(number)
            if numbers is None:
                shift = ROW_BITS * position
                numbers = tuple(self._row_number(position, each) << shift for each in stopped(row))
                self._stopped_rows[position][number] = numbers
            choices.append(numbers)
        lifts = [self._lift_number(lift) << self._lift_shift for lift in self._stopped_lifts(stand.lift)]
        return tuple(high | sum(numbers) for high in lifts for numbers in product(*choices))

    def _stopped_lifts(self, lift: Lift | None) -> Iterator[Lift | None]:
        if lift is None or self._phases[lift.phase].move is None:
            yield lift
            return
        for phase in self._phases[lift.phase].stopped:
            yield None if phase == HOME else lift._replace(phase=phase)

    def goes_on(self, low: int) -> Iterator[Going]:
        """What time does to pallets, what a driver does to a car, and what people crank."""
        stand = self.stand(low)
        for position, row in enumerate(stand.rows):
            if row.to is not None:
                after = self._with_row(low, position, Row(row.to))
                yield Going(f"the slide of level {self._levels[position]} is done", after)
        lift = stand.lift
        if lift is not None:
            following = self._phases[lift.phase].next
            name = self._judge.name(lift)
            if following is not None:
                after = self._with_lift(low, None if following == HOME else lift._replace(phase=following))
                yield Going(f"{name}: {lift.phase} over, {following}", after)
            elif lift.phase == "GROUND":
                for load in Load:
                    if load is not lift.load:
                        after = self._with_lift(low, lift._replace(load=load))
                        yield Going(f"the car on {name} is {load.value}", after, "attended")
        if not self._judge.is_driven(stand):
            yield from self._cranked(low, stand)

    def _cranked(self, low: int, stand: Stand) -> Iterator[Going]:
        """In manual mode people crank what stands between two places to one of them."""
        for position, row in enumerate(stand.rows):
            if any(at % 2 for at in row.at):
                for step in (-1, 1):
                    moved = Row(tuple(at + step if at % 2 else at for at in row.at))
                    label = f"level {self._levels[position]} is cranked into its cells"
                    yield Going(label, self._with_row(low, position, moved), "cranked")
        lift = stand.lift
        if lift is not None and lift.phase in ("BETWEEN", "GROUND"):
            name = self._judge.name(lift)
            yield Going(f"{name} is cranked home", self._with_lift(low, None), "cranked")
            other = "GROUND" if lift.phase == "BETWEEN" else "BETWEEN"
            after = self._with_lift(low, lift._replace(phase=other))
            yield Going(f"{name} is cranked: {other}", after, "cranked")

    # --- commands -----------------------------------------------------------------------------

    def commands(self, low: int, look: Look) -> Iterator[Command]:
        """Every command to pallets that gets past the barrier."""
        if not look.ways:
            return
        stand = self.stand(low)
        if _falls_unseen(stand.lift, look.seen.fault):
            return
        for way, (hand, opcodes) in enumerate(look.ways):
            if hand is not None and not _is_true(hand.bypass, stand.lift):
                continue
            for position, level in enumerate(self._levels):
                if Opcode.SLIDE in opcodes:
                    shift = ROW_BITS * position
                    rest = low & ~(_ROW_MASK << shift)
                    for label, row, wrong in self._slides_of(low, stand, look, way, position):
                        yield Command(label, rest | row << shift, wrong, Opcode.SLIDE, hand)
                if not opcodes.isdisjoint(LIFT_OPCODES):
                    rest = low & ~(_LIFT_MASK << self._lift_shift)
                    for opcode, label, lift, wrong in self._lifts_of(low, stand, look, way, level):
                        yield Command(label, rest | lift << self._lift_shift, wrong, opcode, hand)

    def _slides_of(
        self, low: int, stand: Stand, look: Look, way: int, position: int
    ) -> tuple[tuple[str, int, str | None], ...]:
        level = self._levels[position]
        numbers, rows = self._shown(low, stand, look, range(level, level + 1))
        key = (level, look.number, way, low >> self._lift_shift, *numbers)
        found = self._slides.get(key)
        if found is None:
            hand, begun = look.ways[way][0], []
            for first, second, after in self._barrier.slides(level, rows, stand.lift, look.seen, hand):
                wrong = self._judge.slide(stand, position, after, hand, self._mode)
                label = f"{_told(hand)}slide of level {level} from {first} to {second} begins"
                begun.append((label, self._row_number(position, under_way(after)), wrong))
            found = self._slides[key] = tuple(begun)
        return found

    def _lifts_of(
        self, low: int, stand: Stand, look: Look, way: int, level: int
    ) -> tuple[tuple[Opcode, str, int, str | None], ...]:
        numbers, rows = self._shown(low, stand, look, range(1, level + 1))
        key = (level, look.number, way, low >> self._lift_shift, *numbers)
        found = self._raised.get(key)
        if found is None:
            hand, fault = look.ways[way][0], look.seen.fault
            asked = self._barrier.lifts(level, rows, stand.lift, look.seen, hand)
            begun = (self._lift_begins(stand, opcode, offset, fault, hand) for opcode, offset in asked)
            found = self._raised[key] = tuple(step for step in begun if step is not None)
        return found

    def _lift_begins(
        self, stand: Stand, opcode: Opcode, offset: int, fault: Fault | None, hand: Hand | None
    ) -> tuple[Opcode, str, int, str | None] | None:
        if offset == NO_PALLET:
            nonsense = "R3: a pallet is lifted that does not exist or has no hoist"
            return opcode, f"{_told(hand)}{opcode.name} of no pallet begins", 0, nonsense
        lift = stand.lift
        here = lift.phase if lift is not None and lift.offset == offset else HOME
        phase = first_phase(self._kind, opcode, here, by_hand=hand is not None)
        if phase is None and here == HOME and opcode is Opcode.RAISE and fault is not None and fault.offset == offset:
            phase = "CLOSING"  # a switch says that it is away: its hook opens and closes again
        if phase is None:
            return None
        after = lift._replace(phase=phase) if lift is not None and here != HOME else Lift(offset, phase)
        label = f"{_told(hand)}{opcode.name} of {self._judge.name(after)} begins"
        wrong = self._judge.lift(stand, after, opcode, here, fault, hand)
        return opcode, label, self._lift_number(after), wrong

    def wrong_to_start(self, world: int, opcode: Opcode, hand: Hand | None) -> str | None:
        """Why no pallet may set off in a world in this way."""
        key = (world, opcode, hand)
        if key not in self._starts:
            self._starts[key] = wrong_with_start(self.worlds[world], hand, opcode)
        return self._starts[key]

    # --- gate and supervisor ------------------------------------------------------------------

    def gates(self, low: int, look: Look) -> Iterator[tuple[Opcode, Hand | None, str | None]]:
        """Every gate command that gets past the barrier, and the rule that it breaks by how the pallets stand."""
        if not look.ways:
            return
        stand = self.stand(low)
        if _falls_unseen(stand.lift, look.seen.fault):
            return
        numbers, rows = self._shown(low, stand, look, range(0))
        for way, (hand, opcodes) in enumerate(look.ways):
            for opcode in GATE_OPCODES:
                if opcode not in opcodes or (hand is not None and hand.bypass):
                    continue
                key = (opcode, look.number, way, low >> self._lift_shift, *numbers)
                if key not in self._gates:
                    self._gates[key] = self._barrier.gate(opcode, rows, stand.lift, look.seen, hand)
                if self._gates[key]:
                    yield opcode, hand, self._judge.opening(stand) if opcode is Opcode.GATE_OPEN else None

    def outline(self, low: int) -> tuple[int, ...]:
        """All that a gate's guards may know of how the pallets stand; with cell switches that may fail, everything."""
        if any(fault.cell is not None for fault in self.scope.faults):
            return (low,)
        gists = (self._gist_number(low, position) for position in range(len(self._levels)))
        return low >> self._lift_shift, *gists

    def wrong_to_open(self, low: int) -> str | None:
        """Why the gate must not open onto pallets that stand like this."""
        return self._judge.opening(self.stand(low))

    def gate_begins(self, world: int, opcode: Opcode, hand: Hand | None) -> tuple[int, str | None]:
        """The world once the gate moves, and the rule that this breaks."""
        found = self._begins.get((world, opcode, hand))
        if found is None:
            found = self._begins[world, opcode, hand] = self._find_gate_begins(self.worlds[world], opcode, hand)
        return found

    def _find_gate_begins(self, world: World, opcode: Opcode, hand: Hand | None) -> tuple[int, str | None]:
        wrong: str | None = None
        after = world.gate
        if opcode is Opcode.GATE_OPEN:
            if after is not GateState.OPEN:
                after = GateState.OPENING
        elif after is not GateState.CLOSED:
            after = GateState.OPENING if self._stops.reopens(seen(world)) else GateState.CLOSING
            if world.person and after is GateState.CLOSING:
                wrong = "R4: the gate shuts on somebody"
        if world.drive in _GATE_MAY:
            wrong = wrong or wrong_with_hand(world, hand)
        else:
            wrong = wrong or f"{wrong_with_drive(world, hand)}, and the gate moves"
        return self._world_number(world._replace(gate=after)), wrong

    def returns(self, low: int, look: Look) -> bool:
        """Whether a supervisor that has lost everything may use the module again."""
        barrier = self._supervisor
        if barrier is None or not barrier.may_return(look.seen):
            return False
        stand = self.stand(low)
        numbers, rows = self._shown(low, stand, look, range(0))
        key = (look.number, low >> self._lift_shift, *numbers)
        if key not in self._returns:
            self._returns[key] = barrier.returns(rows, stand.lift, look.seen)
        return self._returns[key]

    def back(self, world: int) -> int:
        """The world once the supervisor is back."""
        return self._world_number(self.worlds[world]._replace(supervised=True))

    def wrong_to_return(self, low: int) -> str | None:
        """Why a supervisor must not come back now."""
        return "the supervisor knows nothing of a move that goes on" if self.is_driven(low) else None


def _told(hand: Hand | None) -> str:
    if hand is None:
        return ""
    aside = f", {hand.bypass.name} set aside" if hand.bypass else ""
    return f"by hand{aside}: " if hand.held else "by hand, not held: "


def _is_true(bypass: Bypass, lift: Lift | None) -> bool:
    """Whether what two people set aside is truly as its sensor should say; they have looked."""
    if bypass is Bypass.HOOK_CLOSED:
        return lift is None or lift.phase != "FALLING_IN"
    return bypass is Bypass.NONE or lift is None or lift.load is not Load.HALF


def _falls_unseen(lift: Lift | None, fault: Fault | None) -> bool:
    """A hook falls in behind its stuck switch: it has, in two seconds, before anybody has asked for anything."""
    return (
        lift is not None
        and lift.phase == "FALLING_IN"
        and fault is not None
        and (fault.offset, fault.sensor) == (lift.offset, Sensor.HOOK_CLOSED)
    )


def _stood(world: World, *, latches: bool) -> World:
    """A world after all drives have stopped."""
    gate = GateState.UNKNOWN if world.gate_driven else world.gate
    return world._replace(latched=world.latched or latches, gate=gate)
