"""The real program in processes of its own, for tests that go the way a user goes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[1]
START_S = 40.0
OPERATOR_TOKEN = "operator-token-of-the-tests"
SERVICE_TOKEN = "service-token-of-the-tests"


def garagectl(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "runtime.cli", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=110, check=False
    )


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Program:
    """A running `garagectl`, and a client for its HTTP side if it has one."""

    process: subprocess.Popen[str]
    url: str = ""

    def get(self, path: str, **headers: str) -> Any:
        return httpx2.get(self.url + path, headers=headers, trust_env=False).json()

    def post(self, path: str, body: Mapping[str, Any] | None = None, token: str = "") -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx2.post(self.url + path, json=body, headers=headers, trust_env=False)

    def wait(self, there: Callable[[], bool], timeout_s: float = START_S) -> None:
        deadline_s = time.monotonic() + timeout_s
        while True:
            try:
                if there():
                    return
            except httpx2.HTTPError:
                assert self.process.poll() is None, "the program has ended"
            assert time.monotonic() < deadline_s, "it did not happen in time"
            time.sleep(0.05)

    def wait_ready(self) -> None:
        self.wait(lambda: bool(self.get("/health/ready")["ready"]))

    def interrupt(self) -> float:
        """Ctrl-C; seconds until the end."""
        begun_s = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        return time.monotonic() - begun_s


@contextmanager
def started(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Program]:
    """A `garagectl` that goes on until the block ends; it prints one JSON line when it is up."""
    command = [sys.executable, "-m", "runtime.cli", *arguments]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = next((line for line in process.stdout if line.startswith("{")), "{}")
        yield Program(process, json.loads(line).get("url", ""))
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        process.stdout.close()


@contextmanager
def simulated(tmp_path: Path, *arguments: str, speed: float = 20) -> Iterator[Program]:
    """`run --simulate` on a free port with a database of its own, ready for jobs."""
    options = ["--speed", str(speed), "--port", "0", "--database", f"sqlite:///{tmp_path}/garage.db"]
    with started("run", "--simulate", "--announce-json", *options, *arguments) as program:
        program.wait_ready()
        yield program
