"""How a driven thing travels: closed-form position at any millisecond, with ramps.

Decides positions, not permissions: what may move, and when, is the business of others. A trajectory
is a chain of knots (time, position, speed); between two knots the acceleration is constant.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from domain.machine import travel_ms

ROUND_OFF_MM = 1e-6
"""Distances below this are rounding, not travel."""


class Knot(NamedTuple):
    """A moment at which the acceleration changes: plant time, position, signed speed."""

    t_ms: int
    at_mm: float
    speed_mm_ms: float


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One travel from the first knot to the last; before and after it the thing stands still."""

    knots: tuple[Knot, ...]

    @property
    def start_ms(self) -> int:
        """When it begins."""
        return self.knots[0].t_ms

    @property
    def end_ms(self) -> int:
        """When the thing stands again."""
        return self.knots[-1].t_ms

    @property
    def end_mm(self) -> float:
        """Where the thing will stand."""
        return self.knots[-1].at_mm

    def position_mm(self, t_ms: int) -> float:
        """Position at a time."""
        knots = self.knots
        if t_ms >= knots[-1].t_ms:
            return knots[-1].at_mm
        if t_ms <= knots[0].t_ms:
            return knots[0].at_mm
        before, after = self._around(t_ms)
        passed = t_ms - before.t_ms
        gain = (after.speed_mm_ms - before.speed_mm_ms) / (after.t_ms - before.t_ms)
        return before.at_mm + (before.speed_mm_ms + gain * passed / 2) * passed

    def speed_mm_ms(self, t_ms: int) -> float:
        """Signed speed at a time."""
        if t_ms >= self.end_ms or t_ms < self.start_ms:
            return 0.0
        before, after = self._around(t_ms)
        gain = (after.speed_mm_ms - before.speed_mm_ms) / (after.t_ms - before.t_ms)
        return before.speed_mm_ms + gain * (t_ms - before.t_ms)

    def _around(self, t_ms: int) -> tuple[Knot, Knot]:
        index = bisect_right(self.knots, t_ms, key=lambda knot: knot.t_ms)
        return self.knots[index - 1], self.knots[index]


def travel(from_mm: float, to_mm: float, speed_mm_s: int, ramp_ms: int, start_ms: int) -> Trajectory:
    """A whole travel that takes exactly the nominal `travel_ms`.

    The nominal time is rounded up to a millisecond, so the speed is lowered by the little that the
    rounding gives away; the thing then stands exactly on its target at the exact end.
    """
    way = to_mm - from_mm
    total = travel_ms(ceil(abs(way) - ROUND_OFF_MM), speed_mm_s, ramp_ms)
    if total <= 0:
        return Trajectory((Knot(start_ms, to_mm, 0.0),))
    end = Knot(start_ms + total, to_mm, 0.0)
    if ramp_ms == 0:
        return Trajectory((Knot(start_ms, from_mm, way / total), Knot(end.t_ms, to_mm, way / total)))
    if total <= 2 * ramp_ms:
        peak = 2 * way / total
        half = max(1, total // 2)
        if half == total:
            return Trajectory((Knot(start_ms, from_mm, way / total), end))
        return Trajectory((Knot(start_ms, from_mm, 0.0), Knot(start_ms + half, from_mm + peak * half / 2, peak), end))
    cruise = way / (total - ramp_ms)
    ramp_mm = cruise * ramp_ms / 2
    return Trajectory(
        (
            Knot(start_ms, from_mm, 0.0),
            Knot(start_ms + ramp_ms, from_mm + ramp_mm, cruise),
            Knot(end.t_ms - ramp_ms, to_mm - ramp_mm, cruise),
            end,
        )
    )


def brake(running: Trajectory, speed_mm_s: int, ramp_ms: int, now_ms: int) -> Trajectory:
    """The rest of a travel when the drive is told to stop now.

    A thing that is slowing down already comes to rest where it would have anyway (the same
    trajectory is returned); otherwise it loses its speed at the rate of the drive's own ramp.
    """
    if now_ms >= running.end_ms:
        return running
    at = running.position_mm(now_ms)
    speed = running.speed_mm_ms(now_ms)
    if ramp_ms == 0 or speed == 0.0:
        return Trajectory((Knot(now_ms, at, 0.0),))
    if now_ms >= running.knots[-2].t_ms:
        return running
    took = max(1, ceil(abs(speed) * 1000 / speed_mm_s * ramp_ms - ROUND_OFF_MM))
    return Trajectory((Knot(now_ms, at, speed), Knot(now_ms + took, at + speed * took / 2, 0.0)))


def in_step(one: Trajectory, other: Trajectory) -> bool:
    """Whether two things keep their distance all the way, as the pallets of one train do."""
    return len(one.knots) == len(other.knots) and all(
        a.t_ms == b.t_ms and abs(a.speed_mm_ms - b.speed_mm_ms) < ROUND_OFF_MM
        for a, b in zip(one.knots, other.knots, strict=True)
    )
