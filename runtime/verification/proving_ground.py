"""Small modules on which every guard is deleted in turn: each has what some guard is there for.

Decides which layouts and faults these are; they are the same whatever the site's configuration, because
guards are code.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.grid import Level, ModuleLayout
from domain.ids import ModuleId
from domain.machine import HookKind, Machine, SlideMode
from runtime.verification.model import Scope
from runtime.verification.world import OF_MODULE, OF_PALLET, Fault, Sensor


def small_layout(columns: int, gaps: Sequence[int], blocked: tuple[int, ...] = ()) -> ModuleLayout:
    """A module with these gaps on its levels, and blocked columns on the ground."""
    return ModuleLayout(
        id=ModuleId("S"),
        columns=columns,
        levels=tuple(
            Level(number, 2000, count, blocked if number == 1 else ()) for number, count in enumerate(gaps, start=1)
        ),
        pitch_mm=2400,
        pallet_width_mm=2300,
        car_length_mm_max=5000,
        car_width_mm_max=1900,
        car_mass_kg_max=2350,
        headroom_mm=100,
    )


def module_faults() -> tuple[Fault, ...]:
    """Each sensor of a module, stuck on and off."""
    return tuple(Fault(sensor, on) for sensor in OF_MODULE for on in (True, False))


def cell_faults(layout: ModuleLayout, levels: Sequence[int]) -> tuple[Fault, ...]:
    """Each cell switch of these levels, stuck on and off."""
    cells = ((level, column) for level in levels for column in layout.open_columns(level))
    return tuple(Fault(Sensor.CELL, on, cell=cell) for cell in cells for on in (True, False))


def pallet_faults(layout: ModuleLayout) -> tuple[Fault, ...]:
    """Each sensor of each pallet that has a hoist, stuck on and off."""
    pallets = range(layout.level_offset[1], len(layout.bays))
    return tuple(Fault(sensor, on, pallet) for sensor in OF_PALLET for on in (True, False) for pallet in pallets)


_TWO = small_layout(3, (1, 0))
_THREE = small_layout(3, (1, 1, 0))
_GAPS = small_layout(4, (2, 0))
_NARROW = small_layout(2, (1, 1, 0))

PROVING_GROUND: tuple[Scope, ...] = (
    Scope(_TWO, Machine(), (1, 2)),
    Scope(_THREE, Machine(), (1, 2)),
    Scope(_THREE, Machine(), (2, 3)),
    Scope(small_layout(4, (1, 0), (2,)), Machine(), (1, 2)),
    Scope(_GAPS, Machine(), (1, 2)),
    Scope(_THREE, Machine(slide_mode=SlideMode.ROW), (1, 2)),
    Scope(_THREE, Machine(slide_mode=SlideMode.SINGLE), (1, 2)),
    Scope(_GAPS, Machine(hook_kind=HookKind.LOAD_RESTING), (1, 2)),
    Scope(_TWO, Machine(), (1, 2), module_faults()),
    Scope(_TWO, Machine(), (1, 2), cell_faults(_TWO, (1, 2))),
    Scope(_NARROW, Machine(), (2, 3), pallet_faults(_NARROW)),
)
"""In the order in which they are tried: cheap ones first."""
