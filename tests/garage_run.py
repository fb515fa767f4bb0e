"""A garage in virtual time for stories: ask, wait, look, break something, restart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from controller.memory import Memory
from controller.records import Job, ModuleMemory
from domain.commands import (
    Accepted,
    Command,
    ConfirmClear,
    Refused,
    Reply,
    RequestRetrieval,
    RequestStorage,
)
from domain.events import Event, Recorded
from domain.ids import BayId, JobId, ModuleId, Plate
from domain.machine import Machine
from domain.refusals import RefusalCode
from domain.site import Site
from domain.vehicle import VEHICLE_CLASSES, Vehicle
from runtime.application import load_memory
from runtime.database import open_database
from runtime.journal import Journal
from runtime.virtual import VirtualRun, digest
from scheduler.policy import Policy
from sim.demand import Trip
from sim.households import Household
from sim.module_plant import ModulePlant
from sim.scenario import Residents
from sim.trace import TraceWriter

START_UTC_MS = 1_772_380_800_000
"""Local midnight of Monday, 2 March 2026, in Beijing."""

SEDAN = VEHICLE_CLASSES["Z"]
TALL = VEHICLE_CLASSES["K"]
PIN = "123456"


Heard = TypeVar("Heard")


class GarageRun:
    """One virtual run with the words that tests tell their stories in."""

    def __init__(
        self,
        site: Site,
        cars: Mapping[str, str] | None = None,
        trips: Iterable[Trip] = (),
        *,
        vehicle: Vehicle = SEDAN,
        seed: int = 1,
        leap: bool = True,
        trace: TraceWriter | None = None,
        policy: Policy | None = None,
        residents: Residents | None = None,
        built: Machine | None = None,
    ) -> None:
        """`cars`: plate by bay, all with the PIN `PIN`; or `residents` as they are. `built`: the real machine."""
        homes = {
            BayId(bay): Household(f"H-{plate}", Plate(plate), vehicle, PIN, 0.5) for bay, plate in (cars or {}).items()
        }
        self.journal = Journal(open_database("sqlite://"))
        self.events: list[Recorded] = []
        self.run = VirtualRun(
            site,
            residents or Residents(homes),
            trips,
            seed,
            START_UTC_MS,
            self.journal,
            leap=leap,
            trace=trace,
            policy=policy,
            built=built,
        )
        self.run.observer = self.events.extend

    @property
    def memory(self) -> Memory:
        return self.run.controller.memory

    @property
    def now_ms(self) -> int:
        return self.run.now_ms

    def module(self, name: str = "A") -> ModuleMemory:
        return self.memory.module(ModuleId(name))

    def plant(self, name: str = "A") -> ModulePlant:
        return self.run.rig.plant.modules[ModuleId(name)]

    def job(self, name: str) -> Job:
        return self.memory.jobs[JobId(name)]

    def kinds(self) -> list[type[Event]]:
        return [type(record.event) for record in self.events]

    def heard(self, kind: type[Heard]) -> list[Heard]:
        return [record.event for record in self.events if isinstance(record.event, kind)]

    # -- asking --------------------------------------------------------------------------------------

    def ask(self, command: Command) -> Reply:
        return self.run.ask(command)[0]

    def accept(self, command: Command) -> str:
        reply = self.ask(command)
        assert isinstance(reply, Accepted), reply
        return reply.id

    def refuse(self, command: Command) -> RefusalCode:
        """The first reason of a refusal; nothing may have been queued or asked of the machine."""
        jobs, motions = dict(self.memory.jobs), sum(len(m.motions) for m in self.memory.modules.values())
        reply = self.ask(command)
        assert isinstance(reply, Refused), reply
        assert dict(self.memory.jobs) == jobs
        assert sum(len(m.motions) for m in self.memory.modules.values()) <= motions
        return reply.reasons[0].code

    def store(self, plate: str, vehicle: Vehicle = SEDAN, pin: str = PIN) -> str:
        return self.accept(RequestStorage(Plate(plate), vehicle, digest(plate, pin)))

    def fetch(self, plate: str, pin: str = PIN) -> str:
        return self.accept(RequestRetrieval(Plate(plate), digest(plate, pin)))

    def refuse_fetch(self, plate: str) -> RefusalCode:
        return self.refuse(RequestRetrieval(Plate(plate), digest(plate, PIN)))

    # -- waiting -------------------------------------------------------------------------------------

    def wait(self, ms: int) -> None:
        self.run.run_to(self.now_ms + ms)
        # The last scan may lie before a leap; whoever looks at the plant now wants it as it is now.
        self.run.rig.run_to(self.now_ms, fed=True)

    def wait_until(self, there: Callable[[], bool], ms_max: int = 1_200_000) -> None:
        deadline_ms = self.now_ms + ms_max
        while not there():
            assert self.now_ms < deadline_ms, "it did not happen in time"
            self.run.run_to(self.now_ms + 100)

    def ready(self) -> None:
        """Run until every module has reconciled."""
        self.wait_until(lambda: all(self.module(lay.id).state == "ready" for lay in self.run.site.modules))

    def see_through(self, job: str) -> Job:
        """Accompany a job to its end: the crowd drives, this presses clear when the sensors allow it."""
        self.wait_until(lambda: self._clear_and_look(job))
        return self.job(job)

    def see_until(self, job: str, state: str) -> None:
        """Accompany a job into this state."""
        self.wait_until(lambda: self._clear_and_look(job) or self.job(job).state == state)

    def _clear_and_look(self, job: str) -> bool:
        if self.job(job).session_state == "open":
            self.ask(ConfirmClear(JobId(job)))
        return not self.job(job).is_open

    def rest(self) -> None:
        """Run until nothing moves and no job is open."""
        self.wait_until(lambda: not any(self.memory.open_jobs.values()))

    # -- breaking --------------------------------------------------------------------------------------

    def crash(self, down_ms: int = 5000) -> None:
        """The controller dies with everything in its head; after a while it is started again."""
        self.run.rig.run_to(self.now_ms + down_ms, fed=False)
        self.run.now_ms = -(-(self.now_ms + down_ms) // 100) * 100
        self.run.restart(load_memory(self.journal))
        self.wait(100)

    @property
    def violations(self) -> list[str]:
        return [f"{v.t_ms} {v.rule}: {v.story}" for v in self.run.rig.oracle.violations]
