"""The safety case hangs together: what it rests on is there, and nothing is left hanging."""

from __future__ import annotations

import re
from pathlib import Path

from sim.faults import FaultClass

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/safety-case.md").read_text(encoding="utf-8")
TEST = re.compile(r"(?:(tests/[\w/]+\.py)::)?(test_\w+)`")
HAZARD = re.compile(r"^\*\*(H-\d+) ", re.MULTILINE)
PROMISES = (*range(1, 13), 18, 19)


def rows(prefix: str) -> dict[str, str]:
    """The rows of tables whose first cell is a number such as E-01, by it."""
    return {name: line for line in TEXT.splitlines() for name in re.findall(rf"^\| ({prefix}-\d+) \|", line)}


def named(prefix: str) -> set[str]:
    """Every such number that the page names, with ranges such as C-1 to C-8 filled in."""
    found = set(re.findall(rf"\b{prefix}-\d+\b", TEXT))
    for first, last in re.findall(rf"\b{prefix}-(\d+) to {prefix}-(\d+)\b", TEXT):
        found |= {f"{prefix}-{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)}
    return found


def hazards() -> dict[str, str]:
    parts = HAZARD.split(TEXT.partition("## 2 Hazard log")[2].partition("## 3 Evidence")[0])
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_whatever_is_named_is_defined_and_whatever_is_defined_is_used() -> None:
    for prefix in "CAE":
        assert named(prefix) == set(rows(prefix)), prefix
    shown = "".join(hazards().values()) + "".join(rows("C").values())
    assert {name for name in rows("E") if name not in shown} == set()


def test_hazards_are_numbered_without_gaps_and_each_is_told_in_full() -> None:
    log = hazards()
    assert list(log) == [f"H-{number:02d}" for number in range(1, len(log) + 1)]
    assert named("H") == set(log)
    for name, text in log.items():
        for part in ("*Shown by:*", "*Remains:*", "*Supervisor:*"):
            assert part in text, f"{name} lacks {part}"
        assert re.search(r"Shown by:\*[^*]*E-\d+", text), f"{name} names no evidence"


def test_every_promise_of_safety_has_its_row() -> None:
    table = TEXT.partition("## 4 Promised figures")[2].partition("## 5 ")[0]
    assert [int(row) for row in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == list(PROMISES)


def test_there_are_as_many_fault_classes_as_it_says() -> None:
    (told,) = set(re.findall(r"more than (\d+) classes", TEXT))
    assert len(FaultClass) > int(told)


def test_every_test_that_is_named_exists() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    found = TEST.findall(TEXT)
    assert found
    for file, name in found:
        where = [sources[ROOT / file]] if file else sources.values()
        assert any(f"def {name}(" in source for source in where), name
