"""`garagectl`: the one tool for running, trying, checking and measuring the garage.

Decides how commands are spelt and what their exit code is: 0 fine, 1 the thing asked for failed, 2
wrong use (including a bad configuration). Everything else is decided in the modules it calls, which
are imported when needed: a wrong option should not cost a second.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime import bench_command, history_commands
from runtime.command_line import CONFIG, ConfigOption, JsonOption, PhaseBars, load_config, print_answer
from runtime.user_commands import user

if TYPE_CHECKING:
    pass

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Runs a lift-and-slide garage.")
database = typer.Typer(no_args_is_help=True, help="The database.")
wire = typer.Typer(no_args_is_help=True, help="PLCs and their registers.")
app.add_typer(user, name="user")
app.add_typer(database, name="db")
app.add_typer(wire, name="plc")
history_commands.add_to(app)
bench_command.add_to(app)


@app.command()
def run(
    config: ConfigOption = CONFIG,
    simulate: Annotated[bool, typer.Option(help="Start a simulated plant beside the controller.")] = False,
    traffic: Annotated[bool, typer.Option(help="Simulated neighbours come, go and charge.")] = True,
    served: Annotated[bool, typer.Option(help="The plant is one of `serve-plant`, running at --speed.")] = False,
    speed: Annotated[float, typer.Option(min=1, max=50, help="Plant time per real time (simulated plant).")] = 1.0,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="HTTP port, 0 = any free one.")] = None,
    database_url: Annotated[str | None, typer.Option("--database", help="Database URL.")] = None,
    free_bay: Annotated[list[str] | None, typer.Option(help="Only this bay is free at the first start.")] = None,
    announce_json: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Run the garage until Ctrl-C."""
    from domain.ids import BayId
    from runtime.application import PlantDied, RunOptions
    from runtime.application import run as run_garage
    from runtime.config import ConfigError
    from runtime.journal import JournalError

    settings = load_config(config)
    if speed != 1.0 and not (simulate or served):
        typer.echo("--speed is only for a simulated plant (--simulate, or --served for one of serve-plant)", err=True)
        raise typer.Exit(2)
    if port is not None:
        settings = replace(settings, api=replace(settings.api, port=port))
    if database_url is not None:
        settings = replace(settings, database_url=database_url)
    bays = tuple(BayId(name) for name in free_bay or ())
    options = RunOptions(config, simulate, traffic, speed, bays)

    def announce(text: str, url: str) -> None:
        if announce_json and url:
            text = json.dumps({"url": url})
        typer.echo(text)
        sys.stdout.flush()

    try:
        asyncio.run(run_garage(settings, options, announce))
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(2) from error
    except (PlantDied, JournalError, OSError) as error:
        typer.echo(f"the garage cannot run: {error}", err=True)
        raise typer.Exit(1) from error


@app.command("serve-plant")
def serve_plant(
    config: ConfigOption = CONFIG,
    speed: Annotated[float, typer.Option(min=1, max=50, help="Plant time per real time.")] = 1.0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    plc_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the module PLCs.")] = 5020,
    wallbox_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the wallboxes.")] = 5021,
    start: Annotated[Path | None, typer.Option(help="File with the cars at the start; none: empty.")] = None,
    api: Annotated[str | None, typer.Option(help="Address of the garage that simulated people use.")] = None,
    traffic: Annotated[bool, typer.Option(help="Simulated neighbours come, go and charge.")] = True,
    ends_with_stdin: Annotated[bool, typer.Option("--ends-with-stdin", hidden=True)] = False,
) -> None:
    """Serve the soft PLCs and wallboxes of a simulated plant over Modbus TCP."""
    from runtime.plant_process import PlantOptions, PlantStart, read_start
    from runtime.plant_process import serve_plant as serve

    settings = load_config(config)
    begin = PlantStart() if start is None else read_start(start)
    options = PlantOptions(host, plc_port, wallbox_port, speed, api, traffic, ends_with_stdin)
    try:
        asyncio.run(serve(settings, begin, options))
    except OSError as error:
        typer.echo(f"the plant cannot be served: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def demo(
    config: ConfigOption = CONFIG,
    once: Annotated[bool, typer.Option("--once", help="One round instead of rounds until Ctrl-C.")] = False,
    speed: Annotated[float, typer.Option(min=1, max=50, help="Plant time per real time.")] = 20.0,
    as_json: JsonOption = False,
) -> None:
    """Park and fetch a car in every module and charge one, over HTTP and Modbus TCP."""
    from runtime.demo import DemoFailed, run_once

    site = load_config(config).site

    def say(text: str) -> None:
        typer.echo(text, err=as_json)

    while True:
        try:
            report = run_once(config, site, speed, say)
        except DemoFailed as error:
            report = {"ok": False, "error": str(error)}
        frames = report.get("wire", {})
        print_answer(report, as_json, [f"ok: {report['ok']}  {report.get('error', '')}wire: {frames}"])
        if once or not report["ok"]:
            raise typer.Exit(0 if report["ok"] else 1)


