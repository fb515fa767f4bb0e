"""Random stories from a seed: people, accidents and restarts in any order; then everything must end.

Two phases, as in simulation testing of databases: first anything may happen, then the operator clears
up, and every job has to come to its end with the journal saying what the machine shows.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from domain.booking import BookingKind
from domain.commands import CancelJob, ConfirmModule, MakeBooking, RequestRetrieval, RequestStorage, ResetFaults
from domain.ids import ModuleId, Plate
from domain.machine import HookKind, SlideMode
from domain.signals import GateState, PlcMode
from runtime.application import load_memory
from runtime.virtual import digest
from tests.garage_run import PIN, SEDAN, GarageRun
from tests.policies import LIVELY
from tests.sites import module_layout, site_of

A = ModuleId("A")
DEEDS = (
    "store",
    "store",
    "fetch",
    "fetch",
    "book",
    "estop",
    "walk",
    "mode",
    "crash",
    "cancel",
    "reboot",
    "wait",
    "wait",
    "clear up",
)


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_nothing_breaks_and_every_job_ends(seed: int) -> None:
    dice = random.Random(seed)
    machine: dict[str, Any] = {"slide_mode": dice.choice(list(SlideMode)), "hook_kind": dice.choice(list(HookKind))}
    cars = {f"A-1-{number:02d}": f"京G{number:05d}" for number in range(1, 4)}
    policy = LIVELY if seed % 2 else None
    garage = GarageRun(site_of(module_layout("A", 4), **machine), cars, seed=seed, policy=policy)
    garage.ready()
    for number in range(40):
        do(garage, dice.choice(DEEDS), number, dice)
        garage.wait(dice.choice((100, 1000, 7000, 20_000)))
        press_clear(garage)
    for _ in range(400):
        clear_up(garage)
        garage.wait(5000)
        press_clear(garage)
        if not garage.memory.open_jobs:
            break
    assert garage.memory.open_jobs == {}, garage.module()
    assert garage.memory.garage == "automatic"
    assert garage.violations == []
    assert load_memory(garage.journal) == garage.memory
    standing = {pallet.bay for pallet in garage.plant().pallets if pallet.car is not None}
    assert set(garage.memory.car_at) == standing


def do(garage: GarageRun, deed: str, number: int, dice: random.Random) -> None:
    plant = garage.plant()
    match deed:
        case "store":
            plate = f"京M{number:05d}"
            garage.ask(RequestStorage(Plate(plate), SEDAN, digest(plate, PIN)))
        case "fetch" if garage.memory.parked:
            parked = dice.choice(sorted(garage.memory.parked))
            garage.ask(RequestRetrieval(parked, garage.memory.parked[parked].pin_digest))
        case "book" if garage.memory.parked:
            parked = dice.choice(sorted(garage.memory.parked))
            minute = garage.now_ms // 60_000 + dice.choice((1, 2))
            pin = garage.memory.parked[parked].pin_digest
            garage.ask(MakeBooking(parked, pin, BookingKind.DEPARTURE, minute))
        case "estop":
            plant.press_estop()
            garage.wait(dice.choice((100, 2000)))
            plant.release_estop()
        case "walk" if plant.gate_state is not GateState.CLOSED:
            plant.walk_in(garage.now_ms, dice.choice((500, 3000)))
        case "mode":
            plant.set_mode(PlcMode.MANUAL)
            garage.wait(dice.choice((100, 1000)))
            plant.set_mode(PlcMode.AUTOMATIC)
        case "reboot":
            garage.run.rig.plcs[A].reboot(garage.run.rig.now_ms)
        case "crash":
            garage.crash(dice.choice((300, 900, 5000)))
        case "cancel":
            for name in garage.memory.open_jobs.get(A, [])[:1]:
                garage.ask(CancelJob(name))
        case "clear up":
            clear_up(garage)


def clear_up(garage: GarageRun) -> None:
    if garage.module().state == "locked":
        garage.ask(ResetFaults(A, "Wang"))
        garage.wait(1000)
        garage.ask(ConfirmModule(A, "Wang"))


def press_clear(garage: GarageRun) -> None:
    for name in list(garage.memory.open_jobs.get(A, ())):
        garage._clear_and_look(name)
