"""A scripted weekday over the default garage, driven through registers; as a program it measures itself."""

from __future__ import annotations

import random
import time

from domain.outputs import GATE, Opcode
from domain.vehicle import VEHICLE_CLASSES
from sim.plant import CarBody
from sim.rig import Rig
from sim.trace import TraceWriter
from tests.sim.driver import Driver
from tests.sites import default_site

DAY_MS = 86_400_000
JOBS = 220
SEDAN = VEHICLE_CLASSES["Z"]


def scripted_day(trace: TraceWriter | None = None, seed: int = 1, jobs: int = JOBS) -> Rig:
    """110 cars out and 110 in, more or less, one job after the other in any module, until midnight."""
    site = default_site()
    chance = random.Random(seed)
    bays = [name for layout in site.modules for name in layout.bay_names]
    rig = Rig(site, {bay: CarBody(f"京{bay}", SEDAN) for bay in bays if chance.random() < 0.8}, trace, seed)
    drivers = [Driver(rig, layout.id) for layout in site.modules]
    rig.run_to(1000, fed=True)
    for job in range(jobs):
        driver = chance.choice(drivers)
        bay = chance.choice(driver.layout.bay_names)
        upper = driver.plant.pallet(bay).level > 1
        if upper:
            driver.bring_down(bay)
        driver.done(GATE, Opcode.GATE_OPEN)
        if driver.plant.pallet(bay).car is not None:
            driver.plant.drive_out(bay, rig.now_ms + 5000, 40_000)
        else:
            driver.plant.drive_in(bay, CarBody(f"京N{job:04d}", SEDAN), rig.now_ms + 5000, 60_000)
        driver.wait(70_000)
        driver.done(GATE, Opcode.GATE_CLOSE)
        if upper:
            driver.bring_home(bay)
        driver.wait(DAY_MS // JOBS // 4)
    rig.run_to(max(DAY_MS, rig.now_ms), fed=True)
    return rig


if __name__ == "__main__":
    started = time.process_time()
    day = scripted_day()
    spent = time.process_time() - started
    print(f"{day.now_ms / 1000:.0f} s simulated in {spent:.2f} s of CPU: {day.now_ms / 1000 / spent:.0f} x real time")
