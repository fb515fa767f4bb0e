"""Whether the modules of `config.yaml` could be built and used: gaps, blocked columns, dead bays.

Decides which geometry is impossible and says so at the line that is wrong. Does not plan moves; the
question answered here is only whether a bay can come down at all.
"""

from __future__ import annotations

from domain.grid import Level, ModuleLayout
from domain.ids import BayId, ModuleId, parse_bay
from plc.register_map import COLUMNS_MAX, PALLETS_MAX
from runtime.config_marks import MarkedDocument, ValuePath
from runtime.config_models import Document, FrameSection, LevelSection, ModuleSection

_SHARED = (
    "pitch_mm",
    "pallet_width_mm",
    "car_length_mm_max",
    "car_width_mm_max",
    "car_mass_kg_max",
    "headroom_mm",
)
_INDEX_MAX = 99
_HEIGHT_SUM_MAX_MM = 65_000
"""A pallet's height is one register of 16 bits."""


def layouts(document: Document, marked: MarkedDocument) -> tuple[ModuleLayout, ...]:
    """The modules that are possible; every impossible one leaves its problems in `marked`."""
    seen: dict[str, int] = {}
    found = []
    for number, module in enumerate(document.modules):
        path: ValuePath = ("modules", number)
        before = len(marked.problems)
        if module.id in seen:
            marked.problem((*path, "id"), f"module {module.id} is already number {seen[module.id] + 1} of the list")
        seen.setdefault(module.id, number)
        layout = _layout(module, document.frame, path, marked)
        if layout is not None and len(marked.problems) == before:
            _check_bays(layout, module, path, marked)
        if layout is not None and len(marked.problems) == before:
            found.append(layout)
    return tuple(found)


def _layout(module: ModuleSection, frame: FrameSection, path: ValuePath, marked: MarkedDocument) -> ModuleLayout | None:
    try:
        parse_bay(f"{module.id}-1-01")
    except ValueError:
        marked.problem((*path, "id"), f"must be one or two capital letters (A, B, AA), not {module.id!r}")
    levels = module.levels if module.levels is not None else frame.levels
    if levels is None:
        marked.problem(path, "has no levels: give `levels` here, or `frame.levels` for all modules")
        return None
    # A mistake in shared levels is reported where the levels are written.
    levels_path: ValuePath = (*path, "levels") if module.levels is not None else ("frame", "levels")
    own = {name: getattr(module, name) for name in _SHARED}
    shared = {name: getattr(frame, name) if own[name] is None else own[name] for name in _SHARED}
    layout = ModuleLayout(
        id=ModuleId(module.id),
        columns=module.columns,
        levels=tuple(
            Level(number, level.height_mm, level.gaps, tuple(level.blocked))
            for number, level in enumerate(levels, start=1)
        ),
        dead=tuple(BayId(name) for name in module.dead),
        **shared,
    )
    _check_measures(layout, own, path, marked)
    _check_levels(layout, levels, levels_path, marked)
    return layout


def _check_measures(layout: ModuleLayout, own: dict[str, int | None], path: ValuePath, marked: MarkedDocument) -> None:
    def place(name: str) -> ValuePath:
        return (*path, name) if own[name] is not None else ("frame", name)

    if layout.pallet_width_mm >= layout.pitch_mm:
        reason = f"{layout.pallet_width_mm} mm is not less than the pitch of {layout.pitch_mm} mm: neighbours touch"
        marked.problem(place("pallet_width_mm"), reason)
    if layout.car_width_mm_max > layout.pallet_width_mm:
        reason = f"a car of {layout.car_width_mm_max} mm is wider than the pallet ({layout.pallet_width_mm} mm)"
        marked.problem(place("car_width_mm_max"), reason)
    if sum(level.height_mm for level in layout.levels) > _HEIGHT_SUM_MAX_MM:
        marked.problem(path, f"is higher than {_HEIGHT_SUM_MAX_MM} mm")
    for level in layout.levels:
        if layout.headroom_mm >= level.height_mm:
            reason = f"{layout.headroom_mm} mm leaves no room for a car on level {level.number}"
            marked.problem(place("headroom_mm"), reason)


