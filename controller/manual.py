"""One module in an operator's hand: one holder, a button that is held, and what two people set aside.

Decides who holds a module, whether the button counts as held, and what the PLC is told of it. Whether a
move may be made at all is decided by `interlocks`, and again by the PLC, which stops by itself when the
hold goes missing: this side is the second barrier, not the first.
"""

from __future__ import annotations

from collections.abc import Callable

from controller import interlocks
from controller.machines import MODULE
from controller.motions import Failure, Motions
from controller.outage import forbidden
from controller.reconcile import at_rest
from controller.records import ManualHolder, ModuleMemory
from controller.scan import Scan
from domain.commands import (
    AskBypass,
    AskLockRemoval,
    ByHand,
    GrantBypass,
    GrantLockRemoval,
    HangLock,
    HoldManual,
    JogMove,
    LetGo,
    LockCommand,
    ReleaseManual,
    RemoveLock,
    TakeManual,
)
from domain.events import (
    BypassAsked,
    BypassEnded,
    BypassGranted,
    FaultRaised,
    LockHung,
    LockRemovalAsked,
    LockRemoved,
    LockRemovedForOwner,
    ManualReleased,
    ManualTaken,
)
from domain.grid import ModuleLayout
from domain.outputs import GATE, Bypass, Lights, ManualWrite, Opcode
from domain.reasons import ReasonCode, because
from domain.refusals import Refusal, RefusalCode
from domain.signals import ModuleImage
from domain.site import Site

Reasons = tuple[Refusal, ...]
Advance = Callable[[Scan, ModuleMemory, str, Reasons], None]
"""Brings the module into a state of its machine."""

PULSES = 65_535
"""The hold counter on the wire runs from 1 to this and wraps; 0 says that the button is let go."""


LOCK_REMOVAL_MS = 15 * 60_000
"""So long after an administrator asked a second person may agree that a lock goes."""


