"""Who can be reached while parts are out of service, and what people would have to move, in words.

Decides how `scheduler.reach` and `scheduler.rescue` are asked, for the running garage and offline
(`garagectl reach`), and how their answers read in English and Chinese.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.interlocks import is_away
from controller.step import Controller
from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, ModuleId
from domain.machine import Machine
from domain.parts import Part, PartKind, parse_part, parts_out
from scheduler.reach import Approach, Reach, reachability
from scheduler.rescue import Act, Rescue, RescueStep, rescue

_KINDS = {
    PartKind.PALLET: ("pallet {name}", "载车板 {name}"),
    PartKind.ROW: ("row {name}", "{name} 层横移"),
    PartKind.CELL: ("cell {name}", "格位 {name}"),
    PartKind.HOIST: ("hoist of module {name}", "{name} 库区升降机"),
}


@dataclass(frozen=True, slots=True)
class Degraded:
    """One module as it stands: what `reach_view` needs, and nothing that changes meanwhile.

    `layout` is without what is out of service, `told` says what is being done by part. `settled` is
    False while a pallet is not home: a rescue begins with all of them home.
    """

    layout: ModuleLayout
    machine: Machine
    columns: Columns
    parked: frozenset[BayId]
    told: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    settled: bool = True


def of_controller(controller: Controller, module: ModuleId) -> Degraded:
    """A module of the running garage, copied."""
    memory, control = controller.memory, controller.modules[module]
    layout = control.layout_now(memory)
    image = control.image
    upper = layout.pallets_per_level[0]
    home = image is not None and not any(is_away(signal) for signal in image.pallets[upper:])
    return Degraded(
        layout,
        controller.site.machine,
        control.columns,
        frozenset(bay for bay in layout.bay_names if bay in memory.car_at),
        {part["part"]: part for part in outages(controller)},
        home and not memory.module(module).motions,
    )


def outages(controller: Controller) -> list[dict[str, Any]]:
    """Every part that operators took out, oldest first."""
    return [
        {
            "part": name,
            **_part_words(name),
            "reason": mark.reason,
            "operator": mark.operator,
            "since_utc_ms": mark.since_utc_ms,
        }
        for name, mark in controller.memory.out_of_service.items()
    ]


def reach_view(module: Degraded, urgent: Collection[BayId] = ()) -> dict[str, Any]:
    """All of it as JSON (docs/http-api.md); with several rows stuck it takes seconds."""
    reach = reachability(module.layout, module.machine, module.columns, module.parked)
    found = rescue(module.layout, module.machine, module.columns, module.parked, urgent)
    return {
        "module": module.layout.id,
        "settled": module.settled,
        "columns": [list(row) for row in module.columns],
        "out_of_service": [
            {"part": part.name, **_part_words(part.name), **module.told.get(part.name, {})}
            for part in parts_out(module.layout)
        ],
        "cars": len(module.parked),
        "reachable": [_reached(one.bay, one.parked, one.approach) for one in reach.bays if one.approach],
        "unreachable": _unreachable(reach),
        "rescue": _rescue(found),
    }


def stranded_view(module: Degraded) -> list[dict[str, Any]]:
    """Cars that no sequence of moves brings down, with the parts that keep them."""
    reach = reachability(module.layout, module.machine, module.columns, module.parked)
    return [one for one in _unreachable(reach) if one["car"]]


def _reached(bay: BayId, parked: bool, way: Approach) -> dict[str, Any]:
    phases = [[{"level": s.level, "first": s.first, "second": s.second} for s in phase] for phase in way.phases]
    return {"bay": bay, "car": parked, "column": way.column, "phases": phases, "slide_ms": way.slide_ms}


def _unreachable(reach: Reach) -> list[dict[str, Any]]:
    return [
        {
            "bay": one.bay,
            "car": one.parked,
            "because": [part.name for part in one.because],
            "text_en": f"{one.bay} waits for {_named(one.because, 0) or 'another frame'}",
            "text_zh": f"{one.bay} 须等待{_named(one.because, 1) or '改造库架'}恢复",
        }
        for one in reach.bays
        if one.approach is None
    ]


def _named(parts: Collection[Part], language: int) -> str:
    joined = (" and ", "和")[language]
    return joined.join(_KINDS[part.kind][language].format(name=part.name) for part in parts)


def _part_words(name: str) -> dict[str, str]:
    part = parse_part(name)
    if not isinstance(part, Part):
        return {"text_en": name, "text_zh": name}
    english, chinese = _KINDS[part.kind]
    return {"text_en": english.format(name=name), "text_zh": chinese.format(name=name)}


def _rescue(found: Rescue) -> dict[str, Any]:
    return {
        "steps": [_step(step) for step in found.steps],
        "freed": list(found.freed),
        "left": list(found.left),
        "hand_ms": found.hand_ms,
        "slide_ms": found.slide_ms,
        "least_proven": found.proven,
    }


def _step(step: RescueStep) -> dict[str, Any]:
    english, chinese = _move_words(step)
    if step.shuts_in:
        english = f"First fetch {', '.join(step.shuts_in)}: they are shut in after this. {english}"
        chinese = f"请先取出 {'、'.join(step.shuts_in)}，此步之后这些车将被挡住。{chinese}"
    if step.act is Act.PUSH and step.frees:
        english = f"{english} Then within reach: {', '.join(step.frees)}."
        chinese = f"{chinese}随后可取：{'、'.join(step.frees)}。"
    return {
        "do": step.act.value,
        "level": step.level,
        "first": step.first,
        "second": step.second,
        "bay": step.bay,
        "cost_ms": step.cost_ms,
        "frees": list(step.frees),
        "shuts_in": list(step.shuts_in),
        "text_en": english,
        "text_zh": chinese,
    }


def _move_words(step: RescueStep) -> tuple[str, str]:
    minutes = max(1, round(step.cost_ms / 60_000))
    level, first, second, bay = step.level, step.first, step.second, step.bay
    match step.act:
        case Act.SLIDE:
            return (
                f"By motor: on level {level} slide toward column {second}, so that column {first} is free.",
                f"电动：第{level}层向第{second}列横移，空出第{first}列。",
            )
        case Act.PUSH:
            return (
                f"By hand: push pallet {bay} on level {level} from column {first} to column {second}"
                f" with the winch (about {minutes} min).",
                f"人工：用手拉葫芦将第{level}层载车板 {bay} 从第{first}列推到第{second}列（约{minutes}分钟）。",
            )
        case Act.CRANK:
            return (
                f"By hand: crank pallet {bay} down at column {first}, let the car drive off, crank the pallet up again"
                f" (about {minutes} min).",
                f"人工：在第{first}列手摇放下载车板 {bay}，车辆驶出后再摇回原位（约{minutes}分钟）。",
            )
