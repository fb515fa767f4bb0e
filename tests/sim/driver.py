"""A supervisor of few words for simulator tests: writes commands, waits, reads images."""

from __future__ import annotations

from domain.ids import ModuleId
from domain.outputs import GATE, MailboxWrite, Opcode
from domain.signals import MailboxReply, ModuleImage, PalletSignal, Result
from plc.codec import decode_module, encode_mailbox
from plc.register_map import PALLETS_ADDRESS, pallet_words, status_words
from sim.rig import Rig

SCAN_MS = 100


class Driver:
    """Talks to one module of a rig through its registers only."""

    def __init__(self, rig: Rig, module: str = "A") -> None:
        self.rig = rig
        self.module = ModuleId(module)
        self.layout = rig.site.layout[self.module]
        self.device = rig.device(module)
        self.plant = rig.plant.modules[self.module]
        self.last_id = 0

    def image(self) -> ModuleImage:
        """What the registers say now."""
        status = self.device.read_input(0, status_words(len(self.layout.levels)))
        pallets = self.device.read_input(PALLETS_ADDRESS, pallet_words(len(self.layout.bays)))
        return decode_module(self.layout, status, pallets)

    def post(
        self,
        mailbox: int,
        opcode: int,
        first: int = 0,
        second: int = 0,
        *,
        deadline_ms: int = 120_000,
        command_id: int | None = None,
    ) -> int:
        """Write one command; returns its id."""
        if command_id is None:
            self.last_id += 1
            command_id = self.last_id
        write = MailboxWrite(self.module, mailbox, command_id, Opcode(opcode), first, second, deadline_ms)
        self.device.write_holding(*encode_mailbox(write))
        return command_id

    def reply(self, mailbox: int) -> MailboxReply:
        """How the mailbox answers now."""
        image = self.image()
        return image.gate_reply if mailbox == GATE else image.levels[mailbox - 1].reply

    def wait(self, ms: int, *, fed: bool = True) -> None:
        """Let so much time pass."""
        self.rig.run_to(self.rig.now_ms + ms, fed=fed)

    def finish(self, mailbox: int, *, fed: bool = True) -> MailboxReply:
        """Wait until the mailbox's command is over."""
        end_ms = self.rig.now_ms + 300_000
        self.wait(20, fed=fed)
        while (reply := self.reply(mailbox)).result is Result.RUNNING:
            assert self.rig.now_ms < end_ms, "the command never ends"
            self.rig.run_to(max(self.rig.next_change_ms(), self.rig.now_ms + 1), fed=fed)
        return reply

    def ask(self, mailbox: int, opcode: int, first: int = 0, second: int = 0) -> tuple[Result, int]:
        """Write a command and wait until it is over."""
        command_id = self.post(mailbox, opcode, first, second)
        reply = self.finish(mailbox)
        assert reply.command_id == command_id
        return reply.result, reply.reason

    def done(self, mailbox: int, opcode: int, first: int = 0, second: int = 0) -> None:
        """Write a command and insist that it succeeds."""
        answer = self.ask(mailbox, opcode, first, second)
        assert answer == (Result.DONE, 0), (mailbox, Opcode(opcode).name, first, second, answer)

    def pallet(self, bay: str) -> PalletSignal:
        """What the registers say of one pallet."""
        return self.image().pallets[[str(name) for name in self.layout.bay_names].index(bay)]

    def column_of(self, bay: str) -> int:
        """Where a pallet of its level stands, from the cells mask and the pallets' order."""
        level, index = int(bay[-4]), int(bay[-2:])
        mask = self.image().cells[level - 1]
        return [c for c in range(1, self.layout.columns + 1) if mask >> (c - 1) & 1][index - 1]

    def gap(self, level: int) -> int:
        """The first free column of a level."""
        mask = self.image().cells[level - 1]
        return next(c for c in range(1, self.layout.columns + 1) if not mask >> (c - 1) & 1)

    def bring_down(self, bay: str) -> None:
        """Free the shaft of a pallet on all levels below at once, then lower it."""
        level, index = int(bay[-4]), int(bay[-2:])
        column = self.column_of(bay)
        sliding = [below for below in range(1, level) if self.gap(below) != column]
        for below in sliding:
            self.post(below, Opcode.SLIDE, column, self.gap(below))
        for below in sliding:
            assert self.finish(below).result is Result.DONE
        self.done(level, Opcode.LOWER, index)

    def bring_home(self, bay: str) -> None:
        """Raise a pallet that was brought down."""
        self.done(int(bay[-4]), Opcode.RAISE, int(bay[-2:]))
