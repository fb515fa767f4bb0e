"""What the online benchmark compares: families of days, and policies.

Decides which demand a family has, how the machine is, and what each policy leaves out; data, not code. How a
cell is run and counted is `runtime.bench_online`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.grid import ModuleLayout
from domain.machine import SlideMode
from domain.parts import Part, find_part, without
from domain.refusals import Refusal
from domain.site import Site
from runtime.foreseeing import Foreseeing, boundless
from scheduler.placement import lowest_fitting
from scheduler.policy import VENDOR, Policy
from scheduler.sequence import Chosen, Queue, Sequencer
from scheduler.stance import Outlook, Stance, Stancer
from sim.booked import BookingHabits
from sim.demand import HOUR_MS


class Draw(StrEnum):
    """Where a family's requests come from."""

    WEEKDAY = "weekday"
    """The days that follow the warm-up, whole, returns and visitors included."""
    NORMAL = "normal"
    """Departures only, normally distributed about half past seven."""
    EVEN = "even"
    """Departures only, evenly spread from half past seven."""
    ALL = "all"
    """The garage is filled, and everybody wants to leave within a minute."""


NOBODY_BOOKS = BookingHabits()


@dataclass(frozen=True, slots=True)
class Family:
    """Days of one kind. `per_module` and `spread_ms` are of the drawn requests (standard deviation, or length).

    `hours` are the local hours that are counted. `runs_of` names the family whose runs are counted again.
    """

    name: str
    what: str
    draw: Draw = Draw.WEEKDAY
    per_module: int = 0
    spread_ms: int = 0
    bookings: BookingHabits = NOBODY_BOOKS
    hours: tuple[float, float] = (0.0, 24.0)
    runs_of: str = ""
    slide_mode: SlideMode | None = None
    parts_out: tuple[str, ...] = ()
    policies: tuple[str, ...] = ("vendor", "fcfs+placement", "ours")

    @property
    def has_clairvoyant(self) -> bool:
        """Where drivers book, or some cars cannot be fetched, the optimum of the requests says little."""
        return not self.bookings.share and not self.parts_out

    def site(self, site: Site) -> Site:
        """The garage as it is in this family; nobody charges, since charging moves no car."""
        machine = replace(site.machine, slide_mode=self.slide_mode) if self.slide_mode is not None else site.machine
        modules = tuple(_without(layout, self.parts_out, site) for layout in site.modules)
        return replace(site, machine=machine, modules=modules, spots=())


def _without(layout: ModuleLayout, names: tuple[str, ...], site: Site) -> ModuleLayout:
    parts: list[Part] = []
    for name in names:
        part = find_part(name, site.modules)
        if isinstance(part, Refusal):
            raise ValueError(f"no such part: {name}")
        parts.append(part)
    return without(layout, parts)


WITHOUT = ("ours without gaps", "ours without dual", "ours without placement")
ALL_POLICIES = ("vendor", "fcfs+placement", "ours", *WITHOUT)
FORESIGHT = ("ours without age bound", "foreseeing")
"""Only where they are named, and only for `stress`: what the age bound and not knowing the future cost."""


HALF_HOUR_MS = HOUR_MS // 2
STRESS = 20
"""Departures a module."""
UNPUNCTUAL = BookingHabits(0.6, late_mean_min=0.0, late_sd_min=2.5, earliest_min=-5.0, no_show_share=0.05)

