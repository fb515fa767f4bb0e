"""The power-saving night: when lights and displays are dimmed, and what wakes them at once.

Decides it for the whole site, in the quiet hours and only while nobody can be there: no job, no booking about to be
served, nobody in a zone or working, no alarm that nobody has seen. It moves nothing and forbids nothing; each PLC
lights fully by itself when anything happens at its module (register `lights`).
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.bookings import planned
from controller.machines import NIGHT
from controller.module import ModuleControl
from controller.scan import Scan
from domain.booking import DAY_MINUTES, MINUTE_MS, local_minute
from domain.events import NightAdvanced
from domain.ids import ModuleId
from domain.moment import NEVER_MS
from domain.outputs import Lights
from domain.reasons import Reason, ReasonCode, because
from domain.signals import ZONE_CLEAR, GateState, PlcMode
from domain.site import Site


class Night:
    """The night of one site."""

    def __init__(self, site: Site, modules: Mapping[ModuleId, ModuleControl]) -> None:
        self._site = site
        self._modules = modules
        self._calm_ms = NEVER_MS
        """Since when nothing has kept the site awake (monotonic)."""
        self._told: dict[ModuleId, tuple[int, Lights]] = {}

    def react(self, scan: Scan, is_asked: bool) -> None:
        """Rest or wake; called last in a step, when everything else is known. `is_asked`: somebody has just asked."""
        against = self._against(scan, is_asked)
        now_ms, state = scan.moment.mono_ms, scan.memory.night
        if against is not None:
            self._calm_ms = NEVER_MS
            if state == "resting":
                scan.emit(NightAdvanced(NIGHT.next(state, "wake"), (against,)))
        else:
            self._calm_ms = min(self._calm_ms, now_ms)
            rest_ms = self._calm_ms + self._site.patience.night_after_ms
            if state == "awake" and now_ms >= rest_ms:
                scan.emit(NightAdvanced(NIGHT.next(state, "rest")))
            elif state == "awake":
                scan.wake_at(rest_ms)
        self._light(scan)

    def _against(self, scan: Scan, is_asked: bool) -> Reason | None:
        """What keeps the site awake; None when nothing does. Asks to be woken when that may change by time alone."""
        site, now_utc_ms = self._site, scan.moment.utc_ms
        minute = local_minute(now_utc_ms, site.utc_offset_minutes)
        self._wake_at_utc(scan, now_utc_ms - now_utc_ms % MINUTE_MS + self._minutes_to_change(minute) * MINUTE_MS)
        if not site.quiet_hours.at(minute):
            return because(ReasonCode.DAY)
        if is_asked:
            return because(ReasonCode.SOMEBODY_ASKS)
        if scan.memory.garage not in ("automatic", "paused"):
            return because(ReasonCode.GARAGE_IS, mode=scan.memory.garage)
        if scan.memory.open_jobs:
            return because(ReasonCode.JOB_IS_OPEN, job=next(iter(scan.memory.open_jobs.values()))[0])
        if any(record.state.endswith("unacknowledged") for record in scan.memory.alarms.records.values()):
            return because(ReasonCode.ALARM_UNSEEN)
        return self._somebody_there(scan) or self._booking_near(scan)

    def _somebody_there(self, scan: Scan) -> Reason | None:
        for name, control in self._modules.items():
            if scan.memory.module(name).state in ("manual", "maintenance"):
                return because(ReasonCode.WORKED_ON, module=name)
            image = control.image
            if image is None:
                continue
            watched = image.mode is PlcMode.AUTOMATIC and image.safety & ZONE_CLEAR == ZONE_CLEAR
            if not watched or image.gate is not GateState.CLOSED:
                return because(ReasonCode.SOMEBODY_THERE, module=name)
        return None

    def _booking_near(self, scan: Scan) -> Reason | None:
        ahead_ms = self._site.patience.booking_ahead_ms
        for booking in planned(scan.memory):
            begin_utc_ms = booking.due_utc_ms - ahead_ms
            if begin_utc_ms <= scan.moment.utc_ms:
                return because(ReasonCode.BOOKING_NEAR, booking=booking.id)
            self._wake_at_utc(scan, begin_utc_ms)
        return None

    def _minutes_to_change(self, minute: int) -> int:
        """Minutes until the quiet hours begin or end; a day at most."""
        quiet = self._site.quiet_hours
        return min((edge - minute - 1) % DAY_MINUTES + 1 for edge in (quiet.from_minute, quiet.to_minute))

    def _wake_at_utc(self, scan: Scan, utc_ms: int) -> None:
        scan.wake_at(scan.moment.mono_ms + utc_ms - scan.moment.utc_ms)

    def _light(self, scan: Scan) -> None:
        """Tell each PLC that answers how to light its module: once, and anew after it has started."""
        lights = Lights.DIMMED if scan.memory.night == "resting" else Lights.FULL
        for name, control in self._modules.items():
            memory = scan.memory.module(name)
            if memory.state == "offline" or control.image is None:
                self._told.pop(name, None)
                continue
            told = (control.image.boot_count, lights)
            if self._told.get(name) != told:
                self._told[name] = told
                control.manual.lights = lights
                control.manual.tell(scan, memory)
