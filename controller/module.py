"""One module: its link, its lock, its health, and who may work it: the jobs, a hand, or nobody.

Decides whether the module may be asked anything at all. Every decision is taken anew from the memory and
the sensors ("what is still missing?"), never from a remembered program, so that a restart half way needs
no special path. What the jobs want is `job_work`'s, the gate `gate_session`'s, single moves `moves`'.
"""

from __future__ import annotations

from controller.danger import RESTS
from controller.gate_session import GateSession
from controller.interlocks import zone_clear
from controller.job_work import JobWork
from controller.machines import MODULE
from controller.manual import ManualControl
from controller.memory import Memory
from controller.motions import STOPPED_BY_FIRE, STOPPED_BY_PERSON, Failure, Motions
from controller.moves import Moves, Turn
from controller.outage import ServiceLayout
from controller.plc_link import Expected, PlcLink
from controller.reconcile import at_rest, disagreements
from controller.records import Job, ModuleMemory
from controller.scan import Scan
from domain.commands import ByHand, LockCommand
from domain.events import CountersRead, FaultRaised, FaultsReset, ModuleAdvanced, ModuleConfirmed
from domain.faults import FaultNumber
from domain.grid import Columns, ModuleLayout, columns_from_cells
from domain.ids import BayRef
from domain.outputs import GATE, Opcode
from domain.reasons import ReasonCode
from domain.refusals import Refusal, RefusalCode
from domain.sight import sight_of
from domain.signals import Identity, ModuleImage, PlcMode, Safety
from domain.site import Site
from scheduler.policy import Policy

_DEVICES_OK = Safety.ESTOP_OK | Safety.PHASE_OK | Safety.DRIVE_ENABLED


