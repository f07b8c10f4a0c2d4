"""Answers over time, as far as a query asks for it: `cache 60s`, `within 300ms or stale`.

What `cache` keeps is used again up to the age that the asking query allows, whoever kept it. For
`stale` the last good answer is kept for an hour, and stands in where the call's time is over.
Only 2xx answers to GET and HEAD without a body are kept, and none that the upstream forbids to
keep. A query may lengthen a lifetime, also that of `no-cache`; it cannot lift `no-store` or
`private`. Knows neither queries nor where the store is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256

from msgspec import Struct, msgpack

from apiql.errors import CallFailed, Code
from apiql.sources.cache_control import directives_of
from apiql.sources.call import Caching, Call, Layer, Reply
from apiql.stores.store import Store

NOT_IN_TIME = frozenset({Code.UPSTREAM_TIMEOUT, Code.CIRCUIT_OPEN, Code.UPSTREAM_BUSY})
"""Failures for which the last good answer may stand in: what is not called is not in time."""
LAST_GOOD = 3600.0
"""Seconds for which an answer may stand in for later ones."""

_ENTRY, _FIELD = 1200, 160
"""Bytes that an entry and a header field take beside their texts, about."""


class Kept(Struct, frozen=True):
    """An answer, when it came, and until when somebody may want it: both on the cache's clock."""

    reply: Reply
    at: float
    until: float


def cached(inner: Layer, store: Store[Kept], clock: Callable[[], float]) -> Layer:
    """Wraps a layer so that calls with `caching` are answered from the store where they may be.

    The clock counts seconds and is the same for all that share the store.
    """
    through = _Cached(inner, store, clock).through

    def layer(call: Call) -> Awaitable[Reply]:
        caching = call.caching
        if caching is None or caching.off or not concerns(call):
            return inner(call)
        return through(call, caching)

    return layer


def concerns(call: Call) -> bool:
    """Whether answers to such a call can be used again."""
    return call.body is None and call.method in ("GET", "HEAD")


def may_keep(reply: Reply) -> bool:
    """Whether an answer may be given again, to others too that send the very same call."""
    if not 200 <= reply.status < 300:
        return False
    for name, value in reply.headers:
        if name == "set-cookie" or (name == "vary" and "*" in value):
            return False
    said = reply.header("cache-control")
    if said is None:
        return True
    directives = directives_of(said)
    return not (directives.no_store or directives.private)


def key_of(call: Call) -> bytes:
    """What an answer is kept under: everything that is sent, so that callers with other
    credentials never share, as a digest, so that no credential lies in a store.
    """
    parts = (call.method, call.origin, call.target, call.headers)
    return sha256(msgpack.encode(parts)).digest()


def size_of(kept: Kept) -> int:
    """The bytes that an entry takes, about."""
    reply = kept.reply
    fields = sum([len(name) + len(value) + _FIELD for name, value in reply.headers])
    return _ENTRY + fields + len(reply.body)


@dataclass(frozen=True, slots=True)
class _Cached:
    inner: Layer
    store: Store[Kept]
    clock: Callable[[], float]

    async def through(self, call: Call, caching: Caching) -> Reply:
        """The stored answer if it is young enough, else the upstream's, else the last good one."""
        key = key_of(call)
        known = await self.store.get(key)
        if known is not None and caching.keep is not None:
            age = self._age(known)
            if age < caching.keep:
                return _aged(known.reply, age, stale=False)
        try:
            reply = await self.inner(call)
        except CallFailed as failed:
            late = caching.stale and failed.code in NOT_IN_TIME
            instead = await self._last_good(key) if late else None
            if instead is None:
                raise
            return instead
        if may_keep(reply):
            await self._keep(key, reply, caching, known)
        return reply

    def _age(self, kept: Kept) -> float:
        return max(0.0, self.clock() - kept.at)

    async def _last_good(self, key: bytes) -> Reply | None:
        known = await self.store.get(key)  # newer than what was there before the call
        if known is None:
            return None
        age = self._age(known)
        return _aged(known.reply, age, stale=True) if age < LAST_GOOD else None

    async def _keep(self, key: bytes, reply: Reply, caching: Caching, known: Kept | None) -> None:
        """Keeps an answer for as long as this query wants it, or the one of the entry before."""
        now = self.clock()
        wanted = max(caching.keep or 0.0, LAST_GOOD if caching.stale else 0.0)
        until = max(now + wanted, known.until if known else 0.0)
        if until > now:
            await self.store.put(key, Kept(reply, now, until), until - now)


def _aged(reply: Reply, age: float, *, stale: bool) -> Reply:
    return Reply(reply.status, reply.headers, reply.body, age, stale)