@app.command()
def simulate(
    config: ConfigOption = CONFIG,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days to simulate.")] = 1,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed; by default the configured one.")] = None,
    demand: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Measured sessions.")] = None,
    trace: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the plant's truth here.")] = None,
    leap: Annotated[bool, typer.Option(help="Leap over quiet time instead of scanning it.")] = True,
    bookings: Annotated[
        int | None, typer.Option(min=0, max=100, help="Percent of drivers who book; by default as configured.")
    ] = None,
    speed: Annotated[
        int, typer.Option(min=10, max=400, help="Speed of the machine that stands there, percent of its data sheet.")
    ] = 100,
    faults: Annotated[str | None, typer.Option(help="swarm: everything may fail, as each seed draws it.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds A-B, both included (only with --faults).")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one a core (only with --faults).")] = 0,
    dask: Annotated[str | None, typer.Option(help="Address of a Dask scheduler (only with --faults).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate days in seconds and report on them. Exit 1 if a rule was broken, a job stuck or the garage halted."""
    if faults is not None:
        _campaign(config, days, seeds or str(seed if seed is not None else 1), faults, (workers, dask), as_json)
        return
    if seeds is not None or dask is not None:
        typer.echo("--seeds and --dask are only for --faults", err=True)
        raise typer.Exit(2)
    from runtime.simulation import SimulationOptions
    from runtime.simulation import simulate as simulate_days

    settings = load_config(config)
    options = SimulationOptions(
        days, settings.simulation.seed if seed is None else seed, demand, trace, leap, bookings, speed
    )
    typer.echo(f"seed {options.seed}, version {package_version('garage-controller')}", err=True)
    bar = typer.progressbar(length=days * 24, label="hours", file=sys.stderr) if sys.stderr.isatty() else nullcontext()
    try:
        with bar as shown:
            report = simulate_days(settings, options, (lambda hour: shown.update(1)) if shown is not None else None)
    except (ValueError, KeyError) as error:
        typer.echo(f"{demand or 'demand'}: {error}", err=True)
        raise typer.Exit(2) from error
    wait = report["wait_s"]
    print_answer(
        report,
        as_json,
        [
            f"{report['days']} days at {report['speedup']} times real time",
            f"{report['jobs']} jobs, {report['moves']} moves",
            f"wait: mean {wait['mean']} s, p95 {wait['p95']} s, max {wait['max']} s; overdue {report['overdue_jobs']}",
            *_bookings_told(report["bookings"]),
            *_estimates_told(report["estimates"]),
            f"alarms: {report['alarms']['annunciated']}, mean {report['alarms']['mean_per_10_min']} in 10 min, "
            f"more than 10 in {report['alarms']['windows_over_10_pct']} % of the windows",
            f"energy {report['energy_wh'] / 1000:.1f} kWh, fees {report['fees_fen'] / 100:.2f} yuan",
            f"rule violations: {report['violations']}",
            *report["violation_stories"],
            f"event log {report['event_log_sha256']}",
        ],
    )
    if report["violations"] or report["mode"] == "halted":
        raise typer.Exit(1)


def _campaign(config: Path, days: int, seeds: str, faults: str, where: tuple[int, str | None], as_json: bool) -> None:
    from runtime.campaign import campaign, replay_command, tasks_of
    from runtime.spread import SpreadUnavailable
    from sim.demand import DAY_MS

    settings = load_config(config)
    first, _, last = seeds.partition("-")
    try:
        wanted = range(int(first), int(last or first) + 1)
    except ValueError:
        wanted = range(0)
    if not wanted or faults != "swarm":
        typer.echo("--faults knows 'swarm'; --seeds is one number or a range such as 1-120", err=True)
        raise typer.Exit(2)
    typer.echo(f"seeds {seeds}, version {package_version('garage-controller')}", err=True)
    bar = typer.progressbar(length=len(wanted), label="seeds", file=sys.stderr)
    workers, dask = where
    try:
        with bar if sys.stderr.isatty() else nullcontext() as shown:
            report = campaign(
                tasks_of(settings, wanted, days * DAY_MS),
                workers=workers or None,
                dask=dask,
                told=lambda done, total: None if shown is None else shown.update(1),
            )
    except SpreadUnavailable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    lines = [
        f"{report['garage_days']} garage-days under faults, {report['speedup']} times real time",
        f"{report['jobs']} jobs, {report['moves']} moves, {report['faults']} faults, {report['restarts']} restarts",
        f"rule violations: {report['violations']}, jobs stuck: {report['undrained']}, "
        f"waiting for an operator: {report['needs_operator']}",
    ]
    for failure in report["failures"]:
        lines += [f"seed {failure['seed']} failed; replay: {replay_command(config, failure['seed'], days)}"]
        lines += [f"  {story}" for story in failure["stories"]]
    if report["never_struck"]:
        lines += [f"never struck during a move: {', '.join(report['never_struck'])}"]
    print_answer(report, as_json, lines)
    for failed in report["failed_seeds"] if as_json else ():
        typer.echo(f"seed {failed} failed; replay: {replay_command(config, failed, days)}", err=True)
    if report["failed_seeds"] or report["never_struck"]:
        raise typer.Exit(1)


def _estimates_told(estimates: dict[str, Any]) -> list[str]:
    """What became of the estimates, a line for each class; none if nobody was told anything."""
    return [
        f"estimates, {one['class']}: {one['coverage_pct']} % of {one['told']} within the 80 % interval, "
        f"{one['mean_width_s']} s wide; median of waited less told {one['median_late_s']:+.1f} s"
        for one in estimates["by_class"]
    ]


def _bookings_told(bookings: dict[str, Any]) -> list[str]:
    if not bookings["made"]:
        return []
    return [
        f"bookings: {bookings['made']} made, {bookings['kept']} kept, {bookings['missed']} missed; "
        f"{bookings['booked_ready_within_30s_pct']} % at the gate within 30 s of the minute",
        f"mean wait booked {bookings['mean_wait_booked_s']} s, others {bookings['mean_wait_unbooked_s']} s",
    ]


@app.command()
def plan(
    instance: Annotated[Path, typer.Argument(help="Planning instance of one module (docs/planning.md).")],
    verify: Annotated[bool, typer.Option("--verify", help="Replay the moves and ask a second solver.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Plan the order of a module's jobs and say what is proven. Exit 2 for a bad instance, 1 for a failed check."""
    from runtime.planning import checks_hold, plan_file
    from scheduler.json_nodes import InstanceError

    try:
        answer = plan_file(instance, verify)
    except InstanceError as error:
        typer.echo(f"{instance}: {error}", err=True)
        raise typer.Exit(2) from error
    proven = "optimal" if answer["optimal"] else f"not proven, at most {answer['gap_pct']} % above the bound"
    lines = [f"{answer['regime']}, {answer['method']}: {proven}"]
    lines += [
        f"{job['job']} {job['bay']}: gate open at {job['open_ms'] / 1000:.0f} s, waits {job['wait_ms'] / 1000:.0f} s"
        for job in answer["jobs"]
    ]
    lines += [reason["text"] for reason in answer["reasons"]]
    lines += [f"{check['check']}: {check['result']}, {check['detail']}" for check in answer.get("checks", ())]
    print_answer(answer, as_json, lines)
    if not checks_hold(answer):
        raise typer.Exit(1)


@app.command()
def reach(
    module: Annotated[list[str] | None, typer.Argument(help="Modules; by default all.")] = None,
    config: ConfigOption = CONFIG,
    columns: Annotated[str, typer.Option(help='Where pallets stand: {"A": [[1, 2], ...]}, ground first.')] = "",
    from_journal: Annotated[bool, typer.Option("--from-journal", help="Cars, marks and slides as recorded.")] = False,
    out: Annotated[list[str] | None, typer.Option(help="Part out of service: A-2-05, A-2, A-2@05 or A.")] = None,
    urgent: Annotated[list[str] | None, typer.Option(help="Bay whose car goes first.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say which cars can be reached with parts out, and the least work by hand that frees the rest.

    Exit 1 if an urgent car cannot be freed.
    """
    from runtime.journal import JournalError
    from runtime.reach_command import Known, ReachError, lines_of, of_journal, reach_of

    settings = load_config(config)
    try:
        known = of_journal(settings.site, settings.database_url) if from_journal else Known()
        answers = reach_of(settings.site, known, module or (), columns, out or (), urgent or ())
    except ReachError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    except (JournalError, OSError) as error:
        typer.echo(f"the journal cannot be read: {error}", err=True)
        raise typer.Exit(1) from error
    print_answer(answers, as_json, [line for answer in answers for line in lines_of(answer)])
    if any(bay in answer["rescue"]["left"] for answer in answers for bay in urgent or ()):
        raise typer.Exit(1)


@app.command("verify-layout")
def verify_layout(
    config: ConfigOption = CONFIG,
    guards: Annotated[bool, typer.Option(help="Also delete every guard in turn.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Prove by exhaustion that no reachable state breaks a rule. Exit 1 if one does or a guard is not accounted for."""
    from runtime.verify_layout import holds, lines_of, verify_guards, verify_modules

    site = load_config(config).site
    with PhaseBars() as bars:
        modules = verify_modules(site, lambda done, total: bars.tell("searches", done, total))
        rows = verify_guards(lambda done, total: bars.tell("guards", done, total)) if guards else []
    print_answer({"modules": modules, "guards": rows}, as_json, lines_of(modules, rows))
    if not holds(modules, rows):
        raise typer.Exit(1)


@app.command("check-config")
def check_config(config: Annotated[Path, typer.Argument()] = CONFIG, as_json: JsonOption = False) -> None:
    """Say everything that is wrong with a configuration file. Exit 2 if anything is."""
    from runtime.config import check

    problems = [str(problem) for problem in check(config)]
    print_answer({"file": str(config), "problems": problems}, as_json, problems or [f"{config}: fine"])
    if problems:
        raise typer.Exit(2)


@database.command("upgrade")
def db_upgrade(config: ConfigOption = CONFIG) -> None:
    """Bring the database to the newest tables."""
    from runtime.database import upgrade

    upgrade(load_config(config).database_url)


@wire.command("map")
def plc_map(csv: Annotated[bool, typer.Option("--csv", help="As CSV for PLC engineers.")] = False) -> None:
    """Print the register map."""
    from plc.register_map import as_csv, as_markdown

    typer.echo(as_csv() if csv else as_markdown(), nl=False)


@wire.command("read")
def plc_read(module: str, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Read one module's PLC once and print what it says."""
    from runtime.probe import read_module

    settings = load_config(config)
    if module not in settings.links.modules:
        typer.echo(f"no module named {module!r} in {config}", err=True)
        raise typer.Exit(2)
    report = asyncio.run(read_module(settings, module))
    print_answer(report, as_json, [f"{key}: {value}" for key, value in report.items()])
    if not report["answered"]:
        raise typer.Exit(1)


@wire.command("panel")
def plc_panel(
    module: str,
    switch: Annotated[str, typer.Argument(help="mode, key, estop, fire or quake.")],
    position: Annotated[str, typer.Argument(help="automatic, manual or maintenance for the mode; else on or off.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Turn a switch on the panel of a machine simulated by `serve-plant`. At a real one people do."""
    from domain.signals import PlcMode
    from runtime.probe import turn_switch
    from sim.panel import SWITCHES

    settings = load_config(config)
    modes = {mode.name.lower(): mode.value for mode in PlcMode}
    positions = modes if switch == "mode" else {"off": 0, "on": 1}
    if module not in settings.links.modules or switch not in dict(SWITCHES) or position not in positions:
        typer.echo(f"no such module, switch or position: {module} {switch} {position}", err=True)
        raise typer.Exit(2)
    trouble = asyncio.run(turn_switch(settings, module, switch, positions[position]))
    if trouble:
        typer.echo(f"the switch was not turned: {trouble}", err=True)
        raise typer.Exit(1)


@app.command()
def docs(check: Annotated[bool, typer.Option("--check", help="Only say which pages are stale.")] = False) -> None:
    """Write the generated pages (or check them: exit 1 if one is stale)."""
    from runtime.documents import stale, write

    pages = stale(Path()) if check else write(Path())
    for page in pages:
        typer.echo(f"{page} {'is stale: run garagectl docs' if check else 'written'}")
    if check and pages:
        raise typer.Exit(1)


@app.command()
def version(as_json: JsonOption = False) -> None:
    """Print version, register map version and Python."""
    from plc.register_map import MAP_VERSION

    data = {
        "version": package_version("garage-controller"),
        "register_map": MAP_VERSION,
        "python": sys.version.split()[0],
    }
    print_answer(data, as_json, [f"{key} {value}" for key, value in data.items()])


def main() -> None:
    """Entry point of `garagectl`."""
    app()


if __name__ == "__main__":
    main()
