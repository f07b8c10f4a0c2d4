"""Clients that are slow, endless or too many: each ends alone, and early."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from apiql.server import protocol, rests
from apiql.server.door import connections_of
from tests.server.client import read_response
from tests.server.front import PATIENCE, Front, front

POST = b"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds takes tenths."""
    monkeypatch.setattr(rests, "LOOK", 0.05)
    for name, seconds in {"HEAD_TIME": 0.3, "BODY_TIME": 0.4, "SLOW": 0.2, "UNTAKEN": 0.3}.items():
        monkeypatch.setattr(protocol, name, seconds)


async def ended(found: Front, *pieces: bytes, pause: float = 0.05) -> bytes:
    """What the server said until it closed, having got these pieces one after another."""
    reader, writer = await found.site.connect()
    async with asyncio.timeout(PATIENCE):
        said = asyncio.create_task(reader.read())
        for piece in pieces:
            if said.done():
                break
            writer.write(piece)
            await asyncio.sleep(pause)
        try:
            return await said
        finally:
            writer.close()


async def fine(found: Front) -> bool:
    return (await found.site.ask("select * from /ok")).status == 200


async def test_a_head_that_drips_is_ended() -> None:
    async with front() as found:
        drips = [b"X-%d: y\r\n" % n for n in range(100)]
        assert (await ended(found, POST, *drips)).startswith(b"HTTP/1.1 408 ")
        assert found.app.door.late == 1
        assert await fine(found)


async def test_a_body_that_drips_is_ended() -> None:
    async with front() as found:
        head = POST + b"Content-Length: 5000\r\n\r\n"
        said = await ended(found, head, *[b"x"] * 100)
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"REQUEST_TIMEOUT" in said
        assert await fine(found)


async def test_a_chunked_body_that_drips_is_ended() -> None:
    async with front() as found:
        head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        assert (await ended(found, head, *[b"1\r\nx\r\n"] * 100)).startswith(b"HTTP/1.1 408 ")


async def test_slow_bodies_take_no_place() -> None:
    async with front(LIMITS__QUERIES="1", LIMITS__QUERIES_WAITING="0") as found:
        slow = [await found.site.connect() for _ in range(5)]
        for _, writer in slow:
            writer.write(POST + b"Content-Length: 50\r\n\r\nsel")
        await asyncio.sleep(0.05)
        assert await fine(found)
        for _, writer in slow:
            writer.close()


async def test_a_head_without_end_is_refused_early() -> None:
    async with front() as found:
        pieces = [POST + b"X-Endless: ", *[b"x" * 20_000] * 50]
        said = await ended(found, *pieces, pause=0.002)
        assert said.startswith(b"HTTP/1.1 431 ")
        assert await fine(found)


async def test_a_body_of_empty_chunks_is_refused_early() -> None:
    async with front(LIMITS__BODY_BYTES="10KiB") as found:
        chunk = b"1;" + b"x" * 2000 + b"\r\n \r\n"
        head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        said = await ended(found, head, *[chunk * 10] * 50, pause=0.005)
        assert said.startswith(b"HTTP/1.1 413 ")
        assert await fine(found)


async def test_a_large_body_is_refused_before_it_comes() -> None:
    async with front(LIMITS__BODY_BYTES="10KiB") as found:
        said = await ended(found, POST + b"Content-Length: 10241\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 413 ")


async def test_trailers_say_nothing() -> None:
    async with front() as found:
        body = b"11\r\nselect * from /ok\r\n0\r\nX-Request-Id: late\r\n\r\n"
        reader, writer = await found.site.connect()
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)
        answer = await read_response(reader)
        assert (answer.status, answer.headers["x-request-id"] != "late") == (200, True)
        writer.close()


async def test_what_is_no_http_is_answered_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with front() as found:
        assert (await ended(found, b"\x16\x03\x01\x00\xff\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
        assert (await ended(found, b"GET / FOO/9\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
        assert await fine(found)
    assert not [record for record in caplog.records if "Invalid" in record.getMessage()]


@pytest.mark.parametrize("path", ["/apiql", "/nothing", "/livez", "/query/x"])
async def test_a_body_that_breaks_off_as_rubbish_is_not_logged(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer to the rubbish is the last one, though an app has begun to make another."""
    async with front() as found:
        head = b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % path.encode()
        said = await ended(found, head + b"5\r\n12345 and more that is no chunk")
        assert said.count(b"HTTP/1.1 ") == 1
        assert await fine(found)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_what_follows_as_rubbish_does_not_spoil_the_answer_before() -> None:
    async with front() as found:
        reader, writer = await found.site.connect()
        text = b"select * from /hold as h"
        writer.write(POST + b"Content-Length: %d\r\n\r\n" % len(text) + text)
        await found.until(1)
        writer.write(b"\x00rubbish\r\n\r\n")
        await asyncio.sleep(0.05)
        found.held.open.set()
        answer = await read_response(reader)
        assert (answer.status, answer.headers.get("connection")) == (200, "close")
        writer.close()


async def test_an_answer_that_is_never_taken_ends_its_connection() -> None:
    async with front() as found:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            address = found.site.url.removeprefix("http://").split(":")
            await loop.sock_connect(client, (address[0], int(address[1])))
            text = b"select * from /big"
            await loop.sock_sendall(client, POST + b"Content-Length: 18\r\n\r\n" + text)
            async with asyncio.timeout(PATIENCE):
                while found.app.door.late == 0:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        assert await fine(found)


async def test_a_client_that_asks_without_taking_is_not_read() -> None:
    async with front() as found:
        reader, writer = await found.site.connect()
        text = b"select * from /big"
        asked = POST + b"Content-Length: 18\r\n\r\n" + text
        for _ in range(60):
            writer.write(asked)
            await asyncio.sleep(0.005)
        assert found.held.calls < 30
        writer.transport.abort()
        assert await fine(found)
        del reader


async def test_a_flood_in_one_go_is_cut() -> None:
    async with front() as found:
        text = b"select * from /hold as h"
        asked = POST + b"Content-Length: %d\r\n\r\n" % len(text) + text
        reader, writer = await found.site.connect()
        writer.write(asked * 1000)
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()
        assert await fine(found)


@pytest.mark.parametrize(("files", "most"), [(128, 51), (1024, 409), (20_000, 5000), (1, 1)])
def test_connections_leave_room_for_files(files: int, most: int) -> None:
    assert connections_of(files) == most


async def test_too_many_connections_are_told_so() -> None:
    async with front(SERVER__CONNECTIONS="5") as found:
        kept = [await found.site.connect() for _ in range(5)]
        await asyncio.sleep(0.05)
        said = await ended(found)
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in said
        assert (found.app.door.connections, found.app.door.turned_away) == (5, 1)
        kept[0][1].close()
        await asyncio.sleep(0.05)
        assert await fine(found)
        for _, writer in kept:
            writer.close()
