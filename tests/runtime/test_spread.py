"""Tasks spread over processes and over a real Dask scheduler come back whole and in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from runtime.spread import SpreadUnavailable, spread

DASK_QUIET = {**os.environ, "DASK_DISTRIBUTED__DASHBOARD__LINK": "", "PYTHONUNBUFFERED": "1"}


def squared(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


_running: list[int] = []


def overlapping(number: int) -> bool:
    """Whether another task runs in this process meanwhile."""
    _running.append(number)
    Event().wait(0.05)
    together = len(_running) > 1
    _running.remove(number)
    return together


def failing_at_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


@contextmanager
def dask_cluster() -> Iterator[str]:
    """A scheduler and one worker, each its own program, as on separate computers."""
    server = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen([*server, "--no-dashboard"], stderr=subprocess.PIPE, text=True, env=DASK_QUIET) as scheduler:
        assert scheduler.stderr is not None
        address = next(m[0] for line in scheduler.stderr if (m := re.search(r"tcp://127\.0\.0\.1:\d+", line)))
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nworkers", "1", "--no-dashboard"]
        with subprocess.Popen([*worker, "--no-nanny"], stderr=subprocess.DEVNULL, env=DASK_QUIET) as helper:
            try:
                yield address
            finally:
                # An orderly farewell may take the worker half a minute, and is not what is tested.
                helper.kill()
                scheduler.kill()
                scheduler.communicate()


def test_results_come_in_the_order_of_the_tasks_from_other_processes() -> None:
    heard: list[tuple[int, int]] = []
    results = list(spread(squared, range(5), workers=2, told=lambda done, total: heard.append((done, total))))
    assert [square for square, _ in results] == [0, 1, 4, 9, 16]
    assert os.getpid() not in {pid for _, pid in results}
    assert heard == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize(("tasks", "workers"), [((), None), ((7,), None), ((7, 8), 1)])
def test_one_worker_or_one_task_needs_no_other_process(tasks: tuple[int, ...], workers: int | None) -> None:
    assert list(spread(squared, tasks, workers=workers)) == [(task * task, os.getpid()) for task in tasks]


def test_an_error_in_a_task_comes_in_its_turn() -> None:
    results = spread(failing_at_three, range(6), workers=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)


def test_a_dask_cluster_gives_the_same_results_in_the_same_order() -> None:
    with dask_cluster() as address:
        results = list(spread(squared, range(6), dask=address))
    assert [square for square, _ in results] == [number * number for number in range(6)]
    assert os.getpid() not in {pid for _, pid in results}


def test_a_dask_worker_with_several_threads_does_one_task_at_a_time() -> None:
    with dask_cluster() as address:
        assert not any(spread(overlapping, range(4), dask=address))


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.spread.CONNECT_S", 0.2)
    with pytest.raises(SpreadUnavailable, match="no Dask scheduler at tcp:"):
        list(spread(squared, range(2), dask="tcp://127.0.0.1:9"))
