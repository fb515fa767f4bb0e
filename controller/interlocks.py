"""The supervisor's own barrier: what must hold before a move is asked of a PLC.

Decides from the process image alone and says every reason against. The PLC checks the same rules
by itself with other code; neither trusts the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from domain.grid import ModuleLayout
from domain.ids import BayId
from domain.outputs import GATE, Bypass, MailboxWrite, Opcode
from domain.refusals import Refusal, RefusalCode
from domain.signals import ZONE_CLEAR, GateState, ModuleImage, Pallet, PalletSignal, PlcMode, Safety

Reasons = tuple[Refusal, ...]

_DRIVE_OK = Safety.ESTOP_OK | Safety.PHASE_OK | Safety.DRIVE_ENABLED | Safety.NO_QUAKE
_MOTION_OK = _DRIVE_OK | Safety.WATCHDOG_OK


def against(
    layout: ModuleLayout,
    image: ModuleImage,
    opcode: Opcode,
    level: int,
    first: int,
    second: int,
    running: Iterable[MailboxWrite] = (),
    bypass: Bypass = Bypass.NONE,
) -> Reasons:
    """Every reason against one move; empty means that it may be asked for.

    `running` are the moves of this module that were asked for and have not ended, `bypass` what two
    people have set aside for a move by hand.
    """
    return tuple(reasons(layout, image, opcode, level, first, second, running, bypass))


def reasons(
    layout: ModuleLayout,
    image: ModuleImage,
    opcode: Opcode,
    level: int,
    first: int,
    second: int,
    running: Iterable[MailboxWrite] = (),
    bypass: Bypass = Bypass.NONE,
) -> Iterator[Refusal]:
    """The same one by one, looking no further than the next reason needs."""
    active = tuple(running)
    hand = _Hand(opcode.is_jog, bypass if opcode.is_jog else Bypass.NONE)
    match opcode.plain:
        case Opcode.SLIDE:
            return _against_slide(layout, image, level, first, second, active, hand)
        case Opcode.LOWER:
            return _against_lower(layout, image, level, first, active, hand)
        case Opcode.RAISE:
            return _against_raise(layout, image, level, first, active, hand)
        case Opcode.GATE_OPEN | Opcode.GATE_CLOSE:
            return _against_gate(layout, image, opcode.plain, active, hand)
        case _:
            return iter(())


@dataclass(frozen=True, slots=True)
class _Hand:
    """Whether people move it, and what they have set aside."""

    jogs: bool
    bypass: Bypass


def signal_of(layout: ModuleLayout, image: ModuleImage, bay: BayId) -> PalletSignal:
    """The pallet of a bay in the image."""
    return image.pallets[layout.offset[bay]]


def is_away(signal: PalletSignal) -> bool:
    """Whether an upper pallet is anywhere but hooked at home."""
    return signal.lacks(Pallet.HOME)


def zone_clear(image: ModuleImage) -> bool:
    """Whether both independent sensors see nobody in the access zone."""
    return image.safety & ZONE_CLEAR == ZONE_CLEAR


def loaded_sensors(signal: PalletSignal) -> bool | None:
    """Whether a car stands on the pallet; None when the two sensors disagree."""
    loaded = signal.state & Pallet.LOADED
    return None if loaded not in (0, Pallet.LOADED) else loaded == Pallet.LOADED


def _mode_allows(image: ModuleImage, hand: _Hand) -> Iterator[Refusal]:
    if hand.jogs and not key_in_manual(image):
        yield Refusal(RefusalCode.KEY_NOT_MANUAL)
    if not hand.jogs and image.mode is not PlcMode.AUTOMATIC:
        yield Refusal(RefusalCode.PLC_NOT_AUTOMATIC)


def key_in_manual(image: ModuleImage) -> bool:
    """Whether the key at the machine is on and the mode switch stands on manual."""
    return image.mode is PlcMode.MANUAL and image.key_switch == 1


def _no_fire(image: ModuleImage) -> Iterator[Refusal]:
    if not image.safety & Safety.NO_FIRE:
        yield Refusal(RefusalCode.FIRE)


def _motion_allowed(image: ModuleImage, hand: _Hand) -> Iterator[Refusal]:
    yield from _mode_allows(image, hand)
    if image.faults:
        yield Refusal(RefusalCode.PLC_FAULT, str(image.faults[0]))
    if image.safety & _MOTION_OK != _MOTION_OK:
        yield Refusal(RefusalCode.SAFETY_NOT_OK, f"safety word {image.safety:#06x}")
    if image.gate is not GateState.CLOSED or not image.safety & Safety.GATE_SHUT:
        yield Refusal(RefusalCode.GATE_NOT_SHUT)
    if not zone_clear(image):
        yield Refusal(RefusalCode.ZONE_NOT_CLEAR)


def _away(layout: ModuleLayout, image: ModuleImage, hand: _Hand) -> Iterator[BayId]:
    """Upper pallets that are not hooked at home; a hook that people have looked at counts as closed."""
    upper = layout.pallets_per_level[0]
    for ref, signal in zip(layout.bays[upper:], image.pallets[upper:], strict=True):
        looked_at = hand.bypass is Bypass.HOOK_CLOSED and signal.z_mm == layout.level_z_mm[ref.level - 1]
        if is_away(signal) and not (looked_at and signal.lacks(Pallet.MOVING | Pallet.HOOK_OPEN)):
            yield ref.name


def _against_slide(
    layout: ModuleLayout,
    image: ModuleImage,
    level: int,
    first: int,
    second: int,
    active: tuple[MailboxWrite, ...],
    hand: _Hand,
) -> Iterator[Refusal]:
    yield from _motion_allowed(image, hand)
    yield from _no_fire(image)
    if any(hand.jogs or write.opcode is not Opcode.SLIDE or write.mailbox == level for write in active):
        yield Refusal(RefusalCode.LEVEL_BUSY, f"level {level}")
    for name in _away(layout, image, hand):
        ref = layout.bays[layout.offset[name]]
        lifted = not _lies_between(layout, ref.level, signal_of(layout, image, name))
        if ref.level > level and lifted:
            yield Refusal(RefusalCode.HOIST_BUSY, name)
        elif ref.level == level and lifted:
            yield Refusal(RefusalCode.NOT_HOME, name)
    low, high = sorted((first, second))
    cells = image.cells[level - 1]
    if cells >> (second - 1) & 1:
        yield Refusal(RefusalCode.PATH_BLOCKED, f"level {level} column {second}")
    if not _is_complete(layout, image, level) and (low, high) != _hole(layout, image, level, low, high):
        yield Refusal(RefusalCode.PATH_BLOCKED, f"level {level} stands between its cells")
    if any(low <= blocked <= high for blocked in layout.levels[level - 1].blocked):
        yield Refusal(RefusalCode.PATH_BLOCKED, f"level {level} has a blocked cell")


def _is_complete(layout: ModuleLayout, image: ModuleImage, level: int) -> bool:
    """Whether every pallet of a level stands in a cell of its level.

    A pallet between two cells is seen by its own signals, even if a broken cell switch makes up for it in the count.
    """
    start, count = layout.level_offset[level - 1], layout.pallets_per_level[level - 1]
    own = image.pallets[start : start + count]
    return image.cells[level - 1].bit_count() == count and not any(_lies_between(layout, level, one) for one in own)


def _lies_between(layout: ModuleLayout, level: int, signal: PalletSignal) -> bool:
    """Whether a pallet rests or travels between two cells: at its level's height and hooked, but not home."""
    hooked = level == 1 or signal.has(Pallet.HOOK_CLOSED)
    return hooked and signal.z_mm == layout.level_z_mm[level - 1] and signal.lacks(Pallet.HOME)


