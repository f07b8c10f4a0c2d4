"""The protocol under the app: pipelining, HEAD, closing, connections at rest."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from apiql.engine import Engine
from apiql.server import protocol
from apiql.server.app import app_of
from apiql.server.protocol import Protocol
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply

QUERY = "select * from /echo/{id} as e where id = $id"
PATIENCE = 6.0
"""Seconds after which a test has failed: a server that hangs makes a red test, not a hung run."""


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
        app,
        http=Protocol,
        ws="none",
        log_config=None,
        port=0,
        timeout_keep_alive=0,
        timeout_graceful_shutdown=1,  # a request that never ends is given up
    )
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110  # uvicorn offers nothing to wait for
        await asyncio.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    await asyncio.wait_for(running, PATIENCE)
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


@asynccontextmanager
async def talk(
    port: int, *requests: bytes
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which these were sent, closed at the end of the block, which is bounded."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        try:
            writer.write(b"".join(requests))
            yield reader, writer
        finally:
            writer.close()


async def test_pipelined_requests_are_answered_in_their_order(port: int) -> None:
    async with talk(port, post(1), post(2), post(3)) as (reader, _):
        bodies = [(await answer(reader))[2] for _ in range(3)]
        assert bodies == [b'{"data":{"e":1}}', b'{"data":{"e":2}}', b'{"data":{"e":3}}']


async def test_an_answer_comes_once_and_the_connection_stays(port: int) -> None:
    async with talk(port, post(5)) as (reader, writer):
        assert (await answer(reader))[2] == b'{"data":{"e":5}}'
        writer.write(post(6))
        status, fields, body = await answer(reader)
        assert (status, body) == ("HTTP/1.1 200 OK", b'{"data":{"e":6}}')
        assert fields.keys() >= {"date", "content-type", "vary", "x-request-id"}
        assert "connection" not in fields


async def test_a_request_in_any_two_pieces_is_the_same_one(port: int) -> None:
    """Its body is there with its head, or comes later: both ways to receive it are one."""
    request = post(5)
    head = request.index(b"\r\n\r\n") + 4
    async with talk(port) as (reader, writer):
        for place in (1, head - 1, head, head + 1, len(request) - 1, len(request)):
            writer.write(request[:place])
            await asyncio.sleep(0.02)
            writer.write(request[place:])
            assert (await answer(reader))[2] == b'{"data":{"e":5}}', place


@pytest.mark.parametrize("second", ["Host: x", "host: y", "HOST: x"])
async def test_a_request_for_two_hosts_is_for_none(port: int, second: str) -> None:
    async with talk(port, post(5, second)) as (reader, _):
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 400")
    async with talk(port, post(5), post(6)) as (reader, _):  # those of two requests are two
        assert (await answer(reader))[2] == b'{"data":{"e":5}}'
        assert (await answer(reader))[2] == b'{"data":{"e":6}}'


async def test_a_body_in_chunks_is_the_same_one(port: int) -> None:
    body = post(5).partition(b"\r\n\r\n")[2]
    head = b"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:], b""))
    async with talk(port, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks) as (reader, _):
        assert (await answer(reader))[2] == b'{"data":{"e":5}}'


async def test_a_large_answer_comes_whole(port: int) -> None:
    async with talk(port, post(9)) as (reader, _):
        assert len((await answer(reader))[2]) == 300_002 + len('{"data":{"e":}}')


async def test_close_is_minded(port: int) -> None:
    async with talk(port, post(7, "Connection: close")) as (reader, _):
        _, fields, body = await answer(reader)
        assert (fields["connection"], body) == ("close", b'{"data":{"e":7}}')
        assert await reader.read() == b""


async def test_head_of_another_route_does_not_hang(port: int) -> None:
    async with talk(port, b"HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n") as (reader, _):
        status = await reader.readline()
        assert status.startswith(b"HTTP/1.1 ")


async def test_a_request_that_never_ends_is_closed(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIME", 0.5)
    async with talk(port, b"POST /apiql HTTP/1.1\r\nHost: ") as (reader, _):
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_never_comes_ends_its_connection(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "BODY_TIME", 0.5)
    async with talk(port, post(4).partition(b"\r\n\r\n")[0] + b"\r\n\r\n") as (reader, _):
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("left_early", [False, True])
async def test_a_closed_connection_leaves_no_garbage(
    port: int, left_early: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[Protocol]] = []
    begin = Protocol.connection_made

    def seen(self: Protocol, transport: asyncio.Transport) -> None:
        made.append(weakref.ref(self))
        begin(self, transport)

    monkeypatch.setattr(Protocol, "connection_made", seen)
    gc.disable()
    try:
        async with talk(port, post(1), post(2)) as (reader, _):
            for _ in range(0 if left_early else 2):
                await answer(reader)
        async with asyncio.timeout(PATIENCE):
            while made[0]() is not None:  # noqa: ASYNC110  # what has no reference left is gone
                await asyncio.sleep(0.01)
    finally:
        gc.enable()
