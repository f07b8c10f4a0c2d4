"""The part that one bucket has in stores: nothing in it can be found, replaced or purged from any
other part. Knows no kind of store and no kind of value.

Names of stores get the bucket's in front, and a slash, which neither names of buckets nor the
prefix of a shared store can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apiql.events import Figure
from apiql.stores.store import Buckets, Once, Room, Store, Stores, TakeAtOnce, Taken, V


class WithinBuckets:
    """The token buckets of one bucket's callers."""

    def __init__(self, inner: Buckets, name: str) -> None:
        self._inner = inner
        self._before = f"\0{name}\0".encode()

    @property
    def at_once(self) -> TakeAtOnce | None:
        """Takes one where nobody has to be asked."""
        inner, before = self._inner.at_once, self._before
        if inner is None:
            return None
        return lambda key, rate, burst: inner(before + key, rate, burst)

    async def take(self, key: bytes, rate: float, burst: int) -> Taken:
        """Takes one of at most `burst`, of which `rate` come back each second."""
        return await self._inner.take(self._before + key, rate, burst)


class Within:
    """Stores of a bucket's own, in those of the process."""

    def __init__(self, stores: Stores, name: str) -> None:
        self._stores = stores
        self._name = name
        self._rooms: dict[str, tuple[int, int]] = {}
        self._buckets = WithinBuckets(stores.buckets, name)

    def store(self, name: str, kind: type[V], room: Room[V]) -> Store[V]:
        """The store of a name; in another room than before it begins empty."""
        size = room.entries, room.size
        if self._rooms.setdefault(name, size) != size:
            self._stores.forget(self._whole(name))
            self._rooms[name] = size
        return self._stores.store(self._whole(name), kind, room)

    @property
    def clock(self) -> Callable[[], float]:
        """That of the stores."""
        return self._stores.clock

    @property
    def is_shared(self) -> bool:
        """Whether others see what is kept here."""
        return self._stores.is_shared

    @property
    def buckets(self) -> Buckets:
        """The buckets that limit rates."""
        return self._buckets

    @property
    def once(self) -> Once:
        """What may come once only: guards ask before a bucket is known, so it is the process's."""
        return self._stores.once

    def figures(self) -> Iterable[Figure]:
        """None: the stores tell theirs themselves."""
        return ()

    def forget(self, name: str) -> None:
        """Lets go of the store of a name."""
        self._rooms.pop(name, None)
        self._stores.forget(self._whole(name))

    def forget_all(self) -> None:
        """Lets go of all: the bucket is no more."""
        for name in tuple(self._rooms):
            self.forget(name)

    async def aclose(self) -> None:
        """Nothing is open that is not the process's."""

    def _whole(self, name: str) -> str:
        return f"{self._name}/{name}"
