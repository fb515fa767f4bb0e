"""Every state of a model at once for all worlds: the same states and steps as one by one, many times faster.

Decides the order of work only. How the pallets stand is one number, the worlds that they are reached in are
the bits of another; a command asked in a hundred worlds that look alike is asked once, and a set of worlds
steps on as a whole. Finds whether a rule can be broken, not the shortest way to it: that is `search`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from domain.outputs import Opcode
from runtime.verification.asking import Look
from runtime.verification.barriers import GATE_OPCODES
from runtime.verification.model import Model
from runtime.verification.world import Hand

Worlds = int
"""A set of worlds: bit n for world number n."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep came to."""

    states: int
    transitions: int
    violations: int


@dataclass(slots=True)
class _Kind:
    """Worlds that look alike."""

    look: Look
    worlds: Worlds = 0


@dataclass(frozen=True, slots=True)
class _Image:
    """Where a set of worlds leads."""

    stays: Worlds = 0
    """Worlds with the pallets as they stand."""
    stops: Worlds = 0
    """Worlds after a stop of all drives."""
    steps: int = 0
    """Ways to stay."""
    halts: int = 0
    """Ways to stop."""
    violations: int = 0


@dataclass(slots=True)
class _Tables:
    """What is known of the worlds met so far."""

    count: int = 0
    supervised: Worlds = 0
    attended: Worlds = 0
    cranked: Worlds = 0
    kinds: dict[int, _Kind] = field(default_factory=dict)
    movers: list[_Kind] = field(default_factory=list)
    """In which pallets may be moved."""


@dataclass(slots=True)
class _Profile:
    """What may be asked of the gate, and whether a supervisor may come back, while the pallets stand in one way."""

    count: int = 0
    """So many worlds were known when it was last brought up to date."""
    asked: int = 0
    """So many kinds have been asked about."""
    may: list[tuple[Opcode, Hand | None, _Kind]] = field(default_factory=list)
    """The kinds in which the gate may be asked to move."""
    comes_back: dict[int, bool] = field(default_factory=dict)
    """Whether a supervisor may come back, by kinds in which one was lost."""
    gates: dict[tuple[Opcode, Hand | None], Worlds] = field(default_factory=dict)
    back: Worlds = 0


def bits(worlds: Worlds) -> Iterator[int]:
    """The numbers of a set's worlds."""
    while worlds:
        low = worlds & -worlds
        yield low.bit_length() - 1
        worlds ^= low


