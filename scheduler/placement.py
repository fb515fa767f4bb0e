"""Which bay for a car that comes: where its stay costs everybody the least waiting.

Decides only among free bays that it is given; whether a module may be used at all is the
controller's question. How long a car is likely to stay is `scheduler.habits`'.

Every stay ends with one retrieval, so a low bay saves its lead once per stay, whether the stay is an
hour or a week: low bays belong to short stays (duration of stay; Goetschalckx and Ratliff, Management
Science 36, 1990). What a day in a bay is worth to the others is its *rent*, a bid price from the dual
of the assignment of all known cars to all bays. A car goes where lead + rent x expected stay is least.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, repeat
from math import sqrt

from domain.grid import ModuleLayout
from domain.ids import BayId, ModuleId, Plate, parse_bay
from domain.machine import Machine
from domain.reasons import ReasonCode, Why, because
from domain.vehicle import Vehicle
from scheduler.habits import DAY_MS, HOUR_MS, UNKNOWN_CROWD, Habit, departure_hours, expected_stay_ms, told
from scheduler.measured import Times

_RESERVE_SD = 2.0
"""So many standard deviations above the expected number of tall cars are kept free for them."""

_NO_HOURS = (0.0,) * 24


@dataclass(frozen=True, slots=True)
class Arrival:
    """A car that wants a bay now, and what is known about it.

    `stay_ms` is how long it will stay, if anybody knows (a booked departure); else the habit tells.
    """

    plate: Plate
    vehicle: Vehicle
    now_utc_ms: int = 0
    habit: Habit | None = None
    crowd: Habit = UNKNOWN_CROWD
    stay_ms: float | None = None
    utc_offset_minutes: int = 0


@dataclass(frozen=True, slots=True)
class ModuleOffer:
    """A module that takes cars now.

    `free` are its free and reachable bays, `jobs` how many jobs wait or run there, `down` a free pallet
    that stands on the ground already. `departures` is how many of its parked cars leave in each hour
    of UTC on an average day (24 values); `booked` are its booked departures: due time (UTC in ms) and level.
    `times` None stands for the nominal ones.
    """

    layout: ModuleLayout
    free: frozenset[BayId]
    jobs: int
    down: BayId | None = None
    departures: tuple[float, ...] = _NO_HOURS
    booked: tuple[tuple[int, int], ...] = ()
    times: Times | None = None

    def lead_ms(self, machine: Machine, level: int) -> int:
        """Time to bring a pallet of this level to the ground, as far as it has been measured here."""
        if self.times is None or level == 1:
            return level_lead_ms(self.layout, machine, level)
        return self.times.slide_ms + self.times.lower_ms[level]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The garage around an arrival.

    `modules` take cars now; `layouts` are all modules. `rates` has the departures a day of every car
    that is known, in any order. `choosy_share` is the share of the parked cars that do not fit every level.
    """

    modules: Mapping[ModuleId, ModuleOffer]
    machine: Machine
    layouts: tuple[ModuleLayout, ...]
    rates: Sequence[float] = ()
    choosy_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Placed:
    """The chosen bay and the reasons for it."""

    bay: BayId
    why: Why


Placement = Callable[[Arrival, Surroundings], Placed | None]
"""A placement policy: None when no free bay fits."""


def lowest_fitting(arrival: Arrival, around: Surroundings) -> Placed | None:
    """What closed panels do: the module with the fewest jobs, then the most free bays; there the lowest bay."""
    for offer in sorted(around.modules.values(), key=lambda o: (o.jobs, -len(o.free), o.layout.id)):
        for _, bay in _fitting(arrival.vehicle, offer):
            return Placed(bay, (because(ReasonCode.LOWEST_FITTING, module=offer.layout.id, jobs=offer.jobs),))
    return None


