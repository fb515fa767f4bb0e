"""Sites for tests: the real garage, and one small enough to think through by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.grid import Level, ModuleLayout
from domain.ids import BayId, ModuleId, SpotId
from domain.machine import Machine
from domain.site import Site, SpotSpec

HEIGHTS_MM = (2150, 1700, 1700, 2150)


def module_layout(
    name: str = "A",
    columns: int = 10,
    heights_mm: Sequence[int] = HEIGHTS_MM,
    gaps: Sequence[int] | None = None,
    blocked: dict[int, tuple[int, ...]] | None = None,
    dead: Sequence[str] = (),
) -> ModuleLayout:
    """One module; unless told, one gap on every level but the top."""
    counts = gaps if gaps is not None else [1] * (len(heights_mm) - 1) + [0]
    holes = blocked or {}
    return ModuleLayout(
        id=ModuleId(name),
        columns=columns,
        levels=tuple(
            Level(number, height, count, holes.get(number, ()))
            for number, (height, count) in enumerate(zip(heights_mm, counts, strict=True), start=1)
        ),
        pitch_mm=2400,
        pallet_width_mm=2300,
        car_length_mm_max=5000,
        car_width_mm_max=1900,
        car_mass_kg_max=2350,
        headroom_mm=100,
        dead=tuple(BayId(bay) for bay in dead),
    )


def site_of(*modules: ModuleLayout, spots: int = 0, **machine: Any) -> Site:
    """A site of these modules; `machine` overrides single figures of the default machine."""
    return Site(
        name="test garage",
        modules=modules,
        machine=Machine(**machine),
        spots=tuple(SpotSpec(SpotId(f"E-{number:02d}")) for number in range(1, spots + 1)),
        power_limit_w=60_000,
    )


def default_site(**machine: Any) -> Site:
    """The garage of 140 bays in four modules with ten charging spots."""
    return site_of(
        module_layout("A", 10),
        module_layout("B", 10),
        module_layout("C", 9),
        module_layout("D", 9),
        spots=10,
        **machine,
    )


def small_site(**machine: Any) -> Site:
    """One module A of 2 levels x 3 columns: bays A-1-01, A-1-02, A-2-01 to A-2-03; no spots."""
    return site_of(module_layout("A", 3, (2150, 2150)), **machine)
