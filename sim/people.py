"""The people of the garage: they ask, drive in and out, press clear, plug in and leave.

Decides what every driver does and how long it takes, from a seed. Knows the garage only as its
drivers do: by asking, by answers, and by gates that open. The same crowd acts beside the virtual
runner and, over HTTP (`sim.desk_http`), in the plant's own process.

It embodies every session, also those of people it did not invent: whoever registers at a kiosk finds
that the car drives by itself, but presses clear with an own finger.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappop, heappush
from typing import Any, Protocol

from domain.booking import local_day, local_minute
from domain.ids import BayId, JobId, ModuleId, Plate, SpotId
from domain.moment import NEVER_MS
from domain.site import Site
from sim.asks import (
    Answered,
    Ask,
    BookAsk,
    ChargeAsk,
    ChargingGranted,
    ChargingOver,
    ClearAsk,
    GiveUpAsk,
    JobEnded,
    Notice,
    RetrievalAsk,
    SessionOpened,
    StopChargeAsk,
    StorageAsk,
)
from sim.battery import Battery, Curve
from sim.demand import Trip
from sim.households import draw_pin
from sim.plant_parts import CarBody, PlantError
from sim.streams import Stream, fork, number_of

__all__ = [
    "Answered",
    "Ask",
    "ChargeAsk",
    "ChargingGranted",
    "ChargingOver",
    "ClearAsk",
    "Crowd",
    "JobEnded",
    "Notice",
    "RetrievalAsk",
    "SessionOpened",
    "StopChargeAsk",
    "StorageAsk",
    "Where",
]


class ModuleGround(Protocol):
    """What people can do in a module."""

    def drive_in(self, bay: BayId, car: CarBody, start_ms: int, duration_ms: int) -> None: ...

    def drive_out(self, bay: BayId, start_ms: int, duration_ms: int) -> None: ...


class SpotGround(Protocol):
    """What people can do at a charging spot."""

    def plug_in(self, battery: Battery, now_ms: int) -> None: ...

    def unplug(self, now_ms: int) -> Battery: ...


class Ground(Protocol):
    """The plant as people walk about in it."""

    @property
    def site(self) -> Site: ...

    @property
    def modules(self) -> Mapping[ModuleId, ModuleGround]: ...

    @property
    def spots(self) -> Mapping[SpotId, SpotGround]: ...


class HasPlant(Protocol):
    """The rig, of which people only use the plant."""

    @property
    def plant(self) -> Ground: ...


RETRY_ARRIVAL_MS = 300_000
RETRY_DEPARTURE_MS = 60_000
RETRY_CLEAR_MS = 3000
RETRY_DRIVE_MS = 5000
RETRY_PLUG_MS = 30_000
RETRIES_MAX = 60
DWELL_SD = 0.2
DWELL_RANGE = (0.5, 2.5)
DAWDLE = 8
SETTLES_MS = 20 * 60_000
CLEAR_DELAY_MS = (2000, 6000)
PLUG_DELAY_MS = (20_000, 45_000)
UNPLUG_DELAY_MS = (60_000, 600_000)
STOP_TO_UNPLUG_MS = 10_000
STOPS_FIRST_SHARE = 0.7
NEWCOMER_NEED_WH = 12_000
NEWCOMER_STAY_MS = 4 * 3_600_000
CAR_CHARGER_W = 7000
CAPACITY_WH_MIN = 40_000
ONBOARD_CURVE: Curve = ((95, 100), (98, 50), (100, 20))
"""Alternating current fills evenly almost to the end: the car's own charger is the limit."""

_FINAL_REFUSALS = frozenset({"wrong_pin", "pin_locked", "unknown_plate", "vehicle_too_large"})
_KNOWN_REQUEST = frozenset({"already_parked", "already_coming", "job_open"})
_GONE_REQUEST = frozenset({"unknown_job"})


class Where(StrEnum):
    """Where a car is in its own driver's eyes; a car that is not listed is outside."""

    WAITING = "waiting"
    STORING = "storing"
    PARKED = "parked"
    LEAVING = "leaving"


@dataclass(eq=False, slots=True)
class _Visit:
    """One open gate and the person behind it."""

    opened: SessionOpened
    ours: bool
    driven: bool = False
    out_ms: int = 0
    clear_due: bool = False
    confirmed: bool = False
    tries: int = 0


