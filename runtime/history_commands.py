"""The commands of `garagectl` that look back: verify-journal, replay, export, and the benches of the journal.

Decides how they are spelt and what they print; like `runtime.cli` it imports what it calls when it is called.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.command_line import CONFIG, ConfigOption, JsonOption, load_config, print_answer

if TYPE_CHECKING:
    from runtime.config import Config
    from runtime.journal import Journal

export = typer.Typer(no_args_is_help=True, help="What the garage knows, for keeping elsewhere.")

DatabaseOption = Annotated[str | None, typer.Option("--database", help="Database URL; by default the configured one.")]


@contextmanager
def _journal(url: str) -> Iterator[Journal]:
    """The journal of an existing database; exit 2 if there is none, 1 if it cannot be read."""
    from runtime.journal import JournalError
    from runtime.verify_journal import NoDatabase, open_journal

    try:
        journal = open_journal(url)
    except NoDatabase as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    try:
        yield journal
    except JournalError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    finally:
        journal.close()


def _utc(utc_ms: int | None) -> str:
    if utc_ms is None:
        return "at a time unknown"
    return dt.datetime.fromtimestamp(utc_ms / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def verify_journal(
    config: ConfigOption = CONFIG,
    database: DatabaseOption = None,
    anchor: Annotated[
        list[str] | None, typer.Option(help="File of anchors, or one as SEQ:HASH; by default the configured file.")
    ] = None,
    plc: Annotated[bool, typer.Option("--plc", help="Ask the module PLCs for the anchors that they keep.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the whole journal against its chain, its anchors and its snapshots. Exit 1 if anything is wrong."""
    from runtime.anchors import AnchorError, read_anchors
    from runtime.verify_journal import verify

    settings = load_config(config)
    sources = anchor if anchor is not None else [str(settings.anchor_file)] if _is_there(settings.anchor_file) else []
    try:
        anchors = [one for source in sources for one in read_anchors(source)]
    except (AnchorError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if plc:
        anchors += _anchors_of_plcs(settings)
    with _journal(database or settings.database_url) as journal:
        report = verify(journal, anchors)
    head = report["head"]
    lines = [f"{one['text']} (event {one['seq']}, {_utc(one['utc_ms'])})" for one in report["findings"]]
    lines.append(
        f"{report['records']} events, {report['records_per_s']} a second; "
        f"{report['anchors_met']} of {report['anchors']} anchors met; head {head['seq']} {head['hash']}"
    )
    print_answer(report, as_json, ["the journal is whole" if report["whole"] else "THE JOURNAL IS NOT WHOLE", *lines])
    if not report["whole"]:
        raise typer.Exit(1)


def _is_there(path: Path | None) -> bool:
    return path is not None and path.is_file()


def _anchors_of_plcs(settings: Config) -> list[Any]:
    import asyncio

    from runtime.anchors import Anchor
    from runtime.probe import read_module

    anchors = []
    for module in settings.links.modules:
        seen = asyncio.run(read_module(settings, module))
        if not seen["answered"]:
            typer.echo(f"module {module}: {seen.get('reason', 'no answer')}", err=True)
        elif seen.get("anchor_seq"):
            anchors.append(Anchor(seen["anchor_seq"], seen["anchor_hash"], f"the PLC of module {module}"))
    return anchors


def replay(
    config: ConfigOption = CONFIG,
    database: DatabaseOption = None,
    seq: Annotated[int | None, typer.Option(min=1, help="Number of the event; by default the newest.")] = None,
    at: Annotated[str | None, typer.Option(help="The last event by this local time, as 2026-11-22T07:40:00.")] = None,
    job: Annotated[str | None, typer.Option(help="Only events of this job; the last of them unless --seq.")] = None,
    module: Annotated[str | None, typer.Option(help="Only events of this module.")] = None,
    around: Annotated[int, typer.Option(min=0, max=500, help="Events before and after it.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show a past event: what was known and seen at that moment, and why it was done or refused."""
    from domain.ids import JobId, ModuleId
    from runtime.replay import NotThere, Wanted
    from runtime.replay import replay as replay_event

    settings = load_config(config)
    offset = dt.timezone(dt.timedelta(minutes=settings.site.utc_offset_minutes))
    try:
        moment = None if at is None else dt.datetime.fromisoformat(at)
    except ValueError as error:
        typer.echo(f"--at: {error}", err=True)
        raise typer.Exit(2) from error
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=offset)
    at_utc_ms = None if moment is None else round(moment.timestamp() * 1000)
    wanted = Wanted(seq, at_utc_ms, JobId(job) if job else None, ModuleId(module) if module else None, around)
    with _journal(database or settings.database_url) as journal:
        try:
            answer = replay_event(journal, settings.site, wanted)
        except NotThere as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
    print_answer(answer, as_json, _replay_lines(answer, offset))


def _replay_lines(answer: dict[str, Any], zone: dt.timezone) -> list[str]:
    """What `replay` prints for people."""
    event, knew = answer["event"], answer["knew"]
    lines = [_event_line(one, zone, one["seq"] == event["seq"]) for one in answer["around"]]
    lines += ["", f"event {event['seq']}: {event['text_en']}"]
    lines.append(f"  saw: {event['seen_en'] or 'no picture is recorded with this kind of event'}")
    reason = f" ({knew['garage_reason']})" if knew["garage_reason"] else ""
    lines.append(f"  knew: garage {knew['garage']}{reason}, {knew['cars_parked']} cars parked")
    for one in knew["modules"]:
        told = "; ".join([*one["reasons_en"], *(f"fault {number}" for number in one["faults"])])
        moves = f", moves under way {one['moves']}" if one["moves"] else ""
        lines.append(f"    module {one['id']}: {one['state']}{moves}{': ' + told if told else ''}")
    for one in knew["jobs"]:
        session = f", {one['session_state']}" if one["session_state"] else ""
        lines.append(f"    {one['job']}: {one['kind']}, {one['bay']}, {one['state']}{session} {one['why_en']}".rstrip())
    return lines


def _event_line(event: dict[str, Any], zone: dt.timezone, is_target: bool) -> str:
    time_text = dt.datetime.fromtimestamp(event["utc_ms"] / 1000, zone).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return f"{'>' if is_target else ' '} {event['seq']:>8} {time_text} {event['text_en']}"


@export.command("anchor")
def export_anchor(
    config: ConfigOption = CONFIG,
    database: DatabaseOption = None,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="Append the line to this file.")] = None,
) -> None:
    """Print the journal's head as one line: UTC time, number, hash. Keep it where the database is not."""
    from runtime.anchors import anchor_line, append_anchor

    settings = load_config(config)
    with _journal(database or settings.database_url) as journal:
        head = journal.head
    now_ms = time.time_ns() // 1_000_000
    try:
        line = anchor_line(head, now_ms) if out is None else append_anchor(out, head, now_ms)
    except OSError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(line)


@export.command("maintenance")
def export_maintenance(
    config: ConfigOption = CONFIG,
    database: DatabaseOption = None,
    file_format: Annotated[str, typer.Option("--format", help="json (everything) or csv (one table).")] = "json",
    table: Annotated[
        str | None, typer.Option(help="Only this: due, parts, drifts, modules or works. csv: due unless given.")
    ] = None,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="Write to this file.")] = None,
) -> None:
    """Print what is due, what each part has done, what has drifted and what was done, as the journal has it."""
    from runtime.application import load_memory
    from runtime.maintenance_view import TABLES, maintenance_view, table_csv

    if file_format not in ("json", "csv") or table not in (None, *TABLES):
        typer.echo(f"--format is json or csv, --table one of {', '.join(TABLES)}", err=True)
        raise typer.Exit(2)
    settings = load_config(config)
    with _journal(database or settings.database_url) as journal:
        book = load_memory(journal).maintenance
    view = maintenance_view(settings.site, book, {}, time.time_ns() // 1_000_000)
    wanted = view if table is None else view[table]
    is_csv = file_format == "csv"
    text = table_csv(view, table or "due") if is_csv else json.dumps(wanted, ensure_ascii=False, indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8-sig" if is_csv else "utf-8")
    except OSError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def bench_history(
    what: str, config: Path, seed: int, mutations: int, kills: int, power_cuts: int
) -> list[dict[str, Any]]:
    """The rows of `bench journal` and `bench durability`."""
    from runtime.bench_durability import RigMissing, bench_kills, bench_power_cuts
    from runtime.bench_journal import bench_journal

    if what == "journal":
        with _bar(mutations, "mutations") as tick:
            return bench_journal(load_config(config), mutations, seed, tick)
    rows = []
    if kills:
        with _bar(kills, "kills") as tick:
            rows += bench_kills(kills, seed, tick)
    if power_cuts:
        try:
            with _bar(power_cuts * 3 // 2, "power cuts") as tick:
                rows += bench_power_cuts(power_cuts, seed, tick)
        except RigMissing as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error
    return rows


@contextmanager
def _bar(length: int, label: str) -> Iterator[Callable[[int], object]]:
    """A progress bar on a terminal, else silence."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    with typer.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update


def add_to(app: typer.Typer) -> None:
    """Give `garagectl` these commands."""
    app.command("verify-journal")(verify_journal)
    app.command("replay")(replay)
    app.add_typer(export, name="export")
