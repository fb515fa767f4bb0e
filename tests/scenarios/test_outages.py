"""Parts out of service: who still gets their car, what the others are told, and how it ends."""

from __future__ import annotations

from controller.memory import Memory
from domain.commands import PutBack, Refused, RequestRetrieval, RequestStorage, TakeOut
from domain.events import CarLeft, ModuleAdvanced, MotionRequested, PartPutBack, PartTakenOut
from domain.grid import ModuleLayout
from domain.ids import BayId, JobId, ModuleId, Plate, parse_bay
from domain.outputs import Opcode
from domain.reasons import Reason
from domain.refusals import RefusalCode
from runtime.virtual import digest
from sim.demand import weekday_trips
from sim.scenario import initial_cars
from tests.garage_run import PIN, SEDAN, START_UTC_MS, GarageRun
from tests.sites import module_layout, site_of

COLUMNS = 4
HOUR_MS = 3_600_000


def full(layout: ModuleLayout | None = None, free: tuple[str, ...] = ()) -> GarageRun:
    """One module of four levels and four columns with a car in every bay that is not free."""
    built = layout or module_layout("A", COLUMNS)
    cars = {str(name): f"京{name.replace('-', '')}" for name in built.bay_names if name not in free}
    run = GarageRun(site_of(built), cars)
    run.ready()
    return run


def plate(bay: str) -> str:
    return f"京{bay.replace('-', '')}"


def take_out(run: GarageRun, part: str, reason: str = "rope being replaced") -> None:
    assert run.accept(TakeOut(part, "operator", reason)) == part


def put_back(run: GarageRun, part: str) -> None:
    assert run.accept(PutBack(part, "operator")) == part


def why_not(run: GarageRun, bay: str) -> str:
    """What somebody is told who asks for a car that cannot be brought."""
    reply = run.ask(RequestRetrieval(Plate(plate(bay)), digest(plate(bay), PIN)))
    assert isinstance(reply, Refused)
    assert reply.reasons[0].code is RefusalCode.UNREACHABLE
    return reply.reasons[0].about


def leaves(run: GarageRun, bay: str) -> None:
    assert run.see_through(run.fetch(plate(bay))).state == "done"


def test_behind_a_dead_pallet_cars_wait_and_beside_it_they_leave() -> None:
    run = full()
    take_out(run, "A-2-02")
    assert why_not(run, "A-2-02") == "A-2-02: A-2-02 (rope being replaced)"
    assert why_not(run, "A-4-01") == "A-4-01: A-2-02 (rope being replaced)"
    leaves(run, "A-4-04")
    leaves(run, "A-3-03")
    leaves(run, "A-1-02")
    put_back(run, "A-2-02")
    leaves(run, "A-4-01")
    leaves(run, "A-2-02")
    assert run.violations == []


def test_a_stuck_row_lets_down_only_what_its_gap_lets_through() -> None:
    run = full()
    take_out(run, "A-3")
    assert "A-3 (" in why_not(run, "A-4-01")
    leaves(run, "A-4-04")
    leaves(run, "A-3-02")
    leaves(run, "A-2-01")
    put_back(run, "A-3")
    leaves(run, "A-4-01")
    assert run.violations == []


def test_without_a_hoist_cars_on_the_ground_leave_and_the_others_hear_why() -> None:
    run = full()
    take_out(run, "A", "motor burnt, fitter comes at 14:00")
    leaves(run, "A-1-01")
    assert why_not(run, "A-3-02") == "A-3-02: A (motor burnt, fitter comes at 14:00)"
    put_back(run, "A")
    leaves(run, "A-3-02")
    assert run.violations == []


def test_a_closed_cell_is_neither_entered_nor_passed() -> None:
    run = full()
    take_out(run, "A-2@02")
    shut_in = [bay for bay in ("A-4-01", "A-4-02", "A-4-03", "A-4-04") if not may_fetch(run, bay)]
    assert "A-4-02" in shut_in
    for bay in {"A-4-03", "A-4-04"} - set(shut_in):
        leaves(run, bay)
    put_back(run, "A-2@02")
    assert run.violations == []


