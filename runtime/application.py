"""The garage as one program: journal, controller, links, HTTP, and (if asked) a simulated plant beside it.

Decides the order of starting and stopping. Stopping parks the plant first: the heartbeat goes, then
the event streams, then the HTTP side, then the last facts are made durable.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import uvicorn
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from api.application import create_app
from api.settings import Role, Settings, Token, token_digest
from billing import ledger
from controller.memory import Memory
from controller.step import Controller
from domain.events import Recorded
from domain.ids import BayId
from runtime.anchor_keeper import AnchorKeeper
from runtime.anchors import DailyAnchor
from runtime.clock import ScaledClock, at_speed
from runtime.config import Config, ConfigError, ConfigProblem, Endpoint, Links, Place, read_tokens
from runtime.database import open_database
from runtime.garage import RunningGarage
from runtime.http_server import HttpServer
from runtime.journal import Journal
from runtime.journal_writer import JournalWriter
from runtime.plant_process import TOKEN_VARIABLE, PlantStart
from runtime.realtime import SILENT, Anchors, RealtimeRunner, keep_anchor
from runtime.simulation import with_permits
from runtime.users import UserBook
from runtime.virtual import expected_identities, register_residents
from runtime.wires import Wires
from sim.plant import CarBody
from sim.scenario import Residents, initial_cars

log = logging.getLogger("garage")

PLANT_START_S = 20.0
PLANT_STOP_S = 2.0
HTTP_STOP_S = 1
PEOPLE_READ_S = 5.0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How the program is run."""

    config_path: Path
    simulate: bool = False
    traffic: bool = True
    speed: float = 1.0
    free_bays: tuple[BayId, ...] = ()
    """Not empty: at the first start every bay but these has a car."""


class PlantDied(RuntimeError):
    """The plant process did not start."""


async def run(config: Config, options: RunOptions, announce: Callable[[str, str], None]) -> None:
    """Run the garage until SIGINT or SIGTERM; everything is stopped and durable when this returns."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    tokens = read_tokens(config)
    service_token = tokens.pop(Role.SERVICE, None) or secrets.token_urlsafe(24)
    if options.simulate:
        # A newcomer has no tokens yet; a simulated garage makes them up and says so.
        for role in (Role.OPERATOR, Role.COMMITTEE):
            if role not in tokens:
                tokens[role] = secrets.token_urlsafe(12)
                announce(f"{role} token for this run: {tokens[role]}", "")
    engine = open_database(config.database_url)
    permits = config.permits
    if options.simulate:
        permits = with_permits(permits, first_residents(config, options.free_bays).pins)
    poster = partial(ledger.post, book=config.tariffs, permits=permits)
    journal = Journal(engine, poster)
    memory = load_memory(journal)
    clock = ScaledClock(options.speed)
    pin_key = read_pin_key(config.database_url)
    start = _plant_start(config, options, journal, memory, pin_key, clock) if options.simulate else None
    site = at_speed(config.site, options.speed)
    controller = Controller(site, expected_identities(site), memory)
    garage = RunningGarage(controller, engine, pin_key, speed=options.speed, simulated=options.simulate)
    people = UserBook(engine)
    people.refresh()
    app = create_app(garage, _settings(tokens, service_token), people)
    server = HttpServer(
        uvicorn.Config(
            app,
            host=config.api.host,
            port=config.api.port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=HTTP_STOP_S,
        )
    )
    writer = JournalWriter(journal)
    daily = DailyAnchor(config.anchor_file, site.utc_offset_minutes)
    anchors = Anchors(AnchorKeeper(journal, config.plc_anchor_ms), daily)
    socket = server.config.bind_socket()
    url = f"http://{config.api.host}:{socket.getsockname()[1]}"
    try:
        async with _plant(config, options, start, url, service_token) as (links, send_home):
            scan_s = max(0.02, config.scan_ms / 1000 / max(1.0, options.speed))
            async with Wires(site, links, clock.mono_ms, options.speed) as wires:
                garage.wire_statistics = wires.statistics
                runner = RealtimeRunner(controller, garage, wires, writer, clock, anchors)
                serving = asyncio.create_task(server.serve(sockets=[socket]))
                scanning = asyncio.create_task(runner.run(scan_s, stop))
                knowing = asyncio.create_task(_know_people(people))
                announce(f"the garage is open: {url}  (kiosk: {url}/kiosk, stop with Ctrl-C)", url)
                await asyncio.wait({serving, scanning}, return_when=asyncio.FIRST_COMPLETED)
                stop.set()
                wires.send(SILENT)
                send_home()
                garage.shutting_down.set()
                server.should_exit = True
                await asyncio.gather(serving, scanning)
                knowing.cancel()
    finally:
        writer.close()
        keep_anchor(daily, writer.head, clock.moment().utc_ms)
        journal.close()
        engine.dispose()


async def _know_people(people: UserBook) -> None:
    """Hear of people who were added or removed beside the running garage, until cancelled."""
    while True:
        await asyncio.sleep(PEOPLE_READ_S)
        try:
            await asyncio.to_thread(people.refresh)
        except SQLAlchemyError as error:
            log.warning("the list of people cannot be read now: %s", error)


def load_memory(journal: Journal) -> Memory:
    """What the garage knew when it last stopped, however it stopped."""
    snapshot, events = journal.load()
    memory = Memory.from_state(snapshot.state) if snapshot is not None else Memory()
    return memory.replay(events)


def read_pin_key(database_url: str) -> bytes:
    """The key of the PIN digests: beside the database, made at the first start, readable by its owner only."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return _pin_key_of_environment(url.get_backend_name())
    path = Path(str(url.database)).with_suffix(".pin-key")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
    return path.read_bytes()


