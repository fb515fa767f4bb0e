"""Each event as a sentence, in English and Chinese: what happened, to what, and why.

Decides only how events are said. States are called as in docs/state-machines.md; PIN digests are never said.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from domain.events import CommandRefused, Event, JobQueued, MotionRequested, WorkRecorded
from domain.ids import Plate
from domain.outputs import GATE, Opcode
from domain.reasons import tell, why_from

HIDDEN = "***"
"""Stands for a plate where the reader may not see it."""

_MOVES: dict[int, tuple[str, str]] = {
    Opcode.SLIDE: (
        "slide on level {mailbox}: column {first} is freed, {second} filled",
        "第{mailbox}层横移：{first}列让出，移入{second}列",
    ),
    Opcode.LOWER: ("lower pallet {first} of level {mailbox}", "第{mailbox}层{first}号载车板下降"),
    Opcode.RAISE: ("raise pallet {first} of level {mailbox}", "第{mailbox}层{first}号载车板上升"),
    Opcode.GATE_OPEN: ("open the gate", "打开库门"),
    Opcode.GATE_CLOSE: ("shut the gate", "关闭库门"),
    Opcode.RESET: ("reset latched faults", "复位故障"),
}
_OPCODES = {opcode.value: opcode for opcode in Opcode}
_BY_HAND = ("{move}, by hand", "手动{move}")

_SENTENCES: dict[str, tuple[str, str]] = {
    "CarRegistered": ("car {plate} entered by hand, in bay {bay}", "人工登记车辆 {plate}，车位 {bay}"),
    "CarStruck": ("car {plate} struck out of bay {bay} by {operator}", "{operator} 注销车位 {bay} 的车辆 {plate}"),
    "JobQueued": ("{job}: {kind} of {plate}, bay {bay}, accepted", "{job}：受理{plate}（{kind}），车位 {bay}"),
    "JobAdvanced": ("{job} is {state}", "{job} 进入状态 {state}"),
    "DriverCame": ("{job}: its driver has come", "{job}：车主已到"),
    "JobMovedToBay": ("{job} takes bay {bay} instead", "{job} 改用车位 {bay}"),
    "JobEstimated": ("{job}: a wait of {wait_s} s was told", "{job}：预计等候 {wait_s} 秒"),
    "StanceTaken": ("module {module} brings {bay} before anybody asks", "库区 {module} 提前准备 {bay}"),
    "BookingMade": ("{booking}: {kind} of {plate} booked", "{booking}：{plate} 预约（{kind}）"),
    "BookingChanged": ("{booking} has another time", "{booking} 改期"),
    "BookingAdvanced": ("{booking} is {state}", "{booking} 进入状态 {state}"),
    "SessionAdvanced": ("{job}: session at the gate is {state}", "{job}：库门会话 {state}"),
    "CarParked": ("{job}: car {plate} is parked in {bay}", "{job}：{plate} 已存入 {bay}"),
    "CarLeft": ("{job}: car {plate} has left {bay}", "{job}：{plate} 已离开 {bay}"),
    "MotionRequested": (
        "module {module} is asked to {move} (command {command_id})",
        "请求库区 {module}：{move}（指令 {command_id}）",
    ),
    "MotionEnded": (
        "module {module}: command {command_id} ended, {result}",
        "库区 {module}：指令 {command_id} 结束，{result}",
    ),
    "ModuleAdvanced": ("module {module} is {state}", "库区 {module} 进入状态 {state}"),
    "LinkAdvanced": ("the link to {device} is {state}", "{device} 的连接 {state}"),
    "NightAdvanced": ("lights and displays: {state}", "照明与显示：{state}"),
    "GarageAdvanced": ("the garage is {state}", "车库进入状态 {state}"),
    "FaultRaised": ("module {module}: fault {number} {about}", "库区 {module}：故障 {number} {about}"),
    "FaultsReset": ("{operator} resets the faults of module {module}", "{operator} 复位库区 {module} 的故障"),
    "ModuleConfirmed": ("{operator} confirms module {module}", "{operator} 确认库区 {module}"),
    "ManualTaken": ("{operator} takes module {module} in hand", "{operator} 手动接管库区 {module}"),
    "ManualReleased": ("module {module} is out of {operator}'s hand", "{operator} 结束手动操作库区 {module}"),
    "BypassAsked": (
        "{operator} asks to set interlock {interlock} of module {module} aside",
        "{operator} 申请旁路库区 {module} 的联锁 {interlock}",
    ),
    "BypassGranted": (
        "{second} grants {operator} to set interlock {interlock} of module {module} aside for one move",
        "{second} 批准 {operator} 旁路库区 {module} 的联锁 {interlock}，限一次动作",
    ),
    "BypassEnded": (
        "interlock {interlock} of module {module} is in force again",
        "库区 {module} 的联锁 {interlock} 恢复",
    ),
    "LockHung": ("{operator} hangs a lock on module {module}", "{operator} 在库区 {module} 挂锁"),
    "LockRemovalAsked": (
        "{operator} asks to remove the lock of {owner} from module {module}",
        "{operator} 申请取下 {owner} 在库区 {module} 的锁",
    ),
    "LockRemovedForOwner": (
        "the lock of {owner} is removed from module {module} by {operator} and {second}",
        "{operator} 与 {second} 取下 {owner} 在库区 {module} 的锁",
    ),
    "LockRemoved": ("{operator} removes a lock from module {module}", "{operator} 取下库区 {module} 的锁"),
    "AlarmRaised": ("alarm {alarm} is {state} {about}", "报警 {alarm}：{state} {about}"),
    "AlarmReturned": ("what alarm {alarm} told is over; it is {state}", "报警 {alarm} 的原因消失：{state}"),
    "AlarmSuppressed": (
        "alarm {alarm} is not told: {because} explains it {about}",
        "报警 {alarm} 不提示：由 {because} 说明 {about}",
    ),
    "AlarmUnsuppressed": ("alarm {alarm} speaks for itself: {state}", "报警 {alarm} 恢复提示：{state}"),
    "AlarmAcknowledged": ("{operator} acknowledges alarm {alarm}: {state}", "{operator} 确认报警 {alarm}：{state}"),
    "AlarmReset": ("{operator} resets alarm {alarm}", "{operator} 复位报警 {alarm}"),
    "AlarmShelved": ("{operator} shelves alarm {alarm}", "{operator} 搁置报警 {alarm}"),
    "AlarmUnshelved": (
        "alarm {alarm} is off the shelf: {state} {operator}",
        "报警 {alarm} 结束搁置：{state} {operator}",
    ),
    "AlarmTakenOut": ("{operator} takes alarm {alarm} out of service", "{operator} 停用报警 {alarm}"),
    "AlarmPutBack": ("{operator} puts alarm {alarm} back: {state}", "{operator} 恢复报警 {alarm}：{state}"),
    "PartTakenOut": ("{operator} takes {part} out of service", "{operator} 停用 {part}"),
    "PartPutBack": ("{operator} puts {part} back into service", "{operator} 恢复 {part}"),
    "CountersRead": (
        "the PLC of module {module} has counted {lifts} lifts and {slides} slides",
        "库区 {module} 的 PLC 累计升降 {lifts} 次、横移 {slides} 次",
    ),
    "WorkRecorded": (
        "{operator} records that {person} has done {service} on {told_parts} {note}",
        "{operator} 记录：{person} 已完成 {told_parts} 的 {service} {note}",
    ),
    "JobOverdue": ("{job} is overdue in {state}", "{job} 在 {state} 超时"),
    "JobWithdrawn": ("{job} is given up; its pallet goes home", "{job} 放弃，载车板归位"),
    "PinRejected": ("a wrong code for {plate}", "{plate} 取车码错误"),
    "PinAccepted": ("the right code for {plate} after wrong ones", "{plate} 取车码正确"),
    "CommandRefused": ("{command} about {subject} is refused", "拒绝 {command}（{subject}）"),
    "SpotAdvanced": ("charging spot {spot} is {state}", "充电车位 {spot}：{state}"),
    "ChargingStarted": ("{charging}: {plate} charges at {spot}", "{charging}：{plate} 在 {spot} 充电"),
    "EnergyMetered": ("{charging}: {energy_wh} Wh metered", "{charging}：计量 {energy_wh} Wh"),
    "ChargingEnded": ("{charging}: charging of {plate} at {spot} ended", "{charging}：{plate} 在 {spot} 充电结束"),
}


def tell_event(event: Event, language: str = "en") -> str:
    """What happened, and why if a reason is recorded."""
    pick = 1 if language == "zh" else 0
    values: dict[str, Any] = {field.name: getattr(event, field.name) for field in fields(event)}
    if isinstance(event, MotionRequested):
        values["move"] = _move(event, pick)
    if "wait_ms" in values:
        values["wait_s"] = values["wait_ms"] // 1000
    if isinstance(event, WorkRecorded):
        values["told_parts"] = _parts(event.parts, pick)
    sentence = _SENTENCES.get(type(event).__name__, (type(event).__name__,) * 2)[pick].format(**values).strip()
    reasons = [tell_reason(reason, language) for reason in values.get("reasons", ())]
    reasons += [tell(values["why"], language)] if values.get("why") else []
    reasons += [tell_reason(values["reason"], language)] if isinstance(values.get("reason"), str) else []
    reasons = [reason for reason in reasons if reason]
    if isinstance(event, CommandRefused) and event.unrecorded:
        reasons.append((f"{event.unrecorded} before it were not recorded", f"此前 {event.unrecorded} 次未记录")[pick])
    joined = ("; ", "；")[pick].join(reasons)
    return sentence if not reasons else (f"{sentence}: {joined}", f"{sentence}：{joined}")[pick]


def tell_reason(reason: str, language: str = "en") -> str:
    """A reason written as `code` or `code:subject` as a sentence; what is no code is said as it is."""
    return tell(why_from(reason), language)


def without_plates(event: Event) -> Event:
    """The same event for readers who may not see whose car it was."""
    if isinstance(event, CommandRefused):
        # Subjects may be plates; what the command was and why it was refused is enough.
        return replace(event, subject=HIDDEN, reasons=tuple(reason.partition(":")[0] for reason in event.reasons))
    if isinstance(event, JobQueued):
        # Why a car got its bay tells a household's habits.
        return replace(event, plate=Plate(HIDDEN), why=())
    return _with_plate(event, Plate(HIDDEN)) if hasattr(event, "plate") else event


def _with_plate(event: Any, plate: Plate) -> Event:
    changed: Event = replace(event, plate=plate)
    return changed


def _parts(parts: tuple[str, ...], pick: int) -> str:
    first, count = next(iter(parts), "?"), len(parts)
    return first if count == 1 else (f"{first} and {count - 1} more", f"{first} 等 {count} 个部件")[pick]


def _move(event: MotionRequested, pick: int) -> str:
    unknown = f"opcode {event.opcode}"
    opcode = _OPCODES.get(event.opcode, Opcode.NONE)
    sentence = _MOVES.get(opcode.plain, (unknown, unknown))[pick]
    level = "" if event.mailbox == GATE else event.mailbox
    told = sentence.format(mailbox=level, first=event.first, second=event.second)
    return _BY_HAND[pick].format(move=told) if opcode.is_jog else told