def _hole(layout: ModuleLayout, image: ModuleImage, level: int, low: int, high: int) -> tuple[int, int] | None:
    """The columns between which pallets of an interrupted slide stand: all of them go on together or none.

    Nothing stands in a cell between them. A row with several gaps does not show which of its empty columns
    these are; then what is asked for is the hole if nothing stands in it. A row in which every cell reads
    occupied has no hole: a switch lies.
    """
    cells = image.cells[level - 1]
    empty = [column for column in layout.open_columns(level) if not cells >> (column - 1) & 1]
    if not empty:
        return None
    if layout.levels[level - 1].gaps == 1:
        low, high = empty[0], empty[-1]
    return (low, high) if all(column in empty for column in range(low, high + 1)) else None


def _shaft(
    layout: ModuleLayout, image: ModuleImage, level: int, index: int, active: tuple[MailboxWrite, ...], hand: _Hand
) -> Iterator[Refusal]:
    """Reasons against using the shaft under (level, index): R3."""
    own = layout.bay_names[layout.level_offset[level - 1] + index - 1]
    for name in _away(layout, image, hand):
        if name != own:
            yield Refusal(RefusalCode.HOIST_BUSY, name)
    if any(hand.jogs or write.opcode in (Opcode.LOWER, Opcode.RAISE) for write in active):
        yield Refusal(RefusalCode.HOIST_BUSY)
    if any(write.mailbox <= level and write.opcode is Opcode.SLIDE for write in active):
        yield Refusal(RefusalCode.LEVEL_BUSY)
    column = column_of(layout, image, level, index)
    if column is None:
        yield Refusal(RefusalCode.PALLET_UNKNOWN, own)
        return
    for below in range(1, level):
        if not _is_complete(layout, image, below) or image.cells[below - 1] >> (column - 1) & 1:
            yield Refusal(RefusalCode.PATH_BLOCKED, f"level {below} column {column}")
        if column in layout.levels[below - 1].blocked:
            yield Refusal(RefusalCode.PATH_BLOCKED, f"level {below} column {column} is no cell")


