"""The one place where real clocks are read, and where plant time may run faster than they do."""

from __future__ import annotations

import time
from dataclasses import replace

from domain.moment import Moment
from domain.site import Patience, Site


class ScaledClock:
    """Wall time times a factor. At speed 1 UTC is the computer's; faster, it starts there and runs ahead."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._origin_ns = time.monotonic_ns()
        self._utc_ms = time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        """Scaled milliseconds since the clock was made."""
        return int((time.monotonic_ns() - self._origin_ns) * self.speed) // 1_000_000

    def moment(self) -> Moment:
        """Now, on both clocks."""
        mono_ms = self.mono_ms()
        utc_ms = time.time_ns() // 1_000_000 if self.speed == 1.0 else self._utc_ms + mono_ms
        return Moment(mono_ms, utc_ms)


def at_speed(site: Site, speed: float) -> Site:
    """The site with those patiences stretched that wait for wires and scans, which stay at wall speed."""
    patience = site.patience
    wire = {
        name: round(getattr(patience, name) * speed)
        for name in (
            "link_stale_ms",
            "command_echo_ms",
            "charger_stale_ms",
            "charger_watchdog_ms",
            "charger_respond_ms",
            "reconcile_ms",
            "interlock_ms",
            "move_slack_ms",
            "manual_hold_ms",
        )
    }
    stretched: Patience = replace(patience, **wire)
    return replace(site, patience=stretched)
