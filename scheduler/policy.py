"""The set of policies a controller runs with; better ones drop in here."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.online import first_come_order, planned_order, rolling_exact
from scheduler.placement import Placement, by_expected_stay, lowest_fitting
from scheduler.sequence import Planner, Sequencer, first_come_first_served
from scheduler.stance import Stancer, leave_as_is, prepared


@dataclass(frozen=True, slots=True)
class Policy:
    """Placement of arriving cars, order of jobs within a module, and what idle modules prepare."""

    placement: Placement = by_expected_stay
    sequencer: Sequencer = rolling_exact
    stancer: Stancer = prepared
    planner: Planner = planned_order
    """What the sequencer will do, for estimates."""


VENDOR = Policy(lowest_fitting, first_come_first_served, leave_as_is, first_come_order)
"""What closed panels do: first come, first served, lowest free bay, gaps left as they are."""
