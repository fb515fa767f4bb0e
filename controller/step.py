"""The controller: one pure, synchronous step over the process image.

Runs the parts in a fixed order - commands, modules, charging, alarms - and passes values down; machines never
call each other. A broken invariant stops the machine: no more moves are asked and the heartbeat is
withheld, so that the PLCs halt by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from controller import danger
from controller.alarm_commands import handle_alarm
from controller.alarms import Alarms
from controller.charging import ChargingControl
from controller.estimates import Estimates, bay_costs, next_minute_utc_ms, usual_departure_utc_ms
from controller.machines import GARAGE
from controller.memory import Memory
from controller.module import ModuleControl
from controller.night import Night
from controller.plc_link import Expected
from controller.records import Job
from controller.requests import Requests
from controller.scan import Scan, Step
from domain.commands import AlarmCommand, Command, Refused, Reply
from domain.events import GarageAdvanced, ModuleAdvanced
from domain.ids import ModuleId, Plate
from domain.moment import NEVER_MS, Moment
from domain.outputs import Outputs
from domain.reasons import ReasonCode
from domain.refusals import RefusalCode
from domain.signals import Inputs
from domain.site import Site
from domain.vehicle import Vehicle
from scheduler.bay_costs import BayCost
from scheduler.calibration import Estimate
from scheduler.policy import Policy


class Controller:
    """All machines of the site over one memory."""

    def __init__(
        self,
        site: Site,
        expected: Mapping[ModuleId, Expected],
        memory: Memory | None = None,
        policy: Policy | None = None,
    ) -> None:
        self.site = site
        self.memory = memory if memory is not None else Memory()
        self._policy = policy or Policy()
        self._charging = ChargingControl(site)
        self.modules = {
            layout.id: ModuleControl(site, layout, self._policy, expected[layout.id]) for layout in site.modules
        }
        self._estimates = Estimates(site, self._policy.planner)
        self._requests = Requests(site, self._policy, self.modules, self._charging, self._estimates)
        self._now_utc_ms = 0
        self._alarms = Alarms(site)
        self._night = Night(site, self.modules)
        self._started = False
        self._mode = ""

    def step(self, moment: Moment, inputs: Inputs, commands: Sequence[Command] = ()) -> Step:
        """Decide once. `moment.mono_ms` must not go back from step to step."""
        scan = Scan(moment, inputs, self.memory)
        self._now_utc_ms = moment.utc_ms
        replies: list[Reply] = []
        if self.memory.garage == "halted" and self._started:
            return self._halted_step(scan, commands)
        try:
            if not self._started:
                self._start(scan)
            replies.extend(self._requests.answer(scan, command) for command in commands)
            self._react(scan, is_asked=bool(commands))
        except Exception as bug:  # a bug stops the machine, whatever it is; the reason is kept for people
            return self._halt(scan, bug, commands, replies)
        outputs = Outputs(tuple(scan.mailboxes), tuple(scan.manual), tuple(scan.setpoints))
        return Step(outputs, tuple(scan.events), tuple(replies), scan.wake_ms)

    def estimate(self, job: Job) -> Estimate | None:
        """Time until the gate opens for an open job, as of the last step; None once it is open."""
        return self._estimates.of(self.memory, self.modules[job.module].columns, job, self._now_utc_ms)

    def bay_costs(self, vehicle: Vehicle, plate: Plate, minute_of_day: int | None = None) -> list[BayCost]:
        """What each free bay would cost this driver when the car leaves at this local minute, or as usual.

        Cheapest first; bays that the car does not fit, and modules that are not ready, are left out.
        """
        now = self._now_utc_ms
        if minute_of_day is None:
            leaving_utc_ms = usual_departure_utc_ms(self.memory, plate, now)
        else:
            leaving_utc_ms = next_minute_utc_ms(self.site, minute_of_day, now)
        columns = {name: module.columns for name, module in self.modules.items()}
        return bay_costs(self.site, self.memory, columns, vehicle, leaving_utc_ms)

    def _start(self, scan: Scan) -> None:
        """After a start nothing is known: every module is offline until its PLC has been heard."""
        self._started = True
        for layout in self.site.modules:
            if scan.memory.module(layout.id).state != "offline":
                self.modules[layout.id].manual.forget(
                    scan, scan.memory.module(layout.id), ReasonCode.CONTROLLER_STARTED
                )
                scan.emit(ModuleAdvanced(layout.id, "offline", (ReasonCode.CONTROLLER_STARTED.code,)))
        self._start_garage(scan)

    @staticmethod
    def _start_garage(scan: Scan) -> None:
        """A pause and a danger outlive a restart, and a halt before it: no sensor tells of a flood."""
        memory, kept = scan.memory, ("paused", *danger.RESTS)
        if memory.garage == "halted":
            mode = GARAGE.next("halted", "restart", **{f"was_{one}": memory.halted_in == one for one in kept})
        elif memory.garage in kept:
            return
        else:
            mode = GARAGE.next(GARAGE.initial, "start")
        reason = memory.halted_reason if mode in kept else ReasonCode.CONTROLLER_STARTED.code
        scan.emit(GarageAdvanced(mode, reason))

    def _react(self, scan: Scan, is_asked: bool) -> None:
        power_w = {name: module.motions.power_w() for name, module in self.modules.items()}
        danger.watch(scan, self._requests.heard(scan))
        if scan.memory.garage != self._mode:
            self._mode = scan.memory.garage
            for module in self.modules.values():
                module.touched = True
        self._requests.bookings.react(scan)
        for name, module in self.modules.items():
            others_w = sum(power_w.values())
            module.react(scan, self.site.power_limit_w - others_w)
            power_w[name] = module.motions.power_w()
        # What a module draws that we did not ask for (a move that outlived its link) counts as well.
        drawn_w = {name: module.image.motors_w for name, module in self.modules.items() if module.image is not None}
        self._charging.react(scan, sum(max(power_w[name], drawn_w.get(name, 0)) for name in power_w))
        self._alarms.react(scan)
        self._night.react(scan, is_asked)

    def _halt(self, scan: Scan, bug: Exception, commands: Sequence[Command], replies: list[Reply]) -> Step:
        scan.emit(GarageAdvanced("halted", f"{type(bug).__name__}: {bug}"))
        self._alarms.halt(scan)
        missing = len(commands) - len(replies)
        refused = Refused.because(RefusalCode.GARAGE_HALTED, self.memory.garage_reason)
        outputs = Outputs(feed_heartbeat=False)
        return Step(outputs, tuple(scan.events), (*replies, *(refused for _ in range(missing))), NEVER_MS)

    def _halted_step(self, scan: Scan, commands: Sequence[Command]) -> Step:
        """Nothing is asked of the machine any more; alarms can still be seen to."""
        replies = tuple(self._while_halted(scan, command) for command in commands)
        return Step(Outputs(feed_heartbeat=False), tuple(scan.events), replies, NEVER_MS)

    def _while_halted(self, scan: Scan, command: Command) -> Reply:
        refused = Refused.because(RefusalCode.GARAGE_HALTED, self.memory.garage_reason)
        if not isinstance(command, AlarmCommand):
            return refused
        try:
            return handle_alarm(scan, self.site, command)
        except Exception:  # the mistake that has halted us may be this one; it must not end the program
            return refused
