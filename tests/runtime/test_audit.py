"""The audit finds whatever was done to a journal, and says what and where."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from controller.memory import Memory
from runtime.anchors import Anchor, AnchorError, DailyAnchor, append_anchor, read_anchors
from runtime.audit import audit
from runtime.bench_journal import run_campaign, stored_as
from runtime.database import open_database, writing
from runtime.journal import Head, Journal, StoredEvent
from runtime.journal_tables import snapshots
from runtime.tampering import KINDS, chained, tampered
from runtime.verify_journal import verify
from tests.program import garagectl
from tests.runtime.recordings import UTC_MS, series

WRITTEN = stored_as(series(1, 12))
HEAD = Anchor(12, WRITTEN[-1].hash, "a printed page")


def told(rows: list[StoredEvent], *anchors: Anchor) -> str:
    """The first finding's words."""
    return audit(rows, anchors).findings[0].text


def without(rows: list[StoredEvent], *seqs: int) -> list[StoredEvent]:
    return [row for row in rows if row.seq not in seqs]


def test_a_journal_as_it_was_written_is_whole() -> None:
    outcome = audit(WRITTEN, [HEAD, Anchor(5, WRITTEN[4].hash[:16], "a PLC")])

    assert outcome.whole
    assert (outcome.records, outcome.head, outcome.anchors_met) == (12, Head(12, WRITTEN[-1].hash), 2)


def test_each_kind_of_change_is_told_in_words() -> None:
    edited = [*WRITTEN[:4], WRITTEN[4]._replace(utc_ms=0), *WRITTEN[5:]]
    exchanged = [*WRITTEN[:2], WRITTEN[6]._replace(seq=3), *WRITTEN[3:6], WRITTEN[2]._replace(seq=7), *WRITTEN[7:]]
    closed_up = [row._replace(seq=n) for n, row in enumerate(without(WRITTEN, 6, 7), 1)]
    doubled = [*WRITTEN[:8], WRITTEN[7], *WRITTEN[8:]]
    put_in = [row._replace(seq=n) for n, row in enumerate([*WRITTEN[:3], WRITTEN[9], *WRITTEN[3:]], 1)]

    assert told(edited) == "edited: event 5 (JobAdvanced) is not what was written; the events after it are"
    assert told(without(WRITTEN, 6, 7)) == "dropped: 6 to 7 are missing between event 5 and event 8"
    assert told(closed_up).startswith("dropped: 2 of the events behind 5")
    assert told(exchanged).startswith("reordered: the event that was written as number 3 stands at 7")
    assert told(doubled) == "duplicated: event 8 stands again after event 8"
    assert told(put_in) == "inserted: event 4 behind event 3 was never written; those after were renumbered"
    assert told(WRITTEN[:9], HEAD).startswith(
        "truncated: the journal ends at event 9, but a printed page keeps event 12"
    )
    assert told(chained(edited), HEAD).startswith("forked: event 12 is not the one that a printed page keeps")


def test_a_renumbered_journal_is_one_finding_not_one_for_each_event() -> None:
    closed_up = [row._replace(seq=n) for n, row in enumerate(without(WRITTEN, 6), 1)]

    put_in = [row._replace(seq=n) for n, row in enumerate([*WRITTEN[:3], WRITTEN[9], *WRITTEN[3:]], 1)]

    assert [finding.kind for finding in audit(closed_up).findings] == ["dropped"]
    assert [finding.kind for finding in audit(put_in).findings] == ["inserted"]


def test_without_an_anchor_only_what_breaks_the_chain_shows() -> None:
    """What a hash chain alone cannot do: this is why anchors are kept."""
    assert audit(WRITTEN[:9]).whole
    assert audit(chained([*WRITTEN[:4], WRITTEN[4]._replace(utc_ms=0), *WRITTEN[5:]])).whole


