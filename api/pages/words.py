"""Every sentence of the pages, in English and Chinese.

Decides only how things are said. Refusals and faults have their sentences in `domain`.
"""

from __future__ import annotations

from typing import Any, Final

from api.times import clock_time, local_moment
from domain.refusals import RefusalCode

LANGUAGES: Final = ("zh", "en")
_REFUSALS: Final = {refusal.code: refusal for refusal in RefusalCode}
_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

WORDS: dict[str, tuple[str, str]] = {
    # common
    "garage": ("Garage", "立体车库"),
    "language_other": ("中文", "English"),
    "simulation": ("SIMULATION", "模拟运行"),
    "stale": ("No data. What you see is old.", "数据中断，画面不是最新状态。"),
    "offline": ("The garage does not answer. Please wait or call the attendant.", "车库暂无应答，请稍候或联系管理员。"),
    "booked_count": ("booked", "预约"),
    "nav_live": ("Live view", "实时画面"),
    "nav_kiosk": ("Park or fetch", "停车取车"),
    "nav_operator": ("Operator", "值班"),
    "nav_ledger": ("Ledger", "账目"),
    "nav_replay": ("History", "事件回放"),
    "replay_title": ("What has happened", "事件回放"),
    "replay_saw": ("What the controller saw", "控制器看到的"),
    "replay_no_sight": ("No picture is recorded with this kind of event.", "此类事件不记录图像。"),
    "replay_knew": ("What it knew", "控制器掌握的情况"),
    "replay_events": ("Events, the newest first", "事件（最新在前）"),
    "replay_newest": ("Newest", "最新"),
    "replay_older": ("Older", "更早"),
    "log_out": ("Log out", "退出"),
    # live view
    "free_bays": ("free bays", "空车位"),
    "waiting": ("waiting", "等候"),
    "module": ("Module", "库区"),
    "gate": ("Gate", "库门"),
    "spots": ("Charging spots", "充电车位"),
    "power": ("Power", "用电"),
    "power_motors": ("motors", "电机"),
    "power_chargers": ("charging", "充电"),
    "power_limit": ("limit", "上限"),
    "queue": ("Now and next", "正在办理"),
    "queue_empty": ("Nobody is waiting.", "当前无人等候。"),
    "queue_kind": ("What", "事项"),
    "queue_bay": ("Bay", "车位"),
    "queue_state": ("State", "状态"),
    "queue_eta": ("Ready in", "预计"),
    "overdue": ("overdue", "超时"),
    "legend_empty": ("empty", "空"),
    "legend_loaded": ("car", "有车"),
    "legend_moving": ("moving", "移动中"),
    "legend_between": ("place unknown", "位置未知"),
    "storage": ("Parking", "停车"),
    "retrieval": ("Fetching", "取车"),
    "module_ready": ("ready", "就绪"),
    "module_working": ("working", "运行中"),
    "module_locked": ("locked", "锁定"),
    "module_offline": ("offline", "离线"),
    "module_reconciling": ("checking", "核对中"),
    "gate_closed": ("closed", "关闭"),
    "gate_opening": ("opening", "正在打开"),
    "gate_open": ("open", "打开"),
    "gate_closing": ("closing", "正在关闭"),
    "gate_unknown": ("unknown", "未知"),
    "mode_starting": ("starting", "启动中"),
    "mode_automatic": ("automatic", "自动"),
    "mode_paused": ("paused: no new requests", "暂停受理"),
    "mode_halted": ("halted", "停机"),
    "mode_holding": ("resting: a danger", "险情停运"),
    "mode_fire": ("FIRE ALARM", "火警"),
    "module_manual": ("in hand", "手动操作"),
    "module_maintenance": ("maintenance, locked", "检修锁定"),
    "kiosk_fire": ("Fire alarm. Leave the garage on foot now.", "火警！请立即步行离开车库。"),
    "kiosk_holding": ("The garage rests until a danger is over.", "因险情停止运行，请等候通知。"),
    "kiosk_module_manual": (
        "Module {module} is being worked by hand. Keep away from its gate.",
        "库区 {module} 正在人工操作，请勿靠近库门。",
    ),
    "kiosk_module_maintenance": ("Module {module} is closed for maintenance.", "库区 {module} 检修中，暂停使用。"),
    # work by hand
    "by_hand": ("By hand", "手动与恢复"),
    "hand_title": ("Module {module} by hand", "库区 {module} 手动操作"),
    "hand_key_first": (
        "Turn the key at the machine to manual, look, and keep looking while you hold a button.",
        "先将现场钥匙转到手动；按住按钮时必须目视设备。",
    ),
    "hand_take": ("Take in hand", "取得操作权"),
    "hand_release": ("Give back", "交还操作权"),
    "hand_reason": ("Reason", "原因"),
    "hand_holder": ("In the hand of", "操作人"),
    "hand_nobody": ("nobody", "无"),
    "hand_steps": ("What comes next", "恢复步骤"),
    "hand_no_steps": ("Nothing is missing.", "无待办步骤。"),
    "hand_not_yet": ("not yet", "暂不可"),
    "hand_hold": ("HOLD", "按住"),
    "hand_moves": ("Single moves", "单步动作"),
    "hand_level": ("Level", "层"),
    "hand_pallet": ("Pallet", "载车板"),
    "hand_from": ("Column to be freed", "腾空列"),
    "hand_to": ("Free column", "空列"),
    "hand_lower": ("Lower", "下降"),
    "hand_raise": ("Raise", "上升"),
    "hand_slide": ("Slide", "横移"),
    "hand_gate_open": ("Open gate", "开门"),
    "hand_gate_close": ("Shut gate", "关门"),
    "hand_stopped": ("Stopped", "已停止"),
    "hand_moving": ("MOVING", "动作中"),
    "hand_bypass": ("Set one interlock aside (two people)", "旁路一项联锁（须两人）"),
    "hand_bypass_ask": ("Ask", "申请"),
    "hand_bypass_grant": ("I have looked and agree", "我已查看，同意"),
    "hand_hook_closed": ("hook closed switch", "挂钩锁闭开关"),
    "hand_loaded_sensors": ("car sensors", "载车传感器"),
    "hand_locks": ("Locks of maintenance", "检修挂锁"),
    "hand_lock": ("Hang my lock", "挂上我的锁"),
    "hand_unlock": ("Remove my lock", "取下我的锁"),
    "hand_stranded": ("Cars that cannot be brought", "无法取出的车"),
    "hand_waiting": ("Drivers who wait", "等候的车主"),
    "hand_lost": ("The garage does not answer: everything is let go.", "系统无应答，已松开。"),
    "danger_hold": ("Danger: stop serving", "险情停运"),
    "danger_end": ("Danger is over", "险情解除"),
    "danger_fire": ("fire", "火灾"),
    "danger_earthquake": ("earthquake", "地震"),
    "danger_flood": ("flood", "水淹"),
    "danger_snow": ("snow", "大雪"),
    "danger_storm": ("storm", "大风"),
    "sure_danger": ("Stop the whole garage?", "确认全库停运？"),
    "job_queued": ("queued", "排队"),
    "job_preparing": ("making room", "让位中"),
    "job_delivering": ("coming down", "下降中"),
    "job_standing_by": ("ready at the gate, waiting for the driver", "已在门口，等待车主"),
    "job_at_gate": ("at the gate", "在门口"),
    "job_returning": ("going home", "归位中"),
    "job_done": ("done", "完成"),
    "job_cancelled": ("cancelled", "已取消"),
    "booking_planned": ("planned", "已预约"),
    "booking_called": ("being served", "正在办理"),
    "booking_kept": ("kept", "已完成"),
    "booking_missed": ("missed", "未赴约"),
    "booking_cancelled": ("cancelled", "已取消"),
    "repeat_once": ("once", "一次"),
    "repeat_daily": ("every day", "每天"),
    "repeat_weekdays": ("Monday to Friday", "周一至周五"),
    "kind_departure": ("Leave", "出门取车"),
    "kind_arrival": ("Come home", "回家停车"),
    "why_emergency": ("an emergency", "紧急情况"),
    "why_disabled": ("disabled driver first", "残障人士优先"),
    "why_booked": ("booked for {at}, driver not here yet", "预约 {at}，车主未到"),
    "why_booked_here": ("booked for {at}, driver here", "预约 {at}，车主已到"),
    "why_ahead": ("{n} before it in its module", "本库区前面还有 {n} 个"),
    "why_next": ("next in its module", "本库区下一个"),
    "session_opening": ("gate opens", "开门中"),
    "session_open": ("gate open", "门已开"),
    "session_closing": ("gate closes", "关门中"),
    "session_checking": ("checking", "检查中"),
    "session_closed": ("gate shut", "门已关"),
    "spot_Available": ("free", "空闲"),
    "spot_Preparing": ("plug in", "待插枪"),
    "spot_Charging": ("charging", "充电中"),
    "spot_SuspendedEV": ("car pauses", "车辆暂停"),
    "spot_SuspendedEVSE": ("waits for power", "等待供电"),
    "spot_Finishing": ("finished", "已结束"),
    "spot_Faulted": ("fault", "故障"),
    "spot_Unavailable": ("offline", "离线"),
    "eta_now": ("now", "马上"),
    "eta_under_minute": ("under 1 min", "不到 1 分钟"),
    "eta_minutes": ("about {n} min", "约 {n} 分钟"),
    "eta_range": ("{a} to {b} min", "{a}–{b} 分钟"),
    # bookings
    "book": ("Book a time", "预约取车"),
    "book_hint": ("Ready when you leave", "到点在门口等您"),
    "pin_book_hint": ("If the car is not here: choose six digits", "车不在库内时，请自选六位数字"),
    "class_book_hint": ("The car is not here: we book a bay for its coming home", "车不在库内，为您预约回家的车位"),
    "ask_kind": ("Leave, or come home?", "出门，还是回家？"),
    "departure": ("Leave", "出门"),
    "arrival": ("Come home", "回家"),
    "departure_hint": ("The car waits at the gate", "车在门口等您"),
    "arrival_hint": ("A bay waits for the car", "车位等您回来"),
    "ask_hour_departure": ("At what hour do you leave?", "几点出门？"),
    "ask_hour_arrival": ("At what hour do you come home?", "几点回家？"),
    "hour_hint": ("First the hour, then the minutes", "先选小时，再选分钟"),
    "ask_minute_departure": ("And at what time exactly?", "几点几分出门？"),
    "ask_minute_arrival": ("And at what time exactly?", "几点几分回家？"),
    "ask_repeat": ("How often at {at}?", "{at}，多久一次？"),
    "only_once": ("Once", "只一次"),
    "every_day": ("Every day", "每天"),
    "working_days": ("Mon to Fri", "周一至周五"),
    "from_next_time": ("from the next time on", "从下次开始"),
    "booked_title": ("It is booked", "预约成功"),
    "booked_departure_once": (
        "Your car will be at the gate at {at}, {day}.",
        "{day} {at}，您的车会在门口等您。",
    ),
    "booked_arrival_once": ("A bay will be ready for you at {at}, {day}.", "{day} {at}，为您备好车位。"),
    "booked_departure_again": (
        "Your car will be at the gate at {at}, {repeat}. First: {day}.",
        "{repeat} {at}，您的车会在门口等您，从{day}开始。",
    ),
    "booked_arrival_again": (
        "A bay will be ready for you at {at}, {repeat}. First: {day}.",
        "{repeat} {at}，为您备好车位，从{day}开始。",
    ),
    "booked_departure_hint": (
        "Then choose Fetch and enter your code. The car waits up to {n} minutes.",
        "到时请按“取车”，输入取车码。车最多等您 {n} 分钟。",
    ),
    "booked_arrival_hint": (
        "Then choose Park at the gate. The bay waits up to {n} minutes.",
        "到时请在门口按“停车”。车位最多保留 {n} 分钟。",
    ),
    "my_bookings": ("My bookings", "我的预约"),
    "my_bookings_hint": ("Touch one to change or cancel it", "点一下可修改或取消"),
    "booking_new": ("New booking", "新的预约"),
    "booking_ask": ("What about this booking?", "这个预约怎么办？"),
    "booking_change": ("Change the time", "改时间"),
    "booking_drop": ("Cancel the booking", "取消预约"),
    "booking_drop_ask": ("Cancel this booking?", "确定取消这个预约吗？"),
    "booking_drop_yes": ("Yes, cancel it", "是，取消"),
    "booking_drop_no": ("No, keep it", "否，保留"),
    "booking_over_title": ("The booking is cancelled", "预约已取消"),
    "today": ("today", "今天"),
    "tomorrow": ("tomorrow", "明天"),
    "disabled_driver": ("Disabled driver", "残障优先"),
    "job_title_booked_storage": ("Your pallet is coming for {at}", "您预约 {at} 的载车板正在过来"),
    "job_title_booked_retrieval": ("Your car is coming for {at}", "您预约 {at} 的车正在过来"),
    "standing_title_storage": ("Your pallet is at the gate already", "您的载车板已在门口"),
    "standing_title_retrieval": ("Your car is at the gate already", "您的车已在门口"),
    "standing_hint": ("The gate opens now.", "库门马上打开。"),
    "standing_hint_retrieval": (
        "It opens when you choose Fetch and enter your code.",
        "请按“取车”，输入取车码后开门。",
    ),
    "standing_hint_storage": ("It opens when you choose Park and enter your plate.", "请按“停车”，输入车牌后开门。"),
    # kiosk
    "kiosk_title": ("Park and charge", "停车 · 充电"),
    "welcome": ("What would you like to do?", "您要办理什么？"),
    "park": ("Park", "停车"),
    "fetch": ("Fetch", "取车"),
    "charge": ("Charge", "充电"),
    "park_hint": ("Put the car into the garage", "把车停进车库"),
    "fetch_hint": ("Bring my car to the gate", "把车送到门口"),
    "charge_hint": ("Start or stop charging", "开始或结束充电"),
    "free_now": ("{n} bays are free", "现有空车位 {n} 个"),
    "at_gate": ("Is this you? Your gate is open:", "库门已开，是您吗？"),
    "continue_job": ("{kind}, module {module}", "{module} 库 · {kind}"),
    "cancel": ("Cancel", "取消"),
    "back_to_start": ("Back to start", "返回首页"),
    "next": ("Next", "下一步"),
    "yes": ("Yes", "是"),
    "no": ("No, go on", "否，继续"),
    "erase": ("Erase", "退格"),
    "erase_all": ("Clear", "清空"),
    "ask_plate": ("What is your number plate?", "请输入车牌号"),
    "plate_province": ("First choose the province", "先选省份简称"),
    "plate_rest": ("Then letters and digits", "再输入字母和数字"),
    "plate_wrong": ("This is not a complete plate.", "车牌号不完整，请检查。"),
    "ask_class": ("Which car is it?", "您的车是哪一种？"),
    "class_hint": ("Length × width × height at most", "长 × 宽 × 高 不超过"),
    "class_X": ("Small car", "小型轿车"),
    "class_Z": ("Compact saloon", "紧凑型轿车"),
    "class_D": ("Saloon", "中大型轿车"),
    "class_T": ("Large saloon", "豪华加长轿车"),
    "class_C": ("Extra large", "超大型车"),
    "class_K": ("SUV or van", "越野车 / 商务车"),
    "class_size": ("{length} × {width} × {height} m", "{length} × {width} × {height} 米"),
    "ask_pin": ("What is your code?", "请输入取车码"),
    "pin_six": ("Six digits", "六位数字"),
    "pin_wrong": ("A code has six digits.", "取车码是六位数字。"),
    "pin_is": ("Your code for fetching the car", "您的取车码"),
    "pin_is_charging": ("Your code for ending the charge", "您的充电码"),
    "pin_keep": ("Please remember it or take a photo.", "请记住，或用手机拍下。"),
    "departure_from": (
        "From {bay} your car comes in {wait} at your usual time.",
        "平时取车，从 {bay} 需{wait}。",
    ),
    "departure_other": ("From {bay} it would be {wait}.", "从 {bay} 需{wait}。"),
    "job_title_storage": ("Your pallet is coming", "载车板正在过来"),
    "job_title_retrieval": ("Your car is coming", "您的车正在过来"),
    "go_to_gate": ("Please go to gate {module}", "请到 {module} 库门前等候"),
    "ahead": ("{n} before you", "前面还有 {n} 位"),
    "ready_in": ("Ready in", "预计等候"),
    "step_queued": ("Waiting", "排队"),
    "step_preparing": ("Making room", "让位"),
    "step_delivering": ("Coming down", "下降"),
    "step_gate": ("Gate opens", "开门"),
    "gate_opening_title": ("The gate is opening", "库门正在打开"),
    "gate_opening_hint": ("Please wait until it stands still.", "请等门完全打开。"),
    "storage_open_title": ("Is everyone out and the car clear?", "人都下车、离开库门了吗？"),
    "storage_open_hint": (
        "Drive in, switch off, handbrake on. Take everyone and everything with you.",
        "请开进去，熄火，拉手刹。带好随身物品，全部离开。",
    ),
    "storage_clear": ("I am out", "已离开"),
    "retrieval_open_title": ("Have you driven out?", "您把车开出来了吗？"),
    "retrieval_open_hint": ("Get in and drive out slowly. Then press the button.", "请上车，慢慢开出，然后按下按钮。"),
    "retrieval_clear": ("I have left", "已开出"),
    "gate_closing_title": ("The gate is closing", "库门正在关闭"),
    "gate_closing_hint": ("Please keep away from the gate.", "请勿靠近库门。"),
    "storage_thanks": ("Thank you. Your car is in good hands.", "谢谢，您的车已停好。"),
    "retrieval_thanks": ("Thank you. Drive safely.", "谢谢，一路平安。"),
    "storage_shut": ("The gate is shut. Thank you.", "库门已关好，谢谢。"),
    "retrieval_shut": ("The gate is shut. Thank you.", "库门已关好，谢谢。"),
    "cancelled_title": ("The request is cancelled.", "已为您取消。"),
    "fee": ("Fee", "停车费"),
    "fee_charging": ("Fee", "充电费"),
    "energy": ("Energy", "电量"),
    "cancel_ask": ("Shall we cancel this request?", "确定要取消吗？"),
    "refused_title": ("Sorry, that is not possible", "抱歉，暂时无法办理"),
    "try_again": ("Try again", "重新输入"),
    "ask_charge": ("Start or stop charging?", "开始充电，还是结束充电？"),
    "charge_start": ("Start charging", "开始充电"),
    "charge_stop": ("Stop charging", "结束充电"),
    "ask_spot": ("Which charging spot?", "您用哪个充电车位？"),
    "ask_spot_stop": ("Which spot are you at?", "您的车在哪个充电车位？"),
    "spot_suggested": ("Free for you", "推荐车位"),
    "spots_other": ("Or another free spot", "或选其他空闲车位"),
    "spots_none": ("All charging spots are taken. Please come again later.", "充电车位已满，请稍后再来。"),
    "spots_none_charging": ("Nothing is charging now.", "现在没有车在充电。"),
    "charging_title": ("Please plug in at spot {spot}", "请到 {spot} 车位插枪"),
    "charging_hint": ("Charging starts by itself.", "插好后自动开始充电。"),
    "stopped_title": ("Charging has ended", "充电已结束"),
    "stopped_hint": ("Please unplug and leave the spot for the next one.", "请拔枪，并把车位让给下一位。"),
    "fee_later": ("on your statement", "见对账单"),
    "still_there": ("Are you still there?", "您还在吗？"),
    "still_there_hint": ("Back to start in {n} s", "{n} 秒后返回首页"),
    "still_there_yes": ("I am here", "我还在"),
    # desk
    "login_title": ("Log in", "登录"),
    "login_token": ("Access token", "访问令牌"),
    "login_wrong": ("This token is not valid here.", "令牌无效。"),
    "login_button": ("Log in", "登录"),
    "operator_title": ("Operator's desk", "值班台"),
    "open_jobs": ("Open jobs", "未完成的请求"),
    "open_jobs_none": ("No open jobs.", "没有未完成的请求。"),
    "why": ("Why", "原因"),
    "faults": ("Faults", "故障"),
    "cure": ("What to do", "处理方法"),
    "bookings": ("Bookings", "预约"),
    "bookings_none": ("No bookings.", "没有预约。"),
    "booking_at": ("Time", "时间"),
    "booking_repeat": ("How often", "频率"),
    "booking_next": ("Next", "下次"),
    "booking_job": ("Job", "请求"),
    "standing_now": ("Standing at the gate for their drivers", "已在门口等候车主"),
    "confirm_module": ("Confirm module", "确认库区"),
    "reset_faults": ("Reset faults", "复位故障"),
    "pause": ("Pause", "暂停受理"),
    "resume": ("Resume", "恢复受理"),
    "sure_confirm": (
        "Have you looked at module {module}? Is everybody out?",
        "您已到现场查看 {module} 库，确认里面没有人吗？",
    ),
    "sure_reset": (
        "Reset the faults of module {module}? Nothing will start.",
        "复位 {module} 库的故障？不会启动任何动作。",
    ),
    "sure_pause": ("Take no new requests?", "暂停受理新请求？"),
    "sure_resume": ("Take new requests again?", "恢复受理新请求？"),
    "alarms": ("Alarms", "报警"),
    "alarms_none": ("No alarms.", "没有报警。"),
    "alarm": ("Alarm", "报警"),
    "alarm_critical": ("CRITICAL", "紧急"),
    "alarm_high": ("HIGH", "高"),
    "alarm_medium": ("medium", "中"),
    "alarm_low": ("low", "低"),
    "alarm_first_out": ("first", "首发"),
    "alarm_stale": ("for more than a day", "超过一天"),
    "alarm_consequence": ("What follows", "后果"),
    "alarm_action": ("What to do", "处理"),
    "alarm_state_unacknowledged": ("new", "未确认"),
    "alarm_state_acknowledged": ("acknowledged", "已确认"),
    "alarm_state_returned_unacknowledged": ("gone, not acknowledged", "已恢复，未确认"),
    "alarm_state_latched_unacknowledged": ("gone, latched, not acknowledged", "已恢复，锁存，未确认"),
    "alarm_state_latched_acknowledged": ("gone, latched", "已恢复，锁存"),
    "alarm_state_shelved": ("shelved until", "搁置至"),
    "alarm_state_suppressed": ("suppressed by design", "设计抑制"),
    "alarm_state_out_of_service": ("out of service", "停用"),
    "acknowledge": ("Acknowledge", "确认报警"),
    "alarm_reset": ("Reset alarm", "复位报警"),
    "shelve": ("Shelve for 1 h", "搁置1小时"),
    "unshelve": ("Unshelve", "取消搁置"),
    "alarm_take_out": ("Take alarm out of service", "停用报警"),
    "alarm_no_reason": ("from the desk", "值班台操作"),
    "sure_alarm_take_out": (
        "Nobody will be told of this alarm until it is put back. Is its device being worked on?",
        "恢复之前不再提示此报警。设备正在检修吗？",
    ),
    "alarm_counts": ("Alarms: {standing} standing, {unseen} new", "报警：现存 {standing}，未确认 {unseen}"),
    "alarm_figures": ("How many alarms", "报警统计"),
    "alarm_rates": (
        "{mean} in 10 min on average, {most} at most; more than 10 in {over} % of the windows; "
        "{day} in the last day; {stale} standing for more than a day.",
        "平均每10分钟 {mean} 条，最多 {most} 条；超过10条的时段占 {over} %；"
        "最近一天 {day} 条；超过一天未消除 {stale} 条。",
    ),
    "outages": ("Out of service", "停用部件"),
    "outages_none": ("Every part is in service.", "所有部件均在用。"),
    "outage_part": ("Part", "部件"),
    "outage_reason": ("What is being done", "处理情况"),
    "outage_reason_needed": ("Say what is being done; drivers are told.", "请填写处理情况，系统会告知车主。"),
    "outage_since": ("Since", "停用时间"),
    "outage_hint": (
        "Pallet A-3-07, row A-3, cell A-2@05 (level 2, column 5), hoist A",
        "载车板 A-3-07，横移层 A-3，格位 A-2@05（第2层第5列），升降机 A",
    ),
    "take_out": ("Take out of service", "停用"),
    "put_back": ("Put back", "恢复使用"),
    "sure_take_out": (
        "It will not be moved until you put it back. Jobs that need it end, and their drivers are told.",
        "恢复之前不会再动作；需要该部件的任务将结束并告知车主。确定停用？",
    ),
    "sure_put_back": (
        "Is {part} in order again, and is nobody inside? It can be moved at once.",
        "{part} 已修复且库内无人吗？恢复后可能立即动作。",
    ),
    "reach": ("Reach and rescue", "可取车辆与救援"),
    "reach_counts": ("{reached} of {cars} cars can be brought down.", "{cars} 辆车中有 {reached} 辆可取。"),
    "reach_all": ("Every car can be brought down.", "所有车辆均可取。"),
    "reach_waiting": ("Out of reach", "暂不可取"),
    "reach_steps": ("What frees {n} of them: {minutes} min of work by hand", "救出 {n} 辆：人工约 {minutes} 分钟"),
    "reach_unproven": ("There may be a shorter way; this one was not proven least.", "未证明为最短方案。"),
    "reach_left": ("Until repaired: {bays}", "修复前无法取出：{bays}"),
    "reach_unsettled": (
        "A pallet is not home. Bring all pallets home before working by hand.",
        "有载车板不在位，人工作业前须先全部归位。",
    ),
    "reach_urgent": ("Which bay first?", "哪个车位优先？"),
    "reach_show": ("Show", "查看"),
    "reach_manual": (
        "Before anybody goes in: main switch off and locked, or the PLC in manual mode with its key in your pocket.",
        "入内前：断电上锁，或将 PLC 置于手动并随身带走钥匙。",
    ),
    "commanded": ("Command accepted", "指令已受理"),
    "mode": ("Mode", "模式"),
    "since": ("Requested", "提出时间"),
    "zone_clear": ("zone clear", "区域无人"),
    "zone_busy": ("somebody in the zone", "区域有人或物"),
    "link_up": ("link up", "通信正常"),
    "link_down": ("link down", "通信中断"),
    "ledger_title": ("Ledger", "账目"),
    "ledger_totals": ("Totals", "合计"),
    "ledger_entries": ("Entries", "分录"),
    "ledger_none": ("No entries yet.", "还没有分录。"),
    "ledger_more": ("Next page", "下一页"),
    "field_seq": ("No.", "序号"),
    "field_id": ("No.", "序号"),
    "field_key": ("Cause", "来源"),
    "field_utc_ms": ("Time", "时间"),
    "field_text": ("Text", "摘要"),
    "field_postings": ("Postings", "分录明细"),
    "field_account": ("account", "科目"),
    "field_amount_fen": ("amount", "金额"),
    "field_plate": ("Plate", "车牌"),
    "ledger_first": ("First page", "第一页"),
}


