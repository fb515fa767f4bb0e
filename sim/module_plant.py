"""One module as it physically is: pallets, hooks, motors, gate, access zone, and the cars in it.

Decides what happens when an actuator is driven or a person acts, and when the next thing that a
sensor could see will happen. Knows no rule of safety: the soft PLC keeps those, the oracle checks them.
Positions are closed forms of time; nothing here is stepped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from heapq import heappop, heappush
from typing import Any

from domain.grid import ModuleLayout
from domain.ids import BayId
from domain.machine import Machine
from domain.moment import NEVER_MS
from domain.signals import GateState, PlcMode
from sim.motion import Trajectory, brake, travel
from sim.plant_parts import (
    Ambush,
    CarBody,
    Clock,
    Damage,
    GateDrive,
    Hook,
    Motion,
    PalletPlant,
    PlantError,
    Switch,
    Watch,
)
from sim.trace import TraceWriter

OVERWEIGHT_KG = 150
STALL_MS = 50
SECOND_SENSOR_MS = 200
"""The rear axle reaches its sensor this much after the front axle reached its own."""

_GATE_TRACE = {
    GateState.CLOSED: "closed",
    GateState.OPENING: "opening",
    GateState.OPEN: "open",
    GateState.CLOSING: "closing",
    GateState.UNKNOWN: "open",
}

_Deed = Callable[[Any], None]


class ModulePlant:
    """The truth about one module. Actuators are driven by the soft PLC, people by the crowd."""

    def __init__(self, layout: ModuleLayout, machine: Machine, clock: Clock, trace: TraceWriter | None = None) -> None:
        self.layout = layout
        self.machine = machine
        self.clock = clock
        self.gate_state = GateState.CLOSED
        self.zone_people = 0
        self.zone_cars = 0
        self.zone_sensor_override: list[bool | None] = [None, None]
        """What sensor A or B says instead of the truth; None lets it be honest."""
        self.estop_pressed = False
        self.phase_ok = True
        self.mode_switch = PlcMode.AUTOMATIC
        self.key_switch = 1
        self.fire = False
        self.quake = False
        self.motors_w = 0
        self.motor_ms = 0
        """Running time of all motors since assembly, summed."""
        self.energy_wms = 0
        """What the motors have taken since assembly, W*ms, while none of them runs."""
        self.moving = 0
        """How many pallets travel now."""
        self.damage = Damage()
        self.on_set_off: Callable[[PalletPlant, Trajectory], None] = lambda pallet, route: None
        """Told whenever a pallet sets off."""
        self.on_gate: Callable[[bool, int], None] = lambda opening, way_ms: None
        """Told whenever the gate's leaf sets off: whether it opens, and how long it will take."""
        self.pallets = tuple(
            PalletPlant(
                offset=offset,
                bay=bay.name,
                level=bay.level,
                home_z_mm=layout.level_z_mm[bay.level - 1],
                pitch_mm=layout.pitch_mm,
                width_mm=layout.pallet_width_mm,
                x_mm=float((column - 1) * layout.pitch_mm),
                z_mm=float(layout.level_z_mm[bay.level - 1]),
                column=column,
                hook=Hook.NONE if bay.level == 1 else Hook.CLOSED,
                hook_shown="none" if bay.level == 1 else "closed",
            )
            for offset, (bay, column) in enumerate(
                zip(layout.bays, (c for row in layout.initial_columns for c in row), strict=True)
            )
        )
        first = layout.level_offset
        self.by_level = tuple(
            self.pallets[start : start + count] for start, count in zip(first, layout.pallets_per_level, strict=True)
        )
        self._trace = trace
        self._watches: list[Watch] = []
        self._events: list[tuple[int, int, _Deed, Any]] = []
        self._lines: list[tuple[int, int, PalletPlant, Trajectory]] = []
        self._count = 0
        self._gate = GateDrive(machine.gate_ms)

    # --- time ---------------------------------------------------------------------------------

    def next_change_ms(self) -> int:
        """When a sensor or the oracle could next see something new; NEVER_MS if nothing is under way."""
        return self._events[0][0] if self._events else NEVER_MS

    def next_any_ms(self) -> int:
        """The same, or the next boundary that only the trace wants to know, whichever is first."""
        change = self._events[0][0] if self._events else NEVER_MS
        return min(change, self._lines[0][0]) if self._lines else change

    def run_due(self, now_ms: int) -> None:
        """Let happen what is due by now, in order; `Plant.advance` calls it at each such time."""
        while self._lines and self._lines[0][0] <= now_ms:
            _, _, pallet, running = heappop(self._lines)
            if pallet.travel is running:
                self._tell(pallet)
        while self._events and self._events[0][0] <= now_ms:
            _, _, deed, about = heappop(self._events)
            deed(about)

    def watch(self) -> Watch:
        """A fresh record of changes for one onlooker; everything counts as changed at first."""
        watch = Watch(self.clock.now_ms, set(range(len(self.pallets))))
        self._watches.append(watch)
        return watch

    # --- actuators ----------------------------------------------------------------------------

    def start_slide(self, bay_offset: int, target_column: int, now_ms: int, slowness: int = 1) -> None:
        """Switch on a slide motor toward a column of the pallet's level, at this fraction of its speed."""
        pallet = self.pallets[bay_offset]
        target = float((target_column - 1) * self.layout.pitch_mm)
        speed, ramp_ms = self._speed(self.machine.slide_speed_mm_s, slowness), self.machine.ramp_ms // slowness
        pallet.column = 0
        self._set_off(pallet, Motion.SLIDE, travel(pallet.x_mm, target, speed, ramp_ms, now_ms))

    def start_lift(self, bay_offset: int, target_z_mm: float, now_ms: int, slowness: int = 1) -> None:
        """Switch on a lift motor toward a height, at this fraction of its speed."""
        pallet = self.pallets[bay_offset]
        speed, ramp_ms = self._speed(self.machine.lift_speed_mm_s, slowness), self.machine.ramp_ms // slowness
        self._set_off(pallet, Motion.LIFT, travel(pallet.z_mm, float(target_z_mm), speed, ramp_ms, now_ms))

    def _speed(self, nominal_mm_s: int, slowness: int) -> int:
        """What a motor that starts now makes of its speed, given the voltage."""
        return max(1, nominal_mm_s // slowness * self.damage.speed_pct // 100)

    @property
    def stop_unheard(self) -> bool:
        """What the contactors' mirror contacts say: an order to stop does not reach the motors."""
        return self.damage.contactor_welded or self.damage.outputs_held

    def stop_all(self, now_ms: int) -> None:
        """Tell every running motor to stop; pallets come to rest over the drive's ramp."""
        if not self.stop_unheard:
            self.cut_motors(now_ms)

    def cut_motors(self, now_ms: int) -> None:
        """Open the main contactor, or lose the supply: the brakes fall in, over the same ramp, whatever is welded."""
        for pallet in self.pallets:
            self._brake(pallet, now_ms)

    def stop(self, bay_offset: int, now_ms: int) -> None:
        """Tell one motor to stop."""
        if not self.stop_unheard:
            self._brake(self.pallets[bay_offset], now_ms)

    def _brake(self, pallet: PalletPlant, now_ms: int) -> None:
        if pallet.travel is None:
            return
        speed = self.machine.lift_speed_mm_s if pallet.motion is Motion.LIFT else self.machine.slide_speed_mm_s
        rest = brake(pallet.travel, speed, self.machine.ramp_ms, now_ms)
        if rest is not pallet.travel:
            self._follow(pallet, rest)
            self._tell(pallet)
            self._touch(pallet)

    def hook(self, bay_offset: int, release: bool, now_ms: int) -> None:
        """Energise (release) or de-energise (lock) a hook; it arrives `hook_ms` later."""
        if not self.damage.outputs_held:
            self._turn_hook(self.pallets[bay_offset], Hook.OPEN if release else Hook.CLOSED, now_ms)

    def _turn_hook(self, pallet: PalletPlant, target: Hook, now_ms: int) -> None:
        if pallet.hook is Hook.NONE or pallet.hook_target is target:
            return
        if target is Hook.OPEN and self._is_ambushed(Ambush.HOOK_JAMS, pallet):
            pallet.hook_stuck = True
        pallet.hook_target = target
        pallet.hook = Hook.MOVING
        pallet.hook_turn += 1
        self._at(now_ms + self.machine.hook_ms, self._hook_arrives, (pallet, target, pallet.hook_turn))
        self._touch(pallet)

    def cut_hook_power(self, now_ms: int) -> None:
        """All magnets lose power: a hook locks at once where its pallet is home, else when it arrives there."""
        for pallet in self.pallets:
            pallet.hook_unpowered = pallet.moving and not pallet.at_home_height
            if pallet.z_mm >= pallet.home_z_mm and not pallet.moving:
                self._turn_hook(pallet, Hook.CLOSED, now_ms)

    def gate(self, opening: bool, now_ms: int) -> None:
        """Drive the gate toward open or shut from wherever it is."""
        if self.damage.outputs_held:
            return
        turn, arrives_ms = self._gate.drive(opening, now_ms)
        if arrives_ms > now_ms:
            self._set_gate(GateState.OPENING if opening else GateState.CLOSING)
            self.on_gate(opening, arrives_ms - now_ms)
        if self.damage.gate_jammed:
            self._gate.stop(now_ms)
            return
        self._at(arrives_ms, self._gate_arrives, (turn, opening))

    def gate_stop(self, now_ms: int) -> None:
        """Stop the gate's drive where it is."""
        if self.gate_state in (GateState.OPENING, GateState.CLOSING):
            self._gate.stop(now_ms)
            self._set_gate(GateState.UNKNOWN)

    # --- sensors and switches -----------------------------------------------------------------

    @property
    def zone_clear_a(self) -> bool:
        """What the first sensor of the access zone says."""
        return self._zone_sensor(0)

    @property
    def zone_clear_b(self) -> bool:
        """What the second, independent sensor says."""
        return self._zone_sensor(1)

    def _zone_sensor(self, number: int) -> bool:
        override = self.zone_sensor_override[number]
        return override if override is not None else not (self.zone_people or self.zone_cars)

    def press_estop(self) -> None:
        """Somebody hits the emergency stop."""
        self.estop_pressed = True
        self._touch(None)

    def release_estop(self) -> None:
        """The button is pulled again."""
        self.estop_pressed = False
        self._touch(None)

    def set_phase(self, ok: bool) -> None:
        """A supply phase fails or returns."""
        self.phase_ok = ok
        self._touch(None)

    def set_fire(self, alarm: bool) -> None:
        """The fire alarm panel closes its contact, or opens it again."""
        self.fire = alarm
        self._touch(None)

    def set_quake(self, shaking: bool) -> None:
        """The seismic switch trips, or is quiet again."""
        self.quake = shaking
        self._touch(None)

    def kill_hook_switch(self, bay: BayId, dead: bool = True) -> None:
        """A hook's closed switch answers no more, or again; the hook itself works."""
        self.set_switch(bay, Switch.HOOK_CLOSED, False if dead else None)

    def set_mode(self, mode: PlcMode) -> None:
        """Somebody turns the mode switch."""
        self.mode_switch = mode
        self._touch(None)

    def set_key(self, on: bool) -> None:
        """Somebody turns the key switch."""
        self.key_switch = int(on)
        self._touch(None)

    def set_zone_sensor(self, number: int, says_clear: bool | None) -> None:
        """Break a zone sensor (0 = A, 1 = B) so that it says this, or mend it with None."""
        self.zone_sensor_override[number] = says_clear
        self._touch(None)

    def set_loaded_sensors(self, bay: BayId, a: bool, b: bool) -> None:
        """Make a pallet's two car sensors say this, whatever stands on it."""
        pallet = self.pallet(bay)
        pallet.loaded_a, pallet.loaded_b = a, b
        self._touch(pallet)

    def force_slack(self, bay: BayId, slack: bool = True) -> None:
        """A rope of this pallet goes slack, or is tight again."""
        pallet = self.pallet(bay)
        pallet.slack = slack
        self._touch(pallet)

    def force_overtravel(self, bay: BayId, beyond: bool = True) -> None:
        """A pallet's over-travel switch operates, or is free again."""
        pallet = self.pallet(bay)
        pallet.overtravel = beyond
        self._touch(pallet)

    def force_hook_stuck(self, bay: BayId, stuck: bool = True) -> None:
        """A hook that is told to move leaves its switch but does not arrive at the other; mended, it goes on."""
        pallet = self.pallet(bay)
        was_stuck, pallet.hook_stuck = pallet.hook_stuck, stuck
        if was_stuck and not stuck and pallet.hook is Hook.MOVING:
            about = (pallet, pallet.hook_target, pallet.hook_turn)
            self._at(self.clock.now_ms + self.machine.hook_ms, self._hook_arrives, about)

    # --- what breaks --------------------------------------------------------------------------

    def at(self, t_ms: int, deed: Callable[[Any], None], about: Any = None) -> None:
        """Let something happen to this module at a time, in its order among everything else."""
        self._at(t_ms, deed, about)

    def set_switch(self, bay: BayId, switch: Switch, says: bool | None) -> None:
        """Break a pallet's switch so that it says this, or mend it with None."""
        pallet = self.pallet(bay)
        if says is None:
            pallet.switch_says.pop(switch, None)
        else:
            pallet.switch_says[switch] = says
        self._touch(pallet)

    def set_cell_switch(self, level: int, column: int, says: bool | None) -> None:
        """Break the switch of a cell so that it says this, or mend it with None."""
        if says is None:
            self.damage.cell_says.pop((level, column), None)
        else:
            self.damage.cell_says[level, column] = says
        for pallet in self.by_level[level - 1]:
            self._touch(pallet)

    def set_gate_shut_switch(self, says: bool | None) -> None:
        """Break one channel of the gate's shut switch so that it says this, or mend it with None."""
        self.damage.gate_shut_says = says
        self._touch(None)

    def stall(self, pallet: PalletPlant) -> None:
        """A travelling pallet's motor jams: it stands within 50 ms, wherever it is."""
        now_ms = self.clock.now_ms
        if pallet.travel is None or now_ms >= pallet.travel.end_ms:
            return
        speed = self.machine.lift_speed_mm_s if pallet.motion is Motion.LIFT else self.machine.slide_speed_mm_s
        pallet.stalled = True
        self._follow(pallet, brake(pallet.travel, speed, min(STALL_MS, self.machine.ramp_ms), now_ms))
        self._tell(pallet)
        self._touch(pallet)

    def jam_gate(self, jammed: bool) -> None:
        """The gate's leaf sticks where it is, whatever its drive does, or is free and follows its drive again."""
        self.damage.gate_jammed = jammed
        if jammed:
            self._gate.stop(self.clock.now_ms)
        elif self.gate_state in (GateState.OPENING, GateState.CLOSING):
            self.gate(self.gate_state is GateState.OPENING, self.clock.now_ms)
        self._touch(None)

    def set_damage(self, name: str, value: int | bool) -> None:
        """Weld the contactor, hold the outputs, lower the voltage: fields of `Damage`."""
        setattr(self.damage, name, value)
        self._touch(None)

    def put_by_hand(self, pallet: PalletPlant) -> None:
        """Fitters push a standing pallet that hangs between two cells into the nearest free one.

        One that hangs below home with more than it may lift is cranked down to the ground, through its own free shaft.
        """
        if pallet.moving:
            return
        if pallet.column:
            car = pallet.car
            heavy = car is not None and car.vehicle.mass_kg > self.layout.car_mass_kg_max
            if heavy and 0 < pallet.z_mm < pallet.home_z_mm and pallet.hook is Hook.OPEN:
                pallet.z_mm = 0.0
                self._tell(pallet)
                self._touch(pallet)
            return
        taken = {other.column for other in self.by_level[pallet.level - 1]}
        left = int(pallet.x_mm // self.layout.pitch_mm) + 1
        for column in sorted((left, left + 1), key=lambda c: abs((c - 1) * self.layout.pitch_mm - pallet.x_mm)):
            if column not in taken:
                pallet.column, pallet.x_mm = column, float((column - 1) * self.layout.pitch_mm)
                break
        self._tell(pallet)
        self._touch(pallet)

    # --- what the PLC can know ----------------------------------------------------------------

    @property
    def reads_gate(self) -> GateState:
        """Where the gate's switches say it is: UNKNOWN when the two channels of the shut switch differ."""
        says = self.damage.gate_shut_says
        if says is not None and says != (self.gate_state is GateState.CLOSED):
            return GateState.UNKNOWN
        return self.gate_state

    def reads_column(self, pallet: PalletPlant) -> int:
        """The cell whose switch says that the pallet stands in it; 0 for none."""
        if self.damage.cell_says and not self.damage.cell_says.get((pallet.level, pallet.column), True):
            return 0
        return pallet.column

    def reads_cells(self, level: int) -> int:
        """Which cells of a level their switches call occupied: bit c-1 for column c."""
        cells = 0
        for pallet in self.by_level[level - 1]:
            if pallet.column:
                cells |= 1 << (pallet.column - 1)
        for (at, column), says in self.damage.cell_says.items():
            if at == level:
                bit = 1 << (column - 1)
                cells = cells | bit if says else cells & ~bit
        return cells

    def reads_home(self, pallet: PalletPlant) -> bool:
        """Whether it stands in a cell of its level, at home height and hooked, as far as the switches tell."""
        return self.reads_column(pallet) > 0 and pallet.reads_home_height and pallet.reads_hooked

    def pallet(self, bay: BayId) -> PalletPlant:
        """A pallet by its bay's name."""
        return self.pallets[self.layout.offset[bay]]

    # --- people -------------------------------------------------------------------------------

    def place_car(self, bay: BayId, car: CarBody) -> None:
        """A car that stands there from the beginning."""
        pallet = self.pallet(bay)
        if pallet.car is not None:
            raise PlantError(f"{bay} already carries {pallet.car.plate}")
        pallet.car = car
        pallet.loaded_a = pallet.loaded_b = True
        self._touch(pallet)

    def drive_in(self, bay: BayId, car: CarBody, start_ms: int, duration_ms: int) -> None:
        """Somebody drives this car onto the pallet and walks out; raises PlantError if that cannot be.

        The car stands on the pallet after 60 % of the time; whoever drove it is out at the end.
        """
        self._at(start_ms, self._drive_in, (self.pallet(bay), car, start_ms, duration_ms))

    def drive_out(self, bay: BayId, start_ms: int, duration_ms: int) -> None:
        """Somebody walks in and drives the car off; raises PlantError if that cannot be.

        The car leaves the pallet after 50 % of the time and the zone at the end.
        """
        self._at(start_ms, self._drive_out, (self.pallet(bay), start_ms, duration_ms))

    def walk_in(self, start_ms: int, duration_ms: int) -> None:
        """Somebody is in the access zone for a while; a shut gate can be climbed over."""
        self._at(start_ms, self._zone, (1, 0))
        self._at(start_ms + duration_ms, self._zone, (-1, 0))

    def _drive_in(self, about: tuple[PalletPlant, CarBody, int, int]) -> None:
        pallet, car, start_ms, duration_ms = about
        self._check_access(pallet)
        if pallet.car is not None:
            raise PlantError(f"{pallet.bay} already carries {pallet.car.plate}, {car.plate} cannot drive in")
        if self._is_ambushed(Ambush.HEAVY_CAR, pallet):
            heavy_kg = self.layout.car_mass_kg_max + OVERWEIGHT_KG
            car = CarBody(car.plate, replace(car.vehicle, mass_kg=heavy_kg))
        self._zone((1, 1))
        self._at(start_ms + duration_ms * 6 // 10, self._stand, (pallet, car))
        self._at(start_ms + duration_ms, self._zone, (-1, 0))

    def _is_ambushed(self, ambush: Ambush, pallet: PalletPlant) -> bool:
        """Whether what lies in wait strikes now; then it is over."""
        strikes = self.damage.ambushes.get(ambush)
        if strikes is None or not strikes(pallet):
            return False
        del self.damage.ambushes[ambush]
        return True

    def _stand(self, about: tuple[PalletPlant, CarBody]) -> None:
        pallet, car = about
        pallet.car = car
        pallet.loaded_a = True
        self._tell(pallet)
        self._touch(pallet)
        self._zone((0, -1))
        self._at(self.clock.now_ms + SECOND_SENSOR_MS, self._second_sensor, (pallet, True))

    def _drive_out(self, about: tuple[PalletPlant, int, int]) -> None:
        pallet, start_ms, duration_ms = about
        self._check_access(pallet)
        if pallet.car is None:
            raise PlantError(f"{pallet.bay} carries no car that could drive out")
        self._zone((1, 0))
        self._at(start_ms + duration_ms // 2, self._leave, pallet)
        self._at(start_ms + duration_ms, self._zone, (-1, -1))

    def _leave(self, pallet: PalletPlant) -> None:
        pallet.car = None
        pallet.loaded_b = False
        self._tell(pallet)
        self._touch(pallet)
        self._zone((0, 1))
        self._at(self.clock.now_ms + SECOND_SENSOR_MS, self._second_sensor, (pallet, False))

    def _second_sensor(self, about: tuple[PalletPlant, bool]) -> None:
        pallet, loaded = about
        if loaded:
            pallet.loaded_b = True
        else:
            pallet.loaded_a = False
        self._touch(pallet)

    def _check_access(self, pallet: PalletPlant) -> None:
        if self.gate_state is not GateState.OPEN:
            raise PlantError(f"module {self.layout.id}: nobody can drive while the gate is not open")
        if not pallet.on_ground:
            raise PlantError(f"{pallet.bay} is not at the ground")

    def _zone(self, more: tuple[int, int]) -> None:
        self.zone_people += more[0]
        self.zone_cars += more[1]
        if self._trace is not None:
            self._trace.zone(self.clock.now_ms, self.layout.id, self.zone_people, self.zone_cars)
        self._touch(None)

    # --- inside -------------------------------------------------------------------------------

    def _at(self, t_ms: int, deed: _Deed, about: Any) -> None:
        if t_ms <= self.clock.now_ms:
            deed(about)
            return
        self._count += 1
        heappush(self._events, (t_ms, self._count, deed, about))

    def _set_off(self, pallet: PalletPlant, motion: Motion, route: Trajectory) -> None:
        if pallet.moving:
            raise PlantError(f"{pallet.bay} is already moving")
        pallet.motion = motion
        self.moving += 1
        self.motors_w += self._motor_w(motion)
        self.motor_ms -= route.start_ms
        self.energy_wms -= self._motor_w(motion) * route.start_ms
        pallet.stalled = False
        self._follow(pallet, route)
        self._tell(pallet)
        self._touch(pallet)
        self.on_set_off(pallet, route)

    def _follow(self, pallet: PalletPlant, route: Trajectory) -> None:
        pallet.travel = route
        if self._trace is not None:
            for knot in route.knots[1:-1]:
                self._count += 1
                heappush(self._lines, (knot.t_ms, self._count, pallet, route))
        self._count += 1
        heappush(self._events, (route.end_ms, self._count, self._come_to_rest, (pallet, route)))

    def _come_to_rest(self, about: tuple[PalletPlant, Trajectory]) -> None:
        pallet, route = about
        if pallet.travel is not route:
            return  # it was told to stop meanwhile and follows another curve
        self.moving -= 1
        self.motors_w -= self._motor_w(pallet.motion)
        self.motor_ms += route.end_ms
        self.energy_wms += self._motor_w(pallet.motion) * route.end_ms
        pallet.rest_at(route.end_mm)
        self._tell(pallet)
        self._touch(pallet)
        if pallet.hook_unpowered and pallet.z_mm >= pallet.home_z_mm:
            self._turn_hook(pallet, Hook.CLOSED, self.clock.now_ms)
        pallet.hook_unpowered = False

    def _motor_w(self, motion: Motion) -> int:
        return self.machine.lift_motor_w if motion is Motion.LIFT else self.machine.slide_motor_w

    def _hook_arrives(self, about: tuple[PalletPlant, Hook, int]) -> None:
        pallet, target, turn = about
        if turn != pallet.hook_turn or pallet.hook_stuck:
            return
        pallet.hook = target
        pallet.hook_shown = target.value
        self._tell(pallet)
        self._touch(pallet)

    def _gate_arrives(self, about: tuple[int, bool]) -> None:
        turn, opening = about
        if turn == self._gate.turn and not self.damage.gate_jammed:
            self._gate.arrive(opening)
            self._set_gate(GateState.OPEN if opening else GateState.CLOSED)

    def _set_gate(self, state: GateState) -> None:
        if state is self.gate_state:
            return
        self.gate_state = state
        if self._trace is not None:
            self._trace.gate(self.clock.now_ms, self.layout.id, _GATE_TRACE[state])
        self._touch(None)

    def _tell(self, pallet: PalletPlant) -> None:
        if self._trace is None:
            return
        now = self.clock.now_ms
        self._trace.pallet(
            now,
            self.layout.id,
            pallet.bay,
            pallet.level,
            (pallet.x_at(now), pallet.z_at(now)),
            pallet.motion.value,
            pallet.car is not None,
            pallet.hook_shown,
        )

    def tell_start(self) -> None:
        """Write where every pallet is, as the trace wants it after its header."""
        for pallet in self.pallets:
            self._tell(pallet)

    def _touch(self, pallet: PalletPlant | None) -> None:
        now = self.clock.now_ms
        for watch in self._watches:
            watch.since_ms = min(watch.since_ms, now)
            if pallet is not None:
                watch.pallets.add(pallet.offset)
