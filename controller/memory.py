"""What the garage remembers: a fold of events and nothing else.

`Memory.apply` is the only way anything here changes, live and at replay alike, so a restart that
replays the journal ends where the running program was. Positions of pallets are not in here: the
sensors are the truth about them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from controller.alarm_book import ALARM_EVENTS, AlarmBook, AlarmEvent
from controller.machines import NIGHT
from controller.maintenance_book import MaintenanceBook
from controller.records import (
    BOOKING_ENDS,
    Booking,
    BypassRecord,
    Charging,
    Job,
    Lock,
    LockRemoval,
    ManualHolder,
    ModuleMemory,
    MotionRecord,
    Outage,
    ParkedCar,
    SpotMemory,
)
from controller.stopwatch import part_of
from domain.events import (
    BookingAdvanced,
    BookingChanged,
    BookingMade,
    BypassAsked,
    BypassEnded,
    BypassGranted,
    CarLeft,
    CarParked,
    CarRegistered,
    CarStruck,
    ChargingEnded,
    ChargingStarted,
    CommandRefused,
    CountersRead,
    DriverCame,
    EnergyMetered,
    Event,
    FaultRaised,
    FaultsReset,
    GarageAdvanced,
    JobAdvanced,
    JobEstimated,
    JobMovedToBay,
    JobOverdue,
    JobQueued,
    JobWithdrawn,
    LinkAdvanced,
    LockHung,
    LockRemovalAsked,
    LockRemoved,
    LockRemovedForOwner,
    ManualReleased,
    ManualTaken,
    ModuleAdvanced,
    ModuleConfirmed,
    MotionEnded,
    MotionRequested,
    NightAdvanced,
    PartPutBack,
    PartTakenOut,
    PinAccepted,
    PinRejected,
    Recorded,
    SessionAdvanced,
    SpotAdvanced,
    StanceTaken,
    WorkRecorded,
)
from domain.ids import BayId, BayRef, BookingId, ChargingId, JobId, ModuleId, Plate, SpotId, parse_bay
from domain.outputs import Opcode
from scheduler.arrivals import NO_ARRIVALS, Arrivals, learn_arrival
from scheduler.calibration import Calibration
from scheduler.habits import UNKNOWN_CROWD, Habit, faintest, learn_crowd, learn_departure
from scheduler.measured import dwell_part

HABITS_KEPT = 2000
"""Plates whose habits are remembered: more than twice the households of a large compound."""

ENDED_JOBS_KEPT = 500
OPEN_ENDS = frozenset({"done", "cancelled"})
_PLUGGED = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"})
ENDED_BOOKINGS_KEPT = 500


@dataclass(slots=True)
class Memory:
    """Everything that survives a restart."""

    seq: int = 0
    garage: str = "starting"
    garage_reason: str = ""
    halted_in: str = ""
    """The mode in which the controller halted itself, with its reason; empty if it never did."""
    halted_reason: str = ""
    night: str = NIGHT.initial
    """State of the NIGHT table."""
    parked: dict[Plate, ParkedCar] = field(default_factory=dict)
    jobs: dict[JobId, Job] = field(default_factory=dict)
    modules: dict[ModuleId, ModuleMemory] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    spots: dict[SpotId, SpotMemory] = field(default_factory=dict)
    chargings: dict[ChargingId, Charging] = field(default_factory=dict)
    pin_failures: dict[Plate, tuple[int, int]] = field(default_factory=dict)
    job_count: int = 0
    charging_count: int = 0
    booking_count: int = 0
    bookings: dict[BookingId, Booking] = field(default_factory=dict)
    ended_bookings: list[BookingId] = field(default_factory=list)
    ended: list[JobId] = field(default_factory=list)
    habits: dict[Plate, Habit] = field(default_factory=dict)
    crowd: Habit = UNKNOWN_CROWD
    """The habit of all cars together, by which a newcomer is judged."""
    arrivals: Arrivals = NO_ARRIVALS
    calibration: Calibration = field(default_factory=Calibration)
    out_of_service: dict[str, Outage] = field(default_factory=dict)
    """By the part's name (`domain.parts`)."""
    alarms: AlarmBook = field(default_factory=AlarmBook)
    maintenance: MaintenanceBook = field(default_factory=MaintenanceBook)
    car_at: dict[BayId, Plate] = field(default_factory=dict)
    open_jobs: dict[ModuleId, list[JobId]] = field(default_factory=dict)

    def module(self, module: ModuleId) -> ModuleMemory:
        """The module's record, made at first use."""
        return self.modules.setdefault(module, ModuleMemory())

    def spot(self, spot: SpotId) -> SpotMemory:
        """The spot's record, made at first use."""
        return self.spots.setdefault(spot, SpotMemory())

    @property
    def next_job(self) -> JobId:
        """Name of the job that is queued next."""
        return JobId(f"J{self.job_count + 1:06d}")

    def job_of(self, plate: Plate) -> Job | None:
        """The open job of a car, if any."""
        for jobs in self.open_jobs.values():
            for job in jobs:
                if self.jobs[job].plate == plate:
                    return self.jobs[job]
        return None

    def charging_of(self, plate: Plate) -> Charging | None:
        """The running charging session of a car, if any."""
        for spot in self.spots.values():
            if spot.charging is not None and self.chargings[spot.charging].plate == plate:
                return self.chargings[spot.charging]
        return None

    def replay(self, recorded: Iterable[Recorded]) -> Memory:
        """Apply events in order; returns itself."""
        for record in recorded:
            self.apply(record)
        return self

    def apply(self, record: Recorded) -> None:
        """Fold one event in."""
        _APPLY[type(record.event)](self, record.event, record.utc_ms)
        # Only now: an event that could not be folded in has not happened.
        self.seq = record.seq

    def to_state(self) -> dict[str, Any]:
        """A JSON-ready snapshot; `from_state` reads it back."""
        state = asdict(self)
        for derived in ("car_at", "open_jobs"):
            del state[derived]
        return state

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Memory:
        """The memory that `to_state` wrote."""
        memory = cls(
            seq=state["seq"],
            garage=state["garage"],
            garage_reason=state["garage_reason"],
            halted_in=state.get("halted_in", ""),
            halted_reason=state.get("halted_reason", ""),
            night=state.get("night", NIGHT.initial),
            links=dict(state["links"]),
            job_count=state["job_count"],
            charging_count=state["charging_count"],
            booking_count=state.get("booking_count", 0),
            ended_bookings=list(state.get("ended_bookings", ())),
            ended=list(state["ended"]),
            pin_failures={p: (v[0], v[1]) for p, v in state["pin_failures"].items()},
        )
        # A snapshot of an earlier version has no habits; they are learnt anew.
        memory.habits = {plate: Habit.from_state(habit) for plate, habit in state.get("habits", {}).items()}
        memory.crowd = Habit.from_state(state["crowd"]) if "crowd" in state else UNKNOWN_CROWD
        memory.arrivals = Arrivals.from_state(state["arrivals"]) if "arrivals" in state else NO_ARRIVALS
        memory.calibration = Calibration.from_state(state.get("calibration", {}).get("scores", ()))
        for car in state["parked"].values():
            memory._park(ParkedCar.from_state(car))
        for name, job in state["jobs"].items():
            memory.jobs[name] = Job.from_state(job)
            if memory.jobs[name].is_open:
                memory.open_jobs.setdefault(memory.jobs[name].module, []).append(name)
        memory.bookings = {name: Booking.from_state(booking) for name, booking in state.get("bookings", {}).items()}
        memory.alarms = AlarmBook.from_state(state.get("alarms"))
        memory.maintenance = MaintenanceBook.from_state(state.get("maintenance"))
        memory.out_of_service = {part: Outage(**mark) for part, mark in state.get("out_of_service", {}).items()}
        memory.modules = {name: ModuleMemory.from_state(module) for name, module in state["modules"].items()}
        memory.spots = {name: SpotMemory(**spot) for name, spot in state["spots"].items()}
        memory.chargings = {name: Charging.from_state(charging) for name, charging in state["chargings"].items()}
        return memory

    def _park(self, car: ParkedCar) -> None:
        self.parked[car.plate] = car
        self.car_at[car.bay] = car.plate

    def _car_registered(self, event: CarRegistered, utc_ms: int) -> None:
        self._park(ParkedCar(event.plate, event.vehicle, event.bay, event.pin_digest, utc_ms))

    def _car_struck(self, event: CarStruck, utc_ms: int) -> None:
        del self.parked[event.plate]
        del self.car_at[event.bay]
        self.pin_failures.pop(event.plate, None)

    def _car_parked(self, event: CarParked, utc_ms: int) -> None:
        self.arrivals = learn_arrival(self.arrivals, utc_ms)
        self._park(ParkedCar(event.plate, event.vehicle, event.bay, event.pin_digest, utc_ms))

    def _car_left(self, event: CarLeft, utc_ms: int) -> None:
        del self.parked[event.plate]
        del self.car_at[event.bay]
        self.pin_failures.pop(event.plate, None)
        known = self.habits.get(event.plate)
        self.crowd = learn_crowd(self.crowd, known, event.parked_utc_ms, event.left_utc_ms)
        if known is None and len(self.habits) >= HABITS_KEPT:
            del self.habits[faintest(self.habits, event.left_utc_ms)]
        self.habits[event.plate] = learn_departure(known, event.parked_utc_ms, event.left_utc_ms)

    def _job_queued(self, event: JobQueued, utc_ms: int) -> None:
        module = parse_bay(event.bay).module
        self.job_count += 1
        self.jobs[event.job] = Job(
            event.job,
            event.kind,
            event.plate,
            event.vehicle,
            event.bay,
            module,
            event.pin_digest,
            utc_ms,
            priority=event.priority,
            booking=event.booking,
            due_utc_ms=event.due_utc_ms,
            came_utc_ms=utc_ms if event.booking is None else None,
        )
        if event.booking is not None:
            self.bookings[event.booking].job = event.job
        self.open_jobs.setdefault(module, []).append(event.job)

    def _job_advanced(self, event: JobAdvanced, utc_ms: int) -> None:
        job = self.jobs[event.job]
        job.state = event.state
        job.since_utc_ms = utc_ms
        if event.why:
            job.why = event.why
        if event.state == "standing_by":
            job.stood_utc_ms = utc_ms
        elif event.state == "preparing":
            job.session_state = None  # not the first time, if its pallet has been put away from the gate
        if event.state in OPEN_ENDS:
            job.ended_utc_ms = utc_ms
            queue = self.open_jobs[job.module]
            queue.remove(job.id)
            if not queue:
                del self.open_jobs[job.module]
            self.ended.append(job.id)
            if len(self.ended) > ENDED_JOBS_KEPT:
                del self.jobs[self.ended.pop(0)]

    def _driver_came(self, event: DriverCame, utc_ms: int) -> None:
        job = self.jobs[event.job]
        job.came_utc_ms = utc_ms
        job.vehicle, job.pin_digest, job.priority = event.vehicle, event.pin_digest, event.priority

    def _job_moved_to_bay(self, event: JobMovedToBay, utc_ms: int) -> None:
        job = self.jobs[event.job]
        job.bay = event.bay
        job.why = event.why

    def _job_estimated(self, event: JobEstimated, utc_ms: int) -> None:
        job = self.jobs[event.job]
        job.estimate_ms = (event.low_ms, event.wait_ms, event.high_ms)
        job.estimated_utc_ms = utc_ms
        job.planned_ms = event.wait_ms if event.planned_ms is None else event.planned_ms
        job.dwells = event.ahead if event.dwells is None else event.dwells
        job.told_level = job.level

    def _booking_made(self, event: BookingMade, utc_ms: int) -> None:
        self.booking_count += 1
        self.bookings[event.booking] = Booking(
            event.booking,
            event.plate,
            event.vehicle,
            event.pin_digest,
            event.kind,
            event.minute_of_day,
            event.repeat,
            event.due_utc_ms,
        )

    def _booking_changed(self, event: BookingChanged, utc_ms: int) -> None:
        booking = self.bookings[event.booking]
        booking.minute_of_day, booking.repeat = event.minute_of_day, event.repeat
        booking.due_utc_ms = event.due_utc_ms

    def _booking_advanced(self, event: BookingAdvanced, utc_ms: int) -> None:
        booking = self.bookings[event.booking]
        booking.state, booking.due_utc_ms, booking.why = event.state, event.due_utc_ms, event.why
        if event.state == "planned":
            booking.job = None
            self.ended_bookings.remove(booking.id)
        elif event.state in BOOKING_ENDS:
            self.ended_bookings.append(booking.id)
            if len(self.ended_bookings) > ENDED_BOOKINGS_KEPT:
                del self.bookings[self.ended_bookings.pop(0)]

    def _session_advanced(self, event: SessionAdvanced, utc_ms: int) -> None:
        job = self.jobs[event.job]
        job.session_state = event.state
        if event.state == "closing":
            job.dwelt_ms = event.dwelt_ms
        elif event.state == "closed" and job.dwelt_ms is not None and not job.withdrawn:
            self.module(job.module).learn(dwell_part(job.kind), job.dwelt_ms)
        if event.state == "open" and job.opened_utc_ms is None:
            job.opened_utc_ms = utc_ms
            if job.estimate_ms is not None:
                waited_ms = max(0, utc_ms - job.estimated_utc_ms)
                self.calibration = self.calibration.learnt(job.dwells, job.told_level, job.planned_ms, waited_ms)

    def _motion_requested(self, event: MotionRequested, utc_ms: int) -> None:
        module = self.module(event.module)
        module.last_command_id = event.command_id
        module.motions[event.mailbox] = MotionRecord(
            event.mailbox,
            event.command_id,
            event.opcode,
            event.first,
            event.second,
            event.deadline_ms,
            event.job,
            not module.motions,
        )

    def _motion_ended(self, event: MotionEnded, utc_ms: int) -> None:
        module = self.module(event.module)
        motion = module.motions.pop(event.mailbox)
        opcode = Opcode(motion.opcode).plain
        self.maintenance.moved(event, opcode, motion.first, motion.second)
        part = part_of(opcode, motion.mailbox)
        if event.took_ms is not None and part is not None and motion.alone:
            module.learn(part, event.took_ms)
        if opcode is Opcode.SLIDE:
            if event.result == "done":
                module.unfinished.pop(event.mailbox, None)
            else:
                module.unfinished[event.mailbox] = (motion.first, motion.second)
        elif opcode is Opcode.RESET and event.result == "done":
            module.faults = ()
        elif opcode in (Opcode.LOWER, Opcode.RAISE):
            lowered = opcode is Opcode.LOWER and event.result == "done"
            module.down = BayRef(event.module, motion.mailbox, motion.first).name if lowered else None

    def _module_advanced(self, event: ModuleAdvanced, utc_ms: int) -> None:
        module = self.module(event.module)
        module.state = event.state
        module.reasons = event.reasons
        if event.state == "ready":
            module.faults = ()
            module.unconfirmed = False
        elif event.state in ("locked", "manual", "maintenance"):
            module.unconfirmed = True

    def _fault_raised(self, event: FaultRaised, utc_ms: int) -> None:
        module = self.module(event.module)
        if event.number not in module.faults:
            module.faults = (*module.faults, event.number)

    def _noted(self, event: FaultsReset | ModuleConfirmed | StanceTaken | CommandRefused, utc_ms: int) -> None:
        """Who did it is for the journal; what it changes comes with the events that follow."""

    def _manual_taken(self, event: ManualTaken, utc_ms: int) -> None:
        self.module(event.module).manual = ManualHolder(event.operator, event.reason, event.token_digest, utc_ms)

    def _manual_released(self, event: ManualReleased, utc_ms: int) -> None:
        self.module(event.module).manual = None

    def _bypass_asked(self, event: BypassAsked, utc_ms: int) -> None:
        self.module(event.module).bypass = BypassRecord(event.interlock, event.reason)

    def _bypass_granted(self, event: BypassGranted, utc_ms: int) -> None:
        bypass = self.module(event.module).bypass
        if bypass is not None:
            bypass.second = event.second

    def _bypass_ended(self, event: BypassEnded, utc_ms: int) -> None:
        self.module(event.module).bypass = None

    def _lock_hung(self, event: LockHung, utc_ms: int) -> None:
        self.module(event.module).locks[event.operator] = Lock(event.reason, utc_ms)

    def _lock_removal_asked(self, event: LockRemovalAsked, utc_ms: int) -> None:
        lock = self.module(event.module).locks[event.owner]
        lock.removal = LockRemoval(event.operator, event.reason, utc_ms)

    def _lock_removed_for_owner(self, event: LockRemovedForOwner, utc_ms: int) -> None:
        del self.module(event.module).locks[event.owner]

    def _lock_removed(self, event: LockRemoved, utc_ms: int) -> None:
        del self.module(event.module).locks[event.operator]

    def _part_taken_out(self, event: PartTakenOut, utc_ms: int) -> None:
        self.out_of_service[event.part] = Outage(event.reason, event.operator, utc_ms)

    def _part_put_back(self, event: PartPutBack, utc_ms: int) -> None:
        del self.out_of_service[event.part]

    def _night_advanced(self, event: NightAdvanced, utc_ms: int) -> None:
        self.night = event.state

    def _garage_advanced(self, event: GarageAdvanced, utc_ms: int) -> None:
        if event.state == "halted" != self.garage:
            self.halted_in, self.halted_reason = self.garage, self.garage_reason
        self.garage = event.state
        self.garage_reason = event.reason
        self.alarms.open_since(utc_ms)
        self.maintenance.open_since(utc_ms)

    def _counters_read(self, event: CountersRead, utc_ms: int) -> None:
        self.maintenance.counters_read(event, utc_ms)

    def _work_recorded(self, event: WorkRecorded, utc_ms: int) -> None:
        self.maintenance.work_recorded(event, utc_ms)

    def _alarm(self, event: AlarmEvent, utc_ms: int) -> None:
        self.alarms.apply(event, utc_ms)

    def _link_advanced(self, event: LinkAdvanced, utc_ms: int) -> None:
        self.links[event.device] = event.state

    def _job_withdrawn(self, event: JobWithdrawn, utc_ms: int) -> None:
        self.jobs[event.job].withdrawn = True

    def _job_overdue(self, event: JobOverdue, utc_ms: int) -> None:
        job = self.jobs[event.job]
        job.overdue, job.overdue_in = True, event.state

    def _pin_rejected(self, event: PinRejected, utc_ms: int) -> None:
        self.pin_failures[event.plate] = (self.pin_failures.get(event.plate, (0, 0))[0] + 1, utc_ms)

    def _pin_accepted(self, event: PinAccepted, utc_ms: int) -> None:
        self.pin_failures.pop(event.plate, None)

    def _spot_advanced(self, event: SpotAdvanced, utc_ms: int) -> None:
        spot = self.spot(event.spot)
        spot.state = event.state
        if spot.charging is not None and event.state in _PLUGGED:
            self.chargings[spot.charging].plugged = True

    def _charging_started(self, event: ChargingStarted, utc_ms: int) -> None:
        self.charging_count += 1
        self.spot(event.spot).charging = event.charging
        self.chargings[event.charging] = Charging(
            event.charging, event.spot, event.plate, event.pin_digest, utc_ms, utc_ms, event.energy_total_wh
        )

    def _energy_metered(self, event: EnergyMetered, utc_ms: int) -> None:
        charging = self.chargings[event.charging]
        charging.slices.append((event.from_utc_ms, event.to_utc_ms, event.energy_wh))
        charging.metered_utc_ms = event.to_utc_ms
        charging.metered_total_wh += event.energy_wh

    def _charging_ended(self, event: ChargingEnded, utc_ms: int) -> None:
        self.chargings[event.charging].ended_utc_ms = utc_ms
        self.spot(event.spot).charging = None
        over = [name for name, charging in self.chargings.items() if charging.ended_utc_ms is not None]
        for name in over[: max(0, len(over) - ENDED_JOBS_KEPT)]:
            del self.chargings[name]


