"""Names of things: modules, bays, charging spots, jobs.

Decides how a bay is written (`A-3-07` = module A, level 3, seventh pallet from the left) and read
back. Does not know which bays exist; that is `domain.grid`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NewType

ModuleId = NewType("ModuleId", str)
BayId = NewType("BayId", str)
SpotId = NewType("SpotId", str)
JobId = NewType("JobId", str)
ChargingId = NewType("ChargingId", str)
BookingId = NewType("BookingId", str)
Plate = NewType("Plate", str)

_BAY = re.compile(r"([A-Z]{1,2})-([1-9])-([0-9]{2})")
_PLATE = re.compile(r"[\w\u4e00-\u9fff]{2,10}")


@dataclass(frozen=True, slots=True, order=True)
class BayRef:
    """A bay taken apart: module, level (1 = ground), index (1 = leftmost pallet of its level)."""

    module: ModuleId
    level: int
    index: int

    @property
    def name(self) -> BayId:
        """The bay as people write it."""
        return BayId(f"{self.module}-{self.level}-{self.index:02d}")


@lru_cache(maxsize=4096)
def parse_bay(text: str) -> BayRef:
    """Read `A-3-07`; raises ValueError for anything else."""
    match = _BAY.fullmatch(text)
    if match is None:
        raise ValueError(f"not a bay name: {text!r} (expected for example A-3-07)")
    return BayRef(ModuleId(match[1]), int(match[2]), int(match[3]))


def parse_plate(text: str) -> Plate:
    """Bring a number plate (车牌) to its one spelling: upper case, no spaces, dots or dashes.

    Raises ValueError when fewer than 2 or more than 10 letters and digits remain.
    """
    plate = re.sub(r"[\s·.\-]", "", text).upper()
    if _PLATE.fullmatch(plate) is None:
        raise ValueError(f"not a number plate: {text!r}")
    return Plate(plate)
