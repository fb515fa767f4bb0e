"""After any loss: what the sensors say against what the journal remembers.

Decides whether a module may be used without a person looking. Anything unknown or different is a
reason to stay locked; the sensors are the truth about positions, the journal about whose car it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

from controller.interlocks import loaded_sensors
from controller.records import Job
from domain.grid import ModuleLayout
from domain.ids import BayId, Plate
from domain.refusals import Refusal, RefusalCode
from domain.signals import GateState, ModuleImage, Pallet, PalletSignal, PlcMode, Result


class Place(Enum):
    """Where a pallet is, from its state word alone."""

    HOME = "home"
    GROUND = "ground"
    MOVING = "moving"
    BETWEEN = "between"


def classify(signal: PalletSignal) -> Place:
    """Home, ground, moving, or between (= unknown until somebody has looked)."""
    if signal.has(Pallet.MOVING):
        return Place.MOVING
    if signal.has(Pallet.HOME):
        return Place.HOME
    return Place.GROUND if signal.has(Pallet.GROUND) else Place.BETWEEN


def at_rest(image: ModuleImage) -> bool:
    """Whether no pallet moves, the gate stands still, if only half way, and the PLC carries out nothing.

    A move that waits for its motor or its hook shows no motion yet; the PLC's own answer does.
    """
    if image.gate in (GateState.OPENING, GateState.CLOSING) or image.gate_reply.result is Result.RUNNING:
        return False
    if any(level.reply.result is Result.RUNNING for level in image.levels):
        return False
    return not any(signal.has(Pallet.MOVING) for signal in image.pallets)


def disagreements(
    layout: ModuleLayout,
    image: ModuleImage,
    car_at: Mapping[BayId, Plate],
    job: Job | None,
    unfinished: Mapping[int, tuple[int, int]] | None = None,
    down: BayId | None = None,
) -> tuple[Refusal, ...]:
    """Every difference between image and memory; empty: the module may run.

    `job` is the module's job in progress: its pallet may be down, its car may be coming or going.
    `unfinished` (given when a person has looked) names the levels whose interrupted slide may be
    asked again, and lets a pallet between two heights go home. `down` is the pallet that is known to
    stand on the ground.
    """
    return tuple(_differences(layout, image, car_at, job, unfinished, down))


def _differences(
    layout: ModuleLayout,
    image: ModuleImage,
    car_at: Mapping[BayId, Plate],
    job: Job | None,
    unfinished: Mapping[int, tuple[int, int]] | None,
    down: BayId | None,
) -> Iterator[Refusal]:
    if image.mode is not PlcMode.AUTOMATIC:
        yield Refusal(RefusalCode.PLC_NOT_AUTOMATIC, image.mode.name.lower())
    for fault in image.faults:
        yield Refusal(RefusalCode.PLC_FAULT, str(fault))
    at_gate = job is not None and job.state == "at_gate"
    if image.gate is not GateState.CLOSED and not at_gate:
        yield Refusal(RefusalCode.GATE_NOT_SHUT)
    for ref, signal in zip(layout.bays, image.pallets, strict=True):
        name = ref.name
        busy = job is not None and job.bay == name and job.state != "queued"
        place = classify(signal)
        sideways = image.cells[ref.level - 1].bit_count() != layout.pallets_per_level[ref.level - 1]
        if place is Place.BETWEEN and not _recoverable(ref.level, sideways, unfinished):
            yield Refusal(RefusalCode.PALLET_UNKNOWN, name)
        elif place is Place.GROUND and not (busy or name == down) and unfinished is None:
            yield Refusal(RefusalCode.NOT_HOME, name)
        loaded = loaded_sensors(signal)
        if busy and at_gate:
            continue
        if loaded is None:
            yield Refusal(RefusalCode.SENSORS_DISAGREE, name)
        elif loaded != (name in car_at):
            yield Refusal(RefusalCode.OCCUPANCY_DIFFERS, name)


def _recoverable(level: int, sideways: bool, unfinished: Mapping[int, tuple[int, int]] | None) -> bool:
    if unfinished is None:
        return False
    return level in unfinished if sideways else True
