"""The static instances that planners are measured on: families of random modules, by seed.

Decides which retrievals wait, since when, and how the machine is; data, not measurement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from domain.grid import Level, ModuleLayout
from domain.ids import JobId, ModuleId
from domain.machine import Machine, SlideMode
from scheduler.instance import Instance, JobKind, Overlap, PlanJob

HEIGHTS_MM = (2150, 1700, 1700, 2150)

_USUAL = Machine()

AGE_BOUNDS_S = (600, 750, 900, 1200)
"""Age bounds of the curve of mean against longest wait."""

SLIDE_SPEEDS = {"0.5": 291, "1": 141, "2": 70}
"""Slide speeds in mm/s at which a slide of one pitch takes so many times as long as a lift of 1,700 mm (17.5 s)."""


@dataclass(frozen=True, slots=True)
class Family:
    """Instances of one kind: how many jobs, in which mode, released over how long, how long a wait may be."""

    name: str
    jobs: int
    mode: SlideMode = SlideMode.PARALLEL
    overlap: Overlap = Overlap.NONE
    released_within_ms: int = 0
    columns: tuple[int, ...] = (10,)
    age_bound_ms: int | None = None
    slide_speed_mm_s: int = _USUAL.slide_speed_mm_s


def families() -> Iterator[Family]:
    """All static families."""
    for overlap in Overlap:
        for jobs in (5, 9, 12, 20, 30, 37):
            yield Family(f"static n={jobs} parallel overlap={overlap}", jobs, overlap=overlap)
        for minutes in (15, 30, 60):
            name = f"n=37 over {minutes} min parallel overlap={overlap}"
            yield Family(name, 37, overlap=overlap, released_within_ms=minutes * 60_000)
        garage = (10, 10, 9, 9)
        yield Family(f"garage 140 at once parallel overlap={overlap}", 140, overlap=overlap, columns=garage)
        stress = Family(f"stress 20 over 30 min parallel overlap={overlap}", 20, overlap=overlap)
        stress = replace(stress, released_within_ms=1_800_000)
        yield stress
        for bound_s in AGE_BOUNDS_S:
            yield replace(stress, name=f"{stress.name} age bound {bound_s} s", age_bound_ms=bound_s * 1000)
        for ratio, speed_mm_s in SLIDE_SPEEDS.items():
            yield replace(
                stress, name=f"20 over 30 min overlap={overlap} slide/lift {ratio}", slide_speed_mm_s=speed_mm_s
            )
    for mode in (SlideMode.ROW, SlideMode.SINGLE):
        for jobs in (5, 7, 9, 20, 37):
            yield Family(f"static n={jobs} {mode}", jobs, mode)
        for ratio, speed_mm_s in SLIDE_SPEEDS.items():
            name = f"20 over 30 min {mode} slide/lift {ratio}"
            yield Family(name, 20, mode, released_within_ms=1_800_000, slide_speed_mm_s=speed_mm_s)


def modules_of(family: Family, seed: int) -> list[Instance]:
    """The modules of one instance of a family; the whole garage has four."""
    jobs = family.jobs if len(family.columns) == 1 else 37
    return [random_module(seed * 10 + number, jobs, family, columns) for number, columns in enumerate(family.columns)]


def random_module(seed: int, jobs: int, family: Family, columns: int = 10) -> Instance:
    """Retrievals of random cars from a module with its gaps anywhere."""
    rng = Random(seed)
    layout = _layout(columns)
    bays = rng.sample(layout.bay_names, min(jobs, len(layout.bays)))
    stand = tuple(tuple(sorted(rng.sample(range(1, columns + 1), count))) for count in layout.pallets_per_level)
    released = sorted(rng.randint(0, family.released_within_ms) for _ in bays)
    waiting = tuple(
        PlanJob(JobId(f"J{number:02d}"), JobKind.RETRIEVAL, bay, at_ms, at_ms)
        for number, (bay, at_ms) in enumerate(zip(bays, released, strict=True), start=1)
    )
    return Instance(
        layout,
        Machine(slide_mode=family.mode, slide_speed_mm_s=family.slide_speed_mm_s),
        waiting,
        stand,
        overlap=family.overlap,
        age_bound_ms=family.age_bound_ms,
    )


def _layout(columns: int) -> ModuleLayout:
    levels = tuple(
        Level(number, height_mm, 0 if number == len(HEIGHTS_MM) else 1)
        for number, height_mm in enumerate(HEIGHTS_MM, start=1)
    )
    return ModuleLayout(ModuleId("A"), columns, levels, 2400, 2300, 5000, 1900, 2350, 100)
