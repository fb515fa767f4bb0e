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
    rows = [json.loads(line) for line in lines]
    if rows[0]["type"] != "header" or rows[0]["version"] != 1:
        return [f"no header of version 1: {rows[0]}"]
    reader = Reader(rows[0], brake_ms)
    for row in rows[1:]:
        reader.read(row)
    return reader.complaints + reader.overlaps()


class Reader:
    """What a reader has to remember of the lines so far."""

    def __init__(self, head: dict[str, Any], brake_ms: int) -> None:
        self.complaints: list[str] = []
        self.limit_w: int = head["site_limit_w"]
        self.brake_ms = brake_ms
        self.frames = {frame["id"]: frame for frame in head["modules"]}
        self.last: dict[str, dict[str, Any]] = {}
        self.segments: dict[str, list[Segment]] = defaultdict(list)
        self.away: dict[str, set[str]] = defaultdict(set)
        self.gate: dict[str, str] = defaultdict(lambda: "closed")
        self.zone: dict[str, int] = defaultdict(int)
        self.unsafe_since: dict[str, int] = {}
        self.over_since: int | None = None
        self.now = 0

    def read(self, row: dict[str, Any]) -> None:
        t, kind, module = row["t_ms"], row["type"], row.get("module", "")
        self.blame(t < self.now, t, f"time goes back from {self.now}")
        self.now = t
        if self.over_since is not None and t - self.over_since > 2000:
            self.blame(True, t, f"power over the limit since {self.over_since}")
            self.over_since = None
        if kind == "power":
            over = row["motors_w"] + row["chargers_w"] > self.limit_w
            self.over_since = (t if self.over_since is None else self.over_since) if over else None
        elif kind == "pallet":
            self.read_pallet(row, self.last.get(row["pallet"]))
            self.last[row["pallet"]] = row
        else:
            self.gate[module] = row["state"] if kind == "gate" else self.gate[module]
            self.zone[module] = row["people"] + row["cars"] if kind == "zone" else self.zone[module]
            if self.gate[module] == "closed" and self.zone[module] == 0:
                self.unsafe_since.pop(module, None)
            else:
                self.unsafe_since.setdefault(module, t)

    def read_pallet(self, row: dict[str, Any], old: dict[str, Any] | None) -> None:
        t, name, module, motion = row["t_ms"], row["pallet"], row["module"], row["motion"]
        home = self.frames[module]["level_z_mm"][row["level"] - 1]
        if old is not None:
            ends = (old["x_mm"], row["x_mm"], old["z_mm"], row["z_mm"])
            self.segments[module].append(Segment(old["t_ms"], t, name, *ends))
            slid, lifted = old["x_mm"] != row["x_mm"], old["z_mm"] != row["z_mm"]
            self.blame(slid and old["motion"] != "slide", t, f"{name} changed its place without sliding")
            self.blame(lifted and old["motion"] != "lift", t, f"{name} changed its height without lifting")
        starts = motion != "still" and (old is None or old["motion"] == "still")
        since = self.unsafe_since.get(module)
        if since is not None and motion != "still":
            late = starts or t - since > self.brake_ms
            self.blame(late, t, f"{name} moves while gate or zone is unsafe since {since}")
        below = row["z_mm"] < home - SLACK_MM
        self.blame(below and row["hook"] != "open", t, f"{name} is below home with its hook {row['hook']}")
        off_level = motion == "slide" and abs(row["z_mm"] - home) > SLACK_MM
        self.blame(off_level, t, f"{name} slides off its level")
        away = self.away[module]
        away.discard(name)
        if row["z_mm"] != home or motion == "lift" or row["hook"] == "open":
            away.add(name)
        self.blame(len(away) > 1, t, f"{sorted(away)} are out of their cells at once")

    def blame(self, wrong: bool, t_ms: int, complaint: str) -> None:
        if wrong:
            self.complaints.append(f"{t_ms}: {complaint}")

    def overlaps(self) -> list[str]:
        found: list[str] = []
        for row in self.last.values():
            at = (row["x_mm"], row["x_mm"], row["z_mm"], row["z_mm"])
            self.segments[row["module"]].append(Segment(row["t_ms"], self.now + 1, row["pallet"], *at))
        for module, parts in self.segments.items():
            found += _overlaps(parts, self.frames[module]["pallet_width_mm"])
        return found


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
