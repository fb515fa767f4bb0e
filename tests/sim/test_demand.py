"""A residential compound's weekday, and measured sessions as trips."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ids import Plate, parse_plate
from sim.demand import ARRIVAL_SHARES, DAY_MS, DEPARTURE_SHARES, HOUR_MS, Trip, draw_by_weight, weekday_trips
from sim.households import draw_households, fits_somewhere
from sim.scenario import Residents, initial_cars, place_households
from sim.streams import Stream, fork
from sim.trondheim import Session, densest_day, merge_overlaps, read_sessions, trondheim_trips
from tests.sites import default_site, module_layout, site_of

SITE = default_site()
MIDNIGHT_UTC_MS = int(dt.datetime(2026, 3, 1, 16, tzinfo=dt.UTC).timestamp()) * 1000
"""Monday 2026-03-02 00:00 in Beijing."""

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("GARAGE_DATA", ROOT.parent / "shared" / "data")) / "trondheim_sessions.csv"


def weekdays(days: int, seed: int, start_utc_ms: int = MIDNIGHT_UTC_MS) -> list[Trip]:
    parked = initial_cars(SITE, seed, 130).parked
    return weekday_trips(SITE, days, seed, start_utc_ms=start_utc_ms, parked=parked)


def shares(trips: list[Trip], kind: str) -> list[float]:
    """Of the residents' trips of a kind, the share in each hour."""
    own = [trip for trip in trips if trip.kind == kind and trip.household.startswith("H-")]
    hours = Counter(trip.at_ms % DAY_MS // HOUR_MS for trip in own)
    return [hours[hour] / hours.total() for hour in range(24)]


def test_the_hourly_shares_are_whole_and_hold_the_measured_figures() -> None:
    assert sum(DEPARTURE_SHARES) == pytest.approx(1)
    assert sum(ARRIVAL_SHARES) == pytest.approx(1)
    assert DEPARTURE_SHARES[6:9] == (0.096, 0.292, 0.092)
    assert sum(DEPARTURE_SHARES[16:19]) == pytest.approx(0.156)
    assert ARRIVAL_SHARES[15:17] == (0.118, 0.170)
    assert sum(ARRIVAL_SHARES[17:21]) == pytest.approx(0.354)


def test_a_month_of_weekdays_has_the_measured_hours() -> None:
    trips = weekdays(30, 7)

    assert shares(trips, "depart") == pytest.approx(DEPARTURE_SHARES, abs=0.025)
    assert shares(trips, "arrive") == pytest.approx(ARRIVAL_SHARES, abs=0.025)
    departures = sum(trip.kind == "depart" for trip in trips)
    assert departures / 30 == pytest.approx(110, rel=0.08)


def test_people_have_habits() -> None:
    """The departures after a night at home, as in the measured data: within one household sd 0.72 h."""
    hours: dict[str, list[float]] = {}
    came_back: dict[str, int] = {}
    for trip in weekdays(30, 7):
        hour = trip.at_ms % DAY_MS / HOUR_MS
        if trip.kind == "arrive":
            came_back[trip.household] = trip.at_ms // DAY_MS
        elif trip.kind == "depart" and 5 <= hour < 11 and came_back.get(trip.household, 0) < trip.at_ms // DAY_MS:
            hours.setdefault(trip.household, []).append(hour)
    commuters = [times for times in hours.values() if len(times) >= 10]

    within = statistics.median(statistics.stdev(times) for times in commuters)

    assert len(commuters) > 30
    assert 0.4 < within < 1.1


def test_households_differ_in_how_often_they_leave_as_measured() -> None:
    spreads = []
    for seed in (1, 2, 3):
        households = draw_households(SITE, seed, 130)
        trips = weekdays(60, seed)
        left = Counter(trip.household for trip in trips if trip.kind == "depart")
        a_day = [left[household.name] / 60 for household in households]
        spreads.append(statistics.pstdev(a_day) / statistics.mean(a_day))
        assert statistics.correlation([h.outings_ratio for h in households], a_day) > 0.9

    # Measured: 0.61, over users of apartment garages.
    assert statistics.mean(spreads) == pytest.approx(0.61, abs=0.06)


@given(
    weights=st.lists(st.floats(0.01, 10), min_size=1, max_size=30),
    count=st.integers(0, 40),
    seed=st.integers(0, 1000),
)
def test_a_draw_by_weight_is_within_one_of_the_share(weights: list[float], count: int, seed: int) -> None:
    names = [Plate(f"P{number}") for number in range(len(weights))]

    drawn = draw_by_weight(names, weights, count, fork(seed, Stream.DAY))

    assert len(drawn) == count
    for name, weight in zip(names, weights, strict=True):
        assert abs(drawn.count(name) - count * weight / sum(weights)) < 1 + 1e-6


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), hour=st.integers(0, 23))
def test_every_car_alternates_between_in_and_out(seed: int, hour: int) -> None:
    parked = initial_cars(SITE, seed, 130).parked
    start_utc_ms = MIDNIGHT_UTC_MS + hour * HOUR_MS

    trips = weekday_trips(SITE, 2, seed, start_utc_ms=start_utc_ms, parked=parked)

    inside: set[Plate] = set(parked)
    most = len(inside)
    for trip in trips:
        assert 0 <= trip.at_ms < 2 * DAY_MS
        if trip.kind == "depart":
            inside.remove(trip.plate)
        elif trip.kind == "arrive":
            assert trip.plate not in inside
            inside.add(trip.plate)
        most = max(most, len(inside))
    assert [trip.at_ms for trip in trips] == sorted(trip.at_ms for trip in trips)
    assert most <= SITE.bay_count