def may_fetch(run: GarageRun, bay: str) -> bool:
    module = run.run.controller.modules[ModuleId("A")]
    return module.against_bringing(run.memory, parse_bay(bay)) is None


def test_waiting_jobs_that_became_impossible_end_with_the_reason_and_the_rest_goes_on() -> None:
    run = full()
    first, lost, last = run.fetch(plate("A-1-01")), run.fetch(plate("A-4-01")), run.fetch(plate("A-4-04"))
    take_out(run, "A-2-02")
    run.wait_until(lambda: not run.job(lost).is_open)
    assert run.job(lost).state == "cancelled"
    assert run.job(lost).why == (Reason("unreachable", (("about", "A-4-01: A-2-02 (rope being replaced)"),)),)
    assert run.memory.parked[Plate(plate("A-4-01"))].bay == "A-4-01"
    assert run.see_through(first).state == "done"
    assert run.see_through(last).state == "done"
    assert run.violations == []


def test_a_job_under_way_is_given_up_before_its_pallet_comes_down() -> None:
    run = full()
    job = run.fetch(plate("A-4-01"))
    run.wait_until(lambda: run.job(job).state == "preparing" and bool(run.module().motions))
    take_out(run, "A-4-01")
    run.wait_until(lambda: not run.job(job).is_open)
    assert run.job(job).state == "cancelled"
    assert run.module().state == "ready"
    leaves(run, "A-4-04")
    assert run.violations == []


def test_a_new_car_is_never_put_where_it_could_not_come_out() -> None:
    layout = module_layout("A", COLUMNS)
    free = tuple(name for name in layout.bay_names if not name.startswith("A-1-"))
    run = full(layout, free)
    take_out(run, "A-2-02")
    module = run.run.controller.modules[ModuleId("A")]
    for number in range(8):
        reply = run.ask(RequestStorage(Plate(f"京N{number:04d}"), SEDAN, digest(f"京N{number:04d}", PIN)))
        if isinstance(reply, Refused):
            assert reply.reasons[0].code in (RefusalCode.GARAGE_FULL, RefusalCode.NO_FITTING_BAY)
            break
        job = JobId(reply.id)
        assert run.job(job).bay != "A-2-02"
        assert module.against_bringing(run.memory, parse_bay(run.job(job).bay)) is None
        run.see_through(job)
    else:
        raise AssertionError("more cars than places within reach")
    assert all(may_fetch(run, car.bay) for car in run.memory.parked.values())
    assert run.violations == []


def test_when_the_hoist_fails_below_a_parked_car_it_still_drives_off_the_lowered_pallet() -> None:
    run = full(free=("A-4-04",))
    job = run.store("京N0001", SEDAN)
    run.wait_until(lambda: run.job(job).session_state == "open")
    take_out(run, "A", "gearbox")
    assert run.see_through(job).state == "done"
    bay = run.memory.parked[Plate("京N0001")].bay
    assert bay == "A-4-04"
    assert run.plant().pallet(BayId(bay)).z_mm == 0
    leaves(run, "A-1-01")
    assert run.see_through(run.fetch("京N0001")).state == "done"
    assert run.module().state == "ready"
    put_back(run, "A")
    run.wait_until(lambda: run.plant().pallet(BayId(bay)).z_mm > 0)
    run.rest()
    leaves(run, "A-4-01")
    assert run.violations == []


def test_marks_survive_a_crash_and_a_snapshot() -> None:
    run = full()
    take_out(run, "A-3")
    take_out(run, "A-2-02", "bent")
    run.crash()
    run.ready()
    assert {part: mark.reason for part, mark in run.memory.out_of_service.items()} == {
        "A-3": "rope being replaced",
        "A-2-02": "bent",
    }
    assert Memory.from_state(run.memory.to_state()).out_of_service == run.memory.out_of_service
    assert "A-2-02 (bent)" in why_not(run, "A-2-02")
    put_back(run, "A-3")
    put_back(run, "A-2-02")
    leaves(run, "A-2-02")
    assert [type(event) for event in run.heard(PartTakenOut) + run.heard(PartPutBack)] == [PartTakenOut] * 2 + [
        PartPutBack
    ] * 2


