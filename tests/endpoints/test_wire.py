"""An endpoint whose backend is on a real socket: what goes over the wire, and what comes of it."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from apiql.engine import Engine, Query
from apiql.frontends.endpoints.lowered import Ended, GatewayAnswer
from apiql.runtime.outcome import Done
from apiql.settings import Settings
from apiql.sources.http import PooledTransport
from tests.endpoints.reading import gateway
from tests.endpoints.running import lowered, request

BODY = json.dumps({"n": 1, "text": "é" * 2000}).encode()


async def over_the_wire(modifiers: object) -> tuple[GatewayAnswer, bytes]:
    """The answer, and what the backend was sent."""
    seen = bytearray()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.extend(await reader.readuntil(b"\r\n\r\n"))
        seen.extend(await reader.readexactly(8))
        coded = gzip.compress(BODY)
        writer.write(
            b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nSet-Cookie: a=1\r\n"
            b"Set-Cookie: b=2\r\nContent-Encoding: gzip\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(coded), coded)
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    transport = PooledTransport()
    port = server.sockets[0].getsockname()[1]
    backend = {"hosts": [f"http://127.0.0.1:{port}"], "path": "/p/:id", "method": "POST"}
    own = {"path": "/:id", "method": "POST", "backends": [{**backend, "modifiers": modifiers}]}
    low = lowered(gateway({"port": 1, "endpoints": [own]}))
    fields = {"Accept-Encoding": "br", "X-Name": "1", "Content-Length": "99", "Host": "outside"}
    asked = request(fields, {"a": 1}, params={"id": "é"}, q="1 2")
    try:
        engine = Engine(Settings(), transport)
        found = await engine.outcome(engine.defined(low.plan), Query("", {"request": asked}))
        assert isinstance(found, Done)
        return low.answer(Ended(found.value)), bytes(seen)
    finally:
        await transport.aclose()
        server.close()


@pytest.mark.parametrize("is_changed", [False, True])
def test_what_goes_out_and_what_comes_back(is_changed: bool) -> None:
    change = {"context": "REQUEST", "action": "SET", "key": "X-New", "value": "2"}
    answer, seen = asyncio.run(over_the_wire({"header": [change]} if is_changed else {}))
    head, _, body = seen.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /p/%C3%A9?q=1+2 HTTP/1.1"
    assert lines.count(b"Content-Length: 8") == 1
    assert [line for line in lines if line.startswith(b"Content-Length")] == [b"Content-Length: 8"]
    assert (b"X-New: 2" in lines, b"X-Name: 1" in lines) == (is_changed, True)
    assert not [line for line in lines if b"outside" in line or line == b"Accept-Encoding: br"]
    assert body == b'{"a": 1}'
    assert (answer.status, answer.body) == (201, BODY)
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert not {"content-encoding", "content-length", "connection"} & dict(answer.headers).keys()
