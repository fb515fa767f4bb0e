"""Every kind of wire behaves alike: in this process, over pymodbus's null modem, over TCP."""

from __future__ import annotations

import asyncio

import pytest

from domain.ids import ModuleId
from domain.outputs import MailboxWrite, Opcode
from plc.codec import encode_mailbox
from plc.links.wire import WireError, WireFault
from plc.register_map import ADDRESS, PALLETS_ADDRESS
from tests.contracts.devices import WIRES, Bench, FakeDevice, on_bench

pytestmark = pytest.mark.parametrize("wire", WIRES)


def test_blocks_arrive_as_the_device_holds_them(wire: str) -> None:
    device = FakeDevice(holding=list(range(1000, 1100)))

    async def story(bench: Bench) -> None:
        assert await bench.port.read_input(0, 54) == device.inputs[:54]
        assert await bench.port.read_input(PALLETS_ADDRESS, 120) == device.inputs[100:220]
        assert await bench.port.read_holding(10, 3) == [1010, 1011, 1012]

    on_bench(wire, device, story)


def test_a_command_lands_in_one_write_with_its_id_last(wire: str) -> None:
    device = FakeDevice()
    command = MailboxWrite(ModuleId("A"), 3, 0x0001_0002, Opcode.LOWER, 4, 0, 0x0003_0004)

    async def story(bench: Bench) -> None:
        address, words = encode_mailbox(command)
        await bench.port.write_registers(address, words)
        await bench.port.write_register(0, 99)

    on_bench(wire, device, story)
    assert device.writes == [(ADDRESS["level_3_opcode"], [2, 4, 0, 3, 4, 1, 2]), (0, [99])]


def test_a_single_write_is_carried_out_once(wire: str) -> None:
    device = FakeDevice()

    async def story(bench: Bench) -> None:
        for value in range(5):
            await bench.port.write_register(1, value)

    on_bench(wire, device, story)
    assert device.writes == [(1, [value]) for value in range(5)]


@pytest.mark.parametrize("request_", ["read_input", "read_holding", "write_registers", "write_register"])
def test_an_unknown_address_is_refused_and_the_wire_stays_usable(wire: str, request_: str) -> None:
    device = FakeDevice()

    async def story(bench: Bench) -> None:
        argument: object = [1, 2] if request_ == "write_registers" else 2
        with pytest.raises(WireError) as refused:
            await getattr(bench.port, request_)(5000, argument)
        assert (refused.value.kind, refused.value.code) == (WireFault.EXCEPTION, 2)
        assert await bench.port.read_input(0, 2) == device.inputs[:2]
        assert bench.port.statistics.errors == 1
        assert bench.port.statistics.frames == 2
        assert bench.port.statistics.reconnects == 0

    on_bench(wire, device, story)
    assert device.writes == []


def test_a_value_the_device_does_not_take_is_exception_3(wire: str) -> None:
    async def story(bench: Bench) -> None:
        with pytest.raises(WireError) as refused:
            await bench.port.write_register(1, 0xDEAD)
        assert (refused.value.kind, refused.value.code) == (WireFault.EXCEPTION, 3)

    on_bench(wire, FakeDevice(), story)


def test_a_device_for_single_writes_refuses_function_16(wire: str) -> None:
    device = FakeDevice(writes_single_only=True)

    async def story(bench: Bench) -> None:
        with pytest.raises(WireError) as refused:
            await bench.port.write_registers(1, [5])
        assert (refused.value.kind, refused.value.code) == (WireFault.EXCEPTION, 1)
        await bench.port.write_register(1, 5)

    on_bench(wire, device, story)
    assert device.writes == [(1, [5])]


def test_a_lost_device_is_a_wire_error_until_it_is_back(wire: str) -> None:
    device = FakeDevice()

    async def story(bench: Bench) -> None:
        await bench.port.read_input(0, 1)
        await bench.cut()
        for _ in range(3):
            with pytest.raises(WireError) as lost:
                await bench.port.read_input(0, 1)
            assert lost.value.kind in (WireFault.NO_LINK, WireFault.TIMEOUT)
        await bench.mend()
        while True:
            try:
                words = await bench.port.read_input(0, 1)
            except WireError:
                await asyncio.sleep(0.02)
            else:
                break
        assert words == device.inputs[:1]

    on_bench(wire, device, story)


def test_many_tasks_share_one_wire_without_mixing_answers(wire: str) -> None:
    device = FakeDevice()

    async def story(bench: Bench) -> None:
        answers = await asyncio.gather(*(bench.port.read_input(at, 3) for at in range(60)))
        assert answers == [device.inputs[at : at + 3] for at in range(60)]

    on_bench(wire, device, story)
