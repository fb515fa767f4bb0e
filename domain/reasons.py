"""Why the garage decides as it does: stable codes with values, said in two languages.

Refusals have codes of their own (`domain.refusals`); a job that ended because something was refused carries that
code as its reason. What an older journal wrote as free text is read as the code `text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from domain.refusals import Refusal, RefusalCode

Value = int | float | str


class ReasonCode(Enum):
    """Code, English and Chinese words with the names of their values. Codes are API: never reuse or rename one."""

    TEXT = ("text", "{text}", "{text}")

    # the next job of a module
    FIRST_COME = ("first_come", "first come, first served", "先到先办")
    ONLY_ONE = ("only_one", "the only one waiting", "仅此一个请求")
    FIRST_OF = ("first_of", "first of {waiting}", "{waiting} 个请求中的第一个")
    NEARER = ("nearer", "on {bay}, which is nearer than {other}", "改用更近的 {bay}（原为 {other}）")
    EMERGENCY = ("emergency", "an emergency comes first", "紧急情况优先")
    OLDEST = ("oldest", "the oldest request", "最早提出")
    ALL_WAIT_LONG = (
        "all_wait_long",
        "nobody can be spared a long wait; least waiting in all",
        "超长等候无法避免，总等候最短",
    )
    LESS_BEYOND = (
        "less_beyond",
        "{saved_s} s less beyond the longest wait allowed",
        "超出最长等候的时间减少 {saved_s} 秒",
    )
    LESS_WAITING = (
        "less_waiting",
        "{saved_s} s less waiting in all than in the order of the requests",
        "比按先后顺序，总等候减少 {saved_s} 秒",
    )
    PROVEN = ("proven", "proven optimal", "已证明最优")
    NOT_PROVEN = ("not_proven", "the best order found, not proven", "已找到的最佳顺序，未证明最优")
    BOOKED = ("booked", "booked {bay}, due {at}", "预约 {bay}，{at} 用车")
    WAITS_FOR_BOOKED = (
        "waits_for_booked",
        "waits {wait_s} s for booked {bay}, due {at}",
        "等待 {wait_s} 秒，预约 {bay}，{at} 用车",
    )

    # an idle module
    LIKELY_NEXT = (
        "likely_next",
        "{chance_pct} % likely to be wanted next, saves its driver {saved_s} s",
        "下一个取车的可能性 {chance_pct} %，可为车主节省 {saved_s} 秒",
    )
    CAR_EXPECTED = (
        "car_expected",
        "a car is expected before one above is wanted ({arrivals_per_h} against {departures_per_h} an hour)",
        "预计先有车来停（每小时来车 {arrivals_per_h}，上层取车 {departures_per_h}）",
    )

    # the bay of a car
    PLACED = (
        "placed",
        "level {level} in module {module}, {jobs} jobs before",
        "{module} 库第 {level} 层，前面 {jobs} 个请求",
    )
    LOWEST_FITTING = (
        "lowest_fitting",
        "lowest fitting bay in module {module}, {jobs} jobs before",
        "{module} 库最低的合适车位，前面 {jobs} 个请求",
    )
    STAYS_HOURS = ("stays_hours", "for a stay of about {hours} h", "预计停放约 {hours} 小时")
    STAYS_DAYS = ("stays_days", "for a stay of about {days} days", "预计停放约 {days} 天")
    STAY_KNOWN = ("stay_known", "its departure is known", "离开时间已知")
    LEAVES = ("leaves", "leaves {per_day} times a day, mostly about {at}", "每天离开 {per_day} 次，多在 {at} 前后")
    NOT_SEEN_LEAVING = (
        "not_seen_leaving",
        "not seen to leave yet; a car here leaves {per_day} times a day",
        "尚无离开记录；本库车辆平均每天离开 {per_day} 次",
    )
    PALLET_DOWN = ("pallet_down", "its pallet is down already", "载车板已在地面")
    BAY_COST = (
        "bay_cost",
        "level {level}: {bring_s} s to the open gate; about {at} module {module} is busy {busy_pct} % of the time: "
        "{queue_s} s",
        "第 {level} 层：到开门 {bring_s} 秒；{at} 前后 {module} 库忙碌 {busy_pct} %：{queue_s} 秒",
    )

    # the end of a booking or a job
    DRIVER_CANCELLED = ("driver_cancelled", "cancelled by the driver", "车主取消")
    BOOKING_CANCELLED = ("booking_cancelled", "the booking was cancelled", "预约已取消")
    NOT_SERVED = ("not_served", "could not be served when it was due", "到时无法办理")
    GIVEN_UP = ("given_up", "given up", "已放弃")
    BAY_TOO_SMALL = ("bay_too_small", "the car does not fit the bay that was kept", "车辆与预留车位不符")
    EMERGENCY_WAITS = ("emergency_waits", "an emergency waits", "有紧急请求等候")
    NOBODY_CAME = ("nobody_came", "nobody came", "无人前来")
    NOBODY_CAME_IN_THE_WAY = ("nobody_came_in_the_way", "nobody came while others wait", "无人前来，且有他人等候")

    # work by hand, and starts
    GIVEN_BACK = ("given_back", "given back", "已交还")
    ASKED_ANEW = ("asked_anew", "asked anew", "重新申请")
    LET_GO = ("let_go", "the button was let go", "按钮已松开")
    MOVE_OVER = ("move_over", "its move is over", "该次动作已结束")
    KEY_TURNED = ("key_turned", "the key was turned", "钥匙已转动")
    NOT_USED = ("not_used", "nobody used it in time", "逾期未使用")
    NO_SIGN = ("no_sign", "no sign of the holder", "操作人无响应")
    LOCKED_FOR_MAINTENANCE = ("locked_for_maintenance", "locked for maintenance", "检修挂锁")
    LINK_LOST = ("link_lost", "the link was lost", "通信中断")
    CONTROLLER_STARTED = ("controller_started", "the controller started", "控制器启动")

    # what ends the power-saving night
    DAY = ("day", "the quiet hours are over", "安静时段已结束")
    SOMEBODY_ASKS = ("somebody_asks", "somebody asks for something", "有人操作")
    GARAGE_IS = ("garage_is", "the garage is in mode {mode}", "车库模式：{mode}")
    JOB_IS_OPEN = ("job_is_open", "{job} is open", "{job} 正在办理")
    ALARM_UNSEEN = ("alarm_unseen", "an alarm has not been acknowledged", "有未确认的报警")
    WORKED_ON = ("worked_on", "module {module} is being worked on", "{module} 库有人作业")
    SOMEBODY_THERE = (
        "somebody_there",
        "gate or zone of module {module} is not shut and clear",
        "{module} 库门未关或区域有人",
    )
    BOOKING_NEAR = ("booking_near", "{booking} is due soon", "{booking} 即将到时")

    # an instance's plan
    REGIME_M0 = (
        "regime_m0",
        "M0: nothing overlaps; every change of upper pallet needs one slide window",
        "M0：动作不重叠，每换一块上层载车板需一次横移",
    )
    REGIME_M1 = (
        "regime_m1",
        "M1: while a pallet is raised, rows above it slide for the next",
        "M1：载车板上升时，上方各层为下一块横移",
    )
    REGIME_M2 = (
        "regime_m2",
        "M2: rows or pallets take turns, so slides depend on where the gaps stand",
        "M2：各层或各板依次横移，用时取决于空位位置",
    )
    PROVEN_COUNTS = (
        "proven_counts",
        "proven: jobs of a level go in the order they were asked, all counts per level compared",
        "已证明：同层按先后，已比较各层全部计数",
    )
    PROVEN_GAP_STATES = (
        "proven_gap_states",
        "proven: all orders and dockings compared over gap states",
        "已证明：已比较全部顺序与空位状态",
    )
    BEAM = (
        "beam",
        "not proven: the best of a beam; {jobs} jobs are too many to compare all orders",
        "未证明：束搜索所得最佳；{jobs} 个请求过多，无法比较全部顺序",
    )
    NO_OVERLAP = (
        "no_overlap",
        "slides and lifts do not overlap: the motors' power limit or the machine's times leave no room",
        "横移与升降不重叠：受电机功率上限或设备用时所限",
    )
    BEYOND_AGE = (
        "beyond_age",
        "nothing found keeps everybody within {age_bound_ms} ms: least time beyond it in all, {beyond_ms} ms",
        "无法让所有人等候不超过 {age_bound_ms} 毫秒：超出总时间最少，为 {beyond_ms} 毫秒",
    )
    BEFORE_EARLIER = ("before_earlier", "before {passed} earlier request(s)", "先于 {passed} 个更早的请求")
    DISABLED = ("disabled", "a disabled driver first", "残障人士优先")
    LESS_WORK = ("less_work", "{saved_s} s less work than the longest of them", "比其中最长者少用 {saved_s} 秒")
    LESS_IN_ALL = ("less_in_all", "less waiting in all", "总等候更短")
    AT_GATE = ("at_gate", "its pallet stands at the gate already", "载车板已在门口")
    ON_GROUND = ("on_ground", "a ground pallet needs no move", "地面载车板无需动作")
    AFTER_HOME = ("after_home", "after {bay} is home", "{bay} 归位之后")
    SHAFT_FREE = ("shaft_free", "its shaft is free at column {column}", "第 {column} 列通道已空")
    ROWS_SLIDE = ("rows_slide", "{rows} row(s) slide to free column {column}", "{rows} 层横移，空出第 {column} 列")
    MACHINE_WAITS = ("machine_waits", "the machine waits for it until {until_ms} ms", "设备等候至 {until_ms} 毫秒")

    @property
    def code(self) -> str:
        """The stable code."""
        return str(self.value[0])


_WORDS: dict[str, tuple[str, str]] = {one.code: (one.value[1], one.value[2]) for one in ReasonCode}
_REFUSALS = {one.code: one for one in RefusalCode}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a code of `ReasonCode` or `RefusalCode`, and its values, in the order of their names."""

    code: str
    values: tuple[tuple[str, Value], ...] = ()

    def text(self, language: str) -> str:
        """The reason in words; a code that this version does not know is shown as it is, with its values."""
        values = dict(self.values)
        refusal = _REFUSALS.get(self.code)
        if refusal is not None:
            told, about = refusal.text(language), values.get("about", "")
            return f"{told} ({about})" if about else told
        words = _WORDS.get(self.code)
        try:
            return words[1 if language == "zh" else 0].format(**values) if words is not None else str(self)
        except KeyError:
            return str(self)

    def __str__(self) -> str:
        return " ".join((self.code, *(f"{name}={value}" for name, value in self.values)))

    def to_json(self) -> dict[str, Any]:
        """As in the journal and at the interfaces."""
        return {"code": self.code, "values": dict(self.values)}


