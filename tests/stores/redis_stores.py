"""Stores for tests: on a real Redis under a prefix of their own, and on one that is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import redis.asyncio as client

from apiql.events import Notice, StoreMoved
from apiql.settings import Store as StoreSettings
from apiql.stores.lasting import RedisStores, redis_stores
from apiql.stores.reach import FAILURES
from apiql.stores.store import Room, Store
from tests.stores.redis_server import RedisServer

PREFIXES = count()
ROOM: Room[bytes] = Room(1000, 1_000_000, len)
PATIENT = 2.0
"""Seconds for an answer, where a test is not about time: the machine may be busy."""


NOTHING_TOLD: list[tuple[bool, str]] = []


class Notes:
    """What was told of the store."""

    def __init__(self) -> None:
        self.moved: list[tuple[bool, str]] = []

    def __call__(self, notice: Notice) -> None:
        """Notes it."""
        assert isinstance(notice, StoreMoved)
        self.moved.append((notice.reachable, notice.why))


def fresh_prefix() -> str:
    """One that no other test has."""
    return f"test{next(PREFIXES)}"


@asynccontextmanager
async def on(
    server: RedisServer,
    prefix: str | None = None,
    within: float = PATIENT,
    tell: Notes | None = None,
) -> AsyncIterator[RedisStores]:
    """Stores on a Redis."""
    settings = StoreSettings(url=server.url, prefix=prefix or fresh_prefix(), timeout=within)
    stores = redis_stores(settings, tell)
    try:
        yield stores
    finally:
        await stores.aclose()


@asynccontextmanager
async def raw(server: RedisServer) -> AsyncIterator[Any]:
    """A client of the test's own."""
    found = client.Redis.from_url(server.url)
    try:
        yield found
    finally:
        await found.aclose()


async def until_away(stores: RedisStores) -> None:
    """Asks until the store counts as gone."""
    store: Store[bytes] = stores.store("any", bytes, ROOM)
    for _ in range(FAILURES):
        await store.get(b"nothing")
    assert not stores._reach.reachable


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 5.0) -> float:
    """Waits until something holds; how long that was."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    while not await holds():
        assert loop.time() - start < seconds, "it never came to hold"
        await asyncio.sleep(0.005)
    return loop.time() - start


async def is_back(stores: RedisStores) -> bool:
    """Whether the store is used."""
    return stores._reach.reachable
