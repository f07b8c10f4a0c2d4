"""What becomes of the calls of endpoints: each client has its own, in the time that there is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.server.conf import Folder, running
from tests.server.gateways import backend, endpoint, write
from tests.server.test_gateways import refusal
from tests.server.upstream import Exchange, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def folder(tmp_path: Path, up: Upstream) -> Folder:
    return Folder(tmp_path / "conf", up.port)


async def together(up: Upstream, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Has /together answer once so many ask at the same time."""
    asking, all_here = 0, asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        nonlocal asking
        asking += 1
        if asking == count:
            all_here.set()
        await all_here.wait()
        await exchange.answer(200, b"{}", f"Set-Cookie: session={asking}")

    monkeypatch.setitem(up.faults, "/together", answer)


async def test_clients_that_ask_alike_have_calls_of_their_own(
    folder: Folder, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they are answered may be meant for one: a session, a token."""
    write(folder, endpoint(backends=[backend("/together")]))
    await together(up, monkeypatch, 2)
    async with running(folder) as server, asyncio.timeout(10):
        found = await asyncio.gather(*(server.site.send("GET", "/a") for _ in range(2)))
    assert [each.status for each in found] == [200, 200]
    assert up.hits["/together"] == 2


async def test_a_backend_that_is_called_several_times_is_called_so_often(
    folder: Folder, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, endpoint(backends=[backend("/together", request={"concurrent": 3})]))
    await together(up, monkeypatch, 3)
    async with running(folder) as server, asyncio.timeout(10):
        assert (await server.site.send("GET", "/a")).status == 200
    assert up.hits["/together"] == 3


async def test_endpoints_alone_say_what_is_kept_and_queries_what_sources_say(
    folder: Folder, up: Upstream
) -> None:
    header = {"context": "REQUEST", "action": "SET", "key": "X-A", "value": "1"}
    changes = {"modifiers": {"header": [header]}}
    write(
        folder,
        endpoint(backends=[backend("/caching")]),
        endpoint("/b", backends=[backend("/caching", **changes)]),
    )
    query = """select * from endpoint.get_a as a where "cache-control" = 'max-age=60'"""
    async with running(folder) as server:
        for path in ("/a", "/b"):
            up.forget()
            for _ in range(2):
                assert (await server.site.send("GET", f"{path}?cache-control=max-age%3D60")).status
            assert up.hits["/caching"] == 2, path
        up.forget()
        for _ in range(2):
            found = await server.site.ask(query)
            assert found.json() == {"data": {"a": {"ok": True}}}
        assert up.hits["/caching"] == 1
        await server.current.held.purge("endpoint:get_a")
        await server.site.ask(query)
        assert up.hits["/caching"] == 2


async def test_the_time_in_which_a_request_comes_counts(folder: Folder, up: Upstream) -> None:
    write(folder, endpoint(method="POST", timeout="200ms", backends=[backend(method="POST")]))
    async with running(folder) as server:
        reader, writer = await server.site.connect()
        writer.write(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{")
        await asyncio.sleep(0.25)
        writer.write(b"}")
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        assert head.startswith(b"HTTP/1.1 504 "), head
    assert not up.hits["/ok"]


async def test_a_backend_that_hangs_in_the_middle(folder: Folder, up: Upstream) -> None:
    write(folder, endpoint(timeout="250ms", backends=[backend(), backend("/stall")]))
    async with running(folder) as server:
        found = await server.site.send("GET", "/a")
        assert refusal(found, 504, "/a") == "gateway timeout: 250ms"
