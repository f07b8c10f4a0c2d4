"""Listeners that go wrong before any HTTP, and the one that nobody may ever reach."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field

from tests.faults.exchange import FOREVER, JSON, abort, head

SECRET = b'{"canary":"touched"}'
BANNER = b"SSH-2.0-OpenSSH_9.6\r\n\x00\x00\x01\x14no HTTP\r\n"
WAITING = 4


@dataclass
class Listeners:
    """Their ports; `touched` counts the connections to the canary."""

    main: int = 0
    canary: int = 0
    resets: int = 0
    silent: int = 0
    speaks: int = 0
    full: int = 0
    refuses: int = 0
    touched: int = 0
    held: list[socket.socket] = field(default_factory=list)

    def ports(self) -> dict[str, int]:
        """Each listener's port by its name."""
        names = ("main", "canary", "resets", "silent", "speaks", "full", "refuses")
        return {name: getattr(self, name) for name in names}

    async def touch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The canary: counts, and answers so that a client that follows shows what it got."""
        self.touched += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await reader.readuntil(b"\r\n\r\n")  # unread, it would reset the answer away
        writer.write(head(JSON, f"Content-Length: {len(SECRET)}", "Connection: close") + SECRET)
        writer.close()


async def open_special(port: int) -> tuple[Listeners, list[asyncio.Server]]:
    """All of them, on this port and those after it, or on any free ones (0)."""
    found = Listeners()
    players = {"canary": found.touch, "resets": _resets, "silent": _silent, "speaks": _speaks}
    servers = []
    for index, (name, player) in enumerate(players.items()):
        wanted = port + index if port else 0
        server = await asyncio.start_server(player, "127.0.0.1", wanted)
        setattr(found, name, server.sockets[0].getsockname()[1])
        servers.append(server)
    full = _bound(port + 4 if port else 0)
    refuses = _bound(port + 5 if port else 0)
    found.full, found.refuses = full.getsockname()[1], refuses.getsockname()[1]
    full.listen(0)
    found.held += [full, refuses, *(_knocking(found.full) for _ in range(WAITING))]
    return found, servers


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _knocking(port: int) -> socket.socket:
    """A connection that waits to be accepted, and never is: enough of them fill the queue."""
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", port))
    return client


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    abort(writer)


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    try:
        await asyncio.sleep(FOREVER)
    finally:
        writer.close()


async def _speaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(BANNER)
    await asyncio.sleep(1)
    writer.close()