def column_of(layout: ModuleLayout, image: ModuleImage, level: int, index: int) -> int | None:
    """Column of the index-th pallet of a level; None when the level is not at rest."""
    if not _is_complete(layout, image, level):
        return None
    cells = image.cells[level - 1]
    return [c for c in range(1, layout.columns + 1) if cells >> (c - 1) & 1][index - 1]


def _against_lower(
    layout: ModuleLayout, image: ModuleImage, level: int, index: int, active: tuple[MailboxWrite, ...], hand: _Hand
) -> Iterator[Refusal]:
    yield from _motion_allowed(image, hand)
    yield from _no_fire(image)
    yield from _shaft(layout, image, level, index, active, hand)
    own = image.pallets[layout.level_offset[level - 1] + index - 1]
    if not _may_go_down(own, hand):
        yield Refusal(RefusalCode.NOT_HOME)
    if own.lacks(Pallet.HOOK_CLOSED) and not hand.jogs:
        yield Refusal(RefusalCode.HOOK_NOT_CLOSED)


def _may_go_down(own: PalletSignal, hand: _Hand) -> bool:
    """From home; by hand also from where an earlier jog was let go, its hook out of the way."""
    return own.lacks(Pallet.GROUND) if hand.jogs else not is_away(own)


def _against_raise(
    layout: ModuleLayout, image: ModuleImage, level: int, index: int, active: tuple[MailboxWrite, ...], hand: _Hand
) -> Iterator[Refusal]:
    yield from _motion_allowed(image, hand)
    yield from _shaft(layout, image, level, index, active, hand)
    own = image.pallets[layout.level_offset[level - 1] + index - 1]
    if loaded_sensors(own) is None and hand.bypass is not Bypass.LOADED_SENSORS:
        yield Refusal(RefusalCode.SENSORS_DISAGREE)
    if own.state & (Pallet.SLACK | Pallet.OVERTRAVEL | Pallet.OVERLOAD):
        yield Refusal(RefusalCode.SAFETY_NOT_OK, "slack, overtravel or overload")


def _against_gate(
    layout: ModuleLayout, image: ModuleImage, opcode: Opcode, active: tuple[MailboxWrite, ...], hand: _Hand
) -> Iterator[Refusal]:
    yield from _mode_allows(image, hand)
    if image.safety & _DRIVE_OK != _DRIVE_OK:
        yield Refusal(RefusalCode.SAFETY_NOT_OK)
    if any(hand.jogs or write.mailbox == GATE for write in active):
        yield Refusal(RefusalCode.LEVEL_BUSY, "gate")
    if opcode is Opcode.GATE_OPEN:
        if any(write.mailbox != GATE for write in active):
            yield Refusal(RefusalCode.LEVEL_BUSY)
        if any(signal.has(Pallet.MOVING) for signal in image.pallets):
            yield Refusal(RefusalCode.LEVEL_BUSY)
        for name in _away(layout, image, hand):
            if signal_of(layout, image, name).lacks(Pallet.GROUND):
                yield Refusal(RefusalCode.PALLET_UNKNOWN, name)
        for level in layout.levels:
            if not _is_complete(layout, image, level.number):
                yield Refusal(RefusalCode.PALLET_UNKNOWN, f"level {level.number}")
    elif not zone_clear(image):
        yield Refusal(RefusalCode.ZONE_NOT_CLEAR)
