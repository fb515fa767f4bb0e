"""The alarms that there are, as data, the most urgent first.

Decides number, priority, class, delays, what each follows from, and its cause, consequence and action
in English and Chinese. Numbers are those of the faults (`domain.faults`) and go on where these leave
room; codes and numbers are API and never used again.
"""

from __future__ import annotations

from domain.alarms import CHATTER_MS, AlarmClass, AlarmKind, Bilingual, Priority, Scope
from domain.faults import FAULT_TEXTS, FaultNumber

_LOCKED = Bilingual(
    "The module is locked: its cars wait, the other modules go on.", "该库区锁定：车辆等待，其他库区照常运行。"
)
_NO_MOTION = Bilingual("The module stands still. Somebody may be in danger.", "该库区停止运行，可能有人处于危险之中。")
_LOSS = frozenset({"plc_lost"})
_MACHINE_FAULTS = frozenset(n.name.lower() for n in FaultNumber if n < 700)
_ALL_FAULTS = frozenset(n.name.lower() for n in FaultNumber) | {"unknown_fault"}

_C, _H, _M, _L = Priority.CRITICAL, Priority.HIGH, Priority.MEDIUM, Priority.LOW
_SAFETY, _MACHINE, _SYSTEM, _SERVICE = AlarmClass.SAFETY, AlarmClass.MACHINE, AlarmClass.SYSTEM, AlarmClass.SERVICE


def _fault(
    number: FaultNumber,
    priority: Priority,
    alarm_class: AlarmClass,
    cause: tuple[str, str],
    action: tuple[str, str],
    *,
    behind: frozenset[str] = frozenset(),
    consequence: Bilingual = _LOCKED,
) -> AlarmKind:
    """The alarm of a fault. Those of safety latch, and nothing hides them."""
    text = FAULT_TEXTS[number]
    is_safety = alarm_class is AlarmClass.SAFETY
    return AlarmKind(
        number=int(number),
        code=number.name.lower(),
        scope=Scope.MODULE,
        priority=priority,
        alarm_class=alarm_class,
        title=Bilingual(text.english, text.chinese),
        cause=Bilingual(*cause),
        consequence=_NO_MOTION if is_safety else consequence,
        action=Bilingual(*action),
        latches=is_safety,
        behind=frozenset() if is_safety else _LOSS | behind,
    )


