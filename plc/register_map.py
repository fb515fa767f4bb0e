"""The register map between supervisor and module PLC: one table, and nothing else knows addresses.

Decides which register holds what. The codec, the soft PLC, docs/register-map.md and the PLC
engineer's CSV all read this table. Input registers (FC 4) go from PLC to supervisor, holding
registers (FC 3/6/16) from supervisor to PLC. 32-bit values stand high word first.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from typing import Literal

from domain.grid import ModuleLayout
from domain.machine import Machine
from domain.outputs import Bypass, Lights, Opcode
from domain.signals import GateState, Pallet, PlcMode, Result, Safety

MAP_VERSION = 4
LEVELS_MAX = 8
PALLETS_MAX = 60
COLUMNS_MAX = 16
FAULT_SLOTS = 8
HOLD_MS = 320
"""The PLC stops a jog this long after `manual_hold` has last changed: with the ramp within 500 ms."""

LEVEL_STRIDE = 6
PALLET_STRIDE = 2
MAILBOX_STRIDE = 8
MAILBOX_WORDS = 7

Space = Literal["input", "holding"]
Kind = Literal["u16", "i16", "u32"]


@dataclass(frozen=True, slots=True)
class Register:
    """One value on the wire. `scale`: physical value = raw * scale, in `unit`."""

    name: str
    space: Space
    address: int
    kind: Kind
    unit: str
    meaning: str
    scale: int = 1

    @property
    def words(self) -> int:
        """How many 16-bit registers it takes."""
        return 2 if self.kind == "u32" else 1

    @property
    def direction(self) -> str:
        """Who writes it."""
        return "PLC -> supervisor" if self.space == "input" else "supervisor -> PLC"


def _names(enum: type[Bypass] | type[Lights] | type[Opcode] | type[Result] | type[GateState] | type[PlcMode]) -> str:
    return ", ".join(f"{member.value} {member.name.lower()}" for member in enum)


def _bits(enum: type[Pallet] | type[Safety]) -> str:
    single = [m for m in enum if m.value.bit_count() == 1]
    return ", ".join(f"bit {m.value.bit_length() - 1} {(m.name or '').lower()}" for m in single)


def _status() -> list[Register]:
    head: list[tuple[str, Kind, str, str]] = [
        ("map_version", "u16", "", "version of this table"),
        ("layout_hash", "u32", "", "hash of the module's layout data; must equal the supervisor's"),
        ("boot_count", "u16", "", "counts up at every start of the PLC"),
        ("plc_heartbeat", "u16", "", "counts up with every PLC scan, wraps"),
        ("heartbeat_echo", "u16", "", "last supervisor heartbeat seen"),
        ("mode", "u16", "", _names(PlcMode)),
        ("key_switch", "u16", "", "0 off, 1 on"),
        ("safety", "u16", "", f"a set bit is the safe state: {_bits(Safety)}"),
        ("gate_state", "u16", "", _names(GateState)),
        ("motors_w", "u32", "W", "power of all motors of the module"),
        ("lifts", "u32", "", "vertical moves ended since assembly"),
        ("slides", "u32", "", "pallet slides ended since assembly"),
        ("run_s", "u32", "s", "motor time since assembly"),
    ]
    registers: list[Register] = []
    address = 0
    for name, kind, unit, meaning in head:
        registers.append(Register(name, "input", address, kind, unit, meaning))
        address += registers[-1].words
    for slot in range(1, FAULT_SLOTS + 1):
        registers.append(Register(f"fault_{slot}", "input", address, "u16", "", "active latched fault, 0 none"))
        address += 1
    registers += _reply("gate", address)
    address += 4
    for level in range(1, LEVELS_MAX + 1):
        registers += _reply(f"level_{level}", address)
        registers.append(
            Register(
                f"level_{level}_cells",
                "input",
                address + 4,
                "u16",
                "",
                "bit c-1: a pallet of this level stands in column c",
            )
        )
        registers.append(
            Register(
                f"level_{level}_slide",
                "input",
                address + 5,
                "i16",
                "mm",
                "way made by the running slide, + to the right",
            )
        )
        address += LEVEL_STRIDE
    return registers


def _reply(owner: str, address: int) -> list[Register]:
    return [
        Register(f"{owner}_echo", "input", address, "u32", "", "id of the last command taken"),
        Register(f"{owner}_result", "input", address + 2, "u16", "", _names(Result)),
        Register(
            f"{owner}_reason",
            "input",
            address + 3,
            "u16",
            "",
            "reason of a refusal or stop (docs/register-map.md)",
        ),
    ]


KEPT_SHOWN_ADDRESS = 80
"""Behind the status block of the largest module: read once after each connection, not in every poll."""
PALLETS_ADDRESS = 100
KEPT_ADDRESS = 2
MAILBOXES_ADDRESS = 10
MANUAL_ADDRESS = 82
MANUAL_WORDS = 4
"""The words of manual work and the lights, behind the last mailbox, written in one go."""


def _pallets() -> list[Register]:
    registers = []
    for n in range(1, PALLETS_MAX + 1):
        address = PALLETS_ADDRESS + PALLET_STRIDE * (n - 1)
        registers.append(Register(f"pallet_{n}_state", "input", address, "u16", "", _bits(Pallet)))
        registers.append(Register(f"pallet_{n}_z", "input", address + 1, "u16", "mm", "height above the ground"))
    return registers


def _manual() -> list[Register]:
    told: list[tuple[str, str]] = [
        (
            "manual_hold",
            f"hold-to-run: counts up while a jog is held, 0 let go; unchanged for {HOLD_MS} ms the PLC stops jogs",
        ),
        ("manual_bypass", f"interlock that a held jog may set aside: {_names(Bypass)}; void with the hold"),
        ("lockout", "how many people's locks hang on the module; the PLC starts nothing unless 0"),
        (
            "lights",
            f"{_names(Lights)}; the PLC lights fully out of automatic mode, without a heartbeat, while the gate is not "
            "shut, somebody is in the zone or anything moves",
        ),
    ]
    return [Register(name, "holding", MANUAL_ADDRESS + n, "u16", "", meaning) for n, (name, meaning) in enumerate(told)]


def _mailboxes() -> list[Register]:
    registers = [
        Register("supervisor_heartbeat", "holding", 0, "u16", "", "counts up with every supervisor scan, wraps"),
        *_manual(),
    ]
    for number in range(LEVELS_MAX + 1):
        owner = "gate" if number == 0 else f"level_{number}"
        base = MAILBOXES_ADDRESS + MAILBOX_STRIDE * number
        registers += [
            Register(f"{owner}_opcode", "holding", base, "u16", "", _names(Opcode)),
            Register(f"{owner}_first", "holding", base + 1, "u16", "", "first argument"),
            Register(f"{owner}_second", "holding", base + 2, "u16", "", "second argument"),
            Register(
                f"{owner}_deadline",
                "holding",
                base + 3,
                "u32",
                "ms",
                "the PLC stops the move after this time",
            ),
            Register(
                f"{owner}_id",
                "holding",
                base + 5,
                "u32",
                "",
                "command id, written last; a repeat is harmless",
            ),
        ]
    return registers


def _kept(space: Space, address: int, prefix: str, story: str) -> list[Register]:
    """The head of the supervisor's journal: what it was told last outlives the PLC's restarts."""
    hash_words = [
        Register(f"{prefix}_hash_{n}", space, address + 1 + n, "u16", "", f"its hash, bytes {2 * n - 1} and {2 * n}")
        for n in range(1, KEPT_HASH_WORDS + 1)
    ]
    return [Register(f"{prefix}_seq", space, address, "u32", "", story), *hash_words]


KEPT_HASH_WORDS = 4
KEPT_WORDS = 2 + KEPT_HASH_WORDS

REGISTERS: tuple[Register, ...] = (
    *_status(),
    *_kept("input", KEPT_SHOWN_ADDRESS, "kept", "the anchor as last written, kept without power; 0: none"),
    *_pallets(),
    *_mailboxes(),
    *_kept(
        "holding",
        KEPT_ADDRESS,
        "anchor",
        "number of the journal's newest event; keep it without power",
    ),
)
ADDRESS: dict[str, int] = {register.name: register.address for register in REGISTERS}


def status_words(levels: int) -> int:
    """Length of the status block (input registers from 0) for a module of so many levels."""
    return ADDRESS["level_1_echo"] + LEVEL_STRIDE * levels


def pallet_words(pallets: int) -> int:
    """Length of the pallet block (input registers from `PALLETS_ADDRESS`)."""
    return PALLET_STRIDE * pallets


def layout_hash(layout: ModuleLayout, machine: Machine) -> int:
    """32-bit fingerprint of map version, layout and move rules, compared at connect.

    First four bytes of a SHA-256 over a canonical line, so a PLC engineer can recompute it.
    """
    levels = ";".join(f"{lv.height_mm},{lv.gaps},{'+'.join(map(str, lv.blocked))}" for lv in layout.levels)
    rules = f"{machine.slide_mode}|{machine.hook_kind}"
    line = f"v{MAP_VERSION}|{layout.id}|{layout.columns}|{layout.pitch_mm}|{levels}|{rules}"
    return int.from_bytes(hashlib.sha256(line.encode()).digest()[:4], "big")


REASONS: dict[int, str] = {
    0: "none",
    1: "unknown opcode or argument",
    2: "command id not newer than the last one",
    3: "not in automatic mode",
    4: "heartbeat stale",
    5: "emergency stop",
    6: "gate not shut",
    7: "access zone not clear",
    8: "pallet not at home or hook not closed",
    9: "path not free",
    10: "another vertical move or a lowered pallet in the way",
    11: "a slide on a crossed level",
    12: "slide mode forbids a second move",
    13: "supply phase missing or drive not enabled",
    14: "deadline passed",
    15: "overload",
    16: "hook did not open",
    17: "hook did not close",
    18: "loaded sensors disagree",
    19: "latched fault must be reset first",
    20: "mailbox busy",
    21: "stopped by a person in the zone",
    22: "slack rope or overtravel",
    23: "jog not held",
    24: "another jog ran; a second one stops it",
    25: "fire alarm: nothing is lowered or slid",
    26: "earthquake",
    27: "a person's lock hangs on the module",
}
"""Reason numbers of refusals and stops. Numbers are API."""


def as_csv() -> str:
    """The table for PLC engineers, one line a register."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "space", "address", "words", "type", "scale", "unit", "direction", "meaning"])
    for r in REGISTERS:
        writer.writerow([r.name, r.space, r.address, r.words, r.kind, r.scale, r.unit, r.direction, r.meaning])
    return out.getvalue()


