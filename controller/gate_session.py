"""The driver at the gate: the gate opens, the driver's word is taken and checked, the gate shuts.

Decides what the gate does next and whether a word is believed. What the sensors must say for that is
`attendance`'s; which job is at the gate, `job_work`'s.
"""

from __future__ import annotations

from controller import attendance
from controller.interlocks import signal_of, zone_clear
from controller.machines import JOB, SESSION
from controller.moves import Moves, Turn
from controller.records import Job, ModuleMemory
from controller.scan import InvariantBroken, Scan
from domain.events import JobAdvanced, JobOverdue, JobWithdrawn, SessionAdvanced
from domain.grid import ModuleLayout
from domain.ids import JobId, parse_bay
from domain.outputs import GATE, Opcode
from domain.refusals import Refusal, RefusalCode
from domain.signals import GateState, ModuleImage, Pallet
from domain.site import Site
from scheduler.measured import is_plausible, nominal


class GateSession:
    """The gate of one module and whoever stands there."""

    def __init__(self, site: Site, layout: ModuleLayout, moves: Moves) -> None:
        self._site = site
        self._layout = layout
        self._moves = moves
        self._open_since_ms: int | None = None
        self._first_open: tuple[JobId, int] | None = None
        """The last job for whose driver the gate opened, and when."""

    def begin(self, scan: Scan, job: Job) -> None:
        """The pallet stands ready: the gate is to open."""
        self._advance(scan, job, SESSION.initial)

    def attend(self, turn: Turn, job: Job) -> bool:
        """Go on with the driver of a job at the gate; True if something changed and there may be more to do."""
        match job.session_state:
            case "opening":
                return self._open_gate(turn, job)
            case "open":
                self._watch(turn.scan, job)
                return False
            case "closing":
                return self._close_gate(turn, job)
            case "checking":
                self._check(turn, job)
                return True
            case _:
                raise InvariantBroken(f"job {job.id} at the gate in session state {job.session_state}")

    def doubt(self, scan: Scan, job: Job | None) -> None:
        """The gate is not known to be shut on nobody: the driver is asked again, whatever was said before."""
        if job is not None and job.state == "at_gate" and job.session_state in ("open", "closing", "checking"):
            self._advance(scan, job, SESSION.next(job.session_state, "doubt"))

    def lets_out(self, image: ModuleImage, job: Job | None) -> bool:
        """Whether the gate is what moves first once a person has confirmed, for whoever is in there."""
        if job is None or not self._is_presented(image, job):
            return False
        return job.state == "at_gate" or (job.state == "returning" and job.opened_utc_ms is not None)

    def reopen(self, scan: Scan, image: ModuleImage, job: Job | None) -> None:
        """A pallet that could not leave the ground: whoever or whatever is in there must get out first."""
        if job is not None and job.state == "returning" and self.lets_out(image, job):
            self._moves.get_on()
            scan.emit(JobAdvanced(job.id, JOB.next(job.state, "reopen"), ()))
            self.begin(scan, job)

    def confirm_clear(
        self, scan: Scan, memory: ModuleMemory, image: ModuleImage | None, job: Job
    ) -> tuple[Refusal, ...]:
        """The driver's word; taken only when two sensors and both loaded-sensors agree with it."""
        reasons = self._not_attended(memory, image, job)
        if not reasons and image is not None:
            reasons = attendance.against_clear(self._layout, image, job)
        if reasons:
            return reasons
        closing = SESSION.next("open", "confirm", is_clear=not reasons)
        scan.emit(SessionAdvanced(job.id, closing, self._dwelt_ms(scan, job)))
        return ()

    def withdraw(self, scan: Scan, memory: ModuleMemory, image: ModuleImage | None, job: Job) -> tuple[Refusal, ...]:
        """At an open gate, giving up is also the driver's word; nothing is changed if the sensors disagree."""
        reasons = self._not_attended(memory, image, job)
        if not reasons and image is not None:
            reasons = attendance.against_withdrawal(self._layout, image, job)
        if reasons:
            return reasons
        scan.emit(JobWithdrawn(job.id))
        return self.confirm_clear(scan, memory, image, job)

    def _open_gate(self, turn: Turn, job: Job) -> bool:
        if turn.image.gate is GateState.OPEN:
            self._open_since_ms = turn.scan.moment.mono_ms
            if job.opened_utc_ms is None:
                self._first_open = job.id, self._open_since_ms
            self._advance(turn.scan, job, SESSION.next("opening", "gate_opened"))
            return True
        if turn.image.gate is GateState.CLOSED and not self._is_presented(turn.image, job):
            # People have put it away by hand: nobody is let in to a gap in the floor.
            self._moves.get_on()
            turn.scan.emit(JobAdvanced(job.id, JOB.next(job.state, "bring_again"), ()))
            return True
        if turn.image.gate in (GateState.CLOSED, GateState.UNKNOWN):
            self._moves.ask(turn, GATE, Opcode.GATE_OPEN, 0, 0, job)
        return False

    def _is_presented(self, image: ModuleImage, job: Job) -> bool:
        signal = signal_of(self._layout, image, job.bay)
        return parse_bay(job.bay).level == 1 or signal.has(Pallet.GROUND)

    def _close_gate(self, turn: Turn, job: Job) -> bool:
        if turn.image.gate is GateState.CLOSED:
            self._advance(turn.scan, job, SESSION.next("closing", "gate_shut"))
            return True
        if not zone_clear(turn.image):
            self._advance(turn.scan, job, SESSION.next("closing", "doubt"))
            return True
        self._moves.ask(turn, GATE, Opcode.GATE_CLOSE, 0, 0, job)
        return False

    def _check(self, turn: Turn, job: Job) -> None:
        """The gate is shut: do the sensors still say what the driver said?"""
        scan = turn.scan
        reasons = attendance.against_clear(self._layout, turn.image, job)
        if reasons:
            self._advance(scan, job, SESSION.next("checking", "doubt"))
            return
        self._advance(scan, job, SESSION.next("checking", "prove", is_clear=not reasons))
        for event in attendance.handed_over(self._layout, turn.image, job, scan.memory, scan.moment.utc_ms):
            scan.emit(event)
        self._moves.get_on()
        scan.emit(JobAdvanced(job.id, JOB.next(job.state, "send_home"), ()))

    def _not_attended(self, memory: ModuleMemory, image: ModuleImage | None, job: Job) -> tuple[Refusal, ...]:
        ready = image is not None and memory.state == "ready"
        return () if ready and job.session_state == "open" else (Refusal(RefusalCode.JOB_NOT_AT_GATE, job.id),)

    def _dwelt_ms(self, scan: Scan, job: Job) -> int | None:
        """For how long the gate has been open for this driver, if planning may learn from it."""
        if self._first_open is None or self._first_open[0] != job.id:
            return None
        dwelt_ms = scan.moment.mono_ms - self._first_open[1]
        promised_ms = nominal(self._layout, self._site.machine).dwell_ms(job.kind)
        return dwelt_ms if is_plausible(dwelt_ms, promised_ms) else None

    def _watch(self, scan: Scan, job: Job) -> None:
        """A gate that stays open too long is told to people."""
        if self._open_since_ms is None:
            self._open_since_ms = scan.moment.mono_ms
        deadline_ms = self._open_since_ms + self._site.patience.gate_open_ms
        if job.overdue_in == "open":
            return
        if scan.moment.mono_ms >= deadline_ms:
            scan.emit(JobOverdue(job.id, "open"))
        else:
            scan.wake_at(deadline_ms)

    def _advance(self, scan: Scan, job: Job, state: str) -> None:
        scan.emit(SessionAdvanced(job.id, state))
