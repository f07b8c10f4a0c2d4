"""T33, T23: whoever reaches the listener for operators takes up its connections and its memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from apiql.server import admin_listener, protocol, rests
from tests.security.test_t29_admin_exposure import KEY, ask, hash_of, settings
from tests.server.client import Site
from tests.server.conf import USER, Folder, Running, running
from tests.server.front import PATIENCE
from tests.server.upstream import upstream

HEAD = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-A: b"
POST = b"POST /admin/reload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
POST += b"Authorization: Bearer " + KEY.encode() + b"\r\nContent-Length: 9\r\n\r\n"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds takes tenths."""
    monkeypatch.setattr(rests, "LOOK", 0.05)
    monkeypatch.setattr(protocol, "HEAD_TIME", 0.4)
    monkeypatch.setattr(protocol, "BODY_TIME", 0.4)


@contextlib.asynccontextmanager
async def operated(tmp_path: Path) -> AsyncIterator[Running]:
    """A server whose operators have keys."""
    async with upstream() as up:
        folder = Folder(tmp_path / "conf", up.port)
        folder.settings(settings(f"'{hash_of(KEY)}'"))
        folder.query(USER.format(1))
        async with running(folder) as found:
            yield found


async def said(server: Running, data: bytes) -> bytes:
    """What the listener says to these bytes until it ends the connection."""
    assert server.admin is not None
    reader, writer = await Site(f"http://127.0.0.1:{server.admin.rpartition(':')[2]}").connect()
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(data)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            with contextlib.suppress(ConnectionError):
                return await reader.read()
            return b""
    finally:
        writer.close()


@pytest.mark.parametrize("data", [b"GET", HEAD, POST])
async def test_a_request_that_stops_is_ended(tmp_path: Path, data: bytes) -> None:
    async with operated(tmp_path) as server:
        assert (await said(server, data)).startswith(b"HTTP/1.1 408 ")
        assert (await ask(server, "GET", "/metrics", KEY)).status == 200


@pytest.mark.parametrize("data", [HEAD + b"a" * 200_000, POST[:-4] + b"\r\nX-B: c" * 30_000])
async def test_a_head_without_end_is_not_taken(tmp_path: Path, data: bytes) -> None:
    async with operated(tmp_path) as server:
        answer = await said(server, data)
        assert not answer or answer.startswith(b"HTTP/1.1 431 ")
        assert (await ask(server, "GET", "/metrics", KEY)).status == 200


async def test_a_crowd_is_bounded_and_keeps_nobody_out_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_listener, "CONNECTIONS", 5)
    async with operated(tmp_path) as server:
        answers = await asyncio.gather(*(said(server, HEAD) for _ in range(12)))
        refused = [one for one in answers if one.startswith(b"HTTP/1.1 503 ")]
        assert len(refused) == 7
        assert sum(one.startswith(b"HTTP/1.1 408 ") for one in answers) == 5
        assert (await ask(server, "GET", "/metrics", KEY)).status == 200


async def test_main_connections_are_counted_alone(tmp_path: Path) -> None:
    async with operated(tmp_path) as server:
        told = (await ask(server, "GET", "/metrics", KEY)).body.decode()
        assert "\napiql_connections 0\n" in told
