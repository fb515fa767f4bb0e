"""The scan in virtual time while everything may fail: wires, disk, clock, power, people, and the supervisor itself.

Decides where in a scan the supervisor dies or hangs, what is lost with it, and how it starts anew from the
journal. The scan is that of `runtime.virtual`: drain, step, journal, outputs; heartbeats travel as messages
here, and time leaps only while no message has a fate to draw: every wire is fair or cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import assert_never

from controller.memory import Memory
from controller.step import Controller
from domain.commands import (
    CancelJob,
    Command,
    ConfirmClear,
    ConfirmModule,
    EndHold,
    EnterCar,
    Refused,
    Reply,
    ResetFaults,
    ResumeGarage,
    StrikeCar,
)
from domain.events import Recorded
from domain.ids import ModuleId
from domain.moment import Moment
from domain.outputs import Outputs
from domain.site import Site
from runtime.application import load_memory
from runtime.desk import answers, command_of, notices
from runtime.faulty_wires import FaultyWires
from runtime.journal import Journal, event_line
from runtime.virtual import SIMULATION_KEY, digest, expected_identities, register_residents
from sim.asks import Answered, Ask, ChargeAsk, Notice, RetrievalAsk, StorageAsk
from sim.attendant import (
    Attendant,
    ConfirmAsk,
    Desk,
    DeskAsk,
    EndDangerAsk,
    EnterAsk,
    HelpAsk,
    ResetAsk,
    ResumeAsk,
    StrikeAsk,
    WithdrawAsk,
)
from sim.demand import Trip
from sim.faults import FaultClass
from sim.people import Crowd
from sim.rig import Rig
from sim.scenario import Residents
from sim.streams import Stream, fork
from sim.swarm import Dials, SupervisorFault, Swarm
from sim.trace import TraceWriter

STAGES = ("before", "decided", "stored", "sending")
"""Where in a scan the supervisor dies or hangs: before the step, before the journal, before and amid the outputs."""

OPERATOR = "attendant"


class FaultyRun:
    """One simulated stretch of time under a swarm of faults, from plant time 0."""

    def __init__(
        self,
        site: Site,
        residents: Residents,
        trips: Iterable[Trip],
        seed: int,
        start_utc_ms: int,
        journal: Journal,
        dials: Dials,
        trace: TraceWriter | None = None,
        scan_ms: int = 100,
        leap: bool = True,
    ) -> None:
        """Without `leap` every single scan takes place."""
        self.site = site
        self.seed = seed
        self.journal = journal
        self.scan_ms = scan_ms
        self.now_ms = 0
        self.scans = 0
        self.restarts = 0
        self.rig = Rig(site, residents.cars, trace, seed)
        self.crowd = Crowd(self.rig, trips, seed, parked=residents.pins)
        self.swarm = Swarm(self.rig, self.crowd, seed, dials)
        self.attendant = Attendant(self.rig.plant.modules, seed)
        self.wires = FaultyWires(site, self.rig, self.swarm, seed)
        self._hash = hashlib.sha256()
        self._backlog: list[Recorded] = []
        self._journal_back_ms = 0
        self._start_utc_ms = start_utc_ms
        memory = Memory()
        self._store(register_residents(memory, residents, SIMULATION_KEY, start_utc_ms))
        self.controller = Controller(site, expected_identities(site), memory)
        self._dice = fork(seed, Stream.SUPERVISOR)
        self._heard: list[Notice] = []
        self._noticed_seq = memory.seq
        self._refused: dict[ModuleId, tuple[str, ...]] = {}
        self._desk_changed = True
        self._leap = leap
        self._leapt = False
        self._wake_ms = 0
        """Until when the newest step has nothing to say, unless it is told something; 0: it had."""
        self._journal_was_ok = True

    @property
    def memory(self) -> Memory:
        """What the running supervisor knows."""
        return self.controller.memory

    @property
    def halted(self) -> str | None:
        """The bug that stopped the supervisor, if one did."""
        return self.memory.garage_reason if self.memory.garage == "halted" else None

    @property
    def event_log_sha256(self) -> str:
        """Digest over the canonical lines of all stored events, each with a newline."""
        return self._hash.hexdigest()

    def run_to(self, until_ms: int) -> None:
        """Scan and leap up to `until_ms` (excluded), or until the supervisor has halted itself."""
        while self.now_ms < until_ms and self.halted is None:
            self.now_ms = self._scan(until_ms)

    # -- one scan ---------------------------------------------------------------------------------

    def _scan(self, until_ms: int) -> int:
        """One scan; returns when the next one is."""
        now_ms = self.now_ms
        if self._leapt:
            self.rig.run_to(now_ms - self.scan_ms, fed=self.wires.heard())
            self.wires.poll(now_ms - self.scan_ms)
        self.rig.run_to(now_ms, fed=self.wires.fed())
        fault = self._next_fault(now_ms)
        stage = self._dice.choice(STAGES) if fault is not None else ""
        if fault is not None and stage == "before":
            return self._suffer(fault, ())
        asks = self._crowd_acts(now_ms)
        desk_asks = self._attendant_acts(now_ms)
        commands: list[Command] = [command_of(ask, digest, self.memory) for ask in asks]
        commands += [self._command_of(ask) for ask in desk_asks]
        self.wires.poll(now_ms)
        journal_ok = self._journal_ok
        news = self.wires.has_news(now_ms) or journal_ok != self._journal_was_ok
        if self._leap and not (news or commands or fault) and now_ms < self._wake_ms:
            return self._skip(until_ms)
        inputs = self.wires.inputs(now_ms, journal_ok)
        step = self.controller.step(Moment(now_ms, self._start_utc_ms + now_ms), inputs, commands)
        self.scans += 1
        if fault is not None and fault.fault is FaultClass.SUPERVISOR_KILLED:
            if stage != "decided":
                self._store(step.events)
            if stage == "sending":
                self.wires.send(now_ms, step.outputs, self._dice.randrange(len(step.outputs.mailboxes) + 1))
            return self._suffer(fault, asks)
        self._store(step.events)
        if fault is not None:
            self._sleep(fault.ms)
        self.wires.send(self.now_ms, step.outputs)
        self._hear(asks, step.replies, step.events)
        self._desk_hears(desk_asks, step.replies[len(asks) :])
        self._desk_changed = bool(step.events)
        self._journal_was_ok = journal_ok
        busy = asks or desk_asks or self._heard or not step.is_quiet or fault is not None
        self._wake_ms = 0 if busy else step.wake_ms
        return self._next_scan_ms(bool(busy) or self._journal_ok != journal_ok, until_ms)

    def _skip(self, until_ms: int) -> int:
        """A scan that brings nothing new: by the quiet law its step would say nothing, so only the heart beats."""
        self._store(())
        self.wires.send(self.now_ms, Outputs())
        self._desk_changed = False
        return self._next_scan_ms(self._journal_ok != self._journal_was_ok, until_ms)

    def _next_scan_ms(self, busy: bool, until_ms: int) -> int:
        soonest = self.now_ms + self.scan_ms
        self._leapt = False
        without_disk = self.now_ms < self._journal_back_ms
        if busy or not self._leap or (self.swarm.supervisor and not without_disk):
            return soonest
        due_ms = min(
            self._wake_ms, self.wires.next_ms(self.now_ms), self.crowd.next_ms(), self.attendant.next_ms(), until_ms
        )
        if due_ms <= soonest:
            return soonest
        due_ms = min(due_ms, self.rig.next_change_ms())
        if without_disk:
            due_ms = min(due_ms, self._journal_back_ms)
        next_ms = max(soonest, -(-due_ms // self.scan_ms) * self.scan_ms)
        self._leapt = next_ms > soonest
        return next_ms

    @property
    def _journal_ok(self) -> bool:
        return not self._backlog and self.now_ms >= self._journal_back_ms

    def _store(self, events: Iterable[Recorded]) -> None:
        """Store what waits and these; while the journal is away they wait, in order."""
        self._backlog += events
        if not self._backlog or self.now_ms < self._journal_back_ms:
            return
        self.journal.append(self._backlog)
        for record in self._backlog:
            self._hash.update(event_line(record).encode() + b"\n")
        self._backlog = []

    # -- the supervisor fails ---------------------------------------------------------------------

    def _next_fault(self, now_ms: int) -> SupervisorFault | None:
        """Let clock and disk fail at once; a death or a standstill is returned, to happen within the scan.

        A supervisor whose disk is away is not killed before the disk is back: what waits to be stored
        would be lost with it, and no restart is possible without a disk.
        """
        for one in list(self.swarm.supervisor):
            if one.fault is FaultClass.CLOCK_STEPS:
                self._start_utc_ms += one.ms
                self._wake_ms = 0
            elif one.fault is FaultClass.JOURNAL_FAILS:
                self._journal_back_ms = max(self._journal_back_ms, now_ms + one.ms)
            elif one.fault is FaultClass.SUPERVISOR_KILLED and (self._backlog or now_ms < self._journal_back_ms):
                continue
            else:
                self.swarm.supervisor.remove(one)
                return one
            self.swarm.supervisor.remove(one)
        return None

    def _suffer(self, fault: SupervisorFault, asks: Sequence[Ask]) -> int:
        """Die and start anew from the journal, or only stand still; returns when the next scan is."""
        if fault.fault is FaultClass.SUPERVISOR_HANGS:
            self._sleep(fault.ms)
            self._leapt = False
            return self.now_ms + self.scan_ms
        self.wires.hang_up()
        self._sleep(fault.ms)
        self._restart(asks)
        return self.now_ms + self.scan_ms

    def _sleep(self, ms: int) -> None:
        """Nobody scans, nobody feeds anything."""
        self.now_ms += -(-ms // self.scan_ms) * self.scan_ms
        self.rig.run_to(self.now_ms, fed=False)

    def _restart(self, asks: Sequence[Ask]) -> None:
        """A new program that knows what the journal knows; people at the kiosks ask again what was not answered."""
        self.restarts += 1
        self._leapt = False
        memory = load_memory(self.journal)
        self.journal.save_snapshot(memory.seq, self._start_utc_ms + self.now_ms, memory.to_state())
        missed = self.journal.events_after(self._noticed_seq, memory.seq - self._noticed_seq + 1)
        self._heard += [*(self._answer_again(ask, memory) for ask in asks), *notices(missed, memory)]
        self._noticed_seq = memory.seq
        self.controller = Controller(self.site, expected_identities(self.site), memory)
        self.wires = FaultyWires(self.site, self.rig, self.swarm, self.seed + self.restarts)
        self._desk_changed = True
        self._wake_ms = 0

    def _answer_again(self, ask: Ask, memory: Memory) -> Answered:
        """What the repeated request hears: the same job if it had been taken, else to try once more."""
        found: str | None = None
        if isinstance(ask, StorageAsk | RetrievalAsk):
            job = memory.job_of(ask.plate)
            found = job.id if job is not None else None
        elif isinstance(ask, ChargeAsk):
            open_ones = (memory.spot(spot).charging for spot in self.rig.wallboxes)
            found = next((c for c in open_ones if c and memory.chargings[c].plate == ask.plate), None)
        return Answered(ask, True, id=found) if found is not None else Answered(ask, False, code="no_answer")

    # -- people -----------------------------------------------------------------------------------

    def _crowd_acts(self, now_ms: int) -> list[Ask]:
        heard, self._heard = self._heard, []
        if not heard and self.crowd.next_ms() > now_ms:
            return []
        return self.crowd.act(now_ms, heard)

    def _attendant_acts(self, now_ms: int) -> list[DeskAsk]:
        if not self._desk_changed and self.attendant.next_ms() > now_ms:
            return []
        return self.attendant.act(now_ms, self._desk())

    def _desk(self) -> Desk:
        """What the operator's page shows."""
        memory = self.memory
        locked = {name: module.reasons for name, module in memory.modules.items() if module.state == "locked"}
        overdue = tuple(
            (name, module)
            for module, names in memory.open_jobs.items()
            for name in names
            if memory.jobs[name].overdue and memory.jobs[name].session_state == "open"
        )
        return Desk(locked, overdue, self._refused, memory.garage)

    def _hear(self, asks: Sequence[Ask], replies: Sequence[Reply], events: Sequence[Recorded]) -> None:
        self._heard += [*answers(asks, replies[: len(asks)]), *notices(events, self.memory)]
        self._noticed_seq = self.memory.seq

    def _desk_hears(self, asks: Sequence[DeskAsk], replies: Sequence[Reply]) -> None:
        for ask, reply in zip(asks, replies, strict=True):
            if isinstance(ask, ConfirmAsk):
                reasons = reply.reasons if isinstance(reply, Refused) else ()
                self._refused[ask.module] = tuple(f"{reason.code.code}:{reason.about}" for reason in reasons)

    def _command_of(self, ask: DeskAsk) -> Command:
        match ask:
            case ResetAsk():
                return ResetFaults(ask.module, OPERATOR)
            case ConfirmAsk():
                return ConfirmModule(ask.module, OPERATOR)
            case HelpAsk():
                return ConfirmClear(ask.job)
            case WithdrawAsk():
                return CancelJob(ask.job)
            case StrikeAsk():
                return StrikeCar(ask.bay, OPERATOR)
            case EndDangerAsk():
                return EndHold(OPERATOR)
            case ResumeAsk():
                return ResumeGarage(OPERATOR)
            case EnterAsk():
                pin_digest = digest(ask.plate, self.crowd.pin_of(ask.plate))
                return EnterCar(ask.bay, ask.plate, ask.vehicle, pin_digest, OPERATOR)
        assert_never(ask)
