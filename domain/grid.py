"""The frame of a module: levels, columns, pallets and the cells they can stand in.

Decides names, counts and heights from the layout data. Holds no state: where pallets stand now is
a `Columns` value that others pass around.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from domain.ids import BayId, BayRef, ModuleId, parse_bay
from domain.vehicle import Vehicle

Columns = tuple[tuple[int, ...], ...]
"""Column (1-based) of every pallet: outer index level - 1, inner index pallet - 1; ascending."""


@dataclass(frozen=True)
class Level:
    """One storey: its clear height, how many cells stay empty, and columns that hold no cell."""

    number: int
    height_mm: int
    gaps: int
    blocked: tuple[int, ...] = ()


@dataclass(frozen=True)
class ModuleLayout:
    """One frame of L levels x C columns. Level 1 is the ground; the top level only lifts."""

    id: ModuleId
    columns: int
    levels: tuple[Level, ...]
    pitch_mm: int
    pallet_width_mm: int
    car_length_mm_max: int
    car_width_mm_max: int
    car_mass_kg_max: int
    headroom_mm: int
    dead: tuple[BayId, ...] = ()
    """Pallets that are neither lifted nor slid, and take no car."""
    frozen: tuple[int, ...] = ()
    """Levels on which nothing slides for now; their pallets may still be lifted."""
    closed: tuple[tuple[int, int], ...] = ()
    """Cells (level, column) that no pallet enters or leaves for now, sideways or on its way down."""
    hoist_out: bool = False
    """Nothing is lowered for now; cars on the ground still leave."""

    @cached_property
    def level_z_mm(self) -> tuple[int, ...]:
        """Height of each level's floor above the ground; the first is 0."""
        z = [0]
        for level in self.levels[:-1]:
            z.append(z[-1] + level.height_mm)
        return tuple(z)

    @cached_property
    def pallets_per_level(self) -> tuple[int, ...]:
        """How many pallets belong to each level."""
        return tuple(self.columns - level.gaps - len(level.blocked) for level in self.levels)

    @cached_property
    def bays(self) -> tuple[BayRef, ...]:
        """Every bay, ground level first, left to right: the order of the pallets on the wire."""
        return tuple(
            BayRef(self.id, level, index)
            for level, count in enumerate(self.pallets_per_level, start=1)
            for index in range(1, count + 1)
        )

    @cached_property
    def bay_names(self) -> tuple[BayId, ...]:
        """`bays`, written out."""
        return tuple(bay.name for bay in self.bays)

    @cached_property
    def offset(self) -> dict[BayId, int]:
        """Position of each bay in `bays`."""
        return {name: position for position, name in enumerate(self.bay_names)}

    @cached_property
    def level_offset(self) -> tuple[int, ...]:
        """Position in `bays` of the first pallet of each level."""
        starts = [0]
        for count in self.pallets_per_level[:-1]:
            starts.append(starts[-1] + count)
        return tuple(starts)

    @cached_property
    def walls(self) -> tuple[frozenset[int], ...]:
        """For each level the columns that no pallet enters or leaves: without a cell, or closed for now."""
        return tuple(
            frozenset(level.blocked) | {column for at, column in self.closed if at == level.number}
            for level in self.levels
        )

    @cached_property
    def fixed(self) -> tuple[frozenset[int], ...]:
        """For each level the pallets (by index) that do not slide: dead ones, or all of a frozen row."""
        rows: list[set[int]] = [
            set(range(1, count + 1)) if level in self.frozen else set()
            for level, count in enumerate(self.pallets_per_level, start=1)
        ]
        for name in self.dead:
            ref = parse_bay(name)
            rows[ref.level - 1].add(ref.index)
        return tuple(frozenset(row) for row in rows)

    @cached_property
    def is_whole(self) -> bool:
        """Whether every pallet, row, cell and the hoist are in service."""
        return not (self.dead or self.frozen or self.closed or self.hoist_out)

    def open_columns(self, level: int) -> tuple[int, ...]:
        """Columns of a level (1-based) that have a cell."""
        blocked = self.levels[level - 1].blocked
        return tuple(c for c in range(1, self.columns + 1) if c not in blocked)

    @cached_property
    def initial_columns(self) -> Columns:
        """Where pallets stand after assembly: pushed to the left, gaps on the right."""
        return tuple(self.open_columns(level)[:count] for level, count in enumerate(self.pallets_per_level, start=1))

    def misfits(self, vehicle: Vehicle, level: int) -> tuple[str, ...]:
        """Why a car does not fit a level: any of `too_long`, `too_wide`, `too_heavy`, `too_tall`."""
        checks = (
            ("too_long", vehicle.length_mm > self.car_length_mm_max),
            ("too_wide", vehicle.width_mm > self.car_width_mm_max),
            ("too_heavy", vehicle.mass_kg > self.car_mass_kg_max),
            ("too_tall", vehicle.height_mm + self.headroom_mm > self.levels[level - 1].height_mm),
        )
        return tuple(name for name, broken in checks if broken)


@lru_cache(maxsize=4096)
def columns_from_cells(layout: ModuleLayout, cells: tuple[int, ...]) -> Columns | None:
    """Read the occupied-cell masks (bit c-1 = column c) of all levels as pallet columns.

    The order of pallets within a level never changes, so a mask tells every pallet's column. None
    when a level shows more or fewer pallets than it owns: some pallet is between cells.
    """
    result = []
    for mask, count in zip(cells, layout.pallets_per_level, strict=True):
        columns = tuple(c for c in range(1, layout.columns + 1) if mask >> (c - 1) & 1)
        if len(columns) != count:
            return None
        result.append(columns)
    return tuple(result)
