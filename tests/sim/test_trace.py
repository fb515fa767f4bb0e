"""The trace: its wording, its order, and that a stranger can check it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from domain.machine import HookKind, SlideMode
from domain.outputs import GATE, Opcode
from domain.site import Site
from domain.vehicle import VEHICLE_CLASSES
from sim.battery import Battery
from sim.plant import CarBody
from sim.rig import Rig
from sim.trace import TraceWriter
from tests.sim.day import scripted_day
from tests.sim.driver import Driver
from tests.sites import default_site, small_site
from tests.trace_checker import check


def traced(site: Site) -> tuple[Driver, io.StringIO]:
    file = io.StringIO()
    driver = Driver(Rig(site, trace=TraceWriter(file), seed=7))
    driver.wait(100)
    return driver, file


def rows_of(file: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.getvalue().splitlines()]


def test_the_header_reads_as_documented_and_every_pallet_follows() -> None:
    _, file = traced(default_site())
    lines = file.getvalue().splitlines()
    assert lines[0].startswith(
        '{"type":"header","version":1,"seed":7,"modules":[{"id":"A","levels":4,"columns":10,"pitch_mm":2400,'
        '"pallet_width_mm":2300,"level_z_mm":[0,2150,3850,5550]}'
    )
    assert lines[0].endswith('],"site_limit_w":60000}')
    assert len(lines) == 1 + 140
    assert lines[1 + 9 + 2] == (
        '{"type":"pallet","t_ms":0,"module":"A","pallet":"A-2-03","level":2,"x_mm":4800.0,"z_mm":2150.0,'
        '"motion":"still","loaded":false,"hook":"closed"}'
    )


def test_a_slide_has_a_line_for_each_segment() -> None:
    driver, file = traced(small_site())
    driver.done(1, Opcode.SLIDE, 2, 3)
    rows = [row for row in rows_of(file) if row["type"] == "pallet"][5:]
    end = 120 + driver.rig.site.machine.slide_ms(2400)
    assert [(row["t_ms"], row["motion"]) for row in rows] == [
        (120, "slide"),
        (620, "slide"),
        (end - 500, "slide"),
        (end, "still"),
    ]
    assert [row["x_mm"] for row in rows][::3] == [2400.0, 4800.0]


def test_power_is_told_whenever_it_changes() -> None:
    driver, file = traced(default_site())
    driver.post(1, Opcode.SLIDE, 9, 10)
    spot = next(iter(driver.rig.plant.spots.values()))
    spot.plug_in(Battery(50_000, 5_000, 7040), driver.rig.now_ms)
    spot.set_allowed_da(100, driver.rig.now_ms)
    driver.finish(1)
    power = [(row["motors_w"], row["chargers_w"]) for row in rows_of(file) if row["type"] == "power"]
    assert power == [(0, 2200), (400, 2200), (0, 2200)]


def test_the_same_story_gives_the_same_trace() -> None:
    def tell() -> str:
        driver, file = traced(default_site())
        driver.bring_down("A-3-05")
        return file.getvalue()

    assert tell() == tell()


@pytest.mark.parametrize("kind", list(HookKind))
@pytest.mark.parametrize("mode", [SlideMode.PARALLEL, SlideMode.ROW])
def test_a_stranger_finds_nothing_wrong_with_a_scripted_run(kind: HookKind, mode: SlideMode) -> None:
    driver, file = traced(default_site(hook_kind=kind))
    other = Driver(driver.rig, "D")
    for bay in ("A-2-04", "A-4-10", "A-3-01"):
        other.post(1, Opcode.SLIDE, 1 if other.gap(1) == 9 else 9, other.gap(1))
        driver.bring_down(bay)
        driver.done(GATE, Opcode.GATE_OPEN)
        name = driver.layout.bay_names[[str(b) for b in driver.layout.bay_names].index(bay)]
        driver.plant.drive_in(name, CarBody(f"京{bay}", VEHICLE_CLASSES["X"]), driver.rig.now_ms + 2000, 20_000)
        driver.wait(25_000)
        driver.done(GATE, Opcode.GATE_CLOSE)
        driver.post(int(bay[2]), Opcode.RAISE, int(bay[-2:]))
        driver.wait(9000)
        driver.plant.press_estop()
        driver.finish(int(bay[2]))
        driver.plant.release_estop()
        driver.done(GATE, Opcode.RESET)
        driver.bring_home(bay)
    assert driver.rig.oracle.violations == []
    assert check(file.getvalue().splitlines()) == []
    kinds = [row["type"] for row in rows_of(file)]
    assert kinds.count("gate") == 12
    assert kinds.count("zone") == 9


def test_a_stranger_finds_nothing_wrong_with_a_whole_day_and_the_oracle_neither() -> None:
    file = io.StringIO()
    rig = scripted_day(TraceWriter(file), jobs=110)
    assert rig.oracle.violations == []
    lines = file.getvalue().splitlines()
    assert len(lines) > 3000
    assert check(lines) == []


FORGERIES = [
    ('"t_ms":24000', '"t_ms":1', "time goes back"),
    ('"motion":"slide"', '"motion":"still"', "without sliding"),
    ('"motion":"lift"', '"motion":"still"', "without lifting"),
    ('"hook":"open"', '"hook":"closed"', "below home with its hook closed"),
    ('"pallet":"A-2-03","level":2,"x_mm":4800.0', '"pallet":"A-2-03","level":2,"x_mm":2400.0', "share space"),
    ('"site_limit_w":60000', '"site_limit_w":5000', "power over the limit"),
    ('"version":1', '"version":2', "no header"),
]


@pytest.mark.parametrize(("true", "false", "complaint"), FORGERIES)
def test_a_stranger_notices_a_forged_trace(true: str, false: str, complaint: str) -> None:
    driver, file = traced(small_site())
    driver.done(1, Opcode.SLIDE, 2, 3)
    driver.done(2, Opcode.LOWER, 2)
    end = driver.rig.now_ms
    driver.wait(24_000 + 20 - end % 20)
    text = file.getvalue() + '{"type":"power","t_ms":24000,"motors_w":0,"chargers_w":0}\n' * ("t_ms" in true)
    assert true in text
    found = check(text.replace(true, false).splitlines())
    assert any(complaint in line for line in found), found


def test_a_stranger_notices_motion_in_front_of_people() -> None:
    driver, file = traced(small_site())
    driver.done(GATE, Opcode.GATE_OPEN)
    driver.plant.start_slide(1, 3, driver.rig.now_ms)
    driver.wait(1000)
    assert any("unsafe" in line for line in check(file.getvalue().splitlines()))


def test_a_stranger_notices_two_pallets_out_of_their_cells() -> None:
    driver, file = traced(small_site())
    for offset in (2, 3):
        driver.plant.hook(offset, True, driver.rig.now_ms)
    driver.wait(3000)
    assert any("out of their cells at once" in line for line in check(file.getvalue().splitlines()))