def test_the_garage_neither_fills_nor_empties_over_the_weeks() -> None:
    inside = 130
    at_midnight = []
    day = 0
    for trip in weekdays(40, 3):
        while trip.at_ms >= (day + 1) * DAY_MS:
            at_midnight.append(inside)
            day += 1
        inside += {"arrive": 1, "depart": -1, "charge": 0}[trip.kind]

    assert len(at_midnight) == 39
    assert min(at_midnight) > 110
    assert max(at_midnight) < 136


def test_cars_come_to_charge_with_a_need_and_a_time_to_leave() -> None:
    charges = [trip for trip in weekdays(10, 5) if trip.kind == "charge"]

    assert 120 < len(charges) < 280
    for trip in charges:
        assert trip.charge_wh is not None
        assert trip.stay_ms is not None
        # Whoever stays so long can have what is asked for from a 7 kW wallbox.
        assert trip.stay_ms * 7000 / HOUR_MS >= min(trip.charge_wh, 7000 * 11)


def test_a_garage_without_charging_spots_has_no_charging() -> None:
    site = site_of(module_layout("A", 5))
    residents = initial_cars(site, 1, 10)

    trips = weekday_trips(site, 3, 1, 8, start_utc_ms=MIDNIGHT_UTC_MS, parked=residents.parked)

    assert trips
    assert all(trip.kind != "charge" for trip in trips)


