"""What the controller saw of a module when it decided, in a few bytes that can be read again years later.

Decides the shape of a sight: `mode.gate.safety;cells of each level;pallets away from home`, all hexadecimal but the
pallets' numbers, as in `1.1.7f;3,7;4:12`. It holds what the interlocks look at and leaves out what they do not (power,
counters, replies). Faults stand in the reasons beside it. The shape is API of the journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.signals import GateState, ModuleImage, Pallet, PlcMode, Safety

_MODES = {
    PlcMode.STARTING: ("PLC starting", "PLC 启动中"),
    PlcMode.AUTOMATIC: ("automatic", "自动"),
    PlcMode.MANUAL: ("manual", "手动"),
    PlcMode.MAINTENANCE: ("maintenance", "检修"),
}
_GATES = {
    GateState.UNKNOWN: ("gate unknown", "库门状态不明"),
    GateState.CLOSED: ("gate closed", "库门关闭"),
    GateState.OPENING: ("gate opening", "库门正在打开"),
    GateState.OPEN: ("gate open", "库门打开"),
    GateState.CLOSING: ("gate closing", "库门正在关闭"),
}
_UNSAFE = {
    Safety.ESTOP_OK: ("emergency stop pressed", "急停按下"),
    Safety.ZONE_CLEAR_A: ("sensor A sees the zone taken", "传感器A检测到有人或物"),
    Safety.ZONE_CLEAR_B: ("sensor B sees the zone taken", "传感器B检测到有人或物"),
    Safety.PHASE_OK: ("supply phase missing", "缺相"),
    Safety.WATCHDOG_OK: ("watchdog run out", "看门狗超时"),
    Safety.DRIVE_ENABLED: ("drive not enabled", "驱动未使能"),
}
_PLACES = {
    Pallet.MOVING: ("moving", "移动中"),
    Pallet.GROUND: ("on the ground", "在地面"),
}


@dataclass(frozen=True, slots=True)
class Sight:
    """A sight taken apart; `away` has the pallets that are not at home, by their place in `ModuleLayout.bays`."""

    mode: PlcMode
    gate: GateState
    safety: int
    cells: tuple[int, ...]
    away: tuple[tuple[int, int], ...]


def sight_of(image: ModuleImage | None) -> str:
    """What this image shows, for the journal; empty when there is none."""
    if image is None:
        return ""
    cells = ",".join(f"{cells:x}" for cells in image.cells)
    away = ",".join(
        f"{place}:{signal.state:x}" for place, signal in enumerate(image.pallets) if signal.lacks(Pallet.HOME)
    )
    return f"{image.mode:x}.{image.gate:x}.{image.safety:x};{cells};{away}"


def read_sight(text: str) -> Sight:
    """The sight that `sight_of` wrote; raises ValueError for anything else."""
    head, cells, away = text.split(";")
    mode, gate, safety = (int(part, 16) for part in head.split("."))
    pallets = [part.partition(":") for part in away.split(",") if part]
    return Sight(
        PlcMode(mode),
        GateState(gate),
        safety,
        tuple(int(part, 16) for part in cells.split(",") if part),
        tuple((int(place), int(state, 16)) for place, _, state in pallets),
    )


def tell_sight(text: str, bays: Sequence[str], language: str = "en") -> str:
    """A sight in words; `bays` names the module's pallets in `ModuleLayout.bays` order."""
    if not text:
        return "nothing was seen" if language == "en" else "没有图像"
    sight = read_sight(text)
    pick = 1 if language == "zh" else 0
    parts = [_MODES[sight.mode][pick], _GATES[sight.gate][pick]]
    unsafe = [words[pick] for bit, words in _UNSAFE.items() if not sight.safety & bit]
    parts += unsafe or [("zone clear, safety devices in order", "区域无人，安全装置正常")[pick]]
    parts += [f"{_bay(bays, place)} {_place(state, pick)}" for place, state in sight.away]
    if not sight.away:
        parts.append(("all pallets home", "载车板全部在位")[pick])
    columns = " / ".join(_columns(cells) for cells in sight.cells)
    parts.append((f"cells taken, from the ground up: {columns}", f"各层占用格（自下而上）：{columns}")[pick])
    return ("；" if pick else "; ").join(parts)


def _bay(bays: Sequence[str], place: int) -> str:
    return bays[place] if place < len(bays) else f"#{place + 1}"


def _place(state: int, pick: int) -> str:
    found = next((words for bit, words in _PLACES.items() if state & bit), ("between positions", "不在位"))
    return found[pick]


def _columns(cells: int) -> str:
    return " ".join(str(column) for column in range(1, cells.bit_length() + 1) if cells >> (column - 1) & 1) or "–"
