"""How many cars come in each hour of the day: a decayed count.

Decides how arrivals seen become a rate, and how fast they are forgotten. Hours are hours of UTC, as in
`scheduler.habits`; where the cars are stored is not its matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scheduler.habits import DAY_MS, HALF_LIFE_DAYS, HOUR_MS

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Decayed arrivals by hour of UTC (24 values) over `days` decayed days; all as of `at_utc_ms`."""

    at_utc_ms: int = 0
    days: float = 0.0
    counts: tuple[float, ...] = (0.0,) * 24

    def per_h(self, now_utc_ms: int) -> float:
        """Cars per hour to expect in the hour that begins now; 0 before a day has been seen."""
        kept = _kept(self.at_utc_ms, now_utc_ms)
        days = self.days * kept + max(0, now_utc_ms - self.at_utc_ms) / DAY_MS
        if self.days * kept < 0.5:
            return 0.0
        place = now_utc_ms % DAY_MS / HOUR_MS
        hour, part = int(place), place % 1
        return kept * (self.counts[hour] * (1 - part) + self.counts[(hour + 1) % 24] * part) / days

    @staticmethod
    def from_state(state: dict[str, Any]) -> Arrivals:
        """What `dataclasses.asdict` made, also after a way through JSON."""
        return Arrivals(state["at_utc_ms"], state["days"], tuple(state["counts"]))


NO_ARRIVALS = Arrivals()
"""Before anybody has come."""


def learn_arrival(known: Arrivals, utc_ms: int) -> Arrivals:
    """With one more car; a clock set back adds no negative time."""
    if not known.at_utc_ms:
        known = Arrivals(utc_ms, 0.0, known.counts)
    kept = _kept(known.at_utc_ms, utc_ms)
    counts = [count * kept for count in known.counts]
    counts[utc_ms % DAY_MS // HOUR_MS] += 1
    passed_days = max(0, utc_ms - known.at_utc_ms) / DAY_MS
    days = round(known.days * kept + passed_days, _DIGITS)
    return Arrivals(max(utc_ms, known.at_utc_ms), days, tuple(round(count, _DIGITS) for count in counts))


def _kept(at_utc_ms: int, now_utc_ms: int) -> float:
    return float(0.5 ** (max(0, now_utc_ms - at_utc_ms) / DAY_MS / HALF_LIFE_DAYS))
