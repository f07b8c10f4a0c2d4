"""The socket of the admin listener, and its server within the loop of the main one."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any

import uvicorn

from apiql.server.admin import BODY_BYTES
from apiql.server.door import DOOR, Door
from apiql.server.listening import NoPort
from apiql.server.protocol import Protocol
from apiql.settings import Limits, Server, Settings

GRACE_S = 1
CONNECTIONS = 100
"""That are open at a time: others than operators may reach it, and who has a key may be slow."""
GUEST: ContextVar[bool] = ContextVar("apiql_guest", default=False)
"""Whether what runs is the listener's own server."""
log = logging.getLogger("uvicorn.error")


def bound(settings: Settings) -> socket.socket | None:
    """The first free port of those that the workers have together; None where there is to be no
    listener.

    Raises:
        NoPort: all of them are taken.
    """
    host, port = settings.admin.host, settings.admin.port
    if port is None:
        return None
    last = min(port + settings.server.workers - 1, 65535) if port else 0
    for each in range(port, last + 1):
        found = _listening(host, each)
        if found is not None:
            return found
    ports = f"port {port} is taken"
    if last > port:
        ports = f"of the ports {port} to {last} not each worker's is free"
    raise NoPort(f"admin.port: {ports} on {host}; name another, or none")


def check_free(settings: Settings) -> None:
    """Sees to it before there are workers that each of them will have its port.

    Raises:
        NoPort: one is taken.
    """
    taken: list[socket.socket] = []
    try:
        for _ in range(settings.server.workers):
            found = bound(settings)
            if found is not None:
                taken.append(found)
    finally:
        for each in taken:
            each.close()


def _listening(host: str, port: int) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen()
    except OSError:
        found.close()
        return None
    return found


def hosts_of(listener: socket.socket) -> frozenset[str]:
    """What a Host header may say that means this listener."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return frozenset({f"{shown}:{port}", f"localhost:{port}"})


def is_local(listener: socket.socket) -> bool:
    """Whether only this machine reaches it."""
    return ip_address(listener.getsockname()[0]).is_loopback


class _Guest(uvicorn.Server):
    """A server in another one's loop; signals are the other's, and so is telling that it runs. It
    has a door of its own: who fills this one keeps nobody from the other.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen."""
        bounds = Settings(
            server=Server(connections=CONNECTIONS), limits=Limits(body_bytes=BODY_BYTES)
        )
        self.lifespan.state[DOOR] = Door(bounds)
        await super().startup(sockets)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves, quietly."""
        GUEST.set(True)
        await super().serve(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def admin_served(
    listener: socket.socket, app: Callable[..., Any], tell: Callable[[str], None]
) -> AsyncIterator[None]:
    """Serves the app for as long as the block lasts."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=GRACE_S, http=Protocol,
    )  # fmt: skip
    server = _Guest(config)
    log.addFilter(_worth_a_line)  # a level would be the main server's too: they have one logger
    running = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
    tell(f"figures and /admin are at http://{min(hosts_of(listener))}")
    try:
        yield
    finally:
        server.should_exit = True
        await running
        log.removeFilter(_worth_a_line)


def _worth_a_line(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or not GUEST.get()
