"""The moves a soft PLC has under way: which actuator follows which sensor, and until when.

Decides the sequence inside one move: motor starts in turn, hooks around a lift, both kinds of hook.
Whether a move may start or go on is not decided here (`sim.plc_rules`, `sim.soft_plc`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from domain.faults import FaultNumber
from domain.machine import HookKind, Machine
from domain.moment import NEVER_MS
from domain.signals import GateState
from sim.module_plant import ModulePlant
from sim.plant_parts import Hook, PalletPlant

SWITCH_MS = 500
"""A switch speaks within this time after the drive has brought the pallet to its place."""


class MotorStarter:
    """Lets the motor groups of one module start one after the other, for the sake of the inrush."""

    def __init__(self, stagger_ms: int) -> None:
        self._stagger_ms = stagger_ms
        self.free_ms = 0
        """From when on the next group may start."""

    def take(self, now_ms: int) -> bool:
        """Start a group now if it may be; the next one then waits."""
        if now_ms < self.free_ms:
            return False
        self.free_ms = now_ms + self._stagger_ms
        return True


class Move(Protocol):
    """One accepted command on its way to its end."""

    command_id: int
    deadline_at_ms: int
    stopped: int
    """Reason number once it has been told to stop; 0 before."""

    @property
    def timeout_fault(self) -> FaultNumber:
        """What its deadline latches."""
        ...

    @property
    def resting(self) -> bool:
        """Whether nothing of it travels."""
        ...

    def complete(self) -> bool:
        """Whether the sensors say that all is done."""
        ...

    def drive(self, now_ms: int) -> None:
        """Switch on what is next."""
        ...

    def relax(self, now_ms: int) -> None:
        """Bring what is left to its powerless state, after a stop."""
        ...

    def wake_ms(self) -> int:
        """When it wants a scan that no change of the plant brings about."""
        ...

    @property
    def ended_moves(self) -> tuple[int, int]:
        """How many lifts and pallet slides it adds to the counters when done."""
        ...


class SlideMove:
    """Some pallets of one level travel together, each to its own cell."""

    timeout_fault = FaultNumber.SLIDE_TIMEOUT

    def __init__(
        self,
        plant: ModulePlant,
        starter: MotorStarter,
        command_id: int,
        deadline_at_ms: int,
        train: Sequence[tuple[PalletPlant, int]],
        slowness: int = 1,
    ) -> None:
        self.command_id = command_id
        self.deadline_at_ms = deadline_at_ms
        self.stopped = 0
        self.train = tuple(train)
        self._plant = plant
        self._starter = starter
        self._started = False
        self._from_mm = self.train[0][0].x_mm
        self._slowness = slowness

    @property
    def resting(self) -> bool:
        """Whether nothing of it travels."""
        return not any(pallet.moving for pallet, _ in self.train)

    @property
    def ended_moves(self) -> tuple[int, int]:
        """It adds one pallet slide for each pallet."""
        return 0, len(self.train)

    def complete(self) -> bool:
        """Whether every pallet stands in its cell."""
        return self._started and self.resting and all(self._arrived(*one) for one in self.train)

    def _arrived(self, pallet: PalletPlant, column: int) -> bool:
        return self._plant.reads_column(pallet) == column

    @property
    def broken_up(self) -> bool:
        """Whether a pallet has stopped short of its cell while others of its train still travel."""
        return not self.resting and any(not p.moving and not self._arrived(p, at) for p, at in self.train)

    def drive(self, now_ms: int) -> None:
        """Start the whole train at once, as soon as its motors may start."""
        if not self._started and self._starter.take(now_ms):
            self._started = True
            for pallet, column in self.train:
                self._plant.start_slide(pallet.offset, column, now_ms, self._slowness)

    def relax(self, now_ms: int) -> None:
        """Nothing: a pallet between two cells simply stands there."""

    def wake_ms(self) -> int:
        """While waiting for the motors."""
        return NEVER_MS if self._started else self._starter.free_ms

    def progress_mm(self, t_ms: int) -> int:
        """Signed way made so far."""
        return round(self.train[0][0].x_at(t_ms) - self._from_mm)


class HookStep(NamedTuple):
    """Wait until the hook is there."""

    hook: Hook


class LiftStep(NamedTuple):
    """Wait until the pallet stands at this height."""

    z_mm: int


Step = HookStep | LiftStep


def lowering_steps(pallet: PalletPlant, machine: Machine) -> tuple[Step, ...]:
    """From home to the ground; below home, where an earlier one was let go, the hook is out of the way."""
    if pallet.z_mm < pallet.home_z_mm:
        return (HookStep(Hook.OPEN), LiftStep(0))
    if machine.hook_kind is HookKind.LOAD_RESTING:
        raised = LiftStep(pallet.home_z_mm + machine.hook_raise_mm)
        return (raised, HookStep(Hook.OPEN), LiftStep(0))
    return (HookStep(Hook.OPEN), LiftStep(0))


def raising_steps(pallet: PalletPlant, machine: Machine) -> tuple[Step, ...]:
    """From wherever the pallet is to its home height, hooked; nothing if it is there already."""
    home = LiftStep(pallet.home_z_mm)
    if pallet.z_mm >= pallet.home_z_mm and pallet.reads_hook is Hook.CLOSED:
        return (home,)
    if machine.hook_kind is HookKind.LOAD_RESTING:
        raised = LiftStep(pallet.home_z_mm + machine.hook_raise_mm)
        return (HookStep(Hook.OPEN), raised, HookStep(Hook.CLOSED), home)
    if pallet.z_mm == pallet.home_z_mm:
        return (HookStep(Hook.CLOSED),)
    return (HookStep(Hook.OPEN), home, HookStep(Hook.CLOSED))


class LiftMove:
    """One pallet goes down or up, its hook opened before and closed after."""

    timeout_fault = FaultNumber.LIFT_TIMEOUT

    def __init__(
        self,
        plant: ModulePlant,
        starter: MotorStarter,
        command_id: int,
        deadline_at_ms: int,
        pallet: PalletPlant,
        steps: Sequence[Step],
        slowness: int = 1,
    ) -> None:
        self.command_id = command_id
        self.deadline_at_ms = deadline_at_ms
        self.stopped = 0
        self.pallet = pallet
        self._plant = plant
        self._starter = starter
        self._steps = tuple(steps)
        self._slowness = slowness
        self._index = 0
        self._started = False
        self._hook_late_ms = NEVER_MS
        self._hook_due_ms = NEVER_MS
        self._astray_ms = NEVER_MS

    @property
    def resting(self) -> bool:
        """Whether nothing of it travels."""
        return not self.pallet.moving

    @property
    def lowers(self) -> bool:
        """Whether it is on its way to the ground."""
        return self._steps[-1] == LiftStep(0)

    @property
    def ended_moves(self) -> tuple[int, int]:
        """It adds one lift."""
        return 1, 0

    def complete(self) -> bool:
        """Whether every step has been confirmed by its sensor; moves on to the first that is not."""
        while self._index < len(self._steps) and self._confirmed(self._steps[self._index]):
            self._index += 1
            self._started = False
            self._hook_late_ms = self._hook_due_ms = NEVER_MS
        return self._index == len(self._steps)

    def _confirmed(self, step: Step) -> bool:
        pallet = self.pallet
        if isinstance(step, HookStep):
            # A switch that has said so all along proves nothing before the hook has had its time.
            waited = self._plant.clock.now_ms >= self._hook_due_ms
            return pallet.reads_hook is step.hook and (waited or (step.hook is Hook.OPEN and not self._started))
        if pallet.moving or pallet.z_mm != step.z_mm:
            return False
        switch = pallet.reads_ground if step.z_mm == 0 else pallet.reads_home_height
        return switch or step.z_mm not in (0, pallet.home_z_mm)

    def drive(self, now_ms: int) -> None:
        """Drive the hook or the motor of the present step, once."""
        if self._started:
            return
        step = self._steps[self._index]
        if isinstance(step, HookStep):
            self._started = True
            self._hook_late_ms = now_ms + 2 * self._plant.machine.hook_ms
            self._hook_due_ms = now_ms + self._plant.machine.hook_ms
            self._plant.hook(self.pallet.offset, step.hook is Hook.OPEN, now_ms)
        elif self.pallet.z_mm == step.z_mm:
            self._started = True  # it is there; a switch that does not say so is for the deadline
        elif self._starter.take(now_ms):
            self._started = True
            self._plant.start_lift(self.pallet.offset, step.z_mm, now_ms, self._slowness)

    def hook_is_late(self, now_ms: int) -> Hook | None:
        """The hook position that was waited for in vain, if one was."""
        step = self._steps[self._index]
        return step.hook if now_ms > self._hook_late_ms and isinstance(step, HookStep) else None

    def is_astray(self, now_ms: int) -> bool:
        """Whether the drive has stood for a while and the switch of its place still says nothing."""
        standing = self._started and not self.pallet.moving and isinstance(self._steps[self._index], LiftStep)
        if not standing:
            self._astray_ms = NEVER_MS
        elif self._astray_ms == NEVER_MS:
            self._astray_ms = now_ms + SWITCH_MS
        return now_ms >= self._astray_ms

    def relax(self, now_ms: int) -> None:
        """Cut the hook's power where that locks it; below home it must stay open to let the pallet pass."""
        if self.pallet.z_mm >= self.pallet.home_z_mm:
            self._plant.hook(self.pallet.offset, False, now_ms)

    def wake_ms(self) -> int:
        """While waiting for the motor or a hook."""
        if self._started:
            if self._hook_due_ms != NEVER_MS and self._hook_due_ms > self._plant.clock.now_ms:
                return self._hook_due_ms
            return self._astray_ms if self._hook_late_ms == NEVER_MS else self._hook_late_ms + 1
        return self._starter.free_ms


class GateMove:
    """The gate opens or shuts."""

    timeout_fault = FaultNumber.GATE_TIMEOUT
    ended_moves = (0, 0)

    def __init__(self, plant: ModulePlant, command_id: int, deadline_at_ms: int, opening: bool) -> None:
        self.command_id = command_id
        self.deadline_at_ms = deadline_at_ms
        self.stopped = 0
        self.opening = opening
        self._plant = plant
        self._started = False

    @property
    def resting(self) -> bool:
        """A gate stops at once."""
        return True

    def complete(self) -> bool:
        """Whether the end switch is reached."""
        return self._plant.reads_gate is (GateState.OPEN if self.opening else GateState.CLOSED)

    def drive(self, now_ms: int) -> None:
        """Switch on the gate's drive, once."""
        if not self._started:
            self._started = True
            self._plant.gate(self.opening, now_ms)

    def relax(self, now_ms: int) -> None:
        """Nothing: whoever stopped the gate also said what it does next."""

    def wake_ms(self) -> int:
        """Never: the end switch wakes the PLC."""
        return NEVER_MS
