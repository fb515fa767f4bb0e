"""Neighbours who keep a demonstration garage alive: somebody comes or goes every minute, at any hour.

Decides trips only, like `sim.demand`, but at an even pace instead of a weekday's, so that whoever
starts the simulated garage at night sees it move too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.ids import Plate
from domain.site import Site
from sim.demand import Trip
from sim.households import Household, draw_plate, draw_vehicle
from sim.streams import Stream, fork

FIRST_TRIP_MS = 4000
GAP_MS = (25_000, 75_000)
AWAY_MS_MIN = 600_000
CHARGE_EVERY = 5
CHARGE_WH = (1500, 9000)
CHARGE_STAY_MS = (1_200_000, 5_400_000)


def steady_trips(site: Site, seed: int, parked: Mapping[Plate, Household], skip: int = 0) -> Iterator[Trip]:
    """Trips without end, in order of time: residents leave and come back, every fifth trip charges.

    `skip` numbers restarts of the same garage, so that each has its own trips.
    """
    dice = fork(seed, Stream.DAY, 1_000_000 + skip)
    home = dict(sorted(parked.items()))
    away: dict[Plate, tuple[Household, int]] = {}
    at_ms, number = FIRST_TRIP_MS, 0
    while True:
        number += 1
        if number % CHARGE_EVERY == 2 and site.spots:
            plate, vehicle = draw_plate(dice, letters="D"), draw_vehicle(site, dice)
            need_wh, stay_ms = dice.randrange(*CHARGE_WH), dice.randrange(*CHARGE_STAY_MS)
            yield Trip(at_ms, "charge", plate, vehicle, f"N-{number:05d}", need_wh, stay_ms)
        else:
            back = [plate for plate, (_, left_ms) in away.items() if left_ms + AWAY_MS_MIN <= at_ms]
            if back and (dice.random() < len(away) / 20 or not home):
                plate = dice.choice(back)
                household, _ = away.pop(plate)
                home[plate] = household
                yield Trip(at_ms, "arrive", plate, household.vehicle, household.name)
            elif home:
                plate = dice.choice(list(home))
                household = home.pop(plate)
                away[plate] = household, at_ms
                yield Trip(at_ms, "depart", plate, household.vehicle, household.name)
        at_ms += dice.randrange(*GAP_MS)
