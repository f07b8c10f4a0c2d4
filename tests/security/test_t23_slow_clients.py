"""T23: clients that send or take bytes very slowly hold connections until nobody gets one."""

from __future__ import annotations

import asyncio
import time

import pytest

from apiql.server import protocol, rests
from tests.server.front import PATIENCE, Front, front

POST = b"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
SLOW = {
    "a head without end": [POST, *[b"X-A: b\r\n"] * 400],
    "a head that stops": [POST],
    "half a line": [b"POST /api"],
    "a body that stops": [POST + b"Content-Length: 100\r\n\r\nsel"],
    "a body that drips": [POST + b"Content-Length: 5000\r\n\r\n", *[b"x"] * 400],
    "chunks that drip": [POST + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 400],
    "a second request that stops": [b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", POST],
}
EACH = 12


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds takes tenths."""
    monkeypatch.setattr(rests, "LOOK", 0.05)
    for name, seconds in {"HEAD_TIME": 0.4, "BODY_TIME": 0.4, "SLOW": 0.2, "UNTAKEN": 0.4}.items():
        monkeypatch.setattr(protocol, name, seconds)


async def ended(found: Front, pieces: list[bytes]) -> bytes:
    """All that the server said until it closed the connection."""
    reader, writer = await found.site.connect()
    said = asyncio.create_task(reader.read())
    for piece in pieces:
        if said.done():
            break
        writer.write(piece)
        await asyncio.sleep(0.02)
    try:
        return await said
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_each_is_ended_and_others_are_served() -> None:
    async with front() as found:
        slow = [
            asyncio.create_task(ended(found, pieces))
            for pieces in SLOW.values()
            for _ in range(EACH)
        ]
        served = 0
        begun = time.monotonic()
        async with asyncio.timeout(PATIENCE * 3):
            while not all(task.done() for task in slow):
                assert (await found.site.ask(f"select * from /ok?{served}")).status == 200
                served += 1
                await asyncio.sleep(0.01)
            said = await asyncio.gather(*slow)
        assert time.monotonic() - begun < PATIENCE * 3
        assert served > 3
        assert all(b" 408 " in one or b" 400 " in one or not one for one in said)
        assert sum(b" 408 " in one for one in said) >= EACH * (len(SLOW) - 1)
        async with asyncio.timeout(PATIENCE):
            while found.app.door.connections:  # noqa: ASYNC110  # the ends of their sockets
                await asyncio.sleep(0.01)


async def test_who_does_not_take_an_answer_is_ended_too() -> None:
    async with front(LIMITS__RESPONSE_BYTES="16MiB") as found:
        reader, writer = await found.site.connect()
        body = b"select * from /big as b"
        writer.write(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        async with asyncio.timeout(PATIENCE):
            while not found.app.door.late:  # noqa: ASYNC110  # counted by a timer of the server
                await asyncio.sleep(0.02)
        assert (await found.site.ask("select * from /ok")).status == 200
        writer.transport.abort()
        del reader


async def test_a_crowd_of_silent_clients_is_bounded() -> None:
    async with front(SERVER__CONNECTIONS="20") as found:
        silent = [await found.site.connect() for _ in range(60)]
        async with asyncio.timeout(PATIENCE):
            while found.app.door.turned_away < 40:  # noqa: ASYNC110  # the server accepts in turns
                await asyncio.sleep(0.01)
        assert found.app.door.connections <= 20
        for _, writer in silent:
            writer.transport.abort()
        async with asyncio.timeout(PATIENCE):
            while found.app.door.connections:  # noqa: ASYNC110  # the ends of their sockets
                await asyncio.sleep(0.01)
        assert (await found.site.ask("select * from /ok")).status == 200
