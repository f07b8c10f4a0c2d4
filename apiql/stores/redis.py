"""Values and buckets in a Redis that machines share. Knows commands, not connections, and nothing
of what is done where Redis does not answer: everything here raises `StoreFailed` then.

No key holds a secret: keys of values come as digests, tags and buckets are made digests here; with
a `secret`, digests that nobody can make who does not know it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Any, Generic

import msgspec

from apiql.stores.failed import WrongKind
from apiql.stores.scripts import MOST_TAGS, PURGE, PUT, TAG_BYTES, TAKE
from apiql.stores.store import Key, Taken, V, key_bytes

Ask = Callable[..., Awaitable[Any]]

LARGEST = 1024 * 1024
"""Bytes of a value: a larger one would hold up all others on its way, and is not kept."""
_LONGEST = 365 * 86400.0
"""Seconds for which a value is kept at most."""
_PURGED_AT_ONCE = 200
"""Keys of a tag that Redis looks at in one step, while it does nothing else."""


class RedisStore(Generic[V]):
    """Values of one type under `prefix:name:key`."""

    def __init__(
        self, ask: Ask, prefix: str, name: str, kind: type[V], secret: bytes = b""
    ) -> None:
        self._ask = ask
        self._secret = secret
        self._before = f"{prefix}:{name}:".encode()
        self._tag_before = f"{prefix}:{name}#tag:".encode()
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(kind).decode

    async def get(self, key: Key) -> V | None:
        """The value put last under the key, None once its time is over; also where somebody else
        put it there, or another version of this engine.
        """
        try:
            found = await self._ask(b"GET", self._at(key))
        except WrongKind:
            return None
        if not found:
            return None
        try:
            return self._decode(memoryview(found)[1 + TAG_BYTES * found[0] :])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    async def put(self, key: Key, value: V, seconds: float, tags: Sequence[str] = ()) -> None:
        """Keeps a value for at most these seconds, in the place of the one before."""
        told = self._encode(value)
        if len(told) > LARGEST or len(tags) > MOST_TAGS:
            return
        where = self._at(key)
        milliseconds = int(min(seconds, _LONGEST) * 1000)
        if milliseconds < 1:
            await self._ask(b"UNLINK", where)
        elif not tags:
            await self._ask(b"SET", where, b"\0" + told, b"PX", milliseconds)
        else:
            marks = [_mark(tag, self._secret) for tag in tags]
            whole = b"".join((bytes((len(marks),)), *marks, told))
            sets = [self._tag_before + mark for mark in marks]
            count = 1 + len(sets)
            await self._ask(b"EVAL", PUT, count, where, *sets, whole, milliseconds)

    async def drop(self, key: Key) -> None:
        """Forgets the value under the key."""
        await self._ask(b"UNLINK", self._at(key))

    async def purge(self, tag: str) -> int:
        """Forgets the values that were put with the tag; how many there were."""
        mark = _mark(tag, self._secret)
        gone, left = 0, 1
        while left:
            found = await self._ask(
                b"EVAL", PURGE, 1, self._tag_before + mark, mark, _PURGED_AT_ONCE
            )
            gone, left = gone + found[0], found[1]
        return gone

    def _at(self, key: Key) -> bytes:
        return self._before + key_bytes(key, self._secret)


class RedisBuckets:
    """Token buckets that all machines take from."""

    at_once = None

    def __init__(self, ask: Ask, prefix: str) -> None:
        self._ask = ask
        self._before = f"{prefix}:#bucket:".encode()

    async def take(self, key: bytes, rate: float, burst: int) -> Taken:
        """Takes one of at most `burst`, of which `rate` come back each second."""
        where = self._before + blake2b(key, digest_size=TAG_BYTES).digest()
        told = b"%r" % rate
        allowed, left = await self._ask(b"EVAL", TAKE, 1, where, told, burst)
        held = float(left)
        return Taken(bool(allowed), int(held), max(0.0, (1.0 - held) / rate), (burst - held) / rate)


class RedisOnce:
    """What came once already to any machine. A command that is sent again because its connection
    broke may find its own key there: what is new is then called old, never the other way round.
    """

    def __init__(self, ask: Ask, prefix: str) -> None:
        self._ask = ask
        self._before = f"{prefix}:#once:".encode()

    async def first(self, key: bytes, seconds: float) -> bool:
        """Whether the key comes for the first time within these seconds."""
        where, milliseconds = self._before + key, max(1, int(min(seconds, _LONGEST) * 1000))
        return bool(await self._ask(b"SET", where, b"", b"NX", b"PX", milliseconds))


def _mark(tag: str, secret: bytes) -> bytes:
    return blake2b(tag.encode(), digest_size=TAG_BYTES, key=secret).digest()
