"""The in-process links in bad weather: messages get lost, late, doubled or overtaken, each by its seed.

Decides the fate of every message of one scan: commands and heartbeat as one request, the registers as the
answer. As on a real wire, a request that meets a dead one is dropped, and an answer counts from the time
at which the exchange began. In fair weather everything arrives at once, as in `runtime.virtual`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from domain.grid import ModuleLayout
from domain.moment import NEVER_MS
from domain.outputs import MailboxWrite, Outputs
from domain.signals import Identity, Inputs, LinkSignal, ModuleImage
from domain.site import Site
from plc.links.in_process import InProcessModuleLink, InProcessSpotLink
from plc.wallbox import load_profile
from sim.rig import Rig
from sim.streams import Stream, fork
from sim.swarm import Swarm, Weather

TWICE_LATER_MS = (50, 3000)
OVERTAKEN_MS = (110, 450)

Later = Callable[[int, Callable[[Any], None]], None]
"""Does something at a plant time."""


class WeatheredLink:
    """One module's link."""

    def __init__(self, layout: ModuleLayout, rig: Rig, seed: int, number: int) -> None:
        self.name = layout.id
        self._rig = rig
        self._plc = rig.plcs[layout.id]
        self._plant = rig.plant.modules[layout.id]
        self._link = InProcessModuleLink(layout, rig.device(layout.id))
        self._dice = fork(seed, Stream.WIRE, number)
        self._image: ModuleImage | None = None
        self._identity: Identity | None = None
        self._alive_ms: int | None = None
        self._steady: LinkSignal | None = None
        self._gone = False

    def hang_up(self) -> None:
        """The supervisor is gone: answers on their way reach nobody; requests still arrive."""
        self._gone = True

    # -- out --------------------------------------------------------------------------------------

    def request(self, now_ms: int, weather: Weather, writes: Sequence[MailboxWrite], heartbeat: bool) -> None:
        """Commands, then the heartbeat."""
        if weather.fair:
            self._arrive(now_ms, writes, heartbeat)
            return
        dice = self._dice
        if weather.cut or dice.random() < weather.lost:
            return
        late_ms = dice.randrange(weather.late_ms + 1)
        if dice.random() < weather.overtaken:
            late_ms += dice.randrange(*OVERTAKEN_MS)
        self._later(now_ms + late_ms, lambda at_ms: self._arrive(at_ms, writes, heartbeat))
        if dice.random() < weather.twice:
            again_ms = now_ms + late_ms + dice.randrange(*TWICE_LATER_MS)
            self._later(again_ms, lambda at_ms: self._arrive(at_ms, writes, False))

    def _arrive(self, at_ms: int, writes: Sequence[MailboxWrite], heartbeat: bool) -> None:
        if not self._plc.is_up:
            return
        for write in writes:
            self._link.send(write)
        if heartbeat:
            self._plc.feed(at_ms)

    def _later(self, at_ms: int, deed: Callable[[int], None]) -> None:
        self._plant.at(at_ms, lambda _: deed(self._rig.now_ms))

    # -- in ---------------------------------------------------------------------------------------

    def poll(self, now_ms: int, weather: Weather) -> None:
        """Read the registers, if request and answer get through."""
        if weather.fair:
            self._read(now_ms, self._take)
        elif not weather.cut and self._dice.random() >= weather.lost:
            late_ms = self._dice.randrange(2 * weather.late_ms + 1)
            self._read(now_ms, self._take if not late_ms else self._answering(now_ms + late_ms))

    def _read(self, now_ms: int, take: Callable[[int, ModuleImage, Identity], None]) -> None:
        if not self._plc.is_up:
            return
        image = self._link.refresh()
        signal = self._link.signal
        if signal is not None and signal.identity is not None:
            take(now_ms, image, signal.identity)

    def _answering(self, due_ms: int) -> Callable[[int, ModuleImage, Identity], None]:
        def take(asked_ms: int, image: ModuleImage, identity: Identity) -> None:
            self._later(due_ms, lambda _: self._take(asked_ms, image, identity))

        return take

    def _take(self, asked_ms: int, image: ModuleImage, identity: Identity) -> None:
        if self._gone or (self._alive_ms is not None and asked_ms < self._alive_ms):
            return
        self._image, self._identity, self._alive_ms = image, identity, asked_ms

    @property
    def is_up(self) -> bool:
        """Whether there is anybody to answer."""
        return self._plc.is_up

    @property
    def alive_ms(self) -> int | None:
        """When the newest answer was asked for; None before the first."""
        return self._alive_ms

    @property
    def identity(self) -> Identity | None:
        """Who gave the newest answer; None before the first."""
        return self._identity

    def image(self) -> ModuleImage | None:
        """The newest answer; None before the first."""
        return self._image

    def age_ms(self, now_ms: int) -> int:
        """How old the newest answer is."""
        return NEVER_MS if self._alive_ms is None else now_ms - self._alive_ms

    def signal(self, now_ms: int) -> LinkSignal:
        """Who answered last, and how long ago; the same object while that stays the same."""
        age_ms = self.age_ms(now_ms)
        if self._steady is None or self._steady.age_ms != age_ms or self._steady.identity != self._identity:
            self._steady = LinkSignal(age_ms, self._identity)
        return self._steady


