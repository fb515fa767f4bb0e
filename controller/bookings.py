"""Bookings: made, changed, cancelled, and turned into jobs in time.

Decides when a booking joins a module's queue and when it is over. When its pallet moves is the
sequencer's answer; what happens at the gate is the module's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from controller.machines import BOOKING, JOB
from controller.memory import Memory
from controller.records import Booking, Job, ParkedCar
from controller.scan import Scan
from domain.booking import (
    DAY_MINUTES,
    MINUTE_MS,
    BookingKind,
    Repeat,
    due_on,
    is_weekday,
    local_day,
    next_due_utc_ms,
)
from domain.commands import (
    Accepted,
    CancelBooking,
    ChangeBooking,
    MakeBooking,
    ProvePin,
    Refused,
    Reply,
    RequestStorage,
)
from domain.events import BookingAdvanced, BookingChanged, BookingMade, JobAdvanced, JobQueued
from domain.ids import BayId, BookingId, ModuleId, Plate, parse_bay
from domain.moment import NEVER_MS
from domain.reasons import ReasonCode, Why, because
from domain.refusals import RefusalCode
from domain.site import Site
from domain.vehicle import Vehicle

AHEAD_MS_MAX = 31 * 86_400_000
APART_MINUTES_MIN = 15
"""Two bookings of one car and kind closer than this are one booking made twice."""

BOOKINGS_PER_PLATE_MAX = 8
BOOKINGS_MAX = 4000

PinCheck = Callable[[Scan, Plate, str, str], Refused | None]
"""Scan, plate, right digest, given digest: the refusal of a wrong PIN."""

BayOffer = Callable[[Scan, Booking], BayId | None]
"""The bay for a called booking, or None while it cannot be served."""


class Bookings:
    """All bookings of the site."""

    def __init__(self, site: Site, check_pin: PinCheck, bay_for: BayOffer, touch: Callable[[ModuleId], None]) -> None:
        self._site = site
        self._patience = site.patience
        self._check_pin = check_pin
        self._bay_for = bay_for
        self._touch = touch
        self._seen_seq = -1
        self._next_utc_ms = 0
        self._tried_utc_ms: dict[BookingId, int] = {}

    # -- what people ask -----------------------------------------------------------------------

    def make(self, scan: Scan, command: MakeBooking) -> Reply:
        """A new booking, if this car's PIN is right and the time can be kept."""
        car = scan.memory.parked.get(command.plate)
        others = [one for one in planned(scan.memory) if one.plate == command.plate]
        known = _known_pin(car, others)
        if known is not None:
            wrong = self._check_pin(scan, command.plate, known, command.pin_digest)
            if wrong is not None:
                return wrong
        vehicle = car.vehicle if car is not None else command.vehicle
        if vehicle is None and others:
            vehicle = others[0].vehicle
        if vehicle is None or (known is None and command.kind is BookingKind.DEPARTURE):
            return Refused.because(RefusalCode.BOOKING_NEEDS_CAR, command.plate)
        due_utc_ms = self.due_utc_ms(scan, command.minute_of_day, command.repeat, command.day)
        if isinstance(due_utc_ms, Refused):
            return due_utc_ms
        if _full(scan.memory, others):
            return Refused.because(RefusalCode.BOOKING_LIMIT, command.plate)
        twin = self._twin(others, command.kind, command.minute_of_day, command.repeat, due_utc_ms)
        if twin is not None:
            return Refused.because(RefusalCode.BOOKING_EXISTS, twin.id)
        return self._made(scan, command, vehicle, due_utc_ms)

    def make_for_stored(self, scan: Scan, storage: RequestStorage, due_utc_ms: int) -> None:
        """The departure that a driver told when parking, unless it is booked already."""
        if storage.leaves is None:
            return
        kind, minute = BookingKind.DEPARTURE, storage.leaves.minute_of_day
        wish = MakeBooking(storage.plate, storage.pin_digest, kind, minute, day=storage.leaves.day)
        others = [one for one in planned(scan.memory) if one.plate == storage.plate]
        if self._twin(others, kind, minute, wish.repeat, due_utc_ms) is None:
            self._made(scan, wish, storage.vehicle, due_utc_ms)

    def leaving_utc_ms(self, scan: Scan, storage: RequestStorage) -> int | Refused | None:
        """When a driver who parks wants to leave, if that was told, or why it cannot be booked."""
        if storage.leaves is None:
            return None
        if _full(scan.memory, [one for one in planned(scan.memory) if one.plate == storage.plate]):
            return Refused.because(RefusalCode.BOOKING_LIMIT, storage.plate)
        return self.due_utc_ms(scan, storage.leaves.minute_of_day, Repeat.ONCE, storage.leaves.day)

    def _twin(
        self, others: Sequence[Booking], kind: str, minute_of_day: int, repeat: Repeat, due_utc_ms: int
    ) -> Booking | None:
        """Another booking of this car for about the same time of the same day."""
        offset = self._site.utc_offset_minutes
        for one in others:
            apart = abs(one.minute_of_day - minute_of_day)
            near = one.kind == kind and min(apart, DAY_MINUTES - apart) < APART_MINUTES_MIN
            if near and _share_a_day(one, repeat, due_utc_ms, offset):
                return one
        return None

    def _made(self, scan: Scan, command: MakeBooking, vehicle: Vehicle, due_utc_ms: int) -> Reply:
        name = BookingId(f"B{scan.memory.booking_count + 1:06d}")
        scan.emit(
            BookingMade(
                name,
                command.plate,
                vehicle,
                command.pin_digest,
                command.kind.value,
                command.minute_of_day,
                command.repeat.value,
                due_utc_ms,
            )
        )
        return Accepted(name)

    def change(self, scan: Scan, command: ChangeBooking) -> Reply:
        """Another time for a booking that has not been called."""
        booking = scan.memory.bookings.get(command.booking)
        if booking is None or not booking.is_open:
            return Refused.because(RefusalCode.UNKNOWN_BOOKING, command.booking)
        wrong = self._check_pin(scan, booking.plate, _pin_of(scan.memory, booking), command.pin_digest)
        if wrong is not None:
            return wrong
        if booking.state == "called":
            return Refused.because(RefusalCode.BOOKING_CALLED, booking.id)
        due_utc_ms = self.due_utc_ms(scan, command.minute_of_day, command.repeat, command.day)
        if isinstance(due_utc_ms, Refused):
            return due_utc_ms
        others = [one for one in planned(scan.memory) if one.plate == booking.plate and one.id != booking.id]
        twin = self._twin(others, booking.kind, command.minute_of_day, command.repeat, due_utc_ms)
        if twin is not None:
            return Refused.because(RefusalCode.BOOKING_EXISTS, twin.id)
        scan.emit(BookingChanged(booking.id, command.minute_of_day, command.repeat.value, due_utc_ms))
        self._tried_utc_ms.pop(booking.id, None)
        return Accepted(booking.id)

    def cancel(self, scan: Scan, command: CancelBooking) -> Reply:
        """Forget a booking; refused when its driver already stands at the gate."""
        booking = scan.memory.bookings.get(command.booking)
        if booking is None or not booking.is_open:
            return Refused.because(RefusalCode.UNKNOWN_BOOKING, command.booking)
        wrong = self._check_pin(scan, booking.plate, _pin_of(scan.memory, booking), command.pin_digest)
        if wrong is not None:
            return wrong
        job = scan.memory.jobs.get(booking.job) if booking.job is not None else None
        if job is not None and job.has_driver:
            return Refused.because(RefusalCode.JOB_TOO_FAR, job.id)
        self._advance(scan, booking, "cancel", (because(ReasonCode.DRIVER_CANCELLED),))
        if job is not None:
            self._touch(job.module)
            if job.state == "queued":
                scan.emit(JobAdvanced(job.id, JOB.next("queued", "cancel"), (because(ReasonCode.BOOKING_CANCELLED),)))
        return Accepted(booking.id)

    def prove(self, scan: Scan, command: ProvePin) -> Reply:
        """Whether this is the PIN of a parked car, or of the bookings of one that is not here."""
        car = scan.memory.parked.get(command.plate)
        known = _known_pin(car, [one for one in planned(scan.memory) if one.plate == command.plate])
        if known is None:
            return Refused.because(RefusalCode.UNKNOWN_PLATE, command.plate)
        return self._check_pin(scan, command.plate, known, command.pin_digest) or Accepted(command.plate)

    def due_utc_ms(self, scan: Scan, minute_of_day: int, repeat: Repeat, day: int | None) -> int | Refused:
        """When a wish is due first, or why it cannot be."""
        if not 0 <= minute_of_day < 24 * 60:
            return Refused.because(RefusalCode.BOOKING_TIME, str(minute_of_day))
        offset, now = self._site.utc_offset_minutes, scan.moment.utc_ms
        after_utc_ms = now
        if day is not None:
            on_day_utc_ms = due_on(day, minute_of_day, offset)
            if on_day_utc_ms <= now:
                return Refused.because(RefusalCode.BOOKING_PAST)
            after_utc_ms = on_day_utc_ms - 1
        due_utc_ms = next_due_utc_ms(minute_of_day, repeat, min(after_utc_ms, now + AHEAD_MS_MAX), offset)
        if after_utc_ms > now + AHEAD_MS_MAX:
            return Refused.because(RefusalCode.BOOKING_TOO_FAR)
        return due_utc_ms

    # -- what time asks ------------------------------------------------------------------------

    def react(self, scan: Scan) -> None:
        """Call what is due soon, end what is over; wakes the controller for the next one."""
        now = scan.moment.utc_ms
        if scan.memory.seq != self._seen_seq or now >= self._next_utc_ms:
            self._next_utc_ms = NEVER_MS
            for booking in planned(scan.memory):
                if booking.state == "called":
                    self._follow(scan, booking)
                if booking.state == "planned":
                    self._next_utc_ms = min(self._next_utc_ms, self._try_to_call(scan, booking))
            self._seen_seq = scan.memory.seq
        if self._next_utc_ms < NEVER_MS:
            scan.wake_at(scan.moment.mono_ms + self._next_utc_ms - now)

    def _try_to_call(self, scan: Scan, booking: Booking) -> int:
        """Three attempts: ahead, half way, and when due. Returns when there is something to do again."""
        now, ahead_ms = scan.moment.utc_ms, self._patience.booking_ahead_ms
        tried_utc_ms = self._tried_utc_ms.get(booking.id, 0)
        attempts = (booking.due_utc_ms - ahead_ms, booking.due_utc_ms - ahead_ms // 2, booking.due_utc_ms)
        next_utc_ms = next((at for at in attempts if at > tried_utc_ms), booking.due_utc_ms)
        if now < next_utc_ms:
            return next_utc_ms
        self._tried_utc_ms[booking.id] = now
        bay = self._bay_for(scan, booking)
        if bay is not None:
            self._call(scan, booking, bay)
            return NEVER_MS
        if now < booking.due_utc_ms:
            return next(at for at in attempts if at > now)
        self._end(scan, booking, "lapse", (because(ReasonCode.NOT_SERVED),))
        return booking.due_utc_ms - ahead_ms if booking.state == "planned" else NEVER_MS

    def _call(self, scan: Scan, booking: Booking, bay: BayId) -> None:
        self._advance(scan, booking, "call")
        self._tried_utc_ms.pop(booking.id, None)
        kind = "retrieval" if booking.kind == BookingKind.DEPARTURE else "storage"
        car = scan.memory.parked.get(booking.plate)
        pin_digest = car.pin_digest if car is not None else booking.pin_digest
        vehicle = car.vehicle if car is not None else booking.vehicle
        name = scan.memory.next_job
        due_utc_ms = booking.due_utc_ms
        scan.emit(
            JobQueued(name, kind, booking.plate, vehicle, bay, pin_digest, booking=booking.id, due_utc_ms=due_utc_ms)
        )
        self._touch(parse_bay(bay).module)

    def _follow(self, scan: Scan, booking: Booking) -> None:
        job = scan.memory.jobs.get(booking.job) if booking.job is not None else None
        if job is None or job.is_open:
            return
        if job.state == "done":
            self._end(scan, booking, "keep", ())
        else:
            self._end(scan, booking, "miss", job.why)

    def _end(self, scan: Scan, booking: Booking, trigger: str, why: Why) -> None:
        """Over for this time; a repeated booking is planned anew."""
        self._advance(scan, booking, trigger, why)
        repeats = booking.repeat != Repeat.ONCE
        if repeats:
            after_utc_ms = max(scan.moment.utc_ms, booking.due_utc_ms)
            offset = self._site.utc_offset_minutes
            due_utc_ms = next_due_utc_ms(booking.minute_of_day, Repeat(booking.repeat), after_utc_ms, offset)
            state = BOOKING.next(booking.state, "renew", repeats=repeats)
            scan.emit(BookingAdvanced(booking.id, state, due_utc_ms, why))
        self._tried_utc_ms.pop(booking.id, None)

    def _advance(self, scan: Scan, booking: Booking, trigger: str, why: Why = ()) -> None:
        state = BOOKING.next(booking.state, trigger)
        scan.emit(BookingAdvanced(booking.id, state, booking.due_utc_ms, why))


def planned(memory: Memory) -> list[Booking]:
    """The bookings that are not over, oldest first."""
    return [one for one in memory.bookings.values() if one.is_open]


def waiting_driver(memory: Memory, plate: Plate, kind: str) -> Job | None:
    """The open booked job of this kind that still waits for its driver."""
    job = memory.job_of(plate)
    return job if job is not None and job.kind == kind and not (job.has_driver or job.withdrawn) else None


def _full(memory: Memory, others: Sequence[Booking]) -> bool:
    return len(others) >= BOOKINGS_PER_PLATE_MAX or len(memory.bookings) >= BOOKINGS_MAX


def _share_a_day(one: Booking, repeat: Repeat, due_utc_ms: int, utc_offset_minutes: int) -> bool:
    """Whether two bookings of about one minute of the day ever meet; those that come round always do."""
    rhythms = (one.repeat, repeat)
    if Repeat.ONCE not in rhythms:
        return True
    if one.repeat == repeat:
        return abs(one.due_utc_ms - due_utc_ms) < APART_MINUTES_MIN * MINUTE_MS
    single_utc_ms = due_utc_ms if repeat is Repeat.ONCE else one.due_utc_ms
    return Repeat.WEEKDAYS not in rhythms or is_weekday(local_day(single_utc_ms, utc_offset_minutes))


def _known_pin(car: ParkedCar | None, bookings: list[Booking]) -> str | None:
    """The PIN that counts for a plate: that of the parked car, else of its oldest booking; None for a stranger."""
    if car is not None:
        return car.pin_digest
    return bookings[0].pin_digest if bookings else None


def _pin_of(memory: Memory, booking: Booking) -> str:
    """The PIN that counts for a booking: that of the parked car, else the one that made it."""
    car = memory.parked.get(booking.plate)
    return car.pin_digest if car is not None else booking.pin_digest
