"""Every state that some levels of a module can get into, and every step out of each.

What is real here: whether a command may start is answered by the soft PLC's `plc_rules` or the
controller's `interlocks`, whether a drive must stop by `plc_rules.cause_to_stop`, whether a supervisor
that has lost everything may go on by `controller.reconcile`, and what they read is made by the soft PLC's
own `plc_words` of the plant's own switches. What is abstraction: motion is a chain of phases (`rows`,
`lifts`) that time or a stop moves on, what happens around the pallets is `world`, and the rest of the module
stands where it hinders least. What is judged is the physics of the state (`judge`), never a sensor.

A state is a number: how the pallets stand in its low bits (`stands`), the world above. What may be asked of the pallets
and the gate is `asking`; here is what happens around them, and what is wrong with a start in such a world.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from domain.grid import ModuleLayout
from domain.machine import Machine
from domain.outputs import Opcode
from domain.signals import GateState, PlcMode
from runtime.verification.asking import Asking, Look, told
from runtime.verification.barriers import Barrier
from runtime.verification.judge import Stand
from runtime.verification.lifts import Lift, phases
from runtime.verification.plc_barrier import PlcStops
from runtime.verification.rows import Row
from runtime.verification.stands import Stands
from runtime.verification.supervisor_barrier import SupervisorBarrier
from runtime.verification.world import (
    AUTOMATIC,
    Drive,
    Fault,
    Hand,
    Seen,
    World,
    bypasses,
    happenings,
    seen,
    wrong_with_drive,
    wrong_with_hand,
    wrong_with_start,
)

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


class UnderWay(NamedTuple):
    """What may become of a world while something is driven."""

    stops: tuple[tuple[str, int], ...]
    """What stops all drives, and the world then."""
    stays: tuple[tuple[str, int, str | None], ...]
    """What does not, the world then, and the rule that this breaks."""


class Model:
    """States as numbers: how the pallets stand in the low bits, the world above them."""

    def __init__(self, scope: Scope, barrier: Barrier, stops: PlcStops) -> None:
        self.scope = scope
        self._barrier = barrier
        self._stops = stops
        self._has_supervisor = isinstance(barrier, SupervisorBarrier)
        self.stands = Stands(scope.layout, scope.levels, phases(scope.machine.hook_kind), scope.faults)
        self.asking = Asking(scope.layout, scope.machine, scope.levels, barrier, self.stands)
        self.world_shift = self.stands.bits
        self.low_mask = (1 << self.world_shift) - 1
        self.worlds: list[World] = []
        self._world_numbers: dict[World, int] = {}
        self._around: dict[int, tuple[tuple[str, int], ...]] = {}
        self._looks: list[Look] = []
        self._look_of: dict[int, Look] = {}
        self._look_numbers: dict[Seen, Look] = {}
        self._begins: dict[tuple[int, Opcode, Hand | None], tuple[int, str | None]] = {}
        self._starts: dict[tuple[int, Opcode, Hand | None], str | None] = {}
        self._under_way: dict[tuple[int, bool], UnderWay] = {}

    def number(self, view: View) -> int:
        """The number of a state."""
        return self._world_number(view.world) << self.world_shift | self.stands.number(Stand(view.rows, view.lift))

    def view(self, state: int) -> View:
        """A state in words."""
        return View(*self.stands.stand(state & self.low_mask), self.worlds[state >> self.world_shift])

    def start(self) -> int:
        """The module as assembled, everything in order."""
        return self._world_number(World()) << self.world_shift | self.stands.start()

    def _world_number(self, world: World) -> int:
        found = self._world_numbers.get(world)
        if found is None:
            found = self._world_numbers[world] = len(self.worlds)
            self.worlds.append(world)
        return found

    def steps(self, state: int) -> Iterator[Step]:
        """Everything that can happen next."""
        number, low = state >> self.world_shift, state & self.low_mask
        world, high = self.worlds[number], number << self.world_shift
        driven = self.stands.is_driven(low)
        if driven or world.gate_driven:
            found, outcomes = self.under_way(number, driven), self.stands.outcomes(low)
            for label, after in found.stops:
                yield from ((label, after << self.world_shift | outcome, None) for outcome in outcomes)
            yield from ((label, after << self.world_shift | low, wrong) for label, after, wrong in found.stays)
        else:
            yield from ((label, after << self.world_shift | low, None) for label, after in self.around(number))
        for going in self.stands.goes_on(low):
            if not going.when or self.is_when(world, going.when):
                yield going.label, high | going.low, None
        look = self.look(number)
        for command in self.asking.commands(low, look):
            if world.supervised or command.hand is not None:
                wrong = self.wrong_to_start(number, command.opcode, command.hand) or command.wrong
                yield command.label, high | command.low, wrong
        for opcode, hand, opening in self.asking.gates(low, look):
            if world.supervised or hand is not None:
                after, wrong = self.gate_begins(number, opcode, hand)
                yield f"{told(hand)}{opcode.name} begins", after << self.world_shift | low, opening or wrong
        if not world.supervised and self.asking.returns(low, look):
            yield "the supervisor is back", self.back(number) << self.world_shift | low, self.wrong_to_return(low)

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
            found = happenings(self.worlds[world], self.scope.faults, supervisor=self._has_supervisor)
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

    def wrong_to_start(self, world: int, opcode: Opcode, hand: Hand | None) -> str | None:
        """Why no pallet may set off in a world in this way."""
        key = (world, opcode, hand)
        if key not in self._starts:
            self._starts[key] = wrong_with_start(self.worlds[world], hand, opcode)
        return self._starts[key]

    def wrong_to_open(self, low: int) -> str | None:
        """Why the gate must not open onto pallets that stand like this."""
        return self.stands.judge.opening(self.stands.stand(low))

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

    def back(self, world: int) -> int:
        """The world once the supervisor is back."""
        return self._world_number(self.worlds[world]._replace(supervised=True))

    def wrong_to_return(self, low: int) -> str | None:
        """Why a supervisor must not come back now."""
        return "the supervisor knows nothing of a move that goes on" if self.stands.is_driven(low) else None


def _stood(world: World, *, latches: bool) -> World:
    """A world after all drives have stopped."""
    gate = GateState.UNKNOWN if world.gate_driven else world.gate
    return world._replace(latched=world.latched or latches, gate=gate)
