"""When people come and go: weekdays of a residential compound, made from a seed.

Decides trips: at which plant time which car wants in, out, or to charge. Does not know bays, queues
or waiting; `sim.people` acts the trips out. `sim.trondheim` makes trips of the same kind from
measured sessions.

How a day is drawn. Departure times follow the measured hourly shares exactly: so many times are
drawn, and sorted. Who leaves today is drawn with each household's own rate of outings; one that goes
out often may leave twice. The outings are sorted by the hour wished for (the household's habit with a
spread of 0.7 h; a second outing when the car may be back), and the n-th takes the n-th time. A car that is still
out when its second outing is due is replaced by another. Arrivals the same way: a car
out has an hour of return in mind, and the next arrival is the one who wished to be back first. The
number of arrivals balances the departures, so the garage neither fills nor empties over the days.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from domain.ids import Plate
from domain.site import Site
from domain.vehicle import Vehicle
from sim.households import Household, draw_plate, draw_vehicle
from sim.streams import Stream, fork

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

TripKind = Literal["arrive", "depart", "book", "charge"]


@dataclass(frozen=True, slots=True)
class Trip:
    """One wish of one car at a plant time.

    `charge` means: come to a charging spot, need `charge_wh`, leave after `stay_ms`; `book`: book a
    departure at `due_utc_ms`, a whole minute; `arrive` with a due time: book it while parking. The driver's
    coming then is a `depart` of its own.
    """

    at_ms: int
    kind: TripKind
    plate: Plate
    vehicle: Vehicle
    household: str
    charge_wh: int | None = None
    stay_ms: int | None = None
    due_utc_ms: int | None = None


DEPARTURE_SHARES: tuple[float, ...] = (
    *(0.002, 0.001, 0.001, 0.001, 0.002, 0.008),
    *(0.096, 0.292, 0.092, 0.050, 0.041, 0.046),
    *(0.037, 0.027, 0.034, 0.034, 0.041, 0.064),
    *(0.051, 0.032, 0.020, 0.015, 0.008, 0.005),
)
"""Share of a weekday's departures in each local hour; the sum is 1.

Measured (Trondheim, private users): 06-07 9.6 %, 07-08 29.2 %, 08-09 9.2 %, 16-19 together 15.6 %. The
rest fills up to 1 in the proportions of the same sessions, with a little at night.
"""

ARRIVAL_SHARES: tuple[float, ...] = (
    *(0.010, 0.004, 0.002, 0.002, 0.001, 0.002),
    *(0.004, 0.013, 0.012, 0.008, 0.015, 0.019),
    *(0.022, 0.030, 0.046, 0.118, 0.170, 0.083),
    *(0.080, 0.098, 0.093, 0.080, 0.058, 0.030),
)
"""Share of a weekday's arrivals in each local hour; the sum is 1.

Measured: 15-16 11.8 %, 16-17 17.0 %, 17-21 together 35.4 %. The rest fills up to 1 as above.
"""

HABIT_SD_H = 0.7
"""Spread of one household's departure hour from day to day."""

VISITOR_SHARE = 0.08
"""Visitors among a day's departures."""

CHARGES_PER_DAY = 20
"""Cars of the compound that come to the flat charging spots; they park elsewhere at night."""

_AWAY_MS_MIN = 20 * 60_000
_HOME_MS_MIN = 30 * 60_000
_AWAY_TARGET_SHARE = 0.04
_VISIT_MEDIAN_H = 2.0
_SPARE_BAYS = 2
_MORNING_ENDS_H = 11.0
_WORK_AND_REST_H = 11.5
_ERRAND_AND_REST_H = 4.0
_ERRANDS_END_H = 22.0
_CHARGE_MEDIAN_WH = 9050
_CHARGE_WH_RANGE = (2000, 45_000)
_STAY_MEDIAN_H = 3.0
_STAY_H_RANGE = (0.5, 11.0)
_WALLBOX_W = 7000


def weekday_trips(
    site: Site,
    days: int,
    seed: int,
    departures_per_day: int = 110,
    *,
    start_utc_ms: int,
    parked: Mapping[Plate, Household],
) -> list[Trip]:
    """Trips of so many weekdays from plant time 0, which is `start_utc_ms`; in order of time.

    `parked` are the households whose cars stand in the garage at the start.
    """
    offset_ms = midnight_offset_ms(start_utc_ms, site.utc_offset_minutes)
    residents = _Residents(parked)
    trips: list[Trip] = []
    # A start after midnight cuts the first day; the last day then ends in the middle of the next one.
    for day in range(days + (offset_ms > 0)):
        dice = fork(seed, Stream.DAY, day)
        leaving = _draw_count(dice, departures_per_day * (1 - VISITOR_SHARE))
        arriving = max(0, leaving + len(residents.away) - round(_AWAY_TARGET_SHARE * len(parked)))
        trips += residents.live(day, leaving, arriving, dice)
        trips += _visitors(site, day, seed, departures_per_day, len(parked))
        trips += _charges(site, day, seed)
    until_ms = days * DAY_MS
    shifted = [_moved(trip, -offset_ms) for trip in trips]
    return _without_early(shifted, until_ms)


