"""What a module's sensors and its power meter show of each move while it runs.

Decides what is measured: the pallets whose own switch says that they move; the time in which any motor draws power,
and the energy; the mean power of a move, if it ran alone all the way (the PLC meters a module, not a motor) and, for
a lift, without a car, which makes one lift like the other; and the time that a hook takes. It is power that is
metered, not current: the register map has no current. What is made of it is decided in
`controller.maintenance_book`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from domain.grid import ModuleLayout
from domain.outputs import GATE, MailboxWrite, Opcode
from domain.signals import ModuleImage, Pallet

_LIFTS = (Opcode.LOWER, Opcode.RAISE)


@dataclass(frozen=True, slots=True)
class Metered:
    """What was seen of one move; see `domain.events.MotionEnded`."""

    moved: tuple[int, ...] = ()
    run_ms: int = 0
    energy_j: int = 0
    power_w: int | None = None
    hook_ms: int | None = None


@dataclass(slots=True)
class _Watched:
    """One move under observation; times are monotonic ms, energies W ms."""

    write: MailboxWrite
    asked_ms: int
    alone: bool
    moved: set[int] = field(default_factory=set)
    loaded: bool = False
    energy: int = 0
    run_ms: int = 0
    stood_ms: int | None = None
    hook_ms: int | None = None


class Meter:
    """The meter of one module. Energy and motor time of the module go to the move that ends next."""

    def __init__(self, layout: ModuleLayout) -> None:
        self._layout = layout
        self._watched: dict[int, _Watched] = {}
        self._looked_ms = 0
        self._motors_w = 0
        self._energy = 0
        self._run_ms = 0

    def begin(self, write: MailboxWrite, image: ModuleImage, now_ms: int) -> None:
        """A move is asked for."""
        if not self._watched:
            self._looked_ms, self._motors_w = now_ms, image.motors_w
            self._energy = self._run_ms = 0
        alone = not self._watched
        for other in self._watched.values():
            other.alone = False
        self._watched[write.mailbox] = _Watched(write, now_ms, alone)

    def look(self, image: ModuleImage, now_ms: int) -> None:
        """A picture while something runs; what the motors drew since the last one is what they drew then."""
        spent_ms, drawn_w = now_ms - self._looked_ms, self._motors_w
        self._looked_ms, self._motors_w = now_ms, image.motors_w
        if drawn_w:
            self._energy += drawn_w * spent_ms
            self._run_ms += spent_ms
        for watched in self._watched.values():
            if drawn_w:
                watched.energy += drawn_w * spent_ms
                watched.run_ms += spent_ms
            if watched.write.mailbox != GATE:
                self._look_at_pallets(watched, image, now_ms)

    def _look_at_pallets(self, watched: _Watched, image: ModuleImage, now_ms: int) -> None:
        level, opcode = watched.write.mailbox, watched.write.opcode.plain
        start = self._layout.level_offset[level - 1]
        for index in self._concerned(watched):
            pallet = image.pallets[start + index - 1]
            if pallet.has(Pallet.MOVING):
                watched.moved.add(index)
                watched.stood_ms = None
            watched.loaded = watched.loaded or not pallet.lacks(Pallet.LOADED)
        if opcode not in _LIFTS or watched.hook_ms is not None:
            return
        hook = image.pallets[start + watched.write.first - 1]
        if opcode is Opcode.LOWER and hook.has(Pallet.HOOK_OPEN):
            watched.hook_ms = now_ms - watched.asked_ms
        elif opcode is Opcode.RAISE and watched.moved and hook.lacks(Pallet.MOVING):
            watched.stood_ms = now_ms if watched.stood_ms is None else watched.stood_ms
            if hook.has(Pallet.HOOK_CLOSED):
                watched.hook_ms = now_ms - watched.stood_ms

    def _concerned(self, watched: _Watched) -> Collection[int]:
        level, write = watched.write.mailbox, watched.write
        if write.opcode.plain in _LIFTS:
            return (write.first,)
        return range(1, self._layout.pallets_per_level[level - 1] + 1)

    def end(self, mailbox: int) -> Metered:
        """What was seen of a move that is over; nothing if nobody watched it begin."""
        watched = self._watched.pop(mailbox, None)
        if watched is None:
            return Metered()
        energy_j, run_ms, self._energy, self._run_ms = self._energy // 1000, self._run_ms, 0, 0
        return Metered(tuple(sorted(watched.moved)), run_ms, energy_j, _power_w(watched), watched.hook_ms)

    def forget(self) -> None:
        """The link is gone: what runs is not watched any more."""
        self._watched.clear()


def _power_w(watched: _Watched) -> int | None:
    """Mean power of the motor, or of one of the motors of a slide."""
    lifts = watched.write.opcode.plain in _LIFTS
    motors = 1 if lifts else len(watched.moved)
    if not watched.alone or not watched.run_ms or not motors or (lifts and watched.loaded):
        return None
    return watched.energy // watched.run_ms // motors
