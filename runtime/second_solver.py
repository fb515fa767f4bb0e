"""A second opinion on a plan's optimum: the same module as a constraint model, solved by CP-SAT.

Decides only a number: the least cost of serving the jobs one after another, with its proof. The model
is written anew from the geometry (gaps, columns, the pallet that is down) and takes nothing from the
planner but the instance. For plain layouts, named pallets and up to 12 jobs; needs the `bench` extra.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from domain.ids import parse_bay
from domain.machine import HookKind, SlideMode
from scheduler.instance import Instance, JobKind, Overlap, PlanJob, Priority

JOBS_MAX = 12
"""More jobs than this take the solver minutes."""


ALIKE_ABOVE = 7
"""From here on jobs that differ only in their times are put in the order of these; below, every order is tried.

In parallel mode two such jobs can be exchanged without changing any time of another: without this the
solver proves nothing at 12 jobs."""


class SecondSolverUnavailable(Exception):
    """The instance is outside the model, or ortools is not installed."""


class NothingFound(SecondSolverUnavailable):
    """The time was over before the solver had any plan."""


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """What the second solver found: cost by rank, and whether it proved it."""

    proven: bool
    emergency_ms: int
    beyond_age_ms: int
    weighted_ms: int
    bound_ms: int
    """What it proved that the weighted waits cannot undercut, the ranks before being as found."""
    seconds: float


def second_opinion(
    instance: Instance, *, seconds_max: float = 60.0, workers: int = 2, jobs_max: int = JOBS_MAX
) -> SecondOpinion:
    """Solve an instance by CP-SAT; raises SecondSolverUnavailable where that is not possible."""
    _refuse(instance, jobs_max)
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise SecondSolverUnavailable("ortools is not installed; add the extra: pip install '.[bench]'") from error
    built = _Model(instance, cp_model)
    values = []
    spent = 0.0
    proven = True
    for goal in built.goals:
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(0.1, seconds_max - spent)
        solver.parameters.num_workers = workers
        built.model.minimize(goal)
        status = solver.solve(built.model)
        spent += solver.wall_time
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            raise NothingFound(f"no solution within {seconds_max:g} s")
        proven = proven and status == cp_model.OPTIMAL
        values.append(int(solver.value(goal)))
        built.model.add(goal <= values[-1])
    bound_ms = math.ceil(solver.best_objective_bound)
    return SecondOpinion(proven, values[0], values[1], values[2], bound_ms, spent)


def _refuse(instance: Instance, jobs_max: int) -> None:
    layout = instance.layout
    plain = [level.gaps for level in layout.levels] == [1] * (len(layout.levels) - 1) + [0]
    if not plain or not layout.is_whole or any(level.blocked for level in layout.levels):
        raise SecondSolverUnavailable("the model knows one gap on every level but the top, no blocked or dead cell")
    if len(instance.jobs) > jobs_max:
        raise SecondSolverUnavailable(f"{len(instance.jobs)} jobs are more than {jobs_max}")
    if instance.free_storages:
        raise SecondSolverUnavailable("the model knows no car that takes any pallet")
    if instance.power_limit_w is not None:
        raise SecondSolverUnavailable("the model knows no power limit")


class _Model:
    """Places 0..n-1; which job each holds, when its gate opens, and where the gaps are after it."""

    def __init__(self, instance: Instance, cp: Any) -> None:
        self._instance = instance
        self.model = cp.CpModel()
        machine, layout = instance.machine, instance.layout
        self._slide_ms = machine.slide_ms(layout.pitch_mm)
        self._heights = layout.level_z_mm
        self._levels = len(layout.levels)
        self._slots = layout.columns
        self._lean = machine.slide_mode is SlideMode.PARALLEL  # the gaps' places do not matter then
        jobs = instance.jobs
        self._refs = [parse_bay(job.bay) for job in jobs if job.bay is not None]
        last_ms = max(job.release_ms for job in jobs)
        longest = 2 * max(self._lift_ms(level) for level in range(1, self._levels + 1))
        longest += self._slide_ms * self._slots * self._levels + 2 * machine.gate_ms
        self._horizon = last_ms + len(jobs) * (longest + max(machine.driver_in_ms, machine.driver_out_ms))
        count = len(jobs)
        self._holds = [[self.model.new_bool_var(f"x{p}_{j}") for j in range(count)] for p in range(count)]
        for line in (*self._holds, *zip(*self._holds, strict=True)):
            self.model.add_exactly_one(line)
        self._open = [self._time(f"open{p}") for p in range(count)]
        self._pallets = sorted(
            {ref for ref in self._refs if ref.level > 1} | ({instance.down} if instance.down else set())
        )
        start = instance.columns
        self._gaps = [[self.model.new_constant(self._gap(row)) for row in start[:-1]]]
        down = self._pallets.index(instance.down) + 1 if instance.down else 0
        self._down = [self.model.new_constant(down)]
        self._shown = [self.model.new_constant(self._shown_first())]
        self._shut = [self.model.new_constant(0)]
        for place in range(count):
            self._place(place)
        self._before()
        self._tighten()
        if len(jobs) > ALIKE_ABOVE and machine.slide_mode is SlideMode.PARALLEL:
            self._order_alike()
        self.goals = self._goals()

    # --- one place --------------------------------------------------------------------------------

    def _place(self, place: int) -> None:
        model = self.model
        gaps = (
            [] if self._lean else [model.new_int_var(1, self._slots, f"g{place}_{m}") for m in range(self._levels - 1)]
        )
        shown = model.new_int_var(0, len(self._pallets), f"e{place}")
        down = model.new_int_var(0, len(self._pallets), f"d{place}")
        shut = self._time(f"shut{place}")
        raise_ms = self._time(f"raise{place}")
        levels = [0] + [ref.level for ref in self._pallets]
        model.add_element(self._down[place], [self._lift_ms(level) if level else 0 for level in levels], raise_ms)
        level_down = model.new_int_var(0, self._levels, f"l{place}")
        model.add_element(self._down[place], levels, level_down)
        rows = self._rows(place, gaps)
        for at, job in enumerate(self._instance.jobs):
            held = self._holds[place][at]
            tail_ms = self._instance.machine.gate_ms + self._dwell_ms(job)
            model.add(shut == self._open[place] + tail_ms).only_enforce_if(held)
            model.add(self._open[place] >= job.release_ms + self._instance.machine.gate_ms).only_enforce_if(held)
            if self._refs[at].level == 1:
                self._ground(place, held, (gaps, down, raise_ms, shown))
            else:
                self._upper(place, at, (gaps, down, raise_ms, level_down, shown, rows))
        self._gaps.append(gaps)
        self._shown.append(shown)
        self._down.append(down)
        self._shut.append(shut)

    def _rows(self, place: int, gaps: list[Any]) -> list[Any]:
        """For each row how long it slides where rows take turns."""
        model, mode = self.model, self._instance.machine.slide_mode
        rows = []
        for m in range(len(gaps)):
            change = model.new_bool_var(f"m{place}_{m}")
            model.add(gaps[m] == self._gaps[place][m]).only_enforce_if(change.negated())
            model.add(gaps[m] != self._gaps[place][m]).only_enforce_if(change)
            far = model.new_int_var(0, self._slots, f"f{place}_{m}")
            model.add_abs_equality(far, gaps[m] - self._gaps[place][m])
            rows.append(far * self._slide_ms if mode is SlideMode.SINGLE else change * self._slide_ms)
        return rows

    def _ground(self, place: int, held: Any, about: tuple[Any, ...]) -> None:
        gaps, down, raise_ms, shown = about
        model, gate_ms = self.model, self._instance.machine.gate_ms
        early = model.new_bool_var(f"early{place}_{held.index}")
        model.add(shown == self._shown[place]).only_enforce_if(held)
        for m, gap in enumerate(gaps):
            model.add(gap == self._gaps[place][m]).only_enforce_if(held)
        model.add(self._open[place] >= self._shut[place] + gate_ms).only_enforce_if(held, early.negated())
        model.add(down == self._down[place]).only_enforce_if(held, early.negated())
        model.add(self._open[place] >= self._shut[place] + raise_ms + gate_ms).only_enforce_if(held, early)
        model.add(down == 0).only_enforce_if(held, early)

    def _upper(self, place: int, at: int, about: tuple[Any, ...]) -> None:
        gaps, down, raise_ms, level_down, shown, rows = about
        model, ref = self.model, self._refs[at]
        held = self._holds[place][at]
        number = self._pallets.index(ref) + 1
        stays = model.new_bool_var(f"s{place}_{at}")
        model.add(self._down[place] == number).only_enforce_if(stays)
        model.add(self._down[place] != number).only_enforce_if(stays.negated())
        model.add(down == number).only_enforce_if(held)
        model.add(shown == number).only_enforce_if(held)
        gate_ms = self._instance.machine.gate_ms
        model.add(self._open[place] >= self._shut[place] + gate_ms).only_enforce_if(held, stays)
        for m, gap in enumerate(gaps):
            model.add(gap == self._gaps[place][m]).only_enforce_if(held, stays)
        comes = model.new_bool_var(f"c{place}_{at}")
        model.add_bool_and(held, stays.negated()).only_enforce_if(comes)
        model.add_bool_or(held.negated(), stays, comes)
        lowered = self._time(f"low{place}_{at}")
        model.add(self._open[place] >= lowered + self._lift_ms(ref.level) + gate_ms).only_enforce_if(comes)
        timing = (comes, lowered, self._shut[place] + raise_ms, level_down, self._instance.jobs[at].release_ms)
        if self._instance.machine.slide_mode is SlideMode.PARALLEL:
            self._parallel(place, (number, ref.level), timing)
        else:
            self._dock(place, ref, gaps, comes)
            self._serial(place, timing, rows)

    def _dock(self, place: int, ref: Any, gaps: list[Any], comes: Any) -> None:
        """The gaps below stand under the pallet; rows above stay."""
        model = self.model
        right = model.new_bool_var(f"r{place}_{ref.name}")
        if ref.level == self._levels:
            model.add(right == 0)
        else:
            own = gaps[ref.level - 1]
            model.add(own > ref.index).only_enforce_if(comes, right.negated())
            model.add(own <= ref.index).only_enforce_if(comes, right)
            self._own_row(place, ref, own, comes)
        for m, gap in enumerate(gaps):
            if m < ref.level - 1:
                model.add(gap == ref.index + right).only_enforce_if(comes)
            elif m > ref.level - 1:
                model.add(gap == self._gaps[place][m]).only_enforce_if(comes)

    def _own_row(self, place: int, ref: Any, own: Any, comes: Any) -> None:
        """The pallet's own row stays, or slides so that the gap takes the pallet's place: no slide to no avail."""
        model = self.model
        before = self._gaps[place][ref.level - 1]
        was_right, still = model.new_bool_var(""), model.new_bool_var("")
        model.add(before > ref.index).only_enforce_if(was_right.negated())
        model.add(before <= ref.index).only_enforce_if(was_right)
        model.add(own == before).only_enforce_if(comes, still)
        model.add(own == ref.index + was_right).only_enforce_if(comes, still.negated())

    def _parallel(self, place: int, pallet: tuple[int, int], timing: tuple[Any, ...]) -> None:
        """One window for all rows, unless the pallet's shaft is free: it was the last one down, or is free at first.

        Beside a raising, rows above the raised pallet may start before.
        """
        model = self.model
        number, level = pallet
        comes, lowered, home, level_down, release_ms = timing
        stagger = self._instance.machine.inrush_stagger_ms
        some = self._is(self._shown[place], number, f"free{place}_{number}_{comes.index}").negated()
        model.add(lowered >= home).only_enforce_if(comes)
        model.add(lowered >= release_ms).only_enforce_if(comes)
        for k in range(self._levels + 1):
            beside = self._instance.overlap is Overlap.SLIDES and k > 0
            low = min(k, level - 1) if beside else level - 1
            window = self._slide_ms + stagger * (low - 1)
            high = stagger * (level - 1 - low)
            at_k = self._is(level_down, k, f"k{place}_{level}_{k}_{comes.index}")
            when = (comes, some, at_k)
            start = self._time(f"st{place}_{level}_{k}_{comes.index}")
            model.add_max_equality(start, [home, release_ms])
            late = model.new_int_var(0, high, f"la{place}_{level}_{k}_{comes.index}")
            if high:
                raw = model.new_int_var(-self._horizon * 2, self._horizon * 2, "")
                model.add(raw == release_ms + high + stagger - home)
                floor = model.new_int_var(0, self._horizon * 2, "")
                model.add_max_equality(floor, [raw, 0])
                model.add_min_equality(late, [floor, high])
            model.add(lowered >= start + window + late).only_enforce_if(*when)

    def _serial(self, place: int, timing: tuple[Any, ...], rows: list[Any]) -> None:
        """Row after row; beside a raising, the rows above the raised pallet go first."""
        model = self.model
        comes, lowered, home, level_down, release_ms = timing
        stagger = self._instance.machine.inrush_stagger_ms
        for k in range(self._levels + 1):
            at_k = self._is(level_down, k, f"k{place}_{k}_{comes.index}")
            when = (comes, at_k)
            if self._instance.overlap is Overlap.NONE or k == 0:
                low, high = rows, []
            else:
                low, high = rows[:k], rows[k:]
            model.add(lowered >= home + sum(low)).only_enforce_if(*when)
            model.add(lowered >= release_ms + sum(low) + sum(high)).only_enforce_if(*when)
            if len(low) == len(rows):
                continue
            some = model.new_bool_var("")
            model.add(sum(high) >= 1).only_enforce_if(some)
            model.add(sum(high) == 0).only_enforce_if(some.negated())
            early = self._shut[place] + stagger
            model.add(lowered >= early + sum(high) + sum(low)).only_enforce_if(*when, some)

    # --- all of it --------------------------------------------------------------------------------

    def _before(self) -> None:
        """A car leaves a pallet before another comes onto it."""
        jobs = self._instance.jobs
        for one, leaving in enumerate(jobs):
            for other, coming in enumerate(jobs):
                if leaving.bay != coming.bay or leaving.kind is not JobKind.RETRIEVAL or one == other:
                    continue
                self._follows(one, other)

    def _follows(self, one: int, other: int) -> None:
        """Whatever place `one` has, `other` has a later one."""
        for place in range(len(self._holds)):
            before = [self._holds[p][one] for p in range(place)]
            self.model.add(self._holds[place][other] <= sum(before))

    def _order_alike(self) -> None:
        """Of two jobs that differ only in their times, the one released and asked first comes first."""
        start = self._instance.columns
        groups: dict[tuple[object, ...], list[int]] = {}
        bays = [job.bay for job in self._instance.jobs]
        for at, (ref, job) in enumerate(zip(self._refs, self._instance.jobs, strict=True)):
            free = all(start[ref.level - 1][ref.index - 1] not in row for row in start[: ref.level - 1])
            if bays.count(job.bay) == 1 and ref != self._instance.down and not (free and ref.level > 1):
                groups.setdefault((ref.level, job.kind, job.priority), []).append(at)
        for group in groups.values():
            for one in group:
                for other in group:
                    first, second = self._instance.jobs[one], self._instance.jobs[other]
                    sooner = (first.release_ms, first.requested_ms, one) < (
                        second.release_ms,
                        second.requested_ms,
                        other,
                    )
                    if sooner and first.requested_ms <= second.requested_ms:
                        self._follows(one, other)

    def _tighten(self) -> None:
        """What follows from the rest, said in sums that the solver's linear relaxation can use."""
        jobs = self._instance.jobs
        gate_ms = self._instance.machine.gate_ms
        bays = [job.bay for job in jobs]
        alone = [
            ref.level > 1 and bays.count(job.bay) == 1 and ref != self._instance.down
            for ref, job in zip(self._refs, jobs, strict=True)
        ]
        start = self._instance.columns
        free = [
            all(start[ref.level - 1][ref.index - 1] not in row for row in start[: ref.level - 1]) for ref in self._refs
        ]
        lead = [
            gate_ms + (self._lift_ms(ref.level) + (0 if unmoved else self._slide_ms) if own else 0)
            for ref, own, unmoved in zip(self._refs, alone, free, strict=True)
        ]
        home = [self._lift_ms(ref.level) if own else 0 for ref, own in zip(self._refs, alone, strict=True)]
        tail = [gate_ms + self._dwell_ms(job) for job in jobs]
        numbers = range(len(jobs))
        for place, holds in enumerate(self._holds):
            before = self._shut[place]
            self.model.add(self._open[place] >= before + sum(lead[j] * holds[j] for j in numbers))
            if not place:
                continue
            upper = sum(holds[j] for j in numbers if alone[j])
            least = sum(home[j] * self._holds[place - 1][j] for j in numbers) - max(home) * (1 - upper)
            own = sum(lead[j] * holds[j] for j in numbers)
            self.model.add(self._open[place] >= before + own + least)
            # Before an upper pallet comes down, every upper one served before is home; before a
            # ground pallet one may still be down.
            done = sum((lead[j] + tail[j] + home[j]) * self._holds[q][j] for q in range(place) for j in numbers)
            self.model.add(self._open[place] >= done + own - max(home) * (1 - upper))

    def _goals(self) -> list[Any]:
        urgent, beyond, weighted = [], [], []
        for at, job in enumerate(self._instance.jobs):
            opened = self._time(f"o{at}")
            for place in range(len(self._instance.jobs)):
                self.model.add(opened == self._open[place]).only_enforce_if(self._holds[place][at])
            wait = opened - job.requested_ms
            weighted.append(self._instance.weights.of(job.priority) * wait)
            if job.priority is Priority.EMERGENCY:
                urgent.append(wait)
            if self._instance.age_bound_ms is not None:
                over = self._time(f"v{at}", job.requested_ms)
                self.model.add_max_equality(over, [wait - self._instance.age_bound_ms, 0])
                beyond.append(over)
        weights = {self._instance.weights.of(job.priority) for job in self._instance.jobs}
        if len(weights) == 1:
            asked_ms = sum(job.requested_ms for job in self._instance.jobs)
            weighted = [weights.pop() * (sum(self._open) - asked_ms)]
        return [_sum(self.model, urgent), _sum(self.model, beyond), _sum(self.model, weighted)]

    def _shown_first(self) -> int:
        """The pallet whose shaft is free as everything stands, by number; 0 if no job wants it."""
        start = self._instance.columns
        for number, ref in enumerate(self._pallets, start=1):
            if all(start[ref.level - 1][ref.index - 1] not in row for row in start[: ref.level - 1]):
                return number
        return 0

    def _is(self, variable: Any, value: int, name: str) -> Any:
        yes = self.model.new_bool_var(name)
        self.model.add(variable == value).only_enforce_if(yes)
        self.model.add(variable != value).only_enforce_if(yes.negated())
        return yes

    def _time(self, name: str, asked_ms: int = 0) -> Any:
        return self.model.new_int_var(0, self._horizon + max(0, -asked_ms), name)

    def _gap(self, row: tuple[int, ...]) -> int:
        return next(column for column in range(1, self._slots + 1) if column not in row)

    def _dwell_ms(self, job: PlanJob) -> int:
        machine = self._instance.machine
        return machine.driver_in_ms if job.kind is JobKind.STORAGE else machine.driver_out_ms

    def _lift_ms(self, level: int) -> int:
        machine, height_mm = self._instance.machine, self._heights[level - 1]
        if level == 1:
            return 0
        if machine.hook_kind is HookKind.CONTACTLESS:
            return machine.hook_ms + machine.lift_ms(height_mm)
        little_mm = machine.hook_raise_mm
        return machine.lift_ms(little_mm) + machine.hook_ms + machine.lift_ms(height_mm + little_mm)


def _sum(model: Any, terms: list[Any]) -> Any:
    return sum(terms) if terms else model.new_constant(0)
