"""A swarm of faults from a seed: which classes are on, when and where each strikes, and what it hit.

Decides every dial, time, place and duration; each class and place draws from a stream of its own, so that
one more fault moves no other, nor people or demand. Faults of wires and of the supervisor are only
announced here (`weather`, `supervisor`); the runner lets them happen.
"""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from domain.ids import BayId, ModuleId, parse_bay
from domain.signals import GateState
from sim.breakages import Mend, cut_power
from sim.faults import KINDS, Cue, FaultClass, Kind, Slot
from sim.module_plant import ModulePlant
from sim.motion import Trajectory
from sim.people import Crowd, Mood
from sim.plant_parts import Ambush, PalletPlant
from sim.rig import Rig
from sim.streams import Stream, fork

ON_SHARE = (0.0, 0.25, 0.5, 0.5, 0.8, 1.0)
"""Which share of the classes a seed has on; drawn first, so that some seeds have none and some have all."""

RHYTHM = (0.5, 1.0, 1.0, 2.0)
"""Faults of a class come so much faster or slower in one seed than `Kind.gap_ms` says."""

WAITS_FOR_MOTION = 0.75
"""This share of the faults whose cue is a motion waits for it; the others strike at once."""

TRY_AGAIN_SOONER = 10
"""A fault that found nothing to break comes again so much sooner than a new one."""

SITE = ModuleId("")


@dataclass(slots=True)
class Weather:
    """What becomes of the messages on one wire."""

    cut: bool = False
    lost: float = 0.0
    """Share of requests lost; of answers, the same."""
    late_ms: int = 0
    """Requests and answers take up to this long."""
    twice: float = 0.0
    overtaken: float = 0.0

    @property
    def fair(self) -> bool:
        """Whether every message arrives at once."""
        return not (self.cut or self.lost or self.late_ms or self.twice or self.overtaken)


@dataclass(frozen=True, slots=True)
class SupervisorFault:
    """The supervisor dies, hangs, loses its disk or its clock steps, for so long or by so much."""

    fault: FaultClass
    ms: int


@dataclass(slots=True)
class Count:
    """How often a class has struck in all, and in the middle of a move."""

    fired: int = 0
    during_move: int = 0


@dataclass(frozen=True)
class Dials:
    """Mean time between faults of one place, for each class that is on."""

    gap_ms: Mapping[FaultClass, int] = field(default_factory=dict)

    @staticmethod
    def draw(seed: int) -> Dials:
        """The dials of a seed."""
        dice = fork(seed, Stream.DIALS)
        share = dice.choice(ON_SHARE)
        drawn = [(kind, dice.random(), dice.choice(RHYTHM)) for kind in KINDS]
        return Dials({kind: round(KINDS[kind].gap_ms * rhythm) for kind, on, rhythm in drawn if on < share})


@dataclass(frozen=True, slots=True)
class _Armed:
    """A fault that waits for its cue: at which part of the way it strikes, and what it does."""

    part: float
    strike: Callable[[], None]


