"""A Redis that hangs, is killed and comes back: nobody waits long, nothing is lost in silence."""

from __future__ import annotations

import asyncio
from functools import partial
from socket import gaierror
from time import monotonic

import pytest
from redis.exceptions import AuthenticationError, ConnectionError

from apiql.settings import Store as StoreSettings
from apiql.stores.lanes import _unreachable
from apiql.stores.lasting import RedisStores, redis_stores
from apiql.stores.reach import MOST_LATER, PAUSE
from apiql.stores.store import Store
from tests.stores.redis_server import RedisServer
from tests.stores.redis_stores import (
    NOTHING_TOLD,
    ROOM,
    Notes,
    eventually,
    fresh_prefix,
    is_back,
    on,
    raw,
    until_away,
)

BUDGET = 0.1
BACK = (True, "it answers again")


def bytes_of(stores: RedisStores) -> Store[bytes]:
    return stores.store("a", bytes, ROOM)


async def hold(store: Store[bytes], key: bytes = b"key", *tags: str) -> None:
    """Puts a value and sees that it is there; the machine may be busy, and an answer late."""

    async def is_there() -> bool:
        await store.put(key, b"1", 60, tags)
        return await store.get(key) == b"1"

    await eventually(is_there)


async def waited(store: Store[bytes]) -> float:
    loop = asyncio.get_running_loop()
    start = loop.time()
    assert await store.get(b"key") in (None, b"1")
    return loop.time() - start


async def has(store: Store[bytes], value: bytes) -> bool:
    return await store.get(b"key") == value


async def test_nobody_waits_longer_than_the_budget(own_redis: RedisServer) -> None:
    notes = Notes()
    async with on(own_redis, within=BUDGET, tell=notes) as stores:
        store = bytes_of(stores)
        await hold(store)
        own_redis.pause()
        together = await asyncio.gather(*[waited(store) for _ in range(200)])
        assert BUDGET * 0.9 <= max(together) < BUDGET * 5
        assert notes.moved == [(False, "no answer within 100 ms")]
        then = [await waited(store) for _ in range(100)]
        assert sorted(then)[90] < BUDGET / 10
        own_redis.resume()
        assert await eventually(lambda: is_back(stores)) < 2
        await eventually(partial(has, store, b"1"))
        assert notes.moved[1:] == [BACK]


async def test_one_by_one_they_wait_about_once(own_redis: RedisServer) -> None:
    notes = Notes()
    async with on(own_redis, within=BUDGET, tell=notes) as stores:
        store = bytes_of(stores)
        await hold(store)
        own_redis.pause()
        waits = [await waited(store) for _ in range(20)]
        assert waits[0] >= BUDGET * 0.9
        assert all(wait >= BUDGET * 0.18 for wait in waits[1:5])
        assert sorted(waits[1:5])[1] < BUDGET * 0.7
        assert sorted(waits[5:])[12] < BUDGET / 10
        own_redis.resume()
    assert notes.moved == [(False, "no answer within 100 ms")]


async def test_who_still_waits_is_told_when_the_store_is_left_alone(
    own_redis: RedisServer,
) -> None:
    async with on(own_redis, within=1.0) as stores:
        store = bytes_of(stores)
        await hold(store)
        own_redis.pause()
        first = [asyncio.ensure_future(store.get(b"key")) for _ in range(5)]
        end = asyncio.get_running_loop().time() + 0.1

        async def is_later() -> bool:
            return asyncio.get_running_loop().time() > end

        await eventually(is_later)
        second = [asyncio.ensure_future(store.get(b"key")) for _ in range(5)]
        await asyncio.gather(*first)
        for _ in range(5):
            await asyncio.sleep(0)
        assert all(each.done() for each in second)
        own_redis.resume()


