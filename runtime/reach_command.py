"""`garagectl reach`: the question "who can be reached?" for a garage that need not run.

Decides where pallets, cars and marks come from: the command line, the journal, or nothing (pallets as
after assembly, a car in every bay). The journal knows no positions, only the slides that were made:
after moves by hand give the columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.memory import Memory
from domain.events import MotionEnded, MotionRequested, Recorded
from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, ModuleId
from domain.outputs import Opcode
from domain.parts import Part, find_part, without
from domain.refusals import Refusal
from domain.site import Site
from runtime.application import load_memory
from runtime.database import open_database
from runtime.degraded import Degraded, reach_view
from runtime.journal import Journal
from scheduler.dockings import slid
from scheduler.moves import Slide

_PAGE = 10_000


class ReachError(ValueError):
    """What was asked makes no sense; the text says why."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal tells: cars (None: every bay has one), marks, and where slides have led."""

    cars: frozenset[BayId] | None = None
    marks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    columns: Mapping[ModuleId, Columns] = field(default_factory=dict)


def of_journal(site: Site, database_url: str) -> Known:
    """Cars, marks and slides of a journal; raises JournalError or OSError when it cannot be read."""
    journal = Journal(open_database(database_url))
    try:
        memory: Memory = load_memory(journal)
        columns = columns_after(site, _all_events(journal))
    finally:
        journal.close()
    marks = {name: {"reason": mark.reason, "operator": mark.operator} for name, mark in memory.out_of_service.items()}
    return Known(frozenset(memory.car_at), marks, columns)


def _all_events(journal: Journal) -> Iterable[Recorded]:
    seq = 0
    while page := journal.events_after(seq, _PAGE):
        yield from page
        seq = page[-1].seq


def columns_after(site: Site, recorded: Iterable[Recorded]) -> dict[ModuleId, Columns]:
    """Where the slides of a journal have led the pallets, from where they stood after assembly."""
    columns = {layout.id: layout.initial_columns for layout in site.modules}
    asked: dict[tuple[ModuleId, int], Slide] = {}
    for record in recorded:
        event = record.event
        if isinstance(event, MotionRequested) and Opcode(event.opcode).plain is Opcode.SLIDE:
            asked[event.module, event.command_id] = Slide(event.mailbox, event.first, event.second)
        elif isinstance(event, MotionEnded):
            slide = asked.pop((event.module, event.command_id), None)
            if slide is not None and event.result == "done" and event.module in columns:
                columns[event.module] = slid(columns[event.module], (slide,))
    return columns


def reach_of(
    site: Site, known: Known, modules: Sequence[str], columns_text: str, out: Sequence[str], urgent: Sequence[str]
) -> list[dict[str, Any]]:
    """One `reach_view` for each module asked for (none: all); raises ReachError."""
    wanted = [ModuleId(name) for name in modules] or [layout.id for layout in site.modules]
    unknown = [name for name in wanted if name not in site.layout]
    if unknown:
        raise ReachError(f"no module named {unknown[0]!r}")
    parts = _parts(site, (*known.marks, *out))
    given = _columns_given(columns_text, wanted)
    bays = {bay for name in wanted for bay in site.layout[name].bay_names}
    for bay in urgent:
        if bay not in bays:
            raise ReachError(f"no bay named {bay!r} in {', '.join(wanted)}")
    answers = []
    for name in wanted:
        layout = site.layout[name]
        now = without(layout, parts)
        stand = known.columns.get(name, layout.initial_columns)
        if name in given:
            stand = checked_columns(layout, given[name])
        cars = frozenset(layout.bay_names) if known.cars is None else known.cars & frozenset(layout.bay_names)
        degraded = Degraded(now, site.machine, stand, cars - frozenset(layout.dead), known.marks)
        answers.append(reach_view(degraded, [BayId(bay) for bay in urgent if bay in layout.offset]))
    return answers


def _parts(site: Site, names: Iterable[str]) -> list[Part]:
    parts = []
    for name in names:
        part = find_part(name, site.modules)
        if isinstance(part, Refusal):
            raise ReachError(f"{part.code.text()} ({name})")
        parts.append(part)
    return parts


def _columns_given(text: str, modules: Sequence[ModuleId]) -> dict[str, Any]:
    """A list of rows for a single module, or an object of such lists by module."""
    if not text:
        return {}
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReachError(f"--columns is not JSON: {error}") from error
    if isinstance(data, list) and len(modules) == 1:
        return {modules[0]: data}
    if not isinstance(data, dict) or any(name not in modules for name in data):
        raise ReachError('--columns wants {"A": [[1, 2, ...], ...], ...} with the modules asked for')
    return data


def checked_columns(layout: ModuleLayout, rows: Any) -> Columns:
    """Columns that the pallets of a module can stand at; raises ReachError for anything else."""
    counts = layout.pallets_per_level
    if not isinstance(rows, list) or len(rows) != len(counts):
        raise ReachError(f"module {layout.id}: expected {len(counts)} rows of columns, ground first")
    stand = []
    for level, (row, count) in enumerate(zip(rows, counts, strict=True), start=1):
        cells = layout.open_columns(level)
        is_row = isinstance(row, list) and all(type(column) is int and column in cells for column in row)
        if not is_row or len(row) != count or sorted(set(row)) != row:
            raise ReachError(f"module {layout.id}, level {level}: expected {count} ascending columns out of {cells}")
        stand.append(tuple(row))
    return tuple(stand)


def lines_of(answer: dict[str, Any]) -> list[str]:
    """One module's answer for people."""
    rescue, waiting = answer["rescue"], [one for one in answer["unreachable"] if one["car"]]
    out = ", ".join(part["part"] for part in answer["out_of_service"]) or "nothing"
    lines = [f"module {answer['module']}: out of service: {out}; {answer['cars']} cars, {len(waiting)} out of reach"]
    lines += [f"  {one['text_en']}" for one in waiting]
    if rescue["steps"]:
        proof = "least possible" if rescue["least_proven"] else "not proven least"
        minutes = round(rescue["hand_ms"] / 60_000)
        lines.append(f"  to free {len(rescue['freed'])}: {minutes} min by hand ({proof})")
        lines += [f"  {number}. {step['text_en']}" for number, step in enumerate(rescue["steps"], start=1)]
    if rescue["left"]:
        lines.append(f"  until repaired: {', '.join(rescue['left'])}")
    return lines