def _check_levels(layout: ModuleLayout, levels: list[LevelSection], path: ValuePath, marked: MarkedDocument) -> None:
    top = len(levels)
    who = f"module {layout.id}, level"
    for level, pallets in zip(layout.levels, layout.pallets_per_level, strict=True):
        here: ValuePath = (*path, level.number - 1)
        for place, column in enumerate(level.blocked):
            spot: ValuePath = (*here, "blocked", place)
            if not 1 <= column <= layout.columns:
                marked.problem(spot, f"{who} {level.number}: there is no column {column} (1 to {layout.columns})")
            elif column in level.blocked[:place]:
                marked.problem(spot, f"{who} {level.number}: column {column} is blocked twice")
        if level.number < top and level.gaps == 0:
            reason = f"{who} {level.number} needs at least 1 gap: without one, nothing above it can come down"
            marked.problem((*here, "gaps"), reason)
        if pallets < 1:
            reason = (
                f"{who} {level.number}: {level.gaps} gaps and {len(level.blocked)} blocked columns"
                f" leave no pallet in {layout.columns} columns"
            )
            marked.problem((*here, "gaps"), reason)
        elif pallets > _INDEX_MAX:
            marked.problem(here, f"{who} {level.number}: more than {_INDEX_MAX} pallets")
    if sum(layout.pallets_per_level) > PALLETS_MAX:
        reason = f"{sum(layout.pallets_per_level)} pallets; the register map carries {PALLETS_MAX} a module"
        marked.problem(path, f"module {layout.id} has {reason} (and {COLUMNS_MAX} columns)")


def _check_bays(layout: ModuleLayout, module: ModuleSection, path: ValuePath, marked: MarkedDocument) -> None:
    """Dead bays exist, and every bay that is not dead can come down."""
    for place, name in enumerate(module.dead):
        here: ValuePath = (*path, "dead", place)
        if BayId(name) not in layout.offset:
            marked.problem(here, f"module {layout.id} has no bay {name!r} (bays run to {layout.bay_names[-1]})")
        elif name in module.dead[:place]:
            marked.problem(here, f"bay {name} is listed twice")
    stuck = [name for name in unreachable_bays(layout) if name not in layout.dead]
    if stuck:
        levels_path: ValuePath = (*path, "levels") if module.levels is not None else ("frame", "levels")
        reason = (
            f"module {layout.id}: {', '.join(stuck)} could never come down past the blocked columns;"
            " move the gaps or list these bays under `dead`"
        )
        marked.problem(levels_path, reason)


def unreachable_bays(layout: ModuleLayout) -> tuple[BayId, ...]:
    """Bays that no sequence of slides can bring over a free shaft.

    Levels slide independently, so a bay can come down at a column when its pallet can stand there and
    every level below can have a gap there.
    """
    shaft = frozenset(range(1, layout.columns + 1))
    stuck = []
    top = len(layout.levels)
    for level in layout.levels:
        runs = _runs(layout, level.number)
        start = layout.level_offset[level.number - 1]
        place = 0
        for cells, pallets in runs:
            spare = len(cells) - pallets if level.number < top else 0
            for i in range(pallets):
                if level.number > 1 and shaft.isdisjoint(cells[i : i + spare + 1]):
                    stuck.append(layout.bay_names[start + place])
                place += 1
        shaft &= frozenset(c for cells, pallets in runs if pallets < len(cells) for c in cells)
    return tuple(stuck)


def _runs(layout: ModuleLayout, level: int) -> list[tuple[tuple[int, ...], int]]:
    """Stretches of neighbouring cells of a level, each with its number of pallets.

    A pallet never passes a blocked column, so it stays in the stretch it was assembled in.
    """
    runs: list[list[int]] = []
    for column in layout.open_columns(level):
        if runs and runs[-1][-1] == column - 1:
            runs[-1].append(column)
        else:
            runs.append([column])
    standing = layout.initial_columns[level - 1]
    return [(tuple(cells), sum(column in cells for column in standing)) for cells in runs]
