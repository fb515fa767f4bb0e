"""The garage as everybody may see it: one JSON-ready picture built from memory and images.

Decides shapes and names of the public view and of jobs; holds no plates in what is public. Positions
are what the sensors say, with a running slide's progress added.
"""

from __future__ import annotations

from typing import Any

from controller.memory import Memory
from controller.reconcile import Place, classify
from controller.records import Booking, Charging, Job
from controller.step import Controller
from domain.grid import ModuleLayout
from domain.ids import BayId, parse_bay
from domain.moment import Moment
from domain.outputs import Opcode
from domain.signals import ZONE_CLEAR, Inputs, ModuleImage, Pallet
from runtime.alarm_view import alarm_counts
from scheduler.reach import takes_cars


def public_view(controller: Controller, inputs: Inputs, moment: Moment, seq: int, **extra: Any) -> dict[str, Any]:
    """Everything the public page and board show; see `api.ports.Garage` for the shape."""
    modules = [_module(controller, layout) for layout in controller.site.modules]
    spots = [_spot(controller, inputs, spec.id) for spec in controller.site.spots]
    queue = open_jobs(controller)
    promised = {job["bay"] for job in queue if job["kind"] == "storage"}
    taken = _closed_bays(controller) | set(controller.memory.car_at) | promised
    return {
        "seq": seq,
        "utc_ms": moment.utc_ms,
        "mode": controller.memory.garage,
        "night": controller.memory.night == "resting",
        "modules": modules,
        "spots": spots,
        "power": {
            "limit_w": controller.site.power_limit_w,
            "motors_w": sum(m.image.motors_w for m in controller.modules.values() if m.image is not None),
            "chargers_w": sum(spot["power_w"] for spot in spots),
        },
        "queue": [{key: job[key] for key in _QUEUE_KEYS} for job in queue],
        "free_bays": controller.site.bay_count - len(taken),
        "waiting": sum(not job["waiting_for_driver"] for job in queue),
        "bookings": _booking_counts(controller.memory),
        "alarms": alarm_counts(controller.memory),
        **extra,
    }


def _closed_bays(controller: Controller) -> set[BayId]:
    """Bays where no car may be put now: their pallets are out of service, or cannot be brought."""
    closed: set[BayId] = set()
    for module in controller.modules.values():
        layout = module.layout_now(controller.memory)
        if not layout.is_whole:
            closed |= set(layout.bay_names) - takes_cars(layout, module.columns)
    return closed