def say(language: str, key: str, **values: object) -> str:
    """The sentence of a key in one language, with its values filled in."""
    english, chinese = WORDS[key]
    text = chinese if language == "zh" else english
    return text.format(**values) if values else text


def state_word(language: str, family: str, state: str | None) -> str:
    """The word for a state of one of the machines; a state without a word is shown as it is called."""
    if not state:
        return ""
    key = f"{family}_{state}"
    return say(language, key) if key in WORDS else state


def refusal_text(language: str, reason: str) -> str:
    """A reason written as "code" or "code:subject" as a sentence; empty if the code is none of ours."""
    code, _, about = reason.partition(":")
    known = _REFUSALS.get(code)
    if known is None:
        return ""
    return f"{known.text(language)} ({about.strip()})" if about else known.text(language)


def why(language: str, job: dict[str, Any], utc_offset_minutes: int) -> str:
    """Why a job comes when it comes: what sets it apart, its place, and the reason that was weighed for it."""
    parts = []
    is_waiting = job["ended_utc_ms"] is None and job["state"] == "queued"
    if job["priority"] != "normal":
        parts.append(say(language, f"why_{job['priority']}"))
    if job["due_utc_ms"] is not None and job["ended_utc_ms"] is None:
        at = local_moment(job["due_utc_ms"], utc_offset_minutes).strftime("%H:%M")
        parts.append(say(language, "why_booked" if job["waiting_for_driver"] else "why_booked_here", at=at))
    elif is_waiting:
        parts.append(say(language, "why_ahead", n=job["ahead"]) if job["ahead"] else say(language, "why_next"))
    if job["reason"]:
        parts.append(refusal_text(language, job["reason"]) or job["reason"])
    return "; ".join(parts) if language == "en" else "；".join(parts)


