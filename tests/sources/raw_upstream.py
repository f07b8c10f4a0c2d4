"""An upstream scripted byte by byte: what each connection says, and what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from socket import SO_LINGER, SOL_SOCKET

import pytest

from apiql.errors import CallFailed
from apiql.sources.call import Call, Headers, Layer, Origin

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """One accepted connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: list[bytes]
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._seen = seen

    async def request(self) -> bytes:
        """The next request, head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        whole = head + await self.reader.readexactly(length)
        self._seen.append(whole)
        return whole

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Until the client has closed its side."""
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """RST instead of FIN."""
        socket = self.writer.get_extra_info("socket")
        socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


class RawUpstream:
    """Plays one script for each connection, the last one for all that follow."""

    def __init__(self, scripts: tuple[Script, ...]) -> None:
        self._scripts = scripts
        self._tasks: set[asyncio.Task[None]] = set()
        self.requests: list[bytes] = []
        self.accepted = 0
        self.open = 0
        self.port = 0

    @property
    def origin(self) -> Origin:
        return Origin("http", "127.0.0.1", self.port, pinned=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        script = self._scripts[min(self.accepted, len(self._scripts) - 1)]
        self.accepted += 1
        self.open += 1
        try:
            await script(Peer(reader, writer, self.requests))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def upstream(
    *scripts: Script, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawUpstream]:
    raw = RawUpstream(scripts)
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0, ssl=tls)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()
        await raw.stop()
        await asyncio.sleep(0)


def answering(*replies: bytes) -> Script:
    """Answers request n with reply n, the last one for ever."""

    async def script(peer: Peer) -> None:
        index = 0
        while True:
            await peer.request()
            await peer.send(replies[min(index, len(replies) - 1)])
            index += 1

    return script


def once(reply: bytes, *, ends: str = "fin") -> Script:
    """Answers one request, then `fin`, `reset` or `stays` (silent until the client leaves)."""

    async def script(peer: Peer) -> None:
        await peer.request()
        if reply:
            await peer.send(reply)
        if ends == "reset":
            peer.reset()
        elif ends == "stays":
            await peer.gone()
        else:
            peer.writer.close()
            await peer.gone()

    return script


async def hanging(peer: Peer) -> None:
    """Reads and never answers."""
    await peer.gone()


def reply(body: bytes = b"ok", *fields: str, status: str = "200 OK") -> bytes:
    """A well-formed answer with a length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def call(
    origin: Origin,
    target: str = "/",
    method: str = "GET",
    *,
    headers: Headers = (),
    body: bytes | None = None,
    within: float = 5.0,
) -> Call:
    deadline = asyncio.get_running_loop().time() + within
    return Call(method, origin, target, headers, body, deadline)


async def until(condition: Callable[[], bool]) -> None:
    """Lets the loop run until something has become true; two seconds at most."""
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def failure(layer: Layer, *arguments, **more) -> CallFailed:
    """What a call fails with."""
    with pytest.raises(CallFailed) as failed:
        await layer(call(*arguments, **more))
    return failed.value
