"""Numbered faults: they latch, and each names who may reset it and what to do.

Families: 1xx stop and safety, 2xx people and size, 3xx lift, 4xx slide, 5xx electrical, 6xx sensors,
7xx communication, 8xx data, 9xx from outside. Numbers are API: never reuse one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class FaultNumber(IntEnum):
    """Every fault the PLC or the controller can raise."""

    ESTOP = 101
    ZONE_BREACH = 201
    OVERLOAD = 203
    LIFT_TIMEOUT = 301
    OVERTRAVEL = 302
    SLACK_ROPE = 303
    HOOK_NOT_OPEN = 304
    HOOK_NOT_CLOSED = 305
    SLIDE_TIMEOUT = 401
    POSITION_LOST = 402
    GATE_TIMEOUT = 403
    PHASE_LOSS = 501
    CONTACTOR_STUCK = 502
    LOADED_SENSORS_DISAGREE = 601
    HEARTBEAT_STALE = 701
    COMMAND_UNANSWERED = 702
    PLC_REBOOTED = 703
    LAYOUT_MISMATCH = 704
    MOTION_REFUSED = 705
    MOTION_STOPPED = 706
    OCCUPANCY_MISMATCH = 801
    PALLET_UNKNOWN = 802
    EARTHQUAKE = 902


@dataclass(frozen=True, slots=True)
class FaultText:
    """A fault for people: what it is, in English and Chinese, and what to do about it."""

    english: str
    chinese: str
    cure: str


FAULT_TEXTS: dict[FaultNumber, FaultText] = {
    FaultNumber.ESTOP: FaultText("Emergency stop pressed", "急停按下", "Look why, pull the button, reset, confirm."),
    FaultNumber.ZONE_BREACH: FaultText(
        "Somebody entered during a move", "运行中有人闯入", "Get everybody out, reset, confirm."
    ),
    FaultNumber.OVERLOAD: FaultText("Car too heavy for the pallet", "超载", "Have the car driven off, reset, confirm."),
    FaultNumber.LIFT_TIMEOUT: FaultText("Lift took too long", "升降超时", "Check motor and brake; reset, confirm."),
    FaultNumber.OVERTRAVEL: FaultText("Pallet beyond its limit switch", "超限位", "Call maintenance."),
    FaultNumber.SLACK_ROPE: FaultText("Rope slack", "松绳", "Call maintenance; do not move the pallet."),
    FaultNumber.HOOK_NOT_OPEN: FaultText("Hook did not open", "挂钩未打开", "Check the hook magnet; reset, confirm."),
    FaultNumber.HOOK_NOT_CLOSED: FaultText("Hook did not close", "挂钩未锁闭", "Call maintenance; keep people away."),
    FaultNumber.SLIDE_TIMEOUT: FaultText("Slide took too long", "横移超时", "Check rail and motor; reset, confirm."),
    FaultNumber.POSITION_LOST: FaultText("Pallet between positions", "位置丢失", "Look, then confirm the module."),
    FaultNumber.GATE_TIMEOUT: FaultText("Gate did not arrive", "库门超时", "Check the gate; reset, confirm."),
    FaultNumber.PHASE_LOSS: FaultText("Supply phase missing", "缺相", "Call the electrician."),
    FaultNumber.CONTACTOR_STUCK: FaultText(
        "A motor did not hear the stop; the main contactor took the supply away",
        "接触器粘连",
        "Call the electrician: contactor or remote I/O. Reset, confirm.",
    ),
    FaultNumber.LOADED_SENSORS_DISAGREE: FaultText(
        "The two car sensors of a pallet disagree",
        "载车检测不一致",
        "Look at the pallet, clean the sensors, confirm.",
    ),
    FaultNumber.HEARTBEAT_STALE: FaultText(
        "PLC stopped because the controller went silent",
        "上位机心跳丢失停机",
        "Look at the module, then confirm.",
    ),
    FaultNumber.COMMAND_UNANSWERED: FaultText("PLC did not echo a command", "指令无应答", "Check the link, confirm."),
    FaultNumber.PLC_REBOOTED: FaultText("PLC restarted", "PLC 重启", "Look at the module, then confirm."),
    FaultNumber.LAYOUT_MISMATCH: FaultText("PLC has another layout or map", "PLC 布局不符", "Load the right program."),
    FaultNumber.MOTION_REFUSED: FaultText("PLC refused a move", "PLC 拒绝动作", "Read the reason, look, confirm."),
    FaultNumber.MOTION_STOPPED: FaultText("PLC stopped a move", "PLC 中止动作", "Read the PLC's fault, look, confirm."),
    FaultNumber.OCCUPANCY_MISMATCH: FaultText(
        "A car is where the journal has none, or the reverse",
        "车辆与记录不符",
        "Look at the bay and correct the record.",
    ),
    FaultNumber.EARTHQUAKE: FaultText(
        "Earthquake sensor tripped", "地震传感器动作", "Look at frame, ropes and hooks; reset, confirm."
    ),
    FaultNumber.PALLET_UNKNOWN: FaultText("A pallet's place is unknown", "载车板位置未知", "Look, then confirm."),
}
