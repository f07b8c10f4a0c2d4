"""An upstream over a real socket that can be healthy, slow or broken, by path; it counts."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from typing import Any
from urllib.parse import parse_qsl, urlsplit

BOMB = gzip.compress(b'{"a":"' + b"x" * (64 << 20) + b'"}', 9)
PAYLOADS = {
    "/ok": b'{"ok":true}',
    "/users/1": b'{"id":1,"name":"Ada","secret":"S"}',
    "/users/2": b'{"id":2,"name":"Bo","secret":"S"}',
    "/big": b'{"n":12345678901234567890.1234567890,"z":1,"a":2}',
    "/list": b'[{"id":1},{"id":2}]',
    "/null": b"null",
}
REASON = {200: "OK", 204: "No Content", 302: "Found", 500: "Internal Server Error"}


@dataclass
class Exchange:
    """A request and the way to answer it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, status: int, body: bytes = b"", *fields: str) -> None:
        """A well-formed answer."""
        lines = [f"HTTP/1.1 {status} {REASON.get(status, 'Status')}", *fields]
        if status != 204:
            lines.append(f"Content-Length: {len(body)}")
        await self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def gone(self) -> None:
        """Until the client has left."""
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """RST instead of FIN."""
        socket = self.writer.get_extra_info("socket")
        socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Fault = Callable[[Exchange], Awaitable[None]]


@dataclass
class Upstream:
    """What was asked, and how many requests are unanswered because nobody ends them."""

    faults: Mapping[str, Fault]
    port: int = 0
    seen: list[Exchange] = field(default_factory=list)
    waiting: int = 0
    left: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def hits(self) -> Counter[str]:
        """How often each path was asked for."""
        return Counter(urlsplit(exchange.target).path for exchange in self.seen)

    def forget(self) -> None:
        """Begins to count anew."""
        self.seen.clear()
        self.left = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while True:
                await self._exchange(await _read(reader, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            writer.transport.abort()

    async def _exchange(self, exchange: Exchange) -> None:
        self.seen.append(exchange)
        path = urlsplit(exchange.target).path
        if path in ("/hang", "/stall"):
            await self._hold(exchange, path == "/stall")
        elif path in self.faults:
            await self.faults[path](exchange)
        elif path == "/echo":
            await exchange.answer(200, _echo(exchange), "Content-Type: application/json")
        elif path == "/caching":
            fields = [f"{k}: {v}" for k, v in parse_qsl(urlsplit(exchange.target).query)]
            await exchange.answer(200, b'{"ok":true}', "Content-Type: application/json", *fields)
        elif path.startswith("/status/"):
            status = int(path.rpartition("/")[2])
            await exchange.answer(status, b'{"why":"so"}', "Content-Type: application/json")
        elif path in PAYLOADS:
            await exchange.answer(200, PAYLOADS[path], "Content-Type: application/json")
        else:
            await exchange.answer(404, b'{"path":"unknown"}', "Content-Type: application/json")

    async def _hold(self, exchange: Exchange, headed: bool) -> None:
        self.waiting += 1
        try:
            if headed:
                await exchange.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"a":')
            await exchange.gone()
        finally:
            self.waiting -= 1
            self.left += 1
        raise ConnectionResetError


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = [(name, value.strip()) for name, _, value in (x.partition(":") for x in lines)]
    length = next((int(v) for k, v in headers if k.lower() == "content-length"), 0)
    body = await reader.readexactly(length)
    return Exchange(method, target, headers, body, reader, writer)


def _echo(exchange: Exchange) -> bytes:
    found: dict[str, Any] = {
        "method": exchange.method,
        "target": exchange.target,
        "query": dict(parse_qsl(urlsplit(exchange.target).query, keep_blank_values=True)),
        "headers": {name.lower(): value for name, value in exchange.headers},
        "body": exchange.body.decode("utf-8", "replace"),
    }
    return json.dumps(found).encode()


# -- faults ---------------------------------------------------------------------------------------


async def _reset(exchange: Exchange) -> None:
    exchange.reset()
    raise ConnectionResetError


async def _close(exchange: Exchange) -> None:
    raise ConnectionResetError


def sends(data: bytes) -> Fault:
    """Sends bytes and ends the connection."""

    async def fault(exchange: Exchange) -> None:
        await exchange.send(data)
        exchange.writer.close()
        await exchange.gone()
        raise ConnectionResetError

    return fault


def stays(data: bytes) -> Fault:
    """Sends bytes and waits for the next request."""

    async def fault(exchange: Exchange) -> None:
        await exchange.send(data)

    return fault


def answers(status: int, body: bytes, *fields: str) -> Fault:
    async def fault(exchange: Exchange) -> None:
        await exchange.answer(status, body, *fields)

    return fault


FAULTS: dict[str, Fault] = {
    "/reset": _reset,
    "/close": _close,
    "/garbage": sends(b"\x16\x03\x01\x02\x00garbage, no HTTP\r\n\r\n"),
    "/short": sends(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"a":1}'),
    "/two-lengths": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 2\r\n\r\n{}"),
    "/broken": answers(200, b'{"a":', "Content-Type: application/json"),
    "/nan": answers(200, b'{"a":NaN}', "Content-Type: application/json"),
    "/not-utf8": answers(200, b'{"a":"\xff\xfe"}', "Content-Type: application/json"),
    "/html": answers(500, b"<h1>It broke</h1>", "Content-Type: text/html"),
    "/html-200": answers(200, b"<h1>Login</h1>", "Content-Type: text/html"),
    "/204": answers(204, b""),
    "/bomb": answers(200, BOMB, "Content-Type: application/json", "Content-Encoding: gzip"),
    "/redirect": answers(302, b"", "Location: /ok"),
    "/redirect-away": answers(302, b"", "Location: http://169.254.169.254/latest/meta-data/"),
    "/forged": stays(
        b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"ok":true}'
        b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"forged":true}'
    ),
    "/text": answers(200, "gr\u00fc\u00df".encode(), "Content-Type: text/plain; charset=utf-8"),
}


@contextlib.asynccontextmanager
async def upstream(more: Mapping[str, Fault] | None = None) -> AsyncIterator[Upstream]:
    """Serves on a free loopback port; `more` are faults beside those of this file."""
    found = Upstream({**FAULTS, **(more or {})})
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        tasks = list(found.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
