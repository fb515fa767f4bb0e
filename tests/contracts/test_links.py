"""The links keep images, let them age, and carry commands, whatever the wire."""

from __future__ import annotations

import asyncio

import pytest

from domain.ids import ModuleId
from domain.moment import NEVER_MS
from domain.outputs import Bypass, MailboxWrite, ManualWrite, Opcode
from domain.signals import Identity, KeptHead, PlcMode, SpotImage
from plc.links.module_link import ModuleLink
from plc.links.spot_link import SpotLink
from plc.links.wire import WireFault
from plc.register_map import ADDRESS, MANUAL_ADDRESS, MAP_VERSION, PALLETS_ADDRESS
from plc.wallbox import load_profile
from tests.contracts.devices import WIRES, Bench, FakeDevice, on_bench
from tests.sites import small_site

pytestmark = pytest.mark.parametrize("wire", WIRES)

LAYOUT = small_site().modules[0]
HEARTBEAT = ADDRESS["plc_heartbeat"]
HEARTBEAT_ADDRESS = ADDRESS["supervisor_heartbeat"]


def module_device() -> FakeDevice:
    """The registers of a quiet PLC of the small site."""
    device = FakeDevice(inputs=[0] * 240)
    device.inputs[0:4] = [MAP_VERSION, 0xABCD, 0x1234, 3]
    device.inputs[ADDRESS["mode"]] = PlcMode.AUTOMATIC
    for pallet in range(len(LAYOUT.bays)):
        device.inputs[PALLETS_ADDRESS + 2 * pallet] = 0b1001
    return device


def command(number: int, mailbox: int = 2) -> MailboxWrite:
    return MailboxWrite(ModuleId("A"), mailbox, number, Opcode.LOWER, 1, 0, 30_000)


def jog(number: int, mailbox: int) -> MailboxWrite:
    return MailboxWrite(ModuleId("A"), mailbox, number, Opcode.JOG_SLIDE, 1, 3, 30_000)


async def exchange_when_possible(link: ModuleLink | SpotLink, now_ms: int) -> None:
    while not await link.exchange(now_ms):
        await asyncio.sleep(0.02)


def test_an_image_ages_while_the_plc_is_gone_and_is_fresh_when_it_is_back(wire: str) -> None:
    device = module_device()

    async def story(bench: Bench) -> None:
        link = ModuleLink(LAYOUT, bench.port)
        assert link.image is None
        assert link.signal(500).age_ms == NEVER_MS
        assert await link.exchange(1000)
        assert link.signal(1040).age_ms == 40
        assert link.signal(1040).identity == Identity(MAP_VERSION, 0xABCD1234, 3)

        await bench.cut()
        assert not await link.exchange(1100)
        assert not await link.exchange(1200)
        assert link.image is not None
        assert link.last_error is not None
        assert link.signal(1200).age_ms == 200

        await bench.mend()
        device.inputs[HEARTBEAT] += 1
        await exchange_when_possible(link, 9000)
        assert link.signal(9000).age_ms == 0
        assert link.last_error is None

    on_bench(wire, device, story)


def test_an_image_ages_while_the_plc_answers_but_does_not_scan(wire: str) -> None:
    device = module_device()

    async def story(bench: Bench) -> None:
        link = ModuleLink(LAYOUT, bench.port)
        ages = []
        for now_ms, counter in ((0, 7), (100, 8), (200, 8), (300, 8), (400, 9)):
            device.inputs[HEARTBEAT] = counter
            assert await link.exchange(now_ms)
            ages.append(link.signal(now_ms).age_ms)
        assert ages == [0, 0, 100, 200, 0]

    on_bench(wire, device, story)


def test_equal_registers_give_the_same_image_object(wire: str) -> None:
    device = module_device()

    async def story(bench: Bench) -> None:
        link = ModuleLink(LAYOUT, bench.port)
        await link.exchange(0)
        first = link.image
        device.inputs[HEARTBEAT] += 1
        await link.exchange(100)
        assert link.image is first
        device.inputs[PALLETS_ADDRESS + 1] = 250
        await link.exchange(200)
        assert link.image is not first
        assert link.image is not None
        assert link.image.pallets[0].z_mm == 250

    on_bench(wire, device, story)


def test_commands_go_out_once_then_the_heartbeat_and_a_newer_one_replaces_an_older(wire: str) -> None:
    device = module_device()

    async def story(bench: Bench) -> None:
        link = ModuleLink(LAYOUT, bench.port)
        link.post(0x1_0005, [command(1), command(2), command(3, mailbox=1)])
        await link.exchange(0)
        link.post(None)
        await link.exchange(100)

    on_bench(wire, device, story)
    assert [(at, words[-1]) for at, words in device.writes] == [(26, 2), (18, 3), (0, 5)]


