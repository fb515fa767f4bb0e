"""Who comes while the HTTP side stops is hung up on like everybody else."""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvicorn

from runtime.http_server import HttpServer


async def silent(scope: object, receive: object, send: object) -> None:
    """An application that is never asked anything here."""


async def _stopped_while_one_comes(turns: int) -> tuple[HttpServer, bytes]:
    """Stop this many turns of the loop after somebody has called; returns what they heard."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = HttpServer(uvicorn.Config(silent, lifespan="off", log_level="warning", timeout_graceful_shutdown=1))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup([listener])
    with socket.create_connection(listener.getsockname(), 10) as client:
        for _ in range(turns):
            await asyncio.sleep(0)
        await server.shutdown([listener])
        try:
            return server, client.recv(1)
        except ConnectionResetError:
            return server, b""


@pytest.mark.parametrize("turns", range(6))
def test_a_connection_made_as_the_server_stops_is_hung_up_on(turns: int, caplog: pytest.LogCaptureFixture) -> None:
    server, heard = asyncio.run(_stopped_while_one_comes(turns))

    assert heard == b""
    assert not server.server_state.connections
    assert caplog.messages == []