def day_word(language: str, utc_ms: int, now_utc_ms: int, utc_offset_minutes: int) -> str:
    """A day as people say it: today, tomorrow, Mon 23 Nov."""
    then, now = (local_moment(at, utc_offset_minutes).date() for at in (utc_ms, now_utc_ms))
    ahead = (then - now).days
    if ahead in (0, 1):
        return say(language, "tomorrow" if ahead else "today")
    if language == "zh":
        return f"{then.month}月{then.day}日 周{_WEEKDAYS_ZH[then.weekday()]}"
    return f"{_WEEKDAYS_EN[then.weekday()]} {then.day} {_MONTHS_EN[then.month - 1]}"


def booking_sentence(language: str, booking: dict[str, Any], now_utc_ms: int, utc_offset_minutes: int) -> str:
    """A booking as one sentence."""
    rhythm = "once" if booking["repeat"] == "once" else "again"
    return say(
        language,
        f"booked_{booking['kind']}_{rhythm}",
        at=clock_time(booking["minute_of_day"]),
        repeat=say(language, f"repeat_{booking['repeat']}"),
        day=day_word(language, booking["due_utc_ms"], now_utc_ms, utc_offset_minutes),
    )


def field_word(language: str, field: str) -> str:
    """The heading of a field of the ledger; a field without one is shown as it is called."""
    key = f"field_{field}"
    return say(language, key) if key in WORDS else field


