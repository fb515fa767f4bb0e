"""Placement played through weeks of demand: what was learnt pays, and foresight is the bound."""

from __future__ import annotations

from runtime.bench_placement import placement_regret
from tests.garage_run import START_UTC_MS
from tests.sites import default_site


def test_learnt_stays_beat_the_lowest_bay_and_foresight_beats_both() -> None:
    rows = placement_regret(default_site(), START_UTC_MS, seeds=(4,), days=14, warm_up_days=9)

    lead_s = {row["placement"]: row["lead_s"] for row in rows}
    assert lead_s["foresight"] < lead_s["expected stay"] < 0.9 * lead_s["lowest fitting"]
    assert lead_s["lowest fitting"] < lead_s["random"]
    assert all(row["turned_away"] == 0 for row in rows if row["placement"] != "random")
    assert next(row["regret_s"] for row in rows if row["placement"] == "foresight") == 0
