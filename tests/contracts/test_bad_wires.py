"""Wires that misbehave: late answers, garbage, silence, hang-ups, cancelled requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plc.links.modbus import PymodbusPort, TcpEndpoint
from plc.links.wire import WireError, WireFault
from tests.contracts.devices import raw_server, read_answer, read_request

UNIT = 1
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def with_port(talk: Talk, story: Callable[[PymodbusPort], Awaitable[None]], timeout_ms: int = 100) -> None:
    async with (
        asyncio.timeout(30),
        raw_server(talk) as number,
        PymodbusPort(TcpEndpoint("127.0.0.1", number, UNIT, timeout_ms)) as port,
    ):
        await port.wait_connected()
        await story(port)


async def read_when_possible(port: PymodbusPort, address: int) -> list[int]:
    """Ask until there is an answer."""
    while True:
        try:
            return await port.read_input(address, 1)
        except WireError:
            await asyncio.sleep(0.01)


def late_first(released: asyncio.Event, delivered: asyncio.Event) -> Talk:
    """Answers each read with its own address; the very first answer waits until `released`.

    Like some gateways it does not return the transaction id, so nothing in the frame gives it away.
    """
    requests = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        while True:
            request = await read_request(reader)
            requests += 1
            if requests == 1:
                await released.wait()
            answer = read_answer(request, [int.from_bytes(request[8:10], "big")])
            writer.write(b"\0\0" + answer[2:])
            delivered.set()

    return talk


@pytest.mark.parametrize("forget", ["timeout", "cancel"])
def test_a_late_answer_never_answers_the_next_request(forget: str) -> None:
    async def run() -> list[int]:
        released, delivered = asyncio.Event(), asyncio.Event()
        answers: list[int] = []

        async def story(port: PymodbusPort) -> None:
            first = asyncio.create_task(port.read_input(11, 1))
            if forget == "cancel":
                await asyncio.sleep(0.02)
                first.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await first
            else:
                with pytest.raises(WireError) as late:
                    await first
                assert late.value.kind is WireFault.TIMEOUT
            released.set()
            await delivered.wait()
            for address in (22, 33):
                answers.extend(await read_when_possible(port, address))
            assert port.statistics.reconnects >= 1

        await with_port(late_first(released, delivered), story)
        return answers

    assert asyncio.run(run()) == [22, 33]


def test_a_device_that_hangs_up_is_no_link_long_before_the_timeout() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async def story(port: PymodbusPort) -> None:
        with pytest.raises(WireError) as gone:
            await port.read_input(0, 1)
        assert gone.value.kind is WireFault.NO_LINK

    # The request would end with the harness's 30 s, not with an answer, if the hang-up went unnoticed.
    asyncio.run(with_port(talk, story, timeout_ms=60_000))


@pytest.mark.parametrize(
    ("answer", "about"),
    [
        (lambda request: read_answer(request, [1, 2]), "too many words"),
        (lambda request: read_answer(request, []), "no words"),
        (lambda request: request[:4] + b"\x00\x05\x01\x03\x02\x00\x01", "answer to another function"),
        (lambda request: request[:4] + b"\x00\x06\x01\x06\x00\x00\x00\x01", "echo of a write"),
        (lambda request: request[:4] + b"\x00\x05\x01\x2b\x02\x00\x01", "function we never use"),
        (lambda request: request[:4] + b"\x00\x03\x01\x83\x02", "refusal of another function"),
    ],
)
def test_an_answer_that_does_not_fit_is_a_bad_answer(answer: Callable[[bytes], bytes], about: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(answer(await read_request(reader)))

    async def story(port: PymodbusPort) -> None:
        with pytest.raises(WireError) as bad:
            await port.read_input(0, 1)
        assert bad.value.kind is WireFault.BAD_ANSWER, about
        assert not port.connected

    asyncio.run(with_port(talk, story, timeout_ms=5000))


def test_a_write_whose_echo_differs_is_a_bad_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = bytearray(await read_request(reader))
            request[-1] ^= 1
            writer.write(bytes(request))

    async def story(port: PymodbusPort) -> None:
        with pytest.raises(WireError) as bad:
            await port.write_register(5, 6)
        assert bad.value.kind is WireFault.BAD_ANSWER

    asyncio.run(with_port(talk, story, timeout_ms=5000))


CALLS: dict[str, Callable[[PymodbusPort], Awaitable[object]]] = {
    "read_input": lambda port: port.read_input(0, 2),
    "read_holding": lambda port: port.read_holding(0, 2),
    "write_register": lambda port: port.write_register(0, 1),
    "write_registers": lambda port: port.write_registers(0, [1, 2]),
}


@settings(max_examples=100, deadline=None)
@given(
    garbage=st.binary(min_size=1, max_size=600),
    framed=st.booleans(),
    hangs_up=st.booleans(),
    call=st.sampled_from(sorted(CALLS)),
)
def test_garbage_is_never_more_than_a_wire_error(garbage: bytes, framed: bool, hangs_up: bool, call: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader)
            body = bytes([UNIT]) + garbage[:250]
            writer.write(request[:4] + len(body).to_bytes(2, "big") + body if framed else garbage)
            if hangs_up:
                return

    loop_errors: list[object] = []

    async def story(port: PymodbusPort) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: loop_errors.append(context))
        try:
            answer = await CALLS[call](port)
        except WireError as error:
            assert error.kind in WireFault
        else:
            assert framed, f"took {garbage!r} for {answer}"

    asyncio.run(with_port(talk, story, timeout_ms=20))
    assert loop_errors == []


def test_a_host_that_nobody_knows_is_no_link() -> None:
    async def run() -> WireFault:
        async with PymodbusPort(TcpEndpoint("no..such..host", 502, UNIT, 50)) as port:
            await asyncio.sleep(0.02)
            with pytest.raises(WireError) as unknown:
                await port.read_input(0, 1)
            return unknown.value.kind

    assert asyncio.run(run()) is WireFault.NO_LINK


def test_closing_ends_even_when_the_cancellation_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """`asyncio.wait_for` of Python 3.11 may answer a cancellation with the inner failure instead."""

    async def swallow(port: PymodbusPort) -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return

    async def run() -> None:
        port = PymodbusPort(TcpEndpoint("127.0.0.1", 1, UNIT, 50))
        monkeypatch.setattr(port, "_connect", lambda: swallow(port))
        await port.open()
        await asyncio.sleep(0.02)
        async with asyncio.timeout(5):
            await port.close()
        assert not port.connected

    asyncio.run(run())
