"""An answer sent in pieces, each as soon as it is there: JSON lines, or server-sent events.

A client that reads slowly holds up nobody: at most a few chunks wait for it, and one that takes
nothing at all for `PATIENCE` is let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from apiql.engine import Began, Engine
from apiql.errors import Code
from apiql.observing import Happened
from apiql.runtime.decode import to_json
from apiql.runtime.step import Executable
from apiql.runtime.stream import End, Line, Piece
from apiql.server.media import Wanted
from apiql.server.offering import ABORT
from apiql.server.presence import ClientGone
from apiql.server.read import Asked
from apiql.server.render import VARY, Pairs, Rendered, trace_of
from apiql.server.visit import Receive, Scope

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CHUNK = 64 * 1024
"""The most bytes that are handed over at a time."""
PATIENCE = 30.0
"""Seconds in which a client must take a chunk."""
LAST = "end"
"""The id of the last event."""
BREAKS = b"\r\n"
"""Line breaks: in JSON they only ever stand between its parts, in texts they are escaped."""


@dataclass
class Streaming:
    """An answer on its way; `begun` once the head of the response has been handed over, which says
    `status`, and `headers` beside its own.
    """

    pieces: AsyncGenerator[Piece, None]
    form: Wanted
    extensions: Callable[[], Mapping[str, Any]]
    begun: bool = False
    status: int = 0
    count: int = 0
    size: int = 0
    codes: dict[str, None] = field(default_factory=dict)
    headers: Pairs = field(default_factory=list)
    leave: Callable[[], None] = lambda: None
    """Gives its place back, once it is over."""

    async def sent(self, send: Send, request_id: bytes) -> None:
        """Sends all of it.

        Raises:
            ClientGone: the client takes nothing any more.
        """
        async with aclosing(self.pieces) as pieces:
            async for piece in pieces:
                await self._send(piece, send, request_id)

    async def broken(self, send: Send, detail: str, request_id: bytes) -> None:
        """Ends the answer where a bug has cut it off."""
        entry = {"code": Code.INTERNAL.value, "message": detail}
        self.extensions = dict
        await self._send(End(500, False, b"null", (entry,)), send, request_id)

    async def _send(self, piece: Piece, send: Send, request_id: bytes) -> None:
        last = isinstance(piece, End)
        self.codes |= {error["code"]: None for error in piece.errors}
        if not self.begun:
            alone = piece.status if isinstance(piece, End) else 200
            await self._begin(send, alone if alone >= 400 else 200, request_id)
        data = self._framed(piece, piece_json(piece, self.extensions() if last else {}))
        self.size += len(data)
        for at in range(0, len(data), CHUNK):
            chunk, behind = data[at : at + CHUNK], not last or at + CHUNK < len(data)
            message = {"type": "http.response.body", "body": chunk, "more_body": behind}
            await _hand_over(send, message)

    async def _begin(self, send: Send, status: int, request_id: bytes) -> None:
        self.begun, self.status = True, status
        headers: Pairs = [
            (b"content-type", self.form.value), VARY, (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"), (b"x-request-id", request_id), *self.headers,
        ]  # fmt: skip
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await _hand_over(send, start)

    def _framed(self, piece: Piece, data: bytes) -> bytes:
        if self.form is Wanted.LINES:
            return data + b"\n"
        self.count += 1
        event, number = ("task", str(self.count)) if isinstance(piece, Line) else (LAST, LAST)
        return f"event: {event}\nid: {number}\ndata: ".encode() + data + b"\n\n"


async def _hand_over(send: Send, message: MutableMapping[str, Any]) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await send(message)
    except TimeoutError:
        raise ClientGone from None


def streaming(
    engine: Engine, executable: Executable, asked: Asked, happened: Happened | None = None,
    began: Began | None = None,
) -> Streaming | Rendered:  # fmt: skip
    """The answer to a query that a client wants in pieces; none where it has had all of them: a
    reader of events asks again, naming the last one, until it is told that there is no more.
    `happened` takes what happens.

    Raises:
        QueryRefused: the query cannot be run; nothing was called.
    """
    if asked.wanted is Wanted.EVENTS and asked.query.headers.get("last-event-id") == LAST:
        return Rendered(204, b"")
    if not engine.settings.answer.timings:
        found = engine.stream(executable, asked.query, happened, began)
        return Streaming(found, asked.wanted, dict)
    seen = happened or Happened()
    clock = asyncio.get_running_loop().time
    start = clock()

    def timings() -> Mapping[str, Any]:
        total = round((clock() - start) * 1000, 2)
        return {"trace": trace_of([*seen], start), "total": total}

    found = engine.stream(executable, asked.query, seen, began)
    return Streaming(found, asked.wanted, timings)


async def let_go(scope: Scope, receive: Receive) -> None:
    """Ends the connection of a client that takes nothing, without waiting for it."""
    abort = scope.get("extensions", {}).get(ABORT)
    if abort is not None:
        abort()
        while (await receive())["type"] != "http.disconnect":
            pass


def piece_json(piece: Piece, extensions: Mapping[str, Any]) -> bytes:
    """A piece as JSON in one line: `{"task", "data", "errors"}` or `{"end", "status", …}`;
    `extensions` go with the end.
    """
    match piece:
        case Line(name, found):
            parts = [b'{"task":', to_json(name), b',"data":', found]
        case End(status, complete, whole):
            word = b"true" if complete else b"false"
            parts = [b'{"end":true,"status":%d,"complete":%s' % (status, word)]
            parts += [b',"data":', whole] if whole is not None else []
    if piece.errors:
        parts += [b',"errors":', to_json(piece.errors)]
    if extensions and isinstance(piece, End):
        parts += [b',"extensions":', to_json(extensions)]
    data = b"".join([*parts, b"}"])
    return data.translate(None, BREAKS) if b"\n" in data or b"\r" in data else data
