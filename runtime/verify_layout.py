"""`garagectl verify-layout`: every reachable state of every module, and every guard deleted in turn.

Decides how a site is cut into searches and what is reported; docs/decisions/0019-proof-by-exhaustion.md
says why cutting is allowed. Each pair of levels of a module is searched with each barrier alone; modules
of the same layout are searched once. A guard whose deletion breaks nothing must be named in
`SECOND_BARRIERS`, with the guard that makes up for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from types import ModuleType
from typing import Any

from controller import interlocks
from domain.grid import ModuleLayout
from domain.ids import ModuleId
from domain.machine import Machine
from domain.site import Site
from runtime.spread import spread
from runtime.verification.model import Model, Scope
from runtime.verification.mutants import Guard, guards_of, without
from runtime.verification.plc_barrier import PlcBarrier, PlcStops
from runtime.verification.proving_ground import PROVING_GROUND
from runtime.verification.search import Found, search
from runtime.verification.second_barriers import SECOND_BARRIERS
from runtime.verification.supervisor_barrier import SupervisorBarrier
from runtime.verification.sweep import Sweep
from runtime.verification.world import OF_MODULE, Fault
from sim import plc_rules

BARRIERS = {"plc": plc_rules, "supervisor": interlocks}
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Search:
    """One search: some levels of a module, behind one barrier."""

    scope: Scope
    barrier: str


@dataclass(frozen=True, slots=True)
class Searched:
    """What became of a search."""

    search: Search
    found: Found
    seconds: float


def verify_modules(site: Site, told: Told = lambda done, total: None) -> list[dict[str, Any]]:
    """A row for each module of a site: states, transitions, violations, their stories, seconds of processor time."""
    alike = _alike(site.modules)
    searches = [each for layout in alike for each in searches_of(layout, site.machine)]
    searches.sort(key=_weight, reverse=True)
    rows: dict[ModuleId, dict[str, Any]] = {}
    for layout, others in alike.items():
        rows[layout.id] = {"id": layout.id, "states": 0, "transitions": 0, "violations": 0, "seconds": 0.0}
        rows[layout.id] |= {"same_as": None, "stories": [], "searches": []}
        for other in others:
            rows[other] = {"id": other, "same_as": layout.id}
    for result in spread(run_search, searches, told=told):
        _add(rows[result.search.scope.layout.id], result)
    for row in rows.values():
        if row["same_as"] is not None:
            rows[row["id"]] = {**rows[row["same_as"]], "id": row["id"], "same_as": row["same_as"], "seconds": 0.0}
    return [rows[layout.id] for layout in site.modules]


def verify_guards(told: Told = lambda done, total: None) -> list[dict[str, Any]]:
    """A row for each guard: its name, its barrier, and what its deletion breaks or which guard makes up for it."""
    tasks = [(name, guard) for name, module in BARRIERS.items() for guard in guards_of(module)]
    rows = []
    for (barrier, guard), killer in zip(tasks, spread(kill, tasks, told=told), strict=True):
        second = SECOND_BARRIERS.get((barrier, guard.name))
        rows.append({"name": guard.name, "barrier": barrier, "killed_by": killer, "second_barrier": second})
    return rows


def guard_is_settled(row: dict[str, Any]) -> bool:
    """Whether a deleted guard was found out, or else is a named second barrier; never both."""
    return (row["killed_by"] is None) == (row["second_barrier"] is not None)


def distinct_states(rows: Sequence[dict[str, Any]]) -> int:
    """States of all modules that were searched; what is the same as another module counts once."""
    return sum(row["states"] for row in rows if row["same_as"] is None)


def holds(modules: Sequence[dict[str, Any]], guards: Sequence[dict[str, Any]]) -> bool:
    """Whether nothing breaks a rule and every guard is accounted for."""
    return not any(row["violations"] for row in modules) and all(guard_is_settled(row) for row in guards)


def lines_of(modules: Sequence[dict[str, Any]], guards: Sequence[dict[str, Any]]) -> list[str]:
    """The report for people."""
    lines = []
    for row in modules:
        same = f" (the same as {row['same_as']})" if row["same_as"] else f" in {row['seconds']} s of one core"
        figures = f"{row['states']} states, {row['transitions']} transitions, {row['violations']} violations"
        lines.append(f"module {row['id']}: {figures}{same}")
        lines += [f"  {story}" for story in row["stories"]]
    lines.append(f"{distinct_states(modules)} different states")
    if guards:
        killed = sum(row["killed_by"] is not None for row in guards)
        named = sum(row["second_barrier"] is not None for row in guards)
        lines.append(f"{len(guards)} guards: {killed} found out when deleted, {named} named as second barriers")
    unsettled = [row for row in guards if not guard_is_settled(row)]
    return lines + [f"not accounted for ({row['barrier']}): {row['name']}" for row in unsettled]


def searches_of(layout: ModuleLayout, machine: Machine) -> Iterator[Search]:
    """All searches of one module: each pair of levels, each barrier, with every sensor of the module failing."""
    numbers = range(1, len(layout.levels) + 1)
    faults = tuple(Fault(sensor, on) for sensor in OF_MODULE for on in (True, False))
    for levels in combinations(numbers, 2) if len(numbers) > 1 else [tuple(numbers)]:
        for barrier in BARRIERS:
            yield Search(Scope(layout, machine, levels, faults), barrier)


def run_search(task: Search) -> Searched:
    """Visit everything of one scope behind one barrier; where a rule breaks, look for the shortest way there."""
    start = time.process_time()
    found = _examine(task)
    return Searched(task, found, time.process_time() - start)


def kill(task: tuple[str, Guard]) -> str | None:
    """The shortest story that becomes possible without a guard; None if none does on the proving ground."""
    barrier, guard = task
    rules = without(BARRIERS[barrier], guard)
    for scope in PROVING_GROUND:
        try:
            found = _examine(Search(scope, barrier), rules, first_only=True)
        except (IndexError, ValueError, TypeError, AttributeError) as error:
            return f"a nonsense command ends the program: {error}"
        if found.violations:
            return found.stories[0]
    return None


def _examine(task: Search, rules: ModuleType | None = None, *, first_only: bool = False) -> Found:
    """Sweep a model whole, or to the first violation, and then search one by one for the shortest story."""
    swept = Sweep(model_of(task.scope, task.barrier, rules)).run(first_only=first_only)
    stories: tuple[str, ...] = ()
    if swept.violations:
        stories = search(model_of(task.scope, task.barrier, rules), first_only=True).stories
    return Found(swept.states, swept.transitions, swept.violations, stories)


def model_of(scope: Scope, name: str, rules: ModuleType | None = None) -> Model:
    """A model of a scope behind one barrier, its rules replaced by others if given."""
    layout, machine, levels = scope.layout, scope.machine, scope.levels
    if name == "plc":
        plc = PlcBarrier(layout, machine, levels, rules or plc_rules)
        return Model(scope, plc, PlcStops(plc, rules or plc_rules))
    supervisor = SupervisorBarrier(layout, machine, levels, rules or interlocks)
    return Model(scope, supervisor, PlcStops(supervisor))


def _alike(layouts: Sequence[ModuleLayout]) -> dict[ModuleLayout, list[ModuleId]]:
    """The first module of each layout, and the names of the others."""
    first: dict[ModuleLayout, ModuleLayout] = {}
    found: dict[ModuleLayout, list[ModuleId]] = {}
    for layout in layouts:
        nameless = replace(layout, id=ModuleId(""), dead=())  # what is dead moves like the rest when asked
        if nameless in first:
            found[first[nameless]].append(layout.id)
        else:
            first[nameless] = layout
            found[layout] = []
    return found


def _weight(task: Search) -> int:
    """A search with two rows that slide is by far the longest."""
    layout = task.scope.layout
    sizes = [layout.columns**2 if layout.levels[level - 1].gaps else 1 for level in task.scope.levels]
    weight = 1
    for size in sizes:
        weight *= size
    return weight


def _add(row: dict[str, Any], result: Searched) -> None:
    found = result.found
    row["states"] += found.states
    row["transitions"] += found.transitions
    row["violations"] += found.violations
    row["seconds"] = round(row["seconds"] + result.seconds, 1)
    row["stories"] += found.stories
    row["searches"].append(
        {
            "levels": list(result.search.scope.levels),
            "barrier": result.search.barrier,
            "states": found.states,
            "transitions": found.transitions,
            "violations": found.violations,
            "seconds": round(result.seconds, 1),
        }
    )
