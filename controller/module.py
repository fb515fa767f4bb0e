"""One module: its link, its lock, and the job that it is working on.

Decides what to ask of the module's PLC next. Every decision is taken anew from the job's state and
the sensors ("what is still missing?"), never from a remembered program, so that a restart half way
needs no special path. Which job comes next is the scheduler's answer; whose car it is, memory's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from controller import attendance, interlocks
from controller.danger import RESTS, sheltering_move
from controller.interlocks import is_away, signal_of, zone_clear
from controller.machines import JOB, MODULE, SESSION
from controller.manual import ManualControl
from controller.memory import Job, Memory, ModuleMemory
from controller.motions import STOPPED_BY_FIRE, STOPPED_BY_PERSON, Failure, Motions, motor_w
from controller.outage import ServiceLayout, forbidden, unreachable
from controller.plc_link import Expected, PlcLink
from controller.queueing import outlook_of, queue_of, queued_jobs, standing_ends
from controller.reconcile import at_rest, disagreements
from controller.scan import InvariantBroken, Scan
from domain.booking import local_minute
from domain.commands import ByHand, LockCommand
from domain.events import (
    CountersRead,
    FaultRaised,
    FaultsReset,
    JobAdvanced,
    JobMovedToBay,
    JobOverdue,
    JobWithdrawn,
    ModuleAdvanced,
    ModuleConfirmed,
    SessionAdvanced,
    StanceTaken,
)
from domain.faults import FaultNumber
from domain.grid import Columns, ModuleLayout, columns_from_cells
from domain.ids import BayId, BayRef, JobId, parse_bay
from domain.outputs import GATE, Opcode
from domain.reasons import ReasonCode, Why, as_reason, because
from domain.refusals import Refusal, RefusalCode
from domain.sight import sight_of
from domain.signals import GateState, Identity, ModuleImage, Pallet, PlcMode, Safety
from domain.site import Site
from scheduler.measured import is_plausible, nominal
from scheduler.moves import Slide
from scheduler.policy import Policy
from scheduler.reach import Approach, approach
from scheduler.sequence import Chosen
from scheduler.stance import Stance

CHAIN_MAX = 16
"""More decisions than this in one scan of one module cannot be: a bug."""

ATTEMPTS_MAX = 6
"""So many asked moves in one state of a job without getting on is not bad luck any more."""

STANCE_SLOT_MS = 900_000
"""An idle module looks anew at what is likely every quarter of an hour."""

_DEVICES_OK = Safety.ESTOP_OK | Safety.PHASE_OK | Safety.DRIVE_ENABLED


class ModuleControl:
    """The controller's side of one module."""

    def __init__(self, site: Site, layout: ModuleLayout, policy: Policy, expected: Expected) -> None:
        self._site = site
        self._layout = layout
        self._policy = policy
        self._link = PlcLink(layout.id, expected)
        self._patience = site.patience
        self._service = ServiceLayout(layout)
        self.motions = Motions(layout, site.machine, site.patience)
        self.manual = ManualControl(site, layout, self.motions, self._advance)
        self.image: ModuleImage | None = None
        self.columns: Columns = layout.initial_columns
        self._entered_ms = 0
        self._open_since_ms: int | None = None
        self._first_open: tuple[JobId, int] | None = None
        self._blocked_since_ms: int | None = None
        self._waits_for_power = False
        self._attempts = 0
        self._told_stance: BayId | None = None
        self._queued_since_ms: dict[JobId, int] = {}
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
        due = self.touched or self._waits_for_power or scan.moment.mono_ms >= self._wake_ms
        if image is self.image and fresh == linked and not due:
            scan.wake_at(self._wake_ms)
            return
        self.touched = False
        self._waits_for_power = False
        self.image = image
        outer_wake_ms, scan.wake_ms = scan.wake_ms, 2**62
        identity = link.identity if link is not None and fresh else None
        self._follow_link(scan, memory, identity)
        if image is not None and memory.state != "offline":
            self._act(scan, memory, image, spare_w)
        self._watch_queue(scan)
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
            self._shelter(scan, memory, image, spare_w)
        elif memory.state == "ready":
            self._drive(scan, memory, image, spare_w)
        wake_ms = self.motions.wake_ms()
        if wake_ms is not None:
            scan.wake_at(wake_ms)

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
        self._blocked_since_ms = None
        self._attempts = 0
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
        self._resume_session(scan, job)
        self._advance(scan, memory, MODULE.next(memory.state, "agree"), ())

    def _resume_session(self, scan: Scan, job: Job | None) -> None:
        """After a loss the driver is asked again, whatever was said before."""
        if job is not None and job.state == "at_gate" and job.session_state in ("open", "closing", "checking"):
            self._session(scan, job, SESSION.next(job.session_state, "doubt"))

    def _reopen(self, scan: Scan, image: ModuleImage, job: Job | None) -> None:
        """A pallet that could not leave the ground: whoever or whatever is in there must get out first."""
        opened = job is not None and job.opened_utc_ms is not None
        if (
            opened
            and job is not None
            and job.state == "returning"
            and signal_of(self._layout, image, job.bay).has(Pallet.GROUND)
        ):
            self._job(scan, job, "reopen")
            self._session(scan, job, SESSION.initial)

    def confirm(self, scan: Scan, operator: str) -> tuple[Refusal, ...]:
        """The operator's word; refused while the sensors say otherwise."""
        memory = scan.memory.module(self._layout.id)
        if memory.state == "offline" or self.image is None:
            return (Refusal(RefusalCode.LINK_DOWN, self._layout.id),)
        if memory.state != "locked":
            return (Refusal(RefusalCode.MODULE_NOT_LOCKED, self._layout.id),)
        reasons = disagreements(
            self._layout, self.image, scan.memory.car_at, self.active_job(scan), memory.unfinished
        ) + self._health(self.image)
        if memory.motions or not at_rest(self.image):
            reasons += (Refusal(RefusalCode.LEVEL_BUSY, self._layout.id),)
        if reasons:
            return reasons
        scan.emit(ModuleConfirmed(self._layout.id, operator))
        self._resume_session(scan, self.active_job(scan))
        self._reopen(scan, self.image, self.active_job(scan))
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

    def _health(self, image: ModuleImage) -> tuple[Refusal, ...]:
        reasons = [Refusal(RefusalCode.PLC_FAULT, str(number)) for number in image.faults]
        if image.mode is not PlcMode.AUTOMATIC:
            reasons.append(Refusal(RefusalCode.PLC_NOT_AUTOMATIC, image.mode.name.lower()))
        if image.safety & _DEVICES_OK != _DEVICES_OK:
            reasons.append(Refusal(RefusalCode.SAFETY_NOT_OK, f"safety word {image.safety:#06x}"))
        return tuple(reasons)

    def _check_health(self, scan: Scan, memory: ModuleMemory, image: ModuleImage) -> None:
        reasons = self._health(image)
        for number in image.faults:
            scan.emit(FaultRaised(self._layout.id, number, "reported by the PLC"))
        if reasons:
            self.lock(scan, memory, reasons)

    # -- people and dangers ------------------------------------------------------------------

    def by_hand(self, scan: Scan, command: ByHand) -> tuple[Refusal, ...]:
        """One command of an operator who works the module by hand, or wants to."""
        memory = scan.memory.module(self._layout.id)
        self.touched = True
        return self.manual.answer(scan, memory, self.image, self.layout_now(scan.memory), command)

    def lock_out(self, scan: Scan, command: LockCommand) -> tuple[Refusal, ...]:
        """A person locks the module out, or a lock is taken away."""
        self.touched = True
        return self.manual.lock_out(scan, scan.memory.module(self._layout.id), self.image, command)

    def _shelter(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, spare_w: int) -> None:
        """While the garage rests: in a fire what hangs goes home and the gate does as configured."""
        if memory.motions or scan.memory.garage != "fire":
            return
        job = self.active_job(scan)
        attended = job is not None and job.opened_utc_ms is not None
        move = sheltering_move(self._layout, image, self._site.fire_gate, attended)
        if move is None:
            return
        mailbox, opcode, first = move
        blocked = interlocks.against(self._layout, image, opcode, mailbox, first, 0, self.motions.running())
        power_w = motor_w(self._site.machine, opcode, first, 0)
        if blocked or power_w > spare_w or forbidden(self.layout_now(scan.memory), image, opcode, mailbox, first, 0):
            self._waits_for_power = power_w > spare_w
            return
        self.motions.ask(scan, memory, image, mailbox, opcode, first, 0, None)

    # -- moves -------------------------------------------------------------------------------

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
            self._session(scan, job, SESSION.next(job.session_state, "doubt"))
        return True

    def _ask(
        self,
        scan: Scan,
        memory: ModuleMemory,
        image: ModuleImage,
        mailbox: int,
        opcode: Opcode,
        first: int,
        second: int,
        job: Job | None,
        spare_w: int,
    ) -> int:
        """Ask one move if the interlocks and the supply allow it; the power it takes, or -1."""
        power_w = motor_w(self._site.machine, opcode, first, second)
        if power_w > spare_w:
            self._waits_for_power = True
            return -1
        reasons = interlocks.against(self._layout, image, opcode, mailbox, first, second, self.motions.running())
        reasons += forbidden(self.layout_now(scan.memory), image, opcode, mailbox, first, second)
        if reasons:
            self._blocked(scan, memory, reasons)
            return -1
        self._blocked_since_ms = None
        self._attempts += 1
        if self._attempts > ATTEMPTS_MAX + sum(self._layout.pallets_per_level):
            scan.emit(FaultRaised(self._layout.id, int(FaultNumber.POSITION_LOST), "moves end but nothing changes"))
            self.lock(scan, memory, (Refusal(RefusalCode.PALLET_UNKNOWN),))
            return -1
        self.motions.ask(scan, memory, image, mailbox, opcode, first, second, job)
        return power_w

    def _blocked(self, scan: Scan, memory: ModuleMemory, reasons: tuple[Refusal, ...]) -> None:
        """What forbids the next step may pass by itself; if it lasts, somebody must look."""
        now = scan.moment.mono_ms
        if self._blocked_since_ms is None:
            self._blocked_since_ms = now
        deadline_ms = self._blocked_since_ms + self._patience.interlock_ms
        if now >= deadline_ms:
            self.lock(scan, memory, reasons)
        else:
            scan.wake_at(deadline_ms)

    # -- the job -----------------------------------------------------------------------------

    def active_job(self, scan: Scan) -> Job | None:
        """The one job that the machine works on or that stands at the open gate, if any."""
        return self._in_state(scan, lambda state: state not in ("queued", "standing_by"))

    def _in_state(self, scan: Scan, wanted: Callable[[str], bool]) -> Job | None:
        for name in scan.memory.open_jobs.get(self._layout.id, ()):
            job = scan.memory.jobs[name]
            if wanted(job.state):
                return job
        return None

    def _drive(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, spare_w: int) -> None:
        if not memory.motions:
            self._give_up_stranded(scan)
        for _ in range(CHAIN_MAX):
            if memory.motions or memory.state != "ready":
                return
            job = self.active_job(scan)
            if not self._further(scan, memory, image, job, spare_w):
                return
        raise InvariantBroken(f"module {self._layout.id} decides without end")

    def _give_up_stranded(self, scan: Scan) -> None:
        """Jobs whose pallets cannot be brought any more end at once, and say why; their cars are safe."""
        if self.layout_now(scan.memory).is_whole:
            return
        for name in tuple(scan.memory.open_jobs.get(self._layout.id, ())):
            job = scan.memory.jobs[name]
            if job.state in ("queued", "preparing"):
                why = self.against_bringing(scan.memory, parse_bay(job.bay))
                if why is not None:
                    self._job(scan, job, "strand", (as_reason(why),))

    def _further(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, job: Job | None, spare_w: int) -> bool:
        """One decision; True if the job's state changed and there may be another."""
        if job is None:
            if self._finish_slides(scan, memory, image, None, spare_w):
                return False
            standing = self._standing(scan)
            if any(self._stand_by(scan, one) for one in standing):
                return True
            return self._start_next(scan, memory, image, spare_w, any(one.level > 1 for one in standing))
        match job.state:
            case "preparing":
                return self._prepare(scan, memory, image, job, spare_w)
            case "delivering":
                return self._deliver(scan, memory, image, job, spare_w)
            case "at_gate":
                return self._attend(scan, memory, image, job, spare_w)
            case "returning":
                return self._return(scan, memory, image, job, spare_w)
            case _:
                raise InvariantBroken(f"job {job.id} is open in state {job.state}")

    def _finish_slides(
        self, scan: Scan, memory: ModuleMemory, image: ModuleImage, job: Job | None, spare_w: int
    ) -> bool:
        """Complete a slide that an interruption left half way; True while there is one."""
        for level in self._layout.levels:
            if image.cells[level.number - 1].bit_count() == self._layout.pallets_per_level[level.number - 1]:
                continue
            if level.number not in memory.unfinished:
                self.lock(scan, memory, (Refusal(RefusalCode.PALLET_UNKNOWN, f"level {level.number}"),))
            else:
                first, second = memory.unfinished[level.number]
                self._ask(scan, memory, image, level.number, Opcode.SLIDE, first, second, job, spare_w)
            return True
        return False

    def _send_home(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, job: Job | None, spare_w: int) -> bool:
        """Raise what stands in the way of a job, or of nobody; True while there is such a pallet.

        The job's own pallet may stay on the ground, and a car on level 1 is fetched past whatever
        stands there.
        """
        ground = self._layout.pallets_per_level[0]
        for ref, signal in zip(self._layout.bays[ground:], image.pallets[ground:], strict=True):
            if not is_away(signal):
                continue
            may_stay = job is not None and (job.level == 1 or job.bay == ref.name)
            if signal.has(Pallet.GROUND) and (may_stay or (job is None and self._stuck_down(scan, image, ref))):
                continue
            self._ask(scan, memory, image, ref.level, Opcode.RAISE, ref.index, 0, job, spare_w)
            return True
        return False

    def _start_next(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, spare_w: int, taken: bool) -> bool:
        """Start what the policy says is next, or prepare for what may come.

        While the shaft is `taken` by a pallet that stands by, only the ground can be served, past it.
        """
        jobs = queued_jobs(scan.memory, self._layout)
        if taken:
            jobs = [job for job in jobs if job.level == 1]
        if jobs and image.gate is not GateState.CLOSED:
            self._blocked(scan, memory, (Refusal(RefusalCode.GATE_NOT_SHUT, self._layout.id),))
            return False
        self._blocked_since_ms = None
        chosen = self._choose(scan, jobs) if jobs else None
        if chosen is not None and chosen.begin_utc_ms <= scan.moment.utc_ms:
            self._start(scan, chosen)
            return True
        if chosen is not None:
            self._wake_at_utc(scan, chosen.begin_utc_ms)
        if not taken:
            self._idle(scan, memory, image, chosen, spare_w)
        return False

    def _choose(self, scan: Scan, jobs: Sequence[Job]) -> Chosen:
        queue = queue_of(self._site, self.layout_now(scan.memory), scan.memory, self.columns, jobs, scan.moment.utc_ms)
        return self._policy.sequencer(queue)

    def _start(self, scan: Scan, chosen: Chosen) -> None:
        job = scan.memory.jobs[chosen.job]
        if chosen.bay != job.bay:
            scan.emit(JobMovedToBay(job.id, chosen.bay, chosen.why))
        self._job(scan, job, "start", chosen.why)

    def _standing(self, scan: Scan) -> list[Job]:
        """Booked jobs whose pallets are on the ground, the first due first; at most one lives upstairs."""
        jobs = (scan.memory.jobs[name] for name in scan.memory.open_jobs.get(self._layout.id, ()))
        return sorted((job for job in jobs if job.state == "standing_by"), key=lambda job: job.waits_from_utc_ms)

    def _stand_by(self, scan: Scan, job: Job) -> bool:
        """Meet the driver of a booked job, or give the job up; True if that has been done."""
        if job.has_driver and not job.withdrawn:
            self._job(scan, job, "meet", driver_came=True)
            self._session(scan, job, SESSION.initial)
            return True
        reason, until_utc_ms = standing_ends(job, queued_jobs(scan.memory, self._layout), scan.memory, self._patience)
        if scan.moment.utc_ms >= until_utc_ms:
            self._job(scan, job, "give_up", (because(reason),))
            return True
        self._wake_at_utc(scan, until_utc_ms)
        return False

    def _idle(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, chosen: Chosen | None, spare_w: int) -> None:
        """Nobody can be served now: home with what is down, and gaps to where they will be wanted."""
        stance = self._stance(scan, chosen)
        if not stance.hold and self._send_home(scan, memory, image, None, spare_w):
            return
        way = self._approach(scan, stance.expose) if stance.expose is not None else None
        if stance.expose is None or way is None or not way.phases:
            self._attempts = 0
            return
        slides = way.phases[0]
        if any(
            interlocks.against(self._layout, image, Opcode.SLIDE, slide.level, slide.first, slide.second)
            for slide in slides
        ):
            return
        if self._told_stance != stance.expose:
            self._told_stance = stance.expose
            scan.emit(StanceTaken(self._layout.id, stance.expose, stance.why))
        self._ask_slides(scan, memory, image, slides, None, spare_w)

    def _stance(self, scan: Scan, chosen: Chosen | None) -> Stance:
        """What to prepare: the booked job that begins later, else what the policy expects."""
        now = scan.moment.utc_ms
        if chosen is not None:
            down = scan.memory.module(self._layout.id).down
            expose = self._freed_already(scan, chosen) or chosen.bay
            stance = Stance(expose if parse_bay(expose).level > 1 else None, chosen.bay == down, chosen.why)
        else:
            slot_utc_ms = now - now % STANCE_SLOT_MS
            self._wake_at_utc(scan, slot_utc_ms + STANCE_SLOT_MS)
            outlook = outlook_of(self._site, self.layout_now(scan.memory), scan.memory, self.columns, slot_utc_ms)
            stance = self._policy.stancer(outlook)
        minute = local_minute(now, self._site.utc_offset_minutes)
        return replace(stance, expose=None) if self._site.quiet_hours.at(minute) else stance

    def _freed_already(self, scan: Scan, chosen: Chosen) -> BayId | None:
        """The pallet whose shaft has been freed for a booking that is due no later than the chosen one.

        Plans that are equally good may differ from scan to scan; rows must not slide to and fro for that.
        """
        due_utc_ms = scan.memory.jobs[chosen.job].due_utc_ms
        jobs = queued_jobs(scan.memory, self._layout)
        kept = (job for job in jobs if job.bay == self._told_stance and not job.has_driver)
        return next((job.bay for job in kept if due_utc_ms is None or (job.due_utc_ms or 0) <= due_utc_ms), None)

    def _wake_at_utc(self, scan: Scan, utc_ms: int) -> None:
        scan.wake_at(scan.moment.mono_ms + max(0, utc_ms - scan.moment.utc_ms))

    def _prepare(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, job: Job, spare_w: int) -> bool:
        if self._finish_slides(scan, memory, image, job, spare_w):
            return False
        if self._send_home(scan, memory, image, job, spare_w):
            return False
        way = self._approach(scan, job.bay)
        if self._is_down(memory, job.bay) or (way is not None and not way.phases):
            self._job(scan, job, "clear_way")
            return True
        if way is None:
            self.lock(scan, memory, (Refusal(RefusalCode.UNREACHABLE, job.bay),))
            return False
        self._ask_slides(scan, memory, image, way.phases[0], job, spare_w)
        return False

    def _ask_slides(
        self,
        scan: Scan,
        memory: ModuleMemory,
        image: ModuleImage,
        slides: Sequence[Slide],
        job: Job | None,
        spare_w: int,
    ) -> None:
        for slide in slides:
            power_w = self._ask(scan, memory, image, slide.level, Opcode.SLIDE, slide.first, slide.second, job, spare_w)
            if power_w < 0:
                break
            spare_w -= power_w

    def _deliver(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, job: Job, spare_w: int) -> bool:
        ref = parse_bay(job.bay)
        signal = signal_of(self._layout, image, job.bay)
        if ref.level == 1 or (is_away(signal) and signal.has(Pallet.GROUND)):
            self._job(scan, job, "present", driver_came=job.has_driver)
            if job.has_driver:
                self._session(scan, job, SESSION.initial)
            return True
        opcode = Opcode.RAISE if is_away(signal) else Opcode.LOWER
        self._ask(scan, memory, image, ref.level, opcode, ref.index, 0, job, spare_w)
        return False

    def _return(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, job: Job, spare_w: int) -> bool:
        ref = parse_bay(job.bay)
        is_home = ref.level == 1 or not is_away(signal_of(self._layout, image, job.bay))
        if not is_home and not self._stays_down(scan, image, job):
            self._ask(scan, memory, image, ref.level, Opcode.RAISE, ref.index, 0, job, spare_w)
            return False
        if job.has_driver and job.opened_utc_ms is None:
            self._job(scan, job, "fetch_again", driver_came=True)
            return True
        stayed = scan.memory.car_at.get(job.bay) == job.plate
        self._job(scan, job, "finish", is_wanted=stayed == (job.kind == "storage"))
        return True

    def _stays_down(self, scan: Scan, image: ModuleImage, job: Job) -> bool:
        """Whether a job's pallet stays: it cannot go home, is wanted empty, or level 1 is served past it."""
        memory = scan.memory.module(self._layout.id)
        if self._is_down(memory, job.bay) and self._stuck_down(scan, image, parse_bay(job.bay)):
            return True
        if memory.down != job.bay:
            return False
        is_empty = job.bay not in scan.memory.car_at
        jobs = queued_jobs(scan.memory, self._layout)
        if not jobs:
            return is_empty and self._stance(scan, None).hold
        chosen = self._choose(scan, jobs)
        if chosen.begin_utc_ms > scan.moment.utc_ms:
            return False
        return parse_bay(chosen.bay).level == 1 or (is_empty and chosen.bay == job.bay)

    # -- the driver at the gate ----------------------------------------------------------------

    def _attend(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, job: Job, spare_w: int) -> bool:
        match job.session_state:
            case "opening":
                if image.gate is GateState.OPEN:
                    self._open_since_ms = scan.moment.mono_ms
                    if job.opened_utc_ms is None:
                        self._first_open = job.id, self._open_since_ms
                    self._session(scan, job, SESSION.next("opening", "gate_opened"))
                    return True
                if image.gate in (GateState.CLOSED, GateState.UNKNOWN):
                    self._ask(scan, memory, image, GATE, Opcode.GATE_OPEN, 0, 0, job, spare_w)
                return False
            case "open":
                self._watch_session(scan, job)
                return False
            case "closing":
                return self._close_gate(scan, memory, image, job, spare_w)
            case "checking":
                reasons = attendance.against_clear(self._layout, image, job)
                if reasons:
                    self._session(scan, job, SESSION.next("checking", "doubt"))
                    return True
                self._session(scan, job, SESSION.next("checking", "prove", is_clear=not reasons))
                for event in attendance.handed_over(self._layout, image, job, scan.memory, scan.moment.utc_ms):
                    scan.emit(event)
                self._job(scan, job, "send_home")
                return True
            case _:
                raise InvariantBroken(f"job {job.id} at the gate in session state {job.session_state}")

    def _close_gate(self, scan: Scan, memory: ModuleMemory, image: ModuleImage, job: Job, spare_w: int) -> bool:
        if image.gate is GateState.CLOSED:
            self._session(scan, job, SESSION.next("closing", "gate_shut"))
            return True
        if not zone_clear(image):
            self._session(scan, job, SESSION.next("closing", "doubt"))
            return True
        self._ask(scan, memory, image, GATE, Opcode.GATE_CLOSE, 0, 0, job, spare_w)
        return False

    def _not_attended(self, scan: Scan, job: Job) -> tuple[Refusal, ...]:
        ready = self.image is not None and scan.memory.module(job.module).state == "ready"
        return () if ready and job.session_state == "open" else (Refusal(RefusalCode.JOB_NOT_AT_GATE, job.id),)

    def confirm_clear(self, scan: Scan, job: Job) -> tuple[Refusal, ...]:
        """The driver's word; taken only when two sensors and both loaded-sensors agree with it."""
        reasons = self._not_attended(scan, job)
        if not reasons and self.image is not None:
            reasons = attendance.against_clear(self._layout, self.image, job)
        if reasons:
            return reasons
        closing = SESSION.next("open", "confirm", is_clear=not reasons)
        scan.emit(SessionAdvanced(job.id, closing, self._dwelt_ms(scan, job)))
        self.touched = True
        return ()

    def _dwelt_ms(self, scan: Scan, job: Job) -> int | None:
        """For how long the gate has been open for this driver, if planning may learn from it."""
        if self._first_open is None or self._first_open[0] != job.id:
            return None
        dwelt_ms = scan.moment.mono_ms - self._first_open[1]
        promised_ms = nominal(self._layout, self._site.machine).dwell_ms(job.kind)
        return dwelt_ms if is_plausible(dwelt_ms, promised_ms) else None

    def withdraw(self, scan: Scan, job: Job) -> tuple[Refusal, ...]:
        """At an open gate, giving up is also the driver's word; nothing is changed if the sensors disagree."""
        reasons = self._not_attended(scan, job)
        if not reasons and self.image is not None:
            reasons = attendance.against_withdrawal(self._layout, self.image, job)
        if reasons:
            return reasons
        scan.emit(JobWithdrawn(job.id))
        return self.confirm_clear(scan, job)

    def _watch_session(self, scan: Scan, job: Job) -> None:
        if self._open_since_ms is None:
            self._open_since_ms = scan.moment.mono_ms
        deadline_ms = self._open_since_ms + self._patience.gate_open_ms
        if job.overdue_in == "open":
            return
        if scan.moment.mono_ms >= deadline_ms:
            scan.emit(JobOverdue(job.id, "open"))
        else:
            scan.wake_at(deadline_ms)

    def _watch_queue(self, scan: Scan) -> None:
        names = scan.memory.open_jobs.get(self._layout.id, ())
        since = self._queued_since_ms
        for gone in [name for name in since if name not in names]:
            del since[gone]
        for name in names:
            job = scan.memory.jobs[name]
            if job.state != "queued" or job.overdue or not job.has_driver:
                continue
            deadline_ms = since.setdefault(name, scan.moment.mono_ms) + self._patience.queue_ms
            if scan.moment.mono_ms >= deadline_ms:
                scan.emit(JobOverdue(name, "queued"))
            else:
                scan.wake_at(deadline_ms)

    # -- small steps ---------------------------------------------------------------------------

    def _job(self, scan: Scan, job: Job, trigger: str, why: Why = (), **facts: bool) -> None:
        self._attempts = 0
        self._told_stance = None
        scan.emit(JobAdvanced(job.id, JOB.next(job.state, trigger, **facts), why))

    def _session(self, scan: Scan, job: Job, state: str) -> None:
        scan.emit(SessionAdvanced(job.id, state))

    # -- parts out of service ------------------------------------------------------------------

    def layout_now(self, memory: Memory) -> ModuleLayout:
        """The layout without what is out of service: for moves, placement and reachability."""
        return self._service.now(memory)

    def against_bringing(self, memory: Memory, bay: BayRef) -> Refusal | None:
        """Why a pallet cannot be brought to the gate from where everything stands now; None if it can."""
        layout = self.layout_now(memory)
        if self._is_down(memory.module(bay.module), bay.name):
            return None
        if approach(layout, self._site.machine, self.columns, bay) is not None:
            return None
        return unreachable(layout, self.columns, memory, bay.name)

    def _approach(self, scan: Scan, bay: BayId) -> Approach | None:
        return approach(self.layout_now(scan.memory), self._site.machine, self.columns, parse_bay(bay))

    def _stuck_down(self, scan: Scan, image: ModuleImage, ref: BayRef) -> bool:
        """Whether what is out of service keeps a pallet from going home; cars on level 1 go past it."""
        return bool(forbidden(self.layout_now(scan.memory), image, Opcode.RAISE, ref.level, ref.index, 0))

    def _is_down(self, memory: ModuleMemory, bay: BayId) -> bool:
        """Whether a pallet was left on the ground and still is: people may have cranked it up."""
        return memory.down == bay and self.image is not None and is_away(signal_of(self._layout, self.image, bay))
