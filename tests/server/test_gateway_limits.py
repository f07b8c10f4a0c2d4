"""What endpoints of gateways ask of requests first: where from, how large, how many; their time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from apiql.server.configuration import Place
from apiql.server.worker import worker
from apiql.stores.memory import MemoryStores
from tests.server.conf import Folder, Running, running
from tests.server.gateways import backend, endpoint, write
from tests.server.test_gateway_loading import ignored
from tests.server.test_gateways import refusal
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def folder(tmp_path: Path, up: Upstream) -> Folder:
    return Folder(tmp_path / "conf", up.port)


class Clock:
    """Time that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def at(folder: Folder, clock: Clock) -> AsyncIterator[Running]:
    """A server whose stores have this clock."""
    async with running(folder, stores=MemoryStores(clock)) as found:
        yield found


async def test_a_bucket_of_tokens_for_each_client(folder: Folder, up: Upstream) -> None:
    limiter = {"rate": {"capacity": 2, "every": "1500ms"}}
    write(folder, endpoint(limiter=limiter), endpoint("/b", limiter=limiter))
    clock = Clock()
    async with at(folder, clock) as server:
        send = server.site.send
        assert [(await send("GET", "/a")).status for _ in range(3)] == [200, 200, 429]
        found = await send("GET", "/a")
        told = "too many requests error: permitted limit is 2 every 1.5s"
        assert refusal(found, 429, "/a") == told
        assert found.headers["retry-after"] == "2"
        assert (await send("GET", "/b")).status == 200
        other = {"X-Forwarded-For": "203.0.113.9"}
        assert (await send("GET", "/a", headers=other)).status == 200
        clock.now += 1.6
        assert [(await send("GET", "/a")).status for _ in range(2)] == [200, 429]
    assert up.hits["/ok"] == 5


async def test_headers_and_bodies_have_their_sizes(folder: Folder, up: Upstream) -> None:
    limiter = {"max-header-size": "1KB", "max-body-size": "1KB", "max-multipart-memory-size": "2KB"}
    write(folder, endpoint(method="POST", limiter=limiter, backends=[backend(method="POST")]))
    async with running(folder) as server:
        send = server.site.send
        found = await send("POST", "/a", headers={"X-Long": "x" * 1024})
        assert refusal(found, 431, "/a") == "header too large error: permitted limit is 1.0KB"
        found = await send("POST", "/a", b"x" * 1025)
        assert refusal(found, 413, "/a") == "payload too large error: permitted limit is 1.0KB"
        assert (await send("POST", "/a", b"x" * 1024)).status == 200
        form = {"Content-Type": "multipart/form-data; boundary=b"}
        assert (await send("POST", "/a", b"x" * 2048, form)).status == 200
        found = await send("POST", "/a", b"x" * 2049, form)
        assert refusal(found, 413, "/a") == "payload too large error: permitted limit is 2.0KB"
    assert up.hits["/ok"] == 2


async def test_an_endpoint_may_take_more_than_a_query(folder: Folder, up: Upstream) -> None:
    limiter = {"max-body-size": "4MB"}
    write(folder, endpoint(method="POST", limiter=limiter, backends=[backend(method="POST")]))
    async with running(folder) as server:
        assert (await server.site.send("POST", "/a", b"x" * (3 << 20))).status == 200
    app, _ = worker(Place(folder.path, {}), ignored)
    assert app.door.body_bytes == 5 << 20  # what the connection lets through: forms too


async def test_cors_tells_what_is_not_mapped(folder: Folder, up: Upstream) -> None:
    cors = {"allow-origins": ["127.0.0.1"], "allow-methods": ["GET"], "allow-headers": ["x-one"]}
    write(folder, endpoint(), endpoint(method="POST"), security_cors=cors)
    async with running(folder) as server:
        send = server.site.send
        assert (await send("GET", "/a", headers={"X-One": "1"})).status == 200
        found = await send("GET", "/a", headers={"X-One": "1", "x-two": "2", "X-Three": "3"})
        told = "Headers contains not mapped fields on security-cors.allow-headers: X-Two, X-Three"
        assert refusal(found, 403, "/a") == told
        found = await send("POST", "/a")
        assert refusal(found, 403, "/a") == "Method not mapped on security-cors.allow-methods"
    write(folder, endpoint(), security_cors={"allow-origins": ["203.0.113.9"]})
    async with running(folder) as server:
        found = await server.site.send("GET", "/a")
        assert refusal(found, 403, "/a") == "Origin not mapped on security-cors.allow-origins"
    assert up.hits["/ok"] == 1


async def test_who_takes_too_long_is_cut_off(folder: Folder, up: Upstream) -> None:
    hangs = [backend("/hang")]
    write(folder, endpoint(timeout="250ms", backends=hangs), timeout="1m30s")
    async with running(folder) as server:
        found = await server.site.send("GET", "/a")
        assert refusal(found, 504, "/a") == "gateway timeout: 250ms"
        async with asyncio.timeout(10):
            while up.waiting:  # noqa: ASYNC110  # a connection of somebody else's
                await asyncio.sleep(0.005)


async def test_a_backend_that_is_not_there(folder: Folder, up: Upstream) -> None:
    nowhere = {"hosts": ["http://127.0.0.1:1"], "path": "/secret-path", "method": "GET"}
    write(folder, endpoint(backends=[nowhere]))
    async with running(folder) as server:
        found = await server.site.send("GET", "/a")
        assert refusal(found, 502, "/a").startswith("bad gateway error: ")
        assert b"secret-path" not in found.body


async def test_a_bug_is_a_panic(
    folder: Folder, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, endpoint())
    async with running(folder) as server:

        async def breaks(*_: object) -> None:
            raise ZeroDivisionError("a secret detail")

        monkeypatch.setattr(server.current.engine, "outcome", breaks)
        found = await server.site.send("GET", "/a")
        assert refusal(found, 500, "/a").startswith("gateway panic error occurred! detail: ")
        assert b"secret detail" not in found.body


async def test_what_a_backend_hears_of_who_asks(folder: Folder, up: Upstream) -> None:
    write(folder, endpoint(backends=[backend("/echo")]))
    async with running(folder) as server:
        given = {"X-Forwarded-For": "203.0.113.9", "X-Trace-Id": "not one\tof ours"}
        await server.site.send("GET", "/a?b=2&a=1&a=%20", headers=given)
        heard = dict(up.seen[-1].headers)
        assert heard["X-Forwarded-For"].startswith("203.0.113.9, ")
        assert heard["X-Forwarded-For"].count(",") == 1
        assert len(heard["X-Trace-Id"]) == 16
        assert heard["X-Trace-Id"].isalnum()
        assert up.seen[-1].target == "/echo?a=1&a=+&b=2"
        await server.site.send("GET", "/a", headers={"X-Trace-Id": "abc-1"})
        assert dict(up.seen[-1].headers)["X-Trace-Id"] == "abc-1"
