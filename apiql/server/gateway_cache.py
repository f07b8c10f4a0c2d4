"""Answers of endpoints that are kept: under which key, and what comes back of them.

Where a caller shows who it is, what is kept for it is its own; what sets cookies is not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from msgspec import Struct

from apiql.access.principal import Principal
from apiql.frontends.endpoints.answer import CACHE
from apiql.frontends.endpoints.cache_rules import CONTROL, VARY, cache_key, is_kept, varies_by
from apiql.frontends.endpoints.gateway import Caching
from apiql.frontends.endpoints.lowered import GatewayAnswer
from apiql.frontends.endpoints.message import Fields, Message
from apiql.frontends.endpoints.units import SECOND, duration_text
from apiql.gateways import Served
from apiql.stores.store import Key, Store

TTL = "x-gopen-cache-ttl"
MILLISECOND = SECOND // 1000
CREDENTIALS = ("Authorization", "Cookie")
TELLING = {name.lower(): name for name in (CONTROL, VARY)}


class KeptAnswer(Struct, frozen=True):
    """An answer, and until when it holds, on the clock of its store; `varies` are the fields that
    it varies by, as they were in the request it was made for.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    until: float
    varies: tuple[tuple[str, tuple[str, ...]], ...] = ()


def size_of(kept: KeptAnswer) -> int:
    """The bytes that it takes, about."""
    return len(kept.body) + sum(len(name) + len(value) + 40 for name, value in kept.headers) + 200


@dataclass(frozen=True, slots=True)
class Entry:
    """The place of one answer in a store. `asked` are the header fields of the request;
    `is_wanted`: whoever asks takes a kept one.
    """

    caching: Caching
    method: str
    key: Key
    tag: str
    store: Store[KeptAnswer]
    clock: Callable[[], float]
    asked: Fields
    is_wanted: bool

    async def found(self) -> GatewayAnswer | None:
        """What is kept here, if it may be the answer."""
        if not self.is_wanted:
            return None
        kept = await self.store.get(self.key)
        if kept is None:
            return None
        if any(self.asked.get(name, ()) != values for name, values in kept.varies):
            return None
        left = round((kept.until - self.clock()) * 1000) * MILLISECOND
        if left <= 0:
            return None
        others = [pair for pair in kept.headers if pair[0] != CACHE.lower()]
        told = (CACHE.lower(), "true"), (TTL, duration_text(left))
        return GatewayAnswer(kept.status, (*others, *told), kept.body)

    async def keep(self, answer: GatewayAnswer) -> None:
        """Keeps the answer, if the rules say so."""
        fields = _telling(answer)
        if not is_kept(self.caching, self.method, answer.status, fields):
            return
        varies = varies_by(fields, self.asked)
        if varies is None or any(name == "set-cookie" for name, _ in answer.headers):
            return
        seconds = self.caching.duration / SECOND
        until = self.clock() + seconds
        kept = KeptAnswer(answer.status, answer.headers, answer.body, until, varies)
        await self.store.put(self.key, kept, seconds, (self.tag,))


def _telling(answer: GatewayAnswer) -> Fields:
    """What an answer says of its being kept."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in answer.headers:
        if name in TELLING:
            known = TELLING[name]
            found[known] = (*found.get(known, ()), value)
    return found


def key_of(caching: Caching, served: Served, message: Message, who: Principal) -> Key:
    """Under what an answer is kept; a change of the endpoint's file makes all of it void."""
    headers = message.headers
    proved = tuple((field, headers[field]) for field in CREDENTIALS if field in headers)
    own = (proved, who.scheme, who.bucket, who.name) if proved or who.is_known else ()
    body = b"" if message.body is None else blake2b(message.body.data, digest_size=16).digest()
    return (served.name, served.mark, *cache_key(caching, message), body, own)
