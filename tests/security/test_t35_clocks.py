"""T35: the clock of the machine jumps, and all that is kept ends at once, or nothing ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.engine import Engine
from apiql.server.app import app_of
from apiql.sources.cache import Cache
from apiql.sources.cache_entry import Kept, size_of
from apiql.sources.http import PooledTransport
from apiql.sources.shared import shared
from apiql.sources.stack import transport_limits
from apiql.stores.memory import MemoryStores
from apiql.stores.store import Room
from tests.server.client import Site
from tests.server.conftest import settings_for
from tests.server.upstream import Exchange, Upstream, upstream

pytestmark = pytest.mark.asyncio(loop_scope="function")

HOUR = 3600.0
TYPE = "Content-Type: application/json"


@dataclass
class Wall:
    """A clock of the day that an operator, or a server of time, sets."""

    off: float = 0.0

    def __call__(self) -> float:
        return time.clock_gettime(time.CLOCK_REALTIME) + self.off


async def dated(exchange: Exchange) -> None:
    """Kept for a minute, as long as one believes in this machine's time."""
    now = time.clock_gettime(time.CLOCK_REALTIME)
    date, end = (time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now + t)) for t in (0, 60))
    await exchange.answer(200, b'{"ok":true}', TYPE, f"Date: {date}", f"Expires: {end}")


async def lasting(exchange: Exchange) -> None:
    await exchange.answer(200, b'{"ok":true}', TYPE, "Cache-Control: max-age=60")


Ground = tuple[Site, Upstream, Wall]


@pytest_asyncio.fixture(loop_scope="function")
async def ground(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ground]:
    """A server that has no other clock of the day than one that can be set."""
    wall = Wall()
    monkeypatch.setattr(time, "time", wall)
    async with upstream({"/dated": dated, "/lasting": lasting}) as up:
        settings = settings_for(up, CLIENTS__RATE="1000/s")
        transport = PooledTransport(transport_limits(settings.limits))
        stores = MemoryStores(time.monotonic)
        kept = stores.store("answers", Kept, Room(100, 1 << 20, size_of))
        cache = Cache(shared(transport), kept, time.monotonic, wall)
        engine = Engine(settings, cache.layer, wall=wall)
        async with serving(app_of(engine, settings, transport.aclose, stores)) as url:
            yield Site(url), up, wall


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 365 * 24 * HOUR, -10 * 365 * 24 * HOUR])
async def test_what_is_kept_stays_kept(ground: Ground, jump: float) -> None:
    site, up, wall = ground
    queries = [
        f"select * from {path}?{n} as a" for path in ("/dated", "/lasting") for n in range(20)
    ]
    queries += [f"select * from /ok?{n} as a cache 60s" for n in range(20)]
    for query in queries:
        assert (await site.ask(query)).json() == {"data": {"a": {"ok": True}}}
    asked = len(up.seen)
    wall.off = jump
    for query in queries:
        assert (await site.ask(query)).json() == {"data": {"a": {"ok": True}}}
    assert len(up.seen) == asked == len(queries)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_what_is_under_way_ends_in_time(ground: Ground, jump: float) -> None:
    site, up, wall = ground
    begun = time.monotonic()
    asking = [asyncio.create_task(site.ask(f"select * from /hang?{n} as f")) for n in range(5)]
    async with asyncio.timeout(10):
        while up.waiting < 5:  # noqa: ASYNC110  # the event of another
            await asyncio.sleep(0.005)
    wall.off = jump
    for answer in await asyncio.gather(*asking):
        assert answer.codes() == ["UPSTREAM_TIMEOUT"]
    assert 0.2 < time.monotonic() - begun < 10


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_nobody_is_refused_and_nothing_hangs(ground: Ground, jump: float) -> None:
    site, _, wall = ground
    for turn in range(20):
        wall.off = jump * (turn % 2)
        assert (await site.ask(f"select *, now() as at from /ok?{turn} as a")).status == 200
