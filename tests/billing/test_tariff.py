"""Tariffs: what a stay and a charging session cost."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.tariff import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    EnergyBand,
    EnergyLine,
    EnergyTariff,
    ParkingTariff,
    Permits,
    Slice,
    Tariff,
    TariffBook,
    energy_fee_fen,
    parking_fee_fen,
)
from tests.billing.books import (
    BOOK,
    ENERGY,
    FLAT_DAY,
    LOCAL_MIDNIGHT_UTC_MS,
    PARKING,
    PEAK,
    PERMITS,
    RESIDENT,
    VALLEY,
    VISITOR,
    at,
    books,
    energy_tariffs,
    instants,
)


@pytest.mark.parametrize(
    ("minutes", "fee_fen"),
    [
        (-5, 0),
        (0, 0),
        (15, 0),
        (16, 500),
        (60, 500),
        (61, 1000),
        (8 * 60, 4000),
        (24 * 60, 4000),
        (24 * 60 + 1, 4500),
        (36 * 60, 8000),
        (72 * 60, 12000),
    ],
)
def test_a_visitors_stay(minutes: int, fee_fen: int) -> None:
    assert parking_fee_fen(BOOK, at(9), at(9) + minutes * MINUTE_MS) == fee_fen


@given(books(), instants, st.integers(0, 4 * DAY_MS), st.integers(0, DAY_MS))
def test_a_longer_stay_never_costs_less(book: TariffBook, parked: int, stay_ms: int, more_ms: int) -> None:
    fee_fen = parking_fee_fen(book, parked, parked + stay_ms)
    assert 0 <= fee_fen <= parking_fee_fen(book, parked, parked + stay_ms + more_ms)


@given(books(), instants, st.integers(0, 4 * DAY_MS))
def test_no_24_hours_cost_more_than_the_cap(book: TariffBook, parked: int, stay_ms: int) -> None:
    started_days = -(-stay_ms // DAY_MS)
    cap_fen = book.at(parked).parking.day_cap_fen
    assert parking_fee_fen(book, parked, parked + stay_ms) <= started_days * cap_fen


@given(books(), instants, st.data())
def test_the_free_minutes_are_free(book: TariffBook, parked: int, data: st.DataObject) -> None:
    free_ms = book.at(parked).parking.free_minutes * MINUTE_MS
    stay_ms = data.draw(st.integers(-DAY_MS, free_ms))
    assert parking_fee_fen(book, parked, parked + stay_ms) == 0


def test_the_tariff_at_entry_counts_for_the_whole_stay() -> None:
    dearer = Tariff(at(0, day=2), ParkingTariff(0, 900, 9000), ENERGY)
    book = TariffBook((*BOOK.tariffs, dearer))
    assert parking_fee_fen(book, at(23), at(1, day=2)) == 1000
    assert parking_fee_fen(book, at(0, day=2), at(2, day=2)) == 1800


def test_before_the_first_date_the_first_tariff_counts() -> None:
    assert BOOK.at(0) is BOOK.tariffs[0]
    assert energy_fee_fen(BOOK, [(at(-1), at(3), 4000)]).lines == (EnergyLine(VALLEY, 4000, 160),)


def test_a_night_at_the_charger() -> None:
    fee = energy_fee_fen(BOOK, [(at(22), at(23), 7000), (at(23), at(24), 7000), (at(24), at(25), 3333)])
    assert fee.lines == (EnergyLine(FLAT_DAY, 7000, 490), EnergyLine(VALLEY, 10_333, 413))
    assert fee.energy_fen == 490 + 413
    assert fee.service_fen == 867


def test_half_a_fen_is_rounded_up() -> None:
    assert energy_fee_fen(BOOK, [(at(1), at(2), 12)]).energy_fen == 0
    assert energy_fee_fen(BOOK, [(at(1), at(2), 13)]).energy_fen == 1
    assert energy_fee_fen(BOOK, [(at(11), at(12), 5)]).energy_fen == 1
    assert energy_fee_fen(BOOK, [(at(11), at(12), 4)]).energy_fen == 0


def test_a_slice_across_a_border_is_divided_by_time() -> None:
    fee = energy_fee_fen(BOOK, [(at(14.75), at(15.25), 1001)])
    assert fee.lines == (EnergyLine(PEAK, 501, 50), EnergyLine(FLAT_DAY, 500, 35))


def test_a_slice_across_a_new_tariffs_date_is_divided_by_time() -> None:
    half_price = EnergyTariff((EnergyBand(0, 24, 20),), service_kwh_fen=0)
    book = TariffBook((*BOOK.tariffs, Tariff(at(2.5), PARKING, half_price)))
    fee = energy_fee_fen(book, [(at(2), at(3), 2000)])
    assert fee.lines == (EnergyLine(VALLEY, 1000, 40), EnergyLine(half_price.bands[0], 1000, 20))
    assert fee.service_fen == 50


@pytest.mark.parametrize("part", [(at(1), at(2), -5), (at(1), at(1), 0), (at(2), at(1), 0)])
def test_a_meter_that_ran_backwards_costs_nothing(part: Slice) -> None:
    assert energy_fee_fen(BOOK, [part]) == (0, 0, ())


@pytest.mark.parametrize("until", [at(11), at(1)])
def test_energy_without_a_duration_is_priced_where_it_began(until: int) -> None:
    assert energy_fee_fen(BOOK, [(at(11), until, 1000)]).lines == (EnergyLine(PEAK, 1000, 100),)


slices = st.builds(
    lambda start, minutes, wh: (start, start + minutes * MINUTE_MS, wh),
    instants,
    st.integers(0, 3 * 24 * 60),
    st.integers(0, 60_000),
)


@given(books(), st.lists(slices, max_size=5))
def test_no_energy_is_lost_or_made(book: TariffBook, parts: list[Slice]) -> None:
    fee = energy_fee_fen(book, parts)
    assert sum(line.energy_wh for line in fee.lines) == sum(part[2] for part in parts)
    assert fee.energy_fen == sum(line.fee_fen for line in fee.lines)
    assert all(isinstance(value, int) for value in (fee.energy_fen, fee.service_fen))


@given(books(), instants, st.integers(1, 2000), st.integers(0, 30))
def test_each_minute_is_priced_by_its_own_hour(book: TariffBook, start: int, minutes: int, minute_wh: int) -> None:
    fen_1000 = service_fen_1000 = 0
    for minute in range(minutes):
        utc_ms = start + minute * MINUTE_MS
        energy = book.at(utc_ms).energy
        hour = (utc_ms + book.utc_offset_minutes * MINUTE_MS) % DAY_MS // HOUR_MS
        (band,) = (band for band in energy.bands if hour in band.hours)
        fen_1000 += minute_wh * band.kwh_fen
        service_fen_1000 += minute_wh * energy.service_kwh_fen
    fee = energy_fee_fen(book, [(start, start + minutes * MINUTE_MS, minutes * minute_wh)])
    assert abs(1000 * fee.energy_fen - fen_1000) <= 500 * len(fee.lines)
    assert -500 < 1000 * fee.service_fen - service_fen_1000 <= 500


@given(books(), instants, st.lists(st.integers(1, 300), min_size=1, max_size=12), st.integers(0, 200))
def test_splitting_a_slice_changes_nothing(
    book: TariffBook, start: int, lengths_min: list[int], minute_wh: int
) -> None:
    parts: list[Slice] = []
    until = start
    for length in lengths_min:
        parts.append((until, until + length * MINUTE_MS, length * minute_wh))
        until += length * MINUTE_MS
    whole = (start, until, sum(lengths_min) * minute_wh)
    assert energy_fee_fen(book, parts) == energy_fee_fen(book, [whole])


@given(energy_tariffs(), st.integers(0, 23), st.integers(1, HOUR_MS - 1), st.integers(0, 9000), st.integers(0, 9000))
def test_within_a_band_only_the_sum_counts(
    energy: EnergyTariff, hour: int, cut_ms: int, first_wh: int, second_wh: int
) -> None:
    book = TariffBook((Tariff(LOCAL_MIDNIGHT_UTC_MS, PARKING, energy),))
    start, end = at(hour), at(hour + 1)
    split = energy_fee_fen(book, [(start, start + cut_ms, first_wh), (start + cut_ms, end, second_wh)])
    assert split == energy_fee_fen(book, [(start, end, first_wh + second_wh)])


@given(energy_tariffs())
def test_every_hour_has_the_price_of_one_band(energy: EnergyTariff) -> None:
    assert Counter(hour for band in energy.bands for hour in band.hours) == Counter(range(24))
    assert all(hour in energy.band_of_hour[hour].hours for hour in range(24))


def test_a_band_may_wrap_midnight_or_end_at_it() -> None:
    assert VALLEY.hours == (23, 0, 1, 2, 3, 4, 5, 6)
    assert EnergyBand(22, 24, 1).hours == EnergyBand(22, 0, 1).hours == (22, 23)
    assert EnergyBand(0, 24, 1).hours == tuple(range(24))


def test_residents_are_those_with_a_permit() -> None:
    assert PERMITS.is_resident(RESIDENT)
    assert not PERMITS.is_resident(VISITOR)


def test_bands_that_leave_an_hour_out_are_refused() -> None:
    with pytest.raises(ValueError, match="the hour from 22:00 has no price"):
        EnergyTariff((EnergyBand(7, 22, 70), EnergyBand(23, 7, 40)), 50)


def test_bands_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="the hour from 7:00 has 2 prices"):
        EnergyTariff((EnergyBand(7, 23, 70), EnergyBand(23, 8, 40)), 50)


@pytest.mark.parametrize(("from_hour", "to_hour"), [(24, 7), (-1, 7), (7, 25), (7, 7)])
def test_a_band_outside_the_day_is_refused(from_hour: int, to_hour: int) -> None:
    with pytest.raises(ValueError, match="hours run from 0-23 to 0-24 and differ"):
        EnergyBand(from_hour, to_hour, 50)


def test_negative_prices_are_refused() -> None:
    with pytest.raises(ValueError, match="day_cap_fen: -1 is negative"):
        ParkingTariff(0, 500, -1)
    with pytest.raises(ValueError, match="kwh_fen: -3 is negative"):
        EnergyBand(0, 24, -3)
    with pytest.raises(ValueError, match="service_kwh_fen: -2 is negative"):
        EnergyTariff((EnergyBand(0, 24, 1),), -2)
    with pytest.raises(ValueError, match="month_fen: -1 is negative"):
        Permits(frozenset(), -1)


def test_a_book_without_order_is_refused() -> None:
    first = BOOK.tariffs[0]
    with pytest.raises(ValueError, match="must rise"):
        TariffBook((first, first))
    with pytest.raises(ValueError, match="at least one"):
        TariffBook(())
    with pytest.raises(ValueError, match="no time zone on earth"):
        TariffBook((first,), 900)
