"""Which scheduling problem a module poses, and the times it is made of.

Decides, from slide mode, overlap, layout and power, whether a set-up costs the same whatever came
before (M0), depends on the level that came before (M1) or on where the gaps stand (M2), and how long
every part of a job takes with ramps, hooks, gates and dwell. Which job comes when is not its matter.

What the machine allows (rule R3, kept by the PLC): while a pallet of level k is off its hook, nothing
slides on the levels 1 to k; while the gate is not shut, nothing slides at all. So beside the raising
of a pallet only rows *above* its level may slide. The rows below, which the next pallet's shaft crosses
too, slide after it is home and hooked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from domain.grid import ModuleLayout
from domain.machine import HookKind, Machine, SlideMode
from scheduler.instance import Instance, Overlap
from scheduler.moves import Slide


class RegimeName(StrEnum):
    """Nothing overlaps (M0); rows above may slide while raising (M1); rows or pallets in turn (M2)."""

    M0 = "M0"
    M1 = "M1"
    M2 = "M2"


@dataclass(frozen=True, slots=True)
class Setup:
    """The slides before a lowering: what must wait for the pallet before to be home, and what need not."""

    low_ms: int = 0
    high_ms: int = 0


NO_SETUP = Setup()


@dataclass(frozen=True)
class Regime:
    """Times of one module. Lists by level start with level 1 at index 1; index 0 is `nothing`."""

    name: RegimeName
    plain: bool
    """Whether the layout is `is_plain`."""
    uniform: bool
    """Whether a slide window takes the same time whichever pallets of the two levels are meant."""
    overlap: bool
    """Whether rows above a pallet slide while it is raised."""
    serial: bool
    """Whether rows slide one after another."""
    train_max: int
    """How many pallets of a row slide at once."""
    rows_max: int
    """How many rows slide at once."""
    slide_ms: int
    stagger_ms: int
    gate_ms: int
    lower_ms: tuple[int, ...]
    raise_ms: tuple[int, ...]

    @cached_property
    def least_window_ms(self) -> tuple[int, ...]:
        """Shortest slides, by level, before an upper pallet whose shaft is not free, in parallel mode."""
        levels = range(len(self.raise_ms))
        downs = (0, *levels[2:])
        return tuple(
            min(self.setup((Slide(1, 1, 2),), down, level).low_ms for down in downs) if level > 1 else 0
            for level in levels
        )

    def window_ms(self, rows: int) -> int:
        """Time for so many whole rows to slide, each group of motors after the one before."""
        full, rest = divmod(rows, self.rows_max)
        window = full * (self.slide_ms + self.stagger_ms * (self.rows_max - 1))
        return window + (self.slide_ms + self.stagger_ms * (rest - 1) if rest else 0)

    def row_start_ms(self, at: int) -> int:
        """When the row at this place of a window starts, counted from the window's start."""
        batch, place = divmod(at, self.rows_max)
        return batch * (self.slide_ms + self.stagger_ms * (self.rows_max - 1)) + place * self.stagger_ms

    def trains_ms(self, slide: Slide) -> int:
        """Time for one row to slide where rows take turns: train after train."""
        return max(self.slide_ms, self.stagger_ms) * -(-slide.pallets // self.train_max)

    def setup(self, slides: Sequence[Slide], down_level: int, level: int) -> Setup:
        """The set-up before a pallet of `level` comes down, after one of `down_level` (0: none is down)."""
        if not slides:
            return NO_SETUP
        beside = self.overlap and down_level > 0
        if self.serial:
            high = sum(self.trains_ms(s) for s in slides if beside and s.level > down_level)
            return Setup(sum(self.trains_ms(s) for s in slides) - high, high)
        low = min(down_level, level - 1) if beside else level - 1
        if not self.uniform:
            rows = len({s.level for s in slides})
            low = sum(1 for s in slides if s.level <= down_level) if beside else rows
            if low == 0:
                return Setup(self.window_ms(rows))
            return Setup(self.window_ms(low), self.stagger_ms * (rows - low))
        return Setup(self.window_ms(low), self.stagger_ms * (level - 1 - low))

    def lowered_from_ms(self, shut_ms: int, raise_ms: int, release_ms: int, setup: Setup) -> int:
        """When the lowering begins: the gate was shut at `shut_ms`, the job is there from `release_ms`.

        With overlap the rows above start as soon as the gate is shut and the job known, one motor
        start after another; the rows below follow when the pallet is home. Never decreases as
        `shut_ms` grows, which the dominance of plans rests upon.
        """
        home_ms = shut_ms + raise_ms
        start_ms = max(home_ms, release_ms)
        if not setup.high_ms:
            return start_ms + setup.low_ms
        if self.serial:
            return max(start_ms, max(shut_ms + self.stagger_ms, release_ms) + setup.high_ms) + setup.low_ms
        late_ms = release_ms + setup.high_ms + self.stagger_ms - home_ms
        return start_ms + min(max(late_ms, 0), setup.high_ms) + setup.low_ms


def derive(instance: Instance) -> Regime:
    """The regime of an instance."""
    layout, machine = instance.layout, instance.machine
    levels = range(1, len(layout.levels) + 1)
    lower_ms = (0, *(lowering_ms(machine, layout.level_z_mm[level - 1]) for level in levels))
    raise_ms = (0, *(raising_ms(machine, layout.level_z_mm[level - 1]) for level in levels))
    rows_max, train_max = _power_allows(instance, 0)
    mode = machine.slide_mode
    if mode is SlideMode.SINGLE:
        train_max = 1
    serial = mode is not SlideMode.PARALLEL or rows_max == 0
    beside_rows, beside_train = _power_allows(instance, machine.lift_motor_w)
    room = beside_train >= train_max if serial else beside_rows >= len(layout.levels) - 1
    stagger_room = machine.inrush_stagger_ms * (len(layout.levels) + 1)
    overlap = instance.overlap is Overlap.SLIDES and room and all(ms > stagger_room for ms in raise_ms[2:])
    parallel = RegimeName.M1 if overlap else RegimeName.M0
    return Regime(
        name=RegimeName.M2 if serial else parallel,
        plain=is_plain(layout),
        uniform=is_plain(layout) and not serial,
        overlap=overlap,
        serial=serial,
        train_max=train_max,
        rows_max=1 if serial else rows_max,
        slide_ms=machine.slide_ms(layout.pitch_mm),
        stagger_ms=machine.inrush_stagger_ms,
        gate_ms=machine.gate_ms,
        lower_ms=(0, 0, *lower_ms[2:]),
        raise_ms=(0, 0, *raise_ms[2:]),
    )


def is_plain(layout: ModuleLayout) -> bool:
    """One gap on every level but the top, none there, no blocked cell, nothing out of service.

    Then docking a pallet shows exactly one upper pallet, so every other needs one slide window.
    """
    gaps = tuple(level.gaps for level in layout.levels)
    blocked = any(level.blocked for level in layout.levels)
    return gaps == (1,) * (len(gaps) - 1) + (0,) and not blocked and layout.is_whole


def lowering_ms(machine: Machine, distance_mm: int) -> int:
    """From the hook's first movement to the ground, step by step as the PLC does it."""
    if machine.hook_kind is HookKind.CONTACTLESS:
        return machine.hook_ms + machine.lift_ms(distance_mm)
    lifted_mm = distance_mm + machine.hook_raise_mm
    return machine.lift_ms(machine.hook_raise_mm) + machine.hook_ms + machine.lift_ms(lifted_mm)


def raising_ms(machine: Machine, distance_mm: int) -> int:
    """From the ground to home and hooked; the same steps the other way round."""
    return lowering_ms(machine, distance_mm)


def _power_allows(instance: Instance, taken_w: int) -> tuple[int, int]:
    """How many whole rows, and how many pallets, may slide at once beside what is taken."""
    most = max(instance.layout.pallets_per_level)
    levels = len(instance.layout.levels)
    if instance.power_limit_w is None or instance.machine.slide_motor_w == 0:
        return levels, most
    pallets = max(0, instance.power_limit_w - taken_w) // instance.machine.slide_motor_w
    return min(levels, pallets // most), min(most, pallets)
