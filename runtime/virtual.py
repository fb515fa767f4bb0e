"""The scan in virtual time: no sockets, no event loop, no waiting.

Decides when the next scan is: a scan later while anything happens, else at the first scan at or after
the earliest thing that can happen. A leap is as good as the scans it skips, because a quiet step says
when it must run again, the rig says when a register will change, and the crowd says when it will act;
the skipped scans would have fed the heartbeats, so these count as fed.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from controller.memory import Memory
from controller.plc_link import Expected
from controller.scan import Step
from controller.step import Controller
from domain.commands import Command, Reply
from domain.events import CarRegistered, Recorded
from domain.ids import ModuleId, Plate
from domain.machine import Machine
from domain.moment import Moment
from domain.outputs import Outputs
from domain.signals import Inputs, KeptHead
from domain.site import Site
from plc.links.in_process import InProcessModuleLink, InProcessSpotLink
from plc.register_map import MAP_VERSION, layout_hash
from plc.wallbox import load_profile
from runtime.anchor_keeper import AnchorKeeper
from runtime.desk import answers, command_of, notices
from runtime.garage import pin_digest
from runtime.journal import Journal, event_line
from scheduler.policy import Policy
from sim.asks import Ask, Notice
from sim.demand import Trip
from sim.people import Crowd
from sim.rig import Rig
from sim.scenario import Residents
from sim.trace import TraceWriter

SIMULATION_KEY = b"simulation"
"""PIN key of virtual runs, where nobody real has a PIN."""


def expected_identities(site: Site) -> dict[ModuleId, Expected]:
    """What each module's PLC must call itself."""
    return {layout.id: Expected(MAP_VERSION, layout_hash(layout, site.machine)) for layout in site.modules}


def digest(plate: str, pin: str) -> str:
    """PIN digest of virtual runs."""
    return pin_digest(SIMULATION_KEY, plate, pin)


def register_residents(memory: Memory, residents: Residents, key: bytes, utc_ms: int) -> list[Recorded]:
    """Enter the cars that already stand in their bays, as events after the memory's last; applies them."""
    recorded = []
    for bay, household in sorted(residents.households.items()):
        event = CarRegistered(household.plate, household.vehicle, bay, pin_digest(key, household.plate, household.pin))
        record = Recorded(memory.seq + 1, utc_ms, event)
        memory.apply(record)
        recorded.append(record)
    return recorded


class VirtualWires:
    """The in-process links of a rig, read and written in one go."""

    def __init__(self, site: Site, rig: Rig, profile: str = "amperfied") -> None:
        self._modules = {layout.id: InProcessModuleLink(layout, rig.device(layout.id)) for layout in site.modules}
        wallbox = load_profile(profile)
        self._spots = {
            spec.id: InProcessSpotLink(wallbox, rig.device(spec.id), failsafe_da=spec.failsafe_da)
            for spec in site.spots
        }

    def keep(self, module: ModuleId, head: KeptHead) -> None:
        """Let a module's PLC keep a head of the journal."""
        self._modules[module].keep(head)

    def inputs(self) -> Inputs:
        """The process image; unchanged devices give the same objects again."""
        modules = {name: link.refresh() for name, link in self._modules.items()}
        signals = {name: link.signal for name, link in self._modules.items() if link.signal is not None}
        spots = {name: link.refresh() for name, link in self._spots.items()}
        return Inputs(modules, signals, spots, {name: link.signal for name, link in self._spots.items()})

    def send(self, outputs: Outputs) -> None:
        """Write a scan's outputs."""
        for told in outputs.manual:
            self._modules[told.module].tell_manual(told)
        for write in outputs.mailboxes:
            self._modules[write.module].send(write)
        for setpoint in outputs.setpoints:
            self._spots[setpoint.spot].send(setpoint.current_da)


class EventStore(Protocol):
    """Where the events of a run are kept: a journal, or a place that keeps none."""

    def append(self, recorded: Sequence[Recorded]) -> None:
        """Keep these."""


