"""What of the machine wears, by what it is counted, when people have to see to it, and what a drift is.

Decides the parts that are counted, the shape of a service interval, and when a measured figure has drifted.
The intervals themselves are the site's (`config.yaml`): those here are assumptions, to be replaced by the
maker's manual and what the authority asks for. What has been counted is `controller.maintenance_book`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from statistics import median_low

from domain.alarms import Bilingual
from domain.grid import ModuleLayout
from domain.ids import BayRef, ModuleId

DAY_MS = 86_400_000

USUAL_OF = 20
"""So many measurements of a part in order make the figure that is usual for it."""

RECENT_OF = 9
"""Drift is that of the last so many: their median is not moved by four that went wrong."""

DRIFT_MS_MIN = 300
"""Less than three scans is no drift, whatever the percentage: a hook takes only two seconds."""

REPAIR = "repair"
"""The service that every part may have at any time, and that comes due never."""

SOON_PCT = 90
"""From this share of its interval on a service is due soon."""


class Wearing(StrEnum):
    """Kinds of parts that are counted."""

    PALLET = "pallet"
    """An upper pallet with its ropes and its hook."""
    ROW = "row"
    """The rails, rollers and slide motors of one level."""
    GATE = "gate"
    MODULE = "module"
    """A module with its hoist, as one machine."""


class Counted(StrEnum):
    """What wears a part."""

    LIFTS = "lifts"
    SLIDES = "slides"
    CYCLES = "cycles"
    """Openings of a gate."""
    RUN_HOURS = "run_hours"
    """Hours in which any motor of the module drew power."""


COUNTS: dict[Wearing, tuple[Counted, ...]] = {
    Wearing.PALLET: (Counted.LIFTS, Counted.SLIDES),
    Wearing.ROW: (Counted.SLIDES,),
    Wearing.GATE: (Counted.CYCLES,),
    Wearing.MODULE: (Counted.LIFTS, Counted.SLIDES, Counted.RUN_HOURS),
}
"""What is counted of which kind of part."""


@dataclass(frozen=True, slots=True)
class Service:
    """Work that comes round: every so many counts, every so many days, or whichever is first; 0 is never.

    `last_utc_ms` is when it was done last before the journal began, if anybody has said so.
    """

    id: str
    part: Wearing
    title: Bilingual
    counted: Counted = Counted.LIFTS
    every: int = 0
    every_days: int = 0
    last_utc_ms: int | None = None


DEFAULT_SERVICES = (
    Service("ropes", Wearing.PALLET, Bilingual("Ropes and chains", "钢丝绳和链条"), Counted.LIFTS, 5000, 180),
    Service("hook", Wearing.PALLET, Bilingual("Anti-fall hook", "防坠挂钩"), Counted.LIFTS, 5000, 180),
    Service("rails", Wearing.ROW, Bilingual("Rails and rollers", "导轨和滚轮"), Counted.SLIDES, 20_000, 180),
    Service("gate", Wearing.GATE, Bilingual("Gate", "库门"), Counted.CYCLES, 20_000, 180),
    Service(
        "hoist", Wearing.MODULE, Bilingual("Brakes, motors, switches", "制动器、电机和开关"), Counted.LIFTS, 0, 180
    ),
    # Two years lie between the inspections in a report of an accident of 2013; the authority says what counts.
    Service("inspection", Wearing.MODULE, Bilingual("Statutory inspection", "定期检验"), Counted.LIFTS, 0, 730),
)


@dataclass(frozen=True, slots=True)
class MaintenancePlan:
    """All services of the site, and how far a part may drift from what is usual for it."""

    services: tuple[Service, ...] = DEFAULT_SERVICES
    slower_pct: int = 15
    power_pct: int = 25

    def service(self, name: str) -> Service | None:
        """A service by its id."""
        return next((service for service in self.services if service.id == name), None)


@dataclass(frozen=True, slots=True)
class Trend:
    """What a part takes of one thing: usual at first, and lately. ms if its name ends so, else W.

    `values` are the measurements towards the usual figure until there is one, the last ones from then on.
    """

    values: tuple[int, ...] = ()
    usual: int | None = None

    def learnt(self, value: int) -> Trend:
        """With one more measurement."""
        if self.usual is None:
            values = (*self.values, value)
            return Trend((), median_low(values)) if len(values) >= USUAL_OF else Trend(values)
        return Trend((*self.values, value)[-RECENT_OF:], self.usual)

    @property
    def recent(self) -> int | None:
        """The median of the last measurements; None while there are too few."""
        return median_low(self.values) if self.usual is not None and len(self.values) >= RECENT_OF else None

    @property
    def drift_pct(self) -> int | None:
        """How much more (or, negative, less) it takes lately than usual, in whole percent."""
        recent = self.recent
        return None if recent is None or not self.usual else round(100 * (recent - self.usual) / self.usual)

    def has_drifted(self, what: str, plan: MaintenancePlan) -> bool:
        """Whether it takes so much more than usual that somebody should look."""
        recent, drift = self.recent, self.drift_pct
        if recent is None or drift is None or self.usual is None:
            return False
        if is_time(what):
            return drift >= plan.slower_pct and recent - self.usual >= DRIFT_MS_MIN
        return drift >= plan.power_pct


def is_time(what: str) -> bool:
    """Whether a trend of this name is of times in ms, and not of power in W."""
    return what.endswith("_ms")


def row_of(module: ModuleId, level: int) -> str:
    """The name of a row, as in `domain.parts`."""
    return f"{module}-{level}"


def gate_of(module: ModuleId) -> str:
    """The name of a module's gate."""
    return f"{module}-gate"


def parts_of(layout: ModuleLayout, kind: Wearing) -> tuple[str, ...]:
    """The names of all parts of one kind in a module; only pallets that are lifted have ropes and hooks."""
    match kind:
        case Wearing.PALLET:
            return tuple(ref.name for ref in layout.bays if ref.level > 1)
        case Wearing.ROW:
            # A level without a gap never slides.
            return tuple(row_of(layout.id, level.number) for level in layout.levels if level.gaps)
        case Wearing.GATE:
            return (gate_of(layout.id),)
        case Wearing.MODULE:
            return (layout.id,)


def parts_named(layouts: Iterable[ModuleLayout], kinds: Iterable[Wearing], name: str) -> tuple[str, ...]:
    """The part of this name and all parts that it holds, as a module or a row does, if of one of these kinds."""
    found = (part for layout in layouts for kind in kinds for part in parts_of(layout, kind))
    return tuple(part for part in found if part == name or part.startswith(f"{name}-"))


def metres(layout: ModuleLayout, part: str, lifts: int, slides: int) -> int:
    """How far a pallet has gone, up, down and along, in whole metres; whole moves are counted."""
    ref = next((ref for ref in layout.bays if ref.name == part), None)
    if ref is None:
        return 0
    return (lifts * layout.level_z_mm[ref.level - 1] + slides * layout.pitch_mm) // 1000


def pallet_of(module: ModuleId, level: int, index: int) -> str:
    """The name of a pallet."""
    return BayRef(module, level, index).name
