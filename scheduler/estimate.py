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
from scheduler.moves import present

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


def gate_ready_ms(layout: ModuleLayout, machine: Machine, columns: Columns, work: Work) -> int:
    """From start of the job to the gate fully open."""
    return _down_ms(layout, machine, columns, work.bay) + machine.gate_ms


def job_ms(layout: ModuleLayout, machine: Machine, columns: Columns, work: Work) -> int:
    """From start of the job until the module is free for the next."""
    dwell = machine.driver_in_ms if work.kind == "storage" else machine.driver_out_ms
    up = _lift_ms(layout, machine, work.bay)
    return gate_ready_ms(layout, machine, columns, work) + dwell + machine.gate_ms + up


def queue_estimate(
    layout: ModuleLayout,
    machine: Machine,
    columns: Columns,
    ahead: Sequence[Work],
    own: Work,
    running_ms: int = 0,
) -> Estimate:
    """Wait of `own` behind `ahead` (first to last) and the rest of the running job.

    Every job is taken to need its slides from the present columns, which is what a parallel
    machine pays at most; each dwell ahead adds its variance.
    """
    wait_ms = running_ms + sum(job_ms(layout, machine, columns, work) for work in ahead)
    wait_ms += gate_ready_ms(layout, machine, columns, own)
    dwells = [machine.driver_in_ms if w.kind == "storage" else machine.driver_out_ms for w in ahead]
    if running_ms:
        dwells.append(max(machine.driver_in_ms, machine.driver_out_ms))
    sd_ms = sqrt(sum((DWELL_SPREAD * dwell) ** 2 for dwell in dwells))
    return Estimate(wait_ms, round(P90 * sd_ms) + machine.ramp_ms)


def _down_ms(layout: ModuleLayout, machine: Machine, columns: Columns, bay: BayRef) -> int:
    way = present(layout, machine, columns, bay)
    slides = way.slide_ms if way is not None else machine.slide_ms(layout.pitch_mm)
    return slides + _lift_ms(layout, machine, bay)


def _lift_ms(layout: ModuleLayout, machine: Machine, bay: BayRef) -> int:
    return machine.lowering_ms(layout.level_z_mm[bay.level - 1]) if bay.level > 1 else 0