def as_markdown() -> str:
    """docs/register-map.md; repeated groups are shown once with their stride."""
    lines = [
        "# Register map",
        "",
        f"Map version {MAP_VERSION}. Generated from `plc/register_map.py`; do not edit. Addresses are 0-based PDU",
        "addresses; 32-bit values stand high word first. Input registers are read with FC 4, holding registers are",
        f"read with FC 3 and written with FC 6 and 16. Level n has stride {LEVEL_STRIDE} (n = 1..{LEVELS_MAX}),",
        f"pallet n stride {PALLET_STRIDE} (n = 1..{PALLETS_MAX}, ground level first, left to right), mailbox n stride",
        f"{MAILBOX_STRIDE} (0 = gate).",
        "",
        "| name | space | address | type | unit | direction | meaning |",
        "|---|---|---|---|---|---|---|",
    ]
    repeated = tuple(f"{g}_{n}_" for g in ("level", "pallet") for n in range(2, PALLETS_MAX + 1))
    lines += [
        f"| {r.name} | {r.space} | {r.address} | {r.kind} | {r.unit} | {r.direction} | {r.meaning} |"
        for r in REGISTERS
        if not r.name.startswith(repeated)
    ]
    lines += ["", "## Reasons of refusals and stops", "", "| number | reason |", "|---|---|"]
    lines += [f"| {number} | {text} |" for number, text in REASONS.items()]
    return "\n".join(lines) + "\n"