_F = FaultNumber
_FAULT_KINDS = (
    _fault(
        _F.ESTOP,
        _C,
        _SAFETY,
        ("Somebody pressed an emergency stop.", "有人按下急停。"),
        (
            "Go there and find out why. Help first. Then pull the button, reset, confirm.",
            "到现场查明原因，先救人；再拉出急停、复位、确认。",
        ),
    ),
    _fault(
        _F.ZONE_BREACH,
        _C,
        _SAFETY,
        ("A person or car came into the access zone during a move.", "运行中有人或车进入库门区域。"),
        ("Go there. Get everybody out, look into the module, reset, confirm.", "到现场清场，查看库区，复位、确认。"),
    ),
    _fault(
        _F.HOOK_NOT_CLOSED,
        _H,
        _SAFETY,
        ("The hook under a raised pallet did not lock.", "升起的载车板下防坠挂钩未锁闭。"),
        ("Keep everybody away from below. Call maintenance.", "禁止任何人进入下方，通知维修。"),
    ),
    _fault(
        _F.SLACK_ROPE,
        _H,
        _SAFETY,
        (
            "A rope lost its tension: the pallet rests on something, or the rope is off.",
            "钢丝绳松弛：载车板受阻或脱绳。",
        ),
        ("Move nothing. Keep everybody away. Call maintenance.", "禁止运行和靠近，通知维修。"),
    ),
    _fault(
        _F.OVERTRAVEL,
        _H,
        _SAFETY,
        ("A pallet went past its limit switch.", "载车板越过限位开关。"),
        ("Move nothing. Call maintenance.", "禁止运行，通知维修。"),
    ),
    _fault(
        _F.OVERLOAD,
        _M,
        _MACHINE,
        ("The car is heavier than the pallet may carry.", "车辆重量超过载车板额定载荷。"),
        ("Have the car driven off, reset, confirm.", "请驾驶员驶离，复位、确认。"),
    ),
    _fault(
        _F.LIFT_TIMEOUT,
        _M,
        _MACHINE,
        ("The hoist did not arrive in time: motor, brake or limit switch.", "升降未按时到位：电机、制动或限位。"),
        (
            "Look at motor and brake, reset, confirm; if it comes back, take the hoist out.",
            "检查电机和制动，复位、确认；再次出现则停用升降机。",
        ),
    ),
    _fault(
        _F.HOOK_NOT_OPEN,
        _M,
        _MACHINE,
        ("The hook's magnet did not draw it open.", "挂钩电磁铁未吸合。"),
        ("Have the magnet looked at; take the pallet out of service meanwhile.", "检查电磁铁，期间停用该载车板。"),
    ),
    _fault(
        _F.SLIDE_TIMEOUT,
        _M,
        _MACHINE,
        ("A row did not arrive in time: rail, motor or switch.", "横移未按时到位：轨道、电机或开关。"),
        (
            "Clear the rail, reset, confirm; if it comes back, take the row out.",
            "清理轨道，复位、确认；再次出现则停用该层。",
        ),
    ),
    _fault(
        _F.POSITION_LOST,
        _M,
        _MACHINE,
        ("A pallet stands between two positions.", "载车板停在两个位置之间。"),
        ("Look at the pallet, then confirm: it is brought home.", "查看载车板后确认，系统将其归位。"),
    ),
    _fault(
        _F.GATE_TIMEOUT,
        _M,
        _MACHINE,
        ("The gate did not reach its end switch.", "库门未到达终点开关。"),
        ("Clear the gate, reset, confirm.", "清理库门，复位、确认。"),
    ),
    _fault(
        _F.PHASE_LOSS,
        _M,
        _MACHINE,
        ("One phase of the supply is missing.", "电源缺相。"),
        ("Call the electrician; reset and confirm afterwards.", "通知电工，恢复后复位、确认。"),
    ),
    _fault(
        _F.CONTACTOR_STUCK,
        _M,
        _MACHINE,
        (
            "A motor did not hear the stop: welded contactor or dead remote I/O.",
            "电机未响应停机：接触器粘连或远程 I/O 失效。",
        ),
        ("Call the electrician; reset and confirm afterwards.", "通知电工，修复后复位、确认。"),
    ),
    _fault(
        _F.LOADED_SENSORS_DISAGREE,
        _L,
        _MACHINE,
        ("Dirt or a broken sensor under a pallet.", "载车板检测传感器脏污或损坏。"),
        ("Look whether a car stands there, clean the sensors, confirm.", "查看是否有车，清洁传感器，确认。"),
    ),
    _fault(
        _F.HEARTBEAT_STALE,
        _L,
        _SYSTEM,
        ("This program was away or the wire was cut for more than a second.", "控制程序停止或通信中断超过一秒。"),
        ("Look at the module, reset, confirm.", "查看库区，复位、确认。"),
    ),
    _fault(
        _F.COMMAND_UNANSWERED,
        _L,
        _SYSTEM,
        ("The PLC did not take a command over.", "PLC 未接收指令。"),
        ("Check the link and the PLC's mode switch, confirm.", "检查通信和 PLC 模式开关，确认。"),
        behind=_MACHINE_FAULTS,
    ),
    _fault(
        _F.PLC_REBOOTED,
        _L,
        _SYSTEM,
        ("The PLC restarted, mostly after a loss of power.", "PLC 重启，多因断电。"),
        ("Look at the module, reset, confirm if it is locked.", "查看库区，复位；如已锁定则确认。"),
        consequence=Bilingual(
            "The module compares sensors with the journal; it is locked if they differ.",
            "库区核对传感器与记录，不一致则锁定。",
        ),
    ),
    _fault(
        _F.LAYOUT_MISMATCH,
        _M,
        _SYSTEM,
        ("The PLC runs a program for another layout or register map.", "PLC 程序的布局或寄存器表不符。"),
        ("Have the right program loaded.", "下载正确的 PLC 程序。"),
    ),
    _fault(
        _F.MOTION_REFUSED,
        _L,
        _MACHINE,
        ("An interlock of the PLC forbids what was asked.", "PLC 联锁禁止该动作。"),
        ("Read the reason, look at the module, confirm.", "查看原因和库区，确认。"),
        behind=_MACHINE_FAULTS,
    ),
    _fault(
        _F.MOTION_STOPPED,
        _L,
        _MACHINE,
        ("The PLC ended a move before its goal.", "PLC 中途停止动作。"),
        ("Read the PLC's fault, look at the module, reset, confirm.", "查看 PLC 故障和库区，复位、确认。"),
        behind=_MACHINE_FAULTS,
    ),
    _fault(
        _F.OCCUPANCY_MISMATCH,
        _L,
        _MACHINE,
        ("A car was moved by hand, or a sensor is wrong.", "车辆被人工移动，或传感器错误。"),
        ("Look at the bay and correct the record.", "查看车位并更正记录。"),
    ),
    _fault(
        _F.EARTHQUAKE,
        _M,
        _MACHINE,
        ("The seismic switch of a module has tripped.", "库区地震开关动作。"),
        (
            "Look at frame, ropes and hooks of every module. Then reset, end the hold, confirm.",
            "检查各库区钢架、钢丝绳和挂钩；再复位、解除停运、确认。",
        ),
    ),
    _fault(
        _F.PALLET_UNKNOWN,
        _L,
        _MACHINE,
        ("The sensors of a pallet say neither home nor ground.", "载车板传感器既非原位也非地面。"),
        ("Look at the pallet, then confirm.", "查看载车板后确认。"),
    ),
)

