"""Pages that are generated from the code, and the check that the stored ones are current."""

from __future__ import annotations

from pathlib import Path

from controller import machines
from domain.alarm_catalogue import CATALOGUE
from domain.alarms import Priority
from domain.faults import FAULT_TEXTS
from domain.refusals import RefusalCode
from plc import register_map


def _faults() -> str:
    lines = [
        "# Faults and refusals",
        "",
        "Generated from `domain/faults.py` and `domain/refusals.py`; do not edit.",
        "",
        "## Faults",
        "",
        "A fault latches: it stays until an operator has reset it, and resetting starts nothing.",
        "",
        "| number | fault | 故障 | what to do |",
        "|---|---|---|---|",
    ]
    lines += [f"| {n.value} | {t.english} | {t.chinese} | {t.cure} |" for n, t in FAULT_TEXTS.items()]
    lines += [
        "",
        "## Refusals",
        "",
        "A refused request has changed nothing.",
        "",
        "| code | reason | 原因 |",
        "|---|---|---|",
    ]
    lines += [f"| `{code.code}` | {code.text('en')} | {code.text('zh')} |" for code in RefusalCode]
    return "\n".join(lines) + "\n"


def _alarms() -> str:
    lines = [
        "# Alarms",
        "",
        "Generated from `domain/alarm_catalogue.py`; do not edit. What an operator does about each alarm.",
        "Those of safety latch: they stay until acknowledged and reset, and can be neither shelved nor taken out of",
        "service. docs/operating.md says how alarms are handled.",
    ]
    for priority in Priority:
        lines += ["", f"## {priority.name.capitalize()}", ""]
        lines += ["| no. | alarm | cause | consequence | what to do |", "|---|---|---|---|---|"]
        for kind in CATALOGUE.values():
            if kind.priority is priority:
                name = f"`{kind.code}`" + (" **safety**" if kind.is_safety else "")
                told = (kind.cause, kind.consequence, kind.action)
                cells = " | ".join(f"{text.english}<br>{text.chinese}" for text in told)
                lines.append(f"| {kind.number} | {name}<br>{kind.title.english}<br>{kind.title.chinese} | {cells} |")
    return "\n".join(lines) + "\n"


def generated() -> dict[Path, str]:
    """Every generated page, by its place in the project."""
    return {
        Path("docs/state-machines.md"): machines.as_markdown(),
        Path("docs/register-map.md"): register_map.as_markdown(),
        Path("docs/register-map.csv"): register_map.as_csv(),
        Path("docs/faults.md"): _faults(),
        Path("docs/alarms.md"): _alarms(),
    }


def stale(root: Path) -> list[Path]:
    """Pages whose stored text is not what the code says now."""
    return [path for path, text in generated().items() if _stored(root / path) != text]


def write(root: Path) -> list[Path]:
    """Bring the stale pages up to date; returns those that were written."""
    changed = stale(root)
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(generated()[path], encoding="utf-8")
    return changed


def _stored(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