def by_expected_stay(arrival: Arrival, around: Surroundings) -> Placed | None:
    """The bay where this stay costs the least time: leads, rent for the stay, queues now and at the exit.

    All terms are ms of somebody's waiting. Of equal bays the first by module and name.
    """
    stay_ms = arrival.stay_ms
    if stay_ms is None:
        stay_ms = expected_stay_ms(arrival.habit, arrival.crowd, arrival.now_utc_ms)
    leaves = departure_hours(arrival.habit, arrival.crowd, arrival.now_utc_ms)
    rents = rents_ms(around.layouts, around.machine, around.rates)
    best: tuple[float, ModuleOffer, int, BayId] | None = None
    for offer in _sparing(arrival.vehicle, around):
        crowding_ms = _crowding_ms(offer, around.machine, leaves)
        for level, bay in _first_of_levels(arrival.vehicle, offer):
            lead_ms = offer.lead_ms(around.machine, level)
            lead_now_ms = 0 if bay == offer.down else lead_ms
            # Twice: a day in a low bay is a day in which no other car is stored and fetched there.
            rent = rents.get(level_lead_ms(offer.layout, around.machine, level), 0.0)
            rent_ms = 2 * rent * stay_ms / DAY_MS
            cost_ms = lead_now_ms + lead_ms + rent_ms + crowding_ms
            if arrival.stay_ms is not None:
                cost_ms += _meeting_ms(offer, around.machine, arrival.now_utc_ms + arrival.stay_ms, level)
            if best is None or (cost_ms, bay) < (best[0], best[3]):
                best = (cost_ms, offer, level, bay)
    if best is None:
        return None
    _, offer, level, bay = best
    return Placed(bay, _why(arrival, offer, level, bay, stay_ms))


def rents_ms(layouts: Iterable[ModuleLayout], machine: Machine, rates: Sequence[float]) -> dict[int, float]:
    """What a day in a bay is worth, by the bay's lead: ms of lead that others save in it per day.

    Dual prices of the assignment that gives the most frequent leavers the bays of least lead: between
    two neighbouring kinds of bays the price differs by the marginal car's rate times the difference
    of leads. The worst bays cost nothing. Heights are left out; see `_sparing`.
    """
    leads = sorted(
        lead_ms
        for layout in layouts
        for level, count in enumerate(layout.pallets_per_level, start=1)
        for lead_ms in repeat(level_lead_ms(layout, machine, level), count - _dead_on(layout, level))
    )
    kinds = [lead for lead, _ in groupby(leads)]
    ranked = sorted(rates, reverse=True)
    rents = {kinds[-1]: 0.0} if kinds else {}
    for low, high in reversed(tuple(pairwise(kinds))):
        rank = bisect_right(leads, low)
        marginal = ranked[rank - 1] if rank <= len(ranked) else 0.0
        rents[low] = rents[high] + marginal * (high - low)
    return rents


def _dead_on(layout: ModuleLayout, level: int) -> int:
    return sum(parse_bay(bay).level == level for bay in layout.dead)


def level_lead_ms(layout: ModuleLayout, machine: Machine, level: int) -> int:
    """Nominal time to bring a pallet of this level to the ground: one slide and its lift; 0 on the ground."""
    if level == 1:
        return 0
    return machine.slide_ms(layout.pitch_mm) + machine.lowering_ms(layout.level_z_mm[level - 1])


def fits_anywhere(vehicle: Vehicle, layouts: Iterable[ModuleLayout]) -> bool:
    """Whether any level of any module takes the car at all."""
    return any(not layout.misfits(vehicle, level.number) for layout in layouts for level in layout.levels)


def smallest_bay(layouts: Sequence[ModuleLayout]) -> Vehicle:
    """The sizes of a car that just fits every level of every module: what is over one of them is choosy."""
    return Vehicle(
        "",
        min(layout.car_length_mm_max for layout in layouts),
        min(layout.car_width_mm_max for layout in layouts),
        min(level.height_mm - layout.headroom_mm for layout in layouts for level in layout.levels),
        min(layout.car_mass_kg_max for layout in layouts),
    )


def is_choosy(vehicle: Vehicle, smallest: Vehicle) -> bool:
    """Whether a car is too large for some bay, given what just fits every bay."""
    return (
        vehicle.height_mm > smallest.height_mm
        or vehicle.length_mm > smallest.length_mm
        or vehicle.width_mm > smallest.width_mm
        or vehicle.mass_kg > smallest.mass_kg
    )


def _fitting(vehicle: Vehicle, offer: ModuleOffer) -> Iterator[tuple[int, BayId]]:
    """Level and name of the free bays that the car fits, lowest first, then from the left."""
    layout = offer.layout
    for level, count in enumerate(layout.pallets_per_level, start=1):
        if layout.misfits(vehicle, level):
            continue
        start = layout.level_offset[level - 1]
        for name in layout.bay_names[start : start + count]:
            if name in offer.free and name not in layout.dead:
                yield level, name