def test_no_change_of_two_thousand_goes_unseen() -> None:
    campaign = run_campaign([stored_as(series(1, length)) for length in (4, 9, 25)], 2000, seed=11)

    assert campaign.missed == []
    assert campaign.found == campaign.made
    assert set(campaign.made) == set(KINDS)
    assert campaign.placed == campaign.placeable


@settings(max_examples=200, deadline=None)
@given(st.integers(4, 30), st.integers(0, 2**32))
def test_any_change_shows_against_the_head_that_was_kept(length: int, seed: int) -> None:
    written = stored_as(series(1, length))
    copy = tampered(written, random.Random(seed))

    assert not audit(copy.rows, [Anchor(length, written[-1].hash[:16], "a PLC")]).whole


def test_a_changed_snapshot_shows(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/garage.db")
    journal = Journal(engine)
    journal.append([])
    memory = Memory()
    journal.save_snapshot(0, UTC_MS, memory.to_state())
    assert verify(journal, [])["whole"]
    memory.job_count = 7
    with writing(engine) as connection:
        connection.execute(update(snapshots).values(state=json.dumps(memory.to_state())))

    report = verify(journal, [])

    journal.close()
    engine.dispose()
    assert [one["kind"] for one in report["findings"]] == ["snapshot"]


def test_anchors_are_lines_that_can_be_read_again(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "anchors.txt"
    head = Head(1234, "ab" * 32)

    line = append_anchor(file, head, UTC_MS)
    append_anchor(file, Head(1300, "cd" * 32), UTC_MS + 86_400_000)

    assert line == f"2026-01-01T00:00:00Z 1234 {head.hash}"
    first, second = read_anchors(str(file))
    assert (first.seq, first.hash, first.utc_ms, second.seq) == (1234, head.hash, UTC_MS, 1300)
    assert read_anchors("77:0123456789abcdef")[0].seq == 77
    file.write_text("yesterday 5 aa", encoding="utf-8")
    with pytest.raises(AnchorError, match="line 1"):
        read_anchors(str(file))


def test_the_running_program_anchors_at_local_midnight_and_at_its_end(tmp_path: Path) -> None:
    file = tmp_path / "anchors.txt"
    daily = DailyAnchor(file, utc_offset_minutes=480)
    midnight_ms = UTC_MS + 16 * 3_600_000

    due = [daily.is_due(midnight_ms + since_ms) for since_ms in (-200, -100, 0, 100, 200)]
    assert due == [False, False, True, False, False]
    daily.write(Head(6, "bb" * 32), midnight_ms)
    daily.write(Head(7, "cc" * 32), midnight_ms + 200)
    daily.write(Head(7, "cc" * 32), midnight_ms + 300)

    assert [anchor.seq for anchor in read_anchors(str(file))] == [6, 7]


def test_the_command_says_what_is_wrong_and_ends_with_1(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/garage.db"
    engine = open_database(url)
    journal = Journal(engine)
    journal.append(series(1, 9))
    journal.close()
    exported = garagectl("export", "anchor", "--database", url, "--out", str(tmp_path / "anchors.txt"))
    assert exported.returncode == 0
    assert exported.stdout.split()[1] == "9"
    fine = garagectl("verify-journal", "--database", url, "--anchor", str(tmp_path / "anchors.txt"), "--json")
    assert (fine.returncode, json.loads(fine.stdout)["anchors_met"]) == (0, 1)
    with writing(engine) as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE seq > 6")
    engine.dispose()

    wrong = garagectl("verify-journal", "--database", url, "--anchor", str(tmp_path / "anchors.txt"))

    assert wrong.returncode == 1
    assert "truncated: the journal ends at event 6" in wrong.stdout
    assert "2026-01-01T00:00:06Z" in wrong.stdout


def test_the_command_makes_no_database(tmp_path: Path) -> None:
    done = garagectl("verify-journal", "--database", f"sqlite:///{tmp_path}/none.db")

    assert done.returncode == 2
    assert not (tmp_path / "none.db").exists()
