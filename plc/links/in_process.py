"""Links without a wire: the device is an object of this process.

`InProcessPort` gives such a device the face of a wire, for links that cannot tell the difference.
The two in-process links serve the virtual runner: synchronous, through the same codec, and nearly
free while the device says that nothing has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.grid import ModuleLayout
from domain.outputs import MailboxWrite, ManualWrite
from domain.signals import KeptHead, LinkSignal, ModuleImage, SpotImage
from plc.codec import decode_identity, decode_kept, decode_module, encode_kept, encode_mailbox, encode_manual
from plc.device import IllegalAddress, IllegalValue, RegisterDevice
from plc.links.wire import WireError, WireFault, WireStatistics
from plc.register_map import ADDRESS, KEPT_SHOWN_ADDRESS, KEPT_WORDS, PALLETS_ADDRESS, pallet_words, status_words
from plc.wallbox import Block, WallboxProfile, decode_spot, encode_setpoint, reads, startup_writes

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
_HEARTBEAT = ADDRESS["supervisor_heartbeat"]


class InProcessPort:
    """A `RegisterPort` straight into a device. Set `plugged` False to pull the cable."""

    def __init__(self, device: RegisterDevice) -> None:
        self.plugged = True
        self.statistics = WireStatistics()
        self._device = device
        self._single_only = bool(getattr(device, "writes_single_only", False))

    async def read_input(self, address: int, count: int) -> list[int]:
        self._ask()
        try:
            return list(self._device.read_input(address, count))
        except IllegalAddress as error:
            raise self._refusal(error, ILLEGAL_ADDRESS) from error

    async def read_holding(self, address: int, count: int) -> list[int]:
        self._ask()
        try:
            return list(self._device.read_holding(address, count))
        except IllegalAddress as error:
            raise self._refusal(error, ILLEGAL_ADDRESS) from error

    async def write_registers(self, address: int, values: Sequence[int]) -> None:
        self._ask()
        if self._single_only:
            raise self._refusal(IllegalValue("takes single registers only"), ILLEGAL_FUNCTION)
        self._write(address, values)

    async def write_register(self, address: int, value: int) -> None:
        self._ask()
        self._write(address, [value])

    def _write(self, address: int, values: Sequence[int]) -> None:
        try:
            self._device.write_holding(address, values)
        except IllegalAddress as error:
            raise self._refusal(error, ILLEGAL_ADDRESS) from error
        except IllegalValue as error:
            raise self._refusal(error, ILLEGAL_VALUE) from error

    def _ask(self) -> None:
        if not self.plugged:
            self.statistics.errors += 1
            raise WireError(WireFault.NO_LINK, "unplugged")
        self.statistics.frames += 1

    def _refusal(self, error: Exception, code: int) -> WireError:
        self.statistics.errors += 1
        return WireError(WireFault.EXCEPTION, str(error), code)


class InProcessModuleLink:
    """A module PLC of this process. The image is never older than the last `refresh`."""

    def __init__(self, layout: ModuleLayout, device: RegisterDevice) -> None:
        self.layout = layout
        self.image: ModuleImage | None = None
        self.signal: LinkSignal | None = None
        """Who answered, age 0; None before the first `refresh`."""
        self._device = device
        self._status_words = status_words(len(layout.levels))
        self._pallet_words = pallet_words(len(layout.bays))
        self._touched: int | None = None

    def refresh(self) -> ModuleImage:
        """The image as the registers stand; the same object as before while they stand still."""
        touched = self._device.touched
        if self.image is not None and touched == self._touched:
            return self.image
        status = self._device.read_input(0, self._status_words)
        pallets = self._device.read_input(PALLETS_ADDRESS, self._pallet_words)
        identity = decode_identity(status)
        if self.signal is None or self.signal.identity != identity:
            kept = decode_kept(self._device.read_input(KEPT_SHOWN_ADDRESS, KEPT_WORDS))
            self.signal = LinkSignal(0, identity, kept)
        self.image = decode_module(self.layout, status, pallets, self.image)
        self._touched = touched
        return self.image

    def send(self, write: MailboxWrite) -> None:
        """Put one command into its mailbox."""
        address, words = encode_mailbox(write)
        self._device.write_holding(address, words)

    def keep(self, head: KeptHead) -> None:
        """Let the PLC keep this head of the journal."""
        self._device.write_holding(*encode_kept(head))
        if self.signal is not None:
            self.signal = replace(self.signal, kept=head)

    def tell_manual(self, write: ManualWrite) -> None:
        """Pass on hold, bypass and locks."""
        address, words = encode_manual(write)
        self._device.write_holding(address, words)

    def heartbeat(self, value: int) -> None:
        """Show the PLC that the supervisor scans; `value` counts up, and wraps here."""
        self._device.write_holding(_HEARTBEAT, (value & 0xFFFF,))


class InProcessSpotLink:
    """A wallbox of this process. Its failsafe current and watchdog are set when the link is made."""

    def __init__(
        self,
        profile: WallboxProfile,
        device: RegisterDevice,
        *,
        failsafe_da: int,
        watchdog_ms: int | None = None,
    ) -> None:
        self.profile = profile
        self.image: SpotImage | None = None
        self.signal = LinkSignal(0)
        self._device = device
        self._blocks = reads(profile)
        self._answers: list[Sequence[int]] = []
        self._touched: int | None = None
        self._set_da: int | None = None
        for write in startup_writes(profile, failsafe_da, watchdog_ms):
            device.write_holding(write.address, [write.value])

    def refresh(self) -> SpotImage:
        """The image as the registers stand; the same object as before while it would be equal.

        While power flows the meter counts without a touch, so the registers are read then.
        """
        touched = self._device.touched
        if self.image is not None and touched == self._touched and not self.image.power_w:
            return self.image
        answers = [self._read(block) for block in self._blocks]
        if self.image is None or answers != self._answers:
            self.image = decode_spot(self.profile, answers)
            self._answers = answers
        self._touched = touched
        return self.image

    def send(self, current_da: int) -> None:
        """Let the wallbox offer this current (0.1 A); a repeat costs nothing."""
        if current_da == self._set_da:
            return
        for write in encode_setpoint(self.profile, current_da):
            self._device.write_holding(write.address, [write.value])
        self._set_da = current_da

    def _read(self, block: Block) -> Sequence[int]:
        read = self._device.read_input if block.space == "input" else self._device.read_holding
        return read(block.address, block.count)
