"""The handshake of moves with a module's mailboxes: ask, see the echo, see the end, or give up.

Decides when a command is repeated and when it has failed. Whether to ask is decided by `moves` and `manual`.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.machines import MOTION
from controller.meter import Meter
from controller.records import Job, ModuleMemory, MotionRecord
from controller.scan import Scan
from controller.stopwatch import is_whole, part_of
from domain.events import MotionEnded, MotionRequested
from domain.faults import FaultNumber
from domain.grid import ModuleLayout
from domain.machine import MANUAL_SLOWNESS, Machine
from domain.outputs import GATE, MailboxWrite, Opcode
from domain.sight import sight_of
from domain.signals import MailboxReply, ModuleImage, Result
from domain.site import Patience
from scheduler.measured import is_plausible, nominal

STOPPED_BY_PERSON = 21
"""The PLC's reason (register map) when somebody walks into a closing gate: ordinary life, no fault."""

STOPPED_BY_FIRE = 25
"""The PLC's reason when a fire alarm stops what is on its way down; it is brought home again."""

_FAULT_OF_OVERDUE = {
    Opcode.SLIDE: FaultNumber.SLIDE_TIMEOUT,
    Opcode.LOWER: FaultNumber.LIFT_TIMEOUT,
    Opcode.RAISE: FaultNumber.LIFT_TIMEOUT,
    Opcode.GATE_OPEN: FaultNumber.GATE_TIMEOUT,
    Opcode.GATE_CLOSE: FaultNumber.GATE_TIMEOUT,
}


@dataclass(slots=True)
class _Timer:
    """What is only known while the program runs; `state` is one of the MOTION table.

    `timed` says that how long it takes is worth knowing.
    """

    write: MailboxWrite
    sent_ms: int
    sendings: int
    overdue_ms: int
    timed: bool
    state: str = MOTION.initial


@dataclass(frozen=True, slots=True)
class Failure:
    """A move that did not end well, with the fault that it latches."""

    motion: MotionRecord
    fault: FaultNumber
    reason: int

    @property
    def is_jog(self) -> bool:
        """Whether people moved it, who see for themselves."""
        return Opcode(self.motion.opcode).is_jog


