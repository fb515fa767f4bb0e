"""The link to one module's PLC: what it said last, how old that is, what it is still to be told.

Decides when an image counts as fresh: the PLC answered *and* its own heartbeat has moved. Decides
no pace (the caller polls) and repeats no command (the controller does, with the same id).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from domain.grid import ModuleLayout
from domain.moment import NEVER_MS
from domain.outputs import Bypass, MailboxWrite, ManualWrite
from domain.signals import Identity, KeptHead, LinkSignal, ModuleImage
from plc.codec import (
    CodecError,
    decode_identity,
    decode_kept,
    decode_module,
    encode_kept,
    encode_mailbox,
    encode_manual,
    plc_heartbeat,
)
from plc.links.wire import RegisterPort, WireError, WireFault
from plc.register_map import (
    ADDRESS,
    KEPT_SHOWN_ADDRESS,
    KEPT_WORDS,
    MAP_VERSION,
    PALLETS_ADDRESS,
    pallet_words,
    status_words,
)

_HEARTBEAT = ADDRESS["supervisor_heartbeat"]
_IDENTITY_WORDS = ADDRESS["boot_count"] + 1


class ModuleLink:
    """One module's PLC behind a port.

    The scan calls `post` and reads `image` and `signal`; a task of `runtime` calls `exchange` again
    and again. A scan that hangs posts no new heartbeat, so the PLC notices even while the task runs.
    """

    def __init__(self, layout: ModuleLayout, port: RegisterPort) -> None:
        self.layout = layout
        self.port = port
        self.image: ModuleImage | None = None
        self.last_error: WireError | None = None
        """Why the last exchange failed; None when it did not."""
        self._identity: Identity | None = None
        self._status_words = status_words(len(layout.levels))
        self._pallet_words = pallet_words(len(layout.bays))
        self._plc_heartbeat: int | None = None
        self._alive_ms: int | None = None
        self._heartbeat: int | None = None
        self._outbox: dict[int, MailboxWrite] = {}
        self._kept: KeptHead | None = None
        self._to_keep: KeptHead | None = None
        self._manual: ManualWrite | None = None

    def signal(self, now_ms: int) -> LinkSignal:
        """Age of the image, and who answered; the age is `NEVER_MS` before the first image."""
        age_ms = NEVER_MS if self._alive_ms is None else max(0, now_ms - self._alive_ms)
        return LinkSignal(age_ms, self._identity, self._kept)

    def post(
        self, heartbeat: int | None, writes: Iterable[MailboxWrite] = (), manual: ManualWrite | None = None
    ) -> None:
        """What the next exchange tells the PLC. No heartbeat (None): let the PLC stop by itself.

        A newer command for a mailbox takes the place of one that has not been sent yet. So does a jog of any
        other: one button is held at a time. Letting go takes back what has not been sent.
        """
        self._heartbeat = None if heartbeat is None else heartbeat & 0xFFFF
        for write in writes:
            if write.opcode.is_jog:
                self._take_jogs_back()
            self._outbox[write.mailbox] = write
        if manual is not None:
            self._manual = manual
            if not manual.hold:
                self._take_jogs_back()

    def keep(self, head: KeptHead) -> None:
        """Let the PLC keep this head of the journal; told at the next exchange, and not again if that fails."""
        self._to_keep = head

    async def exchange(self, now_ms: int) -> bool:
        """One poll: commands and heartbeat out, both blocks in. False when the wire failed.

        `now_ms` is the time at which the exchange starts, so an image is rather called too old than
        too young. A command that meets a dead wire is dropped, never delivered late.
        """
        writes, self._outbox = self._outbox, {}
        manual, self._manual = self._manual, None
        try:
            # First, so that a jog finds its button held.
            if manual is not None:
                await self.port.write_registers(*encode_manual(manual))
            await self._tell(writes.values())
            await self._read(now_ms)
        except WireError as error:
            self.last_error = error
            # Whoever answers next may be another PLC, or the same after a restart.
            self._kept = None
            if manual is not None and self._manual is None:
                # Locks have to arrive some time; a button that was held then is not held now.
                self._manual = replace(manual, hold=0, bypass=Bypass.NONE)
            return False
        self.last_error = None
        return True

    def _take_jogs_back(self) -> None:
        self._outbox = {mailbox: write for mailbox, write in self._outbox.items() if not write.opcode.is_jog}

    async def _tell(self, writes: Iterable[MailboxWrite]) -> None:
        for write in writes:
            address, words = encode_mailbox(write)
            await self.port.write_registers(address, words)
        head, self._to_keep = self._to_keep, None
        if head is not None:
            await self.port.write_registers(*encode_kept(head))
            self._kept = head
        if self._heartbeat is not None:
            await self.port.write_register(_HEARTBEAT, self._heartbeat)

    async def _read(self, now_ms: int) -> None:
        if self._identity is None:
            # A PLC with a smaller layout refuses the blocks; its identity tells why.
            self._identity = decode_identity(await self.port.read_input(0, _IDENTITY_WORDS))
        # Before the identity is known to anybody: no image of a PLC without what it keeps.
        if self._kept is None and self._identity.map_version == MAP_VERSION:
            self._kept = decode_kept(await self.port.read_input(KEPT_SHOWN_ADDRESS, KEPT_WORDS))
        # Status before pallets: a "done" is then never paired with pallets from before the end.
        status = await self.port.read_input(0, self._status_words)
        pallets = await self.port.read_input(PALLETS_ADDRESS, self._pallet_words)
        self._identity = decode_identity(status)
        try:
            self.image = decode_module(self.layout, status, pallets, self.image)
        except CodecError as error:
            raise WireError(WireFault.BAD_ANSWER, str(error)) from error
        counter = plc_heartbeat(status)
        if counter != self._plc_heartbeat:
            self._plc_heartbeat = counter
            self._alive_ms = now_ms