class Swarm:
    """All faults of one run, until `calm`."""

    def __init__(self, rig: Rig, crowd: Crowd, seed: int, dials: Dials) -> None:
        self.counts: dict[FaultClass, Count] = {kind: Count() for kind in FaultClass}
        self.weather: dict[str, Weather] = {name: Weather() for name in (*rig.plcs, *rig.wallboxes)}
        self.supervisor: list[SupervisorFault] = []
        """What has struck the supervisor and has not been carried out."""
        self.over = False
        self._rig = rig
        self._crowd = crowd
        self._seed = seed
        self._dials = dials
        self._mends: dict[int, Mend] = {}
        self._taken: Counter[tuple[ModuleId, Slot]] = Counter()
        self._armed: dict[tuple[ModuleId, Cue], deque[_Armed]] = {
            (name, cue): deque() for name in rig.plant.modules for cue in Cue
        }
        self._serial = 0
        for name, plant in rig.plant.modules.items():
            plant.on_set_off = self._on_set_off(name)
            plant.on_gate = self._on_gate(name)
        for number, kind in enumerate(KINDS):
            if kind in dials.gap_ms:
                self._start(number, kind)

    def knows(self, kind: FaultClass) -> bool:
        """Whether there is anything here that this class could strike."""
        return kind is not FaultClass.CHARGER_SILENT or bool(self._rig.wallboxes)

    def calm(self) -> None:
        """No more faults, and everything mended."""
        self.over = True
        for mend in list(self._mends.values()):
            mend()
        self._mends.clear()
        for armed in self._armed.values():
            armed.clear()
        for plant in self._rig.plant.modules.values():
            plant.damage.ambushes.clear()
        for moods in self._crowd.moods.values():
            moods.clear()

    # --- when -----------------------------------------------------------------------------------

    def _start(self, number: int, kind: FaultClass) -> None:
        modules = list(self._rig.plant.modules)
        for place, module in enumerate(modules[:1] if kind in _SITE_WIDE else modules):
            dice = fork(self._seed, Stream.FAULT, number, place)
            self._wait(kind, module, dice)

    def _wait(self, kind: FaultClass, module: ModuleId, dice: random.Random, *, again: bool = False) -> None:
        """Come after a drawn time; much sooner `again`, when there was nothing to break."""
        mean_ms = self._dials.gap_ms[kind] / (TRY_AGAIN_SOONER if again else 1)
        plant = self._rig.plant.modules[module]
        gap_ms = max(1000, round(dice.expovariate(1 / mean_ms)))
        plant.at(plant.clock.now_ms + gap_ms, lambda _: self._come(kind, module, dice))

    def _come(self, kind: FaultClass, module: ModuleId, dice: random.Random) -> None:
        """A fault is due: now, or at its cue."""
        if self.over:
            return
        plant, cue = self._rig.plant.modules[module], KINDS[kind].cue
        match cue:
            case Cue.DRIVER:
                self._crowd.moods[_MOODS[kind]].append(lambda bay: self._strike_driver(kind, module, bay, dice))
            case Cue.CAR:
                plant.damage.ambushes[Ambush.HEAVY_CAR] = lambda pallet: self._ambush(kind, module, pallet, dice)
            case Cue.HOOK:
                plant.damage.ambushes[Ambush.HOOK_JAMS] = lambda pallet: self._ambush(kind, module, pallet, dice)
            case Cue.MOTION if plant.moving or dice.random() >= WAITS_FOR_MOTION:
                self._strike(kind, module, dice)
            case _:
                self._armed[module, cue].append(_Armed(dice.random(), lambda: self._strike(kind, module, dice)))

    def _on_set_off(self, module: ModuleId) -> Callable[[PalletPlant, Trajectory], None]:
        return lambda pallet, route: self._spring(module, Cue.MOTION, route.end_ms - route.start_ms)

    def _on_gate(self, module: ModuleId) -> Callable[[bool, int], None]:
        def told(opening: bool, way_ms: int) -> None:
            self._spring(module, Cue.GATE, way_ms)
            if not opening:
                self._spring(module, Cue.GATE_SHUTS, way_ms)

        return told

    def _spring(self, module: ModuleId, cue: Cue, way_ms: int) -> None:
        """Something has set off: one of the faults that wait for it strikes on the way."""
        if self._armed[module, cue]:
            armed = self._armed[module, cue].popleft()
            plant = self._rig.plant.modules[module]
            plant.at(plant.clock.now_ms + 1 + round(armed.part * way_ms), lambda _: armed.strike())

    # --- what -----------------------------------------------------------------------------------

    def _strike(self, kind: FaultClass, module: ModuleId, dice: random.Random) -> None:
        if self.over:
            return
        told = KINDS[kind]
        taken = (SITE if kind in _ALL_MODULES else module, told.slot)
        mend = None
        if not self._is_taken(taken):
            hold_ms = _drawn_hold_ms(told, dice)
            mend = self._break(kind, told, module, dice, hold_ms)
            if mend is not None:
                self._count(kind, module)
                self._hold(taken, module, hold_ms, mend)
        self._wait(kind, module, dice, again=mend is None)

    def _strike_driver(self, kind: FaultClass, module: ModuleId, bay: BayId, dice: random.Random) -> None:
        """A driver behaves so; `module` is where the fault came from, the driver may be before any other."""
        self._count(kind, parse_bay(bay).module)
        self._wait(kind, module, dice)

    def _ambush(self, kind: FaultClass, module: ModuleId, pallet: PalletPlant, dice: random.Random) -> bool:
        """What lay in wait can strike this pallet; says whether it does."""
        told = KINDS[kind]
        if self.over or self._is_taken((module, told.slot)):
            return False
        plant = self._rig.plant.modules[module]

        def mend() -> None:
            if kind is FaultClass.HOOK_WILL_NOT_OPEN:
                plant.force_hook_stuck(pallet.bay, False)

        self._count(kind, module)
        self._hold((module, told.slot), module, _drawn_hold_ms(told, dice), mend)
        self._wait(kind, module, dice)
        return True

    def _is_taken(self, taken: tuple[ModuleId, Slot]) -> bool:
        module, slot = taken
        if slot is Slot.NONE:
            return False
        if module == SITE:
            return any(self._taken[name, slot] for name in self._rig.plant.modules) or bool(self._taken[taken])
        return bool(self._taken[taken] or self._taken[SITE, slot])

    def _count(self, kind: FaultClass, module: ModuleId) -> None:
        modules = self._rig.plant.modules
        near = modules.values() if kind in _SITE_WIDE and KINDS[kind].cue is Cue.MOTION else (modules[module],)
        count = self.counts[kind]
        count.fired += 1
        count.during_move += any(_in_a_move(plant, KINDS[kind].cue) for plant in near)

    def _hold(self, taken: tuple[ModuleId, Slot], module: ModuleId, hold_ms: int, mend: Mend) -> None:
        self._serial += 1
        serial = self._serial
        self._mends[serial] = mend
        self._taken[taken] += 1
        plant = self._rig.plant.modules[module]

        def over(_: object) -> None:
            self._taken[taken] -= 1
            if self._mends.pop(serial, None) is not None:
                mend()

        plant.at(plant.clock.now_ms + hold_ms, over)

    def _break(self, kind: FaultClass, told: Kind, module: ModuleId, dice: random.Random, hold_ms: int) -> Mend | None:
        if told.breaks is not None:
            return told.breaks(self._rig.plant.modules[module], dice, hold_ms)
        match kind:
            case FaultClass.PLC_REBOOTS:
                self._rig.plcs[module].reboot(self._rig.now_ms)
            case FaultClass.SITE_POWER_CUT:
                return self._cut_site(hold_ms)
            case FaultClass.FIRE_ALARM | FaultClass.EARTHQUAKE:
                return self._alarm(kind, dice)
            case FaultClass.CHARGER_SILENT:
                if not self._rig.wallboxes:
                    return None
                return self._change(str(dice.choice(list(self._rig.wallboxes))), Weather(cut=True))
            case FaultClass.CLOCK_STEPS:
                self.supervisor.append(SupervisorFault(kind, dice.randrange(-7_200_000, 7_200_001)))
            case FaultClass.SUPERVISOR_KILLED | FaultClass.SUPERVISOR_HANGS | FaultClass.JOURNAL_FAILS:
                self.supervisor.append(SupervisorFault(kind, hold_ms))
            case _:
                return self._change(module, _drawn_weather(kind, dice))
        return lambda: None

    def _change(self, name: str, weather: Weather) -> Mend:
        self.weather[name] = weather

        def clear_up() -> None:
            if self.weather[name] is weather:
                self.weather[name] = Weather()

        return clear_up

    def _alarm(self, kind: FaultClass, dice: random.Random) -> Mend:
        """A danger input is on, at all PLCs or at one."""
        plants = list(self._rig.plant.modules.values())
        struck = plants if dice.random() < 0.5 else [dice.choice(plants)]
        for plant in struck:
            (plant.set_fire if kind is FaultClass.FIRE_ALARM else plant.set_quake)(True)

        def over() -> None:
            for plant in struck:
                (plant.set_fire if kind is FaultClass.FIRE_ALARM else plant.set_quake)(False)

        return over

    def _cut_site(self, hold_ms: int) -> Mend:
        now_ms = self._rig.now_ms
        mends = [cut_power(plant) for plant in self._rig.plant.modules.values()]
        mends += [self._change(name, Weather(cut=True)) for name in self._rig.plcs]
        for plc in self._rig.plcs.values():
            plc.reboot(now_ms, hold_ms)

        def restore() -> None:
            for mend in mends:
                mend()

        return restore


