"""How long the parts of a job take in one module: on paper, or as they have been measured there.

Decides which figure counts: the median of what was measured once there is enough of it, the nominal
one before. What is a measurement, and when one is remembered, is the controller's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import median_low

from domain.grid import ModuleLayout
from domain.machine import Machine

KEPT = 64
"""Measurements remembered of each part: some days of an ordinary module."""

ENOUGH = 9
"""Before so many the nominal figure counts: a median of nine is not moved by four that went wrong."""

STEP_MS = 100
"""Medians are told in such steps, and move only when they have gone by more than one: plans must not flicker."""

FAULTY_RATIO = 4
"""What takes more than so many times the nominal time, or less than that part of it, is a fault and teaches nothing."""

SLIDE, GATE_OPEN, GATE_CLOSE = "slide", "gate_open", "gate_close"
_DWELL = {"storage": "dwell_in", "retrieval": "dwell_out"}


def lift_part(*, lowers: bool, level: int) -> str:
    """Name of a lift, hooks included: `lower_3`, `raise_3`."""
    return f"{'lower' if lowers else 'raise'}_{level}"


def dwell_part(kind: str) -> str:
    """Name of what the driver of a `storage` or a `retrieval` does at the open gate."""
    return _DWELL[kind]


def is_plausible(took_ms: int, nominal_ms: int) -> bool:
    """Whether something took a time from which one may learn, and not one that a fault has made."""
    return nominal_ms <= FAULTY_RATIO * took_ms and took_ms <= FAULTY_RATIO * nominal_ms


@dataclass(frozen=True, slots=True)
class Timing:
    """What one part of a job has taken in one module, in ms, oldest first, and the median that plans go by."""

    took_ms: tuple[int, ...] = ()
    median_ms: int | None = None

    def learnt(self, took_ms: int) -> Timing:
        """With one more measurement."""
        known = (*self.took_ms, took_ms)[-KEPT:]
        if len(known) < ENOUGH:
            return Timing(known)
        middle_ms = median_low(known)
        if self.median_ms is not None and abs(middle_ms - self.median_ms) <= STEP_MS:
            return Timing(known, self.median_ms)
        return Timing(known, round(middle_ms / STEP_MS) * STEP_MS)


@dataclass(frozen=True, slots=True)
class Times:
    """Times of one module in ms. Tuples by level start with level 1 at index 1; index 0 is `nothing`.

    `slide_ms` is one slide by one pitch, `stagger_ms` what each further motor start adds.
    """

    slide_ms: int
    stagger_ms: int
    lower_ms: tuple[int, ...]
    raise_ms: tuple[int, ...]
    gate_open_ms: int
    gate_close_ms: int
    dwell_in_ms: int
    dwell_out_ms: int

    def dwell_ms(self, kind: str) -> int:
        """How long the gate stays open for a `storage` or a `retrieval`."""
        return self.dwell_in_ms if kind == "storage" else self.dwell_out_ms

    def window_ms(self, level: int) -> int:
        """Slides that free a shaft below this level where all rows slide together."""
        return self.slide_ms + self.stagger_ms * (level - 2) if level > 1 else 0

    def by_part(self) -> dict[str, int]:
        """The parts that can be measured, by name, in the order in which a job has them."""
        levels = range(2, len(self.lower_ms))
        return {
            SLIDE: self.slide_ms,
            **{lift_part(lowers=True, level=level): self.lower_ms[level] for level in levels},
            GATE_OPEN: self.gate_open_ms,
            dwell_part("storage"): self.dwell_in_ms,
            dwell_part("retrieval"): self.dwell_out_ms,
            GATE_CLOSE: self.gate_close_ms,
            **{lift_part(lowers=False, level=level): self.raise_ms[level] for level in levels},
        }


@lru_cache(maxsize=32)
def nominal(layout: ModuleLayout, machine: Machine) -> Times:
    """The times that the machine's data sheet promises."""
    lifts = tuple(machine.lowering_ms(z_mm) if z_mm else 0 for z_mm in layout.level_z_mm)
    return Times(
        slide_ms=machine.slide_ms(layout.pitch_mm),
        stagger_ms=machine.inrush_stagger_ms,
        lower_ms=(0, *lifts),
        raise_ms=(0, *lifts),
        gate_open_ms=machine.gate_ms,
        gate_close_ms=machine.gate_ms,
        dwell_in_ms=machine.driver_in_ms,
        dwell_out_ms=machine.driver_out_ms,
    )


def learnt(layout: ModuleLayout, machine: Machine, timings: Mapping[str, Timing]) -> Times:
    """The times to plan with: each part as measured, or as promised while it has not been measured enough."""
    medians = [(part, known.median_ms) for part, known in timings.items() if known.median_ms is not None]
    return _mixed(layout, machine, tuple(medians)) if medians else nominal(layout, machine)


@lru_cache(maxsize=64)
def _mixed(layout: ModuleLayout, machine: Machine, medians: tuple[tuple[str, int], ...]) -> Times:
    """Medians that the data sheet makes implausible are of another machine: it has been rebuilt since."""
    promised = nominal(layout, machine)
    told = promised.by_part()
    told |= {part: ms for part, ms in medians if part in told and is_plausible(ms, told[part])}
    levels = range(2, len(promised.lower_ms))
    return Times(
        slide_ms=told[SLIDE],
        stagger_ms=promised.stagger_ms,
        lower_ms=(0, 0, *(told[lift_part(lowers=True, level=level)] for level in levels)),
        raise_ms=(0, 0, *(told[lift_part(lowers=False, level=level)] for level in levels)),
        gate_open_ms=told[GATE_OPEN],
        gate_close_ms=told[GATE_CLOSE],
        dwell_in_ms=told[dwell_part("storage")],
        dwell_out_ms=told[dwell_part("retrieval")],
    )
