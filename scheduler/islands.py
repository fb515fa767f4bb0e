"""What one row can still do by itself, and what it could do after a push by hand.

With parts out of service a row's arrangements fall apart into *islands*: within one the motors get
from any arrangement to any other, between two only a push by hand leads. Decides nothing; it is the
map that `scheduler.rescue` searches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from domain.grid import ModuleLayout
from domain.ids import BayId, BayRef
from scheduler.reach import Row, free_columns, routes


@dataclass(frozen=True, slots=True)
class Push:
    """One pallet moved by one pitch into the free cell beside it, by people with a winch."""

    level: int
    index: int
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Island:
    """Arrangements between which the motors lead.

    `free` has bit c set if column c can stand empty; `stands[i]` likewise the columns at which pallet
    i + 1 can hang above a shaft.
    """

    rows: frozenset[Row]
    free: int
    stands: tuple[int, ...]


@dataclass(frozen=True)
class Archipelago:
    """One row's islands, the first being where it is now, and the pushes between them.

    `bridges[a][b]` are the ways to push from island a to b: the arrangement before, and the push.
    """

    islands: tuple[Island, ...]
    bridges: tuple[dict[int, tuple[tuple[Row, Push], ...]], ...]

    @cached_property
    def free(self) -> int:
        """Columns that can be emptied on some island."""
        found = 0
        for island in self.islands:
            found |= island.free
        return found

    def stands(self, index: int) -> int:
        """Columns at which a pallet can hang on some island."""
        found = 0
        for island in self.islands:
            found |= island.stands[index - 1]
        return found


def chart(layout: ModuleLayout, level: int, row: Row) -> Archipelago:
    """All islands of one level that slides and pushes lead to from where it stands."""
    islands = [_island(layout, level, row)]
    place = dict.fromkeys(islands[0].rows, 0)
    bridges: list[dict[int, tuple[tuple[Row, Push], ...]]] = []
    while len(bridges) < len(islands):
        found: dict[int, tuple[tuple[Row, Push], ...]] = {}
        for before in sorted(islands[len(bridges)].rows):
            for push in _pushes(layout, level, before):
                after = pushed(before, push)
                if after not in place:
                    place |= dict.fromkeys(routes(layout, level, after), len(islands))
                    islands.append(_island(layout, level, after))
                found[place[after]] = (*found.get(place[after], ()), (before, push))
        bridges.append(found)
    return Archipelago(tuple(islands), tuple(bridges))


def pushed(row: Row, push: Push) -> Row:
    """Where a level's pallets stand after a push."""
    return tuple(push.second if index == push.index else column for index, column in enumerate(row, start=1))


def bay_of(layout: ModuleLayout, push: Push) -> BayId:
    """The pallet that is pushed."""
    return BayRef(layout.id, push.level, push.index).name


def _pushes(layout: ModuleLayout, level: int, row: Row) -> Iterator[Push]:
    """Pallets that the motors do not slide, beside a free cell; a closed cell is closed to people too."""
    walls = layout.walls[level - 1]
    for index in sorted(layout.fixed[level - 1]):
        column = row[index - 1]
        for beside in (column - 1, column + 1):
            inside = 1 <= beside <= layout.columns and beside not in row
            if inside and not walls & {column, beside}:
                yield Push(level, index, column, beside)


def _island(layout: ModuleLayout, level: int, row: Row) -> Island:
    rows = frozenset(routes(layout, level, row))
    stands = [frozenset(places) - layout.walls[level - 1] for places in zip(*rows, strict=True)]
    return Island(rows, _mask(free_columns(layout, level, rows)), tuple(_mask(places) for places in stands))


def _mask(columns: frozenset[int]) -> int:
    return sum(1 << column for column in columns)
