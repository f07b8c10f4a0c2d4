"""Two servers with one Redis: what one keeps the other has, and no request fails when it goes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from apiql.demo.serving import serving
from apiql.opened import OpenEngine
from apiql.server.app import app_of
from apiql.server.notices import NoticeLog
from apiql.stores.lasting import RedisStores
from tests.server.client import Site
from tests.server.conftest import settings_for
from tests.server.test_persisted_queries import ID, TEXT, ask
from tests.server.upstream import Upstream
from tests.stores.redis_server import RedisServer
from tests.stores.redis_stores import PATIENT, eventually, fresh_prefix, is_back, raw

pytestmark = pytest.mark.asyncio(loop_scope="session")

CACHED = "select * from /caching?n={} as a cache 60s"


@asynccontextmanager
async def server(
    up: Upstream, redis: RedisServer, prefix: str, within: float = PATIENT
) -> AsyncIterator[tuple[Site, RedisStores]]:
    """A server that shares what it keeps, and its stores."""
    more = {"STORE__URL": redis.url, "STORE__PREFIX": prefix, "STORE__TIMEOUT": f"{within}"}
    settings = settings_for(up, **more)
    opened = OpenEngine.from_settings(settings, told=NoticeLog())
    assert isinstance(opened.stores, RedisStores)
    app = app_of(opened.engine, settings, opened.aclose, opened.stores)
    async with serving(app) as url:
        yield Site(url), opened.stores


async def test_an_answer_that_one_keeps_is_there_for_all(
    up: Upstream, shared_redis: RedisServer
) -> None:
    prefix = fresh_prefix()
    async with server(up, shared_redis, prefix) as (one, _):
        first = await one.ask(CACHED.format(1))
    async with server(up, shared_redis, prefix) as (other, _):
        again = await other.ask(CACHED.format(1))
        assert again.json() == first.json()
        assert up.hits["/caching"] == 1
        await other.ask(CACHED.format(2))
        assert up.hits["/caching"] == 2


async def test_a_text_that_one_was_sent_is_known_to_all(
    up: Upstream, shared_redis: RedisServer
) -> None:
    prefix = fresh_prefix()
    known = {"id": ID, "params": {"id": 1}}
    async with server(up, shared_redis, prefix) as (one, _):
        assert (await ask(one, query=TEXT, **known)).status == 200
    async with server(up, shared_redis, prefix) as (other, _):
        assert (await ask(other, **known)).json() == {"data": {"user": {"name": "Ada"}}}
    async with server(up, shared_redis, fresh_prefix()) as (stranger, _):
        assert (await ask(stranger, **known)).codes() == ["QUERY_NOT_FOUND"]


WRONG_TEXTS = (TEXT.replace("name", "id"), "select", "", "\x00", "x" * 500_000)


@pytest.mark.parametrize("text", WRONG_TEXTS, ids=range(len(WRONG_TEXTS)))
async def test_what_lies_in_the_store_is_not_believed(
    up: Upstream, shared_redis: RedisServer, text: str
) -> None:
    prefix = fresh_prefix()
    async with server(up, shared_redis, prefix) as (site, stores), raw(shared_redis) as redis:
        await ask(site, query=TEXT, id=ID, params={"id": 1})
        (key,) = [key async for key in redis.scan_iter(f"{prefix}:texts:*")]
        store = stores.store("texts", str, None)  # type: ignore[arg-type]
        await store.put(key.partition(b":texts:")[2], text, 60)
        async with server(up, shared_redis, prefix) as (other, _):
            assert (await ask(other, id=ID, params={"id": 1})).codes() == ["QUERY_NOT_FOUND"]
            again = await ask(other, id=ID, query=TEXT, params={"id": 1})
            assert again.json() == {"data": {"user": {"name": "Ada"}}}


@dataclass
class Load:
    """Clients that ask without a pause, and how long each answer took."""

    site: Site
    took: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    asked: int = 0

    async def client(self, number: int) -> None:
        """One of them, until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self.asked += 1
            start = loop.time()
            if self.asked % 3:
                found = await self.site.ask(CACHED.format(self.asked % 300))
            else:
                found = await ask(self.site, id=ID, query=TEXT, params={"id": 1})
            self.took.append(loop.time() - start)
            if found.status != 200 or b'"errors"' in found.body:
                self.failed.append(f"{number}: {found.status} {found.body[:200]!r}")

    async def during(self, seconds: float) -> float:
        """The 99th percentile of the answers in this time."""
        self.took.clear()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds

        async def is_over() -> bool:
            return loop.time() > end and len(self.took) > 20

        await eventually(is_over, seconds + 20)
        return sorted(self.took)[int(len(self.took) * 0.99)]


@asynccontextmanager
async def loaded(site: Site, clients: int) -> AsyncIterator[Load]:
    """A load on a server for as long as the block lasts."""
    load = Load(site)
    tasks = [asyncio.create_task(load.client(number)) for number in range(clients)]
    try:
        yield load
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    broken = [each for each in ended if not isinstance(each, asyncio.CancelledError)]
    assert not broken
    assert not load.failed


async def test_stopped_killed_and_back_under_load(
    up: Upstream, own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    found: dict[str, float] = {}
    with caplog.at_level(logging.WARNING, "apiql"):
        async with server(up, own_redis, fresh_prefix(), 0.2) as (site, stores):
            async with loaded(site, 12) as load:
                found["warm"] = await load.during(0.5)
                found["usual"] = await load.during(0.8)
                own_redis.pause()
                found["hangs"] = await load.during(0.8)
                assert not await is_back(stores)
                own_redis.resume()
                assert await eventually(lambda: is_back(stores)) < 2
                found["is back"] = await load.during(0.5)
                own_redis.kill()
                found["is gone"] = await load.during(0.8)
                own_redis.start()
                assert await eventually(lambda: is_back(stores)) < 2
                found["is there again"] = await load.during(0.5)
    told = [record.getMessage() for record in caplog.records if record.name == "apiql"]
    moves = [message.split(":")[0] for message in told]
    away, back = (
        "the store is left alone, each process keeps its own",
        "the store is used again",
    )
    assert len(moves) >= 4  # more where the machine itself is too busy for an answer in time
    assert moves == [away, back] * (len(moves) // 2)
    print({name: f"{p99 * 1000:.1f} ms" for name, p99 in found.items()})
    assert max(found.values()) < found["usual"] + 1.0