def _first_of_levels(vehicle: Vehicle, offer: ModuleOffer) -> Iterator[tuple[int, BayId]]:
    """Of each level the first bay, and besides it the pallet that is down already."""
    last = 0
    for level, bay in _fitting(vehicle, offer):
        if level != last or bay == offer.down:
            yield level, bay
        last = level


def _sparing(vehicle: Vehicle, around: Surroundings) -> tuple[ModuleOffer, ...]:
    """The offers, without the tall bays while these are only enough for the tall cars still to come.

    Of the cars that may come into the free bays, `choosy_share` need one on the tallest levels, give
    or take a Poisson spread. An undemanding car that fits nowhere else gets such a bay all the same.
    """
    offers = tuple(around.modules.values())
    if is_choosy(vehicle, smallest_bay(around.layouts)):
        return offers
    tallest_mm = max(level.height_mm for layout in around.layouts for level in layout.levels)
    low = tuple(replace(o, free=frozenset(_lower_than(o, tallest_mm))) for o in offers)
    free = sum(len(offer.free) for offer in offers)
    low_free = sum(len(offer.free) for offer in low)
    expected = around.choosy_share * free
    scarce = free - low_free <= expected + _RESERVE_SD * sqrt(expected) + 1
    return low if scarce and low_free else offers


def _lower_than(offer: ModuleOffer, height_mm: int) -> Iterator[BayId]:
    for name, ref in zip(offer.layout.bay_names, offer.layout.bays, strict=True):
        if name in offer.free and offer.layout.levels[ref.level - 1].height_mm < height_mm:
            yield name


def _crowding_ms(offer: ModuleOffer, machine: Machine, leaves: Sequence[float]) -> float:
    """Waiting in this module's queue: behind the jobs of now, and at the exit with others of the same hour.

    Of two cars that leave in the same hour, the chance that their jobs overlap is about two jobs' time
    over the hour, and the later one then waits half a job.
    """
    top = len(offer.layout.levels)
    job_ms = level_lead_ms(offer.layout, machine, top) + 2 * machine.gate_ms + machine.driver_out_ms
    met = sum(share * others for share, others in zip(leaves, offer.departures, strict=True))
    return job_ms * (offer.jobs + met * job_ms / HOUR_MS)


def _meeting_ms(offer: ModuleOffer, machine: Machine, leaves_utc_ms: float, level: int) -> float:
    """What booked drivers of this module wait because their minutes are too close to this car's.

    Of two the later waits until the gate has served the earlier, and, if both live upstairs, until one
    pallet is home and the other down; a car on the ground is fetched past a pallet that stands by.
    """
    gate_ms = 2 * machine.gate_ms + machine.driver_out_ms
    own_ms = level_lead_ms(offer.layout, machine, level)
    slide_ms = machine.slide_ms(offer.layout.pitch_mm)
    found_ms = 0.0
    for due_utc_ms, other in offer.booked:
        apart_ms = gate_ms
        if level > 1 and other > 1:
            apart_ms += own_ms + level_lead_ms(offer.layout, machine, other) - slide_ms
        found_ms += max(0.0, apart_ms - abs(due_utc_ms - leaves_utc_ms))
    return found_ms


def _why(arrival: Arrival, offer: ModuleOffer, level: int, bay: BayId, stay_ms: float) -> Why:
    hours = round(stay_ms / HOUR_MS)
    if hours < 48:
        stay = because(ReasonCode.STAYS_HOURS, hours=hours)
    else:
        stay = because(ReasonCode.STAYS_DAYS, days=round(stay_ms / DAY_MS))
    if arrival.stay_ms is not None:
        known = because(ReasonCode.STAY_KNOWN)
    else:
        known = told(arrival.habit, arrival.crowd, arrival.now_utc_ms, arrival.utc_offset_minutes)
    down = (because(ReasonCode.PALLET_DOWN),) if bay == offer.down else ()
    return (because(ReasonCode.PLACED, level=level, module=offer.layout.id, jobs=offer.jobs), stay, known, *down)
