"""What stands at the far end of a wire: something with registers, in this process or behind a socket.

Decides the shape every simulated device shows and how it refuses an address. Holds no registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class IllegalAddress(LookupError):
    """The device has no such register, or none that can be written (Modbus exception 2)."""

    def __init__(self, address: int, count: int = 1) -> None:
        super().__init__(f"no registers {address} to {address + count - 1}")
        self.address = address
        self.count = count


class IllegalValue(ValueError):
    """The register exists, but the device does not take this value (Modbus exception 3)."""


class RegisterDevice(Protocol):
    """A device whose registers can be asked for at once, without a wire."""

    @property
    def touched(self) -> int:
        """Counts up whenever a register other than a heartbeat or a meter has changed."""
        ...

    def read_input(self, address: int, count: int) -> Sequence[int]:
        """Input registers (FC 4); raises IllegalAddress."""
        ...

    def read_holding(self, address: int, count: int) -> Sequence[int]:
        """Holding registers (FC 3); raises IllegalAddress."""
        ...

    def write_holding(self, address: int, values: Sequence[int]) -> None:
        """Write holding registers (FC 6 or 16), all or nothing; raises IllegalAddress or IllegalValue."""
        ...