class Motions:
    """All moves in flight of one module."""

    def __init__(self, layout: ModuleLayout, machine: Machine, patience: Patience) -> None:
        self._layout = layout
        self._machine = machine
        self._patience = patience
        self._promised_ms = nominal(layout, machine).by_part()
        self._timers: dict[int, _Timer] = {}
        self._meter = Meter(layout)
        self.id_floor = 0

    def running(self) -> tuple[MailboxWrite, ...]:
        """The commands in flight."""
        return tuple(timer.write for timer in self._timers.values())

    def power_w(self) -> int:
        """Motor power of everything in flight."""
        return sum(motor_w(self._machine, t.write.opcode, t.write.first, t.write.second) for t in self._timers.values())

    def ask(
        self,
        scan: Scan,
        memory: ModuleMemory,
        image: ModuleImage,
        mailbox: int,
        opcode: Opcode,
        first: int,
        second: int,
        job: Job | None,
        operator: str = "",
    ) -> None:
        """Record the intent and what was seen, and send the command; the journal has it before the machine.

        `operator` holds the button of a move by hand.
        """
        command_id = (max(memory.last_command_id, self.id_floor) + 1) & 0xFFFFFFFF or 1
        limit_ms = self._limit_ms(opcode, mailbox)
        write = MailboxWrite(self._layout.id, mailbox, command_id, opcode, first, second, limit_ms)
        job_id, seen = job.id if job else None, sight_of(image)
        scan.emit(
            MotionRequested(
                write.module, mailbox, command_id, int(opcode), first, second, limit_ms, job_id, seen, operator
            )
        )
        scan.mailboxes.append(write)
        now = scan.moment.mono_ms
        self._meter.begin(write, image, now)
        timed = is_whole(self._layout, image, write)
        self._timers[mailbox] = _Timer(write, now, 1, now + limit_ms + self._patience.move_slack_ms, timed)

    def follow(self, scan: Scan, memory: ModuleMemory, image: ModuleImage) -> list[Failure]:
        """Bring every move in flight up to the image; returns those that failed."""
        failures = []
        if self._timers:
            self._meter.look(image, scan.moment.mono_ms)
        for mailbox, timer in list(self._timers.items()):
            failure = self._follow_one(scan, memory.motions[mailbox], timer, image)
            if failure is not None:
                failures.append(failure)
        return failures

    def settle_after_loss(self, scan: Scan, memory: ModuleMemory, image: ModuleImage) -> None:
        """After a restart or a lost link: end every remembered move by what the PLC says of it."""
        self.forget_timers()
        for mailbox, motion in list(memory.motions.items()):
            reply = _reply(image, mailbox)
            done = reply.command_id == motion.command_id and reply.result is Result.DONE
            trigger = "complete" if done else "lose"
            self._end(scan, motion, MOTION.next(MOTION.initial, trigger), reply.reason)
        echoes = [image.gate_reply.command_id, *(level.reply.command_id for level in image.levels)]
        self.id_floor = max(echoes)

    def forget_timers(self) -> None:
        """The link is gone: nothing is repeated until the sensors have been read again."""
        self._timers.clear()
        self._meter.forget()

    def drop_unheard_jogs(self, scan: Scan, memory: ModuleMemory) -> None:
        """The button was let go: a jog that the PLC has not echoed must never be sent again, nor now."""
        for timer in list(self._timers.values()):
            if timer.write.opcode.is_jog and timer.state == "requested":
                scan.mailboxes[:] = [write for write in scan.mailboxes if write is not timer.write]
                self._end(scan, memory.motions[timer.write.mailbox], MOTION.next(timer.state, "lose"), 0)

    def wake_ms(self) -> int | None:
        """When the earliest repeat or deadline is due."""
        due = [
            min(timer.sent_ms + self._patience.command_echo_ms, timer.overdue_ms)
            if timer.state == "requested"
            else timer.overdue_ms
            for timer in self._timers.values()
        ]
        return min(due) if due else None

    def _follow_one(self, scan: Scan, motion: MotionRecord, timer: _Timer, image: ModuleImage) -> Failure | None:
        reply = _reply(image, motion.mailbox)
        now = scan.moment.mono_ms
        if reply.command_id == motion.command_id:
            if reply.result is Result.DONE:
                self._end(scan, motion, MOTION.next(timer.state, "complete"), 0)
                return None
            if reply.result is Result.REFUSED:
                self._end(scan, motion, MOTION.next(timer.state, "refuse"), reply.reason)
                return Failure(motion, FaultNumber.MOTION_REFUSED, reply.reason)
            if reply.result is Result.STOPPED:
                self._end(scan, motion, MOTION.next(timer.state, "stop"), reply.reason)
                return Failure(motion, FaultNumber.MOTION_STOPPED, reply.reason)
            if timer.state == "requested":
                timer.state = MOTION.next(timer.state, "echo")
        elif timer.state == "requested" and now - timer.sent_ms >= self._patience.command_echo_ms:
            return self._repeat(scan, motion, timer)
        if now >= timer.overdue_ms:
            self._end(scan, motion, MOTION.next(timer.state, "overrun"), 0)
            return Failure(
                motion, _FAULT_OF_OVERDUE.get(Opcode(motion.opcode).plain, FaultNumber.COMMAND_UNANSWERED), 0
            )
        return None

    def _repeat(self, scan: Scan, motion: MotionRecord, timer: _Timer) -> Failure | None:
        if timer.sendings > self._patience.command_resends:
            self._end(scan, motion, MOTION.next(timer.state, "go_unanswered"), 0)
            return Failure(motion, FaultNumber.COMMAND_UNANSWERED, 0)
        timer.sendings += 1
        timer.sent_ms = scan.moment.mono_ms
        timer.timed = False
        scan.mailboxes.append(timer.write)
        return None

    def _end(self, scan: Scan, motion: MotionRecord, result: str, reason: int) -> None:
        timer = self._timers.pop(motion.mailbox, None)
        took_ms = self._took_ms(scan, timer) if timer is not None and result == "done" else None
        seen = self._meter.end(motion.mailbox)
        timed = took_ms is not None
        scan.emit(
            MotionEnded(
                self._layout.id,
                motion.mailbox,
                motion.command_id,
                result,
                reason,
                took_ms,
                seen.moved,
                seen.run_ms,
                seen.energy_j,
                seen.power_w if timed else None,
                seen.hook_ms if timed else None,
            )
        )

    def _took_ms(self, scan: Scan, timer: _Timer) -> int | None:
        """How long a move that is done has taken, if planning may learn from it."""
        part = part_of(timer.write.opcode, timer.write.mailbox)
        if not timer.timed or part is None:
            return None
        took_ms = scan.moment.mono_ms - timer.sent_ms
        return took_ms if is_plausible(took_ms, self._promised_ms[part]) else None

    def _limit_ms(self, opcode: Opcode, level: int) -> int:
        """Deadline given to the PLC: half as much again as nominal, plus the starts before it."""
        machine, layout = self._machine, self._layout
        if opcode.is_jog:
            slack_ms = self._patience.move_slack_ms
            return MANUAL_SLOWNESS * (self._limit_ms(opcode.plain, level) - slack_ms) + slack_ms
        if opcode is Opcode.SLIDE:
            nominal = machine.slide_ms(layout.pitch_mm) + machine.inrush_stagger_ms * len(layout.levels)
        elif opcode in (Opcode.LOWER, Opcode.RAISE):
            nominal = machine.lowering_ms(layout.level_z_mm[level - 1]) + machine.inrush_stagger_ms * len(layout.levels)
        elif opcode in (Opcode.GATE_OPEN, Opcode.GATE_CLOSE):
            nominal = machine.gate_ms
        else:
            nominal = 0
        return nominal * 3 // 2 + self._patience.move_slack_ms


def motor_w(machine: Machine, opcode: Opcode, first: int, second: int) -> int:
    """Motor power of one move while it runs."""
    if opcode.plain is Opcode.SLIDE:
        return machine.slide_motor_w * abs(first - second)
    return machine.lift_motor_w if opcode.plain in (Opcode.LOWER, Opcode.RAISE) else 0


def _reply(image: ModuleImage, mailbox: int) -> MailboxReply:
    return image.gate_reply if mailbox == GATE else image.levels[mailbox - 1].reply