class ManualControl:
    """The controller's side of manual work in one module.

    What must survive a restart is in the memory; the button is not: after a restart it is not held.
    """

    def __init__(self, site: Site, layout: ModuleLayout, motions: Motions, advance: Advance) -> None:
        self._site = site
        self._layout = layout
        self._motions = motions
        self._advance = advance
        self._counter = 0
        self._pulse = 0
        self._held_ms: int | None = None
        self._sign_ms = 0
        self._bypass_ms = 0
        self._bypass_used = False
        self.lights = Lights.FULL
        """How the module is lit; decided by `controller.night`, told with the rest."""
        self.last_stop: int | None = None
        """The PLC's reason for the end of the last jog, if it ended before its time."""

    # -- commands ------------------------------------------------------------------------------

    def answer(
        self, scan: Scan, memory: ModuleMemory, image: ModuleImage | None, layout_now: ModuleLayout, command: ByHand
    ) -> Reasons:
        """Carry out one command; the reasons against it otherwise. `layout_now`: without parts out of service."""
        if image is None or memory.state == "offline":
            return self._no(RefusalCode.LINK_DOWN)
        match command:
            case TakeManual():
                return self._take(scan, memory, image, command)
            case GrantBypass():
                return self._grant(scan, memory, command)
            case _:
                against = self._against_caller(memory, command.operator, command.token_digest)
                if against:
                    return against
        self._sign_ms = scan.moment.mono_ms
        match command:
            case ReleaseManual():
                self.release(scan, memory, ReasonCode.GIVEN_BACK)
            case LetGo():
                self._let_go(scan, memory)
            case HoldManual():
                return self._hold(scan, memory, command.counter)
            case AskBypass():
                self._end_bypass(scan, memory, ReasonCode.ASKED_ANEW)
                self._bypass_ms = scan.moment.mono_ms
                scan.emit(BypassAsked(self._layout.id, command.operator, int(command.interlock), command.reason))
            case JogMove():
                return self._jog(scan, memory, image, layout_now, command)
        return ()

    def _no(self, code: RefusalCode, about: str = "") -> Reasons:
        return (Refusal(code, about or self._layout.id),)

    def _take(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, command: TakeManual) -> Reasons:
        if memory.manual is not None:
            return self._no(RefusalCode.MANUAL_HELD, memory.manual.operator)
        if memory.state == "maintenance":
            return self._no(RefusalCode.MODULE_MAINTENANCE, ", ".join(memory.locks))
        if not interlocks.key_in_manual(image):
            return self._no(RefusalCode.KEY_NOT_MANUAL, image.mode.name.lower())
        if memory.state not in ("ready", "locked") or memory.motions or not at_rest(image):
            return self._no(RefusalCode.LEVEL_BUSY)
        self._counter, self._held_ms, self._sign_ms = 0, None, scan.moment.mono_ms
        self.last_stop = None
        scan.emit(ManualTaken(self._layout.id, command.operator, command.reason, command.token_digest))
        self._advance(scan, memory, MODULE.next(memory.state, "take"), (Refusal(RefusalCode.MODULE_MANUAL),))
        return ()

    def _against_caller(self, memory: ModuleMemory, operator: str, token_digest: str) -> Reasons:
        holder = memory.manual
        if holder is None or memory.state != "manual":
            return self._no(RefusalCode.NOT_MANUAL)
        if (holder.operator, holder.token_digest) != (operator, token_digest):
            return self._no(RefusalCode.NOT_HOLDER, holder.operator)
        return ()

    def _hold(self, scan: Scan, memory: ModuleMemory, counter: int) -> Reasons:
        if counter <= self._counter:
            return self._no(RefusalCode.OLD_COUNTER, f"{counter} after {self._counter}")
        self._counter = counter
        self._held_ms = scan.moment.mono_ms
        self._pulse = self._pulse % PULSES + 1
        self.tell(scan, memory)
        return ()

    def _jog(
        self, scan: Scan, memory: ModuleMemory, image: ModuleImage, layout_now: ModuleLayout, command: JogMove
    ) -> Reasons:
        if not self._exists(command):
            return self._no(RefusalCode.UNKNOWN_MOVE, f"{command.mailbox} {command.first} {command.second}")
        if command.counter <= self._counter:
            return self._no(RefusalCode.OLD_COUNTER, f"{command.counter} after {self._counter}")
        asked = (command.opcode, command.mailbox, command.first, command.second)
        reasons = self.against(memory, image, layout_now, *asked)
        if memory.motions:
            reasons += self._no(RefusalCode.LEVEL_BUSY)
        if reasons:
            return reasons
        self.last_stop = None
        self._bypass_used = self.granted(memory) is not Bypass.NONE
        self._hold(scan, memory, command.counter)
        opcode, mailbox, first, second = asked
        self._motions.ask(scan, memory, image, mailbox, opcode, first, second, None, command.operator)
        return ()

    def against(
        self,
        memory: ModuleMemory,
        image: ModuleImage,
        layout_now: ModuleLayout,
        opcode: Opcode,
        mailbox: int,
        first: int,
        second: int,
    ) -> Reasons:
        """Every reason against one jog now: the same interlocks as in automatic mode, and parts out of service."""
        granted = self.granted(memory)
        running = self._motions.running()
        reasons = interlocks.against(self._layout, image, opcode, mailbox, first, second, running, granted)
        return reasons + forbidden(layout_now, image, opcode, mailbox, first, second)

    def _exists(self, command: JogMove) -> bool:
        """Whether the jog names a level and its pallet or columns at all."""
        layout, level = self._layout, command.mailbox
        match command.opcode:
            case Opcode.JOG_GATE_OPEN | Opcode.JOG_GATE_CLOSE:
                return level == GATE
            case Opcode.JOG_SLIDE:
                columns = range(1, layout.columns + 1)
                ends = command.first in columns and command.second in columns and command.first != command.second
                return 1 <= level <= len(layout.levels) and ends
            case Opcode.JOG_LOWER | Opcode.JOG_RAISE:
                upper = 2 <= level <= len(layout.levels)
                return upper and 1 <= command.first <= layout.pallets_per_level[level - 1]
            case _:
                return False

    # -- bypass --------------------------------------------------------------------------------

    def granted(self, memory: ModuleMemory) -> Bypass:
        """What two people have set aside for the next held move."""
        bypass = memory.bypass
        return Bypass(bypass.interlock) if bypass is not None and bypass.second is not None else Bypass.NONE

    def _grant(self, scan: Scan, memory: ModuleMemory, command: GrantBypass) -> Reasons:
        holder, asked = memory.manual, memory.bypass
        if holder is None:
            return self._no(RefusalCode.NOT_MANUAL)
        if asked is None or asked.interlock != command.interlock or asked.second is not None:
            return self._no(RefusalCode.NO_BYPASS_ASKED)
        if command.operator == holder.operator:
            return self._no(RefusalCode.SECOND_PERSON, holder.operator)
        self._bypass_ms = scan.moment.mono_ms
        scan.emit(BypassGranted(self._layout.id, holder.operator, command.operator, asked.interlock))
        return ()

    def _end_bypass(self, scan: Scan, memory: ModuleMemory, why: ReasonCode) -> None:
        self._bypass_used = False
        if memory.bypass is not None:
            scan.emit(BypassEnded(self._layout.id, memory.bypass.interlock, (because(why),)))

    # -- the ends of holding -------------------------------------------------------------------

    def release(self, scan: Scan, memory: ModuleMemory, why: ReasonCode, trigger: str = "give_back") -> None:
        """The module is in nobody's hand any more, and goes on by this trigger of its machine."""
        holder = memory.manual
        if holder is None:
            return
        self.forget(scan, memory, why)
        self._advance(scan, memory, MODULE.next(memory.state, trigger), ())

    def forget(self, scan: Scan, memory: ModuleMemory, why: ReasonCode) -> None:
        """The holder loses the module; where the module goes is the caller's matter."""
        holder: ManualHolder | None = memory.manual
        if holder is None:
            return
        self._let_go(scan, memory)
        self._end_bypass(scan, memory, why)
        scan.emit(ManualReleased(self._layout.id, holder.operator, (because(why),)))

    def _let_go(self, scan: Scan, memory: ModuleMemory) -> None:
        was_held, self._held_ms = self._held_ms is not None, None
        if was_held:
            self._motions.drop_unheard_jogs(scan, memory)
            if self.granted(memory) is not Bypass.NONE:
                self._end_bypass(scan, memory, ReasonCode.LET_GO)
        self.tell(scan, memory)

    def watch(self, scan: Scan, memory: ModuleMemory, image: ModuleImage) -> None:
        """Once per scan while somebody has the module in hand."""
        now, patience = scan.moment.mono_ms, self._site.patience
        if not interlocks.key_in_manual(image):
            self.release(scan, memory, ReasonCode.KEY_TURNED)
            return
        for number in image.faults:
            if number not in memory.faults:
                scan.emit(FaultRaised(self._layout.id, number, "reported by the PLC"))
        if self._held_ms is not None and now >= self._held_ms + patience.manual_hold_ms:
            self._let_go(scan, memory)
        self._watch_bypass(scan, memory)
        if now >= self._sign_ms + patience.manual_idle_ms:
            self.release(scan, memory, ReasonCode.NO_SIGN)
            return
        scan.wake_at(self._sign_ms + patience.manual_idle_ms)
        if self._held_ms is not None:
            scan.wake_at(self._held_ms + patience.manual_hold_ms)

    def _watch_bypass(self, scan: Scan, memory: ModuleMemory) -> None:
        """A bypass is for one move: it ends with that move, and unused when its time is over."""
        if memory.bypass is None or memory.motions:
            return
        until_ms = self._bypass_ms + self._site.patience.bypass_ms
        if self._bypass_used:
            self._end_bypass(scan, memory, ReasonCode.MOVE_OVER)
        elif scan.moment.mono_ms >= until_ms:
            self._end_bypass(scan, memory, ReasonCode.NOT_USED)
        else:
            scan.wake_at(until_ms)
            return
        self.tell(scan, memory)

    def note(self, failure: Failure) -> None:
        """A jog ended before its time."""
        self.last_stop = failure.reason

    def tell(self, scan: Scan, memory: ModuleMemory) -> None:
        """What the PLC is to know of button, bypass and locks, with this scan's outputs."""
        held = self._held_ms is not None
        bypass = self.granted(memory) if held else Bypass.NONE
        write = ManualWrite(self._layout.id, self._pulse if held else 0, bypass, len(memory.locks), self.lights)
        scan.manual[:] = [told for told in scan.manual if told.module != self._layout.id]
        scan.manual.append(write)

    # -- locks ---------------------------------------------------------------------------------

    def lock_out(self, scan: Scan, memory: ModuleMemory, image: ModuleImage | None, command: LockCommand) -> Reasons:
        """Carry out one command about locks; the reasons against it otherwise."""
        match command:
            case HangLock():
                return self._hang_lock(scan, memory, image, command)
            case RemoveLock():
                return self._remove_lock(scan, memory, command)
            case AskLockRemoval():
                return self._ask_lock_removal(scan, memory, command)
            case GrantLockRemoval():
                return self._grant_lock_removal(scan, memory, command)

    def _hang_lock(self, scan: Scan, memory: ModuleMemory, image: ModuleImage | None, command: HangLock) -> Reasons:
        """Hang a person's lock; refused while something still moves, which would then stop on the way."""
        if command.operator in memory.locks:
            return self._no(RefusalCode.LOCK_HANGS)
        if memory.state != "offline" and (memory.motions or image is None or not at_rest(image)):
            return self._no(RefusalCode.LEVEL_BUSY)
        self.forget(scan, memory, ReasonCode.LOCKED_FOR_MAINTENANCE)
        scan.emit(LockHung(self._layout.id, command.operator, command.reason))
        if memory.state not in ("offline", "maintenance"):
            self._advance(scan, memory, MODULE.next(memory.state, "tag"), (Refusal(RefusalCode.MODULE_MAINTENANCE),))
        self.tell(scan, memory)
        return ()

    def _remove_lock(self, scan: Scan, memory: ModuleMemory, command: RemoveLock) -> Reasons:
        """Take a person's own lock away; with the last one the module is looked at anew."""
        if command.operator not in memory.locks:
            return self._no(RefusalCode.LOCK_NOT_YOURS, ", ".join(memory.locks) or self._layout.id)
        scan.emit(LockRemoved(self._layout.id, command.operator))
        self._lock_gone(scan, memory)
        return ()

    def _ask_lock_removal(self, scan: Scan, memory: ModuleMemory, command: AskLockRemoval) -> Reasons:
        """Note that the lock of somebody absent should go; nothing changes before a second person agrees."""
        if command.owner not in memory.locks:
            return self._no(RefusalCode.NO_LOCK_OF_OWNER, command.owner)
        scan.emit(LockRemovalAsked(self._layout.id, command.owner, command.operator, command.reason))
        return ()

    def _grant_lock_removal(self, scan: Scan, memory: ModuleMemory, command: GrantLockRemoval) -> Reasons:
        """Take the lock of somebody absent away; the second person is neither who asked nor the owner."""
        lock = memory.locks.get(command.owner)
        if lock is None:
            return self._no(RefusalCode.NO_LOCK_OF_OWNER, command.owner)
        asked = lock.removal
        if asked is None or scan.moment.utc_ms >= asked.asked_utc_ms + LOCK_REMOVAL_MS:
            return self._no(RefusalCode.NO_REMOVAL_ASKED, command.owner)
        if command.operator in (asked.operator, command.owner):
            return self._no(RefusalCode.SECOND_PERSON, asked.operator)
        scan.emit(LockRemovedForOwner(self._layout.id, command.owner, asked.operator, command.operator, asked.reason))
        self._lock_gone(scan, memory)
        return ()

    def _lock_gone(self, scan: Scan, memory: ModuleMemory) -> None:
        """With the last lock the module is looked at anew; an operator confirms it before it moves."""
        self.tell(scan, memory)
        if not memory.locks and memory.state == "maintenance":
            self._advance(scan, memory, MODULE.next(memory.state, "untag"), ())