def test_a_mark_is_refused_for_what_is_unknown_already_out_or_not_out() -> None:
    run = full(module_layout("A", COLUMNS, dead=("A-1-01",)))
    assert run.refuse(TakeOut("A-5", "operator", "?")) is RefusalCode.UNKNOWN_PART
    assert run.refuse(PutBack("A-9-01", "operator")) is RefusalCode.UNKNOWN_PART
    take_out(run, "A-3")
    assert run.refuse(TakeOut("A-3", "operator", "again")) is RefusalCode.PART_ALREADY_OUT
    assert run.refuse(TakeOut("A-1-01", "operator", "as configured")) is RefusalCode.PART_ALREADY_OUT
    assert run.refuse(PutBack("A-1-01", "operator")) is RefusalCode.PART_NOT_OUT
    put_back(run, "A-3")
    assert run.refuse(PutBack("A-3", "operator")) is RefusalCode.PART_NOT_OUT


def test_a_pallet_two_slides_from_its_shaft_is_brought_in_two_phases() -> None:
    """The left of level 2 must go right twice; a single docking does not exist."""
    layout = module_layout("A", 5, (2150, 2150, 2150), gaps=(1, 2, 0), blocked={1: (1, 2)})
    run = GarageRun(site_of(layout), {"A-2-01": "京A10001"})
    run.ready()
    assert run.see_through(run.fetch("京A10001")).state == "done"
    assert run.violations == []


def test_a_busy_day_with_a_dead_pallet_and_a_stuck_row_breaks_no_rule() -> None:
    # given a weekday of a small garage, a bent pallet in the morning and a row that jams at nine
    site = site_of(module_layout("A", 5), module_layout("B", 4))
    residents = initial_cars(site, 11, 22)
    trips = weekday_trips(site, 1, 11, 40, start_utc_ms=START_UTC_MS, parked=residents.parked)
    run = GarageRun(site, trips=trips, residents=residents, seed=11)
    run.ready()
    run.run.run_to(6 * HOUR_MS)
    take_out(run, "A-2-02", "bent")
    run.run.run_to(9 * HOUR_MS)
    take_out(run, "B-3", "chain off")
    # when the day goes on until the fitters have been
    run.run.run_to(15 * HOUR_MS)
    slid = {(slide.module, slide.mailbox) for slide in slides_since(run, 9 * HOUR_MS)}
    put_back(run, "A-2-02")
    put_back(run, "B-3")
    run.run.run_to(24 * HOUR_MS)
    # then nothing was damaged, no module had to be locked, and cars came and went all the time
    assert run.violations == []
    assert all(run.module(name).state == "ready" for name in ("A", "B"))
    assert not any(event.state == "locked" for event in run.heard(ModuleAdvanced) if isinstance(event, ModuleAdvanced))
    assert len(run.heard(CarLeft)) > 20
    assert ("B", 3) not in slid
    assert len(slid) > 2


def slides_since(run: GarageRun, after_ms: int) -> list[MotionRequested]:
    """Slides asked for after a plant time."""
    return [
        record.event
        for record in run.events
        if isinstance(record.event, MotionRequested)
        and record.event.opcode == Opcode.SLIDE
        and record.utc_ms > START_UTC_MS + after_ms
    ]


def test_a_queue_with_pallets_two_slides_away_is_served_to_its_end() -> None:
    layout = module_layout("A", 5, (2150, 2150, 2150), gaps=(1, 2, 0), blocked={1: (1, 2)})
    run = GarageRun(site_of(layout), {"A-2-01": "京A10001", "A-3-05": "京A10002", "A-2-03": "京A10004"})
    run.ready()
    jobs = [run.fetch(name) for name in ("京A10004", "京A10001", "京A10002")]
    run.wait_until(lambda: sum(run._clear_and_look(job) for job in jobs) == len(jobs))
    assert [run.job(job).state for job in jobs] == ["done"] * 3
    assert run.violations == []
