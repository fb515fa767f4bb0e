"""An independent judge of rules R1 to R6, with eyes only for the plant.

Decides whether the machine, whatever anybody believed, broke a rule, and tells the story in a
sentence. Shares no code with the controller or the soft PLC. It looks when something has changed:
between two changes every motion is known in advance, so the whole swept volume is judged at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.ids import ModuleId
from domain.machine import HookKind, SlideMode
from domain.signals import GateState
from sim.module_plant import ModulePlant
from sim.motion import in_step
from sim.plant import Plant
from sim.plant_parts import Hook, Motion, PalletPlant

EPSILON_MM = 0.6
PALLET_HEIGHT_MM = 150
"""An empty pallet is no thinner than this, wheel stops and frame included."""
REACTION_MS = 100
"""From a breach of the zone or gate to the moment the drives begin to brake."""
UNHOOKED_MS_MAX = 3000
"""A pallet may stand at home with its hook open only for so long around a lift."""
OVERLOAD_MS_MAX = 2000

Box = tuple[float, float, float, float]
"""Left, right, bottom, top of all the space a pallet and its car take up on the present travel."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule: when it was seen, in which module ('' = the whole site), and what happened."""

    t_ms: int
    module: ModuleId
    rule: str
    story: str


class Oracle:
    """Watches a plant; call `observe` after each change."""

    def __init__(self, plant: Plant) -> None:
        self.violations: list[Violation] = []
        self._plant = plant
        self._courts = [_Court(module, self.violations) for module in plant.modules.values()]
        self._over_since_ms: int | None = None
        self._over_told = False

    def observe(self) -> None:
        """Judge what has changed since the last call."""
        now_ms = self._plant.now_ms
        for court in self._courts:
            if court.watch.since_ms <= now_ms:
                court.observe(now_ms)
        self._judge_power(now_ms)

    def _judge_power(self, now_ms: int) -> None:
        """R6: motors and chargers above the site's limit for longer than two seconds."""
        since = self._over_since_ms
        if since is not None and now_ms - since > OVERLOAD_MS_MAX and not self._over_told:
            self._over_told = True
            limit = self._plant.site.power_limit_w
            story = f"motors and chargers drew more than {limit} W from {since} ms for {now_ms - since} ms"
            self.violations.append(Violation(now_ms, ModuleId(""), "R6", story))
        if self._plant.motors_w() + self._plant.chargers_w() > self._plant.site.power_limit_w:
            if since is None:
                self._over_since_ms = now_ms
        else:
            self._over_since_ms, self._over_told = None, False


