"""When a booking is due: local minutes, weekdays, midnight."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from domain.booking import Repeat, due_on, is_weekday, local_day, next_due_utc_ms

BEIJING = 480


def at(text: str) -> int:
    """UTC in ms of a local time in Beijing."""
    zone = dt.timezone(dt.timedelta(minutes=BEIJING))
    return round(dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def due(minute: int, repeat: Repeat, after: str) -> int:
    return next_due_utc_ms(minute, repeat, at(after), BEIJING)


def test_once_is_today_if_the_minute_is_still_to_come_and_tomorrow_otherwise() -> None:
    assert due(7 * 60 + 40, Repeat.ONCE, "2026-03-02 07:39:59") == at("2026-03-02 07:40")
    assert due(7 * 60 + 40, Repeat.ONCE, "2026-03-02 07:40:00") == at("2026-03-03 07:40")


def test_monday_to_friday_skips_the_weekend() -> None:
    assert due(460, Repeat.WEEKDAYS, "2026-03-06 08:00") == at("2026-03-09 07:40")
    assert due(460, Repeat.DAILY, "2026-03-06 08:00") == at("2026-03-07 07:40")


def test_the_local_day_begins_at_local_midnight() -> None:
    assert local_day(at("2026-03-02 00:00"), BEIJING) == local_day(at("2026-03-01 23:59"), BEIJING) + 1
    assert is_weekday(local_day(at("2026-03-02 00:00"), BEIJING))
    assert not is_weekday(local_day(at("2026-03-01 23:59"), BEIJING))


@given(
    st.integers(0, 1439),
    st.sampled_from(Repeat),
    st.integers(0, 4_000_000_000_000),
    st.integers(-720, 840),
)
def test_the_next_time_is_later_shows_that_minute_and_none_is_left_out(
    minute: int, repeat: Repeat, after_utc_ms: int, offset: int
) -> None:
    found = next_due_utc_ms(minute, repeat, after_utc_ms, offset)
    day = local_day(found, offset)
    assert found > after_utc_ms
    assert due_on(day, minute, offset) == found
    assert repeat is not Repeat.WEEKDAYS or is_weekday(day)
    # no earlier day would have done
    between = range(local_day(after_utc_ms, offset), day)
    assert all(
        due_on(other, minute, offset) <= after_utc_ms or (repeat is Repeat.WEEKDAYS and not is_weekday(other))
        for other in between
    )
