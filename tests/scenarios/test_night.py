"""The power-saving night: what puts lights and displays to rest, and everything that wakes them at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from transitions import MachineError

from controller.machines import NIGHT
from controller.memory import Memory
from domain.booking import BookingKind
from domain.commands import (
    Accepted,
    Danger,
    HangLock,
    HoldGarage,
    MakeBooking,
    PauseGarage,
    ProvePin,
    TakeManual,
)
from domain.events import NightAdvanced
from domain.ids import ModuleId, Plate
from domain.outputs import Lights
from domain.signals import PlcMode
from plc.register_map import ADDRESS
from runtime.virtual import digest
from tests.garage_run import PIN, GarageRun
from tests.sites import module_layout, site_of

A = ModuleId("A")
CAR = "京A12345"
HOUR_MS = 3_600_000
SETTLE_MS = 300_000


def garage_at(hour: int) -> GarageRun:
    """A garage with one car that was started at midnight and stood idle until this hour."""
    run = GarageRun(site_of(module_layout("A", 3, (2150, 2150))), {"A-2-01": CAR})
    run.ready()
    run.wait(hour * HOUR_MS - run.now_ms)
    return run


def resting() -> GarageRun:
    run = garage_at(1)
    assert (run.memory.night, is_dimmed(run)) == ("resting", True)
    return run


def is_dimmed(run: GarageRun) -> bool:
    return run.run.rig.plcs[A].is_dimmed


def nights(run: GarageRun) -> list[tuple[str, list[str]]]:
    heard = [event for event in run.heard(NightAdvanced) if isinstance(event, NightAdvanced)]
    return [(event.state, [reason.code for reason in event.why]) for event in heard]


def test_the_garage_rests_in_the_quiet_hours_and_wakes_in_the_morning() -> None:
    run = garage_at(5)
    assert nights(run) == [("resting", [])]
    assert is_dimmed(run)
    run.wait(HOUR_MS + 1000)
    assert nights(run) == [("resting", []), ("awake", ["day"])]
    assert not is_dimmed(run)
    # and in the evening it rests again after five calm minutes
    run.wait(16 * HOUR_MS + SETTLE_MS - 2000)
    assert run.memory.night == "awake"
    run.wait(2000)
    assert run.memory.night == "resting"


def retrieval(run: GarageRun) -> None:
    run.fetch(CAR)


def somebody_at_the_kiosk(run: GarageRun) -> None:
    run.accept(ProvePin(Plate(CAR), digest(CAR, PIN)))


def a_booking_for_now(run: GarageRun) -> None:
    minute = run.now_ms // 60_000 + 5
    run.accept(MakeBooking(Plate(CAR), digest(CAR, PIN), BookingKind.DEPARTURE, minute))


def somebody_in_the_zone(run: GarageRun) -> None:
    run.plant().set_zone_sensor(0, False)


def the_key_in_manual(run: GarageRun) -> None:
    run.plant().set_mode(PlcMode.MANUAL)


def an_emergency_stop(run: GarageRun) -> None:
    run.plant().press_estop()


def a_fire(run: GarageRun) -> None:
    run.plant().set_fire(True)


def an_earthquake(run: GarageRun) -> None:
    run.plant().set_quake(True)


def snow(run: GarageRun) -> None:
    run.accept(HoldGarage("Wang", Danger.SNOW))


def a_lock(run: GarageRun) -> None:
    run.accept(HangLock(A, "Wang", "rope"))


def a_lost_link(run: GarageRun) -> None:
    run.run.rig.plcs[A].reboot(run.now_ms, down_ms=60_000)
    run.wait(30_000)


EVENTS: list[Callable[[GarageRun], None]] = [
    retrieval,
    somebody_at_the_kiosk,
    a_booking_for_now,
    somebody_in_the_zone,
    the_key_in_manual,
    an_emergency_stop,
    a_fire,
    an_earthquake,
    snow,
    a_lock,
    a_lost_link,
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
@pytest.mark.parametrize("state", ["awake", "resting"])
def test_whatever_happens_wakes_at_once_and_keeps_awake(state: str, event: Callable[[GarageRun], None]) -> None:
    run = resting() if state == "resting" else garage_at(0)
    if state == "awake":
        run.wait(SETTLE_MS - 10_000 - run.now_ms)
        assert run.memory.night == "awake"
    event(run)
    run.wait(500)
    assert run.memory.night == "awake"
    assert not is_dimmed(run)
    if state == "resting":
        assert [told for told, _ in nights(run)] == ["resting", "awake"]
        assert nights(run)[-1][1] != []
    else:
        # a minute later it would have rested
        run.wait(60_000)
        assert run.memory.night == "awake"
    assert run.violations == []


def test_a_booking_wakes_the_garage_in_good_time() -> None:
    run = resting()
    run.accept(MakeBooking(Plate(CAR), digest(CAR, PIN), BookingKind.DEPARTURE, 5 * 60))
    run.wait(SETTLE_MS + 1000)
    assert run.memory.night == "resting"
    run.wait(5 * HOUR_MS - 600_000 - run.now_ms - 1000)
    assert run.memory.night == "resting"
    run.wait(2000)
    assert run.memory.night == "awake"


def test_after_a_session_it_rests_again() -> None:
    run = resting()
    run.see_through(run.fetch(CAR))
    run.wait(2 * SETTLE_MS)
    assert [told for told, _ in nights(run)] == ["resting", "awake", "resting"]
    assert is_dimmed(run)


def test_a_restart_goes_on_with_the_night_and_a_plc_that_starts_anew_is_told() -> None:
    run = resting()
    run.crash()
    run.wait(SETTLE_MS + 30_000)
    assert is_dimmed(run) == (run.memory.night == "resting")
    assert Memory.from_state(run.memory.to_state()).night == run.memory.night
    run.run.rig.plcs[A].reboot(run.now_ms)
    run.wait(SETTLE_MS + 60_000)
    device = run.run.rig.device("A")
    wanted = Lights.DIMMED if run.memory.night == "resting" else Lights.FULL
    assert device.read_holding(ADDRESS["lights"], 1) == [wanted]


def test_a_module_without_its_supervisor_is_lit() -> None:
    run = resting()
    run.run.rig.run_to(run.now_ms + 3000, fed=False)
    assert not is_dimmed(run)


def test_a_paused_garage_rests_too_and_a_command_wakes_it_for_a_while() -> None:
    run = resting()
    assert isinstance(run.ask(PauseGarage("Wang", "night")), Accepted)
    run.wait(500)
    assert run.memory.night == "awake"
    run.wait(2 * SETTLE_MS)
    assert run.memory.night == "resting"


def test_a_module_in_hand_keeps_it_awake() -> None:
    run = resting()
    run.plant().set_mode(PlcMode.MANUAL)
    run.wait(500)
    run.accept(TakeManual(A, "Wang", "stuck", "token"))
    run.wait(2 * SETTLE_MS)
    assert run.memory.night == "awake"


def test_the_table_has_exactly_two_ways() -> None:
    found = set()
    for state, trigger in product(NIGHT.states, ("rest", "wake")):
        try:
            found.add((state, trigger, NIGHT.next(state, trigger)))
        except MachineError:
            continue
    assert found == {("awake", "rest", "resting"), ("resting", "wake", "awake")}
