"""The set of policies a controller runs with; better ones drop in here."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.placement import Placement, lowest_fitting
from scheduler.sequence import Sequencer, first_come_first_served


@dataclass(frozen=True, slots=True)
class Policy:
    """Placement of arriving cars and order of jobs within a module."""

    placement: Placement = lowest_fitting
    sequencer: Sequencer = first_come_first_served
