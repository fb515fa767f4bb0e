"""`garagectl bench durability`: is what was acknowledged still there after a kill, and after a power cut?

Decides the figures; `runtime.bench_kills` and `runtime.power_cuts` do the killing. Rows as in `runtime.bench`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runtime.bench_kills import kill_campaign
from runtime.bench_rows import row_of

NORMAL_LOSES_PCT = 50
"""The rig must show losses where there is no sync, or it proves nothing where there is one."""

Tick = Callable[[int], object]


class RigMissing(RuntimeError):
    """The power-cut campaign needs a package that is not installed."""


def bench_kills(kills: int, seed: int, tick: Tick) -> list[dict[str, Any]]:
    """Kills of a real process, on a real file system."""
    report = kill_campaign(kills, seed, tick)
    rows = [
        row_of("kill -9", report.kills, "kills", kills),
        row_of("events acknowledged before a kill", report.acknowledged, "events", 1),
        row_of("acknowledged and lost after a kill", report.lost, "events", 0, at_least=False),
        row_of("torn after a kill", report.torn, "journals", 0, at_least=False),
    ]
    return [row | {"stories": list(report.stories)} if not row["holds"] else row for row in rows]


def bench_power_cuts(cuts: int, seed: int, tick: Tick) -> list[dict[str, Any]]:
    """Power cuts with synchronous=FULL as shipped, and half as many with NORMAL to try the rig; raises RigMissing."""
    try:
        from runtime.power_cuts import cut_campaign
    except ModuleNotFoundError as error:
        raise RigMissing(f"{error.name} is missing: install the extra `bench`") from error
    full = cut_campaign(cuts, seed, "FULL", tick)
    normal = cut_campaign(-(-cuts // 2), seed, "NORMAL", tick)
    losing_pct = round(100 * normal.cuts_with_loss / normal.cuts, 1)
    return [
        row_of("power cuts, synchronous=FULL", full.cuts, "cuts", cuts),
        row_of("transactions acknowledged, FULL", full.acknowledged, "transactions", 1),
        row_of("acknowledged and lost, FULL", full.transactions_lost, "transactions", 0, at_least=False),
        row_of("unsound databases, FULL", full.corrupt, "databases", 0, at_least=False),
        row_of("cuts that lose something, NORMAL", losing_pct, "%", NORMAL_LOSES_PCT),
        row_of("unsound databases, NORMAL", normal.corrupt, "databases", 0, at_least=False),
    ]
