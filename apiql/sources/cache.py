"""A shared cache for reads (RFC 9111), and what queries and the configuration ask for beyond it:
`cache 60s`, `within 300ms or stale`, tokens that tell their end, negative answers.

Kept are 2xx answers whose upstream says how long they are fresh, and those that a query or the
configuration wants kept; of these none that sets cookies, varies by what is not sent, or is
`no-store` or `private`. An answer that is no longer fresh is validated if it can be. Writes make
void what is kept of their URL. Knows neither queries nor where the store is.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from apiql.errors import CallFailed, Code
from apiql.sources.cache_control import Directives
from apiql.sources.cache_entry import Kept, bare, conditional, freshened, is_of
from apiql.sources.cache_request import Asked, asked, concerns, key_of, url_tag, writes
from apiql.sources.call import Caching, Call, Layer, Reply
from apiql.sources.changes import Changes
from apiql.sources.invalidation import void_targets
from apiql.sources.lifetime import SPEAKING, Lifetime, lifetime_of
from apiql.sources.refresh import Refreshing
from apiql.sources.tally import Tally
from apiql.stores.store import Key, Store

LAST_GOOD = 3600.0
"""Seconds for which an answer may stand in for later ones."""
VALIDATED = 3600.0
"""Seconds for which one that can be validated is kept after it is no longer fresh."""
REFRESH = 5.0

_READS = frozenset(("GET", "HEAD"))
_ASKS_NOTHING = Caching()
_BROKEN = frozenset((500, 502, 503, 504))
_UNREACHED = frozenset((Code.UPSTREAM_CONNECT, Code.UPSTREAM_TIMEOUT, Code.BAD_PAYLOAD))


@dataclass(frozen=True, slots=True)
class Cache:
    """The cache around the calls to upstreams. `clock` counts seconds and is the same for all that
    share the store; `wall` is the time of day, for ends that are told as one.
    """

    inner: Layer
    store: Store[Kept]
    clock: Callable[[], float]
    wall: Callable[[], float] = time.time
    changes: Changes = field(default_factory=Changes)
    tally: Tally = field(default_factory=Tally)
    refreshing: Refreshing = field(default_factory=lambda: Refreshing(REFRESH))

    def layer(self, call: Call) -> Awaitable[Reply]:
        """The call, answered from the store where it may be."""
        caching = call.caching
        if not (call.body is None and call.method in _READS) and not concerns(call):
            return self._written(call) if writes(call) else self.inner(call)
        if caching is None:
            return self._through(call, _ASKS_NOTHING)
        if caching.off or not _matters(caching):
            return self.inner(call)
        return self._through(call, caching)

    async def purge(self, tag: str) -> int:
        """Forgets the answers that have a tag; how many there were. None that is on its way now
        is kept.
        """
        self.changes.all()
        return await self.store.purge(tag)

    # -- reads ----------------------------------------------------------------------------------

    async def _through(self, call: Call, caching: Caching) -> Reply:
        wanted = asked(call.headers)
        if wanted.bypass:
            return await self.inner(call)
        key = key_of(call, wanted.headers)
        known = await self.store.get(key)
        if known is not None:
            reply = self._usable(call, caching, wanted, key, known)
            if reply is not None:
                return reply
        self.tally.misses += 1
        if wanted.control is not None and wanted.control.only_if_cached:
            return Reply(504, (), b"", use="fwd=request")
        return await self._fetched(call, caching, wanted, key, known)

    def _usable(
        self, call: Call, caching: Caching, wanted: Asked, key: Key, known: Kept
    ) -> Reply | None:
        """What is stored, if it may be given as it is."""
        age = self._age(known)
        own = caching.keep is not None and not known.is_negative
        limit = caching.keep if own and caching.keep is not None else known.life.fresh
        if wanted.control is not None:
            if not _stretches(wanted.control, known.life, age, limit):
                return None
        elif age >= limit:
            span = max(limit, 0.0) + known.life.while_revalidate
            if own or known.is_negative or not age < span:
                return None
            self._refresh(call, caching, wanted, key, known)
        if age >= limit:
            self.tally.stale += 1
        self.tally.hits += 1
        if known.failed is not None:
            raise CallFailed(Code.UPSTREAM_CONNECT, known.failed, retryable=True)
        reply = known.reply
        return Reply(reply.status, reply.headers, reply.body, age, False, "hit", limit - age)

    def _refresh(self, call: Call, caching: Caching, wanted: Asked, key: Key, known: Kept) -> None:
        async def again(deadline: float) -> Reply:
            later = replace(call, deadline=deadline)
            return await self._fetched(later, caching, wanted, key, known)

        self.refreshing.begin(key, again)

    async def _fetched(
        self, call: Call, caching: Caching, wanted: Asked, key: Key, known: Kept | None
    ) -> Reply:
        """The upstream's answer, or what is stored where it has none."""
        sent, mark = self.clock(), self.changes.mark(call)
        try:
            reply = await self._asked_for(call, caching, known)
        except CallFailed as failed:
            return await self._instead(call, caching, key, known, failed)
        if known is not None and reply.status in _BROKEN and self._covers(known):
            return self._stands_in(known)
        if not _matters_for(caching, reply):
            return reply
        keep = partial(self._kept, call, caching, wanted, key, known, sent)
        if self.changes.mark(call) != mark or not await keep(reply):
            return reply
        way = reply.use or ("fwd=uri-miss" if known is None else "fwd=stale")
        way = f"fwd=uri-miss; {way}" if way == "collapsed" else way
        return Reply(reply.status, reply.headers, reply.body, use=f"{way}; stored")

    async def _asked_for(self, call: Call, caching: Caching, known: Kept | None) -> Reply:
        """The answer; where the upstream says that the stored one holds, that one."""
        rule = caching.rule
        if known is None or not known.life.validated or (rule is not None and not rule.http):
            return await self.inner(call)
        reply = await self.inner(conditional(call, known.reply))
        if reply.status != 304:
            return reply
        if not is_of(known.reply, reply):
            return await self.inner(call)
        self.tally.revalidated += 1
        return replace(freshened(known.reply, reply), use="fwd=stale; fwd-status=304")

    async def _kept(
        self, call: Call, caching: Caching, wanted: Asked, key: Key, known: Kept | None,
        sent: float, reply: Reply,
    ) -> bool:  # fmt: skip
        """Keeps an answer for as long as somebody may want it; whether it did."""
        rule, wall = caching.rule, self.wall()
        keep = max(caching.keep or 0.0, LAST_GOOD if caching.stale else 0.0)
        life = lifetime_of(reply, rule, keep or None, credentials=wanted.credentials, wall=wall)
        if life is None:
            return False
        now = self.clock()
        until = max(sent + max(keep, _span(life)), known.until if known is not None else 0.0)
        if until <= now:
            return False
        tags = (url_tag(call), *(rule.tags if rule is not None else ()))
        self.tally.stored += 1
        await self.store.put(key, Kept(bare(reply), sent, until, life), until - now, tags)
        return True

    # -- instead of an answer -------------------------------------------------------------------

    async def _instead(
        self, call: Call, caching: Caching, key: Key, known: Kept | None, failed: CallFailed
    ) -> Reply:
        """The stored answer that may stand in for a failure; else the failure."""
        if caching.stale and failed.code is Code.UPSTREAM_TIMEOUT:
            last = await self.store.get(key)  # newer than what was there before the call
            if last is not None and not last.is_negative and self._age(last) < LAST_GOOD:
                return replace(self._stands_in(last), stale=True)
        if known is not None and failed.code in _UNREACHED and self._covers(known):
            return self._stands_in(known)
        rule, replaced = caching.rule, known is None or known.is_negative
        if rule and rule.negative and replaced and failed.code is Code.UPSTREAM_CONNECT:
            now, seconds = self.clock(), rule.negative
            entry = Kept(Reply(0, (), b""), now, now + seconds, Lifetime(seconds), failed.message)
            await self.store.put(key, entry, seconds, (url_tag(call), *rule.tags))
        raise failed

    def _covers(self, known: Kept) -> bool:
        """Whether what is stored may stand in for an error."""
        span = max(known.life.fresh, 0.0) + known.life.if_error
        return not known.is_negative and known.life.if_error > 0 and self._age(known) < span

    def _stands_in(self, known: Kept) -> Reply:
        self.tally.stale += 1
        age, reply = self._age(known), known.reply
        left = max(known.life.fresh, 0.0) - age
        return Reply(reply.status, reply.headers, reply.body, age, False, "fwd=stale", left)

    def _age(self, kept: Kept) -> float:
        return max(0.0, self.clock() - kept.at)

    # -- writes ---------------------------------------------------------------------------------

    async def _written(self, call: Call) -> Reply:
        """The answer to a write, after which what is kept of its URL is void if it may be done."""
        try:
            reply = await self.inner(call)
        except CallFailed as failed:
            if failed.code is not Code.UPSTREAM_CONNECT:
                await self._void(call, (call.target,))
            raise
        if reply.status < 400:
            await self._void(call, void_targets(call, reply))
        return reply

    async def _void(self, call: Call, targets: tuple[str, ...]) -> None:
        for target in targets:
            self.changes.wrote(call.origin, target)
            self.tally.invalidated += 1
            await self.store.purge(url_tag(call, target))


