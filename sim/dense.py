"""Dense traffic for campaigns: somebody comes or goes every minute or so, at any hour, some to charge.

Decides trips like `sim.demand`, but to hurt: cars leave and return at random, as fast as the modules can
serve them, so that a day holds many days' motions.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.ids import Plate
from domain.site import Site
from sim.demand import Trip
from sim.households import Household
from sim.streams import Stream, fork

GAP_MS = 360_000
"""Mean time between two trips, divided by the number of modules."""
QUIET_END_MS = 40 * 60_000
"""Nobody new comes so long before the end: the queue is then what faults have left behind, not rush hour."""
REST_MS = 15 * 60_000
"""A car that has just come or gone stays where it is at least so long."""
CHARGE_SHARE = 0.06
STAY_MS = (10 * 60_000, 60 * 60_000)
NEED_WH = (2000, 12_000)


def dense_trips(site: Site, parked: Mapping[Plate, Household], seed: int, until_ms: int) -> list[Trip]:
    """Trips up to a plant time: half of them leave, half come back, a few charge instead."""
    dice = fork(seed, Stream.DENSE)
    inside, outside = dict.fromkeys(sorted(parked), -REST_MS), dict[Plate, int]()
    trips, now_ms = [], 60_000
    while now_ms < until_ms - QUIET_END_MS:
        leaves = dice.random() < 0.5 or not outside
        pool, other = (inside, outside) if leaves else (outside, inside)
        rested = [plate for plate, since_ms in pool.items() if now_ms - since_ms >= REST_MS]
        charges = bool(site.spots) and not leaves and dice.random() < CHARGE_SHARE * 2
        if rested:
            plate = dice.choice(rested)
            home = parked[plate]
            if charges:
                stay_ms, need_wh = dice.randrange(*STAY_MS), dice.randrange(*NEED_WH)
                trips.append(Trip(now_ms, "charge", plate, home.vehicle, home.name, need_wh, stay_ms))
                pool[plate] = now_ms + stay_ms
            else:
                trips.append(Trip(now_ms, "depart" if leaves else "arrive", plate, home.vehicle, home.name))
                del pool[plate]
                other[plate] = now_ms
        now_ms += 1000 + round(dice.expovariate(len(site.modules) / GAP_MS))
    return trips