Why = tuple[Reason, ...]
"""All that was weighed for one decision, the weightiest first."""


def because(code: ReasonCode, **values: Value) -> Reason:
    """The reason of a code; raises KeyError if a value that its words need is missing."""
    reason = Reason(code.code, tuple(sorted(values.items())))
    code.value[1].format(**values)
    return reason


def as_reason(refusal: Refusal) -> Reason:
    """A refusal as the reason of what follows from it."""
    return Reason(refusal.code.code, (("about", refusal.about),) if refusal.about else ())


def why_from(written: str | Iterable[Mapping[str, Any]]) -> Why:
    """What `to_json` wrote, one reason or several; also the free text of older journals (empty: no reason)."""
    if isinstance(written, str):
        return (_from_text(written),) if written else ()
    return tuple(Reason(str(one["code"]), tuple(sorted(dict(one["values"]).items()))) for one in written)


def _from_text(text: str) -> Reason:
    code, _, about = text.partition(":")
    if code in _REFUSALS or (code in _WORDS and "{" not in _WORDS[code][0]):
        return Reason(code, (("about", about.strip()),) if about else ())
    return because(ReasonCode.TEXT, text=text)


def tell(why: Why, language: str) -> str:
    """All reasons in one line."""
    return ("；" if language == "zh" else "; ").join(reason.text(language) for reason in why)
