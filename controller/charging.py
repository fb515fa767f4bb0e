"""The charging spots: who is charging, what the meter said, and how much current each may draw.

Decides the OCPP status of every spot and the set currents under the site's limit, motors first. The
split of the budget itself is the scheduler's; prices are the ledger's.
"""

from __future__ import annotations

from controller.machines import LINK, SPOT
from controller.records import Charging, SpotMemory
from controller.scan import Scan
from domain.events import ChargingEnded, EnergyMetered, LinkAdvanced, SpotAdvanced
from domain.ids import SpotId
from domain.moment import NEVER_MS
from domain.outputs import SpotSetpoint
from domain.signals import SpotImage
from domain.site import Site, SpotSpec
from scheduler.power import share_equally

HOUR_MS = 3_600_000


class ChargingControl:
    """The controller's side of all charging spots."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._patience = site.patience
        self._images: dict[SpotId, SpotImage | None] = {}
        self._since_ms: dict[SpotId, int] = {}
        self._sent: dict[SpotId, tuple[int, int]] = {}
        self._budget_w: int | None = None
        self._more_since_ms: int | None = None
        self._motors_w = -1
        self._wake_ms = 0
        self.touched = True

    def react(self, scan: Scan, motors_w: int) -> None:
        """Look at every wallbox; `motors_w` is what the motors draw or are about to draw."""
        fresh = {spec.id: self._image(scan, spec) for spec in self._site.spots}
        now = scan.moment.mono_ms
        same = all(fresh[name] is self._images.get(name) for name in fresh) and motors_w == self._motors_w
        if same and not self.touched and now < self._wake_ms:
            scan.wake_at(self._wake_ms)
            return
        self.touched = False
        outer_wake_ms, scan.wake_ms = scan.wake_ms, NEVER_MS
        for spec in self._site.spots:
            image = fresh[spec.id]
            self._follow(scan, spec.id, image)
            if image is not None:
                self._meter_at_hour(scan, spec.id, image)
        self._images = dict(fresh)
        self._motors_w = motors_w
        self._allocate(scan, fresh, motors_w)
        self._wake_ms = scan.wake_ms
        scan.wake_ms = min(outer_wake_ms, self._wake_ms)

    def _image(self, scan: Scan, spec: SpotSpec) -> SpotImage | None:
        link = scan.inputs.spot_links.get(spec.id)
        if link is None or link.age_ms > self._patience.charger_stale_ms:
            return None
        return scan.inputs.spots.get(spec.id)

    # -- status ----------------------------------------------------------------------------------

    def _follow(self, scan: Scan, name: SpotId, image: SpotImage | None) -> None:
        memory = scan.memory.spot(name)
        self._follow_link(scan, name, image is not None)
        if image is None:
            if memory.state != "Unavailable":
                self._go(scan, name, "go_offline")
            return
        if image.state in "EF":
            if memory.state not in ("Faulted", "Unavailable"):
                self._go(scan, name, "fail")
            return
        if memory.state in ("Unavailable", "Faulted"):
            back = "come_online" if memory.state == "Unavailable" else "recover"
            self._go(scan, name, "rejoin" if memory.charging else back)
        if memory.charging is None:
            self._follow_idle(scan, name, memory, image)
        else:
            self._follow_session(scan, name, memory, image)

    def _follow_link(self, scan: Scan, name: SpotId, answers: bool) -> None:
        before = scan.memory.links.get(name)
        if before is None or answers != (before == "up"):
            state = before or LINK.initial
            if answers:
                state = LINK.next(state, "answer", is_compatible=True, is_incompatible=False)
            elif state != "down":
                state = LINK.next(state, "fall_silent")
            scan.emit(LinkAdvanced(name, state))

    def _follow_idle(self, scan: Scan, name: SpotId, memory: SpotMemory, image: SpotImage) -> None:
        if image.state == "A" and memory.state == "Finishing":
            self._go(scan, name, "unplug")
        elif image.state in "BC" and memory.state == "Available":
            self._go(scan, name, "plug")

    def _follow_session(self, scan: Scan, name: SpotId, memory: SpotMemory, image: SpotImage) -> None:
        since_ms = self._since_ms.setdefault(name, scan.moment.mono_ms)
        waited_ms = scan.moment.mono_ms - since_ms
        if image.state == "C":
            if memory.state != "Charging":
                self._go(scan, name, "draw")
        elif image.state == "A":
            if memory.state != "Preparing" or self._has_been_plugged(scan, memory):
                self.end(scan, name, "unplugged")
                self._go(scan, name, "unplug")
            elif waited_ms >= self._patience.gate_open_ms:
                self.end(scan, name, "not plugged in")
                self._go(scan, name, "unplug")
            else:
                scan.wake_at(since_ms + self._patience.gate_open_ms)
        elif memory.state == "Preparing" and waited_ms < self._patience.charger_respond_ms:
            scan.wake_at(since_ms + self._patience.charger_respond_ms)
        elif image.set_current_da == 0:
            if memory.state != "SuspendedEVSE":
                self._go(scan, name, "pause_by_supply")
        elif memory.state != "SuspendedEV":
            self._go(scan, name, "pause_by_car")
            scan.wake_at(scan.moment.mono_ms + self._patience.car_idle_ms)
        elif waited_ms >= self._patience.car_idle_ms:
            self.end(scan, name, "full")
        else:
            scan.wake_at(since_ms + self._patience.car_idle_ms)

    def _has_been_plugged(self, scan: Scan, memory: SpotMemory) -> bool:
        return memory.charging is not None and scan.memory.chargings[memory.charging].plugged

    def _go(self, scan: Scan, name: SpotId, trigger: str) -> None:
        self._since_ms[name] = scan.moment.mono_ms
        scan.emit(SpotAdvanced(name, SPOT.next(scan.memory.spot(name).state, trigger)))

    def grant(self, scan: Scan, name: SpotId) -> None:
        """A session was accepted for this spot: wait for the cable."""
        self._go(scan, name, "grant")
        self.touched = True

    def reading_wh(self, name: SpotId) -> int | None:
        """The wallbox's total meter as last seen; None while it is silent."""
        image = self._images.get(name)
        return None if image is None else image.energy_total_wh

    # -- meter -----------------------------------------------------------------------------------

    def end(self, scan: Scan, name: SpotId, reason: str) -> None:
        """Read the meter a last time and close the session; the car may still be plugged in."""
        memory = scan.memory.spot(name)
        if memory.charging is None:
            return
        charging = scan.memory.chargings[memory.charging]
        image = scan.inputs.spots.get(name)
        if image is not None:
            self._meter(scan, charging, image)
        slices = tuple(charging.slices)
        scan.emit(ChargingEnded(charging.id, name, charging.plate, slices, reason))
        self._go(scan, name, "end")
        self.touched = True

    def _meter_at_hour(self, scan: Scan, name: SpotId, image: SpotImage) -> None:
        charging_id = scan.memory.spot(name).charging
        if charging_id is None:
            return
        charging = scan.memory.chargings[charging_id]
        utc_ms = scan.moment.utc_ms
        if charging.metered_utc_ms // HOUR_MS < utc_ms // HOUR_MS:
            self._meter(scan, charging, image)
        scan.wake_at(scan.moment.mono_ms + HOUR_MS - utc_ms % HOUR_MS)

    def _meter(self, scan: Scan, charging: Charging, image: SpotImage) -> None:
        utc_ms = max(scan.moment.utc_ms, charging.metered_utc_ms)
        drawn_wh = max(0, image.energy_total_wh - charging.metered_total_wh)
        scan.emit(EnergyMetered(charging.id, charging.spot, charging.metered_utc_ms, utc_ms, drawn_wh))

    # -- currents --------------------------------------------------------------------------------

    def _allocate(self, scan: Scan, fresh: dict[SpotId, SpotImage | None], motors_w: int) -> None:
        silent = [spec for spec in self._site.spots if fresh[spec.id] is None]
        reserve_w = sum(spec.power_w(self._reserve_da(scan, spec)) for spec in silent)
        budget_w = self._steady(scan, self._site.power_limit_w - motors_w - reserve_w)
        wanting = [self._site.spot[name] for name in self._wanting(scan, fresh)]
        shares = share_equally(wanting, budget_w)
        for spec in self._site.spots:
            image = fresh[spec.id]
            if image is not None:
                self._command(scan, spec.id, image, shares.get(spec.id, 0))

    def _reserve_da(self, scan: Scan, spec: SpotSpec) -> int:
        """What a silent wallbox may still give: its last set point until its watchdog has surely struck."""
        link = scan.inputs.spot_links.get(spec.id)
        if link is None or spec.id not in self._sent:
            return spec.failsafe_da
        left_ms = self._patience.charger_watchdog_ms + self._patience.charger_stale_ms - link.age_ms
        if left_ms <= 0:
            return spec.failsafe_da
        scan.wake_at(scan.moment.mono_ms + left_ms)
        return max(spec.failsafe_da, self._sent[spec.id][0])

    def _wanting(self, scan: Scan, fresh: dict[SpotId, SpotImage | None]) -> list[SpotId]:
        names = []
        for spec in self._site.spots:
            image, charging = fresh[spec.id], scan.memory.spot(spec.id).charging
            if image is not None and charging is not None and image.state in "BC":
                names.append((charging, spec.id))
        return [name for _, name in sorted(names)]

    def _steady(self, scan: Scan, budget_w: int) -> int:
        """Less power at once, more only after it has lasted: chargers need not follow every slide."""
        now = scan.moment.mono_ms
        if self._budget_w is None or budget_w <= self._budget_w:
            self._budget_w = budget_w
            self._more_since_ms = None
            return budget_w
        if self._more_since_ms is None:
            self._more_since_ms = now
        raise_ms = self._more_since_ms + self._patience.charger_raise_ms
        if now >= raise_ms:
            self._budget_w = budget_w
            self._more_since_ms = None
        else:
            scan.wake_at(raise_ms)
        return self._budget_w

    def _command(self, scan: Scan, name: SpotId, image: SpotImage, current_da: int) -> None:
        """Send a changed set point at once, and again if the wallbox does not show it."""
        now = scan.moment.mono_ms
        sent_da, sent_ms = self._sent.get(name, (-1, 0))
        repeat_ms = sent_ms + self._patience.charger_respond_ms
        if image.set_current_da == current_da and sent_da in (-1, current_da):
            return
        if sent_da != current_da or now >= repeat_ms:
            self._sent[name] = (current_da, now)
            scan.setpoints.append(SpotSetpoint(name, current_da))
            repeat_ms = now + self._patience.charger_respond_ms
        scan.wake_at(repeat_ms)
