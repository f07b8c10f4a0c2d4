"""A shared cache for reads (RFC 9111), and what queries and the configuration ask for beyond it:
`cache 60s`, `within 300ms or stale`, tokens that tell their end, negative answers.

Kept are 2xx answers whose upstream says how long they are fresh, and those that a query or the
configuration wants kept; of these none that sets cookies, varies by what is not sent, or is
`no-store` or `private`. An answer that is no longer fresh is validated if it can be. Writes make
void what is kept of their URL. Knows neither queries nor where the store is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from apiql.errors import CallFailed, Code
from apiql.sources.cache_entry import Kept, bare, conditional, freshened, is_of
from apiql.sources.cache_request import (
    Asked,
    Heads,
    asked,
    concerns,
    key_of,
    url_tag,
    writes,
)
from apiql.sources.call import Caching, Call, Layer, Reply
from apiql.sources.changes import Changes
from apiql.sources.invalidation import void_targets
from apiql.sources.judgement import ASKS_NOTHING, matters, span_of, stretches, tells_of, way_of
from apiql.sources.lifetime import SPEAKING, Lifetime, lifetime_of
from apiql.sources.limits import Unreached
from apiql.sources.readable import is_readable
from apiql.sources.refresh import Refreshing
from apiql.sources.tally import Tally
from apiql.stores.store import Key, Store

LAST_GOOD = 3600.0
"""Seconds for which an answer may stand in for later ones."""
REFRESH = 5.0

_READS = frozenset(("GET", "HEAD"))
_BROKEN = frozenset((500, 502, 503, 504))
_LATE = frozenset((Code.UPSTREAM_TIMEOUT, Code.CIRCUIT_OPEN, Code.UPSTREAM_BUSY))
"""Failures for which the last good answer may stand in: what is not called is not in time."""
_UNREACHED = frozenset((*_LATE, Code.UPSTREAM_CONNECT, Code.BAD_PAYLOAD))


class _Asking(Struct, frozen=True):
    """A call, what is said of caching it, what is stored for it, and when it was sent."""

    call: Call
    caching: Caching
    wanted: Asked
    key: Key
    known: Kept | None
    sent: float


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
    heads: Heads = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    """The sources, by their first tag, of which an answer was kept: what others never say need not
    be looked up.
    """

    def layer(self, call: Call) -> Awaitable[Reply]:
        """The call, answered from the store where it may be."""
        caching = call.caching
        if not (call.body is None and call.method in _READS) and not concerns(call):
            return self._written(call) if writes(call) else self.inner(call)
        if caching is None:
            return self._through(call, ASKS_NOTHING)
        rule = caching.rule
        if caching.off or not matters(caching):
            return self.inner(call)
        if caching.keep is None and not caching.stale and rule is not None and not rule.steers:
            if rule.tags and rule.tags[0] not in self.heard:
                return self._unheard(call, caching)
        return self._through(call, caching)

    async def purge(self, tag: str) -> int:
        """Forgets the answers that have a tag; how many there were. None that is on its way now
        is kept.
        """
        self.changes.all()
        return await self.store.purge(tag)

    # -- reads ----------------------------------------------------------------------------------

    async def _unheard(self, call: Call, caching: Caching) -> Reply:
        """A call of a source of which nothing was ever kept: most upstreams say nothing."""
        wanted = asked(call.headers, self.heads)
        if wanted.bypass or wanted.control is not None:
            return await self._through(call, caching)
        self.tally.misses += 1
        sent, mark = self.clock(), self.changes.mark(call)
        reply = await self.inner(call)
        for name, _ in reply.headers:
            if name in SPEAKING:
                break
        else:
            return reply
        if self.changes.mark(call) != mark:
            return reply
        key = key_of(call, wanted.headers)
        return await self._kept(_Asking(call, caching, wanted, key, None, sent), reply)

    async def _through(self, call: Call, caching: Caching) -> Reply:
        wanted = asked(call.headers, self.heads)
        if wanted.bypass:
            return await self.inner(call)
        key = key_of(call, wanted.headers)
        known = await self.store.get(key)
        asking = _Asking(call, caching, wanted, key, known, self.clock())
        if known is not None:
            reply = self._usable(asking, known)
            if reply is not None:
                return reply
        self.tally.misses += 1
        if wanted.control is not None and wanted.control.only_if_cached:
            return Reply(504, (), b"", use="fwd=request")
        return await self._fetched(asking)

    def _usable(self, asking: _Asking, known: Kept) -> Reply | None:
        """What is stored, if it may be given as it is."""
        caching, control = asking.caching, asking.wanted.control
        age = self._age(known)
        own = caching.keep is not None and not known.is_negative
        limit = caching.keep if own and caching.keep is not None else known.life.fresh
        if control is not None:
            if not stretches(control, known.life, age, limit):
                return None
        elif age >= limit:
            span = max(limit, 0.0) + known.life.while_revalidate
            if own or known.is_negative or not age < span:
                return None
            self._refresh(asking)
        if age >= limit:
            self.tally.stale += 1
        self.tally.hits += 1
        if known.failed is not None:
            raise CallFailed(Code.UPSTREAM_CONNECT, known.failed, retryable=True)
        reply = known.reply
        return Reply(reply.status, reply.headers, reply.body, age, False, "hit", limit - age)

    def _refresh(self, asking: _Asking) -> None:
        async def again(deadline: float) -> Reply:
            later = replace(asking.call, deadline=deadline)
            return await self._fetched(replace(asking, call=later, sent=self.clock()))

        self.refreshing.begin(asking.key, again)

    async def _fetched(self, asking: _Asking) -> Reply:
        """The upstream's answer, or what is stored where it has none."""
        call, caching, known = asking.call, asking.caching, asking.known
        mark = self.changes.mark(call)
        try:
            reply = await (self.inner(call) if known is None else self._validated(asking, known))
        except CallFailed as failed:
            return await self._instead(asking, failed)
        if known is not None and reply.status in _BROKEN and self._covers(known):
            return self._stands_in(known)
        if not tells_of(caching, reply) or self.changes.mark(call) != mark:
            return reply
        return await self._kept(asking, reply)

    async def _validated(self, asking: _Asking, known: Kept) -> Reply:
        """The answer; where the upstream says that the stored one holds, that one."""
        call, rule = asking.call, asking.caching.rule
        if not known.life.validated or (rule is not None and not rule.http):
            return await self.inner(call)
        reply = await self.inner(conditional(call, known.reply))
        if reply.status != 304:
            return reply
        if not is_of(known.reply, reply):
            return await self.inner(call)
        self.tally.revalidated += 1
        return replace(freshened(known.reply, reply), use="fwd=stale; fwd-status=304")

    async def _kept(self, asking: _Asking, reply: Reply) -> Reply:
        """The answer, which is kept for as long as somebody may want it."""
        caching, known = asking.caching, asking.known
        rule, credentials, wall = caching.rule, asking.wanted.credentials, self.wall()
        keep = max(caching.keep or 0.0, LAST_GOOD if caching.stale else 0.0)
        life = lifetime_of(reply, rule, keep or None, credentials=credentials, wall=wall)
        if life is None or not _is_sound(asking, reply):
            return reply
        now = self.clock()
        longest = asking.sent + max(keep, span_of(life))
        until = max(longest, known.until if known is not None else 0.0)
        if until <= now:
            return reply
        entry = Kept(bare(reply), asking.sent, until, life)
        await self._put(asking, entry, until - now)
        way = way_of(reply.use, known)
        return Reply(reply.status, reply.headers, reply.body, use=f"{way}; stored")

    async def _put(self, asking: _Asking, entry: Kept, seconds: float) -> None:
        rule = asking.caching.rule
        tags = rule.tags if rule is not None else ()
        self.heard.update(tags[:1])
        self.tally.stored += 1
        await self.store.put(asking.key, entry, seconds, (url_tag(asking.call), *tags))

    # -- instead of an answer -------------------------------------------------------------------

    async def _instead(self, asking: _Asking, failed: CallFailed) -> Reply:
        """The stored answer that may stand in for a failure; else the failure."""
        known, rule = asking.known, asking.caching.rule
        if asking.caching.stale and failed.code in _LATE:
            last = await self.store.get(asking.key)  # newer than what was there before the call
            if last is not None and not last.is_negative and self._age(last) < LAST_GOOD:
                return replace(self._stands_in(last), stale=True)
        if known is not None and failed.code in _UNREACHED and self._covers(known):
            return self._stands_in(known)
        replaced = known is None or known.is_negative
        if rule and rule.negative and replaced and failed.code is Code.UPSTREAM_CONNECT:
            now, life = self.clock(), Lifetime(rule.negative)
            until = now + rule.negative
            entry = Kept(Reply(0, (), b""), now, until, life, failed.message)
            await self._put(asking, entry, rule.negative)
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
        except Unreached:
            raise
        except (CallFailed, asyncio.CancelledError):  # it may have been sent, so it may be done
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


def _is_sound(asking: _Asking, reply: Reply) -> bool:
    """Whether an answer is what it says; where a definition judges its answers, it has."""
    rule = asking.caching.rule
    if reply.status >= 300 or (rule is not None and rule.until is not None):
        return True
    return is_readable(asking.call.method, reply)


def cached(inner: Layer, store: Store[Kept], clock: Callable[[], float]) -> Layer:
    """Wraps a layer in a cache of its own."""
    return Cache(inner, store, clock).layer
