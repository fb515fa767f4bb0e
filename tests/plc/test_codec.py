"""Words become an image and commands become words; addresses here are written out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.grid import ModuleLayout
from domain.ids import ModuleId
from domain.outputs import MailboxWrite, Opcode
from domain.signals import (
    GateState,
    Identity,
    LevelSignal,
    MailboxReply,
    ModuleImage,
    PalletSignal,
    PlcMode,
    Result,
)
from plc.codec import (
    CodecError,
    decode_identity,
    decode_module,
    encode_mailbox,
    i16,
    plc_heartbeat,
    split_u32,
    u32,
)
from plc.register_map import pallet_words, status_words
from tests.plc.test_golden_frames import status_of_answer
from tests.sites import default_site, small_site

SMALL, BIG = small_site().modules[0], default_site().modules[0]

words16 = st.integers(0, 0xFFFF)
words32 = st.integers(0, 0xFFFF_FFFF)
replies = st.builds(MailboxReply, words32, st.sampled_from(Result), words16)


def images(layout: ModuleLayout) -> st.SearchStrategy[ModuleImage]:
    levels, pallets = len(layout.levels), len(layout.bays)
    return st.builds(
        ModuleImage,
        boot_count=words16,
        mode=st.sampled_from(PlcMode),
        key_switch=words16,
        safety=words16,
        gate=st.sampled_from(GateState),
        gate_reply=replies,
        faults=st.lists(st.integers(1, 0xFFFF), max_size=8).map(tuple),
        motors_w=words32,
        lifts=words32,
        slides=words32,
        run_s=words32,
        levels=st.tuples(
            *[st.builds(LevelSignal, replies, words16, st.integers(-0x8000, 0x7FFF)) for _ in range(levels)]
        ),
        pallets=st.tuples(*[st.builds(PalletSignal, words16, words16) for _ in range(pallets)]),
    )


def reply_words(reply: MailboxReply) -> list[int]:
    return [reply.command_id >> 16, reply.command_id & 0xFFFF, reply.result, reply.reason]


def encoded_by_hand(image: ModuleImage, heartbeat: int = 0) -> tuple[list[int], list[int]]:
    """Both blocks of an image, as docs/register-map.md lays them out."""
    counters = [image.motors_w, image.lifts, image.slides, image.run_s]
    status = [1, 0xABCD, 0x1234, image.boot_count, heartbeat, 0]
    status += [image.mode, image.key_switch, image.safety, image.gate]
    status += [half for counter in counters for half in (counter >> 16, counter & 0xFFFF)]
    status += [*image.faults, *[0] * (8 - len(image.faults))]
    status += reply_words(image.gate_reply)
    for level in image.levels:
        status += [*reply_words(level.reply), level.cells, level.slide_mm & 0xFFFF]
    return status, [word for pallet in image.pallets for word in (pallet.state, pallet.z_mm)]


@given(images(SMALL), words16)
def test_what_the_plc_says_is_what_the_controller_sees(image: ModuleImage, heartbeat: int) -> None:
    status, pallets = encoded_by_hand(image, heartbeat)

    assert decode_module(SMALL, status, pallets) == image
    assert decode_identity(status) == Identity(1, 0xABCD1234, image.boot_count)
    assert plc_heartbeat(status) == heartbeat


@given(images(SMALL), images(SMALL))
def test_an_earlier_image_changes_nothing_in_the_next(earlier: ModuleImage, image: ModuleImage) -> None:
    decoded = decode_module(SMALL, *encoded_by_hand(image), earlier)

    assert decoded == image
    assert decode_module(SMALL, *encoded_by_hand(image), decoded) is decoded


def test_the_largest_module_of_the_site_takes_two_reads() -> None:
    assert status_words(len(BIG.levels)) <= 120
    assert pallet_words(len(BIG.bays)) <= 120


def test_the_golden_answer_reads_as_its_comments_say() -> None:
    image = decode_module(SMALL, status_of_answer(), [9, 0] * len(SMALL.bays))

    assert (image.motors_w, image.lifts, image.slides, image.run_s) == (5500, 7, 65536, 3600)
    assert image.faults == (301,)
    assert image.levels[0] == LevelSignal(MailboxReply(11, Result.DONE, 0), 0b011, 0)
    assert image.levels[1] == LevelSignal(MailboxReply(12, Result.RUNNING, 0), 0b111, -200)


@pytest.mark.parametrize(("address", "what"), [(6, "mode"), (9, "gate"), (28, "gate result"), (32, "level result")])
def test_a_number_outside_its_table_is_no_image(address: int, what: str) -> None:
    status = status_of_answer()
    status[address] = 99

    with pytest.raises(CodecError, match="module A"):
        decode_module(SMALL, status, [9, 0] * len(SMALL.bays))


@given(st.lists(words16, max_size=60), st.lists(words16, max_size=12))
def test_any_words_at_all_give_an_image_or_a_codec_error(status: list[int], pallets: list[int]) -> None:
    try:
        image = decode_module(SMALL, status, pallets)
    except CodecError:
        return
    assert len(image.pallets) == len(SMALL.bays)


@given(
    mailbox=st.integers(0, 8),
    command_id=words32,
    opcode=st.sampled_from(Opcode),
    first=words16,
    second=words16,
    deadline_ms=words32,
)
def test_a_command_stands_in_its_mailbox_with_its_id_last(
    mailbox: int, command_id: int, opcode: Opcode, first: int, second: int, deadline_ms: int
) -> None:
    write = MailboxWrite(ModuleId("A"), mailbox, command_id, opcode, first, second, deadline_ms)
    address, words = encode_mailbox(write)

    assert address == 10 + 8 * mailbox
    assert words[:3] == [opcode, first, second]
    assert (u32(words, 3), u32(words, 5)) == (deadline_ms, command_id)
    assert len(words) == 7


@given(words32, words16)
def test_numbers_survive_the_split_into_words(number: int, word: int) -> None:
    assert u32(split_u32(number), 0) == number
    assert i16(word) & 0xFFFF == word
    assert -0x8000 <= i16(word) <= 0x7FFF
