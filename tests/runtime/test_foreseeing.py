"""A rule that draws futures: it serves whom the future leaves no choice about, and is the planner where none comes."""

from __future__ import annotations

from domain.ids import JobId, parse_bay
from domain.machine import Machine
from domain.vehicle import VEHICLE_CLASSES
from runtime.foreseeing import Foreseeing, boundless
from scheduler.sequence import Queue, Waiting
from tests.sites import module_layout

NOW = 1_772_400_000_000
LAYOUT = module_layout("A", 10)


def queue(*bays: str) -> Queue:
    waiting = tuple(
        Waiting(JobId(f"J{number}"), "retrieval", parse_bay(bay), VEHICLE_CLASSES["Z"], NOW - 60_000 + number)
        for number, bay in enumerate(bays)
    )
    return Queue(LAYOUT, Machine(), LAYOUT.initial_columns, waiting, NOW, None, frozenset(), 900_000)


def test_where_nobody_comes_any_more_the_foreseeing_rule_is_the_planner() -> None:
    for bays in (("A-4-05",), ("A-4-05", "A-1-03"), ("A-4-02", "A-3-05", "A-2-07", "A-3-01")):
        asked = queue(*bays)
        assert Foreseeing(per_module=len(bays), span_ms=1_800_000)(asked).job == boundless(asked).job


def test_the_same_queue_and_rush_give_the_same_choice() -> None:
    asked = queue("A-4-02", "A-3-05", "A-2-07", "A-3-01", "A-4-09")
    choices = {Foreseeing(per_module=20, span_ms=1_800_000)(asked).job for _ in range(2)}
    assert len(choices) == 1
    assert choices <= {one.job for one in asked.waiting}


def test_who_asked_before_counts_as_come() -> None:
    rule = Foreseeing(per_module=2, span_ms=1_800_000)
    rule(queue("A-4-05", "A-1-03"))
    later = queue("A-4-05")
    assert rule(later) == boundless(later)
