"""Spreads independent tasks over processes: of this computer, or of a Dask cluster.

Decides where a task runs and in which order results come back (that of the tasks). What a task does, and that it
does not depend on the others, is the caller's matter: function, tasks and results must survive pickling.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

CONNECT_S = 10
"""How long a Dask scheduler has to answer."""


class SpreadUnavailable(Exception):
    """The Dask cluster cannot be used; the text says why."""


def spread(
    function: Callable[[T], R],
    tasks: Sequence[T],
    *,
    workers: int | None = None,
    dask: str | None = None,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[R]:
    """The results of `function` over the tasks, in their order.

    Local by default: `workers` processes (None: one for each core that this process may use); with 1, or a single
    task, everything runs in this process. With `dask`, the address of a scheduler such as tcp://host:8786, the
    tasks run on its workers, which need this very version of the program installed, one at a time in each worker
    process, however many threads it has. `told` hears how many results
    have been handed out, and of how many. An error in a task is raised in its turn, and what has not begun by then
    is given up. Raises SpreadUnavailable where there is no such scheduler or `distributed` is not installed.
    """
    if dask is not None:
        results = _over_dask(function, tasks, dask)
    else:
        count = min(len(tasks), workers or _cores())
        results = map(function, tasks) if count <= 1 else _over_processes(function, tasks, count)
    for done, result in enumerate(results, start=1):
        told(done, len(tasks))
        yield result


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _over_processes(function: Callable[[T], R], tasks: Sequence[T], count: int) -> Iterator[R]:
    # Fresh processes: a fork would inherit the locks of this one's threads.
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield from pool.map(function, tasks)
    finally:
        pool.shutdown(cancel_futures=True)


_ALONE = threading.Lock()


def _alone(function: Callable[[T], R], task: T) -> R:
    """Run one task at a time in this process: a controller is made for one thread, and a worker may have several."""
    with _ALONE:
        return function(task)


def _over_dask(function: Callable[[T], R], tasks: Sequence[T], address: str) -> Iterator[R]:
    try:
        import distributed
    except ImportError as error:
        raise SpreadUnavailable("distributed is not installed; add the extra: pip install '.[bench]'") from error
    connect: Any = distributed.Client  # it is not typed
    try:
        client = connect(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SpreadUnavailable(f"no Dask scheduler at {address}: {error}") from error
    with client:
        futures = client.map(partial(_alone, function), tasks, pure=False)
        try:
            for future in futures:
                yield future.result()
        finally:
            client.cancel(futures)
