"""After a crash at any step of any move, whatever one sensor says: sensors count, memory does not, and people confirm.

Every case kills the supervisor at a moment of a storage or retrieval, breaks one switch, and starts it anew.
GARAGE_FULL=1 runs all of them (about 2,300), otherwise an even sample.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product

import pytest

from domain.events import MotionRequested
from domain.ids import BayId, ModuleId
from sim.module_plant import ModulePlant
from sim.plant_parts import Switch
from tests.garage_run import GarageRun
from tests.sites import small_site

pytestmark = pytest.mark.timeout(3600)

A = ModuleId("A")
BAYS = ("A-1-01", "A-1-02", "A-2-01", "A-2-02", "A-2-03")
UPPER = BAYS[2:]
MOMENTS_MS = tuple(range(100, 200_000, 5000))
"""From the request to the end of the job: slides, hooks, lift down, gate, driver, gate, lift up."""

Lie = tuple[str, Switch | int, bool]


def lies() -> Iterator[Lie]:
    """One broken switch each: which pallet or level, which switch or cell, and what it says."""
    for bay, switch, says in product(BAYS, (Switch.LOADED_A, Switch.LOADED_B), (False, True)):
        yield bay, switch, says
    for bay, switch, says in product(
        UPPER, (Switch.HOME, Switch.GROUND, Switch.HOOK_CLOSED, Switch.HOOK_OPEN), (False, True)
    ):
        yield bay, switch, says
    for level, column, says in product((1, 2), (1, 2, 3), (False, True)):
        yield str(level), column, says


CASES = list(product(MOMENTS_MS, lies()))
SAMPLE = CASES if os.environ.get("GARAGE_FULL") else CASES[:: len(CASES) // 60]


def break_switch(plant: ModulePlant, lie: Lie) -> None:
    where, what, says = lie
    if isinstance(what, Switch):
        plant.set_switch(BayId(where), what, says)
    else:
        plant.set_cell_switch(int(where), what, says)


def shows_a_lie(plant: ModulePlant, attended: str | None) -> bool:
    """Whether what the PLC reads differs from the truth, but for the car at an open gate."""
    for pallet in plant.pallets:
        if pallet.bay != attended and (pallet.reads_loaded_a, pallet.reads_loaded_b) != (
            pallet.loaded_a,
            pallet.loaded_b,
        ):
            return True
        if (plant.reads_home(pallet), pallet.reads_ground) != (pallet.home, pallet.on_ground):
            return True
    return False


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 2000


@pytest.mark.parametrize(("moment_ms", "lie"), SAMPLE)
def test_nothing_moves_before_somebody_has_looked(moment_ms: int, lie: Lie) -> None:
    # given a job that is so far, and a supervisor that dies
    garage = GarageRun(small_site(), {"A-1-01": "京G00001", "A-1-02": "京G00002", "A-2-01": "京G00003"})
    garage.ready()
    job = garage.fetch("京G00003") if moment_ms // 5000 % 2 else garage.store("京G00004")
    until_ms = garage.now_ms + moment_ms
    while garage.now_ms < until_ms:
        garage._clear_and_look(job)
        garage.wait(500)
    asked = len(garage.heard(MotionRequested))
    # when one switch breaks while it is away
    break_switch(garage.plant(), lie)
    garage.crash(3000)
    garage.wait(30_000)
    # then a lie that shows, or a place that nobody knows, has locked the module, and nothing is asked to move
    between = any(not (p.home or p.on_ground) for p in garage.plant().pallets)
    at_gate = garage.job(job).bay if garage.job(job).state == "at_gate" else None
    module = garage.module()
    if between or shows_a_lie(garage.plant(), at_gate):
        assert module.state == "locked"
    if module.state == "locked":
        garage.wait(60_000)
        assert len(garage.heard(MotionRequested)) == asked
        assert garage.plant().moving == 0
        assert module.reasons
    assert garage.violations == []
