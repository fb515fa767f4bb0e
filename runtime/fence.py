"""Hears which of our modules asks for the time, for chance, for a socket or a thread while a simulation runs.

Decides nothing; what is heard must be nothing, since every time and every draw of a run comes from its seed. The lint
rules forbid such calls where they are written; this hears them where they are made, by whatever name. Calls by
libraries (a database engine stamps its connections) are theirs and change no event.
"""

from __future__ import annotations

import os
import random
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

OURS = frozenset(("domain", "scheduler", "controller", "plc", "billing", "api", "sim", "runtime"))

MEASURING = frozenset(("runtime.campaign",))
"""Modules that ask for the time to say how long a run took."""

WATCHED: tuple[tuple[Any, str], ...] = (
    *((time, name) for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "sleep")),
    *((random, name) for name in ("random", "randint", "choice", "shuffle", "uniform", "gauss", "sample")),
    (os, "urandom"),
    (uuid, "uuid4"),
    (socket.socket, "__init__"),
    (threading.Thread, "start"),
)


@contextmanager
def fence() -> Iterator[list[str]]:
    """While inside, every watched call by one of our modules is added to the list: module and what it asked for."""
    heard: list[str] = []
    with ExitStack() as stack:
        for owner, name in WATCHED:
            told = f"{getattr(owner, '__name__', owner)}.{name}"
            stack.enter_context(patch.object(owner, name, _listening(getattr(owner, name), told, heard)))
        yield heard


def _listening(real: Callable[..., Any], told: str, heard: list[str]) -> Callable[..., Any]:
    def listening(*args: Any, **named: Any) -> Any:
        module = str(sys._getframe(1).f_globals.get("__name__", ""))
        if module.partition(".")[0] in OURS and module not in MEASURING:
            heard.append(f"{module} {told}")
        return real(*args, **named)

    return listening
