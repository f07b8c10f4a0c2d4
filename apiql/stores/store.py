"""The ports to any store: values by a key, each for a time, and buckets that fill again. Knows no
store and no kind of value.

A value is what msgspec can encode: bytes, numbers, texts, frozen structs of them. So a store in
the process keeps the very object, and one that others share can send it without being told how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from msgspec import Struct, msgpack

from apiql.events import Figure

V = TypeVar("V")

Key: TypeAlias = bytes | tuple[Any, ...]
"""Bytes, or what msgspec can encode: a store in the process takes it as it is, and saves a digest
for each request; one that others share makes bytes of it.
"""


def key_bytes(key: Key, secret: bytes = b"") -> bytes:
    """A key as bytes; of a tuple a digest, so that no credential in it lies in a shared store. With
    a secret, one that tells nothing to who tries out what may be in it.
    """
    if isinstance(key, bytes):
        return key
    found = msgpack.encode(key)
    return blake2b(found, digest_size=32, key=secret).digest() if secret else sha256(found).digest()


class Store(Protocol[V]):
    """Values of one type. A store may forget any of them at any time, and never fails a request."""

    async def get(self, key: Key) -> V | None:
        """The value put last under the key, None once its time is over."""

    async def put(self, key: Key, value: V, seconds: float, tags: Sequence[str] = ()) -> None:
        """Keeps a value for at most these seconds, in the place of the one before."""

    async def drop(self, key: Key) -> None:
        """Forgets the value under the key."""

    async def purge(self, tag: str) -> int:
        """Forgets the values that were put with the tag; how many there were."""


class Taken(Struct, frozen=True):
    """What a bucket answers: whether there was one to take, how many are left, the seconds until
    the next one is there (0: now) and until all are.
    """

    allowed: bool
    left: int
    wait: float
    full: float


TakeAtOnce: TypeAlias = Callable[[bytes, float, int], Taken]
"""As `take` of `Buckets`, without waiting."""


FirstAtOnce: TypeAlias = Callable[[bytes, float], bool | None]
"""As `first` of `Once`, without waiting."""


class Buckets(Protocol):
    """Token buckets by a key; each begins full."""

    @property
    def at_once(self) -> TakeAtOnce | None:
        """Takes one where nobody has to be asked, else None."""

    async def take(self, key: bytes, rate: float, burst: int) -> Taken:
        """Takes one of at most `burst`, of which `rate` come back each second."""


class Once(Protocol):
    """What came once already."""

    @property
    def at_once(self) -> FirstAtOnce | None:
        """As `first` where nobody has to be asked, else None."""

    async def first(self, key: bytes, seconds: float) -> bool | None:
        """Whether the key, of 50 bytes or less, comes for the first time within these seconds; None
        where that cannot be said. Of many that ask at a time, one is told that it is.
        """


@dataclass(frozen=True, slots=True)
class Room(Generic[V]):
    """The most that a store keeps in this process: in number, in bytes, a value's size."""

    entries: int
    size: int
    size_of: Callable[[V], int]


class Stores(Protocol):
    """Where each kind of state is kept. It outlives an engine: a reload passes it on."""

    def store(self, name: str, kind: type[V], room: Room[V]) -> Store[V]:
        """The store of a name, the same one each time; `kind` is the type of its values."""

    def forget(self, name: str) -> None:
        """Lets go of the store of a name in this process; who has it may still use it."""

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds: the same clock for all that share these stores."""

    @property
    def is_shared(self) -> bool:
        """Whether others see what is kept here."""

    @property
    def buckets(self) -> Buckets:
        """The buckets that limit rates."""

    @property
    def once(self) -> Once:
        """What may come once only."""

    def figures(self) -> Iterable[Figure]:
        """What an operator may watch of them."""

    async def aclose(self) -> None:
        """Ends all connections."""
