"""A module's PLC in software: it owns the registers and answers for safety by itself.

Decides when a command is taken, refused, done or stopped, and which faults latch. The rules for
starting are `sim.plc_rules`, the sequences are `sim.plc_moves`. It scans at ticks of 20 ms of plant
time; a tick at which nothing can have changed is skipped without a trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.faults import FaultNumber
from domain.machine import MANUAL_SLOWNESS
from domain.moment import NEVER_MS
from domain.outputs import GATE, Bypass, Opcode
from domain.signals import GateState, PlcMode, Result
from domain.site import Site
from plc.register_map import (
    ADDRESS,
    FAULT_SLOTS,
    HOLD_MS,
    LEVEL_STRIDE,
    MAILBOX_STRIDE,
    MAILBOXES_ADDRESS,
    MANUAL_ADDRESS,
    MAP_VERSION,
    PALLETS_ADDRESS,
    layout_hash,
)
from sim import plc_rules
from sim.module_plant import ModulePlant
from sim.plant_parts import Hook
from sim.plc_moves import (
    GateMove,
    LiftMove,
    MotorStarter,
    Move,
    SlideMove,
    lowering_steps,
    raising_steps,
)
from sim.plc_registers import Mailbox, RegisterBank
from sim.plc_rules import Refusal, Situation
from sim.plc_words import safety_word, state_word

TICK_MS = 20
BOOT_MS = 3000
NEVER_FED_MS = -NEVER_MS

_A = ADDRESS
_CELLS_AT = _A["level_1_cells"]
_SLIDE_AT = _A["level_1_slide"]
_OPCODES = frozenset(Opcode)
_BYPASSES = frozenset(Bypass)
_GATE_DRIVEN = (GateState.OPENING, GateState.CLOSING)


def tick_from(t_ms: int) -> int:
    """The first tick at or after a time."""
    return -(-t_ms // TICK_MS) * TICK_MS


def tick_after(t_ms: int) -> int:
    """The first tick after a time."""
    return t_ms // TICK_MS * TICK_MS + TICK_MS


class SoftPlc:
    """The PLC of one module, seen from the wire as registers and from the plant as its driver."""

    def __init__(self, module_plant: ModulePlant, site: Site, *, boot_count: int = 1, watchdog_ms: int = 1000) -> None:
        """`watchdog_ms` stretches with the plant's clock, and the hold timer with it."""
        self.plant = module_plant
        self._hash = layout_hash(module_plant.layout, site.machine)
        self._clock = module_plant.clock
        self._watch = module_plant.watch()
        self._watchdog_ms = watchdog_ms
        self._hold_ms = HOLD_MS * watchdog_ms // 1000
        self._bank = RegisterBank()
        self._faults: list[FaultNumber] = []
        self._counters = [0, 0]
        self._boot_count = boot_count
        self._boot_end_ms = 0
        self._past_ms = self._clock.now_ms - TICK_MS
        """Every tick up to here is over."""
        self._start()
        self.scan(self._clock.now_ms)

    def _start(self) -> None:
        """What every start of the PLC begins with; faults and counters outlive it."""
        self._mailboxes = [Mailbox(number) for number in range(len(self.plant.layout.levels) + 1)]
        self._moves: dict[int, Move] = {}
        self._starter = MotorStarter(self.plant.machine.inrush_stagger_ms)
        self._posted: dict[int, int] = {}
        self._wake_ms = NEVER_MS
        self._fed_ms = NEVER_FED_MS
        self._fresh = False
        self._held_ms = NEVER_FED_MS
        self._jog_id = 0
        self._heartbeat = (0, 0, 0)  # value before, value now, from which tick on
        self._cut_due_ms = NEVER_MS
        self._unsafe: dict[FaultNumber, set[int]] = {FaultNumber.SLACK_ROPE: set(), FaultNumber.OVERTRAVEL: set()}
        self._bank.clear()
        self._bank.set(_A["map_version"], MAP_VERSION)
        self._bank.set_u32(_A["layout_hash"], self._hash)
        self._bank.set(_A["boot_count"], self._boot_count & 0xFFFF)

    def reboot(self, now_ms: int, down_ms: int = 0) -> None:
        """Lose power and, after `down_ms`, start again: motion stops, mailboxes are forgotten, faults stay latched."""
        self.plant.cut_motors(now_ms)
        self.plant.gate_stop(now_ms)
        self.plant.cut_hook_power(now_ms)
        self._boot_count += 1
        self._boot_end_ms = tick_from(now_ms + down_ms + BOOT_MS)
        self._start()
        self._wake_ms = self._boot_end_ms
        self._watch.pallets.update(range(len(self.plant.pallets)))

    # --- the wire -----------------------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        """Whether it runs; while it starts it answers nobody."""
        return self._clock.now_ms >= self._boot_end_ms

    @property
    def moves(self) -> int:
        """Lifts and pallet slides since assembly."""
        return sum(self._counters)

    @property
    def touched(self) -> int:
        """Counts up when a register changed other than heartbeats and the values of a running motion."""
        return self._bank.touched

    def read_input(self, address: int, count: int) -> list[int]:
        """Input registers as of the last tick; raises IllegalAddress."""
        words = self._bank.read_input(address, count)
        for at, value in self._live_words():
            if address <= at < address + count:
                words[at - address] = value & 0xFFFF
        return words

    def read_holding(self, address: int, count: int) -> list[int]:
        """Holding registers as last written; raises IllegalAddress."""
        return self._bank.read_holding(address, count)

    def write_holding(self, address: int, values: Sequence[int], now_ms: int) -> None:
        """Write holding registers, seen by the PLC from the next tick on; raises IllegalAddress."""
        old, old_hold = self._bank.holding[0], self._bank.holding[MANUAL_ADDRESS]
        self._bank.write_holding(address, values)
        tick = tick_after(now_ms)
        if address == 0 and self._bank.holding[0] != old:
            self._heartbeat = (self._heartbeat_echo(now_ms), self._bank.holding[0], tick)
            self.feed(tick)
        if self._bank.holding[MANUAL_ADDRESS] != old_hold:
            self._hold(self._bank.holding[MANUAL_ADDRESS], tick)
        end = address + len(values)
        for mailbox in self._mailboxes:
            start = MAILBOXES_ADDRESS + MAILBOX_STRIDE * mailbox.number
            if address < start + MAILBOX_STRIDE and end > start:
                self._posted.setdefault(mailbox.number, tick)

    def _hold(self, counter: int, tick: int) -> None:
        """A changed hold counter: somebody holds on, or has let go."""
        self._held_ms = tick if counter else NEVER_FED_MS
        if not counter:
            self._wake_ms = min(self._wake_ms, tick)

    @property
    def is_dimmed(self) -> bool:
        """Whether the module and its display are dimmed: asked for, and nothing happens here."""
        plant = self.plant
        calm = self._fresh and plant.mode_switch is PlcMode.AUTOMATIC and not self._moves and not plant.moving
        shut = plant.gate_state is GateState.CLOSED and plant.zone_clear_a and plant.zone_clear_b
        return bool(self.is_up and calm and shut and self._bank.holding[_A["lights"]])

    def feed(self, now_ms: int) -> None:
        """Count the supervisor's heartbeat as fed until then, as the scans that a leap skips would."""
        self._fed_ms = max(self._fed_ms, now_ms)
        if not self._fresh:
            self._wake_ms = min(self._wake_ms, tick_after(self._clock.now_ms))

    @property
    def _stale_ms(self) -> int:
        """From when on the heartbeat is too old: a tick early, so that drives brake within the watchdog's time."""
        return self._fed_ms + self._watchdog_ms - TICK_MS

    def _heartbeat_echo(self, now_ms: int) -> int:
        before, value, tick = self._heartbeat
        return value if now_ms >= tick else before

    def _live_words(self) -> Iterator[tuple[int, int]]:
        """Values that run on by themselves: worked out when somebody asks, and never a change."""
        tick = self._clock.now_ms // TICK_MS * TICK_MS
        if tick < self._boot_end_ms:
            return
        yield _A["plc_heartbeat"], tick // TICK_MS
        yield _A["heartbeat_echo"], self._heartbeat_echo(tick)
        for number, move in self._moves.items():
            if isinstance(move, SlideMove):
                yield _SLIDE_AT + LEVEL_STRIDE * (number - 1), move.progress_mm(tick)
            elif isinstance(move, LiftMove):
                yield PALLETS_ADDRESS + 2 * move.pallet.offset + 1, round(move.pallet.z_at(tick))

    # --- ticks --------------------------------------------------------------------------------

    def next_due_ms(self, *, fed: bool = False) -> int:
        """The next tick at which a scan could do or see something.

        `fed` leaves out that the heartbeat grows stale, because somebody will feed it.
        """
        # Asked at every turn of the plant, hence without calls.
        due = self._wake_ms
        for tick in self._posted.values():
            if tick < due:
                due = tick
        since_ms = self._watch.since_ms
        if since_ms < due:
            due = min(due, tick_from(since_ms))
        if self._fresh and not fed:
            due = min(due, tick_from(self._stale_ms))
        if due == NEVER_MS:
            return due
        first_ms = self._past_ms // TICK_MS * TICK_MS + TICK_MS
        if due < first_ms:
            due = first_ms
        return due if due >= self._boot_end_ms else self._boot_end_ms

    def pass_ticks(self, to_ms: int) -> None:
        """Every tick up to then is over; what happens from now on is for the next one."""
        self._past_ms = max(self._past_ms, to_ms)

    def scan(self, now_ms: int) -> None:
        """One cycle at a tick: read sensors, guard, take commands, drive, publish."""
        self._past_ms = max(self._past_ms, now_ms)
        if now_ms < self._boot_end_ms:
            return
        self._wake_ms = NEVER_MS
        self._read_sensors()
        self._fresh = now_ms < self._stale_ms
        self._latch_standing()
        self._guard(now_ms)
        for number in sorted(number for number, tick in self._posted.items() if tick <= now_ms):
            del self._posted[number]
            self._look_into(self._mailboxes[number], now_ms)
        self._drive(now_ms)
        self._read_sensors()
        self._publish()
        self._wake_ms = min(self._wake_ms, self._cut_due_ms)
        if self._moves and not self._fresh:
            self._wake_ms = min(self._wake_ms, tick_after(now_ms))  # what was begun without a supervisor ends at once
        for move in self._moves.values():
            deadline = NEVER_MS if move.stopped else tick_after(move.deadline_at_ms)
            if move.command_id == self._jog_id and not move.stopped:
                deadline = min(deadline, tick_after(self._held_ms + self._hold_ms))
            self._wake_ms = min(self._wake_ms, deadline, tick_from(move.wake_ms()))

    def _read_sensors(self) -> None:
        changed = self._watch.take()
        if not changed:
            return
        plant = self.plant
        levels = set()
        for offset in changed:
            pallet = plant.pallets[offset]
            levels.add(pallet.level)
            self._bank.set_pallet(offset, state_word(self.plant, pallet), round(pallet.z_mm) & 0xFFFF)
            for number, switched in (
                (FaultNumber.SLACK_ROPE, pallet.slack),
                (FaultNumber.OVERTRAVEL, pallet.overtravel),
            ):
                (self._unsafe[number].add if switched else self._unsafe[number].discard)(offset)
        for level in levels:
            self._bank.set(_CELLS_AT + LEVEL_STRIDE * (level - 1), plant.reads_cells(level))

    # --- guarding -----------------------------------------------------------------------------

    def _latch(self, number: FaultNumber) -> None:
        if number not in self._faults:
            self._faults.append(number)

    def _latch_standing(self) -> None:
        """Faults that latch whether something moves or not."""
        if self.plant.estop_pressed:
            self._latch(FaultNumber.ESTOP)
        if not self.plant.phase_ok:
            self._latch(FaultNumber.PHASE_LOSS)
        if self.plant.quake:
            self._latch(FaultNumber.EARTHQUAKE)
        if self.plant.stop_unheard and not self.plant.moving and FaultNumber.CONTACTOR_STUCK not in self._faults:
            self._latch(FaultNumber.CONTACTOR_STUCK)
            self.plant.cut_hook_power(self._clock.now_ms)  # the main contactor feeds the magnets, too
        for number, pallets in self._unsafe.items():
            if pallets:
                self._latch(number)

    def _guard(self, now_ms: int) -> None:
        """Stop everything when a condition for motion is gone."""
        self._check_stopping(now_ms)
        if not (self._moves or self.plant.moving or self.plant.gate_state in _GATE_DRIVEN):
            return
        self._lower_nothing_in_fire(now_ms)
        jogs = any(move.command_id == self._jog_id for move in self._moves.values())
        cause = plc_rules.cause_to_stop(self._situation(jogs, now_ms), self._unsafe) or self._overdue(now_ms)
        if cause is None:
            self._mind_the_gap(now_ms)
            return
        reason, fault = cause
        if fault is not None:
            self._latch(fault)
        self._stop_everything(reason, now_ms)

    def _stop_everything(self, reason: int, now_ms: int) -> None:
        self.plant.stop_all(now_ms)
        self.plant.gate_stop(now_ms)
        if self.plant.stop_unheard and self.plant.moving:
            self._cut_due_ms = min(self._cut_due_ms, tick_after(now_ms))
        for move in self._moves.values():
            if not move.stopped and not move.complete():
                move.stopped = reason

    def _is_held(self, now_ms: int) -> bool:
        """Whether the hold counter has moved lately."""
        return now_ms - self._held_ms <= self._hold_ms

    def _lower_nothing_in_fire(self, now_ms: int) -> None:
        """Whoever flees comes past under the pallets: one on its way down stays where it is."""
        if not self.plant.fire:
            return
        for move in self._moves.values():
            if isinstance(move, LiftMove) and move.lowers and not move.stopped and not move.complete():
                self.plant.stop(move.pallet.offset, now_ms)
                move.stopped = 25

    def _check_stopping(self, now_ms: int) -> None:
        """A motor contactor that does not drop out when told: the main contactor takes the supply away."""
        if now_ms >= self._cut_due_ms:
            self._cut_due_ms = NEVER_MS
            self._latch(FaultNumber.CONTACTOR_STUCK)
            self.plant.cut_motors(now_ms)
            self.plant.cut_hook_power(now_ms)

    def _overdue(self, now_ms: int) -> tuple[int, FaultNumber] | None:
        for move in self._moves.values():
            if move.stopped or move.complete():
                continue
            if now_ms > move.deadline_at_ms:
                return 14, move.timeout_fault
            if isinstance(move, SlideMove) and move.broken_up:
                return 8, FaultNumber.POSITION_LOST
            if isinstance(move, LiftMove) and move.is_astray(now_ms):
                return 14, FaultNumber.LIFT_TIMEOUT
            late = move.hook_is_late(now_ms) if isinstance(move, LiftMove) else None
            if late is not None:
                opening = late is Hook.OPEN
                return (16, FaultNumber.HOOK_NOT_OPEN) if opening else (17, FaultNumber.HOOK_NOT_CLOSED)
        return None

    def _mind_the_gap(self, now_ms: int) -> None:
        """A closing gate opens again when something breaks its light curtain."""
        move = self._moves.get(GATE)
        if not isinstance(move, GateMove) or move.opening or move.stopped or move.complete():
            return
        if plc_rules.somebody_seen(self.plant):
            move.stopped = 21
            self.plant.gate(True, now_ms)

    def _reset(self) -> None:
        """Clear the faults whose cause is gone."""
        plant = self.plant
        causes = {
            FaultNumber.ESTOP: plant.estop_pressed,
            FaultNumber.PHASE_LOSS: not plant.phase_ok,
            FaultNumber.EARTHQUAKE: plant.quake,
            FaultNumber.CONTACTOR_STUCK: plant.stop_unheard,
            FaultNumber.ZONE_BREACH: not (plant.zone_clear_a and plant.zone_clear_b),
            FaultNumber.HEARTBEAT_STALE: not self._fresh,
            FaultNumber.SLACK_ROPE: bool(self._unsafe[FaultNumber.SLACK_ROPE]),
            FaultNumber.OVERTRAVEL: bool(self._unsafe[FaultNumber.OVERTRAVEL]),
        }
        self._faults = [number for number in self._faults if causes.get(number, False)]

    # --- commands -----------------------------------------------------------------------------

    def _look_into(self, mailbox: Mailbox, now_ms: int) -> None:
        """Take what stands in a mailbox if it is new, and answer in any case."""
        opcode, first, second, deadline_ms, command_id = mailbox.command(self._bank)
        if not mailbox.is_new(command_id):
            return
        mailbox.last_id = command_id
        try:
            plc_rules.check_mailbox(self._situation(False, now_ms), mailbox.number)
            move = self._accept(mailbox.number, (opcode, first, second), now_ms, deadline_ms, command_id)
        except Refusal as refusal:
            mailbox.answer(command_id, Result.REFUSED, refusal.reason)
            return
        if move is None:
            mailbox.answer(command_id, Result.DONE)
            return
        self._moves[mailbox.number] = move
        mailbox.answer(command_id, Result.RUNNING)

    def _accept(
        self, number: int, asked: tuple[int, int, int], now_ms: int, deadline_ms: int, command_id: int
    ) -> Move | None:
        """The move a command starts, or None when it is done at once; raises Refusal."""
        deadline = now_ms + deadline_ms
        raw, first, second = asked
        opcode = Opcode(raw) if raw in _OPCODES else Opcode.NONE
        now = self._situation(opcode.is_jog, now_ms)
        if any(move.command_id == self._jog_id for move in self._moves.values()):
            if opcode.is_jog:
                # One button is held at a time: whoever presses another has let go of the first, heard or not.
                self._stop_everything(24, now_ms)
            raise Refusal(24)
        common = (self.plant, self._starter, command_id, deadline)
        slowness = MANUAL_SLOWNESS if opcode.is_jog else 1
        move: Move | None
        if number == GATE:
            move = self._accept_gate(now, opcode.plain, deadline, command_id)
        elif opcode.plain is Opcode.SLIDE:
            move = SlideMove(*common, plc_rules.train_of(now, number, first, second), slowness)
        elif opcode.plain is Opcode.LOWER:
            pallet = plc_rules.pallet_to_lower(now, number, first)
            move = LiftMove(*common, pallet, lowering_steps(pallet, self.plant.machine), slowness)
        elif opcode.plain is Opcode.RAISE:
            pallet = plc_rules.pallet_to_raise(now, number, first)
            move = LiftMove(*common, pallet, raising_steps(pallet, self.plant.machine), slowness)
        else:
            raise Refusal(1)
        if opcode.is_jog:
            self._jog_id = command_id
        return move

    def _situation(self, is_jog: bool, now_ms: int) -> Situation:
        """What the rules look at: for one command, or for what is under way."""
        _, bypass, locks = self._bank.holding[MANUAL_ADDRESS : MANUAL_ADDRESS + 3]
        held = self._is_held(now_ms)
        return Situation(
            self.plant,
            self._moves,
            self.plant.mode_switch,
            self._fresh,
            bool(self._faults),
            is_jog,
            held,
            Bypass(bypass) if held and bypass in _BYPASSES else Bypass.NONE,
            locks,
        )

    def _accept_gate(self, now: Situation, opcode: Opcode, deadline: int, command_id: int) -> Move | None:
        if opcode is Opcode.RESET:
            self._reset()
            if self._faults:
                raise Refusal(19)
            return None
        if opcode is Opcode.GATE_OPEN:
            plc_rules.check_gate_open(now)
            return GateMove(self.plant, command_id, deadline, True)
        if opcode is Opcode.GATE_CLOSE:
            plc_rules.check_drive(now)
            return GateMove(self.plant, command_id, deadline, False)
        raise Refusal(1)

    def _drive(self, now_ms: int) -> None:
        """Let every move go on, and answer those that are over."""
        for number, move in list(self._moves.items()):
            if not move.stopped and not move.complete():
                move.drive(now_ms)
                self._mind_the_gap(now_ms)
            if move.stopped:
                if not move.resting:
                    continue
                move.relax(now_ms)
                self._mailboxes[number].answer(move.command_id, Result.STOPPED, move.stopped)
            elif move.complete():
                lifts, slides = move.ended_moves
                self._counters[0] += lifts
                self._counters[1] += slides
                self._mailboxes[number].answer(move.command_id, Result.DONE)
            else:
                continue
            del self._moves[number]

    # --- publishing ---------------------------------------------------------------------------

    def _publish(self) -> None:
        bank = self._bank
        bank.set(_A["mode"], self.plant.mode_switch.value)
        bank.set(_A["key_switch"], self.plant.key_switch)
        bank.set(_A["safety"], safety_word(self.plant, self._fresh))
        bank.set(_A["gate_state"], self.plant.reads_gate.value)
        bank.set_u32(_A["motors_w"], self.plant.motors_w)
        bank.set_u32(_A["lifts"], self._counters[0])
        bank.set_u32(_A["slides"], self._counters[1])
        if not self.plant.moving:
            bank.set_u32(_A["run_s"], self.plant.motor_ms // 1000)
        shown = self._faults[:FAULT_SLOTS] + [0] * (FAULT_SLOTS - len(self._faults))
        for slot, number in enumerate(shown):
            bank.set(_A["fault_1"] + slot, int(number))
        for mailbox in self._mailboxes:
            mailbox.publish(bank)
