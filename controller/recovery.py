"""The way back after a stop: what people do next, in which order, and what still forbids each step.

A pure function of sensors and memory. It remembers no plan: after every step it is asked anew and names
what is still missing, so that it is right whatever people did meanwhile. Each jog is judged by the same
interlocks as the jog itself; whoever follows the list cannot be led past a guard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from controller import interlocks
from controller.reconcile import Place, classify, disagreements
from controller.records import Job, ModuleMemory
from domain.grid import ModuleLayout
from domain.ids import BayId, Plate
from domain.outputs import GATE, Bypass, Opcode
from domain.refusals import Refusal, RefusalCode
from domain.signals import GateState, ModuleImage, Pallet, PlcMode, Safety


class Act(Enum):
    """What a step is: its stable code, and the sentence in English and Chinese (`{}` is what it is about)."""

    LINK = ("link", "Bring the link to the PLC of module {} back.", "恢复库区 {} 的 PLC 通信。")
    REMOVE_LOCKS = ("remove_locks", "Everybody takes their own lock away: {}.", "各人取下自己的锁：{}。")
    LEAVE_ZONE = ("leave_zone", "Get everybody out of the access zone.", "请所有人离开出入区。")
    PULL_ESTOP = ("pull_estop", "Look why the emergency stop was pressed, then pull it.", "查明原因后拔出急停按钮。")
    SUPPLY = ("supply", "Bring the supply back (all phases, key on).", "恢复供电（三相、钥匙开）。")
    RESET = ("reset", "Reset the faults: {}.", "复位故障：{}。")
    KEY_TO_MANUAL = ("key_to_manual", "Turn the key at the machine to manual.", "将现场钥匙转到手动。")
    TAKE = ("take", "Take the module in hand.", "取得手动操作权。")
    SHUT_GATE = ("shut_gate", "Shut the gate by hand.", "手动关闭库门。")
    RAISE = ("raise", "Bring {} home by hand.", "手动将 {} 升回原位。")
    FINISH_SLIDE = ("finish_slide", "Finish the slide of level {}.", "完成第 {} 层的横移。")
    PUSH = (
        "push",
        "Level {}: pallets stand between cells; maintenance pushes them by hand.",
        "第 {} 层载车板不在格位，须由维修人员推回。",
    )
    CLEAN_SENSORS = ("clean_sensors", "Look at {} and clean its car sensors.", "检查 {} 并清洁载车传感器。")
    RECORD_CAR = ("record_car", "A car stands on {}: enter it, or have it driven off.", "{} 上有车：登记或驶离。")
    STRIKE_CAR = ("strike_car", "{} is empty: strike its car out.", "{} 为空：注销记录车辆。")
    GIVE_BACK = ("give_back", "Give the module back.", "交还手动操作权。")
    KEY_TO_AUTOMATIC = ("key_to_automatic", "Turn the key at the machine to automatic.", "将现场钥匙转回自动。")
    CONFIRM = ("confirm", "Look at the whole module, then confirm it.", "查看整个库区后确认。")

    @property
    def code(self) -> str:
        """The stable code."""
        return self.value[0]

    def text(self, language: str, about: str) -> str:
        """The sentence for people; `language` is `zh` or `en`."""
        return self.value[2 if language == "zh" else 1].format(about)


@dataclass(frozen=True, slots=True)
class Jog:
    """The move by hand that a step is: opcode, mailbox and arguments."""

    opcode: Opcode
    mailbox: int = GATE
    first: int = 0
    second: int = 0


@dataclass(frozen=True, slots=True)
class RecoveryStep:
    """One step that is still missing; no reasons: it may be done now."""

    act: Act
    about: str = ""
    jog: Jog | None = None
    reasons: tuple[Refusal, ...] = ()


def recovery(
    layout: ModuleLayout,
    image: ModuleImage | None,
    memory: ModuleMemory,
    car_at: Mapping[BayId, Plate],
    job: Job | None,
) -> tuple[RecoveryStep, ...]:
    """What is missing until the module is ready, in order; empty: nothing, it is ready (or makes itself so).

    `image` None: the PLC is not heard. `job` is the module's job in progress.
    """
    if image is None or memory.state == "offline":
        return (RecoveryStep(Act.LINK, layout.id),)
    if memory.state in ("ready", "reconciling"):
        return ()
    against = disagreements(layout, image, car_at, job, memory.unfinished)
    hand = _needs_hands(image, memory, against)
    steps = [*_around(image, memory), *(_by_hand(layout, image, memory, job) if hand else ())]
    steps += _records(against, car_at)
    if memory.manual is not None:
        moving = (Refusal(RefusalCode.LEVEL_BUSY, layout.id),) if memory.motions else ()
        steps.append(RecoveryStep(Act.GIVE_BACK, reasons=moving))
    if image.mode is not PlcMode.AUTOMATIC:
        steps.append(RecoveryStep(Act.KEY_TO_AUTOMATIC, reasons=_held_back(steps)))
    return (*steps, RecoveryStep(Act.CONFIRM, reasons=_held_back(steps)))


def _held_back(steps: list[RecoveryStep]) -> tuple[Refusal, ...]:
    """What comes before has to be done first."""
    return (Refusal(RefusalCode.CONFIRM_NEEDED, steps[0].act.code),) if steps else ()


def _needs_hands(image: ModuleImage, memory: ModuleMemory, against: tuple[Refusal, ...]) -> bool:
    """Whether the machine cannot finish by itself after a confirmation, or people have begun to."""
    codes = {reason.code for reason in against}
    begun = memory.manual is not None or image.mode is PlcMode.MANUAL
    return begun or bool(codes & {RefusalCode.PALLET_UNKNOWN, RefusalCode.GATE_NOT_SHUT})


def _around(image: ModuleImage, memory: ModuleMemory) -> Iterator[RecoveryStep]:
    """People, locks, supply and faults: before anything moves."""
    if memory.locks:
        yield RecoveryStep(Act.REMOVE_LOCKS, ", ".join(memory.locks))
    if not interlocks.zone_clear(image):
        yield RecoveryStep(Act.LEAVE_ZONE)
    if not image.safety & Safety.ESTOP_OK:
        yield RecoveryStep(Act.PULL_ESTOP)
    if not image.safety & Safety.PHASE_OK or not image.key_switch:
        yield RecoveryStep(Act.SUPPLY)
    if image.faults:
        causes = Safety.ESTOP_OK | Safety.PHASE_OK | Safety.NO_QUAKE | Safety.ZONE_CLEAR_A | Safety.ZONE_CLEAR_B
        standing = image.safety & causes != causes
        reasons = (Refusal(RefusalCode.SAFETY_NOT_OK, f"safety word {image.safety:#06x}"),) if standing else ()
        yield RecoveryStep(Act.RESET, ", ".join(map(str, image.faults)), reasons=reasons)


def _by_hand(layout: ModuleLayout, image: ModuleImage, memory: ModuleMemory, job: Job | None) -> Iterator[RecoveryStep]:
    """The jogs: gate, then what hangs, then slides, then what stands on the ground without a reason."""
    jogs = list(_jogs(layout, image, memory, job))
    if not jogs:
        return
    if not interlocks.key_in_manual(image):
        yield RecoveryStep(Act.KEY_TO_MANUAL)
    if memory.manual is None:
        no_key = () if interlocks.key_in_manual(image) else (Refusal(RefusalCode.KEY_NOT_MANUAL, layout.id),)
        yield RecoveryStep(Act.TAKE, reasons=no_key)
    for step in jogs:
        yield _judged(layout, image, memory, step)


def _judged(layout: ModuleLayout, image: ModuleImage, memory: ModuleMemory, step: RecoveryStep) -> RecoveryStep:
    if step.jog is None:
        return step
    jog, bypass = step.jog, memory.bypass
    granted = Bypass(bypass.interlock) if bypass is not None and bypass.second is not None else Bypass.NONE
    reasons = interlocks.against(layout, image, jog.opcode, jog.mailbox, jog.first, jog.second, (), granted)
    if memory.manual is None:
        reasons = (Refusal(RefusalCode.NOT_MANUAL, layout.id), *reasons)
    if memory.motions:
        reasons += (Refusal(RefusalCode.LEVEL_BUSY, layout.id),)
    return RecoveryStep(step.act, step.about, jog, reasons)


def _jogs(layout: ModuleLayout, image: ModuleImage, memory: ModuleMemory, job: Job | None) -> Iterator[RecoveryStep]:
    at_gate = job is not None and job.state == "at_gate"
    if image.gate is not GateState.CLOSED and not at_gate:
        yield RecoveryStep(Act.SHUT_GATE, jog=Jog(Opcode.JOG_GATE_CLOSE))
    upper = layout.pallets_per_level[0]
    grounded = []
    for ref, signal in zip(layout.bays[upper:], image.pallets[upper:], strict=True):
        in_a_column = image.cells[ref.level - 1].bit_count() == layout.pallets_per_level[ref.level - 1]
        step = RecoveryStep(Act.RAISE, ref.name, Jog(Opcode.JOG_RAISE, ref.level, ref.index))
        if in_a_column and classify(signal) is Place.BETWEEN:
            yield step
        elif signal.has(Pallet.GROUND) and not (job is not None and job.bay == ref.name):
            grounded.append(step)
    for level in layout.levels:
        if image.cells[level.number - 1].bit_count() != layout.pallets_per_level[level.number - 1]:
            ends = memory.unfinished.get(level.number) or _only_way(layout, image, level.number)
            jog = Jog(Opcode.JOG_SLIDE, level.number, *ends) if ends is not None else None
            reasons = () if jog is not None else (Refusal(RefusalCode.PALLET_UNKNOWN, f"level {level.number}"),)
            yield RecoveryStep(Act.FINISH_SLIDE if jog else Act.PUSH, str(level.number), jog, reasons)
    yield from grounded


def _only_way(layout: ModuleLayout, image: ModuleImage, level: int) -> tuple[int, int] | None:
    """First and second of the slide for one pallet between two free columns; None when it is not so plain."""
    cells, blocked = image.cells[level - 1], layout.levels[level - 1].blocked
    free = [c for c in range(1, layout.columns + 1) if not cells >> (c - 1) & 1 and c not in blocked]
    missing = layout.pallets_per_level[level - 1] - cells.bit_count()
    return (free[0], free[1]) if missing == 1 and len(free) == 2 and free[1] == free[0] + 1 else None


def _records(against: tuple[Refusal, ...], car_at: Mapping[BayId, Plate]) -> Iterator[RecoveryStep]:
    """Cars that the journal and the sensors see differently."""
    for reason in against:
        if reason.code is RefusalCode.SENSORS_DISAGREE:
            yield RecoveryStep(Act.CLEAN_SENSORS, reason.about)
        elif reason.code is RefusalCode.OCCUPANCY_DIFFERS:
            recorded = reason.about in car_at
            yield RecoveryStep(Act.STRIKE_CAR if recorded else Act.RECORD_CAR, reason.about)