async def test_one_late_answer_is_forgiven(own_redis: RedisServer) -> None:
    async with on(own_redis, within=BUDGET) as stores:
        store = bytes_of(stores)
        await hold(store)
        own_redis.pause()
        assert await store.get(b"key") is None
        own_redis.resume()
        lanes = stores._reach._lanes

        async def is_trusted() -> bool:
            await store.get(b"key")
            return not lanes._doubted

        await eventually(is_trusted)


async def test_a_process_that_stood_still_does_not_blame_the_store(
    own_redis: RedisServer,
) -> None:
    async with on(own_redis, within=1.5) as stores:
        store = bytes_of(stores)
        await hold(store)
        for ticks in (4, 5):
            asked = [asyncio.ensure_future(store.get(b"key")) for _ in range(20)]
            for _ in range(ticks):
                await asyncio.sleep(0)
            end = monotonic() + 1.8
            while monotonic() < end:
                pass
            assert await asyncio.gather(*asked) == [b"1"] * 20
        assert stores._reach.reachable


async def test_a_closed_store_forgets_and_tells_nothing(own_redis: RedisServer) -> None:
    notes = Notes()
    before = asyncio.all_tasks()
    async with on(own_redis, within=BUDGET, tell=notes) as stores:
        store = bytes_of(stores)
        await hold(store, b"key", "tag")
        own_redis.pause()
        waiting = [asyncio.ensure_future(store.get(b"key")) for _ in range(20)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*waiting) == [None] * 20
    for _ in range(10):
        assert await store.get(b"key") is None
        assert await store.purge("tag") == 0
    assert asyncio.all_tasks() == before
    assert notes.moved == NOTHING_TOLD
    own_redis.resume()


async def test_killed_and_started_again(own_redis: RedisServer) -> None:
    notes = Notes()
    async with on(own_redis, within=BUDGET, tell=notes) as stores:
        store = bytes_of(stores)
        for _ in range(3):
            await hold(store)
            own_redis.kill()
            waits = [await waited(store) for _ in range(20)]
            assert max(waits) < BUDGET * 5
            await store.put(b"key", b"1", 60)
            assert await store.get(b"key") == b"1"
            own_redis.start()
            assert await eventually(lambda: is_back(stores)) < 2
            assert await store.get(b"key") is None
    assert notes.moved == [(False, "it cannot be reached: Connection refused"), BACK] * 3


async def test_a_restart_that_nobody_notices(own_redis: RedisServer) -> None:
    notes = Notes()
    async with on(own_redis, tell=notes) as stores:
        store = bytes_of(stores)
        await asyncio.gather(*[store.put(b"key", b"1", 60) for _ in range(500)])
        own_redis.kill()
        own_redis.start()
        await asyncio.gather(*[store.put(b"key", b"2", 60) for _ in range(500)])
        assert await store.get(b"key") == b"2"
    assert notes.moved == NOTHING_TOLD


async def test_what_was_put_meanwhile_is_not_mixed_with_what_is_there(
    own_redis: RedisServer,
) -> None:
    async with on(own_redis, within=BUDGET) as stores:
        store = bytes_of(stores)
        await hold(store)
        own_redis.pause()
        await until_away(stores)
        assert await store.get(b"key") is None
        await store.put(b"key", b"own", 60)
        assert await store.get(b"key") == b"own"
        own_redis.resume()
        await eventually(lambda: is_back(stores))
        await eventually(partial(has, store, b"1"))
        own_redis.pause()
        await until_away(stores)
        assert await store.get(b"key") is None
        own_redis.resume()


async def test_what_is_forgotten_meanwhile_stays_forgotten(own_redis: RedisServer) -> None:
    prefix = fresh_prefix()
    async with on(own_redis, prefix, BUDGET) as stores, on(own_redis, prefix) as other:
        store, theirs = bytes_of(stores), bytes_of(other)
        for key in (b"purged", b"purged too", b"dropped", b"kept"):
            await hold(store, key, "users" if b"purged" in key else "all")
        own_redis.pause()
        await until_away(stores)
        assert await store.purge("users") == 0
        await store.drop(b"dropped")
        await store.put(b"own", b"1", 60, ("orders",))
        assert await store.purge("orders") == 1
        assert await store.get(b"own") is None
        own_redis.resume()
        await eventually(lambda: is_back(stores))
        for key in (b"purged", b"purged too", b"dropped"):
            assert await theirs.get(key) is None
        assert await theirs.get(b"kept") == b"1"


