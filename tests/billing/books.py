"""Tariffs for tests: one that can be reckoned by hand, and any that Hypothesis can think of."""

from __future__ import annotations

from hypothesis import strategies as st

from billing.tariff import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    EnergyBand,
    EnergyTariff,
    ParkingTariff,
    Permits,
    Tariff,
    TariffBook,
)
from domain.ids import Plate

LOCAL_MIDNIGHT_UTC_MS = 1_767_196_800_000
"""2026-01-01 00:00 in Beijing."""

PEAK, FLAT_DAY, FLAT_NIGHT, VALLEY = (
    EnergyBand(10, 15, 100),
    EnergyBand(15, 23, 70),
    EnergyBand(7, 10, 70),
    EnergyBand(23, 7, 40),
)
PARKING = ParkingTariff(free_minutes=15, hour_fen=500, day_cap_fen=4000)
ENERGY = EnergyTariff((PEAK, FLAT_DAY, FLAT_NIGHT, VALLEY), service_kwh_fen=50)
BOOK = TariffBook((Tariff(LOCAL_MIDNIGHT_UTC_MS, PARKING, ENERGY),))
VISITOR, RESIDENT = Plate("京A12345"), Plate("京B00001")
PERMITS = Permits(frozenset({RESIDENT}), month_fen=30_000)


def at(hour: float, day: int = 1) -> int:
    """UTC ms of a local hour in January 2026."""
    return LOCAL_MIDNIGHT_UTC_MS + (day - 1) * DAY_MS + int(hour * HOUR_MS)


@st.composite
def energy_tariffs(draw: st.DrawFn) -> EnergyTariff:
    """Bands that cover the day once, wherever they begin."""
    starts = sorted(draw(st.sets(st.integers(0, 23), min_size=1, max_size=6)))
    prices = draw(st.lists(st.integers(0, 300), min_size=len(starts), max_size=len(starts)))
    if len(starts) == 1:
        return EnergyTariff((EnergyBand(0, 24, prices[0]),), draw(st.integers(0, 100)))
    ends = [*starts[1:], starts[0]]
    bands = tuple(EnergyBand(*band) for band in zip(starts, ends, prices, strict=True))
    return EnergyTariff(bands, draw(st.integers(0, 100)))


parking_tariffs = st.builds(
    ParkingTariff, free_minutes=st.integers(0, 120), hour_fen=st.integers(0, 2000), day_cap_fen=st.integers(0, 9000)
)


@st.composite
def books(draw: st.DrawFn) -> TariffBook:
    """One to three tariffs within a few days; dates and offsets on whole minutes."""
    minutes = sorted(draw(st.sets(st.integers(0, 5 * 24 * 60), min_size=1, max_size=3)))
    tariffs = tuple(
        Tariff(LOCAL_MIDNIGHT_UTC_MS + minute * MINUTE_MS, draw(parking_tariffs), draw(energy_tariffs()))
        for minute in minutes
    )
    return TariffBook(tariffs, draw(st.sampled_from((480, 0, -210, 345))))


instants = st.integers(0, 7 * 24 * 60).map(lambda minute: LOCAL_MIDNIGHT_UTC_MS - DAY_MS + minute * MINUTE_MS)
"""Whole minutes from a day before to six days after the first local midnight of 2026."""
