"""Drivers who book: which departures are booked ahead, when, and how punctually their drivers come.

Decides that a trip becomes a booking and a coming; turns a list of trips into one with bookings. What the
garage makes of a booking is not decided here. Whoever books at 30 % books at every higher share too, and
the trips of all others stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from domain.booking import MINUTE_MS
from domain.ids import Plate
from sim.demand import DAY_MS, HOUR_MS, Trip, midnight_offset_ms
from sim.streams import Stream, fork, number_of

NOTICE_MS_MIN = 30 * MINUTE_MS
"""Nobody books later than so long before the booked minute."""

FORGETFUL_MS = 30 * MINUTE_MS
"""A driver who misses the booking and comes after all comes so much later."""

AHEAD_MS_MAX = 30 * DAY_MS
"""Nobody knows longer ahead when the car will be wanted."""

_EVENING_H = (19.0, 22.5)
_NEVER_COMES_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class BookingHabits:
    """Who books and how well they keep it.

    `share` of all drivers (0 to 1) book each departure when they park. They come at the booked minute plus a
    normally distributed error in minutes, but not earlier than `earliest_min`: an assumption, since nobody has
    measured drivers who know that the car stands ready. Of all booked departures `no_show_share` are missed:
    half of those drivers never come, half come FORGETFUL_MS late.
    """

    share: float = 0.0
    late_mean_min: float = 0.0
    late_sd_min: float = 1.0
    earliest_min: float = -2.0
    no_show_share: float = 0.0


def with_bookings(
    trips: Iterable[Trip], seed: int, habits: BookingHabits, *, start_utc_ms: int, utc_offset_minutes: int
) -> list[Trip]:
    """The same trips, the departures of those who book preceded by a trip of kind `book`; in order of time."""
    if not habits.share:
        return list(trips)

    people = _People(seed, habits, start_utc_ms, midnight_offset_ms(start_utc_ms, utc_offset_minutes))
    made = [
        (one.at_ms, place, one)
        for place, (trip, leaves) in enumerate(_leaving(trips))
        for one in people.plan(trip, leaves)
    ]
    return [one for _, _, one in sorted(made, key=lambda entry: entry[:2])]


def _leaving(trips: Iterable[Trip]) -> list[tuple[Trip, Trip | None]]:
    """Every trip, an arrival with the departure of the same car that follows."""
    departures: dict[Plate, Trip] = {}
    pairs: list[tuple[Trip, Trip | None]] = []
    for trip in reversed(list(trips)):
        pairs.append((trip, departures.get(trip.plate) if trip.kind == "arrive" else None))
        if trip.kind == "depart":
            departures[trip.plate] = trip
    return pairs[::-1]


class _People:
    """What is remembered about each car while the trips are gone through."""

    def __init__(self, seed: int, habits: BookingHabits, start_utc_ms: int, since_midnight_ms: int) -> None:
        self._seed = seed
        self._habits = habits
        self._start_utc_ms = start_utc_ms
        self._since_midnight_ms = since_midnight_ms
        self._told: set[Plate] = set()
        """Cars whose next departure was told when they were parked."""
        self._count: dict[Plate, int] = {}

    def plan(self, trip: Trip, leaves: Trip | None) -> Iterator[Trip]:
        """A trip as this driver plans it; `leaves` is the departure that follows an arrival."""
        if not self._books(trip.plate):
            yield trip
        elif trip.kind == "arrive":
            yield self._parks(trip, leaves)
        elif trip.kind == "depart":
            yield from self._departs(trip)
        else:
            yield trip

    def _parks(self, trip: Trip, leaves: Trip | None) -> Trip:
        """Whoever parks tells when the car is wanted again, unless that is too soon to book."""
        due_ms = None if leaves is None else self._nearest_minute(leaves.at_ms)
        if due_ms is None or due_ms < trip.at_ms + NOTICE_MS_MIN or due_ms > trip.at_ms + AHEAD_MS_MAX:
            return trip
        self._told.add(trip.plate)
        return replace(trip, due_utc_ms=self._start_utc_ms + due_ms)

    def _departs(self, trip: Trip) -> Iterator[Trip]:
        """A booked departure; a car that stood here from the start is booked the evening before."""
        number = self._count[trip.plate] = self._count.get(trip.plate, 0) + 1
        due_ms = self._nearest_minute(trip.at_ms)
        if trip.plate in self._told:
            self._told.remove(trip.plate)
        elif number > 1:
            yield trip
            return
        else:
            booked_ms = self._booked_ms(trip.plate, due_ms)
            if booked_ms > due_ms - NOTICE_MS_MIN:
                yield trip
                return
            yield replace(trip, kind="book", at_ms=booked_ms, due_utc_ms=self._start_utc_ms + due_ms)
        comes_ms = self._comes_ms(trip.plate, due_ms)
        if comes_ms is not None:
            yield replace(trip, at_ms=comes_ms)

    def _books(self, plate: Plate) -> bool:
        return fork(self._seed, Stream.BOOKING, number_of(plate)).random() < self._habits.share

    def _nearest_minute(self, at_ms: int) -> int:
        """Plant time of the whole minute (of the wall clock) that is nearest."""
        utc_ms = self._start_utc_ms + at_ms
        return (utc_ms + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS - self._start_utc_ms

    def _booked_ms(self, plate: Plate, due_ms: int) -> int:
        """The evening before the departure, or the beginning if that is past."""
        dice = fork(self._seed, Stream.BOOKING, number_of(plate), self._count[plate])
        midnight_ms = due_ms - (due_ms + self._since_midnight_ms) % DAY_MS
        return max(0, midnight_ms - DAY_MS + round(dice.uniform(*_EVENING_H) * HOUR_MS))

    def _comes_ms(self, plate: Plate, due_ms: int) -> int | None:
        """When the driver stands at the kiosk; None is never."""
        habits = self._habits
        dice = fork(self._seed, Stream.BOOKING, number_of(plate), self._count[plate], 1)
        late_min = max(habits.earliest_min, dice.gauss(habits.late_mean_min, habits.late_sd_min))
        if dice.random() >= habits.no_show_share:
            return due_ms + round(late_min * MINUTE_MS)
        return None if dice.random() < _NEVER_COMES_SHARE else due_ms + FORGETFUL_MS
