"""Reasons: codes with values, said in two languages; what older journals wrote as text is still told."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.event_words import tell_event, without_plates
from domain.events import BookingAdvanced, JobAdvanced, JobQueued, ManualReleased, from_payload, to_payload
from domain.ids import BayId, BookingId, JobId, Plate
from domain.reasons import Reason, ReasonCode, as_reason, because, tell, why_from
from domain.refusals import Refusal, RefusalCode
from domain.vehicle import VEHICLE_CLASSES
from tests.runtime.recordings import any_reason


def names(words: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", words))


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_is_said_in_both_languages_with_the_same_values(code: ReasonCode) -> None:
    _, english, chinese = code.value
    assert names(english) == names(chinese)
    reason = because(code, **dict.fromkeys(names(english), 7))
    assert reason.text("en") == re.sub(r"\{\w+\}", "7", english)
    assert re.search(r"[\u4e00-\u9fff]", reason.text("zh")) or code is ReasonCode.TEXT


def test_no_code_is_used_twice_not_even_by_a_refusal() -> None:
    codes = [one.code for one in ReasonCode] + [one.code for one in RefusalCode]
    assert len(codes) == len(set(codes))


def test_a_value_that_the_words_need_cannot_be_forgotten() -> None:
    with pytest.raises(KeyError):
        because(ReasonCode.FIRST_OF)


@given(st.lists(any_reason, max_size=4).map(tuple))
def test_reasons_survive_the_journal_and_a_snapshot(why: tuple[Reason, ...]) -> None:
    event = JobAdvanced(JobId("J000001"), "preparing", why)
    assert from_payload("JobAdvanced", json.loads(json.dumps(to_payload(event)))) == event
    assert why_from(json.loads(json.dumps(asdict(event)))["why"]) == why
    assert tell(why, "zh").count("；") >= max(0, len(why) - 1)


def test_a_journal_of_an_earlier_version_is_still_read_and_told() -> None:
    written = {"job": "J000001", "state": "preparing", "reason": "first of 2: proven optimal"}
    assert tell_event(from_payload("JobAdvanced", written)).endswith("first of 2: proven optimal")
    refused = from_payload("JobAdvanced", {"job": "J1", "state": "cancelled", "reason": "unreachable:A-4-01: rope"})
    assert refused == JobAdvanced(JobId("J1"), "cancelled", (Reason("unreachable", (("about", "A-4-01: rope"),)),))
    silent = {"booking": "B000001", "state": "called", "due_utc_ms": 5, "reason": ""}
    assert from_payload("BookingAdvanced", silent) == BookingAdvanced(BookingId("B000001"), "called", 5)
    assert from_payload("JobAdvanced", {"job": "J1", "state": "done"}) == JobAdvanced(JobId("J1"), "done")
    released = from_payload("ManualReleased", {"module": "A", "operator": "Wang", "reason": "key turned"})
    assert isinstance(released, ManualReleased)
    assert tell(released.why, "zh") == "key turned"


def test_a_decision_is_told_in_the_reader_s_language() -> None:
    why = (because(ReasonCode.FIRST_OF, waiting=3), because(ReasonCode.LESS_WAITING, saved_s=42))
    event = JobAdvanced(JobId("J000001"), "preparing", why)
    assert tell_event(event) == (
        "J000001 is preparing: first of 3; 42 s less waiting in all than in the order of the requests"
    )
    assert tell_event(event, "zh") == ("J000001 进入状态 preparing：3 个请求中的第一个；比按先后顺序，总等候减少 42 秒")


def test_a_refusal_is_a_reason_too() -> None:
    reason = as_reason(Refusal(RefusalCode.LINK_DOWN, "A"))
    assert reason.text("en") == "The module's controller does not answer. (A)"
    assert reason.text("zh") == "库区控制器无应答。 (A)"


def test_why_a_car_got_its_bay_is_not_told_without_its_plate() -> None:
    why = (because(ReasonCode.LEAVES, per_day=0.9, at="07:30"),)
    queued = JobQueued(
        JobId("J1"), "storage", Plate("京A12345"), VEHICLE_CLASSES["Z"], BayId("A-1-01"), "digest", why=why
    )
    assert "07:30" in tell_event(queued)
    assert "07:30" not in tell_event(without_plates(queued))