FAMILIES: tuple[Family, ...] = (
    Family("weekday", "weekdays as they come; nobody books", policies=ALL_POLICIES),
    Family("evening", "16 to 22 h of these days", hours=(16, 22), runs_of="weekday", policies=ALL_POLICIES),
    Family("booked-30", "weekdays; 30 % of the drivers book", bookings=BookingHabits(0.3)),
    Family("booked-60", "weekdays; 60 % book", bookings=BookingHabits(0.6), policies=ALL_POLICIES),
    Family("booked-100", "weekdays; everybody books", bookings=BookingHabits(1.0)),
    Family("unpunctual", "weekdays; 60 % book, come within 5 min (95 %), 5 % no-shows", bookings=UNPUNCTUAL),
    Family("peak-1h", "25 departures a module about 7:30, sd 1 h", Draw.NORMAL, 25, HOUR_MS),
    Family("peak-20min", "25 departures a module about 7:30, sd 20 min", Draw.NORMAL, 25, HOUR_MS // 3),
    Family("stress", "20 departures a module in 30 min", Draw.EVEN, STRESS, HALF_HOUR_MS, policies=ALL_POLICIES),
    Family("everyone", "all 140 want out within a minute", Draw.ALL),
    Family("row-mode", "weekdays; rows slide one after another", slide_mode=SlideMode.ROW),
    Family("row-mode-stress", "stress; rows one after another", Draw.EVEN, 20, HALF_HOUR_MS, slide_mode=SlideMode.ROW),
    Family("single-mode-stress", "stress; pallet by pallet", Draw.EVEN, 20, HALF_HOUR_MS, slide_mode=SlideMode.SINGLE),
    Family("row-stuck", "weekdays; nothing slides on level 2 of module A", parts_out=("A-2",)),
    Family("hoist-out", "weekdays; nothing is lowered in module A", parts_out=("A",)),
)


def family_named(name: str) -> Family:
    """The family of this name; raises ValueError and says which there are."""
    for family in FAMILIES:
        if family.name == name:
            return family
    raise ValueError(f"no such family: {name!r} (known are {'; '.join(one.name for one in FAMILIES)})")


def limited(family: Family, policies: Sequence[str]) -> Family:
    """The family with these policies only, and the vendor it is measured against; all, if none is named."""
    known = (*ALL_POLICIES, *FORESIGHT)
    for name in policies:
        if name not in known:
            raise ValueError(f"no such policy: {name!r} (known are {'; '.join(known)})")
    there = family.policies + (FORESIGHT if family.name == "stress" else ())
    kept = tuple(name for name in there if name == "vendor" or name in policies)
    return replace(family, policies=kept) if policies else family


def policy_named(name: str) -> Policy:
    """A policy afresh, by its name in ALL_POLICIES or FORESIGHT."""
    ours = Policy()
    policies: Mapping[str, Policy] = {
        "vendor": VENDOR,
        "fcfs+placement": replace(VENDOR, placement=ours.placement),
        "ours": ours,
        "ours without gaps": replace(ours, stancer=_gaps_left(ours.stancer)),
        "ours without dual": replace(ours, sequencer=_pallets_kept(ours.sequencer), stancer=_all_home(ours.stancer)),
        "ours without placement": replace(ours, placement=lowest_fitting),
        "ours without age bound": replace(ours, sequencer=boundless),
        "foreseeing": replace(ours, sequencer=Foreseeing(STRESS, HALF_HOUR_MS)),
    }
    return policies[name]


def warmed_by(policy: str) -> str:
    """The policy whose days come before this one's: the same placement, at its best."""
    return "vendor" if policy in ("vendor", "ours without placement") else "ours"


def takes_bookings(policy: str) -> bool:
    """Closed panels take none: their drivers come when they would have come, and ask."""
    return policy != "vendor"


def _gaps_left(stancer: Stancer) -> Stancer:
    """Never moves gaps ahead."""
    return lambda outlook: replace(stancer(outlook), expose=None)


def _all_home(stancer: Stancer) -> Stancer:
    """Never keeps an empty pallet down."""

    def stance(outlook: Outlook) -> Stance:
        return replace(stancer(outlook), hold=False)

    return stance


def _pallets_kept(sequencer: Sequencer) -> Sequencer:
    """A car that comes takes the pallet it was first given, never the one that another just left."""

    def chosen(queue: Queue) -> Chosen:
        return sequencer(replace(queue, empty=frozenset()))

    return chosen