def _stale_from_ms(alive_ms: int | None, stale_ms: int, now_ms: int) -> int:
    """From when on an answer is too old; NEVER_MS if it is, or never was one."""
    if alive_ms is None or alive_ms + stale_ms < now_ms:
        return NEVER_MS
    return alive_ms + stale_ms + 1


class FaultyWires:
    """All links of a rig under a swarm's weather."""

    def __init__(self, site: Site, rig: Rig, swarm: Swarm, seed: int) -> None:
        self._patience = site.patience
        self._swarm = swarm
        self.modules = {
            layout.id: WeatheredLink(layout, rig, seed, number) for number, layout in enumerate(site.modules)
        }
        wallbox = load_profile("amperfied")
        self._spots = {
            spec.id: InProcessSpotLink(wallbox, rig.device(spec.id), failsafe_da=spec.failsafe_da)
            for spec in site.spots
        }
        self._spot_ms: dict[str, int] = {}
        self._news: tuple[object, ...] | None = None

    def next_ms(self, now_ms: int) -> int:
        """Until when the messages bring nothing new by themselves: `now_ms` if each has a fate to draw.

        A wire that is fair brings what the rig announces; one that is cut, or whose PLC is down, only makes its
        newest answer older, which counts when it grows stale. That the wire mends is announced by the rig, too.
        """
        due_ms = NEVER_MS
        patience = self._patience
        for name, link in self.modules.items():
            weather = self._swarm.weather[name]
            if not (weather.fair or weather.cut):
                return now_ms
            if weather.cut or not link.is_up:
                due_ms = min(due_ms, _stale_from_ms(link.alive_ms, patience.link_stale_ms, now_ms))
        for spot in self._spots:
            if self._swarm.weather[spot].cut:
                due_ms = min(due_ms, _stale_from_ms(self._spot_ms.get(spot), patience.charger_stale_ms, now_ms))
        return due_ms

    def poll(self, now_ms: int) -> None:
        """Ask every device; also what the last of the scans that a leap skips would have done."""
        weather = self._swarm.weather
        for name, link in self.modules.items():
            link.poll(now_ms, weather[name])
        for spot, spot_link in self._spots.items():
            if weather[spot].fair:
                spot_link.refresh()
                self._spot_ms[spot] = now_ms

    def has_news(self, now_ms: int) -> bool:
        """Whether the last poll brought anything but older answers: what a step could say something about."""
        patience = self._patience
        news = tuple(
            (link.image(), link.identity, link.age_ms(now_ms) <= patience.link_stale_ms)
            for link in self.modules.values()
        ) + tuple(
            (link.image, now_ms - self._spot_ms.get(spot, -NEVER_MS) <= patience.charger_stale_ms)
            for spot, link in self._spots.items()
        )
        before, self._news = self._news, news
        return news != before

    def inputs(self, now_ms: int, journal_ok: bool) -> Inputs:
        """The process image as far as it got through by the last poll."""
        images = {name: link.image() for name, link in self.modules.items()}
        modules = {name: image for name, image in images.items() if image is not None}
        signals = {name: link.signal(now_ms) for name, link in self.modules.items()}
        spots = {spot: link.image for spot, link in self._spots.items() if link.image is not None}
        spot_links = {spot: LinkSignal(now_ms - self._spot_ms.get(spot, -NEVER_MS)) for spot in self._spots}
        return Inputs(modules, signals, spots, spot_links, journal_ok)

    def send(self, now_ms: int, outputs: Outputs, parts: int | None = None) -> None:
        """Send a scan's outputs; with `parts` only so many commands, and then no heartbeat: it died meanwhile."""
        weather = self._swarm.weather
        mailboxes = outputs.mailboxes if parts is None else outputs.mailboxes[:parts]
        heartbeat = outputs.feed_heartbeat and parts is None
        for name, link in self.modules.items():
            writes = tuple(write for write in mailboxes if write.module == name)
            if writes or heartbeat:
                link.request(now_ms, weather[name], writes, heartbeat)
        if parts is None:
            for setpoint in outputs.setpoints:
                if weather[setpoint.spot].fair:
                    self._spots[setpoint.spot].send(setpoint.current_da)

    def heard(self) -> Collection[str]:
        """Who hears the supervisor during a leap: PLCs their heartbeats, wallboxes that they are read."""
        deaf = {name for name, link in self.modules.items() if not link.is_up}
        return {name for name, weather in self._swarm.weather.items() if weather.fair and name not in deaf}

    def fed(self) -> Collection[str]:
        """Wallboxes that a supervisor who scans keeps alive; PLCs get their heartbeats as messages."""
        return frozenset(spot for spot in self._spots if self._swarm.weather[spot].fair)

    def hang_up(self) -> None:
        """The supervisor dies: nobody hears answers any more."""
        for link in self.modules.values():
            link.hang_up()