@dataclass(slots=True)
class VirtualRun:
    """One simulated stretch of time, from plant time 0."""

    site: Site
    residents: Residents
    trips: Iterable[Trip]
    seed: int
    start_utc_ms: int
    journal: EventStore
    trace: TraceWriter | None = None
    policy: Policy | None = None
    leap: bool = True
    scan_ms: int = 100
    rig: Rig = field(init=False)
    controller: Controller = field(init=False)
    crowd: Crowd = field(init=False)
    now_ms: int = field(init=False, default=0)
    scans: int = field(init=False, default=0)
    step_ns: list[int] | None = None
    """If given, hears the processor time of every step, which other programs disturb less than the clock's."""
    remembered: Memory | None = None
    """What the garage knows from before, residents included; None: it has never run."""
    built: Machine | None = None
    """The machine that really stands there, if it is not what `site` says: slower, say."""
    _wires: VirtualWires = field(init=False)
    _anchors: AnchorKeeper | None = field(init=False)
    _hash: hashlib._Hash = field(init=False, default_factory=hashlib.sha256)
    _fed: bool = field(init=False, default=True)
    _asked: tuple[Command, ...] = field(init=False, default=())
    _replies: tuple[Reply, ...] = field(init=False, default=())
    _heard: list[Notice] = field(init=False, default_factory=list)
    observer: Callable[[tuple[Recorded, ...]], None] | None = None
    """Hears the events of every scan that had some, after they are stored."""

    def __post_init__(self) -> None:
        built = self.site if self.built is None else replace(self.site, machine=self.built)
        self.rig = Rig(built, self.residents.cars, self.trace, self.seed)
        memory = self.remembered or Memory()
        if self.remembered is None:
            self._store(register_residents(memory, self.residents, SIMULATION_KEY, self.start_utc_ms))
        self.controller = Controller(self.site, expected_identities(self.site), memory, self.policy)
        pins: Mapping[Plate, str] = self.residents.pins
        self.crowd = Crowd(self.rig, self.trips, self.seed, parked=pins)
        self._connect()

    def _connect(self) -> None:
        self._wires = VirtualWires(self.site, self.rig)
        # A place that keeps no events has no head either.
        self._anchors = AnchorKeeper(self.journal) if isinstance(self.journal, Journal) else None

    def restart(self, memory: Memory) -> None:
        """The program starts anew with this memory, and meets its PLCs as if for the first time."""
        self.controller = Controller(self.site, expected_identities(self.site), memory, self.policy)
        self._connect()

    @property
    def event_log_sha256(self) -> str:
        """Digest over the canonical lines of all events so far, each with a newline."""
        return self._hash.hexdigest()

    def run_to(self, until_ms: int) -> None:
        """Scan and leap up to `until_ms` (excluded)."""
        while self.now_ms < until_ms:
            self.now_ms = self._scan(until_ms)

    def ask(self, *commands: Command) -> tuple[Reply, ...]:
        """Scan now with these commands beside the crowd's; their replies."""
        self._asked = commands
        self.now_ms = self._scan(self.now_ms + self.scan_ms)
        self._asked = ()
        return self._replies

    def _scan(self, until_ms: int) -> int:
        """One scan; returns when the next one is."""
        now_ms = self.now_ms
        self.rig.run_to(now_ms, fed=self._fed)
        asks = self._crowd_acts(now_ms)
        commands = [*self._asked, *(command_of(ask, digest, self.controller.memory) for ask in asks)]
        inputs = self._wires.inputs()
        if self._anchors is not None:
            inputs = self._anchors.judged(inputs)
        moment = Moment(now_ms, self.start_utc_ms + now_ms)
        begun_ns = time.thread_time_ns() if self.step_ns is not None else 0
        step = self.controller.step(moment, inputs, commands)
        if self.step_ns is not None:
            self.step_ns.append(time.thread_time_ns() - begun_ns)
        self.scans += 1
        self._store(step.events)
        if step.events and self.observer is not None:
            self.observer(step.events)
        if self._anchors is not None:
            self._anchors.scanned(now_ms, step.events, inputs.module_links, self._wires.keep)
        self._wires.send(step.outputs)
        self._fed = step.outputs.feed_heartbeat
        self._replies = step.replies[: len(self._asked)]
        heard_replies = step.replies[len(self._asked) :]
        self._heard = [*answers(asks, heard_replies), *notices(step.events, self.controller.memory)]
        return self._next_scan_ms(step, asks, until_ms)

    def _crowd_acts(self, now_ms: int) -> list[Ask]:
        heard, self._heard = self._heard, []
        if not heard and self.crowd.next_ms() > now_ms:
            return []
        return self.crowd.act(now_ms, heard)

    def _next_scan_ms(self, step: Step, asks: list[Ask], until_ms: int) -> int:
        soonest = self.now_ms + self.scan_ms
        if not self.leap or asks or self._heard or not step.is_quiet:
            return soonest
        due_ms = min(step.wake_ms, self.rig.next_change_ms(), self.crowd.next_ms(), until_ms)
        return max(soonest, -(-due_ms // self.scan_ms) * self.scan_ms)

    def _store(self, events: Iterable[Recorded]) -> None:
        recorded = tuple(events)
        if not recorded:
            return
        self.journal.append(recorded)
        for record in recorded:
            self._hash.update(event_line(record).encode() + b"\n")
