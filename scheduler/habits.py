"""What a car's departures have taught: how often it leaves, at what hours, how long it stays.

Decides how observations become rates and chances, and how fast they are forgotten. Does not decide
where a car goes (`scheduler.placement`) or who is told. Hours are hours of UTC: all that counts is
that the same clock is used for learning and for asking, and a site without daylight saving (Beijing)
keeps its habits there. Days of the week are not told apart.

The model is a hazard per hour of the day: decayed departures in that hour over decayed hours parked
in it, as in survival analysis with piecewise constant hazards. What one car has shown is mixed with
what all cars have shown (the *crowd*, a `Habit` like any other) by a conjugate gamma prior, so a car
without a history is expected to do what cars here do, and a car with one what it has done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import exp, expm1
from operator import mul
from typing import Any

from domain.ids import Plate
from domain.reasons import Reason, ReasonCode, because

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

HALF_LIFE_DAYS = 28.0
"""After so long an observation counts half: a new job shows within weeks, a holiday is forgotten."""

OUTINGS_SHAPE = 0.61**-2
"""Shape of the gamma prior for how often one car leaves, from the measured spread between users
(coefficient of variation 0.61; Sørensen et al. 2021)."""

HOUR_PRIOR_DAYS = 4.0
"""So many parked days at its own mean rate stand against what a car has shown in one hour of the day."""

_LONGEST_MS = 28 * DAY_MS
"""A longer stay teaches, and is expected, no longer than this."""

_DIGITS = 4
"""Kept decimals, so that a snapshot of a thousand cars stays small."""

_ZEROS = (0.0,) * 24


@dataclass(frozen=True)
class Habit:
    """Decayed observations of one car, or of all cars together. What follows from them is worked out once.

    `departures` and `parked_hours` have 24 values, one for each hour of UTC: how often it left in
    that hour, and for how many hours it stood here in it. `watched_days` is for how long it was
    known. All are as of `at_utc_ms` and halve every `HALF_LIFE_DAYS`.
    """

    at_utc_ms: int
    watched_days: float
    departures: tuple[float, ...]
    parked_hours: tuple[float, ...]

    @cached_property
    def weight(self) -> float:
        """Decayed number of departures: how much is known."""
        return sum(self.departures)

    @cached_property
    def mean_per_day(self) -> float:
        """How often a car of this crowd leaves a day."""
        return (self.weight + 24 * _BASE_RATE_H * _BASE_HOURS) / (self.watched_days + _BASE_HOURS)

    @cached_property
    def base_rates(self) -> tuple[float, ...]:
        """For each hour of UTC, the rate (per hour) at which a car of this crowd leaves while standing in it."""
        return tuple(
            (count + _BASE_RATE_H * _BASE_HOURS) / (hours + _BASE_HOURS)
            for count, hours in zip(self.departures, self.parked_hours, strict=True)
        )

    @staticmethod
    def from_state(state: dict[str, Any]) -> Habit:
        """What `dataclasses.asdict` made, also after a way through JSON."""
        values = {**state, "departures": tuple(state["departures"]), "parked_hours": tuple(state["parked_hours"])}
        return Habit(**values)


UNKNOWN_CROWD = Habit(0, 0.0, _ZEROS, _ZEROS)
"""The crowd before anybody has left."""

_BASE_RATE_H = 0.04
"""Departures per hour parked that are expected of a crowd that has shown nothing: one a day, at any hour."""

_BASE_HOURS = 2.0
"""So many parked hours, in each hour of the day, `_BASE_RATE_H` counts for: soon outweighed."""


def learn_departure(habit: Habit | None, parked_utc_ms: int, left_utc_ms: int) -> Habit:
    """The habit with one more stay and its departure; None is a car that was never seen to leave."""
    known = habit if habit is not None else Habit(parked_utc_ms, 0.0, _ZEROS, _ZEROS)
    return _with_stay(known, known.at_utc_ms, parked_utc_ms, left_utc_ms)


def learn_crowd(crowd: Habit, habit: Habit | None, parked_utc_ms: int, left_utc_ms: int) -> Habit:
    """The crowd with one more stay of a car whose own habit, before this departure, is `habit`."""
    watched_from_utc_ms = habit.at_utc_ms if habit is not None else parked_utc_ms
    return _with_stay(crowd, watched_from_utc_ms, parked_utc_ms, left_utc_ms)


def _with_stay(old: Habit, watched_from_utc_ms: int, parked_utc_ms: int, left_utc_ms: int) -> Habit:
    """Older observations decayed to the departure, and this stay added. A clock set back adds nothing negative."""
    kept = _kept(old, left_utc_ms)
    departures = [count * kept for count in old.departures]
    for hour, share in _two_hours(left_utc_ms):
        departures[hour] += share
    stay_ms = min(max(0, left_utc_ms - parked_utc_ms), _LONGEST_MS)
    stay = _hours_of_day(left_utc_ms - stay_ms, stay_ms)
    watched_ms = min(max(stay_ms, left_utc_ms - watched_from_utc_ms), _LONGEST_MS)
    return Habit(
        max(left_utc_ms, old.at_utc_ms),
        round(old.watched_days * kept + watched_ms / DAY_MS, _DIGITS),
        tuple(round(count, _DIGITS) for count in departures),
        tuple(round(hours * kept + more, _DIGITS) for hours, more in zip(old.parked_hours, stay, strict=True)),
    )


def leaves_per_day(habit: Habit | None, crowd: Habit, now_utc_ms: int) -> float:
    """How often the car leaves a day, away or not: the posterior mean under the crowd's gamma prior."""
    mean = crowd.mean_per_day
    if habit is None:
        return mean
    kept = _kept(habit, now_utc_ms)
    unseen_days = min(max(0, now_utc_ms - habit.at_utc_ms), _LONGEST_MS) / DAY_MS
    days = habit.watched_days * kept + unseen_days
    return (OUTINGS_SHAPE + habit.weight * kept) / (OUTINGS_SHAPE / mean + days)


