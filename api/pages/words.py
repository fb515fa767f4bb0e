"""How things are said on the pages, in English and Chinese.

Decides only how; the sentences themselves stand by topic in `words_live`, `words_kiosk`, `words_hand`,
`words_desk` and `words_maintenance`. Refusals and faults have theirs in `domain`.
"""

from __future__ import annotations

from typing import Any, Final

from api.pages import words_desk, words_hand, words_kiosk, words_live, words_maintenance
from api.times import clock_time, local_moment
from domain.reasons import tell, why_from
from domain.refusals import RefusalCode

LANGUAGES: Final = ("zh", "en")
_REFUSALS: Final = {refusal.code: refusal for refusal in RefusalCode}
_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

WORDS: Final = words_live.WORDS | words_kiosk.WORDS | words_hand.WORDS | words_desk.WORDS | words_maintenance.WORDS
"""Every sentence of the pages by its key: English and Chinese. No key is in two of the parts (a test)."""


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
    if job["why"]:
        parts.append(why_told(language, job["why"]))
    return "; ".join(parts) if language == "en" else "；".join(parts)


def why_told(language: str, why: list[dict[str, Any]]) -> str:
    """Reasons as the garage tells them (code and values), as one sentence."""
    return tell(why_from(why), language)


def refusals_told(language: str, why: list[dict[str, Any]]) -> str:
    """Those of the reasons that are refusals: what a driver needs to hear of a request that ended."""
    return tell(tuple(reason for reason in why_from(why) if reason.code in _REFUSALS), language)


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
