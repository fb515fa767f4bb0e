"""A dead supervisor means standstill: silence after any heartbeat of any move, and nothing starts by itself."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from domain.outputs import GATE, Opcode
from domain.signals import GateState, Result
from plc.register_map import ADDRESS
from sim.rig import Rig
from tests.sim.driver import Driver
from tests.sites import small_site

BEAT_MS = 100
WATCHDOG_MS = 1000

pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Story:
    """A move of the small site: what comes before it, what is asked, and for how long it runs."""

    name: str
    before: tuple[tuple[int, int, int, int], ...]
    mailbox: int
    asked: tuple[int, int, int]
    beats: int


SLIDE = (1, Opcode.SLIDE, 1, 3)
LOWER = (2, Opcode.LOWER, 1, 0)
STORIES = (
    Story("slide", (), 1, (Opcode.SLIDE, 1, 3), 185),
    Story("lower", (SLIDE,), 2, (Opcode.LOWER, 1, 0), 235),
    Story("raise", (SLIDE, LOWER), 2, (Opcode.RAISE, 1, 0), 235),
    Story("gate opens", (), GATE, (Opcode.GATE_OPEN, 0, 0), 78),
    Story("gate shuts", ((GATE, Opcode.GATE_OPEN, 0, 0),), GATE, (Opcode.GATE_CLOSE, 0, 0), 78),
)


def beat(driver: Driver, count: int) -> None:
    """Heartbeats as messages, and the time until the next."""
    for number in range(count):
        driver.device.write_holding(ADDRESS["supervisor_heartbeat"], [(driver.rig.now_ms // BEAT_MS + number) & 0xFFFF])
        driver.rig.run_to(driver.rig.now_ms + BEAT_MS, fed=False)


def die(driver: Driver, last_beat_ms: int) -> None:
    """No message any more, for a minute; watch the drives."""
    plant, ramp_ms = driver.plant, driver.rig.site.machine.ramp_ms
    driver.rig.run_to(last_beat_ms + WATCHDOG_MS, fed=False)
    asked = [p for p in plant.pallets if p.travel is not None and p.travel.end_ms > driver.rig.now_ms + ramp_ms]
    assert asked == [], "a drive still runs a second after the last heartbeat"
    assert plant.gate_state not in (GateState.OPENING, GateState.CLOSING)
    driver.rig.run_to(last_beat_ms + 60_000, fed=False)


def places(driver: Driver) -> list[tuple[float, float]]:
    return [(pallet.x_mm, pallet.z_mm) for pallet in driver.plant.pallets]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.parametrize("comes_back", [False, True], ids=["killed", "hung or cut off"])
def test_silence_after_any_heartbeat_is_standstill_within_a_second(story: Story, comes_back: bool) -> None:
    """811 moments twice: as many as there are heartbeats in one move of each type."""
    for beats in range(1, story.beats, 1 if not comes_back else 4):
        driver = Driver(Rig(small_site()))
        driver.wait(100)
        for step in story.before:
            driver.done(*step)
        driver.post(story.mailbox, *story.asked)
        beat(driver, beats)
        die(driver, driver.rig.now_ms - BEAT_MS)
        stood = places(driver), driver.plant.gate_state
        if comes_back:
            # the same command arrives once more, and heartbeats as before
            driver.post(story.mailbox, *story.asked, command_id=driver.last_id)
            beat(driver, 50)
        assert (places(driver), driver.plant.gate_state) == stood, f"{story.name} went on by itself"
        assert driver.reply(story.mailbox).result in (Result.STOPPED, Result.DONE)
        assert driver.plant.moving == 0
        assert driver.rig.oracle.violations == []


def test_there_are_enough_moments() -> None:
    assert sum(story.beats - 1 for story in STORIES) >= 500
