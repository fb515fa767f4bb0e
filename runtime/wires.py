"""All links of the site over Modbus: opened together, polled each at its own pace, read in one image.

Decides when a link's task polls; what an image means is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from domain.ids import ModuleId, SpotId
from domain.outputs import MailboxWrite, Outputs
from domain.signals import Inputs, KeptHead
from domain.site import Site
from plc.links.modbus import PymodbusPort, TcpEndpoint
from plc.links.module_link import ModuleLink
from plc.links.spot_link import SpotLink
from plc.links.wire import RegisterPort
from plc.wallbox import load_profile
from runtime.config import Endpoint, Links

log = logging.getLogger("garage.wires")

WORD_MAX = 65_535
FIRST_CONNECT_S = 1.0


class Wires:
    """Every module's and wallbox's link, each in a task of its own. Use `async with`."""

    def __init__(self, site: Site, links: Links, now_ms: Callable[[], int], speed: float) -> None:
        self._site = site
        self._now_ms = now_ms
        self._ports: list[PymodbusPort] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._posted: dict[str, asyncio.Event] = {}
        self._spot_period_s = min(1.0, max(0.05, 1.0 / speed))
        self._heartbeat = 0
        self._closing = False
        self.modules: dict[ModuleId, ModuleLink] = {
            layout.id: ModuleLink(layout, self._port(links.modules[layout.id])) for layout in site.modules
        }
        watchdog_ms = min(WORD_MAX, site.patience.charger_watchdog_ms)
        self.spots: dict[SpotId, SpotLink] = {
            spec.id: SpotLink(
                load_profile(links.spots[spec.id].profile),
                self._port(links.spots[spec.id]),
                failsafe_da=spec.failsafe_da,
                watchdog_ms=watchdog_ms,
            )
            for spec in site.spots
        }

    def _port(self, endpoint: Endpoint) -> PymodbusPort:
        tcp = TcpEndpoint(endpoint.host, endpoint.port, endpoint.device_id, endpoint.timeout_ms)
        self._ports.append(PymodbusPort(tcp))
        return self._ports[-1]

    async def __aenter__(self) -> Wires:
        for port in self._ports:
            await port.open()
        for name, link in self.modules.items():
            self._posted[name] = asyncio.Event()
            self._tasks.append(asyncio.create_task(self._poll_module(name, link), name=f"poll {name}"))
        for spot_id, spot in self.spots.items():
            self._posted[spot_id] = asyncio.Event()
            self._tasks.append(asyncio.create_task(self._poll_spot(spot_id, spot), name=f"poll {spot_id}"))
        return self

    async def __aexit__(self, *_: object) -> None:
        # A cancellation can get lost in `asyncio.wait_for` of Python 3.11; the flag cannot.
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for port in self._ports:
            await port.close()

    async def _poll_module(self, name: ModuleId, link: ModuleLink) -> None:
        """Once per scan: the scan's outputs out, the image in."""
        posted = self._posted[name]
        await self._first_connection(link.port)
        while not self._closing:
            await posted.wait()
            posted.clear()
            await self._exchange(name, link)

    async def _poll_spot(self, name: SpotId, link: SpotLink) -> None:
        """Once a second, and at once when the set point changes."""
        posted = self._posted[name]
        await self._first_connection(link.port)
        while not self._closing:
            await self._exchange(name, link)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._spot_period_s):
                    await posted.wait()
            posted.clear()

    async def _exchange(self, name: str, link: ModuleLink | SpotLink) -> None:
        """One poll. A bug in it must not end the polling: the image gets old, and that is acted upon."""
        try:
            await link.exchange(self._now_ms())
        except Exception:
            log.exception("polling %s failed", name)

    @staticmethod
    async def _first_connection(port: RegisterPort) -> None:
        """Give a present device the time to be connected: no error is counted that is none."""
        if isinstance(port, PymodbusPort):
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_CONNECT_S):
                    await port.wait_connected()

    def keep(self, module: ModuleId, head: KeptHead) -> None:
        """Let a module's PLC keep a head of the journal."""
        self.modules[module].keep(head)

    def inputs(self, now_ms: int, journal_ok: bool) -> Inputs:
        """The process image as it stands."""
        return Inputs(
            modules={name: link.image for name, link in self.modules.items() if link.image is not None},
            module_links={name: link.signal(now_ms) for name, link in self.modules.items()},
            spots={name: link.image for name, link in self.spots.items() if link.image is not None},
            spot_links={name: link.signal(now_ms) for name, link in self.spots.items()},
            journal_ok=journal_ok,
        )

    def send(self, outputs: Outputs) -> None:
        """Give a scan's outputs to the links; a module is polled once per call."""
        if outputs.feed_heartbeat:
            self._heartbeat += 1
        writes: dict[ModuleId, list[MailboxWrite]] = {}
        for write in outputs.mailboxes:
            writes.setdefault(write.module, []).append(write)
        manual = {told.module: told for told in outputs.manual}
        for name, link in self.modules.items():
            heartbeat = self._heartbeat if outputs.feed_heartbeat else None
            link.post(heartbeat, writes.get(name, ()), manual.get(name))
            self._posted[name].set()
        for setpoint in outputs.setpoints:
            self.spots[setpoint.spot].post(setpoint.current_da)
            self._posted[setpoint.spot].set()

    def statistics(self) -> dict[str, int]:
        """Counters of all wires together."""
        return {
            "frames": sum(port.statistics.frames for port in self._ports),
            "errors": sum(port.statistics.errors for port in self._ports),
            "reconnects": sum(port.statistics.reconnects for port in self._ports),
        }
