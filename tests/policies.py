"""A policy that does everything a policy may do, so that stories meet it: for tests only."""

from __future__ import annotations

from scheduler.policy import Policy
from scheduler.sequence import Chosen, Queue, first_come_first_served
from scheduler.stance import Outlook, Stance


def exchange(queue: Queue) -> Chosen:
    """First come, first served, but a car that waits takes the empty pallet on the ground if it fits."""
    down = queue.down
    if down is not None and down in queue.empty:
        level = next(bay.level for bay in queue.layout.bays if bay.name == down)
        for one in queue.waiting:
            if one.kind == "storage" and not queue.layout.misfits(one.vehicle, level):
                return Chosen(one.job, down, queue.now_utc_ms, ())
    return first_come_first_served(queue)


def restless(outlook: Outlook) -> Stance:
    """Holds every second pallet that was left on the ground, and always frees the shaft of the last bay."""
    held = outlook.down is not None and int(outlook.down[-1]) % 2 == 0
    return Stance(outlook.layout.bay_names[-1], held, ())


LIVELY = Policy(sequencer=exchange, stancer=restless)
