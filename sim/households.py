"""Who parks here: households with one car each, and cars that only come by.

Decides plates, cars, PINs and habits (which hour, how often), drawn from a seed. Does not decide when anybody drives;
that is `sim.demand`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from domain.ids import Plate, parse_plate
from domain.site import Site
from domain.vehicle import VEHICLE_CLASSES, Vehicle
from sim.streams import Stream, fork

CLASS_SHARES: tuple[tuple[str, float], ...] = (("X", 0.12), ("Z", 0.40), ("D", 0.24), ("K", 0.21), ("T", 0.03))
"""How often each class drives in. C is left out: it is too wide for the usual pallet."""

_SMALLEST = {
    "X": (3700, 1600, 1400, 950),
    "Z": (4400, 1720, 1420, 1250),
    "D": (4700, 1790, 1440, 1450),
    "K": (4400, 1780, 1610, 1500),
    "T": (4800, 1855, 1450, 1750),
}
"""Smallest car drawn for a class: length, width, height in mm, mass in kg; the class is the largest."""

OUTINGS_CV = 0.7
"""How much households differ in how often they wish to leave: standard deviation over mean.

A car that is still out cannot leave again, so their real departures differ less, by 0.6. Measured in
apartment garages (Sørensen et al. 2021): 0.61, with 0.66 plug-ins a day and user.
"""

OUTINGS_MAX = 3.5
"""No household wishes to leave more often than this many times the mean one."""

_LENGTH_STEP_MM = 10
_MASS_STEP_KG = 10
_DRAWS_MAX = 200
_PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_PLATE_SIGNS = "0123456789" * 3 + _PLATE_LETTERS


@dataclass(frozen=True, slots=True)
class Household:
    """One household, its car and its two habits.

    `leaves_share` says when: which part of a day's leavers go before it. `outings_ratio` says how
    often: its departures a day over those of the mean household, 0 to `OUTINGS_MAX`.
    """

    name: str
    plate: Plate
    vehicle: Vehicle
    pin: str
    leaves_share: float
    outings_ratio: float = 1.0


def fits_somewhere(site: Site, vehicle: Vehicle) -> bool:
    """Whether at least one level of one module takes this car."""
    return any(
        not layout.misfits(vehicle, level)
        for layout in site.modules
        for level, count in enumerate(layout.pallets_per_level, start=1)
        if count
    )


def draw_vehicle(site: Site, dice: random.Random) -> Vehicle:
    """A car of a realistic class and size that this garage can hold; ValueError if it holds none."""
    codes = [code for code, _ in CLASS_SHARES]
    weights = [share for _, share in CLASS_SHARES]
    for _ in range(_DRAWS_MAX):
        vehicle = _sized(dice.choices(codes, weights)[0], dice)
        if fits_somewhere(site, vehicle):
            return vehicle
    raise ValueError(f"no usual car fits the garage {site.name!r}: look at its heights and car limits")


def _sized(code: str, dice: random.Random) -> Vehicle:
    largest = VEHICLE_CLASSES[code]
    length, width, height, mass = _SMALLEST[code]
    return Vehicle(
        code,
        dice.randrange(length, largest.length_mm + 1, _LENGTH_STEP_MM),
        dice.randrange(width, largest.width_mm + 1, _LENGTH_STEP_MM),
        dice.randrange(height, largest.height_mm + 1, _LENGTH_STEP_MM),
        dice.randrange(mass, largest.mass_kg + 1, _MASS_STEP_KG),
    )


def draw_plate(dice: random.Random, letters: str = "ABCEFGHJKLMNPQ") -> Plate:
    """A Beijing plate such as 京A12345, in its one spelling."""
    tail = "".join(dice.choice(_PLATE_SIGNS) for _ in range(4))
    return parse_plate(f"京{dice.choice(letters)}·{tail}{dice.randrange(10)}")


def draw_pin(dice: random.Random) -> str:
    """A six-digit PIN."""
    return f"{dice.randrange(1_000_000):06d}"


def draw_outings_ratio(dice: random.Random) -> float:
    """How often a household leaves, the mean being 1: gamma-distributed."""
    shape = OUTINGS_CV**-2
    return min(OUTINGS_MAX, dice.gammavariate(shape, 1 / shape))


def draw_households(site: Site, seed: int, count: int) -> tuple[Household, ...]:
    """So many households, all plates different. The first n are the same for every larger count."""
    taken: set[Plate] = set()
    households = []
    for number in range(1, count + 1):
        dice = fork(seed, Stream.HOUSEHOLD, number)
        vehicle = draw_vehicle(site, dice)
        pin = draw_pin(dice)
        habit = dice.random()
        plate = draw_plate(dice)
        while plate in taken:
            plate = draw_plate(dice)
        taken.add(plate)
        ratio = draw_outings_ratio(fork(seed, Stream.OUTINGS, number))
        households.append(Household(f"H-{number:03d}", plate, vehicle, pin, habit, ratio))
    return tuple(households)