def cached(inner: Layer, store: Store[Kept], clock: Callable[[], float]) -> Layer:
    """Wraps a layer in a cache of its own."""
    return Cache(inner, store, clock).layer


def _matters(caching: Caching) -> bool:
    """Whether the cache has to do with a call at all."""
    rule = caching.rule
    return rule is None or rule.http or rule.steers or caching.keep is not None or caching.stale


def _matters_for(caching: Caching, reply: Reply) -> bool:
    """Whether somebody says that an answer may be kept: most upstreams are silent."""
    if caching.keep is not None or caching.stale:
        return True
    if caching.rule is not None and caching.rule.steers:
        return True
    return not SPEAKING.isdisjoint([name for name, _ in reply.headers])


def _stretches(control: Directives, life: Lifetime, age: float, limit: float) -> bool:
    """Whether what the call says to caches lets a stored answer be used."""
    if control.no_cache or (control.max_age is not None and age + life.aged > control.max_age):
        return False
    left = limit - age
    if left < control.min_fresh:
        return False
    return left > 0 or (not life.strict and max(limit, 0.0) - age > -control.max_stale)


def _span(life: Lifetime) -> float:
    """How long an answer with this lifetime may be of use."""
    after = max(life.while_revalidate, life.if_error, VALIDATED if life.validated else 0.0)
    return max(life.fresh, 0.0) + after
