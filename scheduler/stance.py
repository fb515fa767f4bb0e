"""What an idle module prepares for somebody who has not asked yet.

Decides which pallet's shaft is kept free, and whether an empty pallet waits on the ground for the next
arrival. Bookings are jobs and not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.grid import Columns, ModuleLayout
from domain.ids import BayId
from domain.machine import Machine


@dataclass(frozen=True, slots=True)
class Outlook:
    """An idle module and what is likely to happen there next.

    `departures_per_h` has the rate of each parked car (by bay) in the coming hour, `arrivals_per_h`
    that of cars that this module will be asked to store. `down` is an empty pallet on the ground,
    `empty` are all bays without a car.
    """

    layout: ModuleLayout
    machine: Machine
    columns: Columns
    departures_per_h: Mapping[BayId, float]
    arrivals_per_h: float = 0.0
    down: BayId | None = None
    empty: frozenset[BayId] = frozenset()


@dataclass(frozen=True, slots=True)
class Stance:
    """What to prepare, and why.

    `expose` is the upper pallet whose shaft should be free (None: leave the gaps as they are); with
    `hold` the empty pallet on the ground stays there.
    """

    expose: BayId | None = None
    hold: bool = False
    reason: str = ""


Stancer = Callable[[Outlook], Stance]
"""A policy for idle modules."""


def leave_as_is(outlook: Outlook) -> Stance:
    """Pallets go home and gaps stay where the last job left them: what panels do."""
    del outlook
    return Stance()
