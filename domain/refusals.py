"""Why a command or a motion is refused: stable codes with a sentence for people in two languages."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class RefusalCode(Enum):
    """Code, English sentence, Chinese sentence. Codes are API: never reuse or rename one."""

    UNKNOWN_PLATE = ("unknown_plate", "No car with this plate is parked here.", "库内没有这辆车。")
    WRONG_PIN = ("wrong_pin", "The code is not right.", "取车码不正确。")
    PIN_LOCKED = (
        "pin_locked",
        "Too many wrong codes. Please wait or call the attendant.",
        "输错次数过多，请稍候或联系管理员。",
    )
    ALREADY_COMING = ("already_coming", "This car is already on its way.", "这辆车已经在取车途中。")
    ALREADY_PARKED = ("already_parked", "A car with this plate is already parked.", "这辆车已经在库内。")
    JOB_OPEN = ("job_open", "There is already an open request for this plate.", "这辆车已有未完成的请求。")
    GARAGE_FULL = ("garage_full", "No bay is free.", "车库已满。")
    NO_FITTING_BAY = (
        "no_fitting_bay",
        "No free bay takes a car of this size or weight.",
        "没有适合这辆车尺寸或重量的空车位。",
    )
    VEHICLE_TOO_LARGE = (
        "vehicle_too_large",
        "The car is too big or too heavy for this garage.",
        "车辆尺寸或重量超出本库限制。",
    )
    NO_MODULE_READY = (
        "no_module_ready",
        "The machine is not ready; please call the attendant.",
        "设备未就绪，请联系管理员。",
    )
    MODULE_LOCKED = (
        "module_locked",
        "This module is locked until an operator confirms.",
        "该库区已锁定，等待管理员确认。",
    )
    MODULE_NOT_LOCKED = ("module_not_locked", "This module is not locked.", "该库区未锁定。")
    GARAGE_PAUSED = ("garage_paused", "The garage takes no new requests now.", "车库暂停受理新请求。")
    GARAGE_MODE = ("garage_mode", "The garage is not in the mode that this needs.", "车库当前模式不允许此操作。")
    GARAGE_HALTED = (
        "garage_halted",
        "The controller has stopped itself; call the attendant.",
        "控制系统已停机，请联系管理员。",
    )
    JOURNAL_AWAY = (
        "journal_away",
        "The garage cannot write its journal; no new requests.",
        "系统日志不可用，暂停受理。",
    )
    JOURNAL_DOUBTED = (
        "journal_doubted",
        "The journal lacks an event that this PLC keeps: it is older, or it was changed.",
        "日志缺少 PLC 保存的记录：可能是旧备份或已被改动。",
    )
    UNKNOWN_JOB = ("unknown_job", "There is no such request.", "没有这个请求。")
    JOB_NOT_AT_GATE = ("job_not_at_gate", "The gate is not open for this request.", "该请求的库门尚未打开。")
    ZONE_NOT_CLEAR = (
        "zone_not_clear",
        "Someone or something is still in front of the bay.",
        "库门内仍有人或物。",
    )
    CAR_NOT_ON_PALLET = (
        "car_not_on_pallet",
        "The car does not stand on the pallet yet.",
        "车辆尚未停到载车板上。",
    )
    CAR_STILL_ON_PALLET = ("car_still_on_pallet", "The car still stands on the pallet.", "车辆仍在载车板上。")
    SENSORS_DISAGREE = ("sensors_disagree", "Two sensors contradict each other.", "两个传感器信号不一致。")
    CAR_TOO_HEAVY = (
        "car_too_heavy",
        "The pallet cannot carry this car safely; please drive out and give up.",
        "载车板无法安全承载这辆车，请驶出并取消。",
    )
    JOB_TOO_FAR = ("job_too_far", "The request can no longer be cancelled.", "该请求已无法取消。")
    UNKNOWN_SPOT = ("unknown_spot", "There is no such charging spot.", "没有这个充电车位。")
    SPOT_TAKEN = ("spot_taken", "This charging spot is taken.", "该充电车位已被占用。")
    ALL_SPOTS_TAKEN = ("all_spots_taken", "All charging spots are taken.", "充电车位已满。")
    SPOT_OFFLINE = ("spot_offline", "This charger does not answer.", "该充电桩离线。")
    NOT_CHARGING = ("not_charging", "Nothing is charging there.", "该车位没有正在进行的充电。")
    UNKNOWN_MODULE = ("unknown_module", "There is no such module.", "没有这个库区。")
    UNKNOWN_BAY = ("unknown_bay", "There is no such bay.", "没有这个车位。")
    BAY_TAKEN = ("bay_taken", "The journal already has a car in this bay.", "该车位已登记有车。")
    BAY_EMPTY = ("bay_empty", "The journal has no car in this bay.", "该车位没有登记车辆。")
    LINK_DOWN = ("link_down", "The module's controller does not answer.", "库区控制器无应答。")
    INCOMPATIBLE_PLC = (
        "incompatible_plc",
        "The PLC was built for another layout or register map.",
        "PLC 的布局或寄存器版本不符。",
    )
    PALLET_UNKNOWN = ("pallet_unknown", "A pallet is between positions.", "有载车板不在位。")
    OCCUPANCY_DIFFERS = (
        "occupancy_differs",
        "Sensors and journal disagree about a car.",
        "传感器与记录的车辆不一致。",
    )
    PLC_FAULT = ("plc_fault", "The PLC reports a fault that must be reset first.", "PLC 有未复位的故障。")
    PLC_NOT_AUTOMATIC = ("plc_not_automatic", "The PLC is not in automatic mode.", "PLC 不在自动模式。")
    PATH_BLOCKED = ("path_blocked", "A pallet stands in the way.", "移动路径被占用。")
    LEVEL_BUSY = ("level_busy", "Something is moving on a level the path crosses.", "相关层有载车板在移动。")
    HOIST_BUSY = (
        "hoist_busy",
        "Another pallet of the module is being lifted or is down.",
        "本库区有载车板正在升降或未归位。",
    )
    HOOK_NOT_CLOSED = ("hook_not_closed", "A hook is not closed.", "防坠挂钩未锁闭。")
    NOT_HOME = ("not_home", "The pallet is not at its home height.", "载车板不在原位。")
    GATE_NOT_SHUT = ("gate_not_shut", "The gate is not shut.", "库门未关闭。")
    SAFETY_NOT_OK = ("safety_not_ok", "A safety device forbids motion.", "安全装置禁止动作。")
    NO_POWER = ("no_power", "The supply limit leaves no power for this motor.", "供电容量不足。")
    UNKNOWN_BOOKING = ("unknown_booking", "There is no such booking.", "没有这个预约。")
    BOOKING_EXISTS = (
        "booking_exists",
        "This car already has a booking at about this time.",
        "这辆车在该时间前后已有预约。",
    )
    BOOKING_PAST = ("booking_past", "This time has already passed.", "该时间已经过去。")
    BOOKING_TOO_FAR = (
        "booking_too_far",
        "Bookings can be made for the next 31 days.",
        "只能预约未来31天内的时间。",
    )
    BOOKING_TIME = ("booking_time", "This is not a time of the day.", "时间不正确。")
    BOOKING_NEEDS_CAR = (
        "booking_needs_car",
        "This car is not parked here; tell us the kind of car, or park it first.",
        "这辆车不在库内，请先停车或提供车型。",
    )
    BOOKING_LIMIT = ("booking_limit", "There are too many bookings for this car.", "这辆车的预约过多。")
    BOOKING_CALLED = (
        "booking_called",
        "The car is already being brought; the booking can only be cancelled.",
        "车辆已在取车途中，只能取消预约。",
    )
    UNKNOWN_PART = (
        "unknown_part",
        "There is no such part; write for example A-3-07, A-3, A-2@05 or A.",
        "没有这个部件；写法例如 A-3-07、A-3、A-2@05 或 A。",
    )
    PART_ALREADY_OUT = ("part_already_out", "This part is already out of service.", "该部件已经停用。")
    PART_NOT_OUT = ("part_not_out", "This part is not out of service.", "该部件未停用。")
    OUT_OF_SERVICE = ("out_of_service", "The move needs a part that is out of service.", "动作需要已停用的部件。")
    UNKNOWN_ALARM = ("unknown_alarm", "There is no such alarm.", "没有这个报警。")
    ALARM_STATE = ("alarm_state", "The alarm is not in the state that this needs.", "报警当前状态不允许此操作。")
    ALARM_SAFETY = (
        "alarm_safety",
        "A safety alarm can be neither shelved nor taken out of service.",
        "安全报警不能搁置或停用。",
    )
    SHELVE_TIME = ("shelve_time", "An alarm is shelved for 1 minute to 8 hours.", "报警可搁置1分钟至8小时。")
    MODULE_MANUAL = (
        "module_manual",
        "This module is being worked by hand; please wait or call the attendant.",
        "该库区正在人工操作，请稍候或联系管理员。",
    )
    MODULE_MAINTENANCE = ("module_maintenance", "This module is locked for maintenance.", "该库区检修锁定中。")
    MANUAL_HELD = ("manual_held", "Somebody else has this module in hand.", "该库区已由他人手动操作。")
    NOT_MANUAL = ("not_manual", "Nobody has taken this module in hand.", "该库区未处于手动操作。")
    KEY_NOT_MANUAL = (
        "key_not_manual",
        "The key at the machine must be on, with the switch on manual.",
        "请先将现场钥匙开关转到手动位置。",
    )
    NOT_HOLDER = (
        "not_holder",
        "This page no longer has the module in hand.",
        "本页面已失去该库区的手动操作权。",
    )
    OLD_COUNTER = ("old_counter", "An old or repeated signal of the hold button.", "按住信号过期或重复。")
    UNKNOWN_MOVE = ("unknown_move", "There is no such pallet, level or column.", "没有这个载车板、层或列。")
    NO_LOCK_OF_OWNER = ("no_lock_of_owner", "This person has no lock there.", "此人在该处没有挂锁。")
    NO_REMOVAL_ASKED = (
        "no_removal_asked",
        "Nobody has asked to remove this lock in the last quarter of an hour.",
        "15分钟内无人申请取下此锁。",
    )
    SECOND_PERSON = ("second_person", "A second person has to grant this.", "须由另一人批准。")
    NO_BYPASS_ASKED = ("no_bypass_asked", "Nobody has asked to set this aside.", "没有待批准的旁路申请。")
    CONFIRM_NEEDED = (
        "confirm_needed",
        "This module was locked or worked on by hand; an operator has to confirm it.",
        "库区曾锁定或经人工操作，须由管理员确认。",
    )
    LOCK_HANGS = ("lock_hangs", "Your lock already hangs on this module.", "您的锁已挂在该库区。")
    LOCK_NOT_YOURS = ("lock_not_yours", "No lock of yours hangs on this module.", "该库区没有您挂的锁。")
    FIRE = ("fire", "Fire alarm. Leave the garage on foot; nothing is fetched.", "火警！请步行离开，停止取车。")
    GARAGE_HELD = (
        "garage_held",
        "The garage rests until a danger is over.",
        "因险情停止运行，请等候通知。",
    )
    STILL_DANGER = ("still_danger", "A sensor still reports the danger.", "传感器仍报告险情。")
    UNKNOWN_SERVICE = (
        "unknown_service",
        "No such service is configured for this part.",
        "该部件没有配置这个保养项目。",
    )
    UNREACHABLE = ("unreachable", "No sequence of moves brings this pallet down.", "无法将该载车板降至地面。")

    @property
    def code(self) -> str:
        """The stable code."""
        return self.value[0]

    def text(self, language: str = "en") -> str:
        """The sentence for people; `language` is `zh` or `en`."""
        return self.value[2] if language == "zh" else self.value[1]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason: a code and what it is about (a pallet, a level, a number), for the detail line."""

    code: RefusalCode
    about: str = ""
    detail: dict[str, int | str] = field(default_factory=dict, compare=False)
