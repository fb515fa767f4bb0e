"""How long a module takes for the parts of a job: promised, measured, and which of the two is planned with.

Decides how that is told to people and programs. What is measured, and from when on it counts, is decided in
`controller.stopwatch` and `scheduler.measured`.
"""

from __future__ import annotations

from typing import Any

from controller.memory import Memory
from controller.queueing import times_of
from domain.grid import ModuleLayout
from domain.site import Site
from scheduler.measured import ENOUGH, Timing, nominal

_WORDS = {
    "slide": ("slide by one column", "横移一列"),
    "gate_open": ("gate opens", "开门"),
    "dwell_in": ("a driver parks", "车主存车"),
    "dwell_out": ("a driver leaves", "车主取车"),
    "gate_close": ("gate shuts", "关门"),
    "lower": ("level {level} comes down", "第{level}层下降"),
    "raise": ("level {level} goes up", "第{level}层上升"),
}


def times_view(site: Site, layout: ModuleLayout, memory: Memory) -> dict[str, Any]:
    """Every part in the order in which a job has them, times in ms; the shape is in `api.ports`."""
    promised = nominal(layout, site.machine).by_part()
    used = times_of(site, layout, memory).by_part()
    timings = memory.module(layout.id).timings
    return {
        "module": layout.id,
        "enough": ENOUGH,
        "parts": [_part(part, promised[part], used[part], timings.get(part, Timing())) for part in promised],
    }


def _part(part: str, nominal_ms: int, used_ms: int, known: Timing) -> dict[str, Any]:
    kind, _, level = part.rpartition("_")
    english, chinese = _WORDS[part] if part in _WORDS else _WORDS[kind]
    measured_ms = known.median_ms
    return {
        "part": part,
        "text_en": english.format(level=level),
        "text_zh": chinese.format(level=level),
        "nominal_ms": nominal_ms,
        "measured_ms": measured_ms,
        "above_nominal_pct": None if measured_ms is None else round(100 * (measured_ms / nominal_ms - 1), 1),
        "count": len(known.took_ms),
        "used_ms": used_ms,
    }
