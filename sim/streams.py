"""Chance for the simulated world: one seed, forked into streams that do not disturb each other.

Decides how a stream gets its start from the seed and a path of whole numbers. Draws nothing itself. A
path is hashed with SHA-256 and not with `hash`, so a run is the same under every PYTHONHASHSEED, and
adding a draw to one stream moves no draw of another.
"""

from __future__ import annotations

import hashlib
import random
from enum import IntEnum


class Stream(IntEnum):
    """The first number of every path: whose draws these are. Numbers are never reused."""

    HOUSEHOLD = 1
    """Path: household number. Plate, car, PIN, habits."""
    DAY = 2
    """Path: day number. Who leaves and who comes back when."""
    VISITOR = 3
    """Path: day number. Visitors of that day."""
    CHARGER = 4
    """Path: day number. Cars that come to charge."""
    PLACING = 5
    """No path. Which car stands in which bay at the start."""
    PERSON = 6
    """Path: number of the plate, number of the visit. How long a person takes."""
    USER = 7
    """Path: number of the measured user. Which of them charge instead of park."""
    OUTINGS = 8
    """Path: household number. How often it leaves."""
    BOOKING = 9
    """Path: number of the plate. Whether its driver books; with a number of the departure: when and how punctually."""
    RUSH = 10
    """Path: number of the draw, module (0: all). Who leaves in a rush of the benchmark, and when."""
    FAULT = 11
    """Path: number of the fault class, number of the place. When it fires, where, and for how long."""
    DIALS = 12
    """No path. Which classes of faults are on, and how often they fire."""
    WIRE = 13
    """Path: number of the module. The fate of each message."""
    SUPERVISOR = 14
    """No path. At which point of a scan the supervisor dies, and how long it is away."""
    ATTENDANT = 15
    """No path. How long the attendant walks and works."""
    DENSE = 16
    """No path. Who comes when in dense traffic."""


def fork(seed: int, stream: Stream, *path: int) -> random.Random:
    """A generator of its own for this stream and path."""
    line = ",".join(str(number) for number in (seed, int(stream), *path))
    return random.Random(int.from_bytes(hashlib.sha256(line.encode()).digest()[:8], "big"))


def number_of(text: str) -> int:
    """A whole number for a name, the same in every process, to be used in a path."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
