"""`garagectl bench`: the promised figures, measured by a command that anybody can repeat.

Decides how the benches are spelt, what they print and when a figure counts as missed; what is measured, and how, is
decided in the modules of each bench.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime import history_commands
from runtime.command_line import CONFIG, ConfigOption, JsonOption, PhaseBars, load_config, print_answer

if TYPE_CHECKING:
    from runtime.bench_online import PlanBench
    from runtime.config import Config


def add_to(app: typer.Typer) -> None:
    """Give `garagectl` this command."""
    app.command()(bench)


def bench(
    what: Annotated[str, typer.Argument(help="sim, scan, plan, placement, journal, durability or determinism")],
    config: ConfigOption = CONFIG,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    suite: Annotated[str, typer.Option(help="dev or full (plan and placement), or week (plan).")] = "dev",
    second_solver: Annotated[bool, typer.Option(help="Measure CP-SAT and the planner instead (only plan).")] = False,
    local_search: Annotated[bool, typer.Option(help="Judge the beam by a long local search (only plan).")] = False,
    families: Annotated[list[str] | None, typer.Option(help="Only this family; may be repeated (only plan).")] = None,
    policies: Annotated[list[str] | None, typer.Option(help="Only this policy; may be repeated (only plan).")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Processes, 0 = one a core; by default one for static families (only plan)."),
    ] = None,
    dask: Annotated[str | None, typer.Option(help="Address of a Dask scheduler (only plan).")] = None,
    report: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write page and chart into this folder (only plan).")
    ] = None,
    mutations: Annotated[int, typer.Option(min=1000, help="Changed journals (only journal).")] = 100_000,
    kills: Annotated[int, typer.Option(min=0, help="Processes to kill (only durability).")] = 1000,
    power_cuts: Annotated[int, typer.Option(min=0, help="Power cuts (only durability).")] = 6000,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds to run again and again (only determinism).")] = 200,
    minutes: Annotated[int, typer.Option(min=1, help="Minutes of faults in each seed (only determinism).")] = 60,
    python: Annotated[
        list[str] | None, typer.Option(help="Another Python that has our packages; may be repeated (only determinism).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the promised figures. Exit 1 if one does not hold (plan: if a rule was broken; placement: never)."""
    from runtime.bench import bench_scan, bench_sim

    if what == "plan":
        from runtime.bench_online import PlanBench

        asked = PlanBench(suite, tuple(families or ()), tuple(policies or ()), workers, dask)
        if second_solver or local_search:
            _bench_judges(asked, second_solver, as_json)
        else:
            _bench_plan(load_config(config), asked, report, as_json)
        return
    settings = load_config(config)
    if what == "placement":
        _bench_placement(settings, suite, as_json)
        return
    if what == "sim":
        rows = bench_sim(settings, seed)
    elif what == "scan":
        rows = bench_scan(settings, config, lambda text: typer.echo(text, err=True), seed)
    elif what in ("journal", "durability"):
        rows = history_commands.bench_history(what, config, seed, mutations, kills, power_cuts)
    elif what == "determinism":
        rows = _bench_determinism(config, seeds, minutes, python or ())
    else:
        known = "sim, scan, plan, placement, journal, durability or determinism"
        typer.echo(f"no bench named {what!r}: {known}", err=True)
        raise typer.Exit(2)
    lines = [
        f"{'ok  ' if r['holds'] else 'MISS'} {r['figure']}: {r['value']} {r['unit']} ({r['target']})" for r in rows
    ]
    print_answer(rows, as_json, lines)
    if not all(row["holds"] for row in rows):
        raise typer.Exit(1)


def _bench_determinism(config: Path, seeds: int, minutes: int, pythons: Sequence[str]) -> list[dict[str, Any]]:
    from runtime.bench_determinism import bench_determinism

    try:
        return bench_determinism(config, seeds, minutes * 60_000, pythons, lambda text: typer.echo(text, err=True))
    except (OSError, subprocess.CalledProcessError) as error:
        typer.echo(f"a run could not be made: {error}", err=True)
        raise typer.Exit(2) from error


def _bench_placement(settings: Config, suite: str, as_json: bool) -> None:
    from runtime.bench_placement import placement_regret
    from runtime.simulation import start_utc_ms

    if suite not in ("dev", "full"):
        typer.echo(f"no such suite: {suite} (known are dev and full)", err=True)
        raise typer.Exit(2)
    seeds = range(1, 3) if suite == "dev" else range(101, 111)
    rows = placement_regret(settings.site, start_utc_ms(settings), seeds, told=lambda name: typer.echo(name, err=True))
    lines = [
        f"{row['placement']}: mean lead {row['lead_s']} s, {row['regret_pct']} % above foresight, "
        f"{row['turned_away']} turned away"
        for row in rows
    ]
    print_answer(rows, as_json, lines)


def _bench_judges(asked: PlanBench, second_solver: bool, as_json: bool) -> None:
    from runtime.bench_plan import run_search, run_second
    from runtime.second_solver import SecondSolverUnavailable
    from runtime.spread import SpreadUnavailable

    try:
        if second_solver:
            rows = run_second(told=lambda name: typer.echo(name, err=True))
        else:
            rows = run_search(workers=asked.static_workers, dask=asked.dask)
    except (SecondSolverUnavailable, SpreadUnavailable) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    _print_rows(rows, as_json)


def _bench_plan(settings: Config, asked: PlanBench, report: Path | None, as_json: bool) -> None:
    from runtime.bench_online import run_suite
    from runtime.bench_report import write_report
    from runtime.spread import SpreadUnavailable

    try:
        with PhaseBars() as bars:
            rows = run_suite(settings, asked, told=bars.tell)
    except (ValueError, SpreadUnavailable) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if report is not None:
        for path in write_report(rows, report, asked.command, package_version("garage-controller")):
            typer.echo(f"{path} written", err=True)
    _print_rows(rows, as_json)
    if any(row.get("violations") for row in rows):
        raise typer.Exit(1)


def _print_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    print_answer(rows, as_json, [", ".join(f"{key} {value}" for key, value in row.items()) for row in rows])