async def test_one_failure_is_made_good_though_the_store_is_not_left_alone(
    own_redis: RedisServer,
) -> None:
    async with on(own_redis, within=BUDGET) as stores:
        store = bytes_of(stores)
        await hold(store, b"key", "tag")
        own_redis.pause()
        assert await store.purge("tag") == 0
        own_redis.resume()
        assert stores._reach.reachable

        async def is_gone() -> bool:
            return await store.get(b"key") is None and not stores._reach._later

        await eventually(is_gone)
        await store.put(b"key", b"2", 60)
        await store.put(b"other", b"2", 60, ("tag",))
        assert await store.get(b"key") == b"2"


async def test_what_is_to_be_forgotten_is_bounded() -> None:
    stores = redis_stores(StoreSettings(url="redis://127.0.0.1:1"), None)
    await until_away(stores)
    store = bytes_of(stores)
    for number in range(MOST_LATER + 100):
        await store.drop(b"%d" % number)
    assert len(stores._reach._later) == MOST_LATER
    await stores.aclose()


async def test_buckets_are_those_of_the_process_meanwhile(own_redis: RedisServer) -> None:
    async with on(own_redis, within=BUDGET) as stores:
        await hold(bytes_of(stores))
        take = stores.buckets.take
        assert [(await take(b"ip", 0.001, 3)).allowed for _ in range(4)] == [True] * 3 + [False]
        own_redis.pause()
        await until_away(stores)
        assert [(await take(b"ip", 0.001, 3)).allowed for _ in range(4)] == [True] * 3 + [False]
        own_redis.resume()
        await eventually(lambda: is_back(stores))
        assert not (await take(b"ip", 0.001, 3)).allowed


async def test_what_it_costs_to_try_again_and_again(own_redis: RedisServer) -> None:
    before = asyncio.all_tasks()
    async with on(own_redis, within=BUDGET) as stores:
        own_redis.pause()
        await until_away(stores)
        loop = asyncio.get_running_loop()
        end = loop.time() + PAUSE * 3

        async def is_later() -> bool:
            return loop.time() > end

        await eventually(is_later)
        assert len(asyncio.all_tasks() - before) <= 5
        own_redis.resume()
        await eventually(lambda: is_back(stores))
        async with raw(own_redis) as redis:

            async def is_tidy() -> bool:
                return len(await redis.client_list()) <= 3

            await eventually(is_tidy)
    assert asyncio.all_tasks() == before


async def test_never_there_is_told_once() -> None:
    notes = Notes()
    stores = redis_stores(StoreSettings(url="redis://s3cret:s3cret@127.0.0.1:1"), notes)
    store = bytes_of(stores)
    await asyncio.gather(*[store.get(b"key") for _ in range(100)])
    await store.put(b"key", b"1", 60)
    assert await store.get(b"key") == b"1"
    await stores.aclose()
    assert notes.moved == [(False, "it cannot be reached: Connection refused")]
    assert "s3cret" not in repr(StoreSettings(url="redis://s3cret:s3cret@127.0.0.1:1"))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (gaierror(-2, "s3cret is not known"), "it cannot be reached"),
        (OSError(113, "s3cret"), "it cannot be reached: No route to host"),
        (TimeoutError("s3cret"), "it cannot be reached"),
        (AuthenticationError("s3cret"), "it refuses the user or the password"),
        (ConnectionError("s3cret"), "it cannot be reached"),
    ],
)
def test_why_it_is_away_is_told_without_where_it_is(error: Exception, told: str) -> None:
    assert str(_unreachable(error)) == told
