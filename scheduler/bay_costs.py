"""What each free bay would cost its driver when the car is usually wanted again.

Decides how long such a driver waits on average: bringing the pallet down, and whoever is being served
there at that hour (Pollaczek-Khinchine formula for one server, jobs at random times). It chooses no bay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.grid import ModuleLayout
from domain.ids import BayId, parse_bay
from domain.reasons import ReasonCode, Why, because
from scheduler.measured import Times

BUSY_MAX = 0.9
"""A module is not taken to be busier than this: beyond, the mean wait has no meaning."""


@dataclass(frozen=True, slots=True)
class BayCost:
    """Expected wait in ms from the request to the open gate, and what it is made of."""

    bay: BayId
    wait_ms: int
    why: Why


def module_costs(
    layout: ModuleLayout,
    times: Times,
    free: Iterable[BayId],
    departures_per_h: Mapping[BayId, float],
    arrivals_per_h: float,
    minute_of_day: int,
) -> list[BayCost]:
    """The free bays of one module, cheapest first; rates are those of that hour."""
    free = sorted(free)
    flows = [(rate, _work_ms(times, parse_bay(bay).level, "retrieval")) for bay, rate in departures_per_h.items()]
    flows += [(arrivals_per_h / len(free), _work_ms(times, parse_bay(bay).level, "storage")) for bay in free]
    busy = min(BUSY_MAX, sum(rate * work_ms for rate, work_ms in flows) / 3_600_000)
    square = sum(rate * work_ms * work_ms for rate, work_ms in flows) / 3_600_000
    queue_ms = round(square / 2 / (1 - busy))
    when = f"{minute_of_day // 60:02d}:{minute_of_day % 60:02d}"
    found = []
    for bay in free:
        level = parse_bay(bay).level
        bring_ms = times.gate_open_ms + times.lower_ms[level] + times.window_ms(level)
        reason = because(
            ReasonCode.BAY_COST,
            level=level,
            bring_s=bring_ms // 1000,
            at=when,
            module=layout.id,
            busy_pct=round(100 * busy),
            queue_s=queue_ms // 1000,
        )
        found.append(BayCost(bay, bring_ms + queue_ms, (reason,)))
    return sorted(found, key=lambda cost: (cost.wait_ms, cost.bay))


def _work_ms(times: Times, level: int, kind: str) -> int:
    lifts_ms = times.window_ms(level) + times.lower_ms[level] + times.raise_ms[level]
    return lifts_ms + times.gate_open_ms + times.dwell_ms(kind) + times.gate_close_ms
