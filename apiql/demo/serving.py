"""Serves an ASGI app on a loopback port for as long as a `with` block lasts; knows no app."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn

GRACE_S = 1
TICK_S = 0.1
"""Seconds between two looks of uvicorn at its clock, by which it dates answers."""
LOOK_S = 0.002


class _Guest(uvicorn.Server):
    """A server that is a guest in somebody's loop, leaves the process's signals alone, and ends at
    once: uvicorn itself takes up to two tenths of a second with nothing to do.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = asyncio.Event()
        self.told = asyncio.Event()

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

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self.told.wait()
                self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(GRACE_S):
                await self._answered()
        except TimeoutError:
            for task in self.server_state.tasks:
                task.cancel()
        await self.lifespan.shutdown()

    async def _answered(self) -> None:
        await asyncio.sleep(LOOK_S)  # uvicorn offers nothing to wait for
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
        for server in self.servers:
            await server.wait_closed()


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
            server.told.set()
            await running


def port_name(port: int) -> str:
    """What an OSError names, as another names its file."""
    return f"port {port}"


def _listener(host: str, port: int) -> socket.socket:
    """asyncio turns Nagle's delay (40 ms an answer) off only where the protocol number is named."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, error.strerror, port_name(port)) from None
    except OverflowError:
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
