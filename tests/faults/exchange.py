"""One request as it came and the means to answer it well or badly. Knows no fault by name."""

from __future__ import annotations

import asyncio
import json
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from random import Random
from socket import SO_LINGER, SOL_SOCKET
from typing import Any
from urllib.parse import parse_qsl

JSON = "Content-Type: application/json"
OK = b'{"ok":true}'
FOREVER = 3600.0


class Gone(Exception):
    """The client left before its answer was complete."""


class After(Enum):
    """What becomes of the connection once a path has been played."""

    STAYS = "it takes the next request"
    ENDS = "it is closed"
    TRAPS = "it is reset as soon as something comes"


@dataclass
class Shared:
    """What the exchanges of one upstream know of each other."""

    counters: Counter[str]
    random: Random
    begun: float
    port: int
    canary: int
    """The port of the listener that nobody may ever reach."""
    gates: dict[str, asyncio.Semaphore]
    waiting: Counter[str]


@dataclass
class Exchange:
    """A request, read up to its body where the path wants that."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    shared: Shared
    body: bytes = b""
    word: str = ""
    """What stands in place of `{}` in the path."""

    @property
    def path(self) -> str:
        """The path as it was sent."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the URL."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def asked(self, name: str, usual: float) -> float:
        """A number among the parameters."""
        return float(self.query.get(name, usual))

    def header(self, name: str) -> str:
        """A field of the request, empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    async def send(self, data: bytes) -> None:
        """Bytes as they are."""
        if self.writer.is_closing():
            raise Gone
        self.writer.write(data)
        try:
            await self.writer.drain()
        except OSError:
            raise Gone from None

    async def chunk(self, data: bytes, extension: bytes = b"") -> None:
        """One chunk of a chunked body."""
        await self.send(b"%x%s\r\n%s\r\n" % (len(data), extension, data))

    async def answer(self, body: bytes, *fields: str, status: int = 200) -> None:
        """A well-formed answer."""
        told = head(f"Content-Length: {len(body)}", *fields, status=status)
        await self.send(told if self.method == "HEAD" else told + body)

    async def json(self, value: Any, *fields: str, status: int = 200) -> None:
        """A well-formed answer of JSON."""
        await self.answer(json.dumps(value).encode(), JSON, *fields, status=status)

    async def pause(self, seconds: float) -> None:
        """Waits, and notices at once if the client leaves meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self.left()
        except TimeoutError:
            return
        raise Gone

    async def left(self) -> None:
        """Until the client has left."""
        try:
            while await self.reader.read(65536):
                pass
        except OSError:
            return

    def reset(self) -> None:
        """RST instead of FIN."""
        abort(self.writer)

    async def read_body(self) -> None:
        """The body, by its length or in chunks."""
        if "chunked" not in self.header("transfer-encoding").lower():
            self.body = await self.reader.readexactly(int(self.header("content-length") or 0))
            return
        parts = []
        while size := int(await self.reader.readline(), 16):
            parts.append(await self.reader.readexactly(size))
            await self.reader.readline()
        await self.reader.readline()
        self.body = b"".join(parts)


Play = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """One path: what it does, and what a select of it has to come to.

    `expected` is a code of an error, or `data`; `asked` is the path with its parameters filled,
    as the sweep asks for it.
    """

    path: str
    group: str
    expected: str
    told: str
    play: Play
    after: After = After.STAYS
    asked: str = ""
    unread: bool = False
    """Whether the body of the request is left on the wire."""

    @property
    def example(self) -> str:
        """What the sweep asks for."""
        return self.asked or self.path


def head(*fields: str, status: int | str = 200, first: str = "HTTP/1.1") -> bytes:
    """The head of an answer."""
    lines = (f"{first} {status} {'OK' if status == 200 else 'Said'}", *fields)
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def abort(writer: asyncio.StreamWriter) -> None:
    """Ends a connection by RST."""
    socket = writer.get_extra_info("socket")
    if socket is not None and socket.fileno() >= 0:
        socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def read_exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, shared: Shared
) -> Exchange:
    """The next request of a connection, up to its body."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = [(name, value.strip()) for name, _, value in (x.partition(":") for x in lines if x)]
    return Exchange(method, target, headers, reader, writer, shared)


def answering(body: bytes, *fields: str, status: int = 200) -> Play:
    """Always the same well-formed answer; JSON unless the fields say what it is."""
    typed = any(field.startswith("Content-Type") for field in fields)

    async def play(exchange: Exchange) -> None:
        await exchange.answer(body, *(fields if typed else (JSON, *fields)), status=status)

    return play


def sending(*parts: bytes, then: float = 0.0) -> Play:
    """Always the same bytes; `then` silence for so many seconds."""
    data = b"".join(parts)

    async def play(exchange: Exchange) -> None:
        await exchange.send(data)
        if then:
            await exchange.pause(then)

    return play


def flooding(first: bytes, units: Iterable[bytes] | bytes) -> Play:
    """A beginning, and then a unit for ever, as fast as the client reads."""
    unit = units if isinstance(units, bytes) else b"".join(units)

    async def play(exchange: Exchange) -> None:
        await exchange.send(first)
        while True:
            await exchange.send(unit)

    return play


def dripping(first: bytes, rest: bytes, last: bytes = b"") -> Play:
    """A beginning, and then a byte every `interval` seconds; `last` is repeated for ever."""

    async def play(exchange: Exchange) -> None:
        interval = exchange.asked("interval", 0.05)
        await exchange.send(first)
        for at in range(len(rest)):
            await exchange.send(rest[at : at + 1])
            await exchange.pause(interval)
        while last:
            await exchange.send(last)
            await exchange.pause(interval)

    return play
