"""The ledger: every charge once, balances that follow from entries, and what people may read of it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from billing.ledger import (
    balance,
    bill_permits,
    charges_of,
    entries_after,
    export_csv,
    fee_of,
    post,
    record_payment,
    statement_of,
    totals_per_day,
    trial_balance,
)
from billing.postings import charge_of
from billing.tariff import MINUTE_MS
from domain.events import CarLeft, ChargingEnded, Event, Recorded
from domain.ids import BayId, ChargingId, JobId, Plate, SpotId
from runtime.database import open_database, writing
from tests.billing.books import BOOK, PERMITS, RESIDENT, VISITOR, at
from tests.billing.test_postings import priced_events


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url)
    yield engine
    engine.dispose()


def car_left(seq: int, plate: Plate, hour: float, minutes: int) -> Recorded:
    left = at(hour) + minutes * MINUTE_MS
    return Recorded(seq, left, CarLeft(JobId(f"J{seq}"), plate, BayId("A-3-07"), at(hour), left))


DAY = [
    car_left(1, VISITOR, 9, 61),
    car_left(2, RESIDENT, 9, 600),
    Recorded(3, at(11), ChargingEnded(ChargingId("C3"), SpotId("S1"), RESIDENT, ((at(10), at(11), 7000),), "full")),
    car_left(4, VISITOR, 12, 10),
    car_left(5, VISITOR, 23.5, 40),
]


def test_a_day_is_booked(engine: Engine) -> None:
    with writing(engine) as connection:
        assert post(connection, DAY, BOOK, PERMITS) == 5
    with engine.connect() as connection:
        assert trial_balance(connection) == {
            "income:energy": -700,
            "income:parking": -1500,
            "income:service": -350,
            "receivable:京A12345": 1500,
            "receivable:京B00001": 1050,
        }
        assert balance(connection, "income:parking") == -1500
        assert balance(connection, "income:nothing") == 0


def test_posting_again_changes_nothing(engine: Engine) -> None:
    with writing(engine) as connection:
        post(connection, DAY[:3], BOOK, PERMITS)
    with writing(engine) as connection:
        assert post(connection, DAY, BOOK, PERMITS) == 2
        before = trial_balance(connection), entries_after(connection)
    with writing(engine) as connection:
        assert post(connection, DAY + DAY, BOOK, PERMITS) == 0
        assert (trial_balance(connection), entries_after(connection)) == before


@settings(max_examples=30, deadline=None)
@given(st.lists(priced_events, max_size=12), st.data())
def test_duplicates_and_repeats_never_charge_twice(happened: list[Event], data: st.DataObject) -> None:
    recorded = [Recorded(seq, at(12), event) for seq, event in enumerate(happened, start=1)]
    deliveries = data.draw(st.permutations(recorded * 3))
    expected: Counter[str] = Counter()
    for one in recorded:
        charge = charge_of(one, BOOK, PERMITS)
        for posting in charge.entry.postings if charge and charge.entry else ():
            expected[posting.account] += posting.amount_fen
    engine = open_database("sqlite://")
    with writing(engine) as connection:
        for one in deliveries:
            post(connection, [one], BOOK, PERMITS)
        assert trial_balance(connection) == dict(expected)
        assert sum(trial_balance(connection).values()) == 0
    engine.dispose()


def test_a_fee_is_found_by_its_job_or_charging_session(engine: Engine) -> None:
    with writing(engine) as connection:
        post(connection, DAY, BOOK, PERMITS)
    with engine.connect() as connection:
        stay, resident, charging = (fee_of(connection, subject) for subject in ("J1", "J2", "C3"))
        assert fee_of(connection, "J99") is None
    assert stay is not None
    assert (stay.total_fen, stay.free_because, stay.lines[0].quantity) == (1000, "", 61)
    assert resident is not None
    assert (resident.total_fen, resident.free_because) == (0, "permit")
    assert charging is not None
    assert [(line.item, line.about, line.amount_fen) for line in charging.lines] == [
        ("energy", "10:00-15:00", 700),
        ("service", "S1", 350),
    ]


def test_entries_are_read_page_by_page(engine: Engine) -> None:
    with writing(engine) as connection:
        post(connection, DAY, BOOK, PERMITS)
    with engine.connect() as connection:
        first = entries_after(connection, 0, 2)
        rest = entries_after(connection, first[-1].id, 2)
        end = entries_after(connection, rest[-1].id, 2)
        everything = entries_after(connection)
    assert [booked.entry.key for booked in first] == ["event:1", "event:3"]
    assert [booked.entry.key for booked in rest] == ["event:5"]
    assert end == []
    assert everything == first + rest
    for recorded, booked in zip((DAY[0], DAY[2], DAY[4]), everything, strict=True):
        charge = charge_of(recorded, BOOK, PERMITS)
        assert charge is not None
        assert booked.entry == charge.entry


def test_a_statement_shows_movements_balance_and_what_was_free(engine: Engine) -> None:
    with writing(engine) as connection:
        post(connection, DAY, BOOK, PERMITS)
        record_payment(connection, VISITOR, 1200, "till-1", at(30))
    with engine.connect() as connection:
        statement = statement_of(connection, VISITOR)
        assert statement.charges == tuple(charges_of(connection, VISITOR))
    assert [(line.amount_fen, line.balance_fen) for line in statement.lines] == [
        (1000, 1000),
        (500, 1500),
        (-1200, 300),
    ]
    assert statement.balance_fen == 300
    assert [charge.free_because for charge in statement.charges] == ["", "short_stay", ""]


def test_a_payment_counts_once_per_reference(engine: Engine) -> None:
    with writing(engine) as connection:
        first = record_payment(connection, VISITOR, 1200, "till-1", at(30))
        assert record_payment(connection, VISITOR, 1200, "till-1", at(31)) == first
        with pytest.raises(ValueError, match="already used"):
            record_payment(connection, VISITOR, 1300, "till-1", at(31))
        assert balance(connection, "cash") == 1200


def test_permits_are_billed_once_a_month(engine: Engine) -> None:
    with writing(engine) as connection:
        assert bill_permits(connection, PERMITS, "2026-01", at(0)) == 1
        assert bill_permits(connection, PERMITS, "2026-01", at(50)) == 0
        assert bill_permits(connection, PERMITS, "2026-02", at(0, day=32)) == 1
        assert trial_balance(connection) == {"income:permits": -60_000, "receivable:京B00001": 60_000}


def test_days_are_local_days_and_name_nobody(engine: Engine) -> None:
    with writing(engine) as connection:
        post(connection, DAY, BOOK, PERMITS)
    with engine.connect() as connection:
        totals = totals_per_day(connection, at(0), at(0, day=3))
        second_day = totals_per_day(connection, at(0, day=2), at(0, day=3))
    assert [(total.day, total.account, total.amount_fen) for total in totals] == [
        ("2026-01-01", "income:energy", -700),
        ("2026-01-01", "income:parking", -1000),
        ("2026-01-01", "income:service", -350),
        ("2026-01-02", "income:parking", -500),
    ]
    assert second_day == totals[-1:]


def test_the_csv_has_every_posting_of_the_period(engine: Engine) -> None:
    with writing(engine) as connection:
        post(connection, DAY, BOOK, PERMITS)
    out = io.StringIO()
    with engine.connect() as connection:
        assert export_csv(connection, out, at(0), at(10.5)) == 2
    head, debit, credit = out.getvalue().splitlines()
    assert head == "entry,utc_ms,local_day,key,text,account,debit_fen,credit_fen"
    assert debit == f"1,{DAY[0].utc_ms},2026-01-01,event:1,parking A-3-07 61 min,receivable:京A12345,1000,0"
    assert credit == f"1,{DAY[0].utc_ms},2026-01-01,event:1,parking A-3-07 61 min,income:parking,0,1000"


def test_the_csv_of_a_long_period_is_complete_and_in_balance(engine: Engine) -> None:
    many = [car_left(seq, VISITOR, 9, 30) for seq in range(1, 1203)]
    with writing(engine) as connection:
        post(connection, many, BOOK, PERMITS)
    out = io.StringIO()
    with engine.connect() as connection:
        assert export_csv(connection, out, at(0), at(24)) == 2404
    rows = [line.split(",") for line in out.getvalue().splitlines()[1:]]
    assert sum(int(row[-2]) for row in rows) == sum(int(row[-1]) for row in rows) == 1202 * 500
