"""Writes the planning benchmarks down: Markdown pages and SVG charts, for people.

Decides how rows are laid out. The chart is plain SVG without script or font, so that any viewer shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from runtime.bench_families import FAMILIES

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """How rows of one kind are laid out: name of the files, title, introduction, columns (key and heading)."""

    name: str
    title: str
    about: str
    columns: tuple[tuple[str, str], ...]


_WAITS = (
    ("policy", "policy"),
    ("mean_wait_s", "mean s"),
    ("p95_wait_s", "p95 s"),
    ("max_wait_s", "max s"),
    ("vs_vendor_pct", "vs vendor %"),
    ("vs_vendor_ci95", "95 % interval"),
    ("vs_clairvoyant_pct", "vs clairvoyant %"),
)

ONLINE = Page(
    "planning-online",
    "Online planning, measured",
    "Waits are those of retrievals, from the request (or the booked minute) to the open gate; docs/planning.md says\n"
    "what is compared, and how.",
    (
        *_WAITS,
        ("vs_clairvoyant_bounded_pct", "vs clairvoyant with age bound %"),
        ("beyond_age", "beyond age"),
        ("beyond_age_clairvoyant", "least beyond age"),
        ("booked_ready_within_30s_pct", "booked in time %"),
        ("storage_mean_wait_s", "storage mean s"),
        ("moves_per_job", "moves a job"),
        ("kwh_per_car", "kWh a car"),
        ("decision_ms_p99", "decision p99 ms"),
        ("decision_cpu_ms_p99", "CPU p99 ms"),
        ("days", "days"),
        ("unserved", "unserved"),
        ("violations", "violations"),
    ),
)

STATIC = Page(
    "planning-static-tables",
    "Static instances, measured",
    "Single modules (and the whole garage) whose requests are all known to the planner; planning-static.md says\n"
    "what the figures mean. `vendor` serves in the order of asking and leaves gaps as they are; the other rules\n"
    "(`runtime/dispatch_rules.py`) look at who has asked, `planner` at everybody.",
    (
        *_WAITS,
        ("p99_wait_s", "p99 s"),
        ("proven_pct", "proven %"),
        ("above_bound_pct", "above bound %"),
        ("above_best_known_pct", "above best known %"),
        ("above_makespan_bound_pct", "end above bound %"),
        ("decision_ms_p99", "decision p99 ms"),
        ("decision_cpu_ms_p99", "CPU p99 ms"),
        ("instances", "instances"),
    ),
)

_COLOURS = ("#4a6fa5", "#e0a030", "#2a8a5a", "#a0a0a0", "#c87070", "#7a60a0", "#40b0c0", "#604830")
_LEFT, _WIDTH, _BAR, _GAP, _TOP, _TAIL = 290, 480, 9, 14, 56, 70


def write_report(rows: Sequence[Row], folder: Path, command: str, version: str) -> tuple[Path, ...]:
    """Write page and chart of each kind of rows into a folder that is made if need be; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for page in (ONLINE, STATIC):
        own = [row for row in rows if _page_of(row) is page]
        if own:
            text, chart = folder / f"{page.name}.md", folder / f"{page.name}.svg"
            text.write_text(as_markdown(own, command, version), encoding="utf-8")
            chart.write_text(as_svg(own), encoding="utf-8")
            written += [text, chart]
    return tuple(written)


def _page_of(row: Row) -> Page:
    """Static rows name the regime of their instances."""
    return STATIC if "regime" in row else ONLINE


def as_markdown(rows: Sequence[Row], command: str, version: str) -> str:
    """The page of rows of one kind: one table a family."""
    page = _page_of(rows[0])
    what = {family.name: f"{family.what}." for family in FAMILIES}
    lines = [
        f"# {page.title}",
        "",
        f"Written by `{command}`, version {version}.",
        page.about,
        "",
        f"![Mean wait, vendor = 100 %]({page.name}.svg)",
    ]
    for name, group in groupby(rows, key=lambda row: str(row["family"])):
        own = list(group)
        about = what.get(name) or f"Regime {own[0].get('regime', '')}."
        lines += ["", f"## {name}", "", about, ""]
        lines += ["| " + " | ".join(title for _, title in page.columns) + " |", "|" + "---|" * len(page.columns)]
        lines += ["| " + " | ".join(_told(row.get(key)) for key, _ in page.columns) + " |" for row in own]
    return "\n".join(lines) + "\n"


def _told(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return f"{value[0]} to {value[1]}"
    return str(value)


def as_svg(rows: Sequence[Row]) -> str:
    """Bars of the mean wait with 95 % whiskers, vendor = 100 %, families below each other."""
    policies = list(dict.fromkeys(str(row["policy"]) for row in rows))
    scale = _WIDTH / max(150.0, *(100.0 + _end(row) for row in rows))
    body, y = [], _TOP
    for name, group in groupby(rows, key=lambda row: str(row["family"])):
        bars = list(group)
        middle = y + len(bars) * _BAR / 2 + 4
        body.append(f'<text x="{_LEFT - 8}" y="{middle:.0f}" text-anchor="end">{escape(name)}</text>')
        for row in bars:
            body += _bar(row, y, scale, _COLOURS[policies.index(str(row["policy"])) % len(_COLOURS)])
            y += _BAR
        y += _GAP
    hundred = _LEFT + 100 * scale
    width, legend = _LEFT + _WIDTH + _TAIL, _legend(policies)
    fonts = 'font-family="sans-serif" font-size="11"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" {fonts}>',
            "<title>Mean wait of retrievals by family and policy, vendor = 100 %</title>",
            f'<rect width="{width}" height="{y}" fill="#fff"/>',
            f'<text x="{_LEFT}" y="16" font-size="13">Mean wait of retrievals, vendor = 100 % (whiskers: 95 %)</text>',
            *legend,
            f'<line x1="{hundred:.1f}" y1="{_TOP - 6}" x2="{hundred:.1f}" y2="{y - _GAP + 4}" stroke="#888"/>',
            *body,
            "</svg>\n",
        ]
    )


def _end(row: Row) -> float:
    """The far end of a row's bar or whisker, in percent above the vendor."""
    interval = row["vs_vendor_ci95"]
    return float(max(row["vs_vendor_pct"], interval[1] if interval else 0.0))


def _bar(row: Row, y: int, scale: float, colour: str) -> list[str]:
    length = max(0.0, 100 + row["vs_vendor_pct"]) * scale
    told = escape(f"{row['family']}, {row['policy']}: {row['mean_wait_s']} s")
    box = f'x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR - 1}" fill="{colour}"'
    parts = [f"<rect {box}><title>{told}</title></rect>"]
    interval, end = row["vs_vendor_ci95"], _LEFT + length
    if interval and row["policy"] != "vendor":
        low, high = (_LEFT + max(0.0, 100 + side) * scale for side in interval)
        middle, end = y + (_BAR - 1) / 2, max(end, high)
        parts.append(f'<line x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}" stroke="#222"/>')
    parts.append(f'<text x="{end + 4:.1f}" y="{y + _BAR - 1}" font-size="8">{row["mean_wait_s"]} s</text>')
    return parts


def _legend(policies: Sequence[str]) -> list[str]:
    parts, x = [], 10
    for number, name in enumerate(policies):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f'<rect x="{x}" y="28" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{x + 14}" y="37">{escape(name)}</text>')
        x += 26 + 6 * len(name)
    return parts
