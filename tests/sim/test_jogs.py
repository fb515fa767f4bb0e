"""Moves by hand at the PLC: slow, held, alone, behind the same guards; and what people may set aside."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.outputs import GATE, Bypass, ManualWrite, Opcode
from domain.signals import GateState, MailboxReply, PlcMode, Result, Safety
from domain.vehicle import VEHICLE_CLASSES
from plc.codec import encode_manual
from sim.plant import CarBody
from sim.rig import Rig
from tests.sim.driver import Driver
from tests.sites import small_site

REFRESH_MS = 200
STOP_MS = 500


class Hand(Driver):
    """An operator's hand on the button, as the wire sees it."""

    counter = 0

    def tell(self, hold: int, bypass: int = 0, locks: int = 0) -> None:
        address, words = encode_manual(ManualWrite(self.module, hold, Bypass(bypass), locks))
        self.device.write_holding(address, words)

    def hold(self, bypass: int = 0) -> None:
        self.counter += 1
        self.tell(self.counter, bypass)

    def hold_for(self, ms: int, bypass: int = 0) -> None:
        """Refresh until then; the last refresh is less than one period before the end."""
        end_ms = self.rig.now_ms + ms
        while self.rig.now_ms < end_ms:
            self.hold(bypass)
            self.wait(min(REFRESH_MS, end_ms - self.rig.now_ms))

    def jog(self, mailbox: int, opcode: Opcode, first: int = 0, second: int = 0, bypass: int = 0) -> MailboxReply:
        """Press, and hold until it is over."""
        self.hold(bypass)
        self.post(mailbox, opcode, first, second, deadline_ms=600_000)
        self.wait(20)
        for _ in range(3000):
            if self.reply(mailbox).result is not Result.RUNNING:
                break
            self.hold_for(REFRESH_MS, bypass)
        return self.reply(mailbox)

    @property
    def still(self) -> bool:
        return not self.plant.moving and self.plant.gate_state not in (GateState.OPENING, GateState.CLOSING)


def in_manual() -> Hand:
    hand = Hand(Rig(small_site()))
    hand.wait(100)
    hand.plant.set_mode(PlcMode.MANUAL)
    hand.wait(100)
    return hand


def freed() -> Hand:
    """The shaft under A-2-01 is free."""
    hand = in_manual()
    assert hand.jog(1, Opcode.JOG_SLIDE, 1, 3).result is Result.DONE
    return hand


def lowered() -> Hand:
    hand = freed()
    assert hand.jog(2, Opcode.JOG_LOWER, 1).result is Result.DONE
    return hand


def gate_open() -> Hand:
    hand = in_manual()
    assert hand.jog(GATE, Opcode.JOG_GATE_OPEN).result is Result.DONE
    return hand


MOVES: list[tuple[Callable[[], Hand], int, Opcode, int, int]] = [
    (in_manual, 1, Opcode.JOG_SLIDE, 1, 3),
    (freed, 2, Opcode.JOG_LOWER, 1, 0),
    (lowered, 2, Opcode.JOG_RAISE, 1, 0),
    (in_manual, GATE, Opcode.JOG_GATE_OPEN, 0, 0),
    (gate_open, GATE, Opcode.JOG_GATE_CLOSE, 0, 0),
]
NAMES = [move[2].name for move in MOVES]


@pytest.mark.parametrize("move", MOVES, ids=NAMES)
def test_a_held_move_arrives_at_a_quarter_of_the_speed(move: tuple[Callable[[], Hand], int, Opcode, int, int]) -> None:
    begin, mailbox, opcode, first, second = move
    hand = begin()
    begun_ms = hand.rig.now_ms
    assert hand.jog(mailbox, opcode, first, second).result is Result.DONE
    assert hand.rig.oracle.violations == []
    if mailbox != GATE:
        assert hand.rig.now_ms - begun_ms > 3 * hand.rig.site.machine.slide_ms(hand.layout.pitch_mm)


@pytest.mark.parametrize("move", MOVES, ids=NAMES)
def test_it_stands_within_half_a_second_of_the_last_refresh_in_every_phase(
    move: tuple[Callable[[], Hand], int, Opcode, int, int],
) -> None:
    begin, mailbox, opcode, first, second = move
    worst_ms = 0
    for phase_ms in (*range(20, 2600, 130), 9_000, 40_000, 72_000, 73_500, 85_000, 86_500):
        hand = begin()
        hand.hold()
        hand.post(mailbox, opcode, first, second, deadline_ms=600_000)
        hand.wait(20)
        hand.hold_for(phase_ms)
        hand.hold()
        lost_ms = hand.rig.now_ms
        if hand.reply(mailbox).result is not Result.RUNNING:
            continue
        while hand.rig.now_ms < lost_ms + STOP_MS:
            hand.wait(10)
            if not hand.still:
                worst_ms = max(worst_ms, hand.rig.now_ms - lost_ms)
        assert hand.still, phase_ms
        reply = hand.reply(mailbox)
        assert (reply.result, reply.reason) == (Result.STOPPED, 23), phase_ms
        hand.wait(60_000)
        assert hand.still, "nothing goes on by itself"
        assert hand.rig.oracle.violations == []
    assert 100 < worst_ms < STOP_MS


