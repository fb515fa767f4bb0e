"""How long the parts of a job take in one module: on paper, or as they have been measured there.

Decides which figure counts: the median of what was measured once there is enough of it, the nominal
one before. Who measures, and what is remembered, is the controller's matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from domain.grid import ModuleLayout
from domain.machine import Machine


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
