"""A garage made by hand for tests of the edge: it keeps the port's promises and does what a test says."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from controller.alarm_commands import handle_alarm
from controller.bookings import Bookings
from controller.maintenance import record_work
from controller.maintenance_book import MaintenanceBook
from controller.memory import Memory
from controller.records import ParkedCar
from controller.scan import Scan
from domain.alarms import AlarmId
from domain.booking import Repeat
from domain.commands import (
    Accepted,
    AcknowledgeAlarm,
    CancelBooking,
    CancelJob,
    ChangeBooking,
    Command,
    ConfirmClear,
    ConfirmModule,
    EndHold,
    EnterCar,
    HoldGarage,
    MakeBooking,
    PauseGarage,
    ProvePin,
    PutAlarmBack,
    PutBack,
    RecordWork,
    Refused,
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
from domain.events import AlarmRaised, BookingAdvanced, Recorded
from domain.ids import BayId, BookingId, JobId, ModuleId, Plate
from domain.moment import Moment
from domain.parts import Part, parse_part, without
from domain.reasons import ReasonCode, because
from domain.refusals import Refusal, RefusalCode
from domain.signals import Inputs
from domain.site import Site
from domain.vehicle import VEHICLE_CLASSES, Vehicle
from runtime.alarm_view import alarm_counts, alarm_list, alarm_statistics
from runtime.degraded import Degraded, reach_view
from runtime.maintenance_view import maintenance_view
from runtime.replay import event_view, knowledge
from runtime.times_view import times_view
from runtime.view import booking_view
from tests.sites import default_site

START_UTC_MS = 1_790_000_000_000
JOB_FIELDS = (
    "job",
    "kind",
    "module",
    "bay",
    "state",
    "session_state",
    "eta_s",
    "eta_spread_s",
    "overdue",
    "waiting_for_driver",
)
NO_INPUTS = Inputs({}, {}, {}, {})


def _cost(module: str, level: int, bring_s: int) -> dict[str, Any]:
    return because(
        ReasonCode.BAY_COST, level=level, bring_s=bring_s, at="07:40", module=module, busy_pct=0, queue_s=0
    ).to_json()


def refused(code: RefusalCode, about: str = "") -> Refused:
    return Refused((Refusal(code, about),))


class FakeGarage:
    """Jobs advance when a test calls `advance`, bookings are called by `call`; everything else answers at once."""

    def __init__(self, site: Site | None = None) -> None:
        self._site = site or default_site()
        self.shutting_down = asyncio.Event()
        self.commands: list[Command] = []
        self.next_refusal: RefusalCode | None = None
        self.submit_gate: asyncio.Event | None = None
        self.parked: dict[str, tuple[str, str]] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.entries: list[dict[str, Any]] = []
        self.journal: list[Recorded] = []
        self.marks: dict[str, dict[str, Any]] = {}
        self.costs = [
            {"bay": "B-2-03", "wait_ms": 95_000, "why": [_cost("B", 2, 95)]},
            {"bay": "A-3-07", "wait_ms": 150_000, "why": [_cost("A", 3, 150)]},
        ]
        self.is_ready = True
        self.recovery_fields: dict[str, Any] = {
            "switch": "manual",
            "moving": False,
            "holder": None,
            "bypass": None,
            "locks": [],
            "last_stop": None,
            "steps": [],
            "stranded": [],
            "waiting": [],
        }
        self._pin = 100_000
        self.memory = Memory()
        self._bookings = Bookings(self._site, self._check_pin, lambda scan, booking: None, lambda module: None)
        self._view = self._first_view()

    @property
    def site(self) -> Site:
        return self._site

    def outages(self) -> list[dict[str, Any]]:
        return [{"part": part, "text_en": part, "text_zh": part, **mark} for part, mark in self.marks.items()]

    def alarms(self, with_suppressed: bool = False) -> list[dict[str, Any]]:
        return alarm_list(self.memory, self._view["utc_ms"], with_suppressed=with_suppressed)

    def alarm_statistics(self) -> dict[str, Any]:
        return alarm_statistics(self.memory, self._view["utc_ms"])

    @property
    def maintenance_book(self) -> MaintenanceBook:
        return self.memory.maintenance

    def maintenance(self) -> dict[str, Any]:
        return maintenance_view(self._site, self.memory.maintenance, {}, self._view["utc_ms"])

    async def reach(self, module: str, urgent: Sequence[str] = ()) -> dict[str, Any] | None:
        layout = self._site.layout[ModuleId(module)]
        parts = [part for part in map(parse_part, self.marks) if isinstance(part, Part)]
        loaded = {p["bay"] for m in self._view["modules"] if m["id"] == module for p in m["pallets"] if p["loaded"]}
        stands = Degraded(
            without(layout, parts), self._site.machine, layout.initial_columns, frozenset(loaded), self.marks
        )
        return reach_view(stands, [BayId(bay) for bay in urgent])

    def times(self, module: str) -> dict[str, Any] | None:
        layout = self._site.layout.get(ModuleId(module))
        return None if layout is None else times_view(self._site, layout, self.memory)

    async def recovery(self, module: str) -> dict[str, Any] | None:
        found = next((one for one in self._view["modules"] if one["id"] == module), None)
        return None if found is None else {"module": module, "state": found["state"], **self.recovery_fields}

    def _first_view(self) -> dict[str, Any]:
        modules = []
        for layout in self._site.modules:
            pallets = [
                {
                    "bay": ref.name,
                    "x_mm": (layout.initial_columns[ref.level - 1][ref.index - 1] - 1) * layout.pitch_mm,
                    "z_mm": layout.level_z_mm[ref.level - 1],
                    "loaded": (ref.level * 7 + ref.index * 3 + ord(layout.id[0])) % 4 != 0,
                    "moving": False,
                    "place": "ground" if ref.level == 1 else "home",
                }
                for ref in layout.bays
            ]
            modules.append(
                {
                    "id": layout.id,
                    "columns": layout.columns,
                    "pitch_mm": layout.pitch_mm,
                    "pallet_width_mm": layout.pallet_width_mm,
                    "level_z_mm": list(layout.level_z_mm),
                    "level_height_mm": [level.height_mm for level in layout.levels],
                    "state": "ready",
                    "link": "up",
                    "gate": "closed",
                    "active_job": None,
                    "reasons": [],
                    "faults": [],
                    "zone_clear": True,
                    "pallets": pallets,
                }
            )
        spots = [
            {
                "id": spot.id,
                "state": "Available",
                "power_w": 0,
                "set_current_da": 0,
                "energy_wh": 0,
                "charging": None,
            }
            for spot in self._site.spots
        ]
        return {
            "seq": 1,
            "utc_ms": START_UTC_MS,
            "speed": 1.0,
            "simulated": True,
            "mode": "automatic",
            "night": False,
            "modules": modules,
            "spots": spots,
            "power": {"limit_w": self._site.power_limit_w, "motors_w": 0, "chargers_w": 0},
            "queue": [],
            "free_bays": 33,
            "waiting": 0,
            "bookings": {"planned": 0, "called": 0},
            "alarms": alarm_counts(self.memory),
        }

    # what a test does to the garage

    def raise_alarm(self, alarm: str, about: str = "") -> None:
        """An alarm is told."""
        self._scan().emit(AlarmRaised(AlarmId(alarm), "unacknowledged", about))
        self.change(alarms=alarm_counts(self.memory))

    def change(self, **fields: Any) -> None:
        """A new view with these fields."""
        seq = self._view["seq"] + 1
        self._view = {**self._view, **fields, "seq": seq, "utc_ms": self._view["utc_ms"] + 100}

    def change_module(self, module: str, **fields: Any) -> None:
        """A new view in which one module differs."""
        modules = [{**m, **fields} if m["id"] == module else m for m in self._view["modules"]]
        self.change(modules=modules)

    def change_pallet(self, bay: str, **fields: Any) -> None:
        """A new view in which one pallet differs."""
        module = next(m for m in self._view["modules"] if m["id"] == bay.split("-")[0])
        pallets = [{**p, **fields} if p["bay"] == bay else p for p in module["pallets"]]
        self.change_module(module["id"], pallets=pallets)

    def change_spot(self, spot: str, **fields: Any) -> None:
        """A new view in which one charging spot differs."""
        self.change(spots=[{**s, **fields} if s["id"] == spot else s for s in self._view["spots"]])

    def advance(self, job: str, state: str, session_state: str | None = None, **fields: Any) -> None:
        """Bring a job into a state."""
        record = {**self.records[job], "state": state, "session_state": session_state, **fields}
        if state in ("done", "cancelled"):
            record["ended_utc_ms"] = self._view["utc_ms"]
        if state == "done" and record["kind"] == "retrieval":
            self.parked.pop(record["plate"], None)
        self.records[job] = record
        self._publish_queue()

    def park(self, plate: str, pin: str, bay: str = "B-2-03") -> None:
        """A car that is already here."""
        self.parked[plate] = (bay, self.pin_digest(plate, pin))

    def call(self, booking: str) -> JobId:
        """The time of a booked departure comes: it becomes a job without a driver."""
        booked = self.memory.bookings[BookingId(booking)]
        self._scan().emit(BookingAdvanced(booked.id, "called", booked.due_utc_ms))
        accepted = self._open_job("retrieval", booked.plate, self.parked[booked.plate][0], {"class_code": "Z"})
        booked.job = JobId(accepted.id)
        fields = {"booking": booked.id, "due_utc_ms": booked.due_utc_ms, "waiting_for_driver": True}
        self.records[booked.job].update(fields)
        self._publish_queue()
        return booked.job

    def _scan(self) -> Scan:
        """One step of the real bookings over what is parked here."""
        self.memory.parked = {
            Plate(plate): ParkedCar(Plate(plate), VEHICLE_CLASSES["Z"], BayId(bay), digest, START_UTC_MS)
            for plate, (bay, digest) in self.parked.items()
        }
        return Scan(Moment(0, self._view["utc_ms"]), NO_INPUTS, self.memory)

    def _check_pin(self, scan: Scan, plate: Plate, right: str, given: str) -> Refused | None:
        return None if given == right else refused(RefusalCode.WRONG_PIN, plate)

    def _book(self, command: MakeBooking | ChangeBooking | CancelBooking | ProvePin) -> Reply:
        scan = self._scan()
        match command:
            case MakeBooking():
                reply = self._bookings.make(scan, command)
            case ChangeBooking():
                reply = self._bookings.change(scan, command)
            case CancelBooking():
                reply = self._bookings.cancel(scan, command)
            case ProvePin():
                reply = self._bookings.prove(scan, command)
        states = [booking.state for booking in self.memory.bookings.values()]
        self.change(bookings={state: states.count(state) for state in ("planned", "called")})
        return reply

    def _publish_queue(self) -> None:
        jobs = [job for job in self.records.values() if job["ended_utc_ms"] is None]
        waiting = sum(not job["waiting_for_driver"] for job in jobs)
        self.change(queue=[{name: job[name] for name in JOB_FIELDS} for job in jobs], waiting=waiting)

    # the port

    async def submit(self, command: Command) -> Reply:
        if self.submit_gate is not None:
            await self.submit_gate.wait()
        self.commands.append(command)
        if self.next_refusal is not None:
            code, self.next_refusal = self.next_refusal, None
            return refused(code, "A-3-07")
        return self._answer(command)

    def _answer(self, command: Command) -> Reply:
        match command:
            case RequestStorage(plate, vehicle, digest, leaves):
                if leaves is not None:
                    due_utc_ms = self._bookings.due_utc_ms(self._scan(), leaves.minute_of_day, Repeat.ONCE, leaves.day)
                    if isinstance(due_utc_ms, Refused):
                        return due_utc_ms
                    self._bookings.make_for_stored(self._scan(), command, due_utc_ms)
                self.parked[plate] = ("A-3-07", digest)
                shape = {"length_mm": vehicle.length_mm, "class_code": vehicle.class_code}
                return self._open_job("storage", plate, "A-3-07", shape)
            case RequestRetrieval(plate, digest, priority):
                return self._retrieve(plate, digest, priority)
            case ConfirmClear(job) | CancelJob(job):
                return self._word(command, job)
            case StartCharging(plate, digest, spot):
                return self._charge(plate, digest, spot)
            case StopCharging(spot, digest):
                return self._stop(spot, digest)
            case ConfirmModule(module) | ResetFaults(module):
                if module not in self._site.layout:
                    return refused(RefusalCode.UNKNOWN_MODULE, module)
                fields = {"state": "ready", "reasons": []} if isinstance(command, ConfirmModule) else {"faults": []}
                self.change_module(module, **fields)
                return Accepted(module)
            case EnterCar() | StrikeCar():
                return Accepted(command.bay)
            case MakeBooking() | ChangeBooking() | CancelBooking() | ProvePin():
                return self._book(command)
            case TakeOut(part, operator, reason):
                self.marks[part] = {"reason": reason, "operator": operator, "since_utc_ms": self._view["utc_ms"]}
                self.change()
                return Accepted(part)
            case PutBack(part):
                if self.marks.pop(part, None) is None:
                    return refused(RefusalCode.PART_NOT_OUT, part)
                self.change()
                return Accepted(part)
            case AcknowledgeAlarm() | ResetAlarm() | ShelveAlarm() | UnshelveAlarm() | TakeAlarmOut() | PutAlarmBack():
                reply = handle_alarm(self._scan(), self._site, command)
                self.change(alarms=alarm_counts(self.memory))
                return reply
            case PauseGarage():
                self.change(mode="paused")
                return Accepted("garage")
            case ResumeGarage():
                self.change(mode="automatic")
                return Accepted("garage")
            case HoldGarage(danger=danger):
                self.change(mode="fire" if danger == "fire" else "holding")
                return Accepted("garage")
            case EndHold():
                self.change(mode="paused")
                return Accepted("garage")
            case RecordWork():
                return record_work(self._scan(), self._site, command)
            case _:
                return (
                    Accepted(command.module) if command.module in self._site.layout else self._unknown(command.module)
                )

    def _unknown(self, module: str) -> Reply:
        return refused(RefusalCode.UNKNOWN_MODULE, module)

    def _retrieve(self, plate: str, digest: str, priority: str) -> Reply:
        if plate not in self.parked:
            return refused(RefusalCode.UNKNOWN_PLATE)
        bay, known = self.parked[plate]
        if digest != known:
            return refused(RefusalCode.WRONG_PIN)
        booked = next((j for j in self.records.values() if j["plate"] == plate and j["waiting_for_driver"]), None)
        if booked is not None:
            booked.update(waiting_for_driver=False, priority=priority)
            self._publish_queue()
            return Accepted(JobId(booked["job"]))
        return self._open_job("retrieval", plate, bay, {"length_mm": 4700, "class_code": "Z"}, priority)

    def _open_job(self, kind: str, plate: str, bay: str, vehicle: dict[str, Any], priority: str = "normal") -> Accepted:
        job = JobId(f"J{len(self.records) + 1:06d}")
        self.records[job] = {
            "job": job,
            "kind": kind,
            "bay": bay,
            "module": bay.split("-")[0],
            "level": int(bay.split("-")[1]),
            "state": "queued",
            "session_state": None,
            "requested_utc_ms": self._view["utc_ms"],
            "opened_utc_ms": None,
            "ended_utc_ms": None,
            "wait_s": None,
            "eta_s": 120,
            "eta_low_s": 100,
            "eta_high_s": 150,
            "eta_spread_s": 30,
            "fee_fen": None,
            "overdue": False,
            "ahead": 1,
            "priority": priority,
            "booking": None,
            "due_utc_ms": None,
            "waiting_for_driver": False,
            "why": [],
            "plate": plate,
            "vehicle": vehicle,
        }
        self._publish_queue()
        return Accepted(job)

    def _word(self, command: ConfirmClear | CancelJob, job: str) -> Reply:
        record = self.records.get(job)
        if record is None:
            return refused(RefusalCode.UNKNOWN_JOB, job)
        if isinstance(command, ConfirmClear):
            if record["session_state"] != "open":
                return refused(RefusalCode.JOB_NOT_AT_GATE, job)
            self.advance(job, record["state"], "closing")
            return Accepted(JobId(job))
        if record["state"] != "queued":
            return refused(RefusalCode.JOB_TOO_FAR, job)
        self.advance(job, "cancelled")
        return Accepted(JobId(job))

    def _charge(self, plate: str, digest: str, wanted: str | None) -> Reply:
        free = [s["id"] for s in self._view["spots"] if s["charging"] is None]
        if not free:
            return refused(RefusalCode.ALL_SPOTS_TAKEN)
        spot = wanted or free[0]
        if spot not in free:
            return refused(RefusalCode.SPOT_TAKEN, spot)
        charging = f"C{len(self.sessions) + 1:06d}"
        self.sessions[charging] = {
            "charging": charging,
            "spot": spot,
            "plate": plate,
            "state": "Preparing",
            "energy_wh": 0,
            "fee_fen": None,
            "started_utc_ms": self._view["utc_ms"],
            "ended_utc_ms": None,
            "digest": digest,
        }
        self.change_spot(spot, state="Preparing", charging=charging)
        return Accepted(charging)

    def _stop(self, spot: str, digest: str) -> Reply:
        charging = next(s["charging"] for s in self._view["spots"] if s["id"] == spot)
        if charging is None:
            return refused(RefusalCode.NOT_CHARGING, spot)
        session = self.sessions[charging]
        if session["digest"] != digest:
            return refused(RefusalCode.WRONG_PIN)
        session.update(state="Finishing", energy_wh=12_340, fee_fen=1481, ended_utc_ms=self._view["utc_ms"])
        self.change_spot(spot, state="Finishing", charging=None)
        return Accepted(charging)

    def view(self) -> dict[str, Any]:
        return self._view

    async def wait_change(self, seen: int, timeout_s: float) -> int:
        """Looks again every few milliseconds, because a test changes the garage from its own thread."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self._view["seq"] == seen and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.005)
        return int(self._view["seq"])

    def job(self, job: str) -> dict[str, Any] | None:
        return self.records.get(job)

    def jobs(self) -> list[dict[str, Any]]:
        return list(self.records.values())

    def pin_digest(self, plate: str, pin: str) -> str:
        return hashlib.sha256(f"{plate} {pin}".encode()).hexdigest()

    def new_pin(self) -> str:
        self._pin += 1
        return str(self._pin)

    def booking(self, booking: str) -> dict[str, Any] | None:
        found = self.memory.bookings.get(BookingId(booking))
        return None if found is None else booking_view(found)

    def bookings(self) -> list[dict[str, Any]]:
        bookings = sorted(self.memory.bookings.values(), key=lambda one: (not one.is_open, one.due_utc_ms))
        return [booking_view(one) for one in bookings]

    def bay_costs(self, vehicle: Vehicle, plate: Plate, minute_of_day: int | None) -> list[dict[str, Any]]:
        return self.costs

    def charging(self, charging: str) -> dict[str, Any] | None:
        session = self.sessions.get(charging)
        return None if session is None else {k: v for k, v in session.items() if k != "digest"}

    def ledger_entries(self, after: int, limit: int) -> list[dict[str, Any]]:
        return [entry for entry in self.entries if entry["seq"] > after][:limit]

    def ledger_totals(self) -> dict[str, Any]:
        return {"receivable_fen": 123_456, "income_fen": {"parking": 100_000, "energy": 23_456}, "energy_wh": 98_700}

    def statement(self, plate: str) -> list[dict[str, Any]]:
        return [entry for entry in self.entries if entry.get("plate") == plate]

    def events_before(self, before: int | None, limit: int, plates: bool) -> list[dict[str, Any]]:
        return [
            event_view(record, self._site, plates)
            for record in reversed(self.journal)
            if before is None or record.seq < before
        ][:limit]

    def replay(self, seq: int) -> dict[str, Any] | None:
        views = {record.seq: event_view(record, self._site) for record in self.journal}
        known = knowledge(Memory().replay(self.journal[:seq]))
        return {"event": views[seq], "knew": known, "around": list(views.values())} if seq in views else None

    def health(self) -> dict[str, Any]:
        return {"live": True, "ready": self.is_ready, "reasons": [] if self.is_ready else ["journal_away"]}