class Sweep:
    """One sweep over a model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._known: dict[int, Worlds] = {}
        self._due: dict[int, Worlds] = {}
        self._order: deque[int] = deque()
        self._tables = _Tables()
        self._images: dict[tuple[bool, Worlds], _Image] = {}
        self._profiles: dict[tuple[int, ...], _Profile] = {}
        self._wrongs: dict[tuple[Opcode, Hand | None, Worlds], Worlds] = {}
        self._gates: dict[tuple[Opcode, Hand | None, Worlds], tuple[Worlds, int]] = {}
        self._transitions = 0
        self._violations = 0

    def run(self, told: Callable[[int], None] = lambda states: None, *, first_only: bool = False) -> Swept:
        """Visit every state; with `first_only` end at the first violation. `told` hears how many ways of standing."""
        start = self._model.start()
        self._push(start & self._model.low_mask, 1 << (start >> self._model.world_shift))
        while self._order and not (first_only and self._violations):
            low = self._order.popleft()
            self._visit(low, self._due.pop(low))
            if len(self._known) % 1000 == 0:
                told(len(self._known))
        states = sum(worlds.bit_count() for worlds in self._known.values())
        return Swept(states, self._transitions, self._violations)

    def reached(self) -> Mapping[int, Worlds]:
        """Every way in which pallets were found to stand, and in which worlds."""
        return self._known

    def _push(self, low: int, worlds: Worlds) -> None:
        fresh = worlds & ~self._known.get(low, 0)
        if fresh:
            if low not in self._due:
                self._due[low] = 0
                self._order.append(low)
            self._due[low] |= fresh

    def _visit(self, low: int, due: Worlds) -> None:
        model = self._model
        driven = model.stands.is_driven(low)
        fresh, stops = self._around(low, due, driven)
        if not fresh:
            return
        self._learn()
        if stops:
            for outcome in model.stands.outcomes(low):
                self._push(outcome, stops)
        tables = self._tables
        for going in model.stands.goes_on(low):
            when = {"": fresh, "attended": fresh & tables.attended, "cranked": fresh & tables.cranked}[going.when]
            self._transitions += when.bit_count()
            self._push(going.low, when)
        for kind in tables.movers:
            worlds = kind.worlds & fresh
            if worlds:
                self._move(low, kind.look, worlds)
        self._attend(low, fresh, driven)

    def _around(self, low: int, due: Worlds, driven: bool) -> tuple[Worlds, Worlds]:
        """All worlds that are newly reached without a pallet stirring, and those in which all drives stop."""
        known, frontier, stops = self._known.get(low, 0), due, 0
        before = known
        ways = len(self._model.stands.outcomes(low)) if driven else 1
        while frontier := frontier & ~known:
            known |= frontier
            image = self._image(frontier, driven)
            self._transitions += image.steps + image.halts * ways
            self._violations += image.violations
            stops |= image.stops
            frontier = image.stays if driven else image.stays | image.stops
        self._known[low] = known
        return known & ~before, stops if driven else 0

    def _image(self, worlds: Worlds, driven: bool) -> _Image:
        found = self._images.get((driven, worlds))
        if found is None:
            found = self._images[driven, worlds] = self._find_image(worlds, driven)
        return found

    def _find_image(self, worlds: Worlds, driven: bool) -> _Image:
        model = self._model
        stays = stops = steps = halts = violations = 0
        for number in bits(worlds):
            if driven or model.worlds[number].gate_driven:
                found = model.under_way(number, driven)
                halts += len(found.stops)
                steps += len(found.stays)
                for _, after in found.stops:
                    stops |= 1 << after
                for _, after, wrong in found.stays:
                    if wrong is None:
                        stays |= 1 << after
                    else:
                        violations += 1
            else:
                around = model.around(number)
                steps += len(around)
                for _, after in around:
                    stays |= 1 << after
        return _Image(stays, stops, steps, halts, violations)

    def _learn(self) -> None:
        """Sort the worlds met since into their kinds."""
        model, tables = self._model, self._tables
        while tables.count < len(model.worlds):
            number, bit = tables.count, 1 << tables.count
            world = model.worlds[number]
            tables.count += 1
            if world.supervised:
                tables.supervised |= bit
            if model.is_when(world, "attended"):
                tables.attended |= bit
            if model.is_when(world, "cranked"):
                tables.cranked |= bit
            look = model.look(number)
            if look.number not in tables.kinds:
                kind = tables.kinds[look.number] = _Kind(look)
                if any(not opcodes <= set(GATE_OPCODES) for _, opcodes in look.ways):
                    tables.movers.append(kind)
            tables.kinds[look.number].worlds |= bit

    def _move(self, low: int, look: Look, worlds: Worlds) -> None:
        """Everything that is asked of pallets in worlds that look alike."""
        supervised = worlds & self._tables.supervised
        for command in self._model.asking.commands(low, look):
            asked = worlds if command.hand is not None else supervised
            if not asked:
                continue
            self._transitions += asked.bit_count()
            wrong = asked if command.wrong is not None else self._wrong(command.opcode, command.hand, asked)
            self._violations += wrong.bit_count()
            self._push(command.low, asked & ~wrong)

    def _attend(self, low: int, worlds: Worlds, driven: bool) -> None:
        """Everything that is asked of the gate, and a supervisor that comes back."""
        model = self._model
        profile = self._profile(low)
        for (opcode, hand), may in profile.gates.items():
            asked = worlds & may
            if not asked:
                continue
            self._transitions += asked.bit_count()
            if opcode is Opcode.GATE_OPEN and model.wrong_to_open(low) is not None:
                self._violations += asked.bit_count()
                continue
            after, violations = self._gate(opcode, hand, asked)
            self._violations += violations
            self._push(low, after)
        lost = worlds & profile.back
        self._transitions += lost.bit_count()
        if driven:
            self._violations += lost.bit_count()
        else:
            self._push(low, sum(1 << model.back(number) for number in bits(lost)))

    def _profile(self, low: int) -> _Profile:
        profile = self._profiles.setdefault(self._model.stands.outline(low), _Profile())
        if profile.count < self._tables.count:
            self._bring_up_to_date(profile, low)
        return profile

    def _bring_up_to_date(self, profile: _Profile, low: int) -> None:
        model, supervised = self._model, self._tables.supervised
        kinds = list(self._tables.kinds.values())
        for kind in kinds[profile.asked :]:
            profile.may += ((opcode, hand, kind) for opcode, hand, _ in model.asking.gates(low, kind.look))
        profile.gates = {}
        for opcode, hand, kind in profile.may:
            may = kind.worlds if hand is not None else kind.worlds & supervised
            profile.gates[opcode, hand] = profile.gates.get((opcode, hand), 0) | may
        profile.back = 0
        for number, kind in enumerate(kinds):
            lost = kind.worlds & ~supervised
            if not lost:
                continue
            if number not in profile.comes_back:
                profile.comes_back[number] = model.asking.returns(low, kind.look)
            if profile.comes_back[number]:
                profile.back |= lost
        profile.count, profile.asked = self._tables.count, len(kinds)

    def _wrong(self, opcode: Opcode, hand: Hand | None, worlds: Worlds) -> Worlds:
        key = (opcode, hand, worlds)
        found = self._wrongs.get(key)
        if found is None:
            wrong = (n for n in bits(worlds) if self._model.wrong_to_start(n, opcode, hand) is not None)
            found = self._wrongs[key] = sum(1 << number for number in wrong)
        return found

    def _gate(self, opcode: Opcode, hand: Hand | None, worlds: Worlds) -> tuple[Worlds, int]:
        key = (opcode, hand, worlds)
        found = self._gates.get(key)
        if found is None:
            after = violations = 0
            for number in bits(worlds):
                world, wrong = self._model.gate_begins(number, opcode, hand)
                if wrong is None:
                    after |= 1 << world
                else:
                    violations += 1
            found = self._gates[key] = (after, violations)
        return found
