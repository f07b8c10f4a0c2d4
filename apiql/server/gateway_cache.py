"""Answers of endpoints that are kept: under which key, and what comes back of them.

Where a caller shows who it is, what is kept for it is its own; what sets cookies is not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from apiql.access.principal import Principal
from apiql.frontends.endpoints.answer import CACHE
from apiql.frontends.endpoints.cache_rules import CONTROL, cache_key, is_kept, is_looked_for
from apiql.frontends.endpoints.gateway import Caching
from apiql.frontends.endpoints.lowered import GatewayAnswer
from apiql.frontends.endpoints.message import Fields, Message
from apiql.frontends.endpoints.units import SECOND, duration_text
from apiql.gateways import Served
from apiql.stores.store import Key, Store

TTL = "x-gopen-cache-ttl"
MILLISECOND = SECOND // 1000
CREDENTIALS = ("Authorization", "Cookie")


class KeptAnswer(Struct, frozen=True):
    """An answer, and until when it holds, on the clock of its store."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    until: float


def size_of(kept: KeptAnswer) -> int:
    """The bytes that it takes, about."""
    return len(kept.body) + sum(len(name) + len(value) + 40 for name, value in kept.headers) + 200


@dataclass(frozen=True, slots=True)
class Entry:
    """The place of one answer in a store."""

    caching: Caching
    method: str
    key: Key
    tag: str
    store: Store[KeptAnswer]
    clock: Callable[[], float]

    async def found(self, fields: Fields) -> GatewayAnswer | None:
        """What is kept here, if it may be the answer to a request with these header fields."""
        if not is_looked_for(self.caching, self.method, fields):
            return None
        kept = await self.store.get(self.key)
        if kept is None:
            return None
        left = round((kept.until - self.clock()) * 1000) * MILLISECOND
        if left <= 0:
            return None
        others = [pair for pair in kept.headers if pair[0] != CACHE.lower()]
        told = (CACHE.lower(), "true"), (TTL, duration_text(left))
        return GatewayAnswer(kept.status, (*others, *told), kept.body)

    async def keep(self, answer: GatewayAnswer) -> None:
        """Keeps an answer, if the rules say so."""
        said = tuple(value for name, value in answer.headers if name == CONTROL.lower())
        fields = {CONTROL: said} if said else {}
        if not is_kept(self.caching, self.method, answer.status, fields):
            return
        if any(name == "set-cookie" for name, _ in answer.headers):
            return
        seconds = self.caching.duration / SECOND
        kept = KeptAnswer(answer.status, answer.headers, answer.body, self.clock() + seconds)
        await self.store.put(self.key, kept, seconds, (self.tag,))


def key_of(caching: Caching, served: Served, path: str, message: Message, who: Principal) -> Key:
    """Under what an answer is kept; a change of the endpoint's file makes all of it void."""
    method = served.lowered.endpoint.method
    said = cache_key(caching, method, path, message.query, message.headers)
    proved = [value for field in CREDENTIALS for value in message.headers.get(field, ())]
    own = (*proved, who.scheme, who.bucket, who.name) if proved or who.is_known else ()
    return (served.name, served.mark, said, *own)
