"""What drivers are told, and what a bay would cost."""

from __future__ import annotations

from domain.commands import ConfirmModule, ResetFaults
from domain.events import JobEstimated, MotionRequested
from domain.ids import ModuleId, Plate
from domain.outputs import Opcode
from domain.reasons import tell
from tests.garage_run import SEDAN, GarageRun
from tests.sites import default_site, small_site


def test_who_asks_is_told_how_long_it_takes_and_it_takes_so_long() -> None:
    garage = GarageRun(small_site(), {"A-2-02": "京A00001", "A-1-01": "京A00002"})
    garage.ready()
    first = garage.fetch("京A00001")
    second = garage.fetch("京A00002")
    told = {event.job: event for event in garage.heard(JobEstimated) if isinstance(event, JobEstimated)}
    assert told[garage.job(first).id].ahead == 0
    assert told[garage.job(second).id].ahead == 1
    for name in (first, second):
        job = garage.see_through(name)
        low_ms, _, high_ms = job.estimate_ms or (0, 0, 0)
        assert job.opened_utc_ms is not None
        assert low_ms <= job.opened_utc_ms - job.estimated_utc_ms <= high_ms
    assert garage.memory.calibration.scores[0] != ()


def test_a_driver_on_the_ground_level_is_served_before_the_pallet_above_goes_home() -> None:
    garage = GarageRun(small_site(), {"A-2-02": "京A00001", "A-1-01": "京A00002"})
    garage.ready()
    first = garage.fetch("京A00001")
    garage.wait_until(lambda: garage.job(first).session_state == "open")
    second = garage.fetch("京A00002")
    garage.see_through(first)
    garage.see_through(second)
    garage.rest()
    moves = [e for e in garage.heard(MotionRequested) if isinstance(e, MotionRequested)]
    raised = next(at for at, move in enumerate(moves) if move.opcode == Opcode.RAISE)
    opened = [at for at, move in enumerate(moves) if move.opcode == Opcode.GATE_OPEN]
    assert opened[1] < raised
    assert garage.violations == []


def test_a_higher_bay_costs_more_and_a_busy_module_too() -> None:
    garage = GarageRun(default_site(), {f"A-4-{n:02d}": f"京A0000{n}" for n in range(1, 9)})
    garage.ready()
    costs = garage.run.controller.bay_costs(SEDAN, Plate("京B00001"), 450)
    assert len(costs) == 140 - 8
    by_bay = {cost.bay: cost.wait_ms for cost in costs}
    assert by_bay[min(by_bay)] < by_bay[max(bay for bay in by_bay if bay.startswith("A-3"))]
    assert [cost.wait_ms for cost in costs] == sorted(by_bay.values())
    assert "07:30" in tell(costs[0].why, "en")
    emptier = garage.run.controller.bay_costs(SEDAN, Plate("京B00001"))
    assert len(emptier) == len(costs)


def test_nobody_is_told_a_time_while_the_module_stands_still() -> None:
    garage = GarageRun(small_site(), {"A-2-02": "京A00001", "A-1-01": "京A00002"})
    garage.ready()
    names = [garage.fetch("京A00001"), garage.fetch("京A00002")]
    garage.wait(5000)
    controller = garage.run.controller
    assert all(controller.estimate(garage.job(name)) is not None for name in names)
    garage.plant().press_estop()
    garage.wait(60_000)
    assert garage.module().state == "locked"
    assert [controller.estimate(garage.job(name)) for name in names] == [None, None]
    garage.plant().release_estop()
    garage.accept(ResetFaults(ModuleId("A"), "Wang"))
    garage.wait(1000)
    garage.accept(ConfirmModule(ModuleId("A"), "Wang"))
    garage.wait(1000)
    assert all(controller.estimate(garage.job(name)) is not None for name in names)
