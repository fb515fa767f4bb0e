"""One line of a bench's answer: the figure, what it should be, and whether it is."""

from __future__ import annotations

from typing import Any


def row_of(figure: str, value: float, unit: str, target: float, at_least: bool = True) -> dict[str, Any]:
    """{figure, value, unit, target, holds}."""
    holds = value >= target if at_least else value <= target
    sign = ">=" if at_least else "<="
    return {"figure": figure, "value": value, "unit": unit, "target": f"{sign} {target:g}", "holds": holds}
