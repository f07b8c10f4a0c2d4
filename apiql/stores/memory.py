"""A store within the process, bounded in number and in bytes. For one thread: that of the loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from cachetools import TLRUCache

from apiql.stores.store import V


class MemoryStore(Generic[V]):
    """Keeps the objects themselves; of too many, those unused for the longest time give way.

    `size_of` says how many bytes a value takes, the clock counts seconds. A value larger than all
    the room is not kept, and the one before it stays.
    """

    def __init__(
        self,
        entries: int,
        room: int,
        size_of: Callable[[V], int],
        clock: Callable[[], float],
    ) -> None:
        self._entries = entries
        self._room = room
        self._size_of = size_of
        self._kept: TLRUCache[bytes, tuple[V, int, float]] = TLRUCache(
            room, lambda _, kept, now: now + kept[2], clock, lambda kept: kept[1]
        )

    async def get(self, key: bytes) -> V | None:
        """The value put last under the key, None once its time is over."""
        try:
            return self._kept[key][0]
        except KeyError:
            return None

    async def put(self, key: bytes, value: V, seconds: float) -> None:
        """Keeps a value for at most these seconds, in the place of the one before."""
        size = self._size_of(value)
        if size > self._room:
            return
        self._kept[key] = (value, size, seconds)
        while len(self._kept) > self._entries:
            self._kept.popitem()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        """The bytes that all values take."""
        return int(self._kept.currsize)
