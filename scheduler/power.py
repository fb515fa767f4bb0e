"""How the site's supply is shared: motors first, then the charging cars equally.

Decides set currents from a budget; who is charging and how fast a wallbox obeys is not its matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.ids import SpotId
from domain.site import SpotSpec


def share_equally(specs: Sequence[SpotSpec], budget_w: int) -> dict[SpotId, int]:
    """Set current in 0.1 A for each spot that wants to charge, oldest session first.

    Every car gets the same current, held to the limits of its wallbox: when the budget cannot give
    the minimum to all, the newest sessions wait at 0. The sum of powers never exceeds the budget.
    """
    granted = list(specs)
    while granted:
        floor_w = sum(spec.power_w(spec.current_da_min) for spec in granted)
        if floor_w <= max(budget_w, 0):
            break
        granted.pop()
    level_da = _level(granted, budget_w)
    shares = {spec.id: _clamped(spec, level_da) for spec in granted}
    return {spec.id: shares.get(spec.id, 0) for spec in specs}


def _level(specs: Sequence[SpotSpec], budget_w: int) -> int:
    """The highest common current that the budget carries, each box held to its own limits."""
    low_da, high_da = 0, max((spec.current_da_max for spec in specs), default=0)
    while low_da < high_da:
        middle_da = (low_da + high_da + 1) // 2
        if sum(spec.power_w(_clamped(spec, middle_da)) for spec in specs) <= budget_w:
            low_da = middle_da
        else:
            high_da = middle_da - 1
    return low_da


def _clamped(spec: SpotSpec, current_da: int) -> int:
    return min(max(current_da, spec.current_da_min), spec.current_da_max)
