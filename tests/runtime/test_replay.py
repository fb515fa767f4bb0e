"""Any past event can be told again: what was known, what was seen, why it was done or refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.refusal_log import RECORDED_PER_MINUTE_MAX
from domain.commands import ConfirmModule, RequestRetrieval
from domain.event_words import tell_event, without_plates
from domain.events import EVENT_KINDS, CommandRefused, Event, ModuleAdvanced, MotionRequested
from domain.ids import JobId, ModuleId, Plate
from domain.refusals import RefusalCode
from domain.sight import read_sight, sight_of, tell_sight
from domain.signals import GateState, PlcMode
from runtime.database import open_database
from runtime.journal import Journal
from runtime.replay import NotThere, Wanted, event_view, memory_at, replay
from runtime.virtual import digest
from tests.garage_run import GarageRun
from tests.program import garagectl
from tests.runtime.recordings import any_event
from tests.sites import default_site, small_site

A = ModuleId("A")
UNMISTAKABLE = {"plate": "京A98765", "pin_digest": "a digest of a PIN"}


@pytest.fixture(scope="module")
def garage() -> GarageRun:
    """A car was fetched, an emergency stop locked the module, and somebody was refused."""
    run = GarageRun(small_site(), {"A-2-01": "京A1", "A-2-02": "京A2"})
    run.ready()
    run.see_through(run.fetch("京A1"))
    run.rest()
    run.plant().press_estop()
    run.wait_until(lambda: run.module().state == "locked")
    run.refuse_fetch("京A2")
    return run


def last(garage: GarageRun, kind: type[Event]) -> int:
    return max(record.seq for record in garage.events if isinstance(record.event, kind))


def test_a_move_is_told_with_what_was_seen_and_known(garage: GarageRun) -> None:
    seq = last(garage, MotionRequested)
    answer = replay(garage.journal, garage.run.site, Wanted(seq, around=3))

    assert answer["event"]["text_en"].startswith("module A is asked to")
    assert "automatic" in answer["event"]["seen_en"]
    assert "gate closed" in answer["event"]["seen_en"]
    assert "A-2-01 on the ground" in answer["event"]["seen_en"]
    assert answer["knew"]["seq"] == seq
    assert [one["state"] for one in answer["knew"]["jobs"]] == ["returning"]
    assert [one["seq"] for one in answer["around"]][:4] == [seq - 3, seq - 2, seq - 1, seq]


def test_a_lock_says_why_and_what_the_sensors_showed(garage: GarageRun) -> None:
    answer = replay(garage.journal, garage.run.site, Wanted(last(garage, ModuleAdvanced)))

    assert "module A is locked" in answer["event"]["text_en"]
    assert "emergency stop pressed" in answer["event"]["seen_en"]
    assert "急停按下" in answer["event"]["seen_zh"]


def test_a_refusal_says_who_asked_for_what_and_why_not(garage: GarageRun) -> None:
    answer = replay(garage.journal, garage.run.site, Wanted())

    assert answer["event"]["kind"] == "CommandRefused"
    assert answer["event"]["text_en"].startswith("RequestRetrieval about 京A2 is refused: ")
    assert RefusalCode.MODULE_LOCKED.text("en") in answer["event"]["text_en"]
    assert "emergency stop pressed" in answer["event"]["seen_en"]


def test_events_of_one_job_and_of_a_moment_can_be_asked_for(garage: GarageRun) -> None:
    of_job = replay(garage.journal, garage.run.site, Wanted(job=JobId("J000001"), around=50))
    moment = garage.events[0].utc_ms
    at = replay(garage.journal, garage.run.site, Wanted(at_utc_ms=moment))

    assert of_job["event"]["text_en"] == "J000001 is done"
    told_of = {one["payload"].get("job") or one["payload"]["subject"] for one in of_job["around"]}
    assert told_of == {"J000001"}, "what the job did, and what was refused about it"
    assert at["event"]["utc_ms"] == moment
    with pytest.raises(NotThere):
        replay(garage.journal, garage.run.site, Wanted(10**6))


def test_what_was_known_is_the_same_from_a_snapshot_as_from_the_first_event(garage: GarageRun) -> None:
    _, recorded = garage.journal.load()
    journal = Journal(open_database("sqlite://"))
    journal.append(recorded)
    half = len(recorded) // 2
    before = memory_at(journal, len(recorded)).to_state()

    journal.save_snapshot(half, 0, memory_at(journal, half).to_state())

    assert memory_at(journal, len(recorded)).to_state() == before


def test_nobody_floods_the_journal_with_refusals() -> None:
    garage = GarageRun(small_site(), {"A-2-01": "京A1"})
    garage.ready()
    for _ in range(RECORDED_PER_MINUTE_MAX + 20):
        garage.ask(RequestRetrieval(Plate("京B1"), digest("京B1", "000000")))
    assert len(garage.heard(CommandRefused)) == RECORDED_PER_MINUTE_MAX

    garage.wait(60_000)
    garage.ask(ConfirmModule(A, "operator"))

    newest = garage.heard(CommandRefused)[-1]
    assert (newest.command, newest.reasons, newest.unrecorded) == ("ConfirmModule", ("module_not_locked:A",), 20)


def test_a_sight_is_small_and_can_be_read_again(garage: GarageRun) -> None:
    image = garage.run.controller.modules[A].image
    text = sight_of(image)
    assert image is not None
    seen = read_sight(text)

    assert len(text) < 40
    assert (seen.mode, seen.gate, seen.safety, seen.cells) == (image.mode, image.gate, image.safety, image.cells)
    assert (seen.mode, seen.gate) == (PlcMode.AUTOMATIC, GateState.CLOSED)
    assert "all pallets home" in tell_sight(text, garage.run.site.modules[0].bay_names)


@settings(deadline=None)
@given(any_event, st.sampled_from(["en", "zh"]))
def test_every_event_has_a_sentence_without_digests_and_without_plates_for_some(event: Event, language: str) -> None:
    changes: dict[str, Any] = {name: text for name, text in UNMISTAKABLE.items() if hasattr(event, name)}
    marked: Event = replace(event, **changes)

    text = tell_event(marked, language)

    assert text and not text.startswith(type(event).__name__)
    assert UNMISTAKABLE["pin_digest"] not in text
    assert UNMISTAKABLE["plate"] not in tell_event(without_plates(marked), language)


def test_every_kind_is_said(garage: GarageRun) -> None:
    views = [event_view(record, default_site()) for record in garage.events]

    assert len(EVENT_KINDS) > 30
    assert all("pin_digest" not in view["payload"] for view in views)


def test_the_command_tells_it_to_people_and_machines(tmp_path: Path, garage: GarageRun) -> None:
    url = f"sqlite:///{tmp_path}/garage.db"
    engine = open_database(url)
    journal = Journal(engine)
    _, recorded = garage.journal.load()
    journal.append(recorded)
    journal.close()
    engine.dispose()

    told = garagectl("replay", "--database", url, "--module", "A", "--around", "3")
    as_json = garagectl("replay", "--database", url, "--seq", "2", "--json")
    none = garagectl("replay", "--database", url, "--seq", "99999")

    assert told.returncode == 0
    assert "module A: locked" in told.stdout
    assert "emergency stop pressed" in told.stdout
    assert json.loads(as_json.stdout)["event"]["seq"] == 2
    assert none.returncode == 1