def midnight_offset_ms(start_utc_ms: int, utc_offset_minutes: int) -> int:
    """How long after local midnight plant time 0 is."""
    return (start_utc_ms + utc_offset_minutes * 60_000) % DAY_MS


def _moved(trip: Trip, by_ms: int) -> Trip:
    return Trip(
        trip.at_ms + by_ms,
        trip.kind,
        trip.plate,
        trip.vehicle,
        trip.household,
        trip.charge_wh,
        trip.stay_ms,
    )


def _without_early(trips: list[Trip], until_ms: int) -> list[Trip]:
    """Trips inside the time asked for, in order, as if nobody had moved before plant time 0.

    A resident who left before 0 stands in the garage at 0, so the return is no arrival. A visitor who
    came before 0 has never come, so the visitor's departure is dropped too.
    """
    skipped: dict[Plate, TripKind] = {}
    kept = []
    for trip in sorted(trips, key=_order):
        if trip.kind == "charge":
            if 0 <= trip.at_ms < until_ms:
                kept.append(trip)
        elif trip.plate in skipped and trip.kind != skipped[trip.plate]:
            del skipped[trip.plate]
        elif trip.at_ms < 0:
            skipped[trip.plate] = trip.kind
        elif trip.at_ms < until_ms:
            kept.append(trip)
    return kept


def _order(trip: Trip) -> tuple[int, str, str]:
    return trip.at_ms, trip.plate, trip.kind


class _Residents:
    """Where the households' cars are while the days are being drawn."""

    def __init__(self, parked: Mapping[Plate, Household]) -> None:
        self.home: dict[Plate, tuple[Household, int]] = {plate: (h, -DAY_MS) for plate, h in parked.items()}
        self.away: dict[Plate, tuple[Household, int, int]] = {}
        """Household, when it left, and when it means to be back."""

    def live(self, day: int, leaving: int, arriving: int, dice: random.Random) -> list[Trip]:
        """One day: changes who is home, and returns the trips."""
        residents = {plate: place[0] for plate, place in (self.home | self.away).items()}
        leavers = _by_wish(residents, leaving, dice)
        times = draw_times(DEPARTURE_SHARES, leaving, dice)
        slots = [(day * DAY_MS + at, 1, plate) for at, plate in zip(times, leavers, strict=False)]
        slots += [(day * DAY_MS + at, 0, Plate("")) for at in draw_times(ARRIVAL_SHARES, arriving, dice)]
        trips = []
        for at_ms, kind, plate in sorted(slots):
            trip = self._leave(at_ms, plate, dice) if kind else self._return(at_ms)
            if trip is not None:
                trips.append(trip)
        return trips

    def _leave(self, at_ms: int, plate: Plate, dice: random.Random) -> Trip | None:
        """This car leaves or, when it is out, another that has been home for a while."""
        if not self._ready(plate, at_ms):
            ready = [p for p in sorted(self.home) if self._ready(p, at_ms)]
            if not ready:
                return None
            # Squared: those who leave often are also the ones who leave at odd hours.
            (plate,) = dice.choices(ready, [self.home[p][0].outings_ratio ** 2 for p in ready])
        household, _ = self.home.pop(plate)
        hour = at_ms % DAY_MS / HOUR_MS
        # Who leaves in the morning goes to work; later trips are errands and visits.
        away_h = dice.gauss(9.5, 1.5) if 5 <= hour < _MORNING_ENDS_H else dice.lognormvariate(0.7, 0.5)
        back_ms = at_ms + max(_AWAY_MS_MIN, round(away_h * HOUR_MS))
        self.away[plate] = (household, at_ms, back_ms)
        return Trip(at_ms, "depart", plate, household.vehicle, household.name)

    def _ready(self, plate: Plate, at_ms: int) -> bool:
        return plate in self.home and self.home[plate][1] + _HOME_MS_MIN <= at_ms

    def _return(self, at_ms: int) -> Trip | None:
        """Of the cars that are out long enough, the one that wished to be back first."""
        ready = [(back, p) for p, (_, left, back) in self.away.items() if left + _AWAY_MS_MIN <= at_ms]
        if not ready:
            return None
        plate = min(ready)[1]
        household, _, _ = self.away.pop(plate)
        self.home[plate] = (household, at_ms)
        return Trip(at_ms, "arrive", plate, household.vehicle, household.name)


