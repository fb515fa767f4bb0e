"""How the pallets of some levels can stand, as numbers, and what becomes of them by themselves.

Decides which bits of a state say what (rows low, the lifted pallet above them), what a guard is shown of it, and what
time, a stop, a driver and people with cranks make of it. What may be asked of the pallets is `asking`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from domain.grid import ModuleLayout
from runtime.verification.barriers import Rows
from runtime.verification.judge import Judge, Stand
from runtime.verification.lifts import HOME, Lift, Load, Phase
from runtime.verification.rows import Gist, Row, RowBook, gist_of, resting_row, stopped
from runtime.verification.world import Fault

ROW_BITS = 16
LIFT_BITS = 16
_ROW_MASK, _LIFT_MASK = (1 << ROW_BITS) - 1, (1 << LIFT_BITS) - 1
_GISTS = {Gist.AT_REST: -1, Gist.BETWEEN: -2, Gist.SLIDES: -3, Gist.BUSY: -4}
_GIST_OF = {number: gist for gist, number in _GISTS.items()}


class Going(NamedTuple):
    """A way on of the pallets alone."""

    label: str
    low: int
    when: str = ""
    """Empty: by itself, in time. "attended": somebody is at the open gate. "cranked": people turn cranks."""


class Stands:
    """The ways of standing that have been met: row numbers in the low bits, then the lifted pallet."""

    def __init__(
        self,
        layout: ModuleLayout,
        levels: tuple[int, ...],
        phases: Mapping[str, Phase],
        faults: Iterable[Fault],
    ) -> None:
        self.judge = Judge(layout, levels, phases)
        self.lift_shift = ROW_BITS * len(levels)
        self.bits = self.lift_shift + LIFT_BITS
        self._levels = levels
        self._phases = phases
        self._has_broken_cells = any(fault.cell is not None for fault in faults)
        self._books = tuple(RowBook() for _ in levels)
        self._gists: tuple[dict[int, int], ...] = tuple({} for _ in levels)
        self._stopped_rows: tuple[dict[int, tuple[int, ...]], ...] = tuple({} for _ in levels)
        self._lifts: list[Lift | None] = [None]
        self._lift_numbers: dict[Lift | None, int] = {None: 0}
        self._start = Stand(tuple(resting_row(layout, level) for level in levels), None)
        self._last = self.number(self._start), self._start

    def start(self) -> int:
        """The module as assembled."""
        return self.number(self._start)

    def number(self, stand: Stand) -> int:
        """The number of a way of standing."""
        low = self.lift_number(stand.lift) << self.lift_shift
        for position, row in enumerate(stand.rows):
            low |= self.row_number(position, row) << (ROW_BITS * position)
        return low

    def stand(self, low: int) -> Stand:
        """How the pallets stand."""
        if low != self._last[0]:
            rows = (book.rows[low >> (ROW_BITS * position) & _ROW_MASK] for position, book in enumerate(self._books))
            self._last = low, Stand(tuple(rows), self._lifts[low >> self.lift_shift])
        return self._last[1]

    def row_number(self, position: int, row: Row) -> int:
        """The number of a row of the level at a position, a new one if it has not been met."""
        number = self._books[position].number(row)
        if number > _ROW_MASK:
            raise OverflowError(f"level {self._levels[position]} has more rows than a state can number")
        return number

    def lift_number(self, lift: Lift | None) -> int:
        """The number of a lifted pallet, a new one if it has not been met."""
        found = self._lift_numbers.get(lift)
        if found is None:
            found = self._lift_numbers[lift] = len(self._lifts)
            self._lifts.append(lift)
        return found

    def with_lift_number(self, low: int, number: int) -> int:
        """The same with this pallet lifted, or none."""
        return low & ~(_LIFT_MASK << self.lift_shift) | number << self.lift_shift

    def with_row_number(self, low: int, position: int, number: int) -> int:
        """The same with another row at a position."""
        shift = ROW_BITS * position
        return low & ~(_ROW_MASK << shift) | number << shift

    def _with_lift(self, low: int, lift: Lift | None) -> int:
        return self.with_lift_number(low, self.lift_number(lift))

    def _with_row(self, low: int, position: int, row: Row) -> int:
        return self.with_row_number(low, position, self.row_number(position, row))

    def gist(self, low: int, position: int) -> int:
        """The gist of the row at a position, as a negative number."""
        number = low >> (ROW_BITS * position) & _ROW_MASK
        found = self._gists[position].get(number)
        if found is None:
            found = self._gists[position][number] = _GISTS[gist_of(self._books[position].rows[number])]
        return found

    def shown(self, low: int, fault: Fault | None, levels: range) -> tuple[int, ...]:
        """The rows as a guard is shown them: these levels exactly, of the others the gist, as a negative number.

        With a broken cell switch all are shown: what it says depends on where the pallets stand.
        """
        all_of_them = fault is not None and fault.cell is not None
        return tuple(
            low >> (ROW_BITS * position) & _ROW_MASK if all_of_them or level in levels else self.gist(low, position)
            for position, level in enumerate(self._levels)
        )

    def veiled(self, numbers: tuple[int, ...], low: int, level: int) -> tuple[int, ...]:
        """The same with all hidden but a row of this level that stands between its cells.

        What is refused like this is refused wherever the hidden stands.
        """
        if self._has_broken_cells:
            return numbers
        gists = [self.gist(low, position) for position in range(len(numbers))]
        own = self._levels.index(level)
        if gists[own] == _GISTS[Gist.BETWEEN]:
            gists[own] = numbers[own]
        elif gists[own] == _GISTS[Gist.SLIDES]:
            gists[own] = _GISTS[Gist.BUSY]
        return tuple(gists)

    def rows(self, stand: Stand, numbers: Sequence[int]) -> Rows:
        """The rows of a stand as these numbers show them."""
        shown = zip(self._levels, stand.rows, numbers, strict=True)
        return {level: row if number >= 0 else _GIST_OF[number] for level, row, number in shown}

    def outline(self, low: int) -> tuple[int, ...]:
        """All that a gate's guards may know of how the pallets stand; with cell switches that may fail, everything."""
        if self._has_broken_cells:
            return (low,)
        gists = (self.gist(low, position) for position in range(len(self._levels)))
        return low >> self.lift_shift, *gists

    def is_driven(self, low: int) -> bool:
        """Whether pallets are under way."""
        return self.judge.is_driven(self.stand(low))

    def outcomes(self, low: int) -> tuple[int, ...]:
        """Every way in which the pallets can stand after a stop of all drives."""
        stand, choices = self.stand(low), []
        for position, row in enumerate(stand.rows):
            number = low >> (ROW_BITS * position) & _ROW_MASK
            numbers = self._stopped_rows[position].get(number)
            if numbers is None:
                shift = ROW_BITS * position
                numbers = tuple(self.row_number(position, each) << shift for each in stopped(row))
                self._stopped_rows[position][number] = numbers
            choices.append(numbers)
        lifts = [self.lift_number(lift) << self.lift_shift for lift in self._stopped_lifts(stand.lift)]
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
            name = self.judge.name(lift)
            if following is not None:
                after = self._with_lift(low, None if following == HOME else lift._replace(phase=following))
                yield Going(f"{name}: {lift.phase} over, {following}", after)
            elif lift.phase == "GROUND":
                for load in Load:
                    if load is not lift.load:
                        after = self._with_lift(low, lift._replace(load=load))
                        yield Going(f"the car on {name} is {load.value}", after, "attended")
        if not self.judge.is_driven(stand):
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
            name = self.judge.name(lift)
            yield Going(f"{name} is cranked home", self._with_lift(low, None), "cranked")
            other = "GROUND" if lift.phase == "BETWEEN" else "BETWEEN"
            after = self._with_lift(low, lift._replace(phase=other))
            yield Going(f"{name} is cranked: {other}", after, "cranked")
