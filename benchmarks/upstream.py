"""The upstream of the benchmarks: prebuilt answers from a bare uvloop protocol, and a count.

`GET /_count` tells how many calls came so far. The routes of w6 answer after 20 ms.
`GET /users?ids=1,2` is the list of what `/users/1` and `/users/2` are, in one call; `/w1?id=1` is
`/w1/1`. It reads no more of a request than its first line, so that it costs its core as little as
possible.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import cast

import uvloop

from benchmarks.workloads import Body, bodies

DELAY_S = 0.020
_END = b"\r\n\r\n"
_USERS = b"/users"
_MANY = _USERS + b"?ids="
_ID = b"?id="


@dataclass
class Shelf:
    """What all connections share: answers (heads included) by route, users, the count of calls."""

    answers: dict[bytes, Body]
    user: Body
    calls: int = 0


class Upstream(asyncio.Protocol):
    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        self.unread += data
        while (end := self.unread.find(_END)) >= 0:
            target = self.unread.split(b" ", 2)[1]
            self.unread = self.unread[end + len(_END) :]
            self.answer(target)

    def answer(self, target: bytes) -> None:
        route, _, number = target.replace(_ID, b"/").rpartition(b"/")
        body = self.shelf.answers.get(route)
        if body is None or len(number) != body.digits:
            self.transport.write(self.aside(target))
            return
        self.shelf.calls += 1
        answer = body.of(number)
        if route.startswith(b"/w6"):
            asyncio.get_running_loop().call_later(DELAY_S, self.transport.write, answer)
        else:
            self.transport.write(answer)

    def aside(self, target: bytes) -> bytes:
        if target == b"/_count":
            return _head(200, len(str(self.shelf.calls))) + str(self.shelf.calls).encode()
        if target.startswith(_MANY):
            self.shelf.calls += 1
            return self.users(target[len(_MANY) :])
        return _head(404, 2) + b"{}"

    def users(self, numbers: bytes) -> bytes:
        user = self.shelf.user
        listed = numbers.replace(b"%2C", b",").split(b",")
        body = b"[" + b",".join(map(user.of, listed)) + b"]"
        return _head(200, len(body)) + body


def _head(status: int, length: int) -> bytes:
    lines = (f"HTTP/1.1 {status} -", "Content-Type: application/json", f"Content-Length: {length}")
    return "\r\n".join(lines).encode() + _END


def _answers(found: dict[bytes, Body]) -> dict[bytes, Body]:
    made = {}
    for route, body in found.items():
        first, *rest = body.pieces
        made[route] = Body([_head(200, body.length) + first, *rest], body.digits)
    return made


async def _serve(port: int) -> None:
    found = bodies()
    shelf = Shelf(_answers(found), found[_USERS])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(shelf), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
