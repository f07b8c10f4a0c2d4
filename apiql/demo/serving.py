"""Serves an ASGI app on a loopback port for as long as a `with` block lasts; knows no app."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

GRACE_S = 1


class _Guest(uvicorn.Server):
    """A server that is a guest in somebody's loop and leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def serve_until_told(self, listener: socket.socket) -> None:
        try:
            await self.serve(sockets=[listener])
        except SystemExit as refused:  # uvicorn's way to say that the app did not start
            raise RuntimeError("the app refused to start") from refused
        finally:
            self.settled.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.settled.set()


@asynccontextmanager
async def serving(app: Any, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Yields the base URL (`http://127.0.0.1:49152`) once the app answers; port 0 takes a free one.

    Leaving the block stops the server, which gives running requests one second to finish.
    """
    with _listener(host, port) as listener:
        address, taken = listener.getsockname()
        server = _Guest(_config(app))
        running = asyncio.create_task(server.serve_until_told(listener))
        try:
            await server.settled.wait()
            if running.done():
                await running
            yield f"http://{address}:{taken}"
        finally:
            server.should_exit = True
            await running


def _listener(host: str, port: int) -> socket.socket:
    """asyncio turns Nagle's delay (40 ms an answer) off only where the protocol number is named."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except (OSError, OverflowError):
        listener.close()
        raise
    return listener


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
    )
