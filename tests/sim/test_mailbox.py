"""Ids: taken once, harmless when repeated, refused when old."""

from __future__ import annotations

import pytest

from domain.outputs import GATE, Opcode
from domain.signals import MailboxReply, Result
from plc.device import IllegalAddress
from plc.register_map import PALLETS_ADDRESS, REGISTERS
from sim.plc_registers import HOLDING_WORDS, PALLET_WORDS, STATUS_WORDS
from sim.rig import Rig
from tests.sim.driver import Driver
from tests.sites import small_site


@pytest.fixture
def driver() -> Driver:
    made = Driver(Rig(small_site()))
    made.wait(100)
    return made


def test_a_command_is_taken_at_the_next_tick_and_echoed_as_running(driver: Driver) -> None:
    driver.post(1, Opcode.SLIDE, 1, 3, command_id=7)
    driver.wait(19)
    assert driver.reply(1) == MailboxReply()
    driver.wait(1)
    assert driver.reply(1) == MailboxReply(7, Result.RUNNING)


def test_the_same_id_again_moves_nothing(driver: Driver) -> None:
    driver.post(1, Opcode.SLIDE, 1, 3, command_id=7)
    driver.wait(1000)
    driver.post(1, Opcode.SLIDE, 1, 3, command_id=7)
    driver.wait(20)
    assert driver.reply(1) == MailboxReply(7, Result.RUNNING)
    assert driver.finish(1) == MailboxReply(7, Result.DONE)
    driver.post(1, Opcode.SLIDE, 3, 1, command_id=7)
    driver.wait(20)
    assert driver.reply(1) == MailboxReply(7, Result.DONE)
    assert driver.image().cells[0] == 0b110


def test_an_older_id_is_refused_and_the_newest_may_still_be_repeated(driver: Driver) -> None:
    driver.post(1, Opcode.SLIDE, 1, 3, command_id=7)
    driver.finish(1)
    driver.post(1, Opcode.SLIDE, 3, 1, command_id=6)
    driver.wait(20)
    assert driver.reply(1) == MailboxReply(6, Result.REFUSED, 2)
    driver.post(1, Opcode.SLIDE, 3, 1, command_id=7)
    driver.wait(20)
    assert driver.reply(1) == MailboxReply(7, Result.DONE)


def test_ids_wrap_like_serial_numbers(driver: Driver) -> None:
    driver.post(1, Opcode.SLIDE, 1, 3, command_id=0xFFFF_FFFE)
    assert driver.finish(1) == MailboxReply(0xFFFF_FFFE, Result.DONE)
    driver.post(1, Opcode.SLIDE, 3, 1, command_id=1)
    assert driver.finish(1) == MailboxReply(1, Result.DONE)
    driver.post(1, Opcode.SLIDE, 1, 3, command_id=0xFFFF_FFFF)
    driver.wait(20)
    assert driver.reply(1) == MailboxReply(0xFFFF_FFFF, Result.REFUSED, 2)


def test_id_zero_is_no_command(driver: Driver) -> None:
    driver.post(1, Opcode.SLIDE, 1, 3, command_id=0)
    driver.wait(1000)
    assert driver.reply(1) == MailboxReply()
    assert driver.image().cells[0] == 0b011


def test_a_second_command_while_one_runs_is_refused_and_the_first_still_ends(driver: Driver) -> None:
    driver.post(1, Opcode.SLIDE, 1, 3, command_id=7)
    driver.wait(1000)
    driver.post(1, Opcode.SLIDE, 3, 1, command_id=8)
    driver.wait(20)
    assert driver.reply(1) == MailboxReply(8, Result.REFUSED, 20)
    driver.post(1, Opcode.SLIDE, 1, 3, command_id=7)
    driver.wait(20)
    assert driver.reply(1) == MailboxReply(7, Result.RUNNING)
    assert driver.finish(1) == MailboxReply(7, Result.DONE)
    driver.post(1, Opcode.SLIDE, 3, 1, command_id=8)
    driver.wait(20)
    assert driver.reply(1) == MailboxReply(8, Result.REFUSED, 20)


def test_words_after_the_id_was_taken_change_nothing(driver: Driver) -> None:
    driver.post(1, Opcode.SLIDE, 1, 3, command_id=7)
    driver.finish(1)
    driver.device.write_holding(18, [int(Opcode.SLIDE)])
    driver.wait(1000)
    assert driver.reply(1) == MailboxReply(7, Result.DONE)


@pytest.mark.parametrize(("mailbox", "opcode"), [(1, Opcode.GATE_OPEN), (GATE, Opcode.SLIDE), (2, Opcode.NONE)])
def test_an_opcode_of_another_mailbox_is_refused(driver: Driver, mailbox: int, opcode: Opcode) -> None:
    assert driver.ask(mailbox, opcode) == (Result.REFUSED, 1)


def test_the_heartbeat_is_echoed_one_tick_later_and_the_plc_counts_its_own(driver: Driver) -> None:
    first = driver.device.read_input(4, 2)
    driver.device.write_holding(0, [4711])
    driver.wait(19)
    assert driver.device.read_input(5, 1) == [first[1]]
    driver.wait(1)
    assert driver.device.read_input(4, 2) == [first[0] + 1, 4711]
    assert driver.device.read_holding(0, 1) == [4711]


def test_every_register_of_the_map_can_be_read(driver: Driver) -> None:
    for register in REGISTERS:
        read = driver.device.read_input if register.space == "input" else driver.device.read_holding
        assert len(read(register.address, register.words)) == register.words


@pytest.mark.parametrize(
    ("address", "count"),
    [
        (-1, 1),
        (0, 0),
        (0, 126),
        (STATUS_WORDS - 1, 2),
        (PALLETS_ADDRESS - 1, 2),
        (PALLETS_ADDRESS + PALLET_WORDS - 1, 2),
    ],
)
def test_registers_outside_the_map_do_not_exist(driver: Driver, address: int, count: int) -> None:
    with pytest.raises(IllegalAddress):
        driver.device.read_input(address, count)


@pytest.mark.parametrize(("address", "count"), [(-1, 1), (0, 0), (HOLDING_WORDS - 1, 2), (HOLDING_WORDS, 1)])
def test_a_write_outside_the_map_changes_nothing(driver: Driver, address: int, count: int) -> None:
    before = driver.device.read_holding(0, HOLDING_WORDS)
    with pytest.raises(IllegalAddress):
        driver.device.read_holding(address, count)
    with pytest.raises(IllegalAddress):
        driver.device.write_holding(address, [1] * count)
    assert driver.device.read_holding(0, HOLDING_WORDS) == before
