"""How many alarms people get: the figures of ISA-18.2 and EEMUA 191, from the alarm book.

Decides what is counted: annunciations that call for a person, not what was suppressed or chattered.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from controller.alarm_book import LOG_KEPT, LOG_KEPT_MS, AlarmBook
from domain.alarm_catalogue import CATALOGUE
from domain.alarms import STALE_MS, Priority, split_id

WINDOW_MS = 600_000
DAY_MS = 86_400_000
MANY = 10
"""More alarms than this in ten minutes are a flood (ISA-18.2)."""

WORST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class AlarmStatistics:
    """Rates over `from_utc_ms` to `to_utc_ms`; windows are of ten minutes, aligned to the clock."""

    from_utc_ms: int
    to_utc_ms: int
    annunciated: int
    last_10_min: int
    last_day: int
    windows: int
    mean_per_10_min: float
    max_per_10_min: int
    windows_over_10: int
    windows_over_10_pct: float
    mean_per_day: float
    standing: int
    stale: int
    by_priority: dict[str, int]
    most_frequent: tuple[tuple[str, int], ...]


def statistics_of(book: AlarmBook, now_utc_ms: int) -> AlarmStatistics:
    """The figures of the last 31 days, or since counting began."""
    begun = book.since_utc_ms
    if begun is None:
        begun = book.told[0][0] if book.told else now_utc_ms
    from_utc_ms = max(begun, now_utc_ms - LOG_KEPT_MS)
    if len(book.told) >= LOG_KEPT:
        from_utc_ms = max(from_utc_ms, book.told[0][0])
    told = [(at, name) for at, name in book.told if at >= from_utc_ms]
    windows = max(1, now_utc_ms // WINDOW_MS - from_utc_ms // WINDOW_MS + 1)
    per_window = Counter(at // WINDOW_MS for at, _ in told)
    over = sum(count > MANY for count in per_window.values())
    codes = Counter(split_id(name)[0] for _, name in told)
    priorities = Counter(CATALOGUE[split_id(name)[0]].priority for _, name in told)
    standing = [record for record in book.records.values() if record.active and record.state != "suppressed"]
    return AlarmStatistics(
        from_utc_ms=from_utc_ms,
        to_utc_ms=now_utc_ms,
        annunciated=len(told),
        last_10_min=sum(at > now_utc_ms - WINDOW_MS for at, _ in told),
        last_day=sum(at > now_utc_ms - DAY_MS for at, _ in told),
        windows=windows,
        mean_per_10_min=round(len(told) / windows, 4),
        max_per_10_min=max(per_window.values(), default=0),
        windows_over_10=over,
        windows_over_10_pct=round(100 * over / windows, 3),
        mean_per_day=round(len(told) * DAY_MS / max(DAY_MS, now_utc_ms - from_utc_ms), 2),
        standing=len(standing),
        stale=sum(now_utc_ms - record.raised_utc_ms > STALE_MS for record in standing),
        by_priority={priority.name.lower(): priorities[priority] for priority in Priority},
        most_frequent=tuple(codes.most_common(WORST_SHOWN)),
    )
