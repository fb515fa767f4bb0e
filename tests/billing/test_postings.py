"""Postings: one event, one charge, and an entry in balance unless it is free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.postings import JournalEntry, Posting, charge_of, payment_entry, permit_entry
from billing.tariff import MINUTE_MS, Permits, TariffBook
from domain.events import CarLeft, ChargingEnded, Event, JobAdvanced, Recorded
from domain.ids import BayId, ChargingId, JobId, Plate, SpotId
from tests.billing.books import BOOK, PERMITS, RESIDENT, VISITOR, at, books, instants


def car_left(plate: Plate, minutes: int, seq: int = 7) -> Recorded:
    event = CarLeft(JobId("J1"), plate, BayId("A-3-07"), at(9), at(9) + minutes * MINUTE_MS)
    return Recorded(seq, event.left_utc_ms, event)


def charging_ended(slices: tuple[tuple[int, int, int], ...], plate: Plate = VISITOR) -> Recorded:
    return Recorded(8, at(12), ChargingEnded(ChargingId("C1"), SpotId("S1"), plate, slices, "unplugged"))


def test_a_visitor_owes_the_parking_fee() -> None:
    charge = charge_of(car_left(VISITOR, 61), BOOK, PERMITS)
    assert charge is not None
    assert (charge.kind, charge.subject, charge.total_fen, charge.free_because) == ("parking", "J1", 1000, "")
    assert charge.entry == JournalEntry(
        "event:7",
        at(9) + 61 * MINUTE_MS,
        "parking A-3-07 61 min",
        (Posting("receivable:京A12345", 1000), Posting("income:parking", -1000)),
    )


def test_charging_is_owed_as_energy_and_service() -> None:
    charge = charge_of(charging_ended(((at(10), at(11), 7000), (at(11), at(12), 500))), BOOK, PERMITS)
    assert charge is not None
    assert charge.entry is not None
    assert charge.entry.postings == (
        Posting("receivable:京A12345", 1125),
        Posting("income:energy", -750),
        Posting("income:service", -375),
    )
    assert [(line.item, line.quantity, line.price_fen, line.amount_fen) for line in charge.lines] == [
        ("energy", 7500, 100, 750),
        ("service", 7500, 50, 375),
    ]


@pytest.mark.parametrize(
    ("recorded", "reason"),
    [
        (car_left(RESIDENT, 600), "permit"),
        (car_left(VISITOR, 15), "short_stay"),
        (car_left(VISITOR, -90), "short_stay"),
        (charging_ended(()), "no_energy"),
        (charging_ended(((at(1), at(2), 0),)), "no_energy"),
        (charging_ended(((at(1), at(2), 1),)), "free_tariff"),
    ],
)
def test_what_costs_nothing_is_known_as_free_and_makes_no_entry(recorded: Recorded, reason: str) -> None:
    charge = charge_of(recorded, BOOK, PERMITS)
    assert charge is not None
    assert (charge.total_fen, charge.free_because, charge.entry) == (0, reason, None)


def test_residents_pay_for_their_energy() -> None:
    charge = charge_of(charging_ended(((at(10), at(11), 1000),), RESIDENT), BOOK, PERMITS)
    assert charge is not None
    assert charge.total_fen == 150


def test_other_events_have_no_price() -> None:
    assert charge_of(Recorded(1, 0, JobAdvanced(JobId("J1"), "done")), BOOK, PERMITS) is None


priced_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        CarLeft,
        job=st.just(JobId("J1")),
        plate=st.sampled_from((VISITOR, RESIDENT)),
        bay=st.just(BayId("A-3-07")),
        parked_utc_ms=instants,
        left_utc_ms=instants,
    ),
    st.builds(
        ChargingEnded,
        charging=st.just(ChargingId("C1")),
        spot=st.just(SpotId("S1")),
        plate=st.sampled_from((VISITOR, RESIDENT)),
        slices=st.lists(st.tuples(instants, instants, st.integers(-100, 60_000)), max_size=4).map(tuple),
        reason=st.just("full"),
    ),
)


@given(books(), priced_events, st.integers(1, 10**6))
def test_every_entry_is_in_balance_and_explains_its_charge(book: TariffBook, event: Event, seq: int) -> None:
    charge = charge_of(Recorded(seq, at(12), event), book, PERMITS)
    assert charge is not None
    assert sum(line.amount_fen for line in charge.lines) == charge.total_fen >= 0
    assert (charge.entry is None) == (charge.total_fen == 0) == bool(charge.free_because)
    if charge.entry is not None:
        amounts = [posting.amount_fen for posting in charge.entry.postings]
        assert sum(amounts) == 0
        assert amounts[0] == charge.total_fen
        assert all(type(amount) is int and amount != 0 for amount in amounts)


@given(books(), priced_events)
def test_the_same_event_always_makes_the_same_entry(book: TariffBook, event: Event) -> None:
    recorded = Recorded(5, at(12), event)
    assert charge_of(recorded, book, PERMITS) == charge_of(recorded, book, PERMITS)


def test_an_entry_out_of_balance_cannot_exist() -> None:
    with pytest.raises(ValueError, match="out of balance by 1 fen"):
        JournalEntry("event:1", 0, "wrong", (Posting("cash", 3), Posting("income:parking", -2)))


def test_a_permit_is_owed_by_the_month() -> None:
    entry = permit_entry(RESIDENT, "2026-03", PERMITS, at(0))
    assert entry is not None
    assert entry.key == "permit:2026-03:京B00001"
    assert entry.postings == (Posting("receivable:京B00001", 30_000), Posting("income:permits", -30_000))
    assert permit_entry(RESIDENT, "2026-03", Permits(frozenset({RESIDENT})), at(0)) is None
    with pytest.raises(ValueError, match="not a month"):
        permit_entry(RESIDENT, "2026-13", PERMITS, at(0))


def test_a_payment_lowers_what_is_owed() -> None:
    entry = payment_entry(VISITOR, 1000, "till-7", at(10))
    assert entry.postings == (Posting("cash", 1000), Posting("receivable:京A12345", -1000))
    with pytest.raises(ValueError, match="more than nothing"):
        payment_entry(VISITOR, 0, "till-8", at(10))