_OTHER_KINDS = (
    AlarmKind(
        104,
        "controller_halted",
        Scope.SITE,
        _H,
        _SYSTEM,
        Bilingual("The controller has halted itself", "控制程序自行停机"),
        Bilingual("The program found a mistake of its own.", "程序发现自身错误。"),
        Bilingual("Nothing moves; the PLCs have stopped.", "全部停止运行，PLC 已停机。"),
        Bilingual("Note the reason, stop and start the program, tell its makers.", "记录原因，重启程序，报告开发方。"),
    ),
    AlarmKind(
        710,
        "plc_lost",
        Scope.MODULE,
        _M,
        _SYSTEM,
        Bilingual("A PLC does not answer", "PLC 无应答"),
        Bilingual(
            "Its power or network is away; several at once: the switch they share.",
            "断电或断网；多个同时：共用交换机。",
        ),
        Bilingual("The module is offline: its cars wait.", "该库区离线，车辆等待。"),
        Bilingual("Check power, network cable and switch.", "检查电源、网线和交换机。"),
        on_delay_ms=5000,
        off_delay_ms=CHATTER_MS,
    ),
    AlarmKind(
        803,
        "journal_away",
        Scope.SITE,
        _M,
        _SYSTEM,
        Bilingual("The journal cannot be written", "日志无法写入"),
        Bilingual("The disk is full or broken, or the database is away.", "磁盘已满或损坏，或数据库不可用。"),
        Bilingual("New requests are refused; running ones end.", "拒绝新请求，进行中的请求继续完成。"),
        Bilingual("Make room on the disk, or start the database.", "清理磁盘或启动数据库。"),
        on_delay_ms=5000,
        off_delay_ms=CHATTER_MS,
    ),
    AlarmKind(
        510,
        "power_limit",
        Scope.SITE,
        _M,
        _MACHINE,
        Bilingual("More power is drawn than the supply may give", "用电超过供电容量"),
        Bilingual("A charger does not follow its set current.", "充电桩未按设定电流运行。"),
        Bilingual("The main breaker may trip.", "总开关可能跳闸。"),
        Bilingual("Switch off chargers until the sum is below the limit.", "关闭部分充电桩，直至低于限值。"),
        on_delay_ms=10_000,
        off_delay_ms=CHATTER_MS,
    ),
    AlarmKind(
        810,
        "module_locked",
        Scope.MODULE,
        _M,
        _MACHINE,
        Bilingual("A module is locked", "库区已锁定"),
        Bilingual(
            "Sensors and journal differ, or a device forbids motion; the reasons say which.",
            "传感器与记录不一致，或安全装置禁止运行，见原因。",
        ),
        _LOCKED,
        Bilingual("Read the reasons, look into the module, confirm it.", "查看原因和库区，然后确认。"),
        behind=_LOSS | _ALL_FAULTS,
    ),
    AlarmKind(
        707,
        "unknown_fault",
        Scope.MODULE,
        _M,
        _MACHINE,
        Bilingual("The PLC reports a fault without a known number", "PLC 报告未知故障"),
        Bilingual("The PLC's program is newer than this one.", "PLC 程序版本较新。"),
        _LOCKED,
        Bilingual("Read the number, ask the PLC's maker, reset, confirm.", "记录编号，咨询 PLC 厂家，复位、确认。"),
        behind=_LOSS,
    ),
    AlarmKind(
        210,
        "driver_overdue",
        Scope.JOB,
        _M,
        _SERVICE,
        Bilingual("A gate has stood open too long", "库门打开过久"),
        Bilingual("The driver forgot to say clear, needs help, or is away.", "驾驶员忘记确认、需要帮助或已离开。"),
        Bilingual("The module waits for this driver.", "该库区等待这位驾驶员。"),
        Bilingual("Go to the gate. Say clear for the driver, or give the job up.", "到库门处，代为确认或取消任务。"),
        behind=_LOSS | _ALL_FAULTS | {"module_locked"},
    ),
    AlarmKind(
        811,
        "job_overdue",
        Scope.JOB,
        _L,
        _SERVICE,
        Bilingual("A job has waited too long", "任务等待过久"),
        Bilingual("Many wait for one module, or it works slowly.", "同一库区任务过多或运行缓慢。"),
        Bilingual("A driver waits.", "驾驶员在等待。"),
        Bilingual("Tell the driver; look what holds the module up.", "告知驾驶员，查看库区受阻原因。"),
        behind=_LOSS | _ALL_FAULTS | {"module_locked", "driver_overdue"},
    ),
    AlarmKind(
        713,
        "charger_silent",
        Scope.SPOT,
        _L,
        _SERVICE,
        Bilingual("A charger does not answer", "充电桩无应答"),
        Bilingual("Its power or network is away.", "断电或断网。"),
        Bilingual(
            "It charges at its failsafe current at most; nothing new starts there.",
            "仅以安全电流充电，不能开始新会话。",
        ),
        Bilingual("Check its breaker and network cable.", "检查断路器和网线。"),
        on_delay_ms=CHATTER_MS,
        off_delay_ms=CHATTER_MS,
    ),
    AlarmKind(
        511,
        "charger_faulted",
        Scope.SPOT,
        _L,
        _SERVICE,
        Bilingual("A charger reports a fault", "充电桩故障"),
        Bilingual("Residual current, a broken cable, or the charger itself.", "漏电、电缆损坏或充电桩自身故障。"),
        Bilingual("Nobody charges there.", "该车位不能充电。"),
        Bilingual(
            "Look at cable and socket, switch the charger off and on, call its service.",
            "检查电缆和插座，重启充电桩，联系售后。",
        ),
        behind=frozenset({"charger_silent"}),
        on_delay_ms=5000,
        off_delay_ms=CHATTER_MS,
    ),
    AlarmKind(
        310,
        "part_out",
        Scope.PART,
        _L,
        _SERVICE,
        Bilingual("A part has been out of service for a day", "部件停用已超过一天"),
        Bilingual("It was taken out and not put back.", "部件停用后未恢复。"),
        Bilingual("Bays are missing, or cars wait for it.", "车位减少，或有车辆等待。"),
        Bilingual("Have it repaired, put it back.", "安排维修并恢复使用。"),
        off_delay_ms=0,
    ),
    AlarmKind(
        311,
        "maintenance_due",
        Scope.MODULE,
        _L,
        _SERVICE,
        Bilingual("Maintenance is due", "保养到期"),
        Bilingual("A service has reached its count or its date.", "保养项目已到次数或日期。"),
        Bilingual(
            "Wear goes on unseen; an inspection that is overdue may forbid use.", "磨损无人检查；检验逾期可能禁止使用。"
        ),
        Bilingual("Open the maintenance page, have it done, record it.", "打开保养页面，安排保养并登记。"),
        off_delay_ms=0,
    ),
    AlarmKind(
        312,
        "wear",
        Scope.PART,
        _L,
        _SERVICE,
        Bilingual("A part takes more time or power than usual", "部件耗时或功率高于平常"),
        Bilingual(
            "Friction, a weak magnet or brake, a worn rope or rail; many at once: low voltage.",
            "摩擦、电磁铁或制动器减弱、钢丝绳或导轨磨损；多个同时：电压偏低。",
        ),
        Bilingual("It may fail next.", "可能即将发生故障。"),
        Bilingual(
            "Look and listen; take it out of service if in doubt. After the repair record it as renewed.",
            "查看并听声音，有疑问则停用；修复后登记为已更新。",
        ),
        off_delay_ms=0,
    ),
)

CATALOGUE: dict[str, AlarmKind] = {
    kind.code: kind for kind in sorted((*_FAULT_KINDS, *_OTHER_KINDS), key=lambda kind: (kind.priority, kind.number))
}
"""Every alarm by its code, the most urgent first."""
