"""The fence of a simulation hears our code ask for clock, chance, sockets and threads, by whatever name."""

from __future__ import annotations

import random
import threading
import time

import pytest

from runtime.fence import WATCHED, fence


def call(module: str, source: str) -> None:
    """Run a line as if it stood in that module."""
    exec(compile(source, module, "exec"), {"__name__": module, "time": time, "random": random, "threading": threading})


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("time.monotonic()", "time.monotonic"),
        ("from time import time as now; now()", "time.time"),
        ("random.choice([1])", "random.choice"),
        ("import uuid; uuid.uuid4()", "uuid.uuid4"),
        ("import socket; socket.socket().close()", "socket.__init__"),
        ("threading.Thread(target=int).start()", "Thread.start"),
    ],
)
def test_our_modules_are_heard(source: str, told: str) -> None:
    with fence() as heard:
        call("sim.naughty", source)
    assert heard == [f"sim.naughty {told}"]


def test_libraries_and_seeded_draws_are_not() -> None:
    with fence() as heard:
        call("sqlalchemy.pool", "time.time()")
        call("sim.streams", "random.Random(7).random()")
        call("runtime.campaign", "time.perf_counter()")
    assert heard == []


def test_afterwards_everything_is_as_before() -> None:
    before = [getattr(owner, name) for owner, name in WATCHED]
    with fence():
        assert [getattr(owner, name) for owner, name in WATCHED] != before
    assert [getattr(owner, name) for owner, name in WATCHED] == before
