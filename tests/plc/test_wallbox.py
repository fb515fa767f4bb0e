"""Wallbox profiles: the files are sound, and words become the right image."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.signals import SpotImage
from plc.codec import CodecError
from plc.wallbox import (
    Block,
    ProfileError,
    RegisterWrite,
    decode_spot,
    encode_setpoint,
    load_profile,
    parse_profile,
    profile_names,
    reads,
    startup_writes,
)

AMPERFIED = load_profile("amperfied")

FLOAT_PROFILE = """
name = "float"
vendor = "nobody"
word_order = "little"
writes_single_only = false
watchdog_ms_default = 60000
blocks = [{ space = "holding", address = 0, count = 20 }]
[registers]
state = { space = "holding", address = 0, kind = "u16" }
current_da = { space = "holding", address = 1, kind = "f32", scale = 10 }
power_w = { space = "holding", address = 3, kind = "i16" }
energy_total_wh = { space = "holding", address = 4, kind = "f32", scale = 1000 }
current_da_max = { space = "holding", address = 6, kind = "u16", scale = 10 }
current_da_min = { space = "holding", address = 7, kind = "u16", scale = 10 }
watchdog_ms = { space = "holding", address = 8, kind = "u16", scale = 1000 }
set_current_da = { space = "holding", address = 9, kind = "u16", scale = 0.01 }
failsafe_da = { space = "holding", address = 10, kind = "u16", scale = 10 }
[states]
1 = "A"
3 = "C"
"""


def words(code: int, energy_wh: int = 123_456) -> list[list[int]]:
    """What an Amperfied box with a charging car answers."""
    status = [0x108, code, 160, 0, 0, 251, 230, 0, 0, 1, 3680, 0, 77, energy_wh >> 16, energy_wh & 0xFFFF]
    return [status, [32, 6], [160, 60]]


def test_the_profiles_that_come_with_the_program_are_sound() -> None:
    assert profile_names() == ["amperfied"]
    assert [load_profile(name).name for name in profile_names()] == profile_names()


def test_an_unknown_profile_is_named_with_the_known_ones() -> None:
    with pytest.raises(ProfileError, match="there are: amperfied"):
        load_profile("toaster")


def test_one_poll_of_an_amperfied_box_reads_three_blocks_without_holes() -> None:
    assert reads(AMPERFIED) == (
        Block("input", 4, 15),
        Block("input", 100, 2),
        Block("holding", 261, 2),
    )


@pytest.mark.parametrize(
    ("code", "letter"),
    [(2, "A"), (3, "A"), (4, "B"), (5, "B"), (6, "C"), (7, "C"), (8, "C"), (9, "E"), (10, "F"), (11, "F")],
)
def test_the_state_code_is_a_letter(code: int, letter: str) -> None:
    assert decode_spot(AMPERFIED, words(code)) == SpotImage(letter, 160, 3680, 160, 123_456, 60, 60, 320)


@pytest.mark.parametrize("code", [0, 1, 12, 0xFFFF])
def test_an_unknown_state_code_is_no_image(code: int) -> None:
    with pytest.raises(CodecError, match="no state"):
        decode_spot(AMPERFIED, words(code))


def test_missing_words_are_no_image() -> None:
    with pytest.raises(CodecError, match="words"):
        decode_spot(AMPERFIED, [*words(7)[:2], [160]])
    with pytest.raises(CodecError, match="words"):
        decode_spot(AMPERFIED, [])


@given(st.integers(0, 0xFFFF_FFFF))
def test_the_meter_is_read_high_word_first(energy_wh: int) -> None:
    assert decode_spot(AMPERFIED, words(7, energy_wh=energy_wh)).energy_total_wh == energy_wh


@given(st.lists(st.integers(0, 0xFFFF), min_size=15, max_size=15))
def test_any_words_at_all_give_an_image_or_a_codec_error(status: list[int]) -> None:
    try:
        image = decode_spot(AMPERFIED, [status, *words(7)[1:]])
    except CodecError:
        assert status[1] not in AMPERFIED.states
    else:
        assert image.current_da == max(status[2:5])
        assert image.power_w == status[10]


def test_a_set_point_is_one_register() -> None:
    assert encode_setpoint(AMPERFIED, 0) == [RegisterWrite(261, 0)]
    assert encode_setpoint(AMPERFIED, 160) == [RegisterWrite(261, 160)]
    with pytest.raises(ValueError, match="does not fit"):
        encode_setpoint(AMPERFIED, -1)


def test_at_first_contact_a_box_learns_its_failsafe_current_and_watchdog() -> None:
    assert startup_writes(AMPERFIED, 60) == [RegisterWrite(262, 60), RegisterWrite(257, 15_000)]
    assert startup_writes(AMPERFIED, 0, 8000) == [RegisterWrite(262, 0), RegisterWrite(257, 8000)]


def test_floats_word_order_and_scales_are_data() -> None:
    profile = parse_profile(FLOAT_PROFILE)
    amperes = struct.unpack(">HH", struct.pack(">f", 15.96))
    kilowatt_hours = struct.unpack(">HH", struct.pack(">f", 12.5))
    block = [3, *reversed(amperes), 0xFFFE, *reversed(kilowatt_hours), 32, 6, 60, 16_000, 6, *[0] * 9]

    assert decode_spot(profile, [block]) == SpotImage("C", 160, -2, 160, 12_500, 60, 60, 320)
    assert encode_setpoint(profile, 160) == [RegisterWrite(9, 16_000)]
    assert startup_writes(profile, 60) == [RegisterWrite(10, 6), RegisterWrite(8, 60)]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 3e38])
def test_a_float_that_is_no_number_is_no_image(number: float) -> None:
    profile = parse_profile(FLOAT_PROFILE)
    block = [3, *reversed(struct.unpack(">HH", struct.pack(">f", number))), *[0] * 17]

    with pytest.raises(CodecError, match="current_da reads"):
        decode_spot(profile, [block])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('kind = "i16"', 'kind = "u24"', "unknown kind"),
        ("address = 10,", "address = 20,", "no block reads failsafe_da"),
        ('1 = "A"', '1 = "G"', "unknown states"),
        ('word_order = "little"', 'word_order = "middle"', "unknown word order"),
        ("watchdog_ms = ", "watchdog_s = ", "watchdog_ms is missing"),
        ('address = 9, kind = "u16", scale = 0.01', 'address = 9, kind = "u32"', "no single holding register"),
        ("vendor", "seller", "vendor"),
        ("name =", "name", "wallbox profile"),
        ('space = "holding", address = 0, kind', 'room = "holding", address = 0, kind', "room"),
    ],
)
def test_a_broken_profile_file_says_what_is_wrong(old: str, new: str, reason: str) -> None:
    assert old in FLOAT_PROFILE
    with pytest.raises(ProfileError, match=reason):
        parse_profile(FLOAT_PROFILE.replace(old, new, 1))
