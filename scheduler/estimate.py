"""How long a driver still waits: nominal machine times plus people's dwell, with a spread.

Decides nothing; it adds up what the queue before a job costs. Times are nominal here; whoever has
measured ones passes another `Machine`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from domain.grid import Columns, ModuleLayout
from domain.ids import BayRef
from domain.machine import Machine
from scheduler.reach import approach

DWELL_SPREAD = 0.25
"""Standard deviation of a driver's dwell as a share of its mean (assumed until measured)."""

P90 = 1.2816
"""One-sided 90 % point of the normal distribution: +- this many sd covers 80 %."""


@dataclass(frozen=True, slots=True)
class Work:
    """One job ahead or one's own: where it goes and whether a car comes or leaves."""

    bay: BayRef
    kind: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """Time until the gate opens: middle and half-width of the 80 % interval, in ms."""

    wait_ms: int
    spread_ms: int


def gate_ready_ms(layout: ModuleLayout, machine: Machine, columns: Columns, work: Work, phase: str = "queued") -> int:
    """From now to the gate fully open, for a job in this phase (a state of the job machine)."""
    lift_ms = _lift_ms(layout, machine, work.bay)
    slides_ms = _slides_ms(layout, machine, columns, work.bay)
    match phase:
        case "queued":
            return slides_ms + lift_ms + machine.gate_ms
        case "preparing":
            return slides_ms // 2 + lift_ms + machine.gate_ms
        case "delivering":
            return lift_ms // 2 + machine.gate_ms
        case _:
            return machine.gate_ms // 2


def job_ms(layout: ModuleLayout, machine: Machine, columns: Columns, work: Work, phase: str = "queued") -> int:
    """From now until the module is free for the next job.

    A phase under way is taken to be half over: that is its mean rest when one looks at random.
    """
    lift_ms = _lift_ms(layout, machine, work.bay)
    if phase == "returning":
        return lift_ms // 2
    dwell_ms = machine.driver_in_ms if work.kind == "storage" else machine.driver_out_ms
    if phase == "at_gate":
        return dwell_ms // 2 + machine.gate_ms + lift_ms
    return gate_ready_ms(layout, machine, columns, work, phase) + dwell_ms + machine.gate_ms + lift_ms


def queue_estimate(
    layout: ModuleLayout,
    machine: Machine,
    columns: Columns,
    ahead: Sequence[Work],
    own: Work,
    phase: str = "queued",
    running: tuple[Work, str] | None = None,
) -> Estimate:
    """Wait of `own` (in its phase) behind the running job, if any, and `ahead`, first to last.

    Every job is taken to need its slides from the present columns, which is what a parallel
    machine pays at most; each dwell ahead adds its variance.
    """
    wait_ms = sum(job_ms(layout, machine, columns, work) for work in ahead)
    wait_ms += gate_ready_ms(layout, machine, columns, own, phase)
    before = list(ahead)
    if running is not None:
        wait_ms += job_ms(layout, machine, columns, *running)
        before.append(running[0])
    dwells = [machine.driver_in_ms if w.kind == "storage" else machine.driver_out_ms for w in before]
    sd_ms = sqrt(sum((DWELL_SPREAD * dwell) ** 2 for dwell in dwells))
    return Estimate(wait_ms, round(P90 * sd_ms) + machine.ramp_ms)


def _slides_ms(layout: ModuleLayout, machine: Machine, columns: Columns, bay: BayRef) -> int:
    way = approach(layout, machine, columns, bay)
    return way.slide_ms if way is not None else machine.slide_ms(layout.pitch_mm)


def _lift_ms(layout: ModuleLayout, machine: Machine, bay: BayRef) -> int:
    return machine.lowering_ms(layout.level_z_mm[bay.level - 1]) if bay.level > 1 else 0
