"""Devices and benches for the contract tests: the same device behind every kind of wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from pymodbus.transport.transport import NULLMODEM_HOST

from plc.device import IllegalAddress, IllegalValue
from plc.links.in_process import InProcessPort
from plc.links.modbus import PymodbusPort, TcpEndpoint
from plc.links.wire import RegisterPort
from sim.modbus_server import RegisterServer, serve

UNIT = 7
TIMEOUT_MS = 300


@dataclass
class FakeDevice:
    """Registers that do nothing; writes are kept in the order in which they came."""

    inputs: list[int] = field(default_factory=lambda: [(31 * n + 5) % 0x10000 for n in range(240)])
    holding: list[int] = field(default_factory=lambda: [0] * 100)
    writes: list[tuple[int, list[int]]] = field(default_factory=list)
    writes_single_only: bool = False
    touched: int = 0

    def read_input(self, address: int, count: int) -> list[int]:
        return self._cut(self.inputs, address, count)

    def read_holding(self, address: int, count: int) -> list[int]:
        return self._cut(self.holding, address, count)

    def write_holding(self, address: int, values: Sequence[int]) -> None:
        self._cut(self.holding, address, len(values))
        if 0xDEAD in values:
            raise IllegalValue("not that one")
        self.holding[address : address + len(values)] = values
        self.writes.append((address, list(values)))
        self.touched += 1

    @staticmethod
    def _cut(words: list[int], address: int, count: int) -> list[int]:
        if address + count > len(words):
            raise IllegalAddress(address, count)
        return words[address : address + count]


@dataclass
class Bench:
    """A device behind one kind of wire that can be cut and mended."""

    device: FakeDevice
    port: RegisterPort
    cut: Callable[[], Awaitable[None]]
    mend: Callable[[], Awaitable[None]]


class BenchMaker(Protocol):
    def __call__(self, device: FakeDevice) -> AsyncIterator[Bench]: ...


async def in_process(device: FakeDevice) -> AsyncIterator[Bench]:
    port = InProcessPort(device)

    async def plug(state: bool) -> None:
        port.plugged = state

    yield Bench(device, port, lambda: plug(False), lambda: plug(True))


_null_modem_ports = count(1)


async def null_modem(device: FakeDevice) -> AsyncIterator[Bench]:
    async for bench in _over_server(device, NULLMODEM_HOST, next(_null_modem_ports)):
        yield bench


async def loopback_tcp(device: FakeDevice) -> AsyncIterator[Bench]:
    async for bench in _over_server(device, "127.0.0.1", 0):
        yield bench


async def _over_server(device: FakeDevice, host: str, port_number: int) -> AsyncIterator[Bench]:
    running: list[RegisterServer] = [await serve({UNIT: device}, host, port_number, lambda: None)]
    port_number = running[0].port

    async def cut() -> None:
        await running.pop().shutdown()

    async def mend() -> None:
        running.append(await serve({UNIT: device}, host, port_number, lambda: None))

    async with PymodbusPort(TcpEndpoint(host, port_number, UNIT, TIMEOUT_MS)) as port:
        await port.wait_connected()
        yield Bench(device, port, cut, mend)
    for server in running:
        await server.shutdown()


WIRES: dict[str, BenchMaker] = {
    "in process": in_process,
    "null modem": null_modem,
    "loopback tcp": loopback_tcp,
}


def on_bench(wire: str, device: FakeDevice, story: Callable[[Bench], Awaitable[None]]) -> None:
    """Run a story with the device behind that wire; it may take 30 s at most."""

    async def run() -> None:
        async with asyncio.timeout(30), asynccontextmanager(WIRES[wire])(device) as bench:
            await story(bench)

    asyncio.run(run())


@asynccontextmanager
async def raw_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A bare socket server that may answer whatever it likes; yields its port."""
    talks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the client has hung up
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(one(reader, writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        for _ in range(5):
            # Whoever has just called is let in and their talk begun: only a begun talk hangs up when it is cancelled.
            await asyncio.sleep(0)
        server.close()
        for task in list(talks):
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One whole Modbus TCP request."""
    header = await reader.readexactly(6)
    return header + await reader.readexactly(int.from_bytes(header[4:6], "big"))


def read_answer(request: bytes, words: Sequence[int]) -> bytes:
    """The right answer to a read request, with its transaction id."""
    payload = b"".join(word.to_bytes(2, "big") for word in words)
    pdu = bytes([request[6], request[7], len(payload)]) + payload
    return request[:4] + len(pdu).to_bytes(2, "big") + pdu
