"""How far plans have been from what happened, and what drivers are told because of it.

Decides the minutes that a driver is told and the 80 % interval around them, by split conformal prediction
(Vovk et al. 2005): the median, the 10 % and the 90 % quantile, corrected for their number, of how much longer
than planned past drivers have waited. It holds whatever the distribution, as long as tomorrow is like the
days remembered. What is uncertain about a wait is the people before, and those who ask later and are served
sooner. So drivers are kept apart by how many others have yet to finish at the gate before theirs opens, and by whether
their bay is on the ground, where hardly anybody is overtaken; and lateness is counted per root of that number,
as independent dwells add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt

KEPT = 200
"""Drivers remembered for each class."""

ENOUGH = 19
"""Before so many a class tells nothing: with fewer a 90 % quantile is only the greatest."""

COVERED = 0.8

CLASSES = ("nobody before", "ground level, behind others", "above, behind one", "above, behind more")
"""Who has yet to finish at the gate before, and where the bay is. With nobody only the machine is uncertain."""

LATE_MS_MAX = 3_600_000
"""An hour more or less than planned teaches no more than that."""

FIXED_MS = 2000
"""Half-width of the nominal interval where nobody is ahead: scans, contactors, the mailbox."""

_DWELL_SD_MS = 12_500
_P90 = 1.2816

Scores = tuple[int, ...]
"""How much longer than planned drivers waited, in ms per root of the dwells before them, oldest first."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Time until the gate opens in ms: half of the drivers wait less than `wait_ms`, four of five from low to high."""

    wait_ms: int
    low_ms: int
    high_ms: int

    @property
    def spread_ms(self) -> int:
        """How much longer than told it may take: what pages add to the minutes."""
        return self.high_ms - self.wait_ms


@dataclass(frozen=True, slots=True)
class Calibration:
    """What has been learnt, by class."""

    scores: tuple[Scores, ...] = ((),) * len(CLASSES)

    def learnt(self, dwells: int, level: int, planned_ms: int, actual_ms: int) -> Calibration:
        """With one more driver whose gate has opened; so many dwells before it and this level when it was told."""
        late_ms = min(LATE_MS_MAX, max(-LATE_MS_MAX, actual_ms - planned_ms))
        at = class_of(dwells, level)
        known = list(self.scores)
        known[at] = (*known[at], round(late_ms / _scale(dwells)))[-KEPT:]
        return Calibration(tuple(known))

    def estimate(self, dwells: int, level: int, planned_ms: int) -> Estimate:
        """What to tell a driver whose gate is planned to open then.

        A class that has too few takes what all with somebody at the gate before them have shown; before
        there is enough of that either, the plan is told as it is with the spread of nominal dwells.
        """
        known = self.scores[class_of(dwells, level)]
        if len(known) < ENOUGH and dwells:
            known = tuple(score for scores in self.scores[1:] for score in scores)
        if len(known) < ENOUGH:
            spread_ms = FIXED_MS + round(_P90 * _DWELL_SD_MS * sqrt(dwells))
            return Estimate(planned_ms, max(0, planned_ms - spread_ms), planned_ms + spread_ms)
        low, middle, high = (max(0, planned_ms + round(score * _scale(dwells))) for score in _quantiles(known))
        return Estimate(middle, low, high)

    @staticmethod
    def from_state(scores: Sequence[Sequence[int]]) -> Calibration:
        """What `scores` was, also after a way through JSON; other classes than these teach nothing."""
        return Calibration(tuple(tuple(one) for one in scores)) if len(scores) == len(CLASSES) else Calibration()


def class_of(dwells: int, level: int) -> int:
    """Place in `CLASSES`."""
    if dwells == 0:
        return 0
    return 1 if level == 1 else min(dwells + 1, 3)


def _scale(dwells: int) -> float:
    return sqrt(max(1, dwells))


def _quantiles(known: Sequence[int]) -> tuple[int, int, int]:
    """The order statistics that leave out a tenth on either side, one observation still to come, and the median."""
    ranked = sorted(known)
    count = len(ranked)
    tail = (1 - COVERED) / 2
    low = max(1, floor(tail * (count + 1)))
    high = min(count, ceil((1 - tail) * (count + 1)))
    return ranked[low - 1], ranked[(count - 1) // 2], ranked[high - 1]