def test_another_seed_is_another_day() -> None:
    assert weekdays(1, 1) != weekdays(1, 2)


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_the_same_seed_is_the_same_day_in_every_process(hash_seed: str) -> None:
    program = (
        "import json; from tests.sim.test_demand import weekdays;"
        "print(json.dumps([[t.at_ms, t.kind, t.plate, t.charge_wh] for t in weekdays(1, 11)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == [[t.at_ms, t.kind, t.plate, t.charge_wh] for t in weekdays(1, 11)]


def test_streams_of_one_seed_differ() -> None:
    first = [fork(1, stream).random() for stream in Stream]

    assert len(set(first)) == len(first)
    assert fork(1, Stream.DAY, 2).random() == fork(1, Stream.DAY, 2).random()
    assert fork(1, Stream.DAY, 12).random() != fork(1, Stream.DAY, 1, 2).random()


def test_more_households_leave_the_first_ones_as_they_were() -> None:
    assert draw_households(SITE, 4, 50) == draw_households(SITE, 4, 130)[:50]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_every_car_fits_the_bay_it_starts_in(seed: int) -> None:
    residents = initial_cars(SITE, seed, 140)

    for bay, car in residents.cars.items():
        layout = SITE.layout_of(bay)
        assert layout.misfits(car.vehicle, layout.bays[layout.offset[bay]].level) == ()
    assert len(set(residents.pins)) == 140
    assert all(parse_plate(plate) == plate for plate in residents.pins)
    assert all(len(pin) == 6 and pin.isdigit() for pin in residents.pins.values())


def test_the_mix_of_cars_is_that_of_a_street() -> None:
    cars = Counter(h.vehicle.class_code for h in draw_households(SITE, 2, 1000))

    assert cars["Z"] + cars["D"] > 550
    assert 150 < cars["K"] < 280
    assert 5 < cars["T"] < 80
    assert all(fits_somewhere(SITE, h.vehicle) for h in draw_households(SITE, 2, 200))


def test_dead_bays_start_empty() -> None:
    site = site_of(module_layout("A", 3, (2150, 2150), dead=("A-1-01", "A-2-02")))

    residents = initial_cars(site, 1, 3)

    assert set(residents.cars) == {"A-1-02", "A-2-01", "A-2-03"}
    with pytest.raises(ValueError, match="4 cars do not fit in 3 bays"):
        initial_cars(site, 1, 4)


def test_a_garage_that_is_too_low_is_named() -> None:
    site = site_of(module_layout("A", 3, (1300, 1300)))

    with pytest.raises(ValueError, match="no usual car fits"):
        initial_cars(site, 1, 1)


def test_residents_survive_the_way_through_a_file() -> None:
    residents = initial_cars(SITE, 9, 130)

    again = Residents.from_dict(json.loads(json.dumps(residents.to_dict())))

    assert again == residents
    assert again.cars == residents.cars
    with pytest.raises(ValueError, match="version 1"):
        Residents.from_dict({**residents.to_dict(), "version": 1})


HEADER = (
    "session_ID;Garage_ID;User_ID;User_type;Shared_ID;Start_plugin;Start_plugin_hour;End_plugout;"
    "End_plugout_hour;El_kWh;Duration_hours;month_plugin;weekdays_plugin\r\n"
)


def csv_of(folder: Path, *sessions: tuple[str, str, str, str]) -> Path:
    path = folder / "sessions.csv"
    rows = [
        f"{n};G;{user};Private;NA;{start};0;{end};0;{kwh};1;Jan;Monday\r\n"
        for n, (user, start, end, kwh) in enumerate(sessions, start=1)
    ]
    path.write_text(HEADER + "".join(rows), encoding="utf-8", newline="")
    return path


def test_unusable_sessions_are_dropped_and_counted(tmp_path: Path) -> None:
    path = csv_of(
        tmp_path,
        ("u1", "06.01.2020 17:00", "07.01.2020 07:30", "9,05"),
        ("u1", "07.01.2020 17:00", "NA", "9,05"),
        ("u2", "06.01.2020 17:00", "06.01.2020 17:00", "1"),
        ("u2", "06.01.2020 19:00", "06.01.2020 18:00", "1"),
        ("u3", "06.01.2020 10:00", "06.01.2020 12:00", "NA"),
        ("u3", "06.01.2020 11:00", "06.01.2020 13:00", "2,5"),
    )

    sessions, counts = read_sessions(path)

    assert counts == (6, 1, 2, 1)
    noon = dt.datetime(2020, 1, 6, 10), dt.datetime(2020, 1, 6, 13)
    evening = dt.datetime(2020, 1, 6, 17), dt.datetime(2020, 1, 7, 7, 30)
    assert sessions == [Session("u3", *noon, 2500), Session("u1", *evening, 9050)]


def test_a_session_becomes_an_arrival_and_a_departure(tmp_path: Path) -> None:
    path = csv_of(
        tmp_path,
        ("early", "05.01.2020 20:00", "06.01.2020 07:00", "5"),
        ("day", "06.01.2020 09:00", "06.01.2020 17:30", "5"),
        ("late", "06.01.2020 22:00", "08.01.2020 06:00", "5"),
        ("other", "20.01.2020 22:00", "21.01.2020 06:00", "5"),
    )

    demand = trondheim_trips(
        path, SITE, 1, 1, start_utc_ms=MIDNIGHT_UTC_MS, first_day=dt.date(2020, 1, 6), charging_share=0
    )

    assert [(trip.at_ms / HOUR_MS, trip.kind) for trip in demand.trips] == [
        (7.0, "depart"),
        (9.0, "arrive"),
        (17.5, "depart"),
        (22.0, "arrive"),
    ]
    assert list(demand.parked) == [demand.trips[0].plate]
    assert (demand.cleaning.used, demand.cleaning.outside, demand.cleaning.dropped) == (3, 1, 0)
    placed = place_households(SITE, 1, tuple(demand.parked.values()))
    assert set(placed.pins) == set(demand.parked)


def test_users_who_only_charge_bring_their_measured_energy(tmp_path: Path) -> None:
    path = csv_of(tmp_path, ("u", "06.01.2020 09:00", "06.01.2020 17:30", "12,34"))

    demand = trondheim_trips(path, SITE, 1, 1, start_utc_ms=MIDNIGHT_UTC_MS, charging_share=1)

    (trip,) = demand.trips
    assert (trip.kind, trip.charge_wh, trip.stay_ms) == ("charge", 12_340, 8 * HOUR_MS + HOUR_MS // 2)
    assert not demand.parked


def test_the_densest_days_are_chosen() -> None:
    def on(day: int) -> Session:
        start = dt.datetime(2020, 1, day, 12)
        return Session("u", start, start + dt.timedelta(hours=1), 1)

    sessions = [on(1), on(1), on(5), on(6), on(6), on(20)]

    assert densest_day(sessions, 1) == dt.date(2020, 1, 1)
    assert densest_day(sessions, 2) == dt.date(2020, 1, 5)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 200), st.integers(1, 50), st.integers(0, 9)),
        max_size=30,
    )
)
def test_merging_keeps_time_and_energy_and_leaves_no_overlap(rows: list[tuple[str, int, int, int]]) -> None:
    zero = dt.datetime(2020, 1, 1)
    minute = dt.timedelta(minutes=1)
    sessions = [Session(u, zero + a * minute, zero + (a + d) * minute, e) for u, a, d, e in rows]

    merged = merge_overlaps(sessions)

    assert sum(s.energy_wh for s in merged) == sum(s.energy_wh for s in sessions)
    for user in "abc":
        covered = {m for u, a, d, _ in rows if u == user for m in range(a, a + d)}
        own = [s for s in merged if s.user == user]
        spans = [range((s.plug_in - zero) // minute, (s.plug_out - zero) // minute) for s in own]
        assert covered == {m for span in spans for m in span}
        assert all(a.stop < b.start for a, b in itertools.pairwise(spans))


@pytest.mark.skipif(not DATA.exists(), reason=f"measured sessions are not at {DATA} (set GARAGE_DATA)")
def test_the_measured_fortnight_can_be_acted_out() -> None:
    demand = trondheim_trips(DATA, SITE, 14, 1, start_utc_ms=MIDNIGHT_UTC_MS)

    cleaning = demand.cleaning
    assert cleaning.read == 6878
    assert cleaning.used + cleaning.outside + cleaning.merged + cleaning.dropped == cleaning.read
    assert cleaning.used > 500
    inside = set(demand.parked)
    for trip in demand.trips:
        if trip.kind == "depart":
            inside.remove(trip.plate)
        elif trip.kind == "arrive":
            assert trip.plate not in inside
            inside.add(trip.plate)
    assert any(trip.kind == "charge" for trip in demand.trips)