_APPLY: dict[type[Event], Any] = {
    CarRegistered: Memory._car_registered,
    CarStruck: Memory._car_struck,
    CarParked: Memory._car_parked,
    CarLeft: Memory._car_left,
    JobQueued: Memory._job_queued,
    JobAdvanced: Memory._job_advanced,
    DriverCame: Memory._driver_came,
    JobMovedToBay: Memory._job_moved_to_bay,
    JobEstimated: Memory._job_estimated,
    StanceTaken: Memory._noted,
    BookingMade: Memory._booking_made,
    BookingChanged: Memory._booking_changed,
    BookingAdvanced: Memory._booking_advanced,
    SessionAdvanced: Memory._session_advanced,
    MotionRequested: Memory._motion_requested,
    MotionEnded: Memory._motion_ended,
    ModuleAdvanced: Memory._module_advanced,
    ModuleConfirmed: Memory._noted,
    CommandRefused: Memory._noted,
    PartTakenOut: Memory._part_taken_out,
    PartPutBack: Memory._part_put_back,
    ManualTaken: Memory._manual_taken,
    ManualReleased: Memory._manual_released,
    BypassAsked: Memory._bypass_asked,
    BypassGranted: Memory._bypass_granted,
    BypassEnded: Memory._bypass_ended,
    LockHung: Memory._lock_hung,
    LockRemoved: Memory._lock_removed,
    LockRemovalAsked: Memory._lock_removal_asked,
    LockRemovedForOwner: Memory._lock_removed_for_owner,
    FaultRaised: Memory._fault_raised,
    FaultsReset: Memory._noted,
    GarageAdvanced: Memory._garage_advanced,
    NightAdvanced: Memory._night_advanced,
    LinkAdvanced: Memory._link_advanced,
    JobOverdue: Memory._job_overdue,
    JobWithdrawn: Memory._job_withdrawn,
    PinRejected: Memory._pin_rejected,
    PinAccepted: Memory._pin_accepted,
    SpotAdvanced: Memory._spot_advanced,
    ChargingStarted: Memory._charging_started,
    EnergyMetered: Memory._energy_metered,
    ChargingEnded: Memory._charging_ended,
    CountersRead: Memory._counters_read,
    WorkRecorded: Memory._work_recorded,
    **dict.fromkeys(ALARM_EVENTS, Memory._alarm),
}
