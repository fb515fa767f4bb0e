"""The model of the proof against the real soft PLC and plant, on random walks: the same answers, the same places."""

from __future__ import annotations

from itertools import combinations
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.grid import ModuleLayout
from domain.outputs import GATE, Bypass, ManualWrite, Opcode
from domain.signals import GateState, PlcMode, Result
from plc.codec import encode_manual
from runtime.verification.barriers import JOG, Asked
from runtime.verification.model import Model, Scope, View
from runtime.verification.plc_barrier import PlcBarrier, PlcStops
from runtime.verification.rows import under_way
from runtime.verification.world import Drive, Hand, seen
from sim.rig import Rig
from tests.sim.driver import Driver
from tests.sites import module_layout, site_of
from tests.verification.real_machine import is_settled, view_of

LAYOUTS = (
    module_layout("A", 3, (2150, 2150)),
    module_layout("A", 4, (2150, 1700, 2150)),
    module_layout("A", 5, (2150, 2150), gaps=[2, 0]),
    module_layout("A", 5, (2150, 1700, 2150), blocked={1: (3,)}),
)
STEPS = 60
DEPTH = 4
"""So many things of the model can happen within one step of the walk."""


class Walk:
    """One module of the real machine under random commands, switches and people."""

    def __init__(self, layout: ModuleLayout, seed: int) -> None:
        self.random = Random(seed)
        self.layout = layout
        self.driver = Driver(Rig(site_of(layout)))
        self.plc = self.driver.rig.plcs[layout.id]
        self.machine = self.driver.rig.site.machine
        self.levels = tuple(range(1, len(layout.levels) + 1))
        self.fed = True
        self.held = False
        self.pulse = 0
        self.settle()

    def wait(self, ms: int) -> None:
        """Let time pass, with the button held or not."""
        end_ms = self.driver.rig.now_ms + ms
        while self.held and self.driver.rig.now_ms < end_ms:
            self.pulse += 1
            self.tell(self.pulse)
            self.driver.wait(min(200, end_ms - self.driver.rig.now_ms), fed=self.fed)
        if not self.held:
            self.driver.wait(ms, fed=self.fed)

    def tell(self, pulse: int) -> None:
        self.driver.device.write_holding(*encode_manual(ManualWrite(self.layout.id, pulse, Bypass.NONE, 0)))

    def settle(self) -> None:
        self.wait(20)
        rig = self.driver.rig
        while not is_settled(self.plc) or rig.next_change_ms() <= rig.now_ms + 40:
            self.wait(60)

    def command(self) -> tuple[int, Opcode, int, int]:
        mailbox, opcode, first, second = self.plain_command()
        manual = self.plc.plant.mode_switch is PlcMode.MANUAL
        by_hand = self.random.random() < (0.85 if manual else 0.1)
        return mailbox, JOG[opcode] if by_hand else opcode, first, second

    def plain_command(self) -> tuple[int, Opcode, int, int]:
        pick = self.random
        if pick.random() < 0.15:
            return GATE, pick.choice((Opcode.GATE_OPEN, Opcode.GATE_CLOSE)), 0, 0
        level = pick.choice(self.levels)
        if pick.random() < 0.5:
            return (
                level,
                Opcode.SLIDE,
                pick.randint(0, self.layout.columns + 1),
                pick.randint(0, self.layout.columns + 1),
            )
        away = [p for p in self.plc.plant.pallets if p.level > 1 and not p.home]
        if away and pick.random() < 0.7:
            return away[0].level, pick.choice((Opcode.RAISE, Opcode.LOWER)), self.layout.bays[away[0].offset].index, 0
        return level, pick.choice((Opcode.LOWER, Opcode.RAISE)), pick.randint(0, self.layout.columns + 1), 0

    def happen(self) -> None:
        """One switch or person, and only one cause against the drives at a time."""
        plant, pick = self.plc.plant, self.random
        causes = ((Drive.ESTOP, plant.press_estop), (Drive.PHASE, lambda: plant.set_phase(False)))
        more = ((Drive.KEY, lambda: plant.set_key(False)),)
        if pick.random() < 0.3:
            self.held = pick.random() < 0.8
            self.tell(int(self.held))
            plant.set_mode(pick.choice((PlcMode.MANUAL, PlcMode.AUTOMATIC)))
        elif pick.random() < 0.3:
            plant.zone_people = 1 - plant.zone_people
            plant._touch(None)
        elif view_of(self.plc, self.levels).world.drive is not Drive.NOTHING:
            plant.release_estop()
            plant.set_phase(True)
            plant.set_key(True)
            self.fed = True
        elif pick.random() < 0.2:
            self.fed = False
            self.wait(1100)
        else:
            pick.choice(causes + more)[1]()

    def accepts(self, view: View, levels: tuple[int, ...], asked: tuple[int, Opcode, int, int]) -> bool:
        """Whether the model lets this command start."""
        mailbox, opcode, first, second = asked
        hand, opcode = Hand(self.held) if opcode.is_jog else None, opcode.plain
        barrier = PlcBarrier(self.layout, self.machine, levels)
        now, rows = seen(view.world), dict(zip(levels, view.rows, strict=True))
        if opcode not in barrier.reaches(now, hand):
            return False
        if mailbox == GATE:
            return barrier.gate(opcode, Asked(GATE, rows, view.lift, now, hand))
        if opcode is Opcode.SLIDE:
            slides = barrier.slides(Asked(mailbox, rows, view.lift, now, hand))
            return any((one, two) == (first, second) for one, two, _ in slides)
        offset = self.layout.level_offset[mailbox - 1] + first - 1
        return (opcode, offset) in set(barrier.lifts(Asked(mailbox, rows, view.lift, now, hand))) and first > 0

    def is_reached(self, before: View, after: View) -> bool:
        """Whether the model gets from the one state to the other in a few steps."""
        barrier = PlcBarrier(self.layout, self.machine, self.levels)
        model = Model(Scope(self.layout, self.machine, self.levels), barrier, PlcStops(barrier))
        goal = model.number(_plain(after))
        reached = {model.number(_plain(before))}
        for _ in range(DEPTH):
            if goal in reached:
                return True
            reached |= {state for known in reached for _, state, wrong in model.steps(known) if wrong is None}
        return goal in reached