def _by_wish(residents: Mapping[Plate, Household], count: int, dice: random.Random) -> list[Plate]:
    """So many outings, in the order in which the households wish to leave today."""
    plates = sorted(residents)
    dice.shuffle(plates)
    leavers = draw_by_weight(plates, [residents[plate].outings_ratio for plate in plates], count, dice)
    wishes = []
    for place, plate in enumerate(leavers):
        hour = _habit_h(residents[plate])
        if place and leavers[place - 1] == plate:
            hour = _errand_h(hour, dice)
        wishes.append((hour + dice.gauss(0, HABIT_SD_H), plate))
    return [plate for _, plate in sorted(wishes)]


def _errand_h(habit_h: float, dice: random.Random) -> float:
    """The hour of one more outing on a day: after the car is back from the first, or before it if that is late."""
    back_h = habit_h + (_WORK_AND_REST_H if habit_h < _MORNING_ENDS_H else _ERRAND_AND_REST_H)
    if back_h < _ERRANDS_END_H:
        return dice.uniform(back_h, _ERRANDS_END_H)
    return dice.uniform(_MORNING_ENDS_H, habit_h - _ERRAND_AND_REST_H)


def draw_by_weight(names: Sequence[Plate], weights: Sequence[float], count: int, dice: random.Random) -> list[Plate]:
    """So many names, each drawn the whole number of times just below or above its share; equal names adjoin.

    Systematic sampling: the weights are laid end to end and cut at equal steps from a random start, so
    every name's expected number of draws is exactly `count` times its share of the weights.
    """
    sums = list(accumulate(weights))
    if not sums or not sums[-1]:
        return []
    step = sums[-1] / max(1, count)
    start = dice.random() * step
    marks = (bisect_right(sums, start + number * step) for number in range(count))
    return [names[min(mark, len(names) - 1)] for mark in marks]


def _habit_h(household: Household) -> float:
    """The hour before which the household's share of all departures lies."""
    return _at_share(DEPARTURE_SHARES, household.leaves_share)


def _at_share(shares: Sequence[float], share: float) -> float:
    """Hour of the day by which that share of the day's trips has happened."""
    sums = list(accumulate(shares))
    wanted = share * sums[-1]
    hour = min(bisect_right(sums, wanted), len(shares) - 1)
    before = sums[hour - 1] if hour else 0.0
    return hour + min((wanted - before) / shares[hour], 0.999_999)


def draw_times(shares: Sequence[float], count: int, dice: random.Random) -> list[int]:
    """So many times of day in ms, sorted; each hour has its share, evenly spread inside it."""
    return sorted(int(_at_share(shares, dice.random()) * HOUR_MS) for _ in range(count))


def _draw_count(dice: random.Random, mean: float) -> int:
    """A day's number of trips: the mean, with the spread of independent people."""
    return max(0, round(dice.gauss(mean, mean**0.5)))


def _visitors(site: Site, day: int, seed: int, departures_per_day: int, residents: int) -> list[Trip]:
    """Visitors of one day: each comes once and goes once, and there is room for all at once."""
    dice = fork(seed, Stream.VISITOR, day)
    room = site.bay_count - residents - _SPARE_BAYS
    count = min(_draw_count(dice, departures_per_day * VISITOR_SHARE), max(0, room))
    trips = []
    for number, at in enumerate(draw_times(ARRIVAL_SHARES, count, dice), start=1):
        name = f"V-{day + 1:03d}-{number:02d}"
        plate, vehicle = draw_plate(dice, letters="RSTUVWXYZ"), draw_vehicle(site, dice)
        arrive_ms = day * DAY_MS + at
        stay_h = min(20.0, max(0.3, dice.lognormvariate(0, 0.7) * _VISIT_MEDIAN_H))
        trips.append(Trip(arrive_ms, "arrive", plate, vehicle, name))
        trips.append(Trip(arrive_ms + round(stay_h * HOUR_MS), "depart", plate, vehicle, name))
    return trips


def _charges(site: Site, day: int, seed: int) -> list[Trip]:
    """Cars that come to the charging spots on one day."""
    dice = fork(seed, Stream.CHARGER, day)
    count = _draw_count(dice, CHARGES_PER_DAY) if site.spots else 0
    trips = []
    for number, at in enumerate(draw_times(ARRIVAL_SHARES, count, dice), start=1):
        plate, vehicle = draw_plate(dice, letters="D"), draw_vehicle(site, dice)
        low_wh, high_wh = _CHARGE_WH_RANGE
        charge_wh = min(high_wh, max(low_wh, round(dice.lognormvariate(0, 0.7) * _CHARGE_MEDIAN_WH)))
        low_h, high_h = _STAY_H_RANGE
        wished_h = max(dice.lognormvariate(0, 0.5) * _STAY_MEDIAN_H, 1.1 * charge_wh / _WALLBOX_W)
        stay_ms = round(min(high_h, max(low_h, wished_h)) * HOUR_MS)
        name = f"E-{day + 1:03d}-{number:02d}"
        trips.append(Trip(day * DAY_MS + at, "charge", plate, vehicle, name, charge_wh, stay_ms))
    return trips
