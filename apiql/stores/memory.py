"""Stores within the process, bounded in number and in bytes. For one thread: that of the loop."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic

from cachetools import TLRUCache
from msgspec import Struct

from apiql.events import Figure
from apiql.stores.buckets import MemoryBuckets
from apiql.stores.once import MemoryOnce
from apiql.stores.store import Key, Room, Store, V

_TIDY = 4
"""The indexes are swept when they hold so many times what the store may."""


class _Kept(Struct, Generic[V], frozen=True):
    value: V
    size: int
    seconds: float
    tags: tuple[str, ...]


class MemoryStore(Generic[V]):
    """Keeps the objects themselves; of too many, those unused for the longest time give way.

    The clock counts seconds. A value larger than all the room is not kept, and the one before it
    stays.
    """

    def __init__(self, room: Room[V], clock: Callable[[], float]) -> None:
        self._room = room
        self._kept: TLRUCache[Key, _Kept[V]] = TLRUCache(
            room.size, lambda _, kept, now: now + kept.seconds, clock, lambda kept: kept.size
        )
        self._tagged: dict[str, set[Key]] = defaultdict(set)
        self._noted = 0
        self._put: set[Key] = set()
        self._due = _TIDY * max(room.entries, 1)

    async def get(self, key: Key) -> V | None:
        """The value put last under the key, None once its time is over."""
        if key not in self._put:  # far cheaper than the cache, and most keys were never put
            return None
        try:
            return self._kept[key].value
        except KeyError:
            return None

    async def put(self, key: Key, value: V, seconds: float, tags: Sequence[str] = ()) -> None:
        """Keeps a value for at most these seconds, in the place of the one before."""
        size = self._room.size_of(value)
        if size > self._room.size:
            return
        self._kept[key] = _Kept(value, size, seconds, tuple(tags))
        self._put.add(key)
        for tag in tags:
            self._tagged[tag].add(key)
        self._noted += len(tags)
        while len(self._kept) > self._room.entries:
            self._kept.popitem()
        if self._noted + len(self._put) > self._due:
            self._tidy()

    async def drop(self, key: Key) -> None:
        """Forgets the value under the key."""
        self._kept.pop(key, None)

    async def purge(self, tag: str) -> int:
        """Forgets the values that were put with the tag; how many there were."""
        gone = [key for key in self._tagged.pop(tag, ()) if self._has(key, tag)]
        for key in gone:
            self._kept.pop(key, None)
        return len(gone)

    def _has(self, key: Key, tag: str) -> bool:
        """Whether the value under the key, which others may have replaced, has the tag."""
        found = self._kept.get(key)
        return found is not None and tag in found.tags

    def _tidy(self) -> None:
        """Makes the indexes anew of what is still kept."""
        self._put = set(self._kept)
        self._tagged.clear()
        self._noted = 0
        for key, kept in self._kept.items():
            for tag in kept.tags:
                self._tagged[tag].add(key)
            self._noted += len(kept.tags)
        self._due = 2 * (self._noted + len(self._put)) + _TIDY * max(self._room.entries, 1)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        """The bytes that all values take."""
        return int(self._kept.currsize)


class MemoryStores:
    """All state in this process; gone with it."""

    is_shared = False

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._stores: dict[str, MemoryStore[Any]] = {}
        self.buckets = MemoryBuckets(clock)
        self.once = MemoryOnce(clock)

    def store(self, name: str, kind: type[V], room: Room[V]) -> Store[V]:
        """The store of a name, made at the first asking with this room."""
        found = self._stores.get(name)
        if found is None:
            found = self._stores[name] = MemoryStore(room, self.clock)
        return found

    def forget(self, name: str) -> None:
        """Lets go of the store of a name."""
        self._stores.pop(name, None)

    def figures(self) -> Iterable[Figure]:
        """None: who uses a store counts."""
        return ()

    async def aclose(self) -> None:
        """Nothing is open."""
