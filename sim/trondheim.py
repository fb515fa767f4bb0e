"""Trips made from measured charging sessions of apartment garages (Trondheim data set).

Decides which measured sessions are usable and turns them into trips: plug-in is arrival, plug-out is
departure, a user is a household with one car. Data: Sørensen et al., Data in Brief 36 (2021) 107105,
CC BY 4.0. A proxy only: electric cars, and only the trips after which they were plugged in.
"""

from __future__ import annotations

import csv
import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from domain.ids import Plate
from domain.site import Site
from sim.demand import DAY_MS, Trip, midnight_offset_ms
from sim.households import Household, draw_households
from sim.streams import Stream, fork, number_of

_TIME = "%d.%m.%Y %H:%M"
_MISSING = "NA"
_CHARGE_WH_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Session:
    """One usable session of one user, in local time."""

    user: str
    plug_in: dt.datetime
    plug_out: dt.datetime
    energy_wh: int


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What became of the measured sessions."""

    read: int
    incomplete: int
    """A time is missing or unreadable."""
    without_duration: int
    """Plug-out is not after plug-in."""
    merged: int
    """Overlapped an earlier session of the same user and became part of it."""
    outside: int
    """Usable, but not in the chosen days."""
    used: int

    @property
    def dropped(self) -> int:
        """Sessions that are not usable."""
        return self.incomplete + self.without_duration


@dataclass(frozen=True)
class MeasuredDemand:
    """Trips, who is parked at plant time 0, and how they came about."""

    trips: list[Trip]
    parked: Mapping[Plate, Household]
    households: tuple[Household, ...]
    first_day: dt.date
    cleaning: Cleaning


def trondheim_trips(
    path: Path,
    site: Site,
    days: int,
    seed: int,
    *,
    start_utc_ms: int,
    first_day: dt.date | None = None,
    charging_share: float = 0.1,
) -> MeasuredDemand:
    """Trips of so many measured days from plant time 0, which is `start_utc_ms`.

    The days begin with `first_day`, by default so that they hold as many sessions as possible. Of the
    users, `charging_share` come to the charging spots with the energy they really took; the others
    park in the garage.
    """
    sessions, (read, incomplete, without_duration, merged) = read_sessions(path)
    begin = first_day if first_day is not None else densest_day(sessions, days)
    users = sorted({session.user for session in sessions})
    homes = dict(zip(users, draw_households(site, seed, len(users)), strict=True))
    midnight = dt.datetime.combine(begin, dt.time())
    shift_ms = midnight_offset_ms(start_utc_ms, site.utc_offset_minutes)
    trips: list[Trip] = []
    parked: dict[Plate, Household] = {}
    used = 0
    for session in sessions:
        arrive_ms = _ms(session.plug_in - midnight) - shift_ms
        depart_ms = _ms(session.plug_out - midnight) - shift_ms
        home = homes[session.user]
        if depart_ms < 0 or arrive_ms >= days * DAY_MS:
            continue
        charges = fork(seed, Stream.USER, number_of(session.user)).random() < charging_share
        found = _session_trips(session, home, arrive_ms, depart_ms, charges and bool(site.spots))
        used += bool(found)
        trips += [trip for trip in found if 0 <= trip.at_ms < days * DAY_MS]
        if arrive_ms < 0 and found:
            parked[home.plate] = home
    trips.sort(key=lambda trip: (trip.at_ms, trip.plate, trip.kind))
    cleaning = Cleaning(read, incomplete, without_duration, merged, len(sessions) - used, used)
    return MeasuredDemand(trips, parked, tuple(homes.values()), begin, cleaning)


def _session_trips(session: Session, home: Household, arrive_ms: int, depart_ms: int, charges: bool) -> list[Trip]:
    """One charge, or one arrival and one departure; nothing for a charge that began before time 0."""
    plate, vehicle, name = home.plate, home.vehicle, home.name
    if not charges:
        return [
            Trip(arrive_ms, "arrive", plate, vehicle, name),
            Trip(depart_ms, "depart", plate, vehicle, name),
        ]
    if arrive_ms < 0:
        return []
    need_wh = min(_CHARGE_WH_MAX, max(1, session.energy_wh))
    return [Trip(arrive_ms, "charge", plate, vehicle, name, need_wh, depart_ms - arrive_ms)]


def _ms(span: dt.timedelta) -> int:
    return span // dt.timedelta(milliseconds=1)


def read_sessions(path: Path) -> tuple[list[Session], tuple[int, int, int, int]]:
    """Usable sessions in order of time, with the counts read, incomplete, without duration, merged."""
    read = incomplete = without_duration = 0
    raw: list[Session] = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            read += 1
            session = _session(row)
            if session is None:
                incomplete += 1
            elif session.plug_out <= session.plug_in:
                without_duration += 1
            else:
                raw.append(session)
    sessions = merge_overlaps(raw)
    return sessions, (read, incomplete, without_duration, len(raw) - len(sessions))


def _session(row: Mapping[str, str]) -> Session | None:
    try:
        plug_in = dt.datetime.strptime(row["Start_plugin"], _TIME)
        plug_out = dt.datetime.strptime(row["End_plugout"], _TIME)
    except ValueError:
        return None
    energy = row["El_kWh"]
    energy_wh = 0 if energy == _MISSING else round(float(energy.replace(",", ".")) * 1000)
    return Session(row["User_ID"], plug_in, plug_out, energy_wh)


def merge_overlaps(sessions: Iterable[Session]) -> list[Session]:
    """One user is in one place at a time: overlapping or touching sessions become one, energies added."""
    last: dict[str, int] = {}
    merged: list[Session] = []
    for session in sorted(sessions, key=lambda s: (s.plug_in, s.user, s.plug_out)):
        place = last.get(session.user)
        if place is None or session.plug_in > merged[place].plug_out:
            last[session.user] = len(merged)
            merged.append(session)
            continue
        old = merged[place]
        plug_out = max(old.plug_out, session.plug_out)
        merged[place] = Session(old.user, old.plug_in, plug_out, old.energy_wh + session.energy_wh)
    return merged


def densest_day(sessions: list[Session], days: int) -> dt.date:
    """The day from which so many days hold the most plug-ins; the earliest of equals."""
    if not sessions:
        raise ValueError("no usable session")
    dates = [session.plug_in.date() for session in sessions]
    best, best_count = dates[0], 0
    for place, date in enumerate(dates):
        if place and dates[place - 1] == date:
            continue
        count = bisect_left(dates, date + dt.timedelta(days=days)) - place
        if count > best_count:
            best, best_count = date, count
    return best
