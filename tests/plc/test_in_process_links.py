"""The virtual runner's links: the same codec, and no work while nothing has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from domain.ids import ModuleId, SpotId
from domain.outputs import MailboxWrite, Opcode
from domain.signals import Identity, KeptHead, LinkSignal
from domain.site import SpotSpec
from plc.device import IllegalAddress
from plc.links.in_process import InProcessModuleLink, InProcessSpotLink
from plc.wallbox import load_profile
from sim.battery import Battery, SpotPlant
from sim.soft_wallbox import SoftWallbox
from tests.plc.test_golden_frames import status_of_answer
from tests.sites import small_site

LAYOUT = small_site().modules[0]
NOTHING_KEPT = KeptHead(0, "0" * 16)


@dataclass
class CountingDevice:
    """Registers of the golden answer that count how often they are read."""

    inputs: list[int] = field(default_factory=lambda: [*status_of_answer(), *[0] * 58, *[9, 0] * 5])
    touched: int = 1
    reads: int = 0
    writes: list[tuple[int, list[int]]] = field(default_factory=list)

    def read_input(self, address: int, count: int) -> list[int]:
        self.reads += 1
        return self.inputs[address : address + count]

    def read_holding(self, address: int, count: int) -> list[int]:
        raise IllegalAddress(address, count)

    def write_holding(self, address: int, values: Sequence[int]) -> None:
        self.writes.append((address, list(values)))


@dataclass
class Boxed:
    """A soft wallbox at a fixed time, as the rig hands it out."""

    box: SoftWallbox
    reads: int = 0

    @property
    def touched(self) -> int:
        return self.box.touched

    def read_input(self, address: int, count: int) -> list[int]:
        self.reads += 1
        return self.box.read_input(address, count)

    def read_holding(self, address: int, count: int) -> list[int]:
        return self.box.read_holding(address, count)

    def write_holding(self, address: int, values: Sequence[int]) -> None:
        self.box.write_holding(address, values, self.box.plant.now_ms)


def boxed(plugged: bool) -> Boxed:
    spec = SpotSpec(SpotId("E-01"))
    plant = SpotPlant(spec)
    if plugged:
        plant.plug_in(Battery(50_000, 5000, 7000), 0)
    return Boxed(SoftWallbox(spec, plant))


def test_an_untouched_plc_is_not_read_again() -> None:
    device = CountingDevice()
    link = InProcessModuleLink(LAYOUT, device)
    assert link.signal is None

    first = link.refresh()
    assert link.signal == LinkSignal(0, Identity(1, 0xABCD1234, 3), NOTHING_KEPT)
    assert (first.faults, device.reads) == ((301,), 3)
    assert link.refresh() is first
    assert device.reads == 3


def test_a_touched_plc_gives_a_new_image_only_when_it_looks_different() -> None:
    device = CountingDevice()
    link = InProcessModuleLink(LAYOUT, device)
    first = link.refresh()

    device.touched += 1
    assert link.refresh() is first
    device.touched += 1
    device.inputs[3] += 1
    second = link.refresh()
    assert second is not first
    assert second.pallets[0] is first.pallets[0]
    assert link.signal == LinkSignal(0, Identity(1, 0xABCD1234, 4), NOTHING_KEPT)


def test_commands_and_heartbeats_are_written_as_on_the_wire() -> None:
    device = CountingDevice()
    link = InProcessModuleLink(LAYOUT, device)
    link.send(MailboxWrite(ModuleId("A"), 0, 9, Opcode.GATE_OPEN, 0, 0, 70_000))
    link.heartbeat(0x1_0003)

    assert device.writes == [(10, [4, 0, 0, 1, 4464, 0, 9]), (0, [3])]


def test_an_idle_wallbox_is_not_read_again() -> None:
    device = boxed(plugged=False)
    link = InProcessSpotLink(load_profile("amperfied"), device, failsafe_da=80, watchdog_ms=20_000)
    first = link.refresh()
    assert (first.state, first.failsafe_da) == ("A", 80)
    assert device.box.read_holding(257, 1) == [20_000]

    reads = device.reads
    assert link.refresh() is first
    assert device.reads == reads


def test_a_charging_wallbox_shows_its_meter_at_every_refresh() -> None:
    device = boxed(plugged=True)
    link = InProcessSpotLink(load_profile("amperfied"), device, failsafe_da=60)
    link.send(320)
    device.box.scan(500)
    first = link.refresh()
    assert (first.state, first.power_w, first.set_current_da) == ("C", 7000, 320)

    assert link.refresh() is first
    device.box.plant.advance(500 + 3_600_000)
    assert link.refresh().energy_total_wh == 7000
    assert link.refresh().state == "C"


def test_a_current_the_wallbox_cannot_give_is_a_bug_of_the_caller() -> None:
    link = InProcessSpotLink(load_profile("amperfied"), boxed(plugged=True), failsafe_da=60)
    with pytest.raises(ValueError, match="E-01: 3"):
        link.send(30)
