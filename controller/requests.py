"""What people may ask for now, and what it turns into.

Decides on every command: accepted with events, or refused with reasons and without a trace of
change. Bay and spot are chosen by the scheduler's policy among what is allowed here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from controller import danger
from controller.alarm_commands import handle_alarm
from controller.bookings import Bookings, waiting_driver
from controller.charging import ChargingControl
from controller.estimates import Estimates
from controller.machines import GARAGE, JOB
from controller.maintenance import record_work
from controller.module import ModuleControl
from controller.motions import motor_w
from controller.outage import put_back, take_out
from controller.records import Booking, Job, ParkedCar
from controller.refusal_log import RefusalLog
from controller.scan import Scan
from controller.surroundings import arrival_of, surroundings_of
from domain.booking import BookingKind
from domain.commands import (
    Accepted,
    AcknowledgeAlarm,
    AskLockRemoval,
    ByHand,
    CancelBooking,
    CancelJob,
    ChangeBooking,
    Command,
    ConfirmClear,
    ConfirmModule,
    EndHold,
    EnterCar,
    GrantLockRemoval,
    HangLock,
    HoldGarage,
    JogMove,
    MakeBooking,
    PauseGarage,
    ProvePin,
    PutAlarmBack,
    PutBack,
    RecordWork,
    Refused,
    RemoveLock,
    Reply,
    RequestRetrieval,
    RequestStorage,
    ResetAlarm,
    ResetFaults,
    ResumeGarage,
    ShelveAlarm,
    StartCharging,
    StopCharging,
    StrikeCar,
    TakeAlarmOut,
    TakeOut,
    UnshelveAlarm,
)
from domain.events import (
    CarRegistered,
    CarStruck,
    ChargingStarted,
    DriverCame,
    GarageAdvanced,
    JobAdvanced,
    JobQueued,
    JobWithdrawn,
    PinAccepted,
    PinRejected,
)
from domain.grid import ModuleLayout
from domain.ids import BayId, ChargingId, JobId, ModuleId, Plate, SpotId, parse_bay
from domain.reasons import ReasonCode, because
from domain.refusals import Refusal, RefusalCode
from domain.signals import ModuleImage
from domain.site import Site
from domain.vehicle import Vehicle
from scheduler.placement import Placed, Surroundings, fits_anywhere
from scheduler.policy import Policy
from scheduler.reach import takes_cars

_UNREADY = {
    "locked": RefusalCode.MODULE_LOCKED,
    "manual": RefusalCode.MODULE_MANUAL,
    "maintenance": RefusalCode.MODULE_MAINTENANCE,
}


class Requests:
    """Answers commands against the memory and the state of the modules."""

    def __init__(
        self,
        site: Site,
        policy: Policy,
        modules: dict[ModuleId, ModuleControl],
        charging: ChargingControl,
        estimates: Estimates,
    ) -> None:
        self._site = site
        self._policy = policy
        self._modules = modules
        self._charging = charging
        self._estimates = estimates
        self._refusals = RefusalLog(modules)
        self.bookings = Bookings(site, self._check_pin, self._bay_for, self._touch)

    def _touch(self, module: ModuleId) -> None:
        self._modules[module].touched = True

    def answer(self, scan: Scan, command: Command) -> Reply:
        """Decide one command; a refusal is recorded with its reasons."""
        reply = self._decide(scan, command)
        if isinstance(reply, Refused):
            self._refusals.note(scan, command, reply)
        return reply

    def _decide(self, scan: Scan, command: Command) -> Reply:
        match command:
            case RequestStorage():
                return self._store(scan, command)
            case RequestRetrieval():
                return self._retrieve(scan, command)
            case ConfirmClear():
                return self._danger(scan) or self._confirm_clear(scan, command)
            case CancelJob():
                return self._cancel(scan, command)
            case MakeBooking():
                return self._closed(scan) or self.bookings.make(scan, command)
            case ChangeBooking():
                return self._closed(scan) or self.bookings.change(scan, command)
            case CancelBooking():
                return self.bookings.cancel(scan, command)
            case ProvePin():
                return self.bookings.prove(scan, command)
            case StartCharging():
                return self._start_charging(scan, command)
            case StopCharging():
                return self._stop_charging(scan, command)
            case ConfirmModule(module=name):
                return self._on_module(name, lambda m: m.confirm(scan, command.operator))
            case ResetFaults(module=name):
                return self._on_module(name, lambda m: m.reset_faults(scan, command.operator))
            case EnterCar():
                return self._enter_car(scan, command)
            case StrikeCar():
                return self._strike_car(scan, command)
            case TakeOut():
                return take_out(scan, self._site, command, self._touch)
            case PutBack():
                return put_back(scan, self._site, command, self._touch)
            case PauseGarage():
                return self._set_mode(scan, "automatic", "pause", f"{command.operator}: {command.reason}")
            case ResumeGarage():
                return self._set_mode(scan, "paused", "resume", command.operator)
            case AcknowledgeAlarm() | ResetAlarm() | ShelveAlarm() | UnshelveAlarm() | TakeAlarmOut() | PutAlarmBack():
                return handle_alarm(scan, self._site, command)
            case HoldGarage():
                return danger.hold(scan, command)
            case EndHold():
                return danger.end(scan, command, self.heard(scan))
            case RecordWork():
                return record_work(scan, self._site, command)
            case HangLock() | RemoveLock() | AskLockRemoval() | GrantLockRemoval():
                return self._on_module(command.module, lambda m: m.lock_out(scan, command))
            case _:
                return self._by_hand(scan, command)

    # -- parking and fetching ----------------------------------------------------------------------

    def _closed(self, scan: Scan) -> Refused | None:
        """Why no new work is taken at all."""
        if scan.memory.garage == "halted":
            return Refused.because(RefusalCode.GARAGE_HALTED, scan.memory.garage_reason)
        resting = self._danger(scan)
        if resting is not None:
            return resting
        if scan.memory.garage == "paused":
            return Refused.because(RefusalCode.GARAGE_PAUSED, scan.memory.garage_reason)
        if not scan.inputs.journal_ok:
            return Refused.because(RefusalCode.JOURNAL_AWAY)
        return None

    def _danger(self, scan: Scan) -> Refused | None:
        """Why not even a running session goes on."""
        code = danger.RESTS.get(scan.memory.garage)
        return None if code is None else Refused.because(code, scan.memory.garage_reason)

    def heard(self, scan: Scan) -> dict[ModuleId, ModuleImage]:
        """The images of those modules whose PLCs answer now."""
        links, images = scan.inputs.module_links, scan.inputs.modules
        stale_ms = self._site.patience.link_stale_ms
        return {name: image for name, image in images.items() if name in links and links[name].age_ms <= stale_ms}

    def _store(self, scan: Scan, command: RequestStorage) -> Reply:
        closed = self._closed(scan)
        if closed is not None:
            return closed
        plate, vehicle = command.plate, command.vehicle
        if plate in scan.memory.parked:
            return Refused.because(RefusalCode.ALREADY_PARKED, plate)
        booked = waiting_driver(scan.memory, plate, "storage")
        if booked is not None and self._still_fits(booked, command):
            return self._came_home(scan, booked, command)
        if scan.memory.job_of(plate) is not None and not self._gave_up(scan, booked):
            return Refused.because(RefusalCode.JOB_OPEN, plate)
        if not fits_anywhere(vehicle, self._site.modules):
            return Refused((self._too_large(command),))
        leaves_utc_ms = self.bookings.leaving_utc_ms(scan, command)
        if isinstance(leaves_utc_ms, Refused):
            return leaves_utc_ms
        around = self._surroundings(scan)
        if not around.modules:
            return Refused(self._why_not_ready(scan))
        placed = self._place(scan, plate, vehicle, around, leaves_utc_ms)
        if placed is None:
            any_free = any(offer.free for offer in around.modules.values())
            return Refused.because(RefusalCode.NO_FITTING_BAY if any_free else RefusalCode.GARAGE_FULL)
        job = scan.memory.next_job
        scan.emit(JobQueued(job, "storage", plate, vehicle, placed.bay, command.pin_digest, why=placed.why))
        if leaves_utc_ms is not None:
            self.bookings.make_for_stored(scan, command, leaves_utc_ms)
        return self._queued(scan, job)

    def _came_home(self, scan: Scan, booked: Job, command: RequestStorage) -> Reply:
        """The driver of a booked arrival is here, and may tell when the car is wanted again."""
        leaves_utc_ms = self.bookings.leaving_utc_ms(scan, command)
        if isinstance(leaves_utc_ms, Refused):
            return leaves_utc_ms
        if leaves_utc_ms is not None:
            self.bookings.make_for_stored(scan, command, leaves_utc_ms)
        return self._driver_came(scan, booked, command.vehicle, command.pin_digest, "normal")

    def _still_fits(self, booked: Job, command: RequestStorage) -> bool:
        """Whether the car that came fits the bay that was kept for it."""
        return not self._site.layout[booked.module].misfits(command.vehicle, booked.level)

    def _gave_up(self, scan: Scan, booked: Job | None) -> bool:
        """Let a kept bay go that the car does not fit; False while its pallet moves."""
        if booked is None or booked.state not in ("queued", "standing_by"):
            return False
        if booked.state == "queued":
            scan.emit(JobAdvanced(booked.id, JOB.next("queued", "cancel"), (because(ReasonCode.BAY_TOO_SMALL),)))
        else:
            scan.emit(JobWithdrawn(booked.id))
        self._touch(booked.module)
        return True

    def _driver_came(self, scan: Scan, job: Job, vehicle: Vehicle, pin_digest: str, priority: str) -> Reply:
        scan.emit(DriverCame(job.id, vehicle, pin_digest, priority))
        return self._queued(scan, job.id)

    def _queued(self, scan: Scan, name: JobId) -> Reply:
        """Somebody waits: the module hears of it, and the driver how long it will take."""
        job = scan.memory.jobs[name]
        self._touch(job.module)
        self._estimates.tell(scan, self._modules[job.module].columns, job)
        return Accepted(name)

    def _bay_for(self, scan: Scan, booking: Booking) -> BayId | None:
        """Where a booking that is due soon can be served now."""
        if self._closed(scan) is not None or scan.memory.job_of(booking.plate) is not None:
            return None
        car = scan.memory.parked.get(booking.plate)
        if booking.kind == BookingKind.DEPARTURE:
            return car.bay if car is not None and self._against_bringing(scan, car) is None else None
        if car is not None:
            return None
        placed = self._place(scan, booking.plate, booking.vehicle, self._surroundings(scan))
        return placed.bay if placed is not None else None

    def _too_large(self, command: RequestStorage) -> Refusal:
        layout = self._site.modules[0]
        why = min(
            (lay.misfits(command.vehicle, level.number) for lay in self._site.modules for level in lay.levels),
            key=len,
            default=(),
        )
        detail: dict[str, int | str] = {
            "length_mm_max": layout.car_length_mm_max,
            "width_mm_max": layout.car_width_mm_max,
            "mass_kg_max": layout.car_mass_kg_max,
        }
        return Refusal(RefusalCode.VEHICLE_TOO_LARGE, ", ".join(why), detail)

    def _surroundings(self, scan: Scan) -> Surroundings:
        def usable(layout: ModuleLayout) -> tuple[ModuleLayout, Collection[BayId]]:
            module = self._modules[layout.id]
            now = module.layout_now(scan.memory)
            return now, now.bay_names if now.is_whole else takes_cars(now, module.columns)

        return surroundings_of(self._site, scan.memory, scan.moment.utc_ms, usable)

    def _place(
        self, scan: Scan, plate: Plate, vehicle: Vehicle, around: Surroundings, leaves_utc_ms: int | None = None
    ) -> Placed | None:
        arrival = arrival_of(self._site, scan.memory, plate, vehicle, scan.moment.utc_ms, leaves_utc_ms)
        return self._policy.placement(arrival, around)

    def _why_not_ready(self, scan: Scan) -> tuple[Refusal, ...]:
        causes = (Refusal(self._unready_code(scan, layout.id), layout.id) for layout in self._site.modules)
        return (Refusal(RefusalCode.NO_MODULE_READY), *causes)

    def _unready_code(self, scan: Scan, module: ModuleId) -> RefusalCode:
        if scan.memory.links.get(module) == "incompatible":
            return RefusalCode.INCOMPATIBLE_PLC
        return _UNREADY.get(scan.memory.module(module).state, RefusalCode.LINK_DOWN)

    def _retrieve(self, scan: Scan, command: RequestRetrieval) -> Reply:
        closed = self._closed(scan)
        if closed is not None:
            return closed
        car = scan.memory.parked.get(command.plate)
        job = scan.memory.job_of(command.plate)
        if car is None:
            code = RefusalCode.UNKNOWN_PLATE if job is None else RefusalCode.JOB_OPEN
            return Refused.because(code, command.plate)
        wrong = self._check_pin(scan, command.plate, car.pin_digest, command.pin_digest)
        if wrong is not None:
            return wrong
        booked = waiting_driver(scan.memory, command.plate, "retrieval")
        if booked is not None:
            return self._driver_came(scan, booked, car.vehicle, car.pin_digest, command.priority)
        if job is not None:
            return Refused.because(RefusalCode.ALREADY_COMING, job.id)
        against = self._against_bringing(scan, car)
        if against is not None:
            return against
        name = scan.memory.next_job
        scan.emit(JobQueued(name, "retrieval", car.plate, car.vehicle, car.bay, car.pin_digest, command.priority))
        return self._queued(scan, name)

    def _against_bringing(self, scan: Scan, car: ParkedCar) -> Refused | None:
        ref = parse_bay(car.bay)
        if scan.memory.module(ref.module).state != "ready":
            return Refused.because(self._unready_code(scan, ref.module), ref.module)
        why = self._modules[ref.module].against_bringing(scan.memory, ref)
        return None if why is None else Refused((why,))

    def _check_pin(self, scan: Scan, plate: Plate, right: str, given: str) -> Refused | None:
        count, last_utc_ms = scan.memory.pin_failures.get(plate, (0, 0))
        patience = self._site.patience
        if count >= patience.pin_attempts and scan.moment.utc_ms < last_utc_ms + patience.pin_lock_ms:
            return Refused.because(RefusalCode.PIN_LOCKED, plate)
        if given != right:
            scan.emit(PinRejected(plate))
            return Refused.because(RefusalCode.WRONG_PIN, plate)
        if count:
            scan.emit(PinAccepted(plate))
        return None

    def _confirm_clear(self, scan: Scan, command: ConfirmClear) -> Reply:
        job = scan.memory.jobs.get(command.job)
        if job is None:
            return Refused.because(RefusalCode.UNKNOWN_JOB, command.job)
        reasons = self._modules[job.module].confirm_clear(scan, job)
        return Refused(reasons) if reasons else Accepted(job.id)

    def _cancel(self, scan: Scan, command: CancelJob) -> Reply:
        job = scan.memory.jobs.get(command.job)
        if job is None:
            return Refused.because(RefusalCode.UNKNOWN_JOB, command.job)
        module = self._modules[job.module]
        if job.state == "queued":
            scan.emit(JobAdvanced(job.id, JOB.next("queued", "cancel")))
            module.touched = True
            return Accepted(job.id)
        if job.state == "standing_by":
            scan.emit(JobWithdrawn(job.id))
            module.touched = True
            return Accepted(job.id)
        resting = self._danger(scan)
        if resting is not None:
            return resting
        if job.state == "at_gate" and job.session_state == "open":
            reasons = module.withdraw(scan, job)
            return Refused(reasons) if reasons else Accepted(job.id)
        return Refused.because(RefusalCode.JOB_TOO_FAR, job.id)

    # -- charging ----------------------------------------------------------------------------------

    def _start_charging(self, scan: Scan, command: StartCharging) -> Reply:
        closed = self._closed(scan)
        if closed is not None:
            return closed
        if scan.memory.charging_of(command.plate) is not None:
            return Refused.because(RefusalCode.JOB_OPEN, command.plate)
        if command.spot is not None and command.spot not in self._site.spot:
            return Refused.because(RefusalCode.UNKNOWN_SPOT, command.spot)
        wanted = [command.spot] if command.spot is not None else [spec.id for spec in self._site.spots]
        # A driver who names the spot may have plugged in already; to others it is taken.
        states = ("Available", "Finishing") if command.spot is not None else ("Available",)
        usable = [name for name in wanted if self._is_free(scan, name, states)]
        if not usable:
            return self._no_spot(scan, command.spot)
        name = usable[0]
        reading_wh = self._charging.reading_wh(name)
        if reading_wh is None:
            return Refused.because(RefusalCode.SPOT_OFFLINE, name)
        charging = ChargingId(f"C{scan.memory.charging_count + 1:06d}")
        scan.emit(ChargingStarted(charging, name, command.plate, command.pin_digest, reading_wh))
        self._charging.grant(scan, name)
        return Accepted(charging)

    def _is_free(self, scan: Scan, name: SpotId, states: tuple[str, ...]) -> bool:
        memory = scan.memory.spot(name)
        return memory.charging is None and memory.state in states

    def _no_spot(self, scan: Scan, spot: SpotId | None) -> Refused:
        if spot is None:
            return Refused.because(RefusalCode.ALL_SPOTS_TAKEN)
        offline = scan.memory.spot(spot).state in ("Unavailable", "Faulted")
        return Refused.because(RefusalCode.SPOT_OFFLINE if offline else RefusalCode.SPOT_TAKEN, spot)

    def _stop_charging(self, scan: Scan, command: StopCharging) -> Reply:
        if command.spot not in self._site.spot:
            return Refused.because(RefusalCode.UNKNOWN_SPOT, command.spot)
        name = scan.memory.spot(command.spot).charging
        if name is None:
            return Refused.because(RefusalCode.NOT_CHARGING, command.spot)
        charging = scan.memory.chargings[name]
        wrong = self._check_pin(scan, charging.plate, charging.pin_digest, command.pin_digest)
        if wrong is not None:
            return wrong
        self._charging.end(scan, command.spot, "stopped by driver")
        return Accepted(name)

    # -- operators ---------------------------------------------------------------------------------

    def _on_module(self, name: ModuleId, act: Callable[[ModuleControl], tuple[Refusal, ...]]) -> Reply:
        module = self._modules.get(name)
        if module is None:
            return Refused.because(RefusalCode.UNKNOWN_MODULE, name)
        reasons = act(module)
        return Refused(reasons) if reasons else Accepted(name)

    def _by_hand(self, scan: Scan, command: ByHand) -> Reply:
        """Manual work. A motor started by hand takes its power from the same supply."""
        if isinstance(command, JogMove):
            taken_w = sum(module.motions.power_w() for module in self._modules.values())
            wanted_w = motor_w(self._site.machine, command.opcode, command.first, command.second)
            if taken_w + wanted_w > self._site.power_limit_w:
                return Refused.because(RefusalCode.NO_POWER, f"{wanted_w} W")
        return self._on_module(command.module, lambda m: m.by_hand(scan, command))

    def _enter_car(self, scan: Scan, command: EnterCar) -> Reply:
        layout = next((lay for lay in self._site.modules if command.bay in lay.offset), None)
        if layout is None:
            return Refused.because(RefusalCode.UNKNOWN_BAY, command.bay)
        if command.bay in scan.memory.car_at:
            return Refused.because(RefusalCode.BAY_TAKEN, command.bay)
        if command.plate in scan.memory.parked:
            return Refused.because(RefusalCode.ALREADY_PARKED, command.plate)
        jobs = (scan.memory.jobs[name] for name in scan.memory.open_jobs.get(layout.id, ()))
        of_bay = next((job for job in jobs if job.bay == command.bay), None)
        if scan.memory.job_of(command.plate) not in (None, of_bay):
            return Refused.because(RefusalCode.JOB_OPEN, command.plate)
        if of_bay is not None and not (of_bay.state == "returning" and self._is_locked_half_way(scan, of_bay)):
            return Refused.because(RefusalCode.JOB_OPEN, command.bay)
        scan.emit(CarRegistered(command.plate, command.vehicle, command.bay, command.pin_digest))
        return Accepted(command.bay)

    def _strike_car(self, scan: Scan, command: StrikeCar) -> Reply:
        plate = scan.memory.car_at.get(command.bay)
        if plate is None:
            known = any(command.bay in layout.offset for layout in self._site.modules)
            return Refused.because(RefusalCode.BAY_EMPTY if known else RefusalCode.UNKNOWN_BAY, command.bay)
        job = scan.memory.job_of(plate)
        if job is not None and not self._is_locked_half_way(scan, job):
            return Refused.because(RefusalCode.JOB_OPEN, plate)
        scan.emit(CarStruck(plate, command.bay, command.operator))
        if job is not None and job.state != "returning":
            # Nothing is left to bring: the pallet goes home as it is.
            scan.emit(JobAdvanced(job.id, JOB.next(job.state, "rescue")))
        return Accepted(command.bay)

    @staticmethod
    def _is_locked_half_way(scan: Scan, job: Job) -> bool:
        """Whether the sensors alone say how this job's car is, and people may set the record right by them."""
        under_way = job.state in ("preparing", "delivering", "returning")
        return under_way and scan.memory.module(job.module).state == "locked"

    def _set_mode(self, scan: Scan, needed: str, trigger: str, reason: str) -> Reply:
        if scan.memory.garage != needed:
            code = RefusalCode.GARAGE_HALTED if scan.memory.garage == "halted" else RefusalCode.GARAGE_MODE
            return Refused.because(code, scan.memory.garage)
        scan.emit(GarageAdvanced(GARAGE.next(needed, trigger), reason))
        return Accepted("garage")
