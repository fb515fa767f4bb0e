"""The simulated plant as a process of its own: rig on the wall clock, Modbus servers, and its people.

Decides how the rig follows the clock and how the process starts and ends. The garage's controller
reaches it only through Modbus, its people reach the garage only through HTTP.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from domain.ids import BayId, Plate
from domain.site import Site
from domain.vehicle import Vehicle
from plc.device import RegisterDevice
from runtime.clock import ScaledClock
from runtime.config import Config
from sim.demand import Trip
from sim.desk_http import HttpDesk, service_client
from sim.modbus_server import RegisterServer, serve
from sim.neighbours import steady_trips
from sim.people import Crowd
from sim.plant import CarBody
from sim.rig import Rig
from sim.scenario import Residents

TOKEN_VARIABLE = "GARAGE_SERVICE_TOKEN"
TURN_S = 0.02
WATCHDOG_MS = 1000


@dataclass(frozen=True, slots=True)
class PlantStart:
    """What the plant looks like at its time 0: cars in bays, and the households who live there."""

    cars: dict[BayId, CarBody] = field(default_factory=dict)
    residents: Residents = field(default_factory=lambda: Residents({}))
    restarts: int = 0

    def to_json(self) -> str:
        """For the file that the plant process reads."""
        cars = [{"bay": bay, "plate": car.plate, "vehicle": asdict(car.vehicle)} for bay, car in self.cars.items()]
        return json.dumps({"cars": cars, "residents": self.residents.to_dict(), "restarts": self.restarts})

    @staticmethod
    def from_json(text: str) -> PlantStart:
        """What `to_json` wrote."""
        data = json.loads(text)
        cars = {BayId(row["bay"]): CarBody(Plate(row["plate"]), Vehicle(**row["vehicle"])) for row in data["cars"]}
        return PlantStart(cars, Residents.from_dict(data["residents"]), data["restarts"])

    def pins(self) -> dict[Plate, str]:
        """PINs of those residents whose cars are in the garage."""
        inside = {car.plate for car in self.cars.values()}
        return {plate: pin for plate, pin in self.residents.pins.items() if plate in inside}


@dataclass(frozen=True, slots=True)
class PlantOptions:
    """How a plant process is run; port 0 takes any free port."""

    host: str = "127.0.0.1"
    plc_port: int = 0
    wallbox_port: int = 0
    speed: float = 1.0
    api_url: str | None = None
    traffic: bool = True
    ends_with_stdin: bool = False


class PlantProcess:
    """A rig that follows the wall clock and answers on two sockets: module PLCs and wallboxes."""

    def __init__(self, config: Config, start: PlantStart, options: PlantOptions) -> None:
        self._config = config
        self._start = start
        self._options = options
        self._clock = ScaledClock(options.speed)
        site: Site = config.site
        self.rig = Rig(site, start.cars, watchdog_ms=round(WATCHDOG_MS * max(1.0, options.speed)))

    def now_ms(self) -> int:
        """Plant time, with everything up to it done."""
        self.catch_up()
        return self.rig.now_ms

    def catch_up(self) -> None:
        """Bring the rig up to the wall clock."""
        self.rig.run_to(self._clock.mono_ms(), fed=False)

    async def run(self, stop: asyncio.Event, ready: Callable[[RegisterServer, RegisterServer], None]) -> None:
        """Serve until `stop` is set."""
        options, links = self._options, self._config.links
        modules: dict[int, RegisterDevice] = {
            links.modules[layout.id].device_id: self.rig.device(layout.id) for layout in self._config.site.modules
        }
        spots: dict[int, RegisterDevice] = {
            links.spots[spec.id].device_id: self.rig.device(spec.id) for spec in self._config.site.spots
        }
        plcs = await serve(modules, options.host, options.plc_port, self.catch_up)
        wallboxes = await serve(spots, options.host, options.wallbox_port, self.catch_up)
        ready(plcs, wallboxes)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._turn(stop))
                if options.api_url is not None:
                    tasks.create_task(self._people(stop, options.api_url))
        finally:
            await plcs.shutdown()
            await wallboxes.shutdown()

    async def _turn(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self.catch_up()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TURN_S)

    async def _people(self, stop: asyncio.Event, api_url: str) -> None:
        trips: Iterable[Trip] = ()
        seed, start = self._config.simulation.seed, self._start
        if self._options.traffic:
            trips = steady_trips(self._config.site, seed, self._inside(), start.restarts)
        crowd = Crowd(self.rig, trips, seed, parked=start.pins())
        poll_s = min(0.3, max(0.05, 0.3 / self._options.speed))
        async with service_client(api_url, os.environ[TOKEN_VARIABLE]) as client:
            desk = HttpDesk(client, crowd, self.now_ms, run_name=f"plant-{secrets.token_hex(8)}", poll_s=poll_s)
            await desk.run(stop)

    def _inside(self) -> dict[Plate, Any]:
        pins = self._start.pins()
        return {plate: home for plate, home in self._start.residents.parked.items() if plate in pins}


async def serve_plant(config: Config, start: PlantStart, options: PlantOptions) -> None:
    """Run a plant process until a signal, or the end of standard input, tells it to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    if options.ends_with_stdin:
        # A parent that dies, however suddenly, closes this pipe: no plant outlives its garage.
        loop.add_reader(sys.stdin.fileno(), _on_stdin, stop)
    process = PlantProcess(config, start, options)

    def ready(plcs: RegisterServer, wallboxes: RegisterServer) -> None:
        print(json.dumps({"plc_port": plcs.port, "wallbox_port": wallboxes.port}), flush=True)

    await process.run(stop, ready)


def _on_stdin(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def read_start(path: Path) -> PlantStart:
    """The start that a parent process wrote."""
    return PlantStart.from_json(path.read_text(encoding="utf-8"))