class _Court:
    """Rules R1 to R5 for one module. A wrong that lasts is told once."""

    def __init__(self, module: ModulePlant, violations: list[Violation]) -> None:
        self._module = module
        self.watch = module.watch()
        self._violations = violations
        self._boxes = [_box(pallet) for pallet in module.pallets]
        self._standing: set[tuple[str, int, int]] = set()
        self._unsafe_since_ms: int | None = None
        self._unhooked_since_ms: dict[int, int] = {}
        self._travels: dict[int, object] = {}
        self._jammed_since_ms: dict[tuple[int, int], int] = {}
        self._now_ms = 0

    def observe(self, now_ms: int) -> None:
        """Look at the pallets that changed, and at everything that can collide with them."""
        self._now_ms = now_ms
        changed = [self._module.pallets[offset] for offset in self.watch.take()]
        for pallet in changed:
            self._boxes[pallet.offset] = _box(pallet)
        self._judge_people()
        for pallet in changed:
            self._judge_space(pallet)
            self._judge_start(pallet)
            self._judge_hook(pallet)
        self._judge_shafts()
        self._judge_slide_mode()

    def _judge(self, rule: str, about: tuple[int, int], broken: bool, story: str) -> None:
        key = (rule, *about)
        if not broken:
            self._standing.discard(key)
        elif key not in self._standing:
            self._standing.add(key)
            self._tell(rule, story)

    def _tell(self, rule: str, story: str) -> None:
        self._violations.append(Violation(self._now_ms, self._module.layout.id, rule, story))

    # --- R1 -----------------------------------------------------------------------------------

    def _judge_space(self, pallet: PalletPlant) -> None:
        left, right, bottom, top = self._boxes[pallet.offset]
        me = pallet.offset
        clear = True
        for other, (a, b, c, d) in enumerate(self._boxes):
            if a < right and left < b and c < top and bottom < d and other != me:
                clear = False
                self._judge_pair(pallet, self._module.pallets[other])
        if clear and self._jammed_since_ms:
            for pair in [pair for pair in self._jammed_since_ms if me in pair]:
                late_ms = self._now_ms - self._jammed_since_ms.pop(pair)
                if late_ms > REACTION_MS:
                    self._tell("R1", f"{_named(pallet)} braked {late_ms} ms after a motor of its train had jammed")
        if clear and self._standing:
            self._standing -= {key for key in self._standing if key[0] == "R1" and me in key[1:]}

    def _judge_pair(self, one: PalletPlant, other: PalletPlant) -> None:
        """Two swept volumes meet; that is well only for pallets of one train, which keep their distance."""
        together = (
            one.motion is other.motion is Motion.SLIDE
            and one.travel is not None
            and other.travel is not None
            and in_step(one.travel, other.travel)
            and abs(one.x_at(self._now_ms) - other.x_at(self._now_ms)) >= self._width - EPSILON_MM
        )
        pair = (min(one.offset, other.offset), max(one.offset, other.offset))
        if (one.stalled or other.stalled) and not together and not self._touching(one, other):
            if not self._on_course(one, other):
                return
            since = self._jammed_since_ms.setdefault(pair, self._now_ms)
            if self._now_ms - since <= REACTION_MS:
                return
        what = "runs into" if one.moving or other.moving else "stands in the space of"
        self._judge("R1", pair, not together, f"{_named(one)} {what} {_named(other)}")

    def _touching(self, one: PalletPlant, other: PalletPlant) -> bool:
        """Whether two pallets share space now, whatever way they still have to go.

        When a motor jams, what comes behind is on collision course before anybody can know. The drives
        must begin to brake within REACTION_MS; whoever is still on that course then has broken R1.
        """
        now = self._now_ms
        apart = abs(one.x_at(now) - other.x_at(now)) >= self._width - EPSILON_MM
        low, high = sorted((one, other), key=lambda pallet: pallet.z_at(now))
        tall = low.car.vehicle.height_mm if low.car is not None else PALLET_HEIGHT_MM
        return not apart and high.z_at(now) < low.z_at(now) + tall

    def _on_course(self, one: PalletPlant, other: PalletPlant) -> bool:
        """Whether what two pallets still have to go meets: a train at its goal brakes by itself, with no new order."""
        a, b, c, d = _box(one, self._now_ms)
        left, right, bottom, top = _box(other, self._now_ms)
        return a < right and left < b and c < top and bottom < d

    @property
    def _width(self) -> int:
        return self._module.layout.pallet_width_mm

    # --- R2, R3, R5: how a travel starts ------------------------------------------------------

    def _judge_start(self, pallet: PalletPlant) -> None:
        """Judge a travel once, when it begins or is cut short."""
        if self._travels.get(pallet.offset) is pallet.travel:
            return
        self._travels[pallet.offset] = pallet.travel
        if pallet.travel is None:
            return
        if pallet.motion is Motion.SLIDE:
            for wrong in self._wrongs_of_slide(pallet):
                self._tell("R2", f"{_named(pallet)} slides {wrong}")
        elif pallet.hook is not Hook.OPEN and not self._may_be_hooked(pallet):
            self._tell("R5", f"{_named(pallet)} is lifted from {pallet.z_mm:.0f} mm with its hook {pallet.hook}")

    def _wrongs_of_slide(self, pallet: PalletPlant) -> Iterator[str]:
        layout, travel = self._module.layout, pallet.travel
        if travel is None:
            return
        if abs(pallet.z_mm - pallet.home_z_mm) > EPSILON_MM:
            yield f"at {pallet.z_mm:.0f} mm, not at its home height {pallet.home_z_mm} mm"
        if pallet.hook not in (Hook.CLOSED, Hook.NONE):
            yield f"with its hook {pallet.hook}"
        if abs(travel.end_mm - pallet.x_mm) > layout.pitch_mm + EPSILON_MM:
            yield f"from {pallet.x_mm:.0f} to {travel.end_mm:.0f} mm, more than one pitch"
        if not -EPSILON_MM <= travel.end_mm <= (layout.columns - 1) * layout.pitch_mm + EPSILON_MM:
            yield f"to {travel.end_mm:.0f} mm, out of the frame"
        left, right, _, _ = self._boxes[pallet.offset]
        for column in layout.levels[pallet.level - 1].blocked:
            at = (column - 1) * layout.pitch_mm
            if left < at + layout.pitch_mm and at < right - EPSILON_MM:
                yield f"into the blocked column {column}"

    def _may_be_hooked(self, pallet: PalletPlant) -> bool:
        """A load-resting hook is closed, or on its way, only while the pallet is at it or just above."""
        if self._module.machine.hook_kind is not HookKind.LOAD_RESTING or pallet.travel is None:
            return False
        lowest = min(pallet.z_at(self._now_ms), pallet.travel.end_mm)
        return lowest >= pallet.home_z_mm - EPSILON_MM

    def _judge_slide_mode(self) -> None:
        """R2: row after row, or one by one, where the machine is built so."""
        mode = self._module.machine.slide_mode
        if mode is SlideMode.PARALLEL:
            return
        sliding = [p for p in self._module.pallets if p.motion is Motion.SLIDE]
        rows = {p.level for p in sliding}
        self._judge("R2", (-1, -1), len(rows) > 1, f"levels {sorted(rows)} slide at once in {mode} mode")
        crowd = mode is SlideMode.SINGLE and len(sliding) > 1
        names = " and ".join(p.bay for p in sliding)
        self._judge("R2", (-1, -2), crowd, f"{names} slide at once in {mode} mode")

    # --- R3 -----------------------------------------------------------------------------------

    def _judge_shafts(self) -> None:
        """R3: one pallet out of its cell, and its shaft its own until it is home and hooked again."""
        away = [p for p in self._module.pallets if p.level > 1 and not (p.at_home_height and p.hooked)]
        names = " and ".join(p.bay for p in away)
        self._judge("R3", (-1, -1), len(away) > 1, f"{names} are off their hooks at once")
        if not away:
            if self._standing:
                self._standing = {key for key in self._standing if key[0] != "R3"}
            return
        for pallet in away:
            for level in range(1, pallet.level):
                self._judge_crossing(pallet, level)

    def _judge_crossing(self, pallet: PalletPlant, level: int) -> None:
        module = self._module
        sliding = [p.bay for p in module.by_level[level - 1] if p.motion is Motion.SLIDE]
        story = f"{', '.join(sliding)} slides on level {level} while {_named(pallet)} is not home and hooked"
        self._judge("R3", (pallet.offset, -1 - level), bool(sliding), story)
        x = pallet.x_at(self._now_ms)
        inside: list[str] = [
            p.bay
            for p in module.by_level[level - 1]
            if self._boxes[p.offset][0] < x + self._width and x < self._boxes[p.offset][1]
        ]
        column = round(x / module.layout.pitch_mm) + 1
        if column in module.layout.levels[level - 1].blocked:
            inside.append(f"a blocked cell of level {level}")
        story = f"{_named(pallet)} is out of its cell while {', '.join(inside)} stands in its shaft"
        self._judge("R3", (pallet.offset, level), bool(inside), story)

    # --- R4 -----------------------------------------------------------------------------------

    def _judge_people(self) -> None:
        """R4: nothing sets off with the gate not shut or somebody inside, and what moves then brakes."""
        module, now_ms = self._module, self._now_ms
        shut = module.gate_state is GateState.CLOSED
        unsafe = not shut or module.zone_people > 0 or module.zone_cars > 0
        where = (
            f"gate {module.gate_state.name.lower()}, {module.zone_people} people and "
            f"{module.zone_cars} cars in the zone"
        )
        since = self._unsafe_since_ms
        moved = [p for p in module.pallets if p.offset in self._travels and self._travels[p.offset] is not None]
        if since is not None and moved:
            late = now_ms - since > module.machine.ramp_ms + REACTION_MS
            self._judge("R4", (-1, -1), late, f"{moved[0].bay} still moves {now_ms - since} ms after: {where}")
        if not unsafe:
            self._unsafe_since_ms = None
            self._judge("R4", (-1, -1), False, "")
            return
        if since is None:
            self._unsafe_since_ms = now_ms
        for pallet in module.pallets:
            travel = pallet.travel
            fresh = travel is not None and self._travels.get(pallet.offset) is None
            if fresh and travel is not None and (since is not None or travel.start_ms >= now_ms):
                self._tell("R4", f"{_named(pallet)} sets off: {where}")

    # --- R5 -----------------------------------------------------------------------------------

    def _judge_hook(self, pallet: PalletPlant) -> None:
        """R5: open below home, closed at home, but for the short while around a lift."""
        if pallet.level == 1:
            return
        below = not pallet.at_home_height and min(pallet.z_mm, self._boxes[pallet.offset][2]) < (
            pallet.home_z_mm - EPSILON_MM
        )
        story = f"{_named(pallet)} is below home with its hook {pallet.hook}"
        self._judge("R5", (pallet.offset, 0), below and pallet.hook is not Hook.OPEN, story)
        waiting = pallet.at_home_height and pallet.hook is Hook.OPEN
        since = self._unhooked_since_ms.pop(pallet.offset, None)
        if since is not None and self._now_ms - since > UNHOOKED_MS_MAX:
            story = f"{_named(pallet)} stood at home unhooked from {since} ms for {self._now_ms - since} ms"
            self._tell("R5", story)
        if waiting:
            self._unhooked_since_ms[pallet.offset] = self._now_ms if since is None else since


def _box(pallet: PalletPlant, from_ms: int | None = None) -> Box:
    """The space a pallet and its car fill in the whole of their travel, or from a time on."""
    left = right = pallet.x_mm
    bottom = top = pallet.z_mm
    travel = pallet.travel
    if travel is not None:
        start, end = travel.knots[0].at_mm if from_ms is None else travel.position_mm(from_ms), travel.end_mm
        if pallet.motion is Motion.SLIDE:
            left, right = min(start, end), max(start, end)
        else:
            bottom, top = min(start, end), max(start, end)
    height = pallet.car.vehicle.height_mm if pallet.car is not None else PALLET_HEIGHT_MM
    return left, right + pallet.width_mm, bottom, top + height


def _named(pallet: PalletPlant) -> str:
    load = f" with {pallet.car.plate}" if pallet.car is not None else ""
    return f"{pallet.bay}{load}"
