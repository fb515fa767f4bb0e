"""An independent check of a plan: plays its moves and says which rule or figure is wrong.

Decides whether a plan, as written in JSON, could be carried out by the module of its instance: rules R1
to R5, the motors' power, the time every move takes, releases, and the objective that follows from the
gate's times. Shares no code with the planner: it reads both documents and has a geometry of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.machine import HookKind, Machine, SlideMode, travel_ms

Bay = tuple[int, int]
"""Level and index of a pallet."""

_GATE_STATES = {"gate_open": ("closed", "opening", "open"), "gate_close": ("open", "closing", "closed")}
_WEIGHTS = {"emergency": 4, "disabled": 2, "normal": 1}


@dataclass
class _World:
    """What stands where, and what is under way."""

    columns: list[list[int]]
    away: Bay | None
    lifting: bool = False
    sliding: dict[int, tuple[int, int]] = field(default_factory=dict)
    gate: str = "closed"
    inside: str | None = None
    gate_bay: Bay | None = None
    power_w: int = 0


class Replay:
    """Plays one plan against its instance; `problems` is empty if all is well."""

    def __init__(self, instance: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
        self._module = instance["module"]
        self._plan = plan
        self._machine = _machine(instance.get("machine", {}))
        state = instance.get("state", {})
        self._levels = self._module["levels"]
        self._dead = {_bay(name) for name in self._module.get("dead", ())}
        self._frozen = set(self._module.get("frozen", ()))
        self._closed = {(level, column) for level, column in self._module.get("closed", ())}
        columns = state.get("columns") or [self._pushed_left(level) for level in self._levels]
        lowered = state.get("lowered")
        self._world = _World([list(row) for row in columns], None if lowered is None else _bay(lowered))
        self._empty = {_bay(name) for name in state.get("empty", ())}
        self._jobs = {job["id"]: job for job in instance["jobs"]}
        self._limit_w = instance.get("power_limit_w")
        self._age_ms = instance.get("age_bound_ms")
        self._weights = {**_WEIGHTS, **instance.get("weights", {})}
        self._opened: dict[str, int] = {}
        self._begun: set[str] = set()
        self._starts: list[int] = []
        self.problems: list[str] = []

    def run(self) -> list[str]:
        """Play all moves in the order of time, ends before starts, then compare the figures.

        A move that takes no time ends right after its own start.
        """
        moves = self._plan["moves"]
        starts = [(move["start_ms"], 1, number, 0) for number, move in enumerate(moves)]
        ends = [
            (move["end_ms"], int(move["end_ms"] == move["start_ms"]), number, 1) for number, move in enumerate(moves)
        ]
        for t_ms, _, number, ending in sorted(starts + ends):
            move = moves[number]
            if ending:
                self._end(move, number)
            else:
                self._start(move, number)
            if self._limit_w is not None and self._world.power_w > self._limit_w:
                self._tell(number, f"motors draw {self._world.power_w} W at {t_ms} ms, allowed are {self._limit_w} W")
        self._starts.sort()
        for one, other in zip(self._starts, self._starts[1:], strict=False):
            if other - one < self._machine.inrush_stagger_ms:
                self.problems.append(f"two motors start within {other - one} ms at {other} ms")
        self._compare()
        return self.problems

    # --- moves ----------------------------------------------------------------------------------

    def _start(self, move: Mapping[str, Any], number: int) -> None:
        deed, job = move["do"], self._jobs.get(move.get("job"))
        if deed not in ("raise",) and job is None:
            self._tell(number, "serves no job of the instance")
            return
        if job is not None and deed != "raise" and move["start_ms"] < job.get("release_ms", 0):
            self._tell(number, f"begins before {job['id']} is released")
        took_ms = move["end_ms"] - move["start_ms"]
        if took_ms != self._nominal_ms(move):
            self._tell(number, f"takes {took_ms} ms, the machine needs {self._nominal_ms(move)} ms")
        match deed:
            case "slide":
                self._start_slide(move, number)
            case "lower" | "raise":
                self._start_lift(move, number)
            case "gate_open" | "gate_close":
                self._start_gate(move, number)
            case "dwell":
                self._start_dwell(move, number)
            case _:
                self._tell(number, f"{deed} is no move")

    def _start_slide(self, move: Mapping[str, Any], number: int) -> None:
        world, level = self._world, move["level"]
        first, second = move["first"], move["second"]
        self._needs_shut_gate(number)
        if level in world.sliding:
            self._tell(number, "the row slides already")
            return
        if world.away is not None and world.away[0] >= level:
            self._tell(number, f"R3: slides on level {level} while {world.away} is not home and hooked")
        mode = self._machine.slide_mode
        if mode is not SlideMode.PARALLEL and world.sliding:
            self._tell(number, f"R2: another row slides, in {mode.value} mode")
        if mode is SlideMode.SINGLE and abs(first - second) != 1:
            self._tell(number, "R2: more than one pallet in single mode")
        row, step = world.columns[level - 1], 1 if second > first else -1
        if second in row or first == second:
            self._tell(number, f"R1: column {second} is no gap")
        for column in range(first, second, step):
            if column not in row:
                self._tell(number, f"R2: no pallet at column {column}")
            elif (level, row.index(column) + 1) in self._dead:
                self._tell(number, f"the pallet at column {column} is out of use")
        for column in range(min(first, second), max(first, second) + 1):
            if not self._has_cell(level, column):
                self._tell(number, f"R2: column {column} has no cell")
        if level in self._frozen:
            self._tell(number, "the row is out of service")
        world.sliding[level] = (first, second)
        world.power_w += abs(first - second) * self._machine.slide_motor_w
        self._starts.append(move["start_ms"])

    def _start_lift(self, move: Mapping[str, Any], number: int) -> None:
        world, bay = self._world, _bay(move["bay"])
        self._needs_shut_gate(number)
        if world.lifting:
            self._tell(number, "R3: two pallets lift at once")
        for level in world.sliding:
            if level <= bay[0]:
                self._tell(number, f"R3: level {level} slides, which the shaft crosses")
        if bay in self._dead or bay[0] == 1 or self._module.get("hoist_out"):
            self._tell(number, "this pallet does not lift")
        column = world.columns[bay[0] - 1][bay[1] - 1]
        for level in range(1, bay[0]):
            if column in world.columns[level - 1] or not self._has_cell(level, column):
                self._tell(number, f"R3: level {level} has no gap at column {column}")
        if (bay[0], column) in self._closed:
            self._tell(number, f"column {column} is closed on level {bay[0]}")
        if move["do"] == "lower":
            if world.away is not None:
                self._tell(number, f"R3: {world.away} is down already")
            world.away = bay
        elif world.away != bay:
            self._tell(number, "is raised but not down")
        world.lifting = True
        world.power_w += self._machine.lift_motor_w
        self._starts += self._lift_starts(move)

    def _lift_starts(self, move: Mapping[str, Any]) -> list[int]:
        """When the lift motor starts: around the hook's turn."""
        machine, start_ms = self._machine, move["start_ms"]
        little_ms = travel_ms(machine.hook_raise_mm, machine.lift_speed_mm_s, machine.ramp_ms)
        if machine.hook_kind is HookKind.LOAD_RESTING:
            other_ms = little_ms + machine.hook_ms if move["do"] == "lower" else move["end_ms"] - start_ms - little_ms
            return [start_ms, start_ms + other_ms]
        return [start_ms + machine.hook_ms] if move["do"] == "lower" else [start_ms]

    def _start_gate(self, move: Mapping[str, Any], number: int) -> None:
        world, bay = self._world, _bay(move["bay"])
        before, during, _ = _GATE_STATES[move["do"]]
        if world.gate != before:
            self._tell(number, f"the gate is {world.gate}, not {before}")
        if world.lifting or world.sliding:
            self._tell(number, "R4: the gate moves while pallets move")
        if world.inside is not None:
            self._tell(number, f"R4: the driver of {world.inside} is inside")
        if bay[0] > 1 and world.away != bay:
            self._tell(number, "R4: the pallet is not at the ground")
        world.gate = during
        world.gate_bay = bay

    def _start_dwell(self, move: Mapping[str, Any], number: int) -> None:
        world, bay, job = self._world, _bay(move["bay"]), self._jobs[move["job"]]
        if world.gate != "open" or world.gate_bay != bay:
            self._tell(number, "R4: nobody can drive, the gate is not open for this pallet")
        if job.get("bay") not in (None, move["bay"]):
            self._tell(number, f"{job['id']} belongs to {job['bay']}")
        if job["id"] in self._begun:
            self._tell(number, f"{job['id']} is served twice")
        self._begun.add(job["id"])
        if (bay in self._empty) is (job["kind"] == "retrieval"):
            self._tell(number, "there is no car" if job["kind"] == "retrieval" else "the pallet holds a car")
        if not self._fits(job, bay):
            self._tell(number, "the car does not fit this level")
        self._opened[job["id"]] = move["start_ms"]
        world.inside = job["id"]

    def _end(self, move: Mapping[str, Any], number: int) -> None:
        world = self._world
        match move["do"]:
            case "slide":
                self._end_slide(move)
            case "lower" | "raise":
                world.lifting = False
                world.power_w -= self._machine.lift_motor_w
                if move["do"] == "raise":
                    world.away = None
            case "gate_open" | "gate_close":
                world.gate = _GATE_STATES[move["do"]][2]
            case "dwell":
                bay = _bay(move["bay"])
                world.inside = None
                (self._empty.add if self._jobs[move["job"]]["kind"] == "retrieval" else self._empty.discard)(bay)
            case _:
                self._tell(number, "is unknown")

    def _end_slide(self, move: Mapping[str, Any]) -> None:
        first, second = self._world.sliding.pop(move["level"], (0, 0))
        step, row = 1 if second > first else -1, self._world.columns[move["level"] - 1]
        low, high = min(first, second), max(first, second)
        row[:] = [column + step if low <= column <= high else column for column in row]
        self._world.power_w -= abs(first - second) * self._machine.slide_motor_w

    # --- figures --------------------------------------------------------------------------------

    def _nominal_ms(self, move: Mapping[str, Any]) -> int:
        machine = self._machine
        match move["do"]:
            case "slide":
                return travel_ms(self._module["pitch_mm"], machine.slide_speed_mm_s, machine.ramp_ms)
            case "lower" | "raise":
                height_mm = sum(level["height_mm"] for level in self._levels[: _bay(move["bay"])[0] - 1])
                if machine.hook_kind is HookKind.LOAD_RESTING:
                    little_mm = machine.hook_raise_mm
                    return machine.hook_ms + machine.lift_ms(little_mm) + machine.lift_ms(height_mm + little_mm)
                return machine.hook_ms + machine.lift_ms(height_mm)
            case "dwell":
                storing = self._jobs[move["job"]]["kind"] == "storage"
                return machine.driver_in_ms if storing else machine.driver_out_ms
            case _:
                return machine.gate_ms

    def objective(self) -> dict[str, int]:
        """The objective as the gate's times make it."""
        found = {"emergency_wait_ms": 0, "beyond_age_ms": 0, "weighted_wait_ms": 0, "sum_wait_ms": 0}
        for name, open_ms in self._opened.items():
            job = self._jobs[name]
            wait_ms = open_ms - job.get("requested_ms", job.get("release_ms", 0))
            priority = job.get("priority", "normal")
            found["sum_wait_ms"] += wait_ms
            found["weighted_wait_ms"] += self._weights[priority] * wait_ms
            if priority == "emergency":
                found["emergency_wait_ms"] += wait_ms
            if self._age_ms is not None:
                found["beyond_age_ms"] += max(0, wait_ms - self._age_ms)
        return found

    def _compare(self) -> None:
        plan, world = self._plan, self._world
        missing = sorted(set(self._jobs) - set(self._opened))
        if missing:
            self.problems.append(f"never served: {', '.join(missing)}")
        if world.away is not None or world.gate != "closed":
            self.problems.append("the plan ends with a pallet down or the gate open")
        figures = self.objective()
        for key, value in figures.items():
            if plan["objective"][key] != value:
                self.problems.append(f"objective.{key} is {plan['objective'][key]}, the moves make it {value}")
        for served in plan["jobs"]:
            if self._opened.get(served["job"]) != served["open_ms"]:
                self.problems.append(f"{served['job']}: the gate opens at another time than open_ms says")
        keys = ("emergency_wait_ms", "beyond_age_ms", "weighted_wait_ms")
        bound, cost = [plan["lower_bound"][key] for key in keys], [figures[key] for key in keys]
        if bound > cost or (plan["optimal"] and bound != cost):
            self.problems.append(f"lower bound {bound} does not go with the cost {cost}")
        end_ms = max((move["end_ms"] for move in plan["moves"]), default=0)
        if not plan["makespan_bound_ms"] <= plan["makespan_ms"] == end_ms:
            self.problems.append(f"makespan_ms is {plan['makespan_ms']}, the last move ends at {end_ms}")

    # --- small questions ------------------------------------------------------------------------

    def _needs_shut_gate(self, number: int) -> None:
        if self._world.gate != "closed" or self._world.inside is not None:
            self._tell(number, f"R4: a pallet moves while the gate is {self._world.gate}")

    def _has_cell(self, level: int, column: int) -> bool:
        """Whether a pallet may come to this place."""
        blocked = column in self._levels[level - 1].get("blocked", ()) or (level, column) in self._closed
        return not blocked and 1 <= column <= self._module["columns"]

    def _fits(self, job: Mapping[str, Any], bay: Bay) -> bool:
        vehicle = job.get("vehicle")
        if not isinstance(vehicle, Mapping):
            return True
        most = (("length_mm", "car_length_mm_max"), ("width_mm", "car_width_mm_max"), ("mass_kg", "car_mass_kg_max"))
        if any(vehicle[size] > self._module[limit] for size, limit in most):
            return False
        height_mm: int = self._levels[bay[0] - 1]["height_mm"]
        return bool(vehicle["height_mm"] + self._module["headroom_mm"] <= height_mm)

    def _pushed_left(self, level: Mapping[str, Any]) -> list[int]:
        cells = [c for c in range(1, self._module["columns"] + 1) if c not in level.get("blocked", ())]
        return cells[: len(cells) - level.get("gaps", 0)]

    def _tell(self, number: int, wrong: str) -> None:
        move = self._plan["moves"][number]
        self.problems.append(f"moves[{number}] ({move['do']} at {move['start_ms']} ms): {wrong}")


def replay(instance: Mapping[str, Any], plan: Mapping[str, Any]) -> list[str]:
    """What is wrong with a plan for this instance; both as their JSON reads, the instance written in full."""
    return Replay(instance, plan).run()


def _machine(figures: Mapping[str, Any]) -> Machine:
    numbers = {key: value for key, value in figures.items() if key not in ("hook_kind", "slide_mode")}
    hook_kind = HookKind(figures.get("hook_kind", HookKind.CONTACTLESS))
    return Machine(hook_kind=hook_kind, slide_mode=SlideMode(figures.get("slide_mode", SlideMode.PARALLEL)), **numbers)


def _bay(name: str) -> Bay:
    _, level, index = name.split("-")
    return int(level), int(index)
