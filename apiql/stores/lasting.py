"""The shared store with what stands in for it: a store of this process while it cannot be reached.

A failure on the way is a miss. While the store is away, values, and how full buckets are, are
this process's own. What was put meanwhile is dropped when the store is back: others have put
newer values there, and there is one truth again. What was dropped or purged meanwhile is dropped
and purged there before anything is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Generic

from apiql.events import Figure, Told
from apiql.settings import Store as StoreSettings
from apiql.stores.buckets import MemoryBuckets
from apiql.stores.failed import StoreFailed
from apiql.stores.lanes import Lanes, connections
from apiql.stores.memory import MemoryStore
from apiql.stores.once import MemoryOnce
from apiql.stores.reach import Reach
from apiql.stores.redis import RedisBuckets, RedisOnce, RedisStore
from apiql.stores.store import Key, Room, Store, Taken, V


class LastingStore(Generic[V]):
    """Values of one type, shared where that is possible."""

    def __init__(
        self, name: str, shared: RedisStore[V], reach: Reach, own: Callable[[], MemoryStore[V]]
    ) -> None:
        self._name = name
        self._shared = shared
        self._reach = reach
        self._make = own
        self._own = own()
        reach.moved.append(self._forget_own)

    async def get(self, key: Key) -> V | None:
        """The value put last under the key, None once its time is over."""
        if self._reach.reachable:
            try:
                return await self._shared.get(key)
            except StoreFailed:
                pass
        return await self._own.get(key)

    async def put(self, key: Key, value: V, seconds: float, tags: Sequence[str] = ()) -> None:
        """Keeps a value for at most these seconds, in the place of the one before."""
        if self._reach.reachable:
            try:
                return await self._shared.put(key, value, seconds, tags)
            except StoreFailed:
                if self._reach.reachable:
                    return None
        return await self._own.put(key, value, seconds, tags)

    async def drop(self, key: Key) -> None:
        """Forgets the value under the key."""
        if self._reach.reachable:
            try:
                return await self._shared.drop(key)
            except StoreFailed:
                pass
        self._reach.later((self._name, "key", key), partial(self._shared.drop, key))
        return await self._own.drop(key)

    async def purge(self, tag: str) -> int:
        """Forgets the values that were put with the tag; how many there were, as far as known."""
        if self._reach.reachable:
            try:
                return await self._shared.purge(tag)
            except StoreFailed:
                pass
        self._reach.later((self._name, "tag", tag), partial(self._shared.purge, tag))
        return await self._own.purge(tag)

    def leave(self) -> None:
        """It is no longer told when the store goes and is back."""
        self._reach.moved.remove(self._forget_own)

    def _forget_own(self) -> None:
        self._own = self._make()


class LastingBuckets:
    """Buckets that all machines take from; while they cannot, each process has its own."""

    at_once = None

    def __init__(self, shared: RedisBuckets, reach: Reach, own: MemoryBuckets) -> None:
        self._shared = shared
        self._reach = reach
        self._own = own

    async def take(self, key: bytes, rate: float, burst: int) -> Taken:
        """Takes one of at most `burst`, of which `rate` come back each second."""
        if self._reach.reachable:
            try:
                return await self._shared.take(key, rate, burst)
            except StoreFailed:
                pass
        return await self._own.take(key, rate, burst)


class LastingOnce:
    """What came once already to any machine; while they cannot be asked, to this process, which
    remembers what came to it in any case.
    """

    def __init__(self, shared: RedisOnce, reach: Reach, own: MemoryOnce) -> None:
        self._shared = shared
        self._reach = reach
        self._own = own

    at_once = None
    """A store must be asked."""

    async def first(self, key: bytes, seconds: float) -> bool | None:
        """Whether the key comes for the first time within these seconds."""
        own = await self._own.first(key, seconds)
        if own is False or not self._reach.reachable:
            return own
        try:
            return await self._shared.first(key, seconds)
        except StoreFailed:
            return own


class RedisStores:
    """All state in a Redis; the clock is that of the day, which machines have in common."""

    is_shared = True

    def __init__(self, reach: Reach, prefix: str, secret: bytes = b"") -> None:
        self._secret = secret
        self.clock = time.time
        self._reach = reach
        self._prefix = prefix
        self._stores: dict[str, LastingStore[Any]] = {}
        self.buckets = LastingBuckets(
            RedisBuckets(reach.ask, prefix), reach, MemoryBuckets(time.monotonic)
        )
        self.once = LastingOnce(RedisOnce(reach.ask, prefix), reach, MemoryOnce(time.monotonic))

    def store(self, name: str, kind: type[V], room: Room[V]) -> Store[V]:
        """The store of a name; the room is for what is kept here while Redis is away."""
        found = self._stores.get(name)
        if found is None:
            shared = RedisStore(self._reach.ask, self._prefix, name, kind, self._secret)
            own = partial(MemoryStore[V], room, time.monotonic)
            found = self._stores[name] = LastingStore(name, shared, self._reach, own)
        return found

    def forget(self, name: str) -> None:
        """Lets go of the store of a name; what Redis has of it ends with its time."""
        found = self._stores.pop(name, None)
        if found is not None:
            found.leave()

    def figures(self) -> Iterator[Figure]:
        """Whether Redis is used, and how often it did not answer."""
        reach = self._reach
        reachable = float(reach.reachable)
        yield Figure("apiql_store_reachable", "1 while the shared store is used", reachable)
        failures = float(reach.failures)
        told = "commands that the shared store did not carry out in time"
        yield Figure("apiql_store_failures_total", told, failures, counter=True)

    async def aclose(self) -> None:
        """Ends all connections."""
        await self._reach.aclose()


def redis_stores(store: StoreSettings, tell: Told | None, secret: bytes = b"") -> RedisStores:
    """The stores in the Redis of these settings; the secret is that of its keys."""
    lanes = Lanes(connections(store), store.timeout)
    return RedisStores(Reach(lanes, store.prefix, tell), store.prefix, secret)