_QUEUE_KEYS = (
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


def _booking_counts(memory: Memory) -> dict[str, int]:
    """How many bookings wait for their time, and how many are being served: all that the public may know."""
    counts = {"planned": 0, "called": 0}
    for booking in memory.bookings.values():
        if booking.state in counts:
            counts[booking.state] += 1
    return counts


def booking_view(booking: Booking) -> dict[str, Any]:
    """One booking; the plate is in here, the edge decides who sees it. PIN digests stay out."""
    return {
        "booking": booking.id,
        "plate": booking.plate,
        "kind": booking.kind,
        "minute_of_day": booking.minute_of_day,
        "repeat": booking.repeat,
        "due_utc_ms": booking.due_utc_ms,
        "state": booking.state,
        "why": [reason.to_json() for reason in booking.why],
        "job": booking.job,
    }


def open_jobs(controller: Controller) -> list[dict[str, Any]]:
    """Every open job, oldest first."""
    memory = controller.memory
    names = sorted(name for names in memory.open_jobs.values() for name in names)
    return [job_view(controller, memory.jobs[name], None) for name in names]


def job_view(controller: Controller, job: Job, fee_fen: int | None) -> dict[str, Any]:
    """One job with its estimate; plate and vehicle are in here, the edge decides who sees them."""
    memory = controller.memory
    estimate = controller.estimate(job) if job.is_open else None
    queue = memory.open_jobs.get(job.module, [])
    ref = parse_bay(job.bay)
    return {
        "job": job.id,
        "kind": job.kind,
        "bay": job.bay,
        "module": job.module,
        "level": ref.level,
        "state": job.state,
        "session_state": job.session_state,
        "requested_utc_ms": job.requested_utc_ms,
        "opened_utc_ms": job.opened_utc_ms,
        "ended_utc_ms": job.ended_utc_ms,
        "wait_s": None if job.opened_utc_ms is None else max(0, job.opened_utc_ms - job.waits_from_utc_ms) // 1000,
        "eta_s": None if estimate is None else estimate.wait_ms // 1000,
        "eta_low_s": None if estimate is None else estimate.low_ms // 1000,
        "eta_high_s": None if estimate is None else -(-estimate.high_ms // 1000),
        "eta_spread_s": None if estimate is None else -(-estimate.spread_ms // 1000),
        "fee_fen": fee_fen,
        "overdue": job.overdue,
        "ahead": queue.index(job.id) if job.id in queue else 0,
        "priority": job.priority,
        "booking": job.booking,
        "due_utc_ms": job.due_utc_ms,
        "waiting_for_driver": job.is_open and not job.has_driver,
        "why": [reason.to_json() for reason in job.why],
        "plate": job.plate,
        "vehicle": {
            "class_code": job.vehicle.class_code,
            "length_mm": job.vehicle.length_mm,
            "width_mm": job.vehicle.width_mm,
            "height_mm": job.vehicle.height_mm,
            "mass_kg": job.vehicle.mass_kg,
        },
    }


def charging_view(controller: Controller, inputs: Inputs, charging: Charging, fee_fen: int | None) -> dict[str, Any]:
    """One charging session."""
    spot = controller.memory.spot(charging.spot)
    running = spot.charging == charging.id
    return {
        "charging": charging.id,
        "spot": charging.spot,
        "plate": charging.plate,
        "state": spot.state if running else "Ended",
        "energy_wh": charging.energy_wh + (_unmetered_wh(inputs, charging) if running else 0),
        "fee_fen": fee_fen,
        "started_utc_ms": charging.started_utc_ms,
        "ended_utc_ms": charging.ended_utc_ms,
    }


def _unmetered_wh(inputs: Inputs, charging: Charging) -> int:
    image = inputs.spots.get(charging.spot)
    return 0 if image is None else max(0, image.energy_total_wh - charging.metered_total_wh)


def _module(controller: Controller, layout: ModuleLayout) -> dict[str, Any]:
    control = controller.modules[layout.id]
    memory = controller.memory.module(layout.id)
    image = control.image
    # Safety fields of a silent module are unknown, whatever they were when it was last heard.
    heard = memory.state != "offline"
    jobs = controller.memory.open_jobs.get(layout.id, ())
    active = [name for name in jobs if controller.memory.jobs[name].state != "queued"]
    return {
        "id": layout.id,
        "columns": layout.columns,
        "pitch_mm": layout.pitch_mm,
        "pallet_width_mm": layout.pallet_width_mm,
        "level_z_mm": list(layout.level_z_mm),
        "level_height_mm": [level.height_mm for level in layout.levels],
        "state": memory.state,
        "link": controller.memory.links.get(layout.id, "down"),
        "gate": image.gate.name.lower() if image is not None and heard else "unknown",
        "active_job": active[0] if active else None,
        "reasons": list(memory.reasons),
        "faults": [{"number": number, "about": ""} for number in memory.faults],
        "zone_clear": image is not None and heard and image.safety & ZONE_CLEAR == ZONE_CLEAR,
        "pallets": [] if image is None else _pallets(controller, layout, image),
    }


def _pallets(controller: Controller, layout: ModuleLayout, image: ModuleImage) -> list[dict[str, Any]]:
    control = controller.modules[layout.id]
    slides = {write.mailbox: write for write in control.motions.running() if write.opcode.plain is Opcode.SLIDE}
    pallets = []
    for ref, signal in zip(layout.bays, image.pallets, strict=True):
        column = control.columns[ref.level - 1][ref.index - 1]
        x_mm = (column - 1) * layout.pitch_mm
        slide = slides.get(ref.level)
        if slide is not None and not image.cells[ref.level - 1] >> (column - 1) & 1:
            low, high = sorted((slide.first, slide.second))
            if low <= column <= high:
                x_mm += image.levels[ref.level - 1].slide_mm
        place = classify(signal)
        pallets.append(
            {
                "bay": ref.name,
                "x_mm": x_mm,
                "z_mm": signal.z_mm,
                "loaded": signal.has(Pallet.LOADED_A) or signal.has(Pallet.LOADED_B),
                "moving": place is Place.MOVING,
                "place": place.value,
            }
        )
    return pallets


def _spot(controller: Controller, inputs: Inputs, name: Any) -> dict[str, Any]:
    memory = controller.memory.spot(name)
    image = inputs.spots.get(name)
    charging = controller.memory.chargings.get(memory.charging) if memory.charging is not None else None
    return {
        "id": name,
        "state": memory.state,
        "power_w": image.power_w if image is not None and memory.state != "Unavailable" else 0,
        "set_current_da": image.set_current_da if image is not None else 0,
        "energy_wh": charging.energy_wh + _unmetered_wh(inputs, charging) if charging is not None else 0,
        "charging": memory.charging,
    }
