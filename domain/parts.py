"""Parts that people take out of service, and what is left of a module without them.

Decides how a part is written - a pallet `A-3-07`, a row `A-3`, a cell `A-2@05` (level 2, column 5), a
hoist by its module's name `A` - and which layout a module has while some are out. Who may take them
out, and what becomes of waiting drivers, is the controller's matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.grid import ModuleLayout
from domain.ids import BayRef, ModuleId, parse_bay
from domain.refusals import Refusal, RefusalCode

_PART = re.compile(r"(?P<module>[A-Z]{1,2})(-(?P<level>[1-9])(-(?P<pallet>[0-9]{2})|@(?P<column>[0-9]{2}))?)?")


class PartKind(StrEnum):
    """What a part is, and so what its absence forbids."""

    PALLET = "pallet"
    ROW = "row"
    CELL = "cell"
    HOIST = "hoist"


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One part; `level` is 0 for a hoist, `number` (pallet or column, from 1) 0 for row and hoist."""

    module: ModuleId
    kind: PartKind
    level: int = 0
    number: int = 0

    @property
    def name(self) -> str:
        """The part as people write it; `parse_part` reads it back."""
        match self.kind:
            case PartKind.PALLET:
                return BayRef(self.module, self.level, self.number).name
            case PartKind.ROW:
                return f"{self.module}-{self.level}"
            case PartKind.CELL:
                return f"{self.module}-{self.level}@{self.number:02d}"
            case PartKind.HOIST:
                return self.module


def parse_part(text: str) -> Part | Refusal:
    """Read a part's name; a refusal for anything else. Whether the part exists is `has_part`'s answer."""
    match = _PART.fullmatch(text)
    if match is None:
        return Refusal(RefusalCode.UNKNOWN_PART, text)
    module, level = ModuleId(match["module"]), int(match["level"] or 0)
    if match["pallet"] is not None:
        return Part(module, PartKind.PALLET, level, int(match["pallet"]))
    if match["column"] is not None:
        return Part(module, PartKind.CELL, level, int(match["column"]))
    return Part(module, PartKind.ROW, level) if level else Part(module, PartKind.HOIST)


def find_part(text: str, layouts: Iterable[ModuleLayout]) -> Part | Refusal:
    """The part of this name in one of these modules, or why there is none."""
    part = parse_part(text)
    if isinstance(part, Refusal) or any(has_part(layout, part) for layout in layouts):
        return part
    return Refusal(RefusalCode.UNKNOWN_PART, text)


def has_part(layout: ModuleLayout, part: Part) -> bool:
    """Whether a module is built with this part."""
    if part.module != layout.id or part.level > len(layout.levels):
        return False
    match part.kind:
        case PartKind.PALLET:
            return 1 <= part.number <= layout.pallets_per_level[part.level - 1]
        case PartKind.CELL:
            return part.number in layout.open_columns(part.level)
        case PartKind.ROW | PartKind.HOIST:
            return True


def without(layout: ModuleLayout, parts: Iterable[Part]) -> ModuleLayout:
    """The module with some more of its parts out of service; the very same layout if there are none."""
    out = sorted({part for part in parts if part.module == layout.id} | set(parts_out(layout)))
    return layout if tuple(out) == parts_out(layout) else _with_only(layout, out)


def with_back(layout: ModuleLayout, parts: Iterable[Part]) -> ModuleLayout:
    """The module with some of its parts in service again."""
    back = set(parts)
    return _with_only(layout, [part for part in parts_out(layout) if part not in back])


def parts_out(layout: ModuleLayout) -> tuple[Part, ...]:
    """What is out of service in this layout, sorted."""
    pallets = (parse_bay(name) for name in layout.dead)
    out = [Part(layout.id, PartKind.PALLET, ref.level, ref.index) for ref in pallets]
    out += [Part(layout.id, PartKind.ROW, level) for level in layout.frozen]
    out += [Part(layout.id, PartKind.CELL, level, column) for level, column in layout.closed]
    if layout.hoist_out:
        out.append(Part(layout.id, PartKind.HOIST))
    return tuple(sorted(out))


def _with_only(layout: ModuleLayout, out: list[Part]) -> ModuleLayout:
    return replace(
        layout,
        dead=tuple(BayRef(p.module, p.level, p.number).name for p in out if p.kind is PartKind.PALLET),
        frozen=tuple(p.level for p in out if p.kind is PartKind.ROW),
        closed=tuple((p.level, p.number) for p in out if p.kind is PartKind.CELL),
        hoist_out=any(p.kind is PartKind.HOIST for p in out),
    )
