"""The parts of buckets in stores: in the process, and in a Redis that machines share."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from apiql.sources.circuit import BreakerRules
from apiql.sources.circuits import Circuits
from apiql.sources.transports import pinned
from apiql.stores.memory import MemoryStores
from apiql.stores.store import Room, Stores
from apiql.stores.within import Within
from tests.stores.redis_server import RedisServer
from tests.stores.redis_stores import ROOM, eventually, fresh_prefix, on, raw


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


async def apart(stores: Stores) -> None:
    """The same names and keys in two buckets and in none are three."""
    parts = (Within(stores, "a"), Within(stores, "a.b"), stores)
    found = [part.store("answers", bytes, ROOM) for part in parts]
    for number, store in enumerate(found):
        await store.put(b"key", b"%d" % number, 60, ("tag",))
    assert [await store.get(b"key") for store in found] == [b"0", b"1", b"2"]
    assert await found[0].purge("tag") == 1
    assert [await store.get(b"key") for store in found] == [None, b"1", b"2"]
    await found[2].drop(b"key")
    assert [await store.get(b"key") for store in found] == [None, b"1", None]
    for part in parts:
        assert (await part.buckets.take(b"ip:1", 0.001, 1)).allowed
        assert not (await part.buckets.take(b"ip:1", 0.001, 1)).allowed


async def test_parts_of_the_process_are_apart() -> None:
    await apart(MemoryStores(Clock()))


async def test_parts_of_a_redis_are_apart(shared_redis: RedisServer) -> None:
    prefix = fresh_prefix()
    async with on(shared_redis, prefix) as stores, raw(shared_redis) as redis:
        await apart(stores)
        assert len(await redis.keys(f"{prefix}:a/answers:*")) == 0
        assert len(await redis.keys(f"{prefix}:a.b/answers:*")) == 1


async def test_two_machines_share_the_part_of_a_bucket(shared_redis: RedisServer) -> None:
    prefix = fresh_prefix()
    async with on(shared_redis, prefix) as one, on(shared_redis, prefix) as other:
        await Within(one, "a").store("answers", bytes, ROOM).put(b"key", b"1", 60)
        assert await Within(other, "a").store("answers", bytes, ROOM).get(b"key") == b"1"
        assert await Within(other, "b").store("answers", bytes, ROOM).get(b"key") is None


async def test_a_reload_finds_what_was_kept_unless_the_room_has_changed() -> None:
    within = Within(MemoryStores(Clock()), "a")
    first = within.store("answers", bytes, Room(10, 100, len))
    await first.put(b"key", b"1", 60)
    again = within.store("answers", bytes, Room(10, 100, len))
    assert again is first
    larger = within.store("answers", bytes, Room(10, 1000, len))
    assert await larger.get(b"key") is None
    assert within.store("answers", bytes, Room(10, 1000, len)) is larger


async def test_nothing_stays_of_a_bucket_that_is_no_more(shared_redis: RedisServer) -> None:
    memory = MemoryStores(Clock())
    async with on(shared_redis) as redis:
        for stores in (memory, redis):
            within = Within(stores, "a")
            store = within.store("answers", bytes, ROOM)
            stores.store("answers", bytes, ROOM)
            within.forget_all()
            assert list(stores._stores) == ["answers"]
            assert within.store("answers", bytes, ROOM) is not store
        assert len(redis._reach.moved) == len(redis._stores) == 2, "what is gone is told nothing"


async def test_a_part_is_like_the_whole_but_tells_no_figures(shared_redis: RedisServer) -> None:
    async with on(shared_redis) as stores:
        within = Within(stores, "a")
        assert (within.clock, within.is_shared) == (stores.clock, True)
        figures = [len(list(each.figures())) for each in (stores, within)]
        assert figures == [2, 0]
        await within.aclose()
        assert (await stores.buckets.take(b"x", 1, 1)).allowed


async def test_circuits_are_told_within_a_bucket_only(shared_redis: RedisServer) -> None:
    """Nothing that one bucket has found out of a host keeps another from it."""
    origin, rules = pinned("http://127.0.0.1:9"), BreakerRules(failures=1)
    async with on(shared_redis) as stores:
        names = ("a", "a", "b", "")
        parts = [Within(stores, name) if name else stores for name in names]
        every = [Circuits() for _ in parts]
        first, same, other, main = (each.circuit(origin, rules) for each in every)
        tasks = [
            asyncio.create_task(each.share(part, time.monotonic))
            for each, part in zip(every, parts, strict=True)
        ]
        await asyncio.sleep(0)
        first.hear(time.monotonic() + 60, 1)
        every[0].moved(origin)(first)

        async def heard() -> bool:
            return same.is_shut(time.monotonic())

        await eventually(heard)
        assert not other.is_shut(time.monotonic())
        assert not main.is_shut(time.monotonic())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
