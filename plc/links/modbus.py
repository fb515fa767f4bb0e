"""A register port over Modbus TCP, built on pymodbus.

Decides how a connection is kept: one request in flight, no retries (the controller repeats commands
by id), and a new connection after every request that was not answered properly, so that a late
answer can never be taken for the answer to a later request. Knows nothing of what registers mean.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException, ModbusIOException
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU

from plc.links.wire import WireError, WireFault, WireStatistics

READ_HOLDING, READ_INPUT, WRITE_SINGLE, WRITE_MULTIPLE = 3, 4, 6, 16

RECONNECT_MS_FIRST = 100
RECONNECT_MS_MAX = 3000


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """Where one device answers, and how long it may take over it."""

    host: str
    port: int = 502
    device_id: int = 1
    timeout_ms: int = 500


def quiet_pymodbus() -> None:
    """Stop pymodbus from logging each failed request with the last 20 frames of all connections.

    Failures reach us as `WireError`. A level that somebody has set on purpose is left alone.
    """
    logger = logging.getLogger("pymodbus.logging")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.CRITICAL)


class _Garbage(ModbusPDU):
    """Stands for an answer that is none of ours; its function code 0 matches no request."""


class _Answers(DecodePDU):
    """Decodes the four answers we ask for, and hands anything else on as `_Garbage`.

    The original raises inside the transport's callback, and the request would wait for its timeout.
    """

    def decode(self, frame: bytes) -> ModbusPDU:
        asked_for = (READ_HOLDING, READ_INPUT, WRITE_SINGLE, WRITE_MULTIPLE)
        pdu = super().decode(frame) if frame[0] & 0x7F in asked_for else None
        return _Garbage() if pdu is None else pdu


class PymodbusPort:
    """The registers of one Modbus TCP device. `open` once, `close` once, or use `async with`.

    A task of its own keeps the connection: pymodbus does not try again after a failed first connect.
    """

    def __init__(self, endpoint: TcpEndpoint) -> None:
        quiet_pymodbus()
        self.endpoint = endpoint
        self.statistics = WireStatistics()
        self._client: AsyncModbusTcpClient | None = None
        self._deadline: asyncio.Timeout | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._down.set()
        self._closing = asyncio.Event()
        self._answered = False

    @property
    def connected(self) -> bool:
        """Whether there is a connection now; the device may be deaf all the same."""
        return self._client is not None

    async def open(self) -> None:
        """Start to connect, and to reconnect whenever needed. Does not wait for the device."""
        if self._supervisor is None:
            self._supervisor = asyncio.create_task(
                self._keep_connected(), name=f"modbus {self.endpoint.host}:{self.endpoint.port}"
            )

    async def close(self) -> None:
        """Hang up for good."""
        self._closing.set()
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        self._drop(self._client)

    async def wait_connected(self) -> None:
        """Return as soon as there is a connection."""
        await self._up.wait()

    async def __aenter__(self) -> PymodbusPort:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def read_input(self, address: int, count: int) -> list[int]:
        return await self._read(
            READ_INPUT,
            count,
            lambda client: client.read_input_registers(address, count=count, device_id=self.endpoint.device_id),
        )

    async def read_holding(self, address: int, count: int) -> list[int]:
        return await self._read(
            READ_HOLDING,
            count,
            lambda client: client.read_holding_registers(address, count=count, device_id=self.endpoint.device_id),
        )

    async def write_registers(self, address: int, values: Sequence[int]) -> None:
        words = list(values)
        await self._ask(
            WRITE_MULTIPLE,
            lambda client: client.write_registers(address, words, device_id=self.endpoint.device_id),
            lambda answer: (answer.address, answer.count) == (address, len(words)),
        )

    async def write_register(self, address: int, value: int) -> None:
        await self._ask(
            WRITE_SINGLE,
            lambda client: client.write_register(address, value, device_id=self.endpoint.device_id),
            lambda answer: (answer.address, list(answer.registers)) == (address, [value]),
        )

    async def _read(
        self, function_code: int, count: int, send: Callable[[AsyncModbusTcpClient], Awaitable[ModbusPDU]]
    ) -> list[int]:
        answer = await self._ask(function_code, send, lambda found: len(found.registers) == count)
        return list(answer.registers)

    async def _ask(
        self,
        function_code: int,
        send: Callable[[AsyncModbusTcpClient], Awaitable[ModbusPDU]],
        fits: Callable[[ModbusPDU], bool],
    ) -> ModbusPDU:
        """One request and its answer. Any other end than an answer drops the connection."""
        async with self._lock:
            client = self._client
            if client is None:
                self.statistics.errors += 1
                raise WireError(WireFault.NO_LINK, f"{self.endpoint.host}:{self.endpoint.port}")
            self.statistics.frames += 1
            try:
                answer = await self._answer(client, send)
                if isinstance(answer, ExceptionResponse) and answer.function_code == function_code | 0x80:
                    self.statistics.errors += 1
                    self._answered = True
                    raise WireError(WireFault.EXCEPTION, f"code {answer.exception_code}", answer.exception_code)
                if answer.function_code != function_code or not fits(answer):
                    raise self._failure(client, WireFault.BAD_ANSWER, f"to function {function_code}")
            except WireError:
                raise
            except BaseException:
                # Cancelled, or a bug: the answer is still under way and must not meet the next request.
                self._drop(client)
                raise
            self._answered = True
            return answer

    async def _answer(
        self, client: AsyncModbusTcpClient, send: Callable[[AsyncModbusTcpClient], Awaitable[ModbusPDU]]
    ) -> ModbusPDU:
        try:
            async with asyncio.timeout(self.endpoint.timeout_ms / 1000) as self._deadline:
                return await send(client)
        except (TimeoutError, ModbusIOException) as error:
            if self._client is client:
                raise self._failure(client, WireFault.TIMEOUT, f"{self.endpoint.timeout_ms} ms") from error
            raise self._failure(client, WireFault.NO_LINK, "connection lost") from error
        except (ConnectionException, OSError) as error:
            raise self._failure(client, WireFault.NO_LINK, str(error)) from error
        except ModbusException as error:
            raise self._failure(client, WireFault.BAD_ANSWER, str(error)) from error
        finally:
            self._deadline = None

    def _failure(self, client: AsyncModbusTcpClient, kind: WireFault, about: str) -> WireError:
        self.statistics.errors += 1
        self._drop(client)
        return WireError(kind, about)

    def _drop(self, client: AsyncModbusTcpClient | None) -> None:
        """Hang up this connection; the supervisor makes a new one."""
        if client is None:
            return
        client.close()
        if client is self._client:
            self._client = None
            self._up.clear()
            self._down.set()

    def _lost(self, client: AsyncModbusTcpClient) -> None:
        """The far end has hung up: nobody needs to wait for an answer any longer."""
        if client is not self._client:
            return
        self._drop(client)
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time())

    async def _keep_connected(self) -> None:
        """Connect at once after a connection that was of use, else after a growing pause.

        `asyncio.wait_for` of Python 3.11, inside pymodbus, can lose a cancellation that comes just as a
        connect fails, so the end is looked for as well.
        """
        delay_ms = 0
        connected_before = False
        while not self._closing.is_set():
            await self._pause(delay_ms)
            client = await self._connect()
            if client is not None and self._closing.is_set():
                client.close()
            elif client is not None:
                self.statistics.reconnects += connected_before
                connected_before = True
                self._answered = False
                self._client = client
                self._down.clear()
                self._up.set()
                await self._down.wait()
            useful = client is not None and self._answered
            delay_ms = 0 if useful else min(RECONNECT_MS_MAX, 2 * delay_ms or RECONNECT_MS_FIRST)

    async def _pause(self, delay_ms: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_ms / 1000):
                await self._closing.wait()

    async def _connect(self) -> AsyncModbusTcpClient | None:
        """One attempt with a fresh client, so that nothing of an old connection survives."""
        timeout_s = self.endpoint.timeout_ms / 1000
        client = AsyncModbusTcpClient(
            self.endpoint.host,
            port=self.endpoint.port,
            timeout=timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_connect=lambda up: None if up else self._lost(client),
        )
        client.ctx.framer.decoder = _Answers(False)
        try:
            if await client.connect():
                return client
        except (OSError, ValueError, ModbusException):  # ValueError: a name that no resolver accepts
            client.close()
        except asyncio.CancelledError:
            client.close()
            raise
        return None
