"""The link to one wallbox: what it said last, how old that is, which current it may offer.

Decides when the wallbox is told its settings (at first contact, and after every silence, for it may
have lost them) and rewrites the set point at every exchange, which feeds its watchdog.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.moment import NEVER_MS
from domain.signals import LinkSignal, SpotImage
from plc.codec import CodecError
from plc.links.wire import RegisterPort, WireError, WireFault
from plc.wallbox import (
    RegisterWrite,
    WallboxProfile,
    decode_spot,
    encode_setpoint,
    reads,
    startup_writes,
)


class SpotLink:
    """One wallbox behind a port; `runtime` calls `exchange`, once a second unless configured otherwise."""

    def __init__(
        self,
        profile: WallboxProfile,
        port: RegisterPort,
        *,
        failsafe_da: int,
        watchdog_ms: int | None = None,
    ) -> None:
        self.profile = profile
        self.port = port
        self.image: SpotImage | None = None
        self.last_error: WireError | None = None
        """Why the last exchange failed; None when it did not."""
        self._startup = startup_writes(profile, failsafe_da, watchdog_ms)
        self._told = False
        self._set_da: int | None = None
        self._answered_ms: int | None = None

    def signal(self, now_ms: int) -> LinkSignal:
        """Age of the image; `NEVER_MS` before the first one."""
        return LinkSignal(NEVER_MS if self._answered_ms is None else max(0, now_ms - self._answered_ms))

    def post(self, current_da: int) -> None:
        """The current the wallbox may offer from the next exchange on (0.1 A; 0 = none)."""
        self._set_da = current_da

    async def exchange(self, now_ms: int) -> bool:
        """One poll: set point out, all blocks in. False when the wire failed."""
        try:
            if not self._told:
                await self._write(self._startup)
                self._told = True
            if self._set_da is not None:
                await self._write(encode_setpoint(self.profile, self._set_da))
            self.image = await self._read()
        except WireError as error:
            self.last_error = error
            self._told = False
            return False
        self.last_error = None
        self._answered_ms = now_ms
        return True

    async def _write(self, writes: Iterable[RegisterWrite]) -> None:
        for write in writes:
            await self.port.write_register(write.address, write.value)

    async def _read(self) -> SpotImage:
        answers = []
        for block in reads(self.profile):
            read = self.port.read_input if block.space == "input" else self.port.read_holding
            answers.append(await read(block.address, block.count))
        try:
            image = decode_spot(self.profile, answers)
        except CodecError as error:
            raise WireError(WireFault.BAD_ANSWER, str(error)) from error
        return self.image if image == self.image and self.image is not None else image