_ALL_MODULES = frozenset({FaultClass.SITE_POWER_CUT, FaultClass.FIRE_ALARM, FaultClass.EARTHQUAKE})
"""Classes that take their slot in every module."""

_MOODS = {
    FaultClass.DRIVER_STAYS: Mood.DAWDLES,
    FaultClass.DRIVER_NEVER_LEAVES: Mood.SETTLES,
    FaultClass.DRIVER_CONFIRMS_EARLY: Mood.HASTY,
}

_SITE_WIDE = (
    _ALL_MODULES
    | _MOODS.keys()
    | {
        FaultClass.SUPERVISOR_KILLED,
        FaultClass.SUPERVISOR_HANGS,
        FaultClass.JOURNAL_FAILS,
        FaultClass.CLOCK_STEPS,
        FaultClass.CHARGER_SILENT,
    }
)
"""Classes that strike the site and not one module; held back for motion of the first module."""


def _in_a_move(plant: ModulePlant, cue: Cue) -> bool:
    """Whether something travels: a pallet or the gate; for what people do at a gate, whether it is open for a job."""
    if plant.moving or plant.gate_state in (GateState.OPENING, GateState.CLOSING):
        return True
    return cue is Cue.HOOK or (cue in (Cue.CAR, Cue.DRIVER) and plant.gate_state is GateState.OPEN)


def _drawn_hold_ms(told: Kind, dice: random.Random) -> int:
    """How long a fault lasts: every order of magnitude is as likely as any other."""
    low, high = told.hold_ms
    return round(math.exp(dice.uniform(math.log(low), math.log(high))))


def _drawn_weather(kind: FaultClass, dice: random.Random) -> Weather:
    match kind:
        case FaultClass.LINK_LOST:
            return Weather(cut=True)
        case FaultClass.FRAMES_LOST:
            return Weather(lost=dice.uniform(0.05, 0.6))
        case FaultClass.FRAMES_LATE:
            return Weather(late_ms=dice.randrange(100, 1501))
        case FaultClass.FRAMES_TWICE:
            return Weather(twice=dice.uniform(0.2, 1.0))
        case FaultClass.FRAMES_OUT_OF_ORDER:
            return Weather(overtaken=dice.uniform(0.1, 0.6))
    raise ValueError(f"{kind} is no fault of a wire")
