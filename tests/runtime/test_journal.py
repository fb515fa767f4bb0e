"""The journal: what is stored comes back, once and in order, and tampering shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, select, text, update

from billing.ledger import fee_of, post, trial_balance
from billing.tariff import EnergyBand, EnergyTariff, ParkingTariff, Permits, Tariff, TariffBook
from domain.events import EVENT_KINDS, CarLeft, Event, GarageAdvanced, Recorded, to_payload
from domain.ids import BayId, JobId, Plate
from runtime.database import open_database, writing
from runtime.journal import GENESIS_HASH, SNAPSHOTS_KEPT, Head, Journal, JournalError, event_line
from runtime.journal_tables import events
from tests.runtime.recordings import UTC_MS, any_event, first_wrong, numbered, series

BOOK = TariffBook((Tariff(0, ParkingTariff(15, 500, 4000), EnergyTariff((EnergyBand(0, 24, 70),), 50)),))
HOUR_MS = 3_600_000


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def journal(engine: Engine) -> Iterator[Journal]:
    journal = Journal(engine)
    yield journal
    journal.close()


def car_left(seq: int) -> Recorded:
    event = CarLeft(JobId("J1"), Plate("京A12345"), BayId("A-3-07"), UTC_MS, UTC_MS + HOUR_MS)
    return Recorded(seq, UTC_MS + HOUR_MS, event)


def test_an_empty_journal_has_nothing_to_say(journal: Journal) -> None:
    assert journal.load() == (None, [])
    assert journal.head == Head(0, GENESIS_HASH)
    assert first_wrong(journal) is None
    journal.append([])
    assert journal.head == Head(0, GENESIS_HASH)


def test_what_was_appended_is_there_after_a_restart(engine: Engine, journal: Journal) -> None:
    journal.append(series(1, 3))
    journal.append(series(4, 4))
    journal.close()
    again = Journal(engine)
    assert again.load() == (None, series(1, 4))
    assert again.head == journal.head
    assert first_wrong(again) is None


@settings(max_examples=60)
@given(st.lists(any_event, min_size=1, max_size=8))
def test_every_kind_of_event_comes_back_as_it_was(recorded: list[Event]) -> None:
    engine = open_database("sqlite://")
    journal = Journal(engine)
    journal.append(numbered(recorded))
    assert journal.load() == (None, numbered(recorded))
    assert first_wrong(journal) is None
    journal.close()
    engine.dispose()


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_each_kind_of_event_comes_back_from_every_database(kind: str) -> None:
    @settings(max_examples=5)
    @given(st.from_type(EVENT_KINDS[kind]))
    def comes_back(event: Event) -> None:
        engine = open_database("sqlite://")
        journal = Journal(engine)
        journal.append(numbered([event]))
        assert journal.events_after(0, 10) == numbered([event])
        journal.close()
        engine.dispose()

    comes_back()


def test_the_canonical_line_of_an_event_never_changes() -> None:
    expected = (
        '{"kind":"CarLeft","payload":{"bay":"A-3-07","job":"J1","left_utc_ms":1767229200000,'
        '"parked_utc_ms":1767225600000,"plate":"京A12345"},"seq":7,"utc_ms":1767229200000}'
    )
    assert event_line(car_left(7)) == expected


@given(any_event)
def test_the_canonical_line_is_sorted_json_without_spaces(event: Event) -> None:
    line = event_line(Recorded(3, UTC_MS, event))
    read = json.loads(line)
    assert read["kind"] == type(event).__name__
    assert set(read["payload"]) == set(to_payload(event))
    assert line == json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize("reason", ["half a character \ud83d", "nothing \x00 within", "“两个引号”", 'back\\slash "'])
def test_no_text_can_jam_the_journal(journal: Journal, reason: str) -> None:
    journal.append(numbered([GarageAdvanced("paused", reason)]))
    assert journal.load()[1] == numbered([GarageAdvanced("paused", reason)])
    assert first_wrong(journal) is None


def test_a_repeat_is_harmless(journal: Journal) -> None:
    journal.append(series(1, 3))
    head = journal.head
    journal.append(series(1, 3))
    journal.append(series(2, 2))
    assert journal.head == head
    journal.append(series(2, 5))
    assert journal.load() == (None, series(1, 5))
    assert first_wrong(journal) is None


def test_another_event_in_a_stored_place_is_refused(journal: Journal) -> None:
    journal.append(series(1, 3))
    with pytest.raises(JournalError, match="event 3 is stored already"):
        journal.append([*series(3, 3, "returning"), *series(4, 4)])
    assert journal.load() == (None, series(1, 3))


@pytest.mark.parametrize("batch", [series(5, 6), [*series(4, 4), *series(6, 6)], series(4, 4) * 2])
def test_a_gap_is_refused(journal: Journal, batch: list[Recorded]) -> None:
    journal.append(series(1, 3))
    with pytest.raises(JournalError, match="cannot follow"):
        journal.append(batch)
    assert journal.load() == (None, series(1, 3))


def test_two_controllers_on_one_journal_do_not_mix(engine: Engine, journal: Journal) -> None:
    other = Journal(engine)
    assert other.head == journal.head
    journal.append(series(1, 2, "ours"))
    with pytest.raises(JournalError):
        other.append(series(1, 2, "theirs"))
    with pytest.raises(JournalError, match="stored already"):
        other.append(series(1, 2, "theirs"))
    other.close()
    assert journal.load() == (None, series(1, 2, "ours"))


def test_loading_begins_at_the_newest_snapshot(journal: Journal) -> None:
    journal.append(series(1, 5))
    journal.save_snapshot(3, UTC_MS, {"cars": ["京A12345"], "count": 3})
    journal.save_snapshot(2, UTC_MS, {})
    snapshot, after = journal.load()
    assert snapshot is not None
    assert (snapshot.seq, snapshot.utc_ms, snapshot.state) == (3, UTC_MS, {"cars": ["京A12345"], "count": 3})
    assert after == series(4, 5)


def test_a_snapshot_replaces_its_like_and_the_oldest_go(engine: Engine, journal: Journal) -> None:
    journal.append(series(1, 6))
    for seq in (1, 2, 3, 4, 5, 5):
        journal.save_snapshot(seq, UTC_MS + seq, {"seq": seq})
    with engine.connect() as connection:
        kept = [row.seq for row in connection.execute(text("SELECT seq FROM snapshots ORDER BY seq"))]
    assert kept == [3, 4, 5]
    assert len(kept) == SNAPSHOTS_KEPT


def test_a_snapshot_of_the_future_is_refused(journal: Journal) -> None:
    journal.append(series(1, 2))
    with pytest.raises(JournalError, match="newest event is 2"):
        journal.save_snapshot(3, UTC_MS, {})
    assert journal.load()[0] is None


def test_events_are_read_in_pages(journal: Journal) -> None:
    journal.append(series(1, 7))
    assert journal.events_after(0, 3) == series(1, 3)
    assert journal.events_after(3, 3) == series(4, 6)
    assert journal.events_after(6, 3) == series(7, 7)
    assert journal.events_after(7, 3) == []


def test_an_edited_event_is_found(engine: Engine, journal: Journal) -> None:
    journal.append(series(1, 9))
    with writing(engine) as connection:
        connection.execute(update(events).where(events.c.seq == 4).values(payload='{"job":"J4","state":"done"}'))
    assert first_wrong(journal) == 4


@pytest.mark.parametrize("change", [{"utc_ms": 5}, {"kind": "SessionAdvanced"}, {"hash": "0" * 64}])
def test_an_edited_column_is_found(engine: Engine, journal: Journal, change: dict[str, object]) -> None:
    journal.append(series(1, 9))
    with writing(engine) as connection:
        connection.execute(update(events).where(events.c.seq == 5).values(change))
    assert first_wrong(journal) == 5


def test_a_dropped_event_is_found(engine: Engine, journal: Journal) -> None:
    journal.append(series(1, 9))
    with writing(engine) as connection:
        connection.execute(delete(events).where(events.c.seq == 6))
    assert first_wrong(journal) == 6


def test_dropped_newest_events_are_found_by_who_kept_the_head(engine: Engine, journal: Journal) -> None:
    journal.append(series(1, 9))
    anchor = journal.head
    with writing(engine) as connection:
        connection.execute(delete(events).where(events.c.seq >= 8))
    assert first_wrong(Journal(engine)) is None
    assert first_wrong(Journal(engine), anchor) == 8


def test_a_remade_chain_is_found_by_who_kept_the_head(journal: Journal, engine: Engine) -> None:
    journal.append(series(1, 9))
    forged = Head(9, "f" * 64)
    assert first_wrong(journal, journal.head) is None
    assert first_wrong(journal, forged) == 9


def test_exchanged_events_are_found(engine: Engine, journal: Journal) -> None:
    journal.append(series(1, 9))
    with writing(engine) as connection:
        for old, new in ((3, 100), (7, 3), (100, 7)):
            connection.execute(update(events).where(events.c.seq == old).values(seq=new))
    assert first_wrong(journal) == 3


def test_money_is_booked_with_the_event_that_earned_it(engine: Engine) -> None:
    journal = Journal(engine, partial(post, book=BOOK, permits=Permits()))
    journal.append([*series(1, 1), car_left(2)])
    journal.append([car_left(2), *series(3, 3)])
    with engine.connect() as connection:
        assert trial_balance(connection) == {"income:parking": -500, "receivable:京A12345": 500}
        charge = fee_of(connection, "J1")
    assert charge is not None
    assert charge.total_fen == 500
    journal.close()


def test_an_event_whose_money_cannot_be_booked_is_not_stored(engine: Engine) -> None:
    attempts: list[int] = []

    def fails_at_first(connection: Connection, recorded: Sequence[Recorded]) -> None:
        attempts.append(len(recorded))
        post(connection, recorded, BOOK, Permits())
        if len(attempts) == 1:
            raise OSError("the disk is gone")

    journal = Journal(engine, fails_at_first)
    with pytest.raises(JournalError, match="the disk is gone"):
        journal.append([car_left(1)])
    with engine.connect() as connection:
        assert connection.execute(select(events)).all() == []
        assert trial_balance(connection) == {}
    journal.append([car_left(1)])
    assert journal.load() == (None, [car_left(1)])
    journal.close()


def test_after_an_error_the_connection_is_never_asked_again(engine: Engine) -> None:
    used: list[object] = []

    def fails_at_first(connection: Connection, recorded: Sequence[Recorded]) -> None:
        used.append(connection.connection.dbapi_connection)
        if len(used) == 1:
            raise OSError("input/output error")

    journal = Journal(engine, fails_at_first)
    with pytest.raises(JournalError):
        journal.append(series(1, 1))
    journal.append(series(1, 1))
    assert used[0] is not used[1]
    journal.close()


def test_a_missing_table_is_a_journal_error_for_writers_and_readers(engine: Engine, journal: Journal) -> None:
    with writing(engine) as connection:
        events.drop(connection)
    for ask in (
        lambda: journal.append(series(1, 1)),
        journal.load,
        lambda: list(journal.stored()),
        lambda: journal.head,
    ):
        with pytest.raises(JournalError):
            ask()
    with pytest.raises(JournalError, match="events"):
        journal.events_after(0, 1)


def test_an_event_of_an_unknown_kind_is_a_journal_error(engine: Engine, journal: Journal) -> None:
    journal.append(series(1, 1))
    with writing(engine) as connection:
        connection.execute(update(events).values(kind="CarDissolved"))
    with pytest.raises(JournalError, match="CarDissolved"):
        journal.load()