def hourly_hazard(habit: Habit | None, crowd: Habit, now_utc_ms: int) -> tuple[float, ...]:
    """For each hour of UTC, the rate (per hour) at which this car leaves while it stands here in that hour.

    First how much more often than the crowd the car leaves over the whole day, then hour by hour
    what it has shown against that expectation.
    """
    return _hazard(habit, crowd, now_utc_ms, range(24))


def _hazard(habit: Habit | None, crowd: Habit, now_utc_ms: int, hours: Iterable[int]) -> tuple[float, ...]:
    """The rates of these hours."""
    base = crowd.base_rates
    if habit is None:
        return tuple(base[hour] for hour in hours)
    kept = _kept(habit, now_utc_ms)
    expected = sum(map(mul, base, habit.parked_hours)) * kept
    ratio = (OUTINGS_SHAPE + habit.weight * kept) / (OUTINGS_SHAPE + expected)
    counts, parked = habit.departures, habit.parked_hours
    return tuple(
        (counts[hour] * kept + HOUR_PRIOR_DAYS * ratio * base[hour]) / (parked[hour] * kept + HOUR_PRIOR_DAYS)
        for hour in hours
    )


def departure_rate_h(habit: Habit | None, crowd: Habit, now_utc_ms: int) -> float:
    """Rate (per hour) at which a car that is parked now leaves in the coming hour."""
    place = now_utc_ms % DAY_MS / HOUR_MS
    hour, part = int(place), place % 1
    this, following = _hazard(habit, crowd, now_utc_ms, (hour, (hour + 1) % 24))
    return this * (1 - part) + following * part


def chance_to_leave(habit: Habit | None, crowd: Habit, now_utc_ms: int, within_ms: int) -> float:
    """Probability (0 to 1) that a car that is parked now leaves within so long."""
    return -expm1(-_cumulated(habit, crowd, now_utc_ms, within_ms))


def mean_rate_h(habit: Habit | None, crowd: Habit, now_utc_ms: int, within_ms: int) -> float:
    """Rate (per hour) at which a car that is parked now leaves, on average over so long; `within_ms` > 0."""
    return _cumulated(habit, crowd, now_utc_ms, within_ms) / (within_ms / HOUR_MS)


