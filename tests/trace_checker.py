"""Checks a trace from its lines alone, as a stranger with docs/trace.md would: no import of our code."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

BODY_MM = 100  # a pallet is at least this thick
SLACK_MM = 0.6
ROUNDING_MM = 0.002


class Segment(NamedTuple):
    """What one pallet does between two of its lines."""

    t0: int
    t1: int
    name: str
    x0: float
    x1: float
    z0: float
    z1: float


def check(lines: Iterable[str], brake_ms: int = 620) -> list[str]:
    """Complaints about a trace, none if it keeps format and rules; `brake_ms`: reaction and ramp."""
    complaints: list[str] = []
    rows = [json.loads(line) for line in lines]
    head = rows[0]
    if head["type"] != "header" or head["version"] != 1:
        return [f"no header of version 1: {head}"]
    frames = {frame["id"]: frame for frame in head["modules"]}
    last: dict[str, dict[str, Any]] = {}
    segments: dict[str, list[Segment]] = defaultdict(list)
    away: dict[str, set[str]] = defaultdict(set)
    gate: dict[str, str] = defaultdict(lambda: "closed")
    zone: dict[str, int] = defaultdict(int)
    unsafe_since: dict[str, int] = {}
    over_since, now = None, 0
    for row in rows[1:]:
        t, kind = row["t_ms"], row["type"]
        if t < now:
            complaints.append(f"{t}: time goes back from {now}")
        now, module = t, row.get("module", "")
        if over_since is not None and t - over_since > 2000:
            complaints.append(f"{t}: power over the limit since {over_since}")
            over_since = None
        if kind == "power":
            over = row["motors_w"] + row["chargers_w"] > head["site_limit_w"]
            over_since = (over_since or t) if over else None
        elif kind in ("gate", "zone"):
            gate[module] = row["state"] if kind == "gate" else gate[module]
            zone[module] = row["people"] + row["cars"] if kind == "zone" else zone[module]
            if gate[module] == "closed" and zone[module] == 0:
                unsafe_since.pop(module, None)
            else:
                unsafe_since.setdefault(module, t)
        else:
            name, home = row["pallet"], frames[module]["level_z_mm"][row["level"] - 1]
            old = last.get(name)
            moving = row["motion"] != "still"
            if old is not None:
                segments[module].append(
                    Segment(old["t_ms"], t, name, old["x_mm"], row["x_mm"], old["z_mm"], row["z_mm"])
                )
                if old["motion"] != "slide" and old["x_mm"] != row["x_mm"]:
                    complaints.append(f"{t}: {name} changed its place without sliding")
                if old["motion"] != "lift" and old["z_mm"] != row["z_mm"]:
                    complaints.append(f"{t}: {name} changed its height without lifting")
            starts = moving and (old is None or old["motion"] == "still")
            since = unsafe_since.get(module)
            if since is not None and (starts or (moving and t - since > brake_ms)):
                complaints.append(f"{t}: {name} moves while gate or zone is unsafe since {since}")
            if row["z_mm"] < home - SLACK_MM and row["hook"] != "open":
                complaints.append(f"{t}: {name} is below home with its hook {row['hook']}")
            if row["motion"] == "slide" and abs(row["z_mm"] - home) > SLACK_MM:
                complaints.append(f"{t}: {name} slides off its level")
            off = row["z_mm"] != home or row["motion"] == "lift" or row["hook"] == "open"
            (away[module].add if off else away[module].discard)(name)
            if len(away[module]) > 1:
                complaints.append(f"{t}: {sorted(away[module])} are out of their cells at once")
            last[name] = row
    for row in last.values():
        at = (row["x_mm"], row["x_mm"], row["z_mm"], row["z_mm"])
        segments[row["module"]].append(Segment(row["t_ms"], now + 1, row["pallet"], *at))
    for module, parts in segments.items():
        complaints += _overlaps(parts, frames[module]["pallet_width_mm"])
    return complaints


def _overlaps(parts: list[Segment], width_mm: float) -> list[str]:
    """Pairs of pallets whose swept volumes meet at the same time, trains in step excepted."""
    found: list[str] = []
    active: list[Segment] = []
    for part in sorted(parts):
        active = [other for other in active if other.t1 > part.t0]
        if part.t1 == part.t0:
            continue
        for other in active:
            apart_x = min(part.x0, part.x1) - max(other.x0, other.x1), min(other.x0, other.x1) - max(part.x0, part.x1)
            apart_z = min(part.z0, part.z1) - max(other.z0, other.z1), min(other.z0, other.z1) - max(part.z0, part.z1)
            if max(apart_x) >= width_mm - SLACK_MM or max(apart_z) >= BODY_MM:
                continue
            together = (other.t0, other.t1) == (part.t0, part.t1) and abs(part.x0 - other.x0) >= width_mm
            if not (together and abs((part.x1 - part.x0) - (other.x1 - other.x0)) <= ROUNDING_MM):
                found.append(f"{part.t0}: {part.name} and {other.name} share space")
        active.append(part)
    return found