class ModuleControl:
    """The controller's side of one module."""

    def __init__(self, site: Site, layout: ModuleLayout, policy: Policy, expected: Expected) -> None:
        self._layout = layout
        self._link = PlcLink(layout.id, expected)
        self._patience = site.patience
        self._service = ServiceLayout(layout)
        self.motions = Motions(layout, site.machine, site.patience)
        self.manual = ManualControl(site, layout, self.motions, self._advance)
        self._moves = Moves(site, layout, self._service, self.motions, self.lock)
        self._gate = GateSession(site, layout, self._moves)
        self._work = JobWork(site, layout, policy, self._service, self._moves, self._gate, self.lock)
        self.image: ModuleImage | None = None
        self.columns: Columns = layout.initial_columns
        self._entered_ms = 0
        self._wake_ms = 0
        self._echoes: tuple[int, ...] = ()
        """Boot count and command ids that the PLC has shown last: gate, then levels."""
        self.touched = True

    # -- one scan ---------------------------------------------------------------------------

    def react(self, scan: Scan, spare_w: int) -> None:
        """Look at the image and the queue; ask what is next. `spare_w` is free motor power."""
        link = scan.inputs.module_links.get(self._layout.id)
        image = scan.inputs.modules.get(self._layout.id)
        fresh = (
            image is not None
            and link is not None
            and link.identity is not None
            and link.age_ms <= self._patience.link_stale_ms
        )
        memory = scan.memory.module(self._layout.id)
        linked = memory.state != "offline"
        due = self.touched or self._moves.waits_for_power or scan.moment.mono_ms >= self._wake_ms
        if image is self.image and fresh == linked and not due:
            scan.wake_at(self._wake_ms)
            return
        self.touched = False
        self._moves.waits_for_power = False
        self.image = image
        outer_wake_ms, scan.wake_ms = scan.wake_ms, 2**62
        identity = link.identity if link is not None and fresh else None
        self._follow_link(scan, memory, identity)
        if image is not None and memory.state != "offline":
            self._act(scan, memory, image, spare_w)
        self._work.watch_queue(scan)
        self._wake_ms = scan.wake_ms
        scan.wake_ms = min(outer_wake_ms, self._wake_ms)

    def _act(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, spare_w: int) -> None:
        columns = columns_from_cells(self._layout, image.cells)
        if columns is not None:
            self.columns = columns
        if memory.state == "reconciling":
            self._reconcile(scan, memory, image)
        else:
            self._follow_motions(scan, memory, image)
        if memory.state == "manual":
            self.manual.watch(scan, memory, image)
        if memory.state == "ready":
            self._check_health(scan, memory, image)
        if memory.state == "ready" and scan.memory.garage in RESTS:
            self._moves.shelter(self._turn(scan, memory, image, spare_w), self.active_job(scan))
        elif memory.state == "ready":
            self._work.drive(self._turn(scan, memory, image, spare_w))
        wake_ms = self.motions.wake_ms()
        if wake_ms is not None:
            scan.wake_at(wake_ms)

    def _turn(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, spare_w: int) -> Turn:
        return Turn(scan, memory, image, self.columns, spare_w)

    # -- link, lock, reconciliation ------------------------------------------------------------

    def _follow_link(self, scan: Scan, memory: ModuleMemory, identity: Identity | None) -> None:
        state, rebooted = self._link.follow(scan, identity)
        if identity is not None and self.image is not None:
            rebooted = self._echoes_went_back(scan, self.image) or rebooted
        if memory.state != "offline" and (state != "up" or rebooted):
            self.manual.forget(scan, memory, ReasonCode.LINK_LOST)
            self.motions.forget_timers()
            self._advance(scan, memory, MODULE.next(memory.state, "disconnect"), ())
        if memory.state == "offline" and state == "up":
            tagged = bool(memory.locks)
            reasons = (Refusal(RefusalCode.MODULE_MAINTENANCE),) if tagged else ()
            self._advance(scan, memory, MODULE.next(memory.state, "connect", is_tagged=tagged), reasons)
            self.manual.tell(scan, memory)

    def _echoes_went_back(self, scan: Scan, image: ModuleImage) -> bool:
        """A PLC that has forgotten command ids has started anew, whatever its boot count says."""
        known, boot = self._echoes, (image.boot_count, image.gate_reply.command_id)
        self._echoes = (*boot, *(level.reply.command_id for level in image.levels))
        if not known or known[0] != image.boot_count:
            return False
        if all(now >= before for now, before in zip(self._echoes, known, strict=True)):
            return False
        scan.emit(
            FaultRaised(self._layout.id, int(FaultNumber.PLC_REBOOTED), "it forgot commands but counted no start")
        )
        return True

    def _advance(self, scan: Scan, memory: ModuleMemory, state: str, reasons: tuple[Refusal, ...]) -> None:
        self._entered_ms = scan.moment.mono_ms
        self._moves.begin_anew()
        self.touched = self.touched or state == "reconciling"
        words = tuple(f"{r.code.code}:{r.about}" if r.about else r.code.code for r in reasons)
        seen = sight_of(self.image) if state == "locked" else ""
        scan.emit(ModuleAdvanced(self._layout.id, state, words, seen))

    def lock(self, scan: Scan, memory: ModuleMemory, reasons: tuple[Refusal, ...]) -> None:
        """Ask nothing more of this module until an operator has confirmed it."""
        self._advance(scan, memory, MODULE.next(memory.state, "lock"), reasons)

    def _reconcile(self, scan: Scan, memory: ModuleMemory, image: ModuleImage) -> None:
        deadline_ms = self._entered_ms + self._patience.reconcile_ms
        settled = at_rest(image) and image.mode is not PlcMode.STARTING
        if not settled and scan.moment.mono_ms < deadline_ms:
            scan.wake_at(deadline_ms)
            return
        self.motions.settle_after_loss(scan, memory, image)
        if image.mode is not PlcMode.STARTING:
            scan.emit(CountersRead(self._layout.id, image.lifts, image.slides, image.run_s))
        job = self.active_job(scan)
        reasons = disagreements(self._layout, image, scan.memory.car_at, job, down=memory.down)
        if not at_rest(image):
            reasons += (Refusal(RefusalCode.LEVEL_BUSY, self._layout.id),)
        if self._layout.id in scan.inputs.journal_doubts:
            reasons += (Refusal(RefusalCode.JOURNAL_DOUBTED, scan.inputs.journal_doubts[self._layout.id]),)
        if memory.unconfirmed:
            reasons += (Refusal(RefusalCode.CONFIRM_NEEDED, self._layout.id),)
        if reasons:
            self.lock(scan, memory, reasons)
            return
        self._gate.doubt(scan, job)
        self._advance(scan, memory, MODULE.next(memory.state, "agree"), ())

    def confirm(self, scan: Scan, operator: str) -> tuple[Refusal, ...]:
        """The operator's word; refused while the sensors say otherwise."""
        memory = scan.memory.module(self._layout.id)
        if memory.state == "offline" or self.image is None:
            return (Refusal(RefusalCode.LINK_DOWN, self._layout.id),)
        if memory.state != "locked":
            return (Refusal(RefusalCode.MODULE_NOT_LOCKED, self._layout.id),)
        reasons = disagreements(
            self._layout, self.image, scan.memory.car_at, self.active_job(scan), memory.unfinished
        ) + _health(self.image)
        if memory.motions or not at_rest(self.image):
            reasons += (Refusal(RefusalCode.LEVEL_BUSY, self._layout.id),)
        if not zone_clear(self.image) and not self._gate.lets_out(self.image, self.active_job(scan)):
            reasons += (Refusal(RefusalCode.ZONE_NOT_CLEAR, self._layout.id),)
        if reasons:
            return reasons
        scan.emit(ModuleConfirmed(self._layout.id, operator))
        self._gate.doubt(scan, self.active_job(scan))
        self._gate.reopen(scan, self.image, self.active_job(scan))
        self._advance(scan, memory, MODULE.next(memory.state, "confirm", sensors_allow=not reasons), ())
        self.touched = True
        return ()

    def reset_faults(self, scan: Scan, operator: str) -> tuple[Refusal, ...]:
        """Ask the PLC to clear latched faults whose cause is gone. Starts nothing.

        Ours are cleared when the PLC has done so: a fault whose cause is still there stays on the list.
        """
        memory = scan.memory.module(self._layout.id)
        if memory.state == "offline" or self.image is None:
            return (Refusal(RefusalCode.LINK_DOWN, self._layout.id),)
        if GATE in memory.motions:
            return (Refusal(RefusalCode.LEVEL_BUSY, "gate"),)
        self.motions.ask(scan, memory, self.image, GATE, Opcode.RESET, 0, 0, None)
        scan.emit(FaultsReset(self._layout.id, operator))
        self.touched = True
        return ()

    # -- health, and moves that fail ---------------------------------------------------------

    def _check_health(self, scan: Scan, memory: ModuleMemory, image: ModuleImage) -> None:
        reasons = _health(image)
        for number in image.faults:
            scan.emit(FaultRaised(self._layout.id, number, "reported by the PLC"))
        if reasons:
            self.lock(scan, memory, reasons)

    def _follow_motions(self, scan: Scan, memory: ModuleMemory, image: ModuleImage) -> None:
        failures = [f for f in self.motions.follow(scan, memory, image) if not self._is_ordinary(scan, f)]
        for failure in failures:
            scan.emit(
                FaultRaised(
                    self._layout.id,
                    int(failure.fault),
                    f"{Opcode(failure.motion.opcode).name} {failure.motion.mailbox}, reason {failure.reason}",
                )
            )
        if failures and memory.state == "ready":
            codes = tuple(Refusal(RefusalCode.PLC_FAULT, f"{f.fault.name.lower()} {f.reason}") for f in failures)
            self.lock(scan, memory, codes)

    def _is_ordinary(self, scan: Scan, failure: Failure) -> bool:
        """A person in the closing gate is no fault: the gate opens again and the driver is asked again."""
        if failure.is_jog:
            self.manual.note(failure)
            return True
        if failure.reason == STOPPED_BY_FIRE:
            return True
        job = self.active_job(scan)
        if failure.motion.opcode != Opcode.GATE_CLOSE or failure.reason != STOPPED_BY_PERSON or job is None:
            return False
        if job.session_state == "closing":
            self._gate.doubt(scan, job)
        return True

    # -- people ------------------------------------------------------------------------------

    def by_hand(self, scan: Scan, command: ByHand) -> tuple[Refusal, ...]:
        """One command of an operator who works the module by hand, or wants to."""
        memory = scan.memory.module(self._layout.id)
        self.touched = True
        return self.manual.answer(scan, memory, self.image, self.layout_now(scan.memory), command)

    def lock_out(self, scan: Scan, command: LockCommand) -> tuple[Refusal, ...]:
        """A person locks the module out, or a lock is taken away."""
        self.touched = True
        return self.manual.lock_out(scan, scan.memory.module(self._layout.id), self.image, command)

    # -- the jobs ----------------------------------------------------------------------------

    def active_job(self, scan: Scan) -> Job | None:
        """The one job that the machine works on or that stands at the open gate, if any."""
        return self._work.active(scan.memory)

    def confirm_clear(self, scan: Scan, job: Job) -> tuple[Refusal, ...]:
        """The driver's word; taken only when two sensors and both loaded-sensors agree with it."""
        reasons = self._gate.confirm_clear(scan, scan.memory.module(job.module), self.image, job)
        self.touched = self.touched or not reasons
        return reasons

    def withdraw(self, scan: Scan, job: Job) -> tuple[Refusal, ...]:
        """At an open gate, giving up is also the driver's word; nothing is changed if the sensors disagree."""
        reasons = self._gate.withdraw(scan, scan.memory.module(job.module), self.image, job)
        self.touched = self.touched or not reasons
        return reasons

    # -- parts out of service ------------------------------------------------------------------

    def layout_now(self, memory: Memory) -> ModuleLayout:
        """The layout without what is out of service: for moves, placement and reachability."""
        return self._service.now(memory)

    def against_bringing(self, memory: Memory, bay: BayRef) -> Refusal | None:
        """Why a pallet cannot be brought to the gate from where everything stands now; None if it can."""
        return self._work.against_bringing(memory, self.image, self.columns, bay)


def _health(image: ModuleImage) -> tuple[Refusal, ...]:
    reasons = [Refusal(RefusalCode.PLC_FAULT, str(number)) for number in image.faults]
    if image.mode is not PlcMode.AUTOMATIC:
        reasons.append(Refusal(RefusalCode.PLC_NOT_AUTOMATIC, image.mode.name.lower()))
    if image.safety & _DEVICES_OK != _DEVICES_OK:
        reasons.append(Refusal(RefusalCode.SAFETY_NOT_OK, f"safety word {image.safety:#06x}"))
    return tuple(reasons)
