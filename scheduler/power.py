"""How the site's supply is shared: motors first, then the charging cars equally.

Decides set currents from a budget; who is charging and how fast a wallbox obeys is not its matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.ids import SpotId
from domain.site import SpotSpec


def share_equally(specs: Sequence[SpotSpec], budget_w: int) -> dict[SpotId, int]:
    """Set current in 0.1 A for each spot that wants to charge, oldest session first.

    Every car gets the same current, never below its wallbox's minimum: when the budget cannot give
    the minimum to all, the newest sessions wait at 0. The sum of powers never exceeds the budget.
    """
    granted = list(specs)
    while granted:
        floor_w = sum(spec.power_w(spec.current_da_min) for spec in granted)
        if floor_w <= max(budget_w, 0):
            break
        granted.pop()
    currents = {spec.id: 0 for spec in specs}
    open_specs, left_w = list(granted), budget_w
    while open_specs:
        per_da = sum(spec.power_w(10) for spec in open_specs)
        level_da = max(0, left_w * 10 // per_da) if per_da else 0
        capped = [spec for spec in open_specs if spec.current_da_max <= level_da]
        floored = [spec for spec in open_specs if spec.current_da_min > level_da]
        fixed = capped or floored
        if not fixed:
            currents.update({spec.id: level_da for spec in open_specs})
            break
        for spec in fixed:
            currents[spec.id] = spec.current_da_max if capped else spec.current_da_min
            left_w -= spec.power_w(currents[spec.id])
        open_specs = [spec for spec in open_specs if spec not in fixed]
    return currents
