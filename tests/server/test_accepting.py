"""How fast new clients are heard."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack

import uvicorn
import uvloop

from apiql.server.drain import DrainingServer
from apiql.server.protocol import Protocol

CLIENTS, TURNS = 48, 6


async def nothing(scope: object, receive: object, send: object) -> None:
    raise AssertionError("nobody asks")


async def accepted() -> int:
    """The clients that are connected after a few turns of the loop."""
    config = uvicorn.Config(nothing, http=Protocol, port=0, lifespan="off", log_config=None)
    config.load()
    server = DrainingServer(config)
    server.lifespan = config.lifespan_class(config)
    listener = config.bind_socket()
    await server.startup([listener])
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        for _ in range(TURNS):
            await asyncio.sleep(0)
        found = len(server.server_state.connections)
    server.force_exit = True
    await server.shutdown([listener])
    return found


def test_many_are_accepted_in_one_turn() -> None:
    assert uvloop.run(accepted()) > 4 * TURNS, "uvloop by itself accepts one in each turn"
