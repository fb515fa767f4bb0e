"""How far plans have been from what happened, and the interval that is told because of it.

Decides the 80 % interval of an estimate by split conformal prediction (Vovk et al. 2005): the interval
between the 10 % and 90 % quantiles, corrected for their number, of how much longer than planned past
drivers have waited. Drivers with nobody, one or two, or more ahead are kept apart. It holds
whatever the distribution, as long as tomorrow is like the days remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt

KEPT = 200
"""Drivers remembered for each class."""

ENOUGH = 19
"""Before so many the interval is the nominal one: with fewer a 90 % quantile says nothing."""

COVERED = 0.8

LATE_MS_MAX = 3_600_000
"""An hour more or less than planned teaches no more than that."""

FIXED_MS = 2000
"""Half-width at the least: scans, contactors, the mailbox."""

_DWELL_SD_MS = 12_500
_P90 = 1.2816


@dataclass(frozen=True, slots=True)
class Calibration:
    """How much longer than planned drivers waited, in ms, oldest first: nobody ahead, one or two, three or more."""

    late_ms: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] = ((), (), ())

    def learnt(self, ahead: int, planned_ms: int, actual_ms: int) -> Calibration:
        """With one more driver whose gate has opened."""
        late_ms = min(LATE_MS_MAX, max(-LATE_MS_MAX, actual_ms - planned_ms))
        at = _class(ahead)
        known = list(self.late_ms)
        known[at] = (*known[at], late_ms)[-KEPT:]
        return Calibration((known[0], known[1], known[2]))

    def interval_ms(self, ahead: int, planned_ms: int) -> tuple[int, int]:
        """From and to, in ms: the real wait lies between them for four of five drivers."""
        known = self.late_ms[_class(ahead)]
        if len(known) < ENOUGH:
            spread_ms = FIXED_MS + round(_P90 * _DWELL_SD_MS * sqrt(ahead))
            return max(0, planned_ms - spread_ms), planned_ms + spread_ms
        low, high = _quantiles(known)
        return max(0, planned_ms + min(0, low)), planned_ms + max(0, high)

    @staticmethod
    def from_state(late_ms: Sequence[Sequence[int]]) -> Calibration:
        """What `late_ms` was, also after a way through JSON."""
        first, second, third = (tuple(one) for one in late_ms)
        return Calibration((first, second, third))


def _class(ahead: int) -> int:
    return 0 if ahead == 0 else 1 if ahead <= 2 else 2


def _quantiles(known: Sequence[int]) -> tuple[int, int]:
    """The order statistics that leave out a tenth on either side, one observation still to come."""
    ranked = sorted(known)
    tail = (1 - COVERED) / 2
    low = max(1, floor(tail * (len(ranked) + 1)))
    high = min(len(ranked), ceil((1 - tail) * (len(ranked) + 1)))
    return ranked[low - 1], ranked[high - 1]