def all_words(language: str) -> dict[str, str]:
    """Every sentence of one language, for the scripts of a page."""
    return {key: pair[1] if language == "zh" else pair[0] for key, pair in WORDS.items()}


def waiting_time(language: str, eta_s: int | None, spread_s: int | None) -> str:
    """How long a driver still waits, in whole minutes and honest about the spread."""
    if eta_s is None:
        return "–"
    if eta_s <= 5:
        return say(language, "eta_now")
    low = max(1, round(eta_s / 60))
    high = -(-(eta_s + (spread_s or 0)) // 60)
    if eta_s + (spread_s or 0) < 60:
        return say(language, "eta_under_minute")
    if high > low:
        return say(language, "eta_range", a=low, b=high)
    return say(language, "eta_minutes", n=low)


def money(fen: int | None) -> str:
    """An amount in yuan, from fen: 1234 -> ¥12.34."""
    if fen is None:
        return "–"
    sign = "-" if fen < 0 else ""
    return f"{sign}¥{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def energy(energy_wh: int | None) -> str:
    """An amount of energy in kWh, from Wh."""
    return "–" if energy_wh is None else f"{energy_wh / 1000:.2f} kWh"


def plate_shown(plate: str) -> str:
    """A plate as it is painted: 京A12345 -> 京A·12345."""
    is_chinese = len(plate) >= 7 and not plate[0].isascii()
    return f"{plate[:2]}·{plate[2:]}" if is_chinese else plate
