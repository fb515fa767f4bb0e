"""uvicorn, stopped the way the program stops.

Decides when nobody is let in any more and who is hung up on. What is served is the application's
business, and when to stop is its owner's: set `should_exit`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import uvicorn

# asyncio accepts in one turn of the loop, makes the transport in the next and tells uvicorn in the third.
_TURNS_TO_GET_IN = 3


class HttpServer(uvicorn.Server):
    """uvicorn without hands on our signals: stopping has an order, and it is ours."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Let nobody in any more, hang up on who is idle, and let the requests in hand end.

        uvicorn hangs up on the connections it has been told of. One that was accepted a moment before
        is told of later: it would hold up the stop to its time limit and leave its socket open.
        """
        loop = asyncio.get_running_loop()
        for listener in sockets or []:
            loop.remove_reader(listener)
        for _ in range(_TURNS_TO_GET_IN):
            await asyncio.sleep(0)
        await super().shutdown(sockets)
