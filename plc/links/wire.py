"""What every kind of wire offers: four requests, one kind of failure, a few counters.

Decides the vocabulary between links and ports. Opens nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class WireFault(StrEnum):
    """Why a request has no answer that can be used."""

    TIMEOUT = "timeout"
    EXCEPTION = "exception"
    NO_LINK = "no_link"
    BAD_ANSWER = "bad_answer"


class WireError(Exception):
    """A request failed; the only thing a port ever raises about the wire.

    `code` is the Modbus exception code when the device itself refused, otherwise 0.
    """

    def __init__(self, kind: WireFault, about: str, code: int = 0) -> None:
        super().__init__(f"{kind}: {about}")
        self.kind = kind
        self.about = about
        self.code = code


@dataclass(slots=True)
class WireStatistics:
    """Counters of one wire since it was opened."""

    frames: int = 0
    """Requests sent."""
    errors: int = 0
    """Requests without a usable answer, those of a missing link included."""
    reconnects: int = 0
    """Connections made after the first."""


class RegisterPort(Protocol):
    """The registers of one device at the far end of some wire. Every call may raise `WireError`."""

    @property
    def statistics(self) -> WireStatistics:
        """Counters of this wire."""
        ...

    async def read_input(self, address: int, count: int) -> list[int]:
        """Input registers (FC 4)."""
        ...

    async def read_holding(self, address: int, count: int) -> list[int]:
        """Holding registers (FC 3)."""
        ...

    async def write_registers(self, address: int, values: Sequence[int]) -> None:
        """Several holding registers at once (FC 16)."""
        ...

    async def write_register(self, address: int, value: int) -> None:
        """One holding register (FC 6)."""
        ...