def _plain(view: View) -> View:
    return view._replace(rows=tuple(under_way(row) for row in view.rows))


@given(layout=st.sampled_from(LAYOUTS), seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_the_real_plc_answers_as_the_model_says(layout: ModuleLayout, seed: int) -> None:
    walk = Walk(layout, seed)
    pairs = tuple(combinations(walk.levels, 2))
    for _ in range(STEPS):
        before = view_of(walk.plc, walk.levels)
        asked = walk.command()
        mailbox, opcode, first, second = asked
        allowed = walk.accepts(before, walk.levels, asked)
        walk.driver.post(mailbox, opcode, first, second)
        walk.wait(20)
        refused = walk.driver.reply(mailbox).result is Result.REFUSED
        may_be_either = mailbox == GATE and before.world.gate is GateState.OPENING  # asked for, or opening again
        assert allowed == (not refused) or (allowed and may_be_either), (asked, before)
        if not refused and mailbox != GATE:
            for levels in pairs:
                if mailbox in levels:
                    lift = (
                        before.lift if before.lift is None or layout.bays[before.lift.offset].level in levels else None
                    )
                    part = View(tuple(before.rows[level - 1] for level in levels), lift, before.world)
                    assert walk.accepts(part, levels, asked), (levels, asked, before)
        walk.settle()
        if walk.random.random() < 0.5:
            walk.happen()
            walk.settle()
        if walk.random.random() < 0.5:
            walk.wait(walk.random.choice((500, 3000, 20_000)))
        walk.settle()
        if walk.plc._faults and walk.random.random() < 0.5:
            walk.driver.post(GATE, Opcode.RESET)
            walk.settle()


@given(layout=st.sampled_from(LAYOUTS[:3]), seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_the_real_plant_gets_only_where_the_model_says(layout: ModuleLayout, seed: int) -> None:
    walk = Walk(layout, seed)
    for _ in range(12):
        mailbox, opcode, first, second = walk.command()
        walk.driver.post(mailbox, opcode, first, second)
        walk.settle()
        before = view_of(walk.plc, walk.levels)
        if walk.random.random() < 0.5:
            walk.happen()
        else:
            walk.wait(walk.random.choice((300, 1500)))
        walk.settle()
        after = view_of(walk.plc, walk.levels)
        assert walk.is_reached(before, after), (before, after)
        if walk.plc._faults:
            walk.driver.post(GATE, Opcode.RESET)
            walk.settle()
    assert walk.plc.plant.gate_state in GateState
