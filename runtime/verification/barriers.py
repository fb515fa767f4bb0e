"""The two barriers as a proof asks them: the soft PLC's rules and the supervisor's interlocks, each alone.

Decides nothing: every answer comes from the real functions of `sim.plc_rules` or
`controller.interlocks` (or from a copy of such a module with one guard deleted). A proof of some levels of
a module leaves the other rows where they hinder least: at rest, with their gap under the pallet that is asked for.
Where they stand is hidden until a guard wants to read it: most refusals come before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from domain.faults import FaultNumber
from domain.grid import ModuleLayout
from domain.machine import Machine
from domain.outputs import Opcode
from runtime.verification.lifts import Lift, Phase, phases
from runtime.verification.rows import Gist, Row, resting_row
from runtime.verification.sensed import SensedModule, Unread
from runtime.verification.world import Drive, Hand, Seen

Rows = Mapping[int, Row | Gist]
"""Rows by level; of some only the gist, where a guard must not look further."""
NO_PALLET = -1
"""What a nonsense lift would move."""
GATE_OPCODES = (Opcode.GATE_OPEN, Opcode.GATE_CLOSE)
LIFT_OPCODES = (Opcode.LOWER, Opcode.RAISE)
JOG = {jog.plain: jog for jog in Opcode if jog.is_jog}
UNSAFE = {Drive.SLACK: FaultNumber.SLACK_ROPE, Drive.OVERTRAVEL: FaultNumber.OVERTRAVEL}
Sliding = tuple[int, int]
"""A slide that can be asked for: from which column, to which."""
Lifting = tuple[Opcode, int, int]
"""A lift that can be asked for: how, the pallet's index on its level, and its number."""


class Asked(NamedTuple):
    """What a barrier is asked about: the pallets of a level, or the gate, and what it sees."""

    level: int
    """Or GATE."""
    rows: Rows
    lift: Lift | None
    seen: Seen
    hand: Hand | None


class Barrier(Protocol):
    """What a proof asks of a barrier. `hand` is None for a command that nobody's hand is at."""

    name: str

    def reaches(self, seen: Seen, hand: Hand | None) -> frozenset[Opcode]:
        """The kinds of commands that are not refused whatever the pallets do."""
        ...

    def open_slides(self, asked: Asked) -> tuple[Sliding, ...]:
        """The slides of a level that are not refused as long as nobody looks where hidden rows stand."""
        ...

    def slides(self, asked: Asked, among: Iterable[Sliding] | None = None) -> Iterator[tuple[int, int, Row]]:
        """Every slide of a level, or of these, that may start: its two columns, and the row setting off."""
        ...

    def open_lifts(self, asked: Asked) -> tuple[Lifting, ...]:
        """The lifts of a level's pallets that are not refused as long as nobody looks where hidden rows stand."""
        ...

    def lifts(self, asked: Asked, among: Iterable[Lifting] | None = None) -> Iterator[tuple[Opcode, int]]:
        """Every lift of a level's pallets, or of these, that may start: opcode and pallet."""
        ...

    def gate(self, opcode: Opcode, asked: Asked) -> bool:
        """Whether the gate may open, or shut."""
        ...

    def gate_unseen(self, opcode: Opcode, asked: Asked) -> bool | None:
        """The same with every pallet hidden, only what moves being known; None if that is not enough."""
        ...


class Posing:
    """What both barriers share: the posed module, and where other rows hinder least."""

    def __init__(self, layout: ModuleLayout, machine: Machine, levels: tuple[int, ...]) -> None:
        self.layout = layout
        self.levels = levels
        self.posed = SensedModule(layout, machine)
        self.phases = phases(machine.hook_kind)
        self.others = tuple(n for n in range(1, len(layout.levels) + 1) if n not in levels)
        self._hidden = dict.fromkeys(self.others, Gist.AT_REST)
        self._free = {
            (level, column): resting_row(layout, level, column)
            for level in self.others
            for column in range(layout.columns + 1)
        }

    def phase(self, lift: Lift | None) -> Phase | None:
        return None if lift is None else self.phases[lift.phase]

    def pose(self, rows: Rows, lift: Lift | None, seen: Seen) -> None:
        """Pose these rows; of the others nobody can read more than that they rest, until `make_room`."""
        self.posed.surroundings(seen)
        self.posed.pose({**self._hidden, **rows}, lift, self.phases, seen.fault)

    def make_room(self, column: int) -> None:
        for level in self.others:
            self.posed.pose_row(level, self._free[level, column])

    def liftings(self, level: int) -> tuple[Lifting, ...]:
        """Every lift of a pallet of a level that has a hoist."""
        start = self.layout.level_offset[level - 1]
        pallets = range(1, self.layout.pallets_per_level[level - 1] + 1 if level > 1 else 1)
        return tuple((opcode, index, start + index - 1) for index in pallets for opcode in LIFT_OPCODES)


def is_open(ask: Callable[[], object]) -> bool:
    """Whether a command is not refused as long as nobody looks at what is hidden."""
    try:
        return ask() not in (None, False)
    except Unread:
        return True
