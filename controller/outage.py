"""Parts out of service: taken out and put back by operators, and never moved meanwhile.

Decides which layout a module has for now, which moves that forbids, and what drivers are told whose
car cannot be brought. Interlocks and reconciliation keep to the layout that was built: a part out of
service is still there, and pallets still stand in each other's way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from controller.interlocks import column_of
from controller.memory import Memory
from controller.scan import Scan
from domain.commands import Accepted, PutBack, Refused, Reply, TakeOut
from domain.events import PartPutBack, PartTakenOut
from domain.grid import Columns, ModuleLayout
from domain.ids import BayId, ModuleId
from domain.outputs import Opcode
from domain.parts import Part, PartKind, find_part, parse_part, parts_out, without
from domain.refusals import Refusal, RefusalCode
from domain.signals import ModuleImage
from domain.site import Site
from scheduler.reach import blame

Touch = Callable[[ModuleId], None]


class ServiceLayout:
    """One module's layout without what is out of service; the built one itself while nothing is."""

    def __init__(self, layout: ModuleLayout) -> None:
        self._built = layout
        self._names: tuple[str, ...] = ()
        self._now = layout

    def now(self, memory: Memory) -> ModuleLayout:
        """The layout for moves, placement and reachability."""
        names = tuple(memory.out_of_service)
        if names != self._names:
            parts = (parse_part(name) for name in names)
            self._now = without(self._built, [part for part in parts if isinstance(part, Part)])
            self._names = names
        return self._now


def take_out(scan: Scan, site: Site, command: TakeOut, touch: Touch) -> Reply:
    """Mark a part; nothing is asked of it from now on, whatever it does at the moment."""
    part = find_part(command.part, site.modules)
    if isinstance(part, Refusal):
        return Refused((part,))
    if part.name in scan.memory.out_of_service or part in parts_out(site.layout[part.module]):
        return Refused.because(RefusalCode.PART_ALREADY_OUT, part.name)
    scan.emit(PartTakenOut(part.name, command.operator, command.reason))
    touch(part.module)
    return Accepted(part.name)


def put_back(scan: Scan, site: Site, command: PutBack, touch: Touch) -> Reply:
    """Take a mark away; what the configuration calls dead stays so."""
    part = find_part(command.part, site.modules)
    if isinstance(part, Refusal):
        return Refused((part,))
    if part.name not in scan.memory.out_of_service:
        return Refused.because(RefusalCode.PART_NOT_OUT, part.name)
    scan.emit(PartPutBack(part.name, command.operator))
    touch(part.module)
    return Accepted(part.name)


def forbidden(
    layout: ModuleLayout, image: ModuleImage, opcode: Opcode, level: int, first: int, second: int
) -> tuple[Refusal, ...]:
    """The parts out of service that a move would move or pass; `layout` is that of now."""
    if layout.is_whole or opcode.plain not in (Opcode.SLIDE, Opcode.LOWER, Opcode.RAISE):
        return ()
    slides = opcode.plain is Opcode.SLIDE
    found = _in_slide(layout, image, level, first, second) if slides else _in_lift(layout, image, level, first)
    return tuple(Refusal(RefusalCode.OUT_OF_SERVICE, part.name) for part in found)


def _in_slide(layout: ModuleLayout, image: ModuleImage, level: int, first: int, second: int) -> Iterator[Part]:
    if level in layout.frozen:
        yield Part(layout.id, PartKind.ROW, level)
    low, high = sorted((first, second))
    for column in range(low, high + 1):
        if (level, column) in layout.closed:
            yield Part(layout.id, PartKind.CELL, level, column)
    for index in range(1, layout.pallets_per_level[level - 1] + 1):
        part = Part(layout.id, PartKind.PALLET, level, index)
        column_now = column_of(layout, image, level, index)
        # A row that is not at rest tells no columns: then no row with a dead pallet slides.
        if part.name in layout.dead and (column_now is None or low <= column_now <= high):
            yield part


def _in_lift(layout: ModuleLayout, image: ModuleImage, level: int, index: int) -> Iterator[Part]:
    if layout.hoist_out:
        yield Part(layout.id, PartKind.HOIST)
    part = Part(layout.id, PartKind.PALLET, level, index)
    if part.name in layout.dead:
        yield part
    column = column_of(layout, image, level, index)
    for below in range(1, level + 1):
        if column is not None and (below, column) in layout.closed:
            yield Part(layout.id, PartKind.CELL, below, column)


def unreachable(layout: ModuleLayout, columns: Columns, memory: Memory, bay: BayId) -> Refusal:
    """Why a pallet cannot be brought down, and what is being done about it, as operators have said."""
    parts = blame(layout, columns, (bay,))[bay]
    told = [_told(memory, part.name) for part in parts]
    about = f"{bay}: {', '.join(told)}" if told else bay
    return Refusal(RefusalCode.UNREACHABLE, about, {"parts": " ".join(part.name for part in parts)})


def _told(memory: Memory, name: str) -> str:
    mark = memory.out_of_service.get(name)
    return f"{name} ({mark.reason})" if mark is not None and mark.reason else name