@dataclass(eq=False, slots=True)
class _Stay:
    """One car at a charging spot."""

    granted: ChargingGranted
    need_wh: int
    leave_ms: int
    ours: bool
    plugged: bool = False
    over: bool = False
    tries: int = 0


class Mood(StrEnum):
    """How a driver can behave badly."""

    DAWDLES = "dawdles"
    """Stays `DAWDLE` times as long in the zone."""
    SETTLES = "settles"
    """Does not come out for `SETTLES_MS`."""
    HASTY = "hasty"
    """Presses clear at some time before being out, too."""


class Crowd:
    """Everybody who uses the garage; `act` is called at `next_ms` and whenever there are notices."""

    def __init__(
        self,
        rig: HasPlant,
        trips: Iterable[Trip],
        seed: int,
        *,
        parked: Mapping[Plate, str] | None = None,
    ) -> None:
        """People with these trips, in order of time; `parked` has the PIN of every car inside."""
        self.plant = rig.plant
        self.turned_away = 0
        """People who left because the garage did not take their car."""
        self.mishaps: list[tuple[int, str]] = []
        """What people tried and the plant did not let them: plant time and reason."""
        self.moods: dict[Mood, deque[Callable[[BayId], None]]] = {mood: deque() for mood in Mood}
        """The next drivers behave so; each entry is told before which bay one does."""
        self._seed = seed
        self._pins: dict[Plate, str] = dict(parked or {})
        self._where: dict[Plate, Where] = dict.fromkeys(self._pins, Where.PARKED)
        self._trips: Iterator[Trip] = iter(trips)
        self._trip = next(self._trips, None)
        self._due: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0
        self._asks: list[Ask] = []
        self._asked: dict[Ask, tuple[Trip, int]] = {}
        self._jobs: dict[str, Trip] = {}
        self._charges: dict[str, Trip] = {}
        self._visits: dict[JobId, _Visit] = {}
        self._stays: dict[SpotId, _Stay] = {}
        self._draws: dict[Plate, int] = {}

    def next_ms(self) -> int:
        """When somebody does something by itself; NEVER_MS when nobody will."""
        trip_ms = self._trip.at_ms if self._trip is not None else NEVER_MS
        return min(trip_ms, self._due[0][0]) if self._due else trip_ms

    def where(self, plate: Plate) -> Where | None:
        """Where a car is in its driver's eyes; None is outside."""
        return self._where.get(plate)

    def act(self, now_ms: int, notices: Iterable[Notice] = ()) -> list[Ask]:
        """Hear the notices, do everything that is due by now, and return what people ask for."""
        # An answer names the job that another notice of the same moment may be about.
        heard = sorted(notices, key=lambda notice: not isinstance(notice, Answered))
        for notice in heard:
            self._hear(notice, now_ms)
        while (due_ms := self.next_ms()) <= now_ms:
            if self._trip is not None and self._trip.at_ms == due_ms:
                self._start_trip(self._trip, now_ms)
            else:
                _, _, deed, about = heappop(self._due)
                deed(now_ms, *about)
        asks, self._asks = self._asks, []
        return asks

    def _start_trip(self, trip: Trip, now_ms: int) -> None:
        self._trip = next(self._trips, None)
        if self._trip is not None and self._trip.at_ms < trip.at_ms:
            raise ValueError(f"trips are not in order of time: {self._trip} after {trip}")
        match trip.kind:
            case "arrive":
                self._arrive(now_ms, trip, 0)
            case "depart":
                self._depart(now_ms, trip, 0)
            case "book":
                self._book(now_ms, trip, 0)
            case "charge":
                self._charge(now_ms, trip, 0)

    def _hear(self, notice: Notice, now_ms: int) -> None:
        match notice:
            case Answered(ask=ClearAsk()):
                self._clear_answered(now_ms, notice)
            case Answered(ask=GiveUpAsk()):
                pass
            case Answered():
                self._answered(now_ms, notice)
            case SessionOpened():
                self._session_opened(now_ms, notice)
            case JobEnded():
                self._job_ended(now_ms, notice)
            case ChargingGranted():
                self._granted(now_ms, notice)
            case ChargingOver():
                self._charging_over(now_ms, notice)

    def _at(self, due_ms: int, deed: Callable[..., None], *about: Any) -> None:
        self._count += 1
        heappush(self._due, (due_ms, self._count, deed, about))

    def _ask(self, ask: Ask, trip: Trip, tries: int) -> None:
        self._asks.append(ask)
        self._asked[ask] = (trip, tries)

    def pin_of(self, plate: Plate) -> str:
        """The PIN that a driver has chosen."""
        if plate not in self._pins:
            self._pins[plate] = draw_pin(fork(self._seed, Stream.PERSON, number_of(plate)))
        return self._pins[plate]

    def _uniform(self, plate: Plate, low_high: tuple[int, int]) -> int:
        return self._dice(plate).randrange(low_high[0], low_high[1] + 1)

    def _dice(self, plate: Plate) -> random.Random:
        """Fresh dice for a person's next act: independent of what anybody else does meanwhile."""
        draw = self._draws.get(plate, 0) + 1
        self._draws[plate] = draw
        return fork(self._seed, Stream.PERSON, number_of(plate), draw)

    # --- coming and going -----------------------------------------------------------------------

    def _arrive(self, now_ms: int, trip: Trip, tries: int) -> None:
        where = self._where.get(trip.plate)
        if where is Where.LEAVING:
            self._at(now_ms + RETRY_DEPARTURE_MS, self._arrive, trip, tries)
        elif where is Where.WAITING or (where is None and not tries):
            self._where[trip.plate] = Where.STORING
            leaves = None if trip.due_utc_ms is None else self._local(trip.due_utc_ms)
            self._ask(StorageAsk(trip.plate, trip.vehicle, self.pin_of(trip.plate), leaves), trip, tries)

    def _local(self, utc_ms: int) -> tuple[int, int]:
        """Local day and minute of a time."""
        offset = self.plant.site.utc_offset_minutes
        return local_day(utc_ms, offset), local_minute(utc_ms, offset)

    def _depart(self, now_ms: int, trip: Trip, tries: int) -> None:
        match self._where.get(trip.plate):
            case Where.STORING:
                self._at(now_ms + RETRY_DEPARTURE_MS, self._depart, trip, tries)
            case Where.WAITING:
                del self._where[trip.plate]
            case Where.PARKED:
                self._where[trip.plate] = Where.LEAVING
                self._ask(RetrievalAsk(trip.plate, self.pin_of(trip.plate)), trip, tries)

    def _book(self, now_ms: int, trip: Trip, tries: int) -> None:
        """Book a departure; who is still on the way in books a minute later."""
        if self._where.get(trip.plate) in (Where.STORING, Where.WAITING) and tries < RETRIES_MAX:
            self._at(now_ms + RETRY_DEPARTURE_MS, self._book, trip, tries + 1)
        elif self._where.get(trip.plate) is Where.PARKED and trip.due_utc_ms is not None:
            self._ask(BookAsk(trip.plate, self.pin_of(trip.plate), *self._local(trip.due_utc_ms)), trip, tries)

    def _answered(self, now_ms: int, answer: Answered) -> None:
        trip, tries = self._asked.pop(answer.ask, (None, 0))
        # Whoever cannot book comes anyway, and waits like all others.
        if trip is None or trip.kind == "book":
            return
        if answer.accepted:
            (self._charges if trip.kind == "charge" else self._jobs)[answer.id] = trip
        elif trip.kind == "depart":
            self._departure_refused(now_ms, trip, tries, answer.code)
        elif trip.kind == "charge":
            self._charge_refused(now_ms, trip, tries, answer.code)
        elif answer.code not in _KNOWN_REQUEST:
            self._arrival_refused(now_ms, trip, tries, answer.code)

    def _arrival_refused(self, now_ms: int, trip: Trip, tries: int, code: str) -> None:
        """Wait once for five minutes, then park elsewhere."""
        if tries or code in _FINAL_REFUSALS:
            del self._where[trip.plate]
            self.turned_away += 1
            return
        self._where[trip.plate] = Where.WAITING
        self._at(now_ms + RETRY_ARRIVAL_MS, self._arrive, trip, tries + 1)

    def _departure_refused(self, now_ms: int, trip: Trip, tries: int, code: str) -> None:
        """Whoever needs the car asks again, unless asking cannot help."""
        if code in _KNOWN_REQUEST:
            return
        if code == "unknown_plate":
            del self._where[trip.plate]
            return
        self._where[trip.plate] = Where.PARKED
        if code not in _FINAL_REFUSALS and tries < RETRIES_MAX:
            self._at(now_ms + RETRY_DEPARTURE_MS, self._depart, trip, tries + 1)

    def _job_ended(self, now_ms: int, ended: JobEnded) -> None:
        visit = self._visits.pop(ended.job, None)
        trip = self._jobs.pop(ended.job, None)
        moved = ended.ok or (visit is not None and visit.driven)
        if (ended.kind == "storage") == moved:
            self._where[ended.plate] = Where.PARKED
        else:
            self._where.pop(ended.plate, None)
        if ended.kind == "retrieval" and not moved and trip is not None:
            self._at(now_ms + RETRY_ARRIVAL_MS, self._depart, trip, 1)

    # --- at the gate ----------------------------------------------------------------------------

    def _session_opened(self, now_ms: int, opened: SessionOpened) -> None:
        visit = self._visits.get(opened.job)
        if visit is None:
            self._visits[opened.job] = visit = _Visit(opened, opened.job in self._jobs)
            self._drive(now_ms, visit)
        elif visit.driven:
            # The gate has opened once more: the word "clear" is asked for again.
            self._clear_later(max(now_ms, visit.out_ms), visit)

    def _drive(self, now_ms: int, visit: _Visit) -> None:
        opened = visit.opened
        if self._visits.get(opened.job) is not visit:
            return
        machine = self.plant.site.machine
        module = self.plant.modules[self.plant.site.layout_of(opened.bay).id]
        coming = opened.kind == "storage"
        nominal_ms = machine.driver_in_ms if coming else machine.driver_out_ms
        low, high = DWELL_RANGE
        factor = self._dice(opened.plate).lognormvariate(-DWELL_SD * DWELL_SD / 2, DWELL_SD)
        duration_ms = round(nominal_ms * min(high, max(low, factor)))
        if self.moods[Mood.DAWDLES]:
            duration_ms *= DAWDLE
        if self.moods[Mood.SETTLES]:
            duration_ms = SETTLES_MS
        try:
            if coming:
                module.drive_in(opened.bay, CarBody(opened.plate, opened.vehicle), now_ms, duration_ms)
            else:
                module.drive_out(opened.bay, now_ms, duration_ms)
        except PlantError as error:
            # A gate that shuts at the same instant is no bug of anybody's: step back and look again.
            self.mishaps.append((now_ms, str(error)))
            visit.tries += 1
            if visit.tries < RETRIES_MAX:
                self._at(now_ms + RETRY_DRIVE_MS, self._drive, visit)
            return
        visit.driven = True
        visit.out_ms = now_ms + duration_ms
        moods = {mood for mood, told in self.moods.items() if told}
        for mood in moods:
            self.moods[mood].popleft()(opened.bay)
        if Mood.HASTY in moods:
            self._at(now_ms + self._uniform(opened.plate, (0, duration_ms)), self._press_clear, visit)
        self._clear_later(visit.out_ms, visit)

    def _clear_later(self, out_ms: int, visit: _Visit) -> None:
        if visit.ours and not visit.clear_due:
            visit.clear_due = True
            delay_ms = self._uniform(visit.opened.plate, CLEAR_DELAY_MS)
            self._at(out_ms + delay_ms, self._press_clear, visit)

    def _press_clear(self, _now_ms: int, visit: _Visit) -> None:
        if self._visits.get(visit.opened.job) is visit:
            self._asks.append(ClearAsk(visit.opened.job))

    def _clear_answered(self, now_ms: int, answer: Answered) -> None:
        if not isinstance(answer.ask, ClearAsk):
            return
        visit = self._visits.get(answer.ask.job)
        if visit is None:
            return
        visit.confirmed |= answer.accepted
        if answer.code == "car_too_heavy" and visit.opened.kind == "storage" and visit.driven:
            self._drive_off(now_ms, visit)
            return
        # A gate that shut on the driver's word says so itself when it opens again.
        shut = answer.code == "job_not_at_gate" and visit.confirmed
        if answer.accepted or shut or answer.code in _GONE_REQUEST:
            visit.clear_due = False
        else:
            self._at(now_ms + RETRY_CLEAR_MS, self._press_clear, visit)

    def _drive_off(self, now_ms: int, visit: _Visit) -> None:
        """The scales say no: take the car out again and give up."""
        module = self.plant.modules[self.plant.site.layout_of(visit.opened.bay).id]
        duration_ms = self.plant.site.machine.driver_out_ms
        try:
            module.drive_out(visit.opened.bay, now_ms, duration_ms)
        except PlantError as error:
            self.mishaps.append((now_ms, str(error)))
            self._at(now_ms + RETRY_CLEAR_MS, self._press_clear, visit)
            return
        visit.driven = False
        self._at(now_ms + duration_ms + RETRY_CLEAR_MS, self._give_up, visit)

    def _give_up(self, now_ms: int, visit: _Visit) -> None:
        if self._visits.get(visit.opened.job) is visit:
            self._asks.append(GiveUpAsk(visit.opened.job))
            self._at(now_ms + RETRY_DRIVE_MS, self._give_up, visit)

    # --- charging -------------------------------------------------------------------------------

    def _charge(self, _now_ms: int, trip: Trip, tries: int) -> None:
        self._ask(ChargeAsk(trip.plate, self.pin_of(trip.plate)), trip, tries)

    def _charge_refused(self, now_ms: int, trip: Trip, tries: int, code: str) -> None:
        if tries or code in _FINAL_REFUSALS or code in _KNOWN_REQUEST:
            self.turned_away += 1
        else:
            self._at(now_ms + RETRY_ARRIVAL_MS, self._charge, trip, tries + 1)

    def _granted(self, now_ms: int, granted: ChargingGranted) -> None:
        trip = self._charges.pop(granted.charging, None)
        if granted.spot in self._stays and self._stays[granted.spot].granted == granted:
            return
        need_wh, stay_ms = NEWCOMER_NEED_WH, NEWCOMER_STAY_MS
        if trip is not None:
            need_wh, stay_ms = trip.charge_wh or need_wh, trip.stay_ms or stay_ms
        stay = _Stay(granted, need_wh, now_ms + stay_ms, trip is not None)
        before = self._stays.get(granted.spot)
        if before is not None and before.plugged:
            self._unplug(now_ms, before)
        self._stays[granted.spot] = stay
        self._at(now_ms + self._uniform(granted.plate, PLUG_DELAY_MS), self._plug_in, stay)

    def _plug_in(self, now_ms: int, stay: _Stay) -> None:
        spot = stay.granted.spot
        if self._stays.get(spot) is not stay:
            return
        capacity_wh = max(CAPACITY_WH_MIN, 2 * stay.need_wh)
        battery = Battery(capacity_wh, capacity_wh - stay.need_wh, CAR_CHARGER_W, ONBOARD_CURVE)
        try:
            self.plant.spots[spot].plug_in(battery, now_ms)
        except ValueError as error:
            self.mishaps.append((now_ms, str(error)))
            stay.tries += 1
            if stay.tries < RETRIES_MAX:
                self._at(now_ms + RETRY_PLUG_MS, self._plug_in, stay)
            return
        stay.plugged = True
        self._at(max(now_ms, stay.leave_ms), self._leave_spot, stay)

    def _leave_spot(self, now_ms: int, stay: _Stay) -> None:
        """The time is up: most people press stop first, some just pull the plug."""
        if self._stays.get(stay.granted.spot) is not stay:
            return
        plate = stay.granted.plate
        if stay.ours and not stay.over and self._dice(plate).random() < STOPS_FIRST_SHARE:
            self._asks.append(StopChargeAsk(stay.granted.spot, self.pin_of(plate)))
            self._at(now_ms + STOP_TO_UNPLUG_MS, self._unplug, stay)
        else:
            self._unplug(now_ms, stay)

    def _charging_over(self, now_ms: int, over: ChargingOver) -> None:
        stay = self._stays.get(over.spot)
        if stay is None or stay.granted.plate != over.plate or stay.over:
            return
        stay.over = True
        if stay.plugged:
            self._at(now_ms + self._uniform(over.plate, UNPLUG_DELAY_MS), self._unplug, stay)
        else:
            del self._stays[over.spot]

    def _unplug(self, now_ms: int, stay: _Stay) -> None:
        spot = stay.granted.spot
        if self._stays.get(spot) is stay:
            del self._stays[spot]
            self.plant.spots[spot].unplug(now_ms)
