"""The catalogue of alarms: complete, in both languages, mostly low, safety never hidden."""

from __future__ import annotations

from collections import Counter

from domain.alarm_catalogue import CATALOGUE
from domain.alarms import AlarmClass, Priority, alarm_id, fault_code, split_id
from domain.faults import FaultNumber


def test_every_fault_is_an_alarm_with_the_number_of_the_fault() -> None:
    for number in FaultNumber:
        kind = CATALOGUE[fault_code(number)]
        assert kind.number == number
    assert fault_code(999) == "unknown_fault"
    assert len({kind.number for kind in CATALOGUE.values()}) == len(CATALOGUE)


def test_every_alarm_says_cause_consequence_and_action_in_both_languages() -> None:
    for kind in CATALOGUE.values():
        for told in (kind.title, kind.cause, kind.consequence, kind.action):
            assert told.text("en").isascii()
            assert any("\u4e00" <= letter <= "\u9fff" for letter in told.text("zh")), kind.code


def test_few_alarms_are_urgent() -> None:
    counts = Counter(kind.priority for kind in CATALOGUE.values())
    total = len(CATALOGUE)
    assert 1 <= counts[Priority.CRITICAL] <= 0.07 * total
    assert counts[Priority.HIGH] <= 0.2 * total
    assert counts[Priority.MEDIUM] + counts[Priority.LOW] >= 0.75 * total


def test_safety_alarms_latch_and_no_other_kind_hides_them() -> None:
    safety = [kind for kind in CATALOGUE.values() if kind.alarm_class is AlarmClass.SAFETY]
    assert {kind.code for kind in safety} == {"estop", "zone_breach", "overtravel", "slack_rope", "hook_not_closed"}
    assert all(kind.latches and not kind.behind and not kind.on_delay_ms for kind in safety)


def test_what_explains_an_alarm_is_itself_in_the_catalogue_and_no_two_explain_each_other() -> None:
    for kind in CATALOGUE.values():
        for cause in kind.behind:
            assert kind.code not in CATALOGUE[cause].behind, (kind.code, cause)


def test_names_of_alarms_come_apart_again() -> None:
    assert split_id(alarm_id("part_out", "A-2@05")) == ("part_out", "A-2@05")
    assert split_id(alarm_id("journal_away")) == ("journal_away", "")