def _cumulated(habit: Habit | None, crowd: Habit, now_utc_ms: int, within_ms: int) -> float:
    """The hazard added up over a time that begins now."""
    hazard = hourly_hazard(habit, crowd, now_utc_ms)
    hours = _hours_of_day(now_utc_ms, within_ms)
    return sum(rate * part_h for rate, part_h in zip(hazard, hours, strict=True))


def departure_hours(habit: Habit | None, crowd: Habit, now_utc_ms: int) -> tuple[float, ...]:
    """For each hour of UTC, the chance that a car parked now leaves in it within the next 24 hours."""
    hazard = hourly_hazard(habit, crowd, now_utc_ms)
    chances = [0.0] * 24
    first, survival = now_utc_ms % DAY_MS // HOUR_MS, 1.0
    for hour in (*range(first, 24), *range(first)):
        leaving = -expm1(-hazard[hour])
        chances[hour] = survival * leaving
        survival -= chances[hour]
    return tuple(chances)


def expected_stay_ms(habit: Habit | None, crowd: Habit, now_utc_ms: int) -> float:
    """Mean time until a car that is parked now leaves: the integral of its survival.

    The hazard repeats each day, so the days form a geometric series: with S the chance to outlast a
    day and I the mean time parked within one, the mean is I / (1 - S).
    """
    hazard = hourly_hazard(habit, crowd, now_utc_ms)
    survival, mean_ms, at = 1.0, 0.0, now_utc_ms % DAY_MS
    until = at + DAY_MS
    while at < until:
        step_ms = min(HOUR_MS - at % HOUR_MS, until - at)
        leaving = hazard[at // HOUR_MS % 24] * step_ms / HOUR_MS
        part = -expm1(-leaving) / leaving if leaving > 0 else 1.0
        mean_ms += survival * part * step_ms
        survival *= exp(-leaving)
        at += step_ms
    return min(float(_LONGEST_MS), mean_ms / max(1 - survival, 1e-9))


def told(habit: Habit | None, crowd: Habit, now_utc_ms: int, utc_offset_minutes: int = 0) -> Reason:
    """The habit as a reason, such as `leaves 0.9 times a day, mostly about 07:30`, in local time."""
    per_day = round(leaves_per_day(habit, crowd, now_utc_ms), 1)
    if habit is None:
        return because(ReasonCode.NOT_SEEN_LEAVING, per_day=per_day)
    busiest = max(range(24), key=lambda hour: (habit.departures[hour], -hour))
    local_minutes = (busiest * 60 + 30 + utc_offset_minutes) % (24 * 60)
    return because(ReasonCode.LEAVES, per_day=per_day, at=f"{local_minutes // 60:02d}:{local_minutes % 60:02d}")


def faintest(habits: Mapping[Plate, Habit], now_utc_ms: int) -> Plate:
    """The plate about which least is known, the first by name of equals; ValueError when there is none."""
    return min(habits, key=lambda plate: (habits[plate].weight * _kept(habits[plate], now_utc_ms), plate))


def _kept(habit: Habit, now_utc_ms: int) -> float:
    """Share of the old observations' weight that is left now."""
    return float(0.5 ** (max(0, now_utc_ms - habit.at_utc_ms) / DAY_MS / HALF_LIFE_DAYS))


def _two_hours(at_utc_ms: int) -> tuple[tuple[int, float], tuple[int, float]]:
    """The two hours whose middles the moment lies between, each with its share.

    One household's hour varies by 0.7 h (sd), so a departure at 07:58 says as much about 08 as about 07.
    """
    place = at_utc_ms % DAY_MS / HOUR_MS - 0.5
    hour = int(place // 1)
    later = place - hour
    return (hour % 24, 1 - later), ((hour + 1) % 24, later)


def _hours_of_day(from_utc_ms: int, span_ms: int) -> list[float]:
    """How many hours of the span lie in each hour of the day; 24 values."""
    days, rest_ms = divmod(span_ms, DAY_MS)
    parts = [float(days)] * 24
    at = from_utc_ms % DAY_MS
    while rest_ms > 0:
        step = min(rest_ms, HOUR_MS - at % HOUR_MS)
        parts[at // HOUR_MS % 24] += step / HOUR_MS
        at, rest_ms = at + step, rest_ms - step
    return parts
