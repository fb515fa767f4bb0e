"""A driver at the open gate: what the sensors must say before a word is believed, and what then follows.

Decides from image and job alone. Two zone sensors, both loaded-sensors and the driver's word together
prove that a gate may shut and a pallet may leave; no single signal ever does.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.interlocks import loaded_sensors, signal_of, zone_clear
from controller.memory import Memory
from controller.records import Job
from domain.events import CarLeft, CarParked, CarStruck, Event
from domain.grid import ModuleLayout
from domain.refusals import Refusal, RefusalCode
from domain.signals import ModuleImage, Pallet

_SICK = Pallet.SLACK | Pallet.OVERTRAVEL | Pallet.OVERLOAD


def against_clear(layout: ModuleLayout, image: ModuleImage, job: Job) -> tuple[Refusal, ...]:
    """Why the word "clear" is not believed: somebody inside, or the car not where this job wants it.

    After the driver has given up, a car that stands and a car that is gone are both right; only
    contradicting sensors, and a pallet that cannot carry its load, are not.
    """
    common = _against_leaving(layout, image, job)
    if common or job.withdrawn:
        return common
    loaded = loaded_sensors(signal_of(layout, image, job.bay))
    if loaded != (job.kind == "storage"):
        code = RefusalCode.CAR_STILL_ON_PALLET if loaded else RefusalCode.CAR_NOT_ON_PALLET
        return (Refusal(code, job.bay),)
    return ()


def against_withdrawal(layout: ModuleLayout, image: ModuleImage, job: Job) -> tuple[Refusal, ...]:
    """Why a job cannot be given up now: the pallet must be as it was before the driver came."""
    common = _against_leaving(layout, image, job)
    if common or job.withdrawn:
        return common
    loaded = loaded_sensors(signal_of(layout, image, job.bay))
    if loaded == (job.kind == "storage"):
        return (Refusal(RefusalCode.CAR_STILL_ON_PALLET if loaded else RefusalCode.JOB_TOO_FAR, job.bay),)
    return ()


def handed_over(layout: ModuleLayout, image: ModuleImage, job: Job, memory: Memory, utc_ms: int) -> Iterator[Event]:
    """What has been proven when the gate is shut: a car came, a car left, or everything stayed as it was."""
    loaded = bool(loaded_sensors(signal_of(layout, image, job.bay)))
    known = memory.parked.get(job.plate)
    if loaded and known is None and job.kind == "storage":
        yield CarParked(job.id, job.plate, job.vehicle, job.bay, job.pin_digest)
    elif not loaded and known is not None and job.kind == "retrieval":
        yield CarLeft(job.id, job.plate, job.bay, known.since_utc_ms, utc_ms)
    elif not loaded and known is not None:
        yield CarStruck(job.plate, job.bay, "given up at the gate")


def _against_leaving(layout: ModuleLayout, image: ModuleImage, job: Job) -> tuple[Refusal, ...]:
    if not zone_clear(image):
        return (Refusal(RefusalCode.ZONE_NOT_CLEAR, job.module),)
    signal = signal_of(layout, image, job.bay)
    if loaded_sensors(signal) is None:
        return (Refusal(RefusalCode.SENSORS_DISAGREE, job.bay),)
    if signal.state & _SICK:
        return (Refusal(RefusalCode.CAR_TOO_HEAVY, job.bay),)
    return ()
