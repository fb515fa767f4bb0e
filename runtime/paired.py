"""What the benchmarks sum figures up with: percentiles, and differences of paired days with how sure they are.

Decides how the mean of paired differences gets its interval: Student's t, two-sided 95 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, mean, stdev

_T975 = (12.706, 4.303, 3.182, 2.776)
"""Quantiles for 1 to 4 degrees of freedom, where the expansion below is too coarse."""


@dataclass(frozen=True, slots=True)
class Change:
    """Mean difference to a baseline in percent of the baseline, and its 95 % interval; None with one pair only."""

    pct: float
    ci95: tuple[float, float] | None


def change(values: Sequence[float], baseline: Sequence[float]) -> Change:
    """How much the mean of the values differs from that of the paired baseline; raises ValueError without pairs."""
    if not values or len(values) != len(baseline):
        raise ValueError("values and baseline must be pairs")
    base = mean(baseline)
    if base <= 0:
        return Change(0.0, None)
    apart = [100 * (value - other) / base for value, other in zip(values, baseline, strict=True)]
    middle = mean(apart)
    if len(apart) < 2:
        return Change(middle, None)
    half = t975(len(apart) - 1) * stdev(apart) / sqrt(len(apart))
    return Change(middle, (middle - half, middle + half))


def t975(freedom: int) -> float:
    """The 97.5 % quantile of Student's t (Abramowitz and Stegun 26.7.5 from 5 degrees of freedom on)."""
    if freedom <= len(_T975):
        return _T975[freedom - 1]
    z, n = NormalDist().inv_cdf(0.975), freedom
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / n + second / n**2 + third / n**3


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest value that at least so many percent do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * share // 100) - 1)]
