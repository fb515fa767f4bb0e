"""`garagectl demo`: both processes, real Modbus, real HTTP, one car through every level, and one charged.

Decides what is shown and what counts as shown. Behaves as a newcomer at the kiosk would: asks over
HTTP, waits for the gate, lets the simulated car drive, presses clear.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from domain.ids import BayId
from domain.site import Site

START_S = 30.0
JOB_S = 60.0
POLL_S = 0.1
CHARGE_WH_WANTED = 200
LEVELS_SHOWN = (1, 2, 3, 4)

Say = Callable[[str], None]


class DemoFailed(RuntimeError):
    """Something that should have happened did not, in time."""


@dataclass(frozen=True, slots=True)
class Car:
    """A visitor of the demonstration."""

    plate: str
    pin: str


@dataclass(frozen=True, slots=True)
class Running:
    """A garage that was started for a while: its address, process, and how long until it was ready."""

    url: str
    pid: int
    ready_s: float


def free_bays(site: Site) -> tuple[BayId, ...]:
    """One bay per module, on different levels from the ground up as far as there are modules."""
    bays = []
    for number, layout in enumerate(site.modules):
        level = min(LEVELS_SHOWN[number % len(LEVELS_SHOWN)], len(layout.levels))
        of_level = [ref for ref in layout.bays if ref.level == level]
        bays.append(of_level[len(of_level) // 2].name)
    return tuple(bays)


@contextmanager
def running_garage(config: Path, site: Site, speed: float, say: Say) -> Iterator[Running]:
    """A garage on free ports for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="garage-demo-") as folder:
        command = [sys.executable, "-m", "runtime.cli", "run", "--simulate", "--no-traffic", "--config", str(config)]
        command += ["--speed", str(speed), "--port", "0", "--database", f"sqlite:///{folder}/garage.db"]
        command += ["--announce-json"]
        for bay in free_bays(site):
            command += ["--free-bay", bay]
        begun_s = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        try:
            url = _address(process)
            ready_s = _wait_ready(url, begun_s)
            say(f"garage ready at {url} after {ready_s:.1f} s")
            yield Running(url, process.pid, ready_s)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            return str(json.loads(line)["url"])
    raise DemoFailed("the garage did not start")


def _wait_ready(url: str, begun_s: float) -> float:
    with httpx2.Client(base_url=url, trust_env=False) as client:
        while time.monotonic() - begun_s < START_S:
            try:
                answer = client.get("/health/ready").json()
            except httpx2.HTTPError:
                answer = {}
            if answer.get("ready"):
                view = client.get("/api/v1/garage").json()
                # The demonstration uses every module and a charger, so it waits for all of them.
                modules_up = all(module["state"] == "ready" for module in view["modules"])
                if modules_up and any(spot["state"] == "Available" for spot in view["spots"]):
                    return time.monotonic() - begun_s
            time.sleep(POLL_S)
    raise DemoFailed(f"the garage was not ready within {START_S:.0f} s")


def run_once(config: Path, site: Site, speed: float, say: Say) -> dict[str, Any]:
    """One round: a car in and out of every module, one car charged; the report of it."""
    with (
        running_garage(config, site, speed, say) as garage,
        httpx2.Client(base_url=garage.url, trust_env=False, timeout=10.0) as client,
    ):
        charging = _post(client, "/api/v1/charging-sessions", {"plate": "京D00001", "pin": "000001"})
        cars = [Car(f"京Z{number:05d}", f"{number:06d}") for number in range(1, len(site.modules) + 1)]
        stored = [_post(client, "/api/v1/storages", _storage(car)) for car in cars]
        jobs = _see_through(client, stored, say)
        fetched = [_post(client, "/api/v1/retrievals", {"plate": c.plate, "pin": c.pin}) for c in cars]
        jobs += _see_through(client, fetched, say)
        charged = _finish_charging(client, charging, say)
        wire = client.get("/health/live").json()["wire"]
    levels = {job["level"] for job in jobs}
    ok = len(jobs) == 2 * len(site.modules) and charged["energy_wh"] > 0 and len(levels) >= min(3, len(site.modules))
    return {
        "ok": ok and all(job["state"] == "done" for job in jobs),
        "speed": speed,
        "ready_s": round(garage.ready_s, 1),
        "jobs": [{key: job[key] for key in ("job", "kind", "bay", "level", "wait_s", "fee_fen")} for job in jobs],
        "charging": charged,
        "wire": {"frames": wire["frames"], "errors": wire["errors"]},
    }


def _storage(car: Car) -> dict[str, Any]:
    return {"plate": car.plate, "vehicle_class": "Z", "pin": car.pin}


def _post(client: httpx2.Client, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
    answer = client.post(path, json=body)
    result: dict[str, Any] = answer.json()
    if not answer.is_success:
        raise DemoFailed(f"POST {path}: {answer.status_code} {result}")
    return result


def _see_through(client: httpx2.Client, started: list[dict[str, Any]], say: Say) -> list[dict[str, Any]]:
    """Accompany jobs until all have ended: press clear whenever the sensors let us."""
    waiting = {job["job"]: job for job in started}
    ended = []
    deadline_s = time.monotonic() + JOB_S
    while waiting:
        if time.monotonic() > deadline_s:
            raise DemoFailed(f"jobs did not end within {JOB_S:.0f} s: {', '.join(waiting)}")
        for name in list(waiting):
            job = client.get(f"/api/v1/jobs/{name}").json()
            if job["session_state"] == "open":
                # Refused while somebody is still inside; that is how one finds out when they are not.
                client.post(f"/api/v1/jobs/{name}/clear")
            if job["ended_utc_ms"] is not None:
                say(f"{job['kind']:9s} {job['bay']} level {job['level']}: waited {job['wait_s']} s for the gate")
                ended.append(job)
                del waiting[name]
        time.sleep(POLL_S)
    return ended


def _finish_charging(client: httpx2.Client, started: Mapping[str, Any], say: Say) -> dict[str, Any]:
    path = f"/api/v1/charging-sessions/{started['charging']}"
    deadline_s = time.monotonic() + JOB_S
    while client.get(path).json()["energy_wh"] < CHARGE_WH_WANTED:
        if time.monotonic() > deadline_s:
            raise DemoFailed("the car did not charge")
        time.sleep(POLL_S)
    _post(client, f"{path}/stop", {"pin": "000001"})
    session = client.get(path).json()
    say(f"charged at {session['spot']}: {session['energy_wh']} Wh")
    return {"spot": session["spot"], "energy_wh": session["energy_wh"], "fee_fen": session["fee_fen"]}


def resident_memory_mb(pid: int) -> float:
    """Resident memory of a process in MB, from the kernel's own table."""
    text = Path(f"/proc/{pid}/statm").read_text(encoding="ascii")
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