def test_a_jog_that_has_not_been_sent_is_taken_back_when_its_button_is_let_go(wire: str) -> None:
    device = module_device()

    async def story(bench: Bench) -> None:
        link = ModuleLink(LAYOUT, bench.port)
        held, let_go = (ManualWrite(ModuleId("A"), hold, Bypass.NONE, 0) for hold in (1, 0))
        link.post(1, [jog(4, 1)], held)
        link.post(2, [], let_go)
        await link.exchange(1000)
        assert [address for address, _ in device.writes] == [MANUAL_ADDRESS, HEARTBEAT_ADDRESS]
        # one button is held at a time, so a jog takes the place of that of another mailbox
        link.post(3, [jog(5, 1)], held)
        link.post(4, [jog(6, 2)], held)
        await link.exchange(1100)
        sent = [words[-1] for address, words in device.writes[2:] if len(words) == 7]
        assert sent == [6]

    on_bench(wire, device, story)


def test_a_command_that_meets_a_dead_wire_is_never_delivered_late(wire: str) -> None:
    device = module_device()

    async def story(bench: Bench) -> None:
        link = ModuleLink(LAYOUT, bench.port)
        await link.exchange(0)
        await bench.cut()
        link.post(1, [command(1)])
        assert not await link.exchange(100)
        await bench.mend()
        await exchange_when_possible(link, 200)

    on_bench(wire, device, story)
    assert [at for at, _ in device.writes] == [0]


def test_the_journals_head_is_read_once_a_connection_and_written_only_when_told(wire: str) -> None:
    device = module_device()
    device.inputs[80:86] = [0, 1200, 0xABCD, 0, 0, 0x0102]
    newer = KeptHead(0x1_0002, "0011223344556677")

    async def story(bench: Bench) -> None:
        link = ModuleLink(LAYOUT, bench.port)
        assert link.signal(0).kept is None
        await link.exchange(0)
        assert link.signal(0).kept == KeptHead(1200, "abcd000000000102")
        device.inputs[81] = 1300
        await link.exchange(100)
        assert link.signal(100).kept == KeptHead(1200, "abcd000000000102")
        assert device.writes == []

        link.keep(newer)
        await link.exchange(200)
        await link.exchange(300)
        assert link.signal(300).kept == newer
        assert device.writes == [(2, [1, 2, 0x0011, 0x2233, 0x4455, 0x6677])]

        await bench.cut()
        assert not await link.exchange(400)
        assert link.signal(400).kept is None
        await bench.mend()
        await exchange_when_possible(link, 500)
        assert link.signal(500).kept == KeptHead(1300, "abcd000000000102")

    on_bench(wire, device, story)


def test_impossible_words_age_the_image_and_keep_the_identity(wire: str) -> None:
    device = module_device()
    device.inputs[ADDRESS["gate_state"]] = 77

    async def story(bench: Bench) -> None:
        link = ModuleLink(LAYOUT, bench.port)
        assert not await link.exchange(0)
        assert link.image is None
        assert link.last_error is not None
        assert link.last_error.kind is WireFault.BAD_ANSWER
        assert link.signal(0).identity == Identity(MAP_VERSION, 0xABCD1234, 3)

    on_bench(wire, device, story)


def test_a_plc_with_too_few_registers_still_tells_who_it_is(wire: str) -> None:
    device = FakeDevice(inputs=[1, 0, 99, 4])

    async def story(bench: Bench) -> None:
        link = ModuleLink(LAYOUT, bench.port)
        assert not await link.exchange(0)
        assert link.signal(0).identity == Identity(1, 99, 4)

    on_bench(wire, device, story)


def test_a_wallbox_is_told_its_settings_after_every_silence_and_its_current_each_time(wire: str) -> None:
    device = FakeDevice(inputs=[0] * 200, holding=[0] * 300, writes_single_only=True)
    device.inputs[5] = 7
    device.inputs[6:9] = [160, 0, 0]
    device.inputs[14] = 3520
    device.inputs[17:19] = [1, 2]
    device.inputs[100:102] = [32, 6]

    async def story(bench: Bench) -> None:
        link = SpotLink(load_profile("amperfied"), bench.port, failsafe_da=60)
        assert link.signal(0).age_ms == NEVER_MS
        assert await link.exchange(0)
        link.post(160)
        assert await link.exchange(1000)
        assert await link.exchange(2000)
        assert link.image == SpotImage("C", 160, 3520, 160, 65538, 60, 60, 320)
        assert link.signal(2300).age_ms == 300
        await bench.cut()
        assert not await link.exchange(3000)
        await bench.mend()
        await exchange_when_possible(link, 4000)
        assert link.signal(4000).age_ms == 0

    on_bench(wire, device, story)
    settings = [(262, [60]), (257, [15_000])]
    current = [(261, [160])]
    assert device.writes == [*settings, *current, *current, *settings, *current]


def test_a_wallbox_in_no_known_state_ages(wire: str) -> None:
    device = FakeDevice(inputs=[0] * 200, holding=[0] * 300)
    device.inputs[5] = 99

    async def story(bench: Bench) -> None:
        link = SpotLink(load_profile("amperfied"), bench.port, failsafe_da=60)
        assert not await link.exchange(0)
        assert link.image is None
        assert link.last_error is not None
        assert link.last_error.kind is WireFault.BAD_ANSWER

    on_bench(wire, device, story)
