"""The online benchmark: its families live, its rows add up, its clairvoyant is never beaten, its page can be read."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ids import BayId, JobId
from domain.machine import Machine
from runtime.bench_days import Cell, WarmUp, live, warm_up
from runtime.bench_families import ALL_POLICIES, FAMILIES, FORESIGHT, family_named, limited, policy_named
from runtime.bench_online import SUITES, PlanBench, Suite, run_online, run_suite
from runtime.bench_plan import measured
from runtime.bench_report import as_markdown, as_svg, write_report
from runtime.clairvoyant import Request, busy_spells, judge
from runtime.config import Config, load
from runtime.paired import change, t975
from runtime.static_families import Family
from tests.program import garagectl
from tests.sites import module_layout, site_of

TINY = Suite(range(1, 2), 1, 1, 2)


@pytest.fixture(scope="module")
def config() -> Config:
    """A garage of one small module with much to do."""
    config = load(Path("config.yaml"))
    simulation = replace(config.simulation, cars=10, trips_per_day=20)
    return replace(config, site=site_of(module_layout("A", 4)), simulation=simulation)


def test_rows_of_a_tiny_suite_are_paired_and_the_same_again(config: Config) -> None:
    names = ["weekday", "evening", "booked-100", "stress"]
    heard: list[tuple[str, int, int]] = []
    rows = run_online(config, TINY, names, workers=1, told=lambda *news: heard.append(news))
    again = run_online(config, TINY, names, workers=1)
    timing = {"decision_ms_p99": None, "decision_cpu_ms_p99": None}
    assert [row | timing for row in rows] == [row | timing for row in again]
    assert [(row["family"], row["policy"]) for row in rows] == [
        (name, policy) for name in names for policy in family_named(name).policies
    ]
    for row in rows:
        assert row["violations"] == row["unserved"] == 0
        assert row["kwh_per_car"] > 0
        assert 8 <= row["mean_wait_s"] <= row["p95_wait_s"] <= row["max_wait_s"] or row["family"] == "booked-100"
        if row["policy"] == "vendor":
            assert row["vs_vendor_pct"] == 0
    by_name = {(row["family"], row["policy"]): row for row in rows}
    assert by_name["stress", "vendor"]["days"] == 2
    assert by_name["weekday", "vendor"]["vs_clairvoyant_pct"] >= 0
    assert by_name["evening", "vendor"]["retrievals"] < by_name["weekday", "vendor"]["retrievals"]
    assert by_name["booked-100", "vendor"]["booked_ready_within_30s_pct"] is None
    assert by_name["booked-100", "ours"]["booked_ready_within_30s_pct"] > 40
    assert heard[0] == ("warm-up", 1, 2)
    assert heard[-1][0] == "days"


@pytest.mark.parametrize("family", [family.name for family in FAMILIES if not family.runs_of])
def test_every_family_can_be_lived_through(config: Config, family: str) -> None:
    begin = warm_up(WarmUp(config, "ours", 3, 1))
    lived = live(Cell(config, family, "ours", 3, 1, 1, 0, begin))
    assert lived.violations == ()
    assert lived.waited
    whole = not family_named(family).parts_out
    assert lived.unserved == 0 or not whole


def test_a_fire_drill_fetches_a_car_from_every_bay(config: Config) -> None:
    begin = warm_up(WarmUp(config, "vendor", 2, 1))
    lived = live(Cell(config, "everyone", "vendor", 2, 1, 1, 0, begin))
    assert len(lived.waited) == config.site.bay_count
    assert {one.kind for one in lived.waited} == {"retrieval"}


def test_every_policy_has_a_name() -> None:
    policies = [policy_named(name) for name in (*ALL_POLICIES, *FORESIGHT)]
    assert len(policies) == len(ALL_POLICIES) + len(FORESIGHT)
    assert limited(family_named("stress"), FORESIGHT).policies == ("vendor", *FORESIGHT)
    assert limited(family_named("weekday"), FORESIGHT).policies == ("vendor",)
    with pytest.raises(KeyError):
        policy_named("theirs")


LAYOUT = module_layout("A", 5)


@st.composite
def served_anyhow(draw: st.DrawFn) -> list[Request]:
    """Retrievals of one busy spell, served in any order."""
    bays = draw(st.lists(st.sampled_from(LAYOUT.bay_names), min_size=1, max_size=6, unique=True))
    order = draw(st.permutations(range(len(bays))))
    columns = tuple(tuple(sorted(draw(st.permutations(range(1, 6)))[:count])) for count in LAYOUT.pallets_per_level)
    return [
        Request(
            JobId(f"J{at}"),
            "retrieval",
            BayId(bay),
            draw(st.integers(0, 600_000)),
            10**6 + order[at],
            10**7,
            columns,
            None,
        )
        for at, bay in enumerate(bays)
    ]


@settings(max_examples=60, deadline=None)
@given(served_anyhow())
def test_the_clairvoyant_is_never_beaten_in_its_own_model(requests: list[Request]) -> None:
    (spell,) = busy_spells(requests)
    judged = judge(LAYOUT, Machine(), spell, 900_000)
    assert judged.proven
    assert 0 < judged.best_ms <= judged.served_ms
    assert judged.requests == len(requests)
    assert judged.best_ms <= judged.bounded_ms
    assert judged.beyond or not judged.beyond_at_best
    assert judged.bounded_ms <= judged.served_ms or judged.beyond


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 200)), min_size=1, max_size=20))
def test_spells_end_where_nobody_waits(spans: list[tuple[int, int]]) -> None:
    columns = LAYOUT.initial_columns
    requests = [
        Request(JobId(f"J{at:02d}"), "retrieval", BayId("A-1-01"), begin, begin, begin + length, columns, None)
        for at, (begin, length) in enumerate(spans)
    ]
    spells = list(busy_spells(requests))
    assert sorted(one.job for spell in spells for one in spell) == [one.job for one in requests]
    for earlier, later in itertools.pairwise(spells):
        assert max(one.free_ms for one in earlier) <= min(one.from_ms for one in later)


def test_intervals_are_students() -> None:
    assert [t975(n) for n in (1, 4)] == [12.706, 2.776]
    assert t975(9) == pytest.approx(2.262, abs=0.001)
    assert t975(30) == pytest.approx(2.042, abs=0.001)
    found = change([8.0, 9.0, 10.0], [10.0, 10.0, 10.0])
    assert found.pct == pytest.approx(-10)
    assert found.ci95 == pytest.approx((-10 - 4.303 * 10 / 3**0.5, -10 + 4.303 * 10 / 3**0.5))
    assert change([5.0], [10.0]).ci95 is None
    with pytest.raises(ValueError, match="pairs"):
        change([], [])


def test_page_and_chart_show_every_row(tmp_path: Path) -> None:
    row = {"mean_wait_s": 50.0, "vs_vendor_pct": -12.5, "vs_vendor_ci95": [-20.0, -5.0], "policy": "ours"}
    rows = [
        {**row, "family": "weekday", "policy": "vendor", "vs_vendor_pct": 0.0, "vs_vendor_ci95": None},
        {**row, "family": "weekday"},
        {**row, "family": "a < b"},
    ]
    page, chart = write_report(rows, tmp_path / "new", "garagectl bench plan", "1.0")
    assert page.read_text(encoding="utf-8") == as_markdown(rows, "garagectl bench plan", "1.0")
    assert "-20.0 to -5.0" in as_markdown(rows, "", "")
    root = ElementTree.fromstring(chart.read_text(encoding="utf-8"))
    assert "a < b" in [element.text for element in root.iter()]
    assert as_svg(rows).count("<rect") == 1 + 2 + 3


def test_static_rows_have_a_page_and_a_chart_of_their_own(tmp_path: Path) -> None:
    rows = measured((Family("few", 3, released_within_ms=60_000), 1, 2))
    online = {"family": "weekday", "policy": "vendor", "mean_wait_s": 1.0, "vs_vendor_pct": 0.0, "vs_vendor_ci95": None}
    page, chart = write_report(rows, tmp_path, "garagectl bench plan", "1.0")
    both = write_report([online, *rows], tmp_path, "garagectl bench plan", "1.0")
    assert [path.name for path in both] == ["planning-online.md", "planning-online.svg", page.name, chart.name]
    assert page.read_text(encoding="utf-8") == as_markdown(rows, "garagectl bench plan", "1.0")
    assert "Regime M0." in page.read_text(encoding="utf-8")
    assert "| rolling |" in page.read_text(encoding="utf-8")


def test_suites_and_families_must_exist() -> None:
    assert len(SUITES["full"].seeds) * SUITES["full"].days >= 100
    assert not set(SUITES["full"].seeds) & set(SUITES["dev"].seeds)
    with pytest.raises(ValueError, match="no such family"):
        run_suite(load(Path("config.yaml")), PlanBench(families=("holiday",)))
    done = garagectl("bench", "plan", "--families", "holiday")
    assert done.returncode == 2
    assert "weekday" in done.stderr