def test_letting_go_stops_at_once() -> None:
    hand = freed()
    hand.hold()
    hand.post(2, Opcode.JOG_LOWER, 1, deadline_ms=600_000)
    hand.hold_for(20_000)
    hand.tell(0)
    hand.wait(20 + 125 + 20)
    assert hand.still
    assert hand.reply(2).reason == 23


def test_a_lowered_pallet_that_was_let_go_goes_on_down_or_back_up() -> None:
    for opcode, z_mm in ((Opcode.JOG_LOWER, 0), (Opcode.JOG_RAISE, 2150)):
        hand = freed()
        hand.hold()
        hand.post(2, Opcode.JOG_LOWER, 1, deadline_ms=600_000)
        hand.hold_for(30_000)
        hand.tell(0)
        hand.wait(1000)
        assert 0 < hand.pallet("A-2-01").z_mm < 2150
        assert hand.jog(2, opcode, 1).result is Result.DONE
        assert hand.pallet("A-2-01").z_mm == z_mm
        assert hand.rig.oracle.violations == []


def test_automatic_moves_are_deaf_in_manual_and_jogs_in_automatic() -> None:
    hand = in_manual()
    hand.hold()
    assert hand.ask(1, Opcode.SLIDE, 1, 3) == (Result.REFUSED, 3)
    assert hand.ask(GATE, Opcode.GATE_OPEN) == (Result.REFUSED, 3)
    for mode in (PlcMode.AUTOMATIC, PlcMode.MAINTENANCE, PlcMode.STARTING):
        hand.plant.set_mode(mode)
        assert hand.jog(1, Opcode.JOG_SLIDE, 1, 3).reason == 3
    assert hand.still


def test_turning_the_key_in_the_middle_stops_a_jog_and_starts_nothing() -> None:
    hand = in_manual()
    hand.hold()
    hand.post(1, Opcode.JOG_SLIDE, 1, 3, deadline_ms=600_000)
    hand.hold_for(5000)
    hand.plant.set_mode(PlcMode.AUTOMATIC)
    hand.hold_for(10_000)
    assert hand.still
    assert hand.reply(1).reason == 3


def test_without_a_held_button_nothing_starts_and_a_constant_counter_is_no_hold() -> None:
    hand = in_manual()
    hand.post(1, Opcode.JOG_SLIDE, 1, 3)
    hand.wait(40)
    assert hand.reply(1).reason == 23
    hand.hold()
    hand.wait(1000)
    hand.tell(hand.counter)
    hand.post(1, Opcode.JOG_SLIDE, 1, 3)
    hand.wait(40)
    assert (hand.reply(1).result, hand.reply(1).reason) == (Result.REFUSED, 23)


def test_an_old_command_id_is_refused_by_hand_too() -> None:
    hand = freed()
    hand.hold()
    hand.post(1, Opcode.JOG_SLIDE, 3, 1, command_id=10)
    hand.wait(20)
    hand.tell(0)
    hand.wait(1000)
    hand.hold()
    hand.post(1, Opcode.JOG_SLIDE, 3, 1, command_id=9)
    hand.wait(40)
    assert (hand.reply(1).result, hand.reply(1).reason) == (Result.REFUSED, 2)
    assert hand.still


def test_one_jog_at_a_time() -> None:
    hand = in_manual()
    hand.hold()
    hand.post(1, Opcode.JOG_SLIDE, 1, 3, deadline_ms=600_000)
    hand.hold_for(2000)
    hand.post(GATE, Opcode.JOG_GATE_OPEN)
    hand.hold_for(100)
    assert (hand.reply(GATE).result, hand.reply(GATE).reason) == (Result.REFUSED, 24)
    # only one button is held: it is not that of the first any more
    hand.hold_for(2000)
    assert (hand.reply(1).result, hand.reply(1).reason) == (Result.STOPPED, 24)
    assert hand.still


@pytest.mark.parametrize(
    ("danger", "reason"),
    [
        (lambda plant: plant.press_estop(), 5),
        (lambda plant: plant.walk_in(plant.clock.now_ms, 5000), 21),
        (lambda plant: plant.force_slack(plant.layout.bay_names[2]), 22),
        (lambda plant: plant.set_key(False), 13),
        (lambda plant: plant.set_quake(True), 26),
    ],
)
def test_every_guard_is_on_in_manual(danger: Callable[..., None], reason: int) -> None:
    hand = in_manual()
    hand.hold()
    hand.post(1, Opcode.JOG_SLIDE, 1, 3, deadline_ms=600_000)
    hand.hold_for(5000, bypass=Bypass.HOOK_CLOSED)
    danger(hand.plant)
    hand.hold_for(1000, bypass=Bypass.HOOK_CLOSED)
    assert hand.still
    assert hand.reply(1).reason == reason
    assert hand.rig.oracle.violations == []


