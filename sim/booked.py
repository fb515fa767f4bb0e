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

_EVENING_H = (19.0, 22.5)
_SETTLED_MS = 10 * MINUTE_MS
_NEVER_COMES_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class BookingHabits:
    """Who books and how well they keep it.

    `share` of all drivers (0 to 1) book each departure. They come at the booked minute plus a normally
    distributed error in minutes, but not earlier than `earliest_min`. Of all booked departures `no_show_share`
    are missed: half of those drivers never come, half come FORGETFUL_MS late.
    """

    share: float = 0.0
    late_mean_min: float = 1.0
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
    made = [(one.at_ms, place, one) for place, trip in enumerate(trips) for one in people.plan(trip)]
    return [one for _, _, one in sorted(made, key=lambda entry: entry[:2])]


class _People:
    """What is remembered about each car while the trips are gone through."""

    def __init__(self, seed: int, habits: BookingHabits, start_utc_ms: int, since_midnight_ms: int) -> None:
        self._seed = seed
        self._habits = habits
        self._start_utc_ms = start_utc_ms
        self._since_midnight_ms = since_midnight_ms
        self._home_ms: dict[Plate, int] = {}
        self._count: dict[Plate, int] = {}

    def plan(self, trip: Trip) -> Iterator[Trip]:
        """A trip as this driver plans it."""
        if trip.kind == "arrive":
            self._home_ms[trip.plate] = trip.at_ms
        if trip.kind != "depart" or not self._books(trip.plate):
            yield trip
            return
        due_ms = self._nearest_minute(trip.at_ms)
        booked_ms = self._booked_ms(trip.plate, due_ms)
        if booked_ms is None:
            yield trip
            return
        yield replace(trip, kind="book", at_ms=booked_ms, due_utc_ms=self._start_utc_ms + due_ms)
        comes_ms = self._comes_ms(trip.plate, due_ms)
        if comes_ms is not None:
            yield replace(trip, at_ms=max(comes_ms, booked_ms + MINUTE_MS))

    def _books(self, plate: Plate) -> bool:
        return fork(self._seed, Stream.BOOKING, number_of(plate)).random() < self._habits.share

    def _nearest_minute(self, at_ms: int) -> int:
        """Plant time of the whole minute (of the wall clock) that is nearest."""
        utc_ms = self._start_utc_ms + at_ms
        return (utc_ms + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS - self._start_utc_ms

    def _booked_ms(self, plate: Plate, due_ms: int) -> int | None:
        """When the driver books: the evening before, or else as soon as the car is at home; None: no time for it."""
        number = self._count[plate] = self._count.get(plate, 0) + 1
        dice = fork(self._seed, Stream.BOOKING, number_of(plate), number)
        midnight_ms = due_ms - (due_ms + self._since_midnight_ms) % DAY_MS
        evening_ms = midnight_ms - DAY_MS + round(dice.uniform(*_EVENING_H) * HOUR_MS)
        home_ms = self._home_ms.get(plate)
        earliest_ms = 0 if home_ms is None else home_ms + _SETTLED_MS
        booked_ms = max(evening_ms, earliest_ms)
        return booked_ms if booked_ms <= due_ms - NOTICE_MS_MIN else None

    def _comes_ms(self, plate: Plate, due_ms: int) -> int | None:
        """When the driver stands at the kiosk; None is never."""
        habits = self._habits
        dice = fork(self._seed, Stream.BOOKING, number_of(plate), self._count[plate], 1)
        late_min = max(habits.earliest_min, dice.gauss(habits.late_mean_min, habits.late_sd_min))
        if dice.random() >= habits.no_show_share:
            return due_ms + round(late_min * MINUTE_MS)
        return None if dice.random() < _NEVER_COMES_SHARE else due_ms + FORGETFUL_MS