def _pin_key_of_environment(backend: str) -> bytes:
    """Without a file beside it, a lasting database needs a lasting key: a new one would make every PIN wrong."""
    text = os.environ.get("GARAGE_PIN_KEY")
    if text is None and backend == "sqlite":
        return secrets.token_bytes(32)
    try:
        return bytes.fromhex(text or "")[:32] or _no_pin_key()
    except ValueError:
        return _no_pin_key()


def _no_pin_key() -> NoReturn:
    reason = "is missing or not hexadecimal: set it to 64 hex digits and keep it, PINs depend on it"
    raise ConfigError([ConfigProblem(Place("environment"), "GARAGE_PIN_KEY", reason)])


def _settings(tokens: dict[str, str], service_token: str) -> Settings:
    known = [Token(role, Role(role), token_digest(token)) for role, token in tokens.items()]
    known.append(Token("simulated drivers", Role.SERVICE, token_digest(service_token)))
    return Settings(tokens=tuple(known), version=version("garage-controller"))


def _plant_start(
    config: Config, options: RunOptions, journal: Journal, memory: Memory, pin_key: bytes, clock: ScaledClock
) -> PlantStart:
    """At the first start residents' cars are parked and entered; later the plant follows the journal."""
    residents = first_residents(config, options.free_bays)
    if memory.seq == 0:
        recorded: list[Recorded] = register_residents(memory, residents, pin_key, clock.moment().utc_ms)
        journal.append(recorded)
    cars = {car.bay: CarBody(car.plate, car.vehicle) for car in memory.parked.values()}
    return PlantStart(cars, residents, restarts=memory.seq)


def first_residents(config: Config, free_bays: tuple[BayId, ...] = ()) -> Residents:
    """Whose cars are parked at the very first start of a simulated garage."""
    count = config.site.bay_count if free_bays else config.simulation.cars
    residents = initial_cars(config.site, config.simulation.seed, count)
    return Residents({bay: home for bay, home in residents.households.items() if bay not in free_bays})


@asynccontextmanager
async def _plant(
    config: Config, options: RunOptions, start: PlantStart | None, url: str, token: str
) -> AsyncIterator[tuple[Links, Callable[[], None]]]:
    """The links to use, and how to send a simulated plant home early.

    The configured links, or those of a plant process that lives as long as this block.
    """
    if start is None:
        yield config.links, lambda: None
        return
    with tempfile.TemporaryDirectory(prefix="garage-plant-") as folder:
        path = Path(folder) / "start.json"
        path.write_text(start.to_json(), encoding="utf-8")
        command = [sys.executable, "-m", "runtime.cli", "serve-plant", "--config", str(options.config_path)]
        command += ["--start", str(path), "--speed", str(options.speed), "--api", url, "--ends-with-stdin"]
        command += ["--plc-port", "0", "--wallbox-port", "0"]
        command += [] if options.traffic else ["--no-traffic"]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, TOKEN_VARIABLE: token},
            start_new_session=True,
        )
        assert process.stdin is not None
        try:
            yield _at_ports(config.links, await _ports(process)), process.stdin.close
        finally:
            await _end(process)


async def _ports(process: asyncio.subprocess.Process) -> dict[str, int]:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), PLANT_START_S)
        ports: dict[str, int] = json.loads(line)
    except (TimeoutError, ValueError) as error:
        raise PlantDied("the simulated plant did not start") from error
    return ports


def _at_ports(links: Links, ports: dict[str, int]) -> Links:
    def moved(endpoint: Endpoint, port: int) -> Endpoint:
        return replace(endpoint, host="127.0.0.1", port=port)

    return Links(
        {name: moved(endpoint, ports["plc_port"]) for name, endpoint in links.modules.items()},
        {name: moved(endpoint, ports["wallbox_port"]) for name, endpoint in links.spots.items()},
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), PLANT_STOP_S)
    except TimeoutError:
        log.warning("the simulated plant did not stop by itself")
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
