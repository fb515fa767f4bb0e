"""The machine's nominal figures: speeds, times, motors.

Decides how long a move takes on paper; measured times belong to whoever measures them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

MANUAL_SLOWNESS = 4
"""A move by hand runs at a quarter of the speed, with the same acceleration: it stops in a quarter of the time."""


class SlideMode(StrEnum):
    """How many pallets of a module may slide at once."""

    PARALLEL = "parallel"
    ROW = "row"
    SINGLE = "single"


class HookKind(StrEnum):
    """Anti-fall hook (防坠挂钩): opened without contact, or carrying the load until it is raised."""

    CONTACTLESS = "contactless"
    LOAD_RESTING = "load_resting"


@dataclass(frozen=True, slots=True)
class Machine:
    """Nominal kinematics, times and motor powers of every module of the site."""

    lift_speed_mm_s: int = 100
    slide_speed_mm_s: int = 133
    ramp_ms: int = 500
    hook_ms: int = 2000
    hook_kind: HookKind = HookKind.CONTACTLESS
    hook_raise_mm: int = 30
    gate_ms: int = 8000
    slide_mode: SlideMode = SlideMode.PARALLEL
    lift_motor_w: int = 5500
    slide_motor_w: int = 400
    inrush_stagger_ms: int = 300
    driver_out_ms: int = 40_000
    driver_in_ms: int = 60_000

    def at_speed(self, pct: int) -> Machine:
        """A machine of which motors, hooks and gates run at so many percent of this one's speed."""
        return replace(
            self,
            lift_speed_mm_s=max(1, self.lift_speed_mm_s * pct // 100),
            slide_speed_mm_s=max(1, self.slide_speed_mm_s * pct // 100),
            hook_ms=self.hook_ms * 100 // pct,
            gate_ms=self.gate_ms * 100 // pct,
        )

    def lift_ms(self, distance_mm: int) -> int:
        """Nominal time of a vertical travel, ramps included, hooks not."""
        return travel_ms(distance_mm, self.lift_speed_mm_s, self.ramp_ms)

    def slide_ms(self, pitch_mm: int) -> int:
        """Nominal time of one slide by one pitch, ramps included."""
        return travel_ms(pitch_mm, self.slide_speed_mm_s, self.ramp_ms)

    def lowering_ms(self, distance_mm: int) -> int:
        """From the hook's first movement to the ground (or back up, hook closed again)."""
        extra = 2 * travel_ms(self.hook_raise_mm, self.lift_speed_mm_s, self.ramp_ms)
        rest = extra if self.hook_kind is HookKind.LOAD_RESTING else 0
        return self.hook_ms + self.lift_ms(distance_mm) + rest


def travel_ms(distance_mm: int, speed_mm_s: int, ramp_ms: int) -> int:
    """Time of a trapezoidal move: ramp up, constant speed, ramp down; rounded up to 1 ms.

    Each ramp covers half of what full speed would, so a move of at least `speed * ramp` takes
    distance / speed + ramp; a shorter one never reaches full speed (triangle).
    """
    if distance_mm <= 0:
        return 0
    reach_mm = speed_mm_s * ramp_ms / 1000
    if distance_mm >= reach_mm:
        return -(-distance_mm * 1000 // speed_mm_s) + ramp_ms
    return int(2 * ramp_ms * (distance_mm / reach_mm) ** 0.5) + 1
