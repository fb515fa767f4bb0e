"""One move of a module at a time: whether it may be asked now, and how long to bear that it may not.

Decides by the interlocks, the parts out of service, the motor power that is left and the patience of the
site. Which move is wanted is decided by `job_work` and `gate_session`; what becomes of one that has been
asked, by `motions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from controller import interlocks
from controller.danger import sheltering_move
from controller.interlocks import is_away
from controller.motions import Motions, motor_w
from controller.outage import ServiceLayout, forbidden
from controller.records import Job, ModuleMemory
from controller.scan import Scan
from domain.events import FaultRaised
from domain.faults import FaultNumber
from domain.grid import Columns, ModuleLayout
from domain.ids import BayRef
from domain.outputs import Opcode
from domain.refusals import Refusal, RefusalCode
from domain.signals import ModuleImage, Pallet
from domain.site import Site
from scheduler.moves import Slide

ATTEMPTS_MAX = 6
"""So many asked moves in one state of a job without getting on is not bad luck any more."""


class Lock(Protocol):
    """Ask nothing more of the module until an operator has confirmed it."""

    def __call__(self, scan: Scan, memory: ModuleMemory, reasons: tuple[Refusal, ...]) -> None:
        """Lock for these reasons."""


@dataclass(slots=True)
class Turn:
    """What one module decides by in one scan. `spare_w`, the free motor power, shrinks as moves are asked."""

    scan: Scan
    memory: ModuleMemory
    image: ModuleImage
    columns: Columns
    spare_w: int


class Moves:
    """The moves of one module, each asked only if nothing forbids it."""

    def __init__(self, site: Site, layout: ModuleLayout, service: ServiceLayout, motions: Motions, lock: Lock) -> None:
        self._site = site
        self._layout = layout
        self._service = service
        self._motions = motions
        self._lock = lock
        self._blocked_since_ms: int | None = None
        self._attempts = 0
        self.waits_for_power = False
        """Whether a move of this turn must wait until others need less."""

    def get_on(self) -> None:
        """The job has got on, or there is none: attempts are counted anew."""
        self._attempts = 0

    def begin_anew(self) -> None:
        """The module is in another state: what forbade a move, and how often it was tried, is past."""
        self._attempts = 0
        self._blocked_since_ms = None

    def free(self) -> None:
        """Nothing forbids the next step."""
        self._blocked_since_ms = None

    def ask(self, turn: Turn, mailbox: int, opcode: Opcode, first: int, second: int, job: Job | None) -> bool:
        """Ask one move if the interlocks and the supply allow it; whether it has been asked."""
        power_w = motor_w(self._site.machine, opcode, first, second)
        if power_w > turn.spare_w:
            self.waits_for_power = True
            return False
        reasons = self._against(turn, mailbox, opcode, first, second)
        if reasons:
            self.blocked(turn, reasons)
            return False
        self._blocked_since_ms = None
        self._attempts += 1
        if self._attempts > ATTEMPTS_MAX + sum(self._layout.pallets_per_level):
            lost = int(FaultNumber.POSITION_LOST)
            turn.scan.emit(FaultRaised(self._layout.id, lost, "moves end but nothing changes"))
            self._lock(turn.scan, turn.memory, (Refusal(RefusalCode.PALLET_UNKNOWN),))
            return False
        self._motions.ask(turn.scan, turn.memory, turn.image, mailbox, opcode, first, second, job)
        turn.spare_w -= power_w
        return True

    def ask_slides(self, turn: Turn, slides: Sequence[Slide], job: Job | None) -> None:
        """Ask slides of different levels at once, as many as the supply and the interlocks allow."""
        for slide in slides:
            if not self.ask(turn, slide.level, Opcode.SLIDE, slide.first, slide.second, job):
                break

    def blocked(self, turn: Turn, reasons: tuple[Refusal, ...]) -> None:
        """What forbids the next step may pass by itself; if it lasts, somebody must look."""
        now = turn.scan.moment.mono_ms
        if self._blocked_since_ms is None:
            self._blocked_since_ms = now
        deadline_ms = self._blocked_since_ms + self._site.patience.interlock_ms
        if now >= deadline_ms:
            self._lock(turn.scan, turn.memory, reasons)
        else:
            turn.scan.wake_at(deadline_ms)

    def finish_slides(self, turn: Turn, job: Job | None) -> bool:
        """Complete a slide that an interruption left half way; True while there is one."""
        for level in self._layout.levels:
            if turn.image.cells[level.number - 1].bit_count() == self._layout.pallets_per_level[level.number - 1]:
                continue
            if level.number not in turn.memory.unfinished:
                self._lock(turn.scan, turn.memory, (Refusal(RefusalCode.PALLET_UNKNOWN, f"level {level.number}"),))
            else:
                first, second = turn.memory.unfinished[level.number]
                self.ask(turn, level.number, Opcode.SLIDE, first, second, job)
            return True
        return False

    def send_home(self, turn: Turn, job: Job | None) -> bool:
        """Raise what stands in the way of a job, or of nobody; True while there is such a pallet.

        The job's own pallet may stay on the ground, and a car on level 1 is fetched past whatever
        stands there.
        """
        ground = self._layout.pallets_per_level[0]
        for ref, signal in zip(self._layout.bays[ground:], turn.image.pallets[ground:], strict=True):
            if not is_away(signal):
                continue
            may_stay = job is not None and (job.level == 1 or job.bay == ref.name)
            if signal.has(Pallet.GROUND) and (may_stay or (job is None and self.stuck_down(turn, ref))):
                continue
            self.ask(turn, ref.level, Opcode.RAISE, ref.index, 0, job)
            return True
        return False

    def stuck_down(self, turn: Turn, ref: BayRef) -> bool:
        """Whether what is out of service keeps a pallet from going home; cars on level 1 go past it."""
        layout = self._service.now(turn.scan.memory)
        return bool(forbidden(layout, turn.image, Opcode.RAISE, ref.level, ref.index, 0))

    def all_free(self, turn: Turn, slides: Sequence[Slide]) -> bool:
        """Whether no interlock speaks against any of these slides."""
        return not any(
            interlocks.against(self._layout, turn.image, Opcode.SLIDE, slide.level, slide.first, slide.second)
            for slide in slides
        )

    def shelter(self, turn: Turn, job: Job | None) -> None:
        """While the garage rests: in a fire what hangs goes home and the gate does as configured."""
        if turn.memory.motions or turn.scan.memory.garage != "fire":
            return
        attended = job is not None and job.opened_utc_ms is not None
        move = sheltering_move(self._layout, turn.image, self._site.fire_gate, attended)
        if move is None:
            return
        mailbox, opcode, first = move
        lacks_power = motor_w(self._site.machine, opcode, first, 0) > turn.spare_w
        if lacks_power or self._against(turn, mailbox, opcode, first, 0):
            self.waits_for_power = lacks_power
            return
        self._motions.ask(turn.scan, turn.memory, turn.image, mailbox, opcode, first, 0, None)

    def _against(self, turn: Turn, mailbox: int, opcode: Opcode, first: int, second: int) -> tuple[Refusal, ...]:
        """Every reason against one move now: the interlocks, and parts out of service."""
        running = self._motions.running()
        reasons = interlocks.against(self._layout, turn.image, opcode, mailbox, first, second, running)
        layout = self._service.now(turn.scan.memory)
        return reasons + forbidden(layout, turn.image, opcode, mailbox, first, second)
