"""Simulated devices on a socket: one Modbus TCP server, one unit id per device.

Decides which function codes are served (1-6, 15, 16, as real soft PLCs do) and how a device's refusal
becomes an exception code. What a register holds is the device's business. Nothing here waits: a
request is answered in the turn in which it was read, because pymodbus stamps a late answer with the
transaction id of a newer request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import cast

from pymodbus.constants import ExcCodes
from pymodbus.datastore import ModbusServerContext
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.simulator.simcore import SimCore

from plc.device import IllegalAddress, IllegalValue, RegisterDevice

SERVED = frozenset({1, 2, 3, 4, 5, 6, 15, 16})
_READ_HOLDING, _READ_INPUT, _WRITE_SINGLE, _WRITE_MULTIPLE = 3, 4, 6, 16
_CLOSE_S = 1.0

_log = logging.getLogger(__name__)


class RegisterServer:
    """A running server; `port` is the real one even when 0 was asked for."""

    def __init__(self, server: _Server, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._server = server

    async def shutdown(self) -> None:
        """Stop listening and hang up on everybody. A second call does nothing."""
        listener = self._server.transport
        self._server.close()
        if isinstance(listener, asyncio.Server):
            await asyncio.wait_for(listener.wait_closed(), _CLOSE_S)


async def serve(
    devices: Mapping[int, RegisterDevice],
    host: str,
    port: int,
    before: Callable[[], None],
) -> RegisterServer:
    """Put devices, by unit id, on a socket; raises OSError when the address cannot be had.

    `before` is called ahead of every access, so that the owner can bring the plant up to now.
    """
    logger = logging.getLogger("pymodbus.logging")
    if logger.level == logging.NOTSET:
        # Refusals are part of the game; our own log has what is a bug.
        logger.setLevel(logging.CRITICAL)
    server = _Server(_Registers(devices, before), host, port)
    try:
        await server.serve_forever(background=True)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {host}:{port}") from error
    if isinstance(server.transport, asyncio.Server):
        port = int(server.transport.sockets[0].getsockname()[1])
    return RegisterServer(server, host, port)


class _Server(ModbusTcpServer):
    """pymodbus's server over devices that are asked instead of a table that is copied."""

    def __init__(self, registers: _Registers, host: str, port: int) -> None:
        placeholder = SimDevice(0, SimData(0, datatype=DataType.REGISTERS))  # the constructor wants a table
        super().__init__(placeholder, address=(host, port))
        self.context = registers
        self.decoder = _Requests()


class _Requests(DecodePDU):
    """Decodes the served function codes; anything else becomes a request that is refused properly.

    The original answers both an unknown function and a broken request as function 0.
    """

    def __init__(self) -> None:
        super().__init__(True)

    def decode(self, frame: bytes) -> ModbusPDU:
        if frame[0] not in SERVED:
            return _Refused(frame[0], ExcCodes.ILLEGAL_FUNCTION)
        pdu = super().decode(frame)
        return _Refused(frame[0], ExcCodes.ILLEGAL_VALUE) if pdu is None else pdu


class _Refused(ModbusPDU):
    """A request that nobody needs to be asked about."""

    def __init__(self, function_code: int, reason: ExcCodes) -> None:
        super().__init__()
        self.function_code = function_code
        self._reason = reason

    async def datastore_update(self, context: ModbusServerContext, device_id: int) -> ModbusPDU:
        return ExceptionResponse(self.function_code & 0x7F, self._reason)


class _Registers(SimCore):
    """What pymodbus takes for its data store: each access goes to the device itself."""

    def __init__(self, devices: Mapping[int, RegisterDevice], before: Callable[[], None]) -> None:
        self._registers = dict(devices)
        self._before = before
        self._written: list[int] = []

    def device_ids(self) -> list[int]:
        return list(self._registers)

    async def async_getValues(  # noqa: N802 - named by pymodbus
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        """Read; after FC 5 and 6 pymodbus reads back what it answers, which is what was written."""
        if func_code == _WRITE_SINGLE:
            return self._written
        return self._access(device_id, lambda device: self._read(device, func_code, address, count))

    async def async_setValues(  # noqa: N802 - named by pymodbus
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        """Write; None says that it was done."""
        words = cast(list[int], list(values))
        done = self._access(device_id, lambda device: self._write(device, func_code, address, words))
        self._written = words
        return done if isinstance(done, ExcCodes) else None

    def _access(self, device_id: int, access: Callable[[RegisterDevice], list[int] | ExcCodes]) -> list[int] | ExcCodes:
        device = self._registers.get(device_id)
        if device is None:
            return ExcCodes.DEVICE_FAILURE
        try:
            self._before()
            return access(device)
        except IllegalAddress:
            return ExcCodes.ILLEGAL_ADDRESS
        except IllegalValue:
            return ExcCodes.ILLEGAL_VALUE
        except Exception:
            # pymodbus would answer the same and tell only its own, silenced log.
            _log.exception("unit %d failed", device_id)
            return ExcCodes.DEVICE_FAILURE

    @staticmethod
    def _read(device: RegisterDevice, func_code: int, address: int, count: int) -> list[int] | ExcCodes:
        if func_code == _READ_INPUT:
            return list(device.read_input(address, count))
        if func_code == _READ_HOLDING:
            return list(device.read_holding(address, count))
        return ExcCodes.ILLEGAL_ADDRESS  # no device here has coils or contacts

    @staticmethod
    def _write(device: RegisterDevice, func_code: int, address: int, values: list[int]) -> list[int] | ExcCodes:
        if func_code == _WRITE_MULTIPLE and getattr(device, "writes_single_only", False):
            return ExcCodes.ILLEGAL_FUNCTION
        if func_code not in (_WRITE_SINGLE, _WRITE_MULTIPLE):
            return ExcCodes.ILLEGAL_ADDRESS
        device.write_holding(address, values)
        return values
