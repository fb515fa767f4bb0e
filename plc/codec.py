"""Registers to process image and commands to registers; pure, and the same for every kind of link.

Decides how words become meanings. Knows no socket and no PLC state.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.grid import ModuleLayout
from domain.outputs import MailboxWrite, ManualWrite
from domain.signals import (
    GateState,
    Identity,
    KeptHead,
    LevelSignal,
    MailboxReply,
    ModuleImage,
    PalletSignal,
    PlcMode,
    Result,
)
from plc.register_map import (
    ADDRESS,
    FAULT_SLOTS,
    KEPT_ADDRESS,
    KEPT_WORDS,
    LEVEL_STRIDE,
    MAILBOX_STRIDE,
    MAILBOXES_ADDRESS,
    MANUAL_ADDRESS,
)

_A = ADDRESS
_FAULTS = slice(_A["fault_1"], _A["fault_1"] + FAULT_SLOTS)
_LEVELS = _A["level_1_echo"]


class CodecError(ValueError):
    """The words are no image of this module: a value outside its table, or too few words."""


def u32(words: Sequence[int], address: int) -> int:
    """Two registers, high word first."""
    return words[address] << 16 | words[address + 1]


def i16(word: int) -> int:
    """One register as a signed number."""
    return word - 0x10000 if word & 0x8000 else word


def decode_identity(status: Sequence[int]) -> Identity:
    """Who answers: the first words of the status block."""
    return Identity(status[_A["map_version"]], u32(status, _A["layout_hash"]), status[_A["boot_count"]])


def plc_heartbeat(status: Sequence[int]) -> int:
    """The PLC's own counter; it moves while the PLC scans."""
    return status[_A["plc_heartbeat"]]


def decode_module(
    layout: ModuleLayout,
    status: Sequence[int],
    pallets: Sequence[int],
    previous: ModuleImage | None = None,
) -> ModuleImage:
    """The process image of one module from its two blocks; raises CodecError for impossible words.

    Parts equal to `previous` are reused, and `previous` itself is returned when nothing differs, so
    that a caller may compare images by identity first.
    """
    count = len(layout.bays)
    if len(pallets) < 2 * count or len(status) < _LEVELS + LEVEL_STRIDE * len(layout.levels):
        raise CodecError(f"module {layout.id}: {len(status)} + {len(pallets)} words are too few")
    try:
        image = ModuleImage(
            boot_count=status[_A["boot_count"]],
            mode=PlcMode(status[_A["mode"]]),
            key_switch=status[_A["key_switch"]],
            safety=status[_A["safety"]],
            gate=GateState(status[_A["gate_state"]]),
            gate_reply=_reply(status, _A["gate_echo"]),
            faults=tuple(number for number in status[_FAULTS] if number),
            motors_w=u32(status, _A["motors_w"]),
            lifts=u32(status, _A["lifts"]),
            slides=u32(status, _A["slides"]),
            run_s=u32(status, _A["run_s"]),
            levels=tuple(
                LevelSignal(_reply(status, at), status[at + 4], i16(status[at + 5]))
                for at in range(_LEVELS, _LEVELS + LEVEL_STRIDE * len(layout.levels), LEVEL_STRIDE)
            ),
            pallets=_pallets(pallets, count, previous),
        )
    except ValueError as error:
        raise CodecError(f"module {layout.id}: {error}") from error
    return previous if previous is not None and image == previous else image


def _reply(status: Sequence[int], at: int) -> MailboxReply:
    return MailboxReply(u32(status, at), Result(status[at + 2]), status[at + 3])


def _pallets(words: Sequence[int], count: int, previous: ModuleImage | None) -> tuple[PalletSignal, ...]:
    if previous is None:
        return tuple(PalletSignal(words[2 * i], words[2 * i + 1]) for i in range(count))
    old = previous.pallets
    return tuple(
        p if p.state == state and p.z_mm == z else PalletSignal(state, z)
        for p, state, z in zip(old, words[0 : 2 * count : 2], words[1 : 2 * count : 2], strict=True)
    )


def encode_mailbox(write: MailboxWrite) -> tuple[int, list[int]]:
    """Address and words of one FC 16 write; the command id stands last."""
    base = MAILBOXES_ADDRESS + MAILBOX_STRIDE * write.mailbox
    return base, [
        int(write.opcode),
        write.first,
        write.second,
        write.deadline_ms >> 16,
        write.deadline_ms & 0xFFFF,
        write.command_id >> 16,
        write.command_id & 0xFFFF,
    ]


def decode_kept(words: Sequence[int]) -> KeptHead:
    """What the PLC keeps of the journal, from its six words."""
    return KeptHead(u32(words, 0), "".join(f"{word:04x}" for word in words[2:KEPT_WORDS]))


def encode_kept(head: KeptHead) -> tuple[int, list[int]]:
    """Address and words of the write that tells a PLC of the journal's head."""
    return KEPT_ADDRESS, [*split_u32(head.seq), *(int(head.hash[at : at + 4], 16) for at in range(0, 16, 4))]


def encode_manual(write: ManualWrite) -> tuple[int, list[int]]:
    """Address and words of one FC 16 write: hold, bypass, locks, lights."""
    return MANUAL_ADDRESS, [write.hold & 0xFFFF, int(write.bypass), write.locks, int(write.lights)]


def split_u32(value: int) -> tuple[int, int]:
    """A 32-bit value as two registers, high word first; wraps."""
    return value >> 16 & 0xFFFF, value & 0xFFFF
