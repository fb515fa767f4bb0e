"""Wallboxes of different makers as data: which register carries what, and what its numbers mean.

Decides how a profile file (plc/profiles/*.toml) becomes reads, a `SpotImage` and register writes.
Speaks to nobody; `plc.links.spot_link` carries the words.
"""

from __future__ import annotations

import struct
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from itertools import zip_longest
from typing import Any, Literal, cast

from domain.signals import SpotImage
from plc.codec import CodecError

Space = Literal["input", "holding"]
Kind = Literal["u16", "i16", "u32", "f32"]

_WORDS: dict[str, int] = {"u16": 1, "i16": 1, "u32": 2, "f32": 2}
_READINGS = (
    "state",
    "set_current_da",
    "power_w",
    "current_da",
    "energy_total_wh",
    "failsafe_da",
    "current_da_min",
    "current_da_max",
)
_SETTINGS = ("set_current_da", "failsafe_da", "watchdog_ms")


class ProfileError(ValueError):
    """A profile file that contradicts itself or leaves something out."""


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring registers that are read in one request."""

    space: Space
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class WallboxRegister:
    """One value: where it stands and how its raw number becomes the unit in its name.

    With a `count` above 1 the value is the largest of so many neighbours (the phases).
    """

    space: Space
    address: int
    kind: Kind
    scale: float = 1
    count: int = 1

    @property
    def words(self) -> int:
        """Registers it takes in all."""
        return _WORDS[self.kind] * self.count


@dataclass(frozen=True, slots=True)
class RegisterWrite:
    """One register to be written with FC 6."""

    address: int
    value: int


@dataclass(frozen=True)
class WallboxProfile:
    """What one make of wallbox speaks."""

    name: str
    vendor: str
    word_order: Literal["big", "little"]
    writes_single_only: bool
    watchdog_ms_default: int
    blocks: tuple[Block, ...]
    registers: Mapping[str, WallboxRegister]
    states: Mapping[int, str]

    @cached_property
    def places(self) -> dict[str, tuple[int, int]]:
        """Which block (its position in `blocks`) reads each register, and its offset in that block."""
        found = {}
        for name, register in self.registers.items():
            for number, block in enumerate(self.blocks):
                at = register.address - block.address
                if block.space == register.space and 0 <= at <= block.count - register.words:
                    found[name] = number, at
        return found


def profile_names() -> list[str]:
    """Names of the profiles that come with the program."""
    found = (entry.name for entry in files("plc").joinpath("profiles").iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


@cache
def load_profile(name: str) -> WallboxProfile:
    """A profile that comes with the program; raises ProfileError for an unknown name."""
    if name not in profile_names():
        raise ProfileError(f"no wallbox profile {name!r} (there are: {', '.join(profile_names())})")
    return parse_profile(files("plc").joinpath("profiles", f"{name}.toml").read_text(encoding="utf-8"))


def parse_profile(text: str) -> WallboxProfile:
    """A profile from the text of its file; raises ProfileError with the reason."""
    try:
        data = tomllib.loads(text)
        profile = WallboxProfile(
            name=data["name"],
            vendor=data["vendor"],
            word_order=data["word_order"],
            writes_single_only=data["writes_single_only"],
            watchdog_ms_default=data["watchdog_ms_default"],
            blocks=tuple(Block(**block) for block in data["blocks"]),
            registers={name: _register(name, entry) for name, entry in data["registers"].items()},
            states={int(code): letter for code, letter in data["states"].items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProfileError(f"wallbox profile: {error!r}") from error
    _check(profile)
    return profile


def _register(name: str, entry: dict[str, Any]) -> WallboxRegister:
    if entry.get("kind") not in _WORDS:
        raise ProfileError(f"register {name}: unknown kind {entry.get('kind')!r}")
    return WallboxRegister(**entry)


def _check(profile: WallboxProfile) -> None:
    """Every reading lies in a block that is read, and every setting is one register."""
    for name in (*_READINGS, *_SETTINGS):
        if name not in profile.registers:
            raise ProfileError(f"profile {profile.name}: register {name} is missing")
    for name in _READINGS:
        if name not in profile.places:
            raise ProfileError(f"profile {profile.name}: no block reads {name}")
    for name in _SETTINGS:
        register = profile.registers[name]
        if register.space != "holding" or register.words != 1:
            raise ProfileError(f"profile {profile.name}: {name} is no single holding register")
    if profile.word_order not in ("big", "little"):
        raise ProfileError(f"profile {profile.name}: unknown word order {profile.word_order!r}")
    if strange := set(profile.states.values()) - set("ABCDEF"):
        raise ProfileError(f"profile {profile.name}: unknown states {sorted(strange)}")


def reads(profile: WallboxProfile) -> tuple[Block, ...]:
    """What one poll reads, in this order."""
    return profile.blocks


def decode_spot(profile: WallboxProfile, answers: Sequence[Sequence[int]]) -> SpotImage:
    """The image of one wallbox from the words of each block of `reads`, in that order.

    Raises CodecError for missing words or impossible ones.
    """
    for block, words in zip_longest(profile.blocks, answers):
        if block is None or words is None or len(words) < block.count:
            raise CodecError(f"wallbox profile {profile.name}: too few words for {block}")
    code = _value(profile, answers, "state")
    letter = profile.states.get(code)
    if letter is None:
        raise CodecError(f"wallbox profile {profile.name} knows no state {code}")
    return SpotImage(
        state=letter,
        set_current_da=_value(profile, answers, "set_current_da"),
        power_w=_value(profile, answers, "power_w"),
        current_da=_value(profile, answers, "current_da"),
        energy_total_wh=_value(profile, answers, "energy_total_wh"),
        failsafe_da=_value(profile, answers, "failsafe_da"),
        current_da_min=_value(profile, answers, "current_da_min"),
        current_da_max=_value(profile, answers, "current_da_max"),
    )


def encode_setpoint(profile: WallboxProfile, current_da: int) -> list[RegisterWrite]:
    """The writes that let the wallbox offer this current (0.1 A; 0 = none)."""
    return [_write(profile, "set_current_da", current_da)]


def startup_writes(profile: WallboxProfile, failsafe_da: int, watchdog_ms: int | None = None) -> list[RegisterWrite]:
    """What a wallbox is told once it answers: the current without contact, and how long it waits."""
    wait_ms = profile.watchdog_ms_default if watchdog_ms is None else watchdog_ms
    return [_write(profile, "failsafe_da", failsafe_da), _write(profile, "watchdog_ms", wait_ms)]


def _write(profile: WallboxProfile, name: str, value: int) -> RegisterWrite:
    register = profile.registers[name]
    raw = round(value / register.scale)
    if not 0 <= raw <= 0xFFFF:
        raise ValueError(f"{name} = {value} does not fit a register of profile {profile.name}")
    return RegisterWrite(register.address, raw)


def _value(profile: WallboxProfile, answers: Sequence[Sequence[int]], name: str) -> int:
    register = profile.registers[name]
    number, at = profile.places[name]
    found = answers[number]
    if register.kind == "u16" and register.scale == register.count == 1:
        return found[at]  # nearly every register; the virtual runner comes by here very often
    width = _WORDS[register.kind]
    raw = max(_number(profile, register.kind, found[i : i + width]) for i in range(at, at + register.words, width))
    if not abs(raw) < 2**63:  # also catches NaN and infinity of a float register
        raise CodecError(f"wallbox profile {profile.name}: {name} reads {raw}")
    return round(raw * register.scale)


def _number(profile: WallboxProfile, kind: Kind, words: Sequence[int]) -> float:
    if kind == "u16":
        return words[0]
    if kind == "i16":
        return words[0] - 0x10000 if words[0] & 0x8000 else words[0]
    high, low = words if profile.word_order == "big" else (words[1], words[0])
    raw = high << 16 | low
    return raw if kind == "u32" else cast(float, struct.unpack(">f", struct.pack(">I", raw))[0])
