"""What an idle module prepares for somebody who has not asked yet.

Decides which pallet's shaft is kept free, and whether an empty pallet waits on the ground for the next
arrival. Bookings are jobs and not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, parse_bay
from domain.machine import Machine
from domain.reasons import ReasonCode, Why, because
from scheduler.dockings import is_free
from scheduler.measured import Times, nominal
from scheduler.reach import approach

PRICE_MS = 1500
"""What sliding the rows for nobody yet must save in expected waiting: motors wear, and who comes meanwhile waits."""

HOLD = 2.0
"""How much more an empty pallet on the ground must save those who come than it costs those who fetch."""

KEEP = 1.25
"""A shaft that is free is given up only for a car so many times as likely to leave: no back and forth."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """An idle module and what is likely to happen there next.

    `departures_per_h` has the rate of each parked car (by bay) in the coming hour, `arrivals_per_h`
    that of cars that this module will be asked to store. `down` is an empty pallet on the ground,
    `empty` are all bays without a car. `times` None stands for the nominal ones.
    """

    layout: ModuleLayout
    machine: Machine
    columns: Columns
    departures_per_h: Mapping[BayId, float]
    arrivals_per_h: float = 0.0
    down: BayId | None = None
    empty: frozenset[BayId] = frozenset()
    times: Times | None = None


@dataclass(frozen=True, slots=True)
class Stance:
    """What to prepare, and why.

    `expose` is the upper pallet whose shaft should be free (None: leave the gaps as they are); with
    `hold` the empty pallet on the ground stays there.
    """

    expose: BayId | None = None
    hold: bool = False
    why: Why = ()


Stancer = Callable[[Outlook], Stance]
"""A policy for idle modules."""


def leave_as_is(outlook: Outlook) -> Stance:
    """Pallets go home and gaps stay where the last job left them: what panels do."""
    del outlook
    return Stance()


def prepared(outlook: Outlook) -> Stance:
    """The shaft of the upper car most likely to leave next is free; an empty pallet waits if a car is likely to come.

    Both weigh expected waiting of the next driver, whoever that is.
    """
    hold, held = _hold(outlook)
    if hold:
        return Stance(None, True, held)
    expose, told = _expose(outlook)
    return Stance(expose, False, told or held)


def exposing(outlook: Outlook) -> Stance:
    """Frees the shaft of the upper car most likely to leave next; holds no pallet."""
    expose, told = _expose(outlook)
    return Stance(expose, False, told)


def holding(outlook: Outlook) -> Stance:
    """Holds an empty pallet on the ground if a car is likely to come; leaves the gaps as they are."""
    return Stance(None, *_hold(outlook))


def _times(outlook: Outlook) -> Times:
    return outlook.times or nominal(outlook.layout, outlook.machine)


def _next_rate(outlook: Outlook) -> float:
    """Rate of anything that ends the idle time of this module."""
    return sum(outlook.departures_per_h.values()) + outlook.arrivals_per_h


def _expose(outlook: Outlook) -> tuple[BayId | None, Why]:
    rates = {bay: rate for bay, rate in outlook.departures_per_h.items() if parse_bay(bay).level > 1}
    total = _next_rate(outlook)
    if not rates or total <= 0:
        return None, ()
    free = [bay for bay in rates if is_free(outlook.columns, parse_bay(bay))]
    free_rate = max((rates[bay] for bay in free), default=0.0)
    best = min(rates, key=lambda bay: (-rates[bay], bay))
    way = approach(outlook.layout, outlook.machine, outlook.columns, parse_bay(best))
    if best in free or way is None or rates[best] < KEEP * free_rate:
        return None, ()
    slides_ms = way.slide_ms * _times(outlook).slide_ms // outlook.machine.slide_ms(outlook.layout.pitch_mm)
    saved_ms = (rates[best] - free_rate) / total * slides_ms
    if saved_ms <= PRICE_MS:
        return None, ()
    chance = round(100 * rates[best] / total)
    return best, (because(ReasonCode.LIKELY_NEXT, chance_pct=chance, saved_s=slides_ms // 1000),)


def _hold(outlook: Outlook) -> tuple[bool, Why]:
    """Worth it if P(a car comes first) * (slide + lower) exceeds P(an upper car is wanted first) * raise HOLD times.

    At once, the waits of those who come fall by as much as those of who fetch rise. A car on the ground
    level is served past the held pallet, and a car that comes would find an empty pallet of the ground
    level as quickly.
    """
    down = outlook.down
    if down is None or down not in outlook.empty or any(parse_bay(bay).level == 1 for bay in outlook.empty):
        return False, ()
    level = parse_bay(down).level
    times = _times(outlook)
    uppers = sum(rate for bay, rate in outlook.departures_per_h.items() if parse_bay(bay).level > 1)
    comes = outlook.arrivals_per_h
    if comes * (times.slide_ms + times.lower_ms[level]) <= HOLD * uppers * times.raise_ms[level]:
        return False, ()
    rates = {"arrivals_per_h": round(comes, 1), "departures_per_h": round(uppers, 1)}
    return True, (because(ReasonCode.CAR_EXPECTED, **rates),)
