"""The server of simulated devices, seen by raw bytes and by a program of another maker."""

from __future__ import annotations

import asyncio

import pytest

from sim.modbus_server import RegisterServer, serve
from tests.contracts.devices import FakeDevice
from tests.peers import require_peer


async def ask(server: RegisterServer, *pdus: str, unit: int = 1) -> list[str]:
    """Send these PDUs (hex) over one connection; returns the PDUs that come back."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    answers = []
    for number, pdu in enumerate(pdus, start=1):
        body = bytes([unit]) + bytes.fromhex(pdu)
        writer.write(number.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body)
        header = await reader.readexactly(7)
        assert int.from_bytes(header[:2], "big") == number
        answers.append((await reader.readexactly(int.from_bytes(header[4:6], "big") - 1)).hex())
    writer.close()
    await writer.wait_closed()
    return answers


async def answers_of(device: FakeDevice, *pdus: str, unit: int = 1) -> list[str]:
    server = await serve({1: device}, "127.0.0.1", 0, lambda: None)
    try:
        async with asyncio.timeout(20):
            return await ask(server, *pdus, unit=unit)
    finally:
        await server.shutdown()


@pytest.mark.parametrize(
    ("pdu", "answer"),
    [
        ("0400000001", "04020005"),
        ("0300000001", "03020000"),
        ("0600010007", "0600010007"),
        ("100001000204000a000b", "1000010002"),
        ("0100000001", "8102"),
        ("0200000001", "8202"),
        ("050000ff00", "8502"),
        ("0f0000000101ff", "8f02"),
        ("0400f00001", "8402"),
        ("0400000000", "8403"),
        ("04000000ff", "8403"),
        ("0400", "8403"),
        ("06000100", "8603"),
        ("100001000203000a00", "9003"),
        ("160001ffff0000", "9601"),
        ("17000000010000000102000a", "9701"),
        ("2b0e0100", "ab01"),
        ("0800000000", "8801"),
        ("64", "e401"),
    ],
)
def test_only_eight_functions_are_served_and_refusals_are_exact(pdu: str, answer: str) -> None:
    assert asyncio.run(answers_of(FakeDevice(), pdu)) == [answer]


def test_an_unknown_unit_is_a_device_failure() -> None:
    assert asyncio.run(answers_of(FakeDevice(), "0400000001", unit=9)) == ["8404"]


def test_a_device_with_a_bug_fails_the_request_and_not_the_server(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeDevice):
        def read_input(self, address: int, count: int) -> list[int]:
            raise RuntimeError("this sensor is on fire")

    assert asyncio.run(answers_of(Broken(), "0400000001", "0300000001")) == ["8404", "03020000"]
    assert "on fire" in caplog.text


def test_the_plant_is_brought_up_to_now_before_each_access() -> None:
    device = FakeDevice()
    device.inputs[0] = 0

    def advance() -> None:
        device.inputs[0] += 1

    async def run() -> list[str]:
        server = await serve({1: device}, "127.0.0.1", 0, advance)
        try:
            return await ask(server, "0400000001", "0600010007", "0400000001")
        finally:
            await server.shutdown()

    assert asyncio.run(run()) == ["04020001", "0600010007", "04020003"]


def test_a_taken_address_is_an_os_error() -> None:
    async def run() -> None:
        server = await serve({}, "127.0.0.1", 0, lambda: None)
        try:
            with pytest.raises(OSError, match="cannot listen"):
                await serve({}, "127.0.0.1", server.port, lambda: None)
        finally:
            await server.shutdown()
            await server.shutdown()

    asyncio.run(run())


async def mbpoll(server: RegisterServer, *arguments: str) -> str:
    """What mbpoll prints; it polls once, with addresses from 0."""
    process = await asyncio.create_subprocess_exec(
        require_peer("mbpoll"),
        *("-m", "tcp", "-0", "-1", "-q", "-a", "1", "-p", str(server.port), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.mark.peer
def test_mbpoll_reads_and_writes_our_registers() -> None:
    device = FakeDevice()

    async def run() -> tuple[str, str]:
        server = await serve({1: device}, "127.0.0.1", 0, lambda: None)
        try:
            async with asyncio.timeout(60):
                inputs = await mbpoll(server, "-t", "3", "-r", "100", "-c", "4", server.host)
                await mbpoll(server, "-t", "4", "-r", "20", server.host, "4660", "22136")
                holding = await mbpoll(server, "-t", "4", "-r", "20", "-c", "2", server.host)
        finally:
            await server.shutdown()
        return inputs, holding

    inputs, holding = asyncio.run(run())
    assert [line.split()[:2] for line in inputs.splitlines() if line.startswith("[")] == [
        [f"[{at}]:", str(device.inputs[at])] for at in range(100, 104)
    ]
    assert device.writes == [(20, [4660, 22136])]
    assert [line.split()[1] for line in holding.splitlines() if line.startswith("[")] == ["4660", "22136"]
