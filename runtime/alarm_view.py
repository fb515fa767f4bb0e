"""The alarms as people see them: the list, its counts, and the figures about it.

Decides the order (what is urgent and unseen first) and the words; the states come from the alarm book.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from controller.alarm_book import AlarmRecord
from controller.alarm_statistics import statistics_of
from controller.memory import Memory
from domain.alarm_catalogue import CATALOGUE
from domain.alarms import EVERYTHING, STALE_MS, AlarmId, Priority, split_id

HIDDEN = ("normal", "suppressed")
_ASIDE = ("shelved", "out_of_service")
_UNSEEN = ("unacknowledged", "returned_unacknowledged", "latched_unacknowledged")


def alarm_list(memory: Memory, now_utc_ms: int, *, with_suppressed: bool = False) -> list[dict[str, Any]]:
    """Every alarm that is not normal: by priority, what nobody has seen first, what was put aside last."""
    hidden = ("normal",) if with_suppressed else HIDDEN
    rows = [
        _row(memory, name, record, now_utc_ms)
        for name, record in memory.alarms.records.items()
        if record.state not in hidden
    ]
    rank = {priority.name.lower(): int(priority) for priority in Priority}

    def order(row: dict[str, Any]) -> tuple[bool, int, bool, int, str]:
        unseen = row["state"] in _UNSEEN
        return (
            row["state"] in (*_ASIDE, "suppressed"),
            rank[row["priority"]],
            not unseen,
            -row["raised_utc_ms"],
            row["alarm"],
        )

    return sorted(rows, key=order)


def alarm_counts(memory: Memory) -> dict[str, int]:
    """How many alarms stand untreated, by state and by priority: all that the public may know."""
    shown = [(name, record) for name, record in memory.alarms.records.items() if record.state not in HIDDEN]
    counts = {"unacknowledged": 0, "standing": 0, "shelved": 0, "out_of_service": 0}
    counts |= {priority.name.lower(): 0 for priority in Priority}
    for name, record in shown:
        if record.state in _ASIDE:
            counts[record.state] += 1
            continue
        counts["unacknowledged"] += record.state in _UNSEEN
        counts["standing"] += record.active
        counts[CATALOGUE[split_id(name)[0]].priority.name.lower()] += 1
    return counts


def alarm_statistics(memory: Memory, now_utc_ms: int) -> dict[str, Any]:
    """The rates as JSON-ready values."""
    figures = asdict(statistics_of(memory.alarms, now_utc_ms))
    figures["most_frequent"] = [{"code": code, "count": count} for code, count in figures["most_frequent"]]
    return figures


def _row(memory: Memory, name: AlarmId, record: AlarmRecord, now_utc_ms: int) -> dict[str, Any]:
    code, subject = split_id(name)
    kind = CATALOGUE[code]
    texts = {"title": kind.title, "cause": kind.cause, "consequence": kind.consequence, "action": kind.action}
    members = [
        split_id(one)[1] for one, other in memory.alarms.records.items() if other.active and other.because == name
    ]
    # A lone alarm is no burst; the first-out matters when others came with it.
    in_burst = sum(other.burst == record.burst and other.place > 0 for other in memory.alarms.records.values())
    return {
        "alarm": name,
        "number": kind.number,
        "code": code,
        "subject": ", ".join(members) if subject == EVERYTHING and members else subject,
        "priority": kind.priority.name.lower(),
        "class": kind.alarm_class.value,
        "latches": kind.latches,
        "state": record.state,
        "active": record.active,
        "first_out": record.place == 1 and in_burst > 1,
        "about": "" if subject == EVERYTHING else record.about,
        "because": record.because,
        "raised_utc_ms": record.raised_utc_ms,
        "returned_utc_ms": None if record.active else record.returned_utc_ms,
        "shelved_until_utc_ms": record.shelved_until_utc_ms,
        "stale": record.active and now_utc_ms - record.raised_utc_ms > STALE_MS,
        "operator": record.operator,
        "reason": record.reason,
        **{f"{field}_en": text.english for field, text in texts.items()},
        **{f"{field}_zh": text.chinese for field, text in texts.items()},
    }
