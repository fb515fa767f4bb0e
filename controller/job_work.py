"""What a module does for its jobs: the one that is under way, the next one, and what to prepare for nobody yet.

Decides from the job's state and the sensors what is still missing, anew in every scan. Which job comes
next and what an idle module prepares is the policy's answer; whether a move may be asked now, `moves`';
the driver at the gate is `gate_session`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from controller.gate_session import GateSession
from controller.interlocks import is_away, signal_of
from controller.machines import JOB
from controller.memory import Memory
from controller.moves import Lock, Moves, Turn
from controller.outage import ServiceLayout, unreachable
from controller.queueing import outlook_of, queue_of, queued_jobs, standing_ends
from controller.records import Job, ModuleMemory
from controller.scan import InvariantBroken, Scan
from domain.booking import local_minute
from domain.events import JobAdvanced, JobMovedToBay, JobOverdue, StanceTaken
from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, BayRef, JobId, parse_bay
from domain.outputs import Opcode
from domain.reasons import ReasonCode, Why, as_reason, because
from domain.refusals import Refusal, RefusalCode
from domain.signals import GateState, ModuleImage, Pallet
from domain.site import Site
from scheduler.policy import Policy
from scheduler.reach import Approach, approach
from scheduler.sequence import Chosen
from scheduler.stance import Stance

CHAIN_MAX = 16
"""More decisions than this in one scan of one module cannot be: a bug."""

STANCE_SLOT_MS = 900_000
"""An idle module looks anew at what is likely every quarter of an hour."""


class JobWork:
    """The jobs of one module."""

    def __init__(
        self,
        site: Site,
        layout: ModuleLayout,
        policy: Policy,
        service: ServiceLayout,
        moves: Moves,
        gate: GateSession,
        lock: Lock,
    ) -> None:
        self._site = site
        self._layout = layout
        self._policy = policy
        self._service = service
        self._moves = moves
        self._gate = gate
        self._lock = lock
        self._told_stance: BayId | None = None
        self._queued_since_ms: dict[JobId, int] = {}

    def active(self, memory: Memory) -> Job | None:
        """The one job that the machine works on or that stands at the open gate, if any."""
        jobs = (memory.jobs[name] for name in memory.open_jobs.get(self._layout.id, ()))
        return next((job for job in jobs if job.state not in ("queued", "standing_by")), None)

    def drive(self, turn: Turn) -> None:
        """Get on with the jobs until a move is under way or there is nothing to do."""
        if not turn.memory.motions:
            self._give_up_stranded(turn)
        for _ in range(CHAIN_MAX):
            if turn.memory.motions or turn.memory.state != "ready":
                return
            if not self._further(turn, self.active(turn.scan.memory)):
                return
        raise InvariantBroken(f"module {self._layout.id} decides without end")

    def watch_queue(self, scan: Scan) -> None:
        """Tell people who waits longer than the patience of the site; let booked jobs go whose driver does not come."""
        names = tuple(scan.memory.open_jobs.get(self._layout.id, ()))
        since = self._queued_since_ms
        for gone in [name for name in since if name not in names]:
            del since[gone]
        for name in names:
            job = scan.memory.jobs[name]
            if job.state == "queued" and not job.has_driver:
                self._let_go(scan, job)
                continue
            if job.state != "queued" or job.overdue:
                continue
            deadline_ms = since.setdefault(name, scan.moment.mono_ms) + self._site.patience.queue_ms
            if scan.moment.mono_ms >= deadline_ms:
                scan.emit(JobOverdue(name, "queued"))
            else:
                scan.wake_at(deadline_ms)

    def _let_go(self, scan: Scan, job: Job) -> None:
        """A booked job that was not begun in time, in a stopped module perhaps, and whose driver does not come."""
        until_utc_ms = job.waits_from_utc_ms + self._site.patience.no_show_ms
        if scan.moment.utc_ms >= until_utc_ms:
            self._advance(scan, job, "cancel", (because(ReasonCode.NOBODY_CAME),))
        else:
            _wake_at_utc(scan, until_utc_ms)

    def against_bringing(
        self, memory: Memory, image: ModuleImage | None, columns: Columns, bay: BayRef
    ) -> Refusal | None:
        """Why a pallet cannot be brought to the gate from where everything stands now; None if it can."""
        layout = self._service.now(memory)
        if self._is_down(memory.module(bay.module), image, bay.name):
            return None
        if approach(layout, self._site.machine, columns, bay) is not None:
            return None
        return unreachable(layout, columns, memory, bay.name)

    # -- one decision --------------------------------------------------------------------------

    def _give_up_stranded(self, turn: Turn) -> None:
        """Jobs whose pallets cannot be brought any more end at once, and say why; their cars are safe."""
        memory = turn.scan.memory
        if self._service.now(memory).is_whole:
            return
        for name in tuple(memory.open_jobs.get(self._layout.id, ())):
            job = memory.jobs[name]
            if job.state in ("queued", "preparing"):
                why = self.against_bringing(memory, turn.image, turn.columns, parse_bay(job.bay))
                if why is not None:
                    self._advance(turn.scan, job, "strand", (as_reason(why),))

    def _further(self, turn: Turn, job: Job | None) -> bool:
        """One decision; True if the job's state changed and there may be another."""
        if job is None:
            if self._moves.finish_slides(turn, None):
                return False
            standing = self._standing(turn.scan)
            if any(self._stand_by(turn.scan, one) for one in standing):
                return True
            return self._start_next(turn, any(one.level > 1 for one in standing))
        match job.state:
            case "preparing":
                return self._prepare(turn, job)
            case "delivering":
                return self._deliver(turn, job)
            case "at_gate":
                return self._gate.attend(turn, job)
            case "returning":
                return self._return(turn, job)
            case _:
                raise InvariantBroken(f"job {job.id} is open in state {job.state}")

    # -- nobody is served: who is next, and what may come ----------------------------------------

    def _standing(self, scan: Scan) -> list[Job]:
        """Booked jobs whose pallets are on the ground, the first due first; at most one lives upstairs."""
        jobs = (scan.memory.jobs[name] for name in scan.memory.open_jobs.get(self._layout.id, ()))
        return sorted((job for job in jobs if job.state == "standing_by"), key=lambda job: job.waits_from_utc_ms)

    def _stand_by(self, scan: Scan, job: Job) -> bool:
        """Meet the driver of a booked job, or give the job up; True if that has been done."""
        if job.has_driver and not job.withdrawn:
            self._advance(scan, job, "meet", driver_came=True)
            self._gate.begin(scan, job)
            return True
        queued = queued_jobs(scan.memory, self._layout)
        reason, until_utc_ms = standing_ends(job, queued, scan.memory, self._site.patience)
        if scan.moment.utc_ms >= until_utc_ms:
            self._advance(scan, job, "give_up", (because(reason),))
            return True
        _wake_at_utc(scan, until_utc_ms)
        return False

    def _start_next(self, turn: Turn, taken: bool) -> bool:
        """Start what the policy says is next, or prepare for what may come.

        While the shaft is `taken` by a pallet that stands by, only the ground can be served, past it.
        """
        scan = turn.scan
        jobs = queued_jobs(scan.memory, self._layout)
        if taken:
            jobs = [job for job in jobs if job.level == 1]
        if jobs and turn.image.gate is not GateState.CLOSED:
            self._moves.blocked(turn, (Refusal(RefusalCode.GATE_NOT_SHUT, self._layout.id),))
            return False
        self._moves.free()
        chosen = self._choose(turn, jobs) if jobs else None
        if chosen is not None and chosen.begin_utc_ms <= scan.moment.utc_ms:
            self._start(scan, chosen)
            return True
        if chosen is not None:
            _wake_at_utc(scan, chosen.begin_utc_ms)
        if not taken:
            self._idle(turn, chosen)
        return False

    def _choose(self, turn: Turn, jobs: Sequence[Job]) -> Chosen:
        memory = turn.scan.memory
        layout = self._service.now(memory)
        return self._policy.sequencer(queue_of(self._site, layout, memory, turn.columns, jobs, turn.scan.moment.utc_ms))

    def _start(self, scan: Scan, chosen: Chosen) -> None:
        job = scan.memory.jobs[chosen.job]
        if chosen.bay != job.bay:
            scan.emit(JobMovedToBay(job.id, chosen.bay, chosen.why))
        self._advance(scan, job, "start", chosen.why)

    def _idle(self, turn: Turn, chosen: Chosen | None) -> None:
        """Nobody can be served now: home with what is down, and gaps to where they will be wanted."""
        stance = self._stance(turn, chosen)
        if not stance.hold and self._moves.send_home(turn, None):
            return
        way = self._approach(turn, stance.expose) if stance.expose is not None else None
        if stance.expose is None or way is None or not way.phases:
            self._moves.get_on()
            return
        slides = way.phases[0]
        if not self._moves.all_free(turn, slides):
            return
        if self._told_stance != stance.expose:
            self._told_stance = stance.expose
            turn.scan.emit(StanceTaken(self._layout.id, stance.expose, stance.why))
        self._moves.ask_slides(turn, slides, None)

    def _stance(self, turn: Turn, chosen: Chosen | None) -> Stance:
        """What to prepare: the booked job that begins later, else what the policy expects."""
        scan = turn.scan
        now = scan.moment.utc_ms
        if chosen is not None:
            expose = self._freed_already(scan, chosen) or chosen.bay
            hold = chosen.bay == turn.memory.down
            stance = Stance(expose if parse_bay(expose).level > 1 else None, hold, chosen.why)
        else:
            slot_utc_ms = now - now % STANCE_SLOT_MS
            _wake_at_utc(scan, slot_utc_ms + STANCE_SLOT_MS)
            layout = self._service.now(scan.memory)
            stance = self._policy.stancer(outlook_of(self._site, layout, scan.memory, turn.columns, slot_utc_ms))
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

    # -- a job is under way ----------------------------------------------------------------------

    def _prepare(self, turn: Turn, job: Job) -> bool:
        if self._moves.finish_slides(turn, job):
            return False
        if self._moves.send_home(turn, job):
            return False
        way = self._approach(turn, job.bay)
        if self._is_down(turn.memory, turn.image, job.bay) or (way is not None and not way.phases):
            self._advance(turn.scan, job, "clear_way")
            return True
        if way is None:
            self._lock(turn.scan, turn.memory, (Refusal(RefusalCode.UNREACHABLE, job.bay),))
            return False
        self._moves.ask_slides(turn, way.phases[0], job)
        return False

    def _deliver(self, turn: Turn, job: Job) -> bool:
        ref = parse_bay(job.bay)
        signal = signal_of(self._layout, turn.image, job.bay)
        if ref.level == 1 or (is_away(signal) and signal.has(Pallet.GROUND)):
            self._advance(turn.scan, job, "present", driver_came=job.has_driver)
            if job.has_driver:
                self._gate.begin(turn.scan, job)
            return True
        opcode = Opcode.RAISE if is_away(signal) else Opcode.LOWER
        self._moves.ask(turn, ref.level, opcode, ref.index, 0, job)
        return False

    def _return(self, turn: Turn, job: Job) -> bool:
        ref = parse_bay(job.bay)
        is_home = ref.level == 1 or not is_away(signal_of(self._layout, turn.image, job.bay))
        if not is_home and not self._stays_down(turn, job):
            self._moves.ask(turn, ref.level, Opcode.RAISE, ref.index, 0, job)
            return False
        stayed = turn.scan.memory.car_at.get(job.bay) == job.plate
        unserved = job.opened_utc_ms is None and stayed == (job.kind == "retrieval")
        if job.has_driver and not job.withdrawn and unserved:
            self._advance(turn.scan, job, "fetch_again", driver_came=True)
            return True
        self._advance(turn.scan, job, "finish", is_wanted=stayed == (job.kind == "storage"))
        return True

    def _stays_down(self, turn: Turn, job: Job) -> bool:
        """Whether a job's pallet stays: it cannot go home, is wanted empty, or level 1 is served past it.

        A booked driver of level 1 who is there is met before anybody else, and so before the pallet goes home.
        """
        memory = turn.scan.memory
        if self._is_down(turn.memory, turn.image, job.bay) and self._moves.stuck_down(turn, parse_bay(job.bay)):
            return True
        if turn.memory.down != job.bay:
            return False
        if any(one.level == 1 and one.has_driver for one in self._standing(turn.scan)):
            return True
        is_empty = job.bay not in memory.car_at
        jobs = queued_jobs(memory, self._layout)
        if not jobs:
            return is_empty and self._stance(turn, None).hold
        chosen = self._choose(turn, jobs)
        if chosen.begin_utc_ms > turn.scan.moment.utc_ms:
            return False
        return parse_bay(chosen.bay).level == 1 or (is_empty and chosen.bay == job.bay)

    # -- small steps -----------------------------------------------------------------------------

    def _advance(self, scan: Scan, job: Job, trigger: str, why: Why = (), **facts: bool) -> None:
        self._moves.get_on()
        self._told_stance = None
        scan.emit(JobAdvanced(job.id, JOB.next(job.state, trigger, **facts), why))

    def _approach(self, turn: Turn, bay: BayId) -> Approach | None:
        return approach(self._service.now(turn.scan.memory), self._site.machine, turn.columns, parse_bay(bay))

    def _is_down(self, memory: ModuleMemory, image: ModuleImage | None, bay: BayId) -> bool:
        """Whether a pallet was left on the ground and still is: people may have cranked it up."""
        return memory.down == bay and image is not None and is_away(signal_of(self._layout, image, bay))


def _wake_at_utc(scan: Scan, utc_ms: int) -> None:
    scan.wake_at(scan.moment.mono_ms + max(0, utc_ms - scan.moment.utc_ms))
