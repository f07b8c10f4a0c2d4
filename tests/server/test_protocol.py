"""The protocol under the app: pipelining, HEAD, closing, connections at rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from apiql.engine import Engine
from apiql.server import protocol
from apiql.server.app import app_of
from apiql.server.protocol import Protocol
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply

QUERY = "select * from /echo/{id} as e where id = $id"


async def echo(call: Call) -> Reply:
    number = call.target.rpartition("/")[2]
    await asyncio.sleep(0.02 if number == "1" else 0)  # the first of two takes longer
    body = b"x" * 300_000 if number == "9" else number.encode()
    if number == "9":
        body = b'"' + body + b'"'
    return Reply(200, (("content-type", "application/json"),), body)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server with our protocol and a keep-alive time of nothing."""
    settings = load_settings(None, {"APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9"})

    async def close() -> None:
        pass

    app = app_of(Engine(settings, echo), settings, close)
    config = uvicorn.Config(
        app, http=Protocol, ws="none", log_config=None, port=0, timeout_keep_alive=0
    )
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110  # uvicorn offers nothing to wait for
        await asyncio.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    await running
    listener.close()


def post(number: int, *fields: str) -> bytes:
    body = b'{"query": "%s", "params": {"id": %d}}' % (QUERY.encode(), number)
    lines = "".join(f"{field}\r\n" for field in fields)
    head = f"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{lines}"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def answer(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    return head[0], fields, body


async def talk(port: int, *requests: bytes) -> tuple[asyncio.StreamReader, Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(b"".join(requests))
    return reader, writer


async def test_pipelined_requests_are_answered_in_their_order(port: int) -> None:
    reader, writer = await talk(port, post(1), post(2), post(3))
    bodies = [(await answer(reader))[2] for _ in range(3)]
    assert bodies == [b'{"data":{"e":1}}', b'{"data":{"e":2}}', b'{"data":{"e":3}}']
    writer.close()


async def test_an_answer_comes_once_and_the_connection_stays(port: int) -> None:
    reader, writer = await talk(port, post(5))
    assert (await answer(reader))[2] == b'{"data":{"e":5}}'
    writer.write(post(6))
    status, fields, body = await answer(reader)
    assert (status, body) == ("HTTP/1.1 200 OK", b'{"data":{"e":6}}')
    assert fields.keys() >= {"date", "content-type", "vary", "x-request-id"}
    assert "connection" not in fields
    writer.close()


async def test_a_large_answer_comes_whole(port: int) -> None:
    reader, writer = await talk(port, post(9))
    assert len((await answer(reader))[2]) == 300_002 + len('{"data":{"e":}}')
    writer.close()


async def test_close_is_minded(port: int) -> None:
    reader, writer = await talk(port, post(7, "Connection: close"))
    _, fields, body = await answer(reader)
    assert (fields["connection"], body) == ("close", b'{"data":{"e":7}}')
    assert await reader.read() == b""
    writer.close()


async def test_head_of_another_route_does_not_hang(port: int) -> None:
    reader, writer = await talk(port, b"HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    status = await asyncio.wait_for(reader.readline(), 5)
    assert status.startswith(b"HTTP/1.1 ")
    writer.close()


async def test_a_request_that_never_ends_is_closed(port: int) -> None:
    reader, writer = await talk(port, b"POST /apiql HTTP/1.1\r\nHost: ")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_body_that_never_comes_ends_its_connection(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "BODY_TIME", 0.5)
    reader, writer = await talk(port, post(4).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    assert await asyncio.wait_for(reader.read(), 6) == b""
    writer.close()