def test_the_gate_and_the_zone_cannot_be_set_aside() -> None:
    hand = in_manual()
    hand.plant.set_zone_sensor(0, False)
    for bypass in Bypass:
        assert hand.jog(1, Opcode.JOG_SLIDE, 1, 3, bypass).reason == 7
    hand.plant.set_zone_sensor(0, None)
    assert hand.jog(2, Opcode.JOG_LOWER, 1, bypass=Bypass.HOOK_CLOSED).reason == 9, "R1: the cell below is taken"


def test_a_dead_hook_switch_is_set_aside_only_while_held() -> None:
    hand = in_manual()
    hand.plant.kill_hook_switch(hand.layout.bay_names[3])
    assert hand.jog(1, Opcode.JOG_SLIDE, 1, 3).reason == 10
    assert hand.jog(1, Opcode.JOG_SLIDE, 1, 3, Bypass.HOOK_CLOSED).result is Result.DONE
    hand.tell(0, Bypass.HOOK_CLOSED)
    hand.post(1, Opcode.JOG_SLIDE, 3, 1)
    hand.wait(40)
    assert hand.reply(1).reason == 23
    hand.plant.set_mode(PlcMode.AUTOMATIC)
    assert hand.ask(1, Opcode.SLIDE, 3, 1) == (Result.REFUSED, 10)
    assert hand.rig.oracle.violations == []


def test_disagreeing_car_sensors_are_set_aside_for_one_raise() -> None:
    hand = lowered()
    bay = hand.layout.bay_names[2]
    hand.plant.place_car(bay, CarBody("京A12345", VEHICLE_CLASSES["Z"]))
    hand.plant.set_loaded_sensors(bay, True, False)
    assert hand.jog(2, Opcode.JOG_RAISE, 1).reason == 18
    assert hand.jog(2, Opcode.JOG_RAISE, 1, bypass=Bypass.LOADED_SENSORS).result is Result.DONE


def test_a_hanging_lock_forbids_every_move_in_both_modes() -> None:
    hand = in_manual()
    hand.tell(0, locks=1)
    hand.plant.set_mode(PlcMode.AUTOMATIC)
    assert hand.ask(1, Opcode.SLIDE, 1, 3) == (Result.REFUSED, 27)
    assert hand.ask(GATE, Opcode.GATE_OPEN) == (Result.REFUSED, 27)
    hand.plant.set_mode(PlcMode.MANUAL)
    hand.tell(5, locks=1)
    hand.post(1, Opcode.JOG_SLIDE, 1, 3)
    hand.wait(40)
    assert hand.reply(1).reason == 27


def test_in_fire_nothing_is_lowered_but_a_raise_goes_on() -> None:
    hand = lowered()
    hand.plant.set_mode(PlcMode.AUTOMATIC)
    hand.post(2, Opcode.RAISE, 1)
    hand.wait(10_000)
    hand.plant.set_fire(True)
    assert hand.finish(2).result is Result.DONE
    assert not hand.image().safety & Safety.NO_FIRE
    assert hand.ask(2, Opcode.LOWER, 1) == (Result.REFUSED, 25)
    assert hand.ask(1, Opcode.SLIDE, 3, 1) == (Result.REFUSED, 25)
    hand.plant.set_fire(False)
    hand.post(2, Opcode.LOWER, 1)
    hand.wait(10_000)
    hand.plant.set_fire(True)
    hand.wait(1000)
    assert hand.still
    assert hand.reply(2).reason == 25
    assert hand.ask(2, Opcode.RAISE, 1) == (Result.DONE, 0)
    assert hand.rig.oracle.violations == []


def test_an_earthquake_stops_everything_and_latches() -> None:
    hand = lowered()
    hand.plant.set_mode(PlcMode.AUTOMATIC)
    hand.post(2, Opcode.RAISE, 1)
    hand.wait(10_000)
    hand.plant.set_quake(True)
    hand.wait(1000)
    assert hand.still
    assert 902 in hand.image().faults
    assert hand.ask(GATE, Opcode.RESET) == (Result.REFUSED, 19)
    hand.plant.set_quake(False)
    hand.wait(60_000)
    assert hand.still
    assert hand.ask(GATE, Opcode.RESET) == (Result.DONE, 0)
    hand.wait(60_000)
    assert hand.still, "a reset starts nothing"
