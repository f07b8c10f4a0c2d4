"""The public keys of an issuer, fetched from its JWKS and kept up with it. Knows no token.

    none ──fetched──▶ fresh ──its time is over──▶ stale ──fetched──▶ fresh
                                                    └──a day without an answer──▶ none

Whoever has a key to check with is never kept waiting: stale keys are fetched anew beside the
requests. A key that is not known is fetched for once, however many ask for it, and not again for a
while, so that nobody makes us ask the issuer as often as they like.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping, Sequence

from msgspec import Struct

from apiql.access.signatures import Keys, KeysRefused, keys_in_set
from apiql.errors import CallFailed
from apiql.events import KeysMoved, Told
from apiql.sources.addresses import parse_url
from apiql.sources.cache_control import directives_of
from apiql.sources.call import Caching, Call, Layer, Reply
from apiql.sources.transports import pinned

PATIENCE = 5.0
"""Seconds that one fetch may take."""
LEAST, USUAL, MOST = 60.0, 600.0, 86_400.0
"""Seconds for which keys are fresh: at least, where the issuer says nothing, and at most."""
KEPT = 86_400.0
"""Seconds for which keys that cannot be fetched anew are used."""
PAUSE, PAUSE_WITHOUT = 30.0, 5.0
"""Seconds between two fetches, and as long as there are no keys at all."""
MOST_BYTES = 256 * 1024
WANTED = (("accept", "application/jwk-set+json, application/json"),)


class Fetched(Struct, frozen=True):
    """What the issuer said last, when, and until when it is fresh. Outlives a reload."""

    body: bytes
    at: float
    until: float


Memory = MutableMapping[str, Fetched]
"""What was fetched last, by URL."""


class KeySet:
    """The keys of one issuer. `generation` is another one whenever they have changed."""

    def __init__(
        self, issuer: str, url: str, algorithms: Sequence[str], layer: Layer, memory: Memory,
        clock: Callable[[], float], tell: Told | None = None,
    ) -> None:  # fmt: skip
        self.keys: Keys = ()
        self.generation = 0
        self._issuer, self._url, self._algorithms = issuer, url, algorithms
        self._layer, self._memory, self._clock, self._tell = layer, memory, clock, tell
        self._origin, (_, self._target) = pinned(url), parse_url(url)
        self._tried = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._broken = False
        self._known: Fetched | None = None
        self._remember()

    def mind(self) -> None:
        """Drops keys that are too old, and has stale ones fetched anew."""
        now, known = self._clock(), self._known
        if known is None or now < known.until:
            return
        if now - known.at > max(KEPT, known.until - known.at):
            self._known, self.keys = None, ()
            self.generation += 1
            self._memory.pop(self._url, None)
        if self._may_fetch(now):
            self._fetch()

    async def with_key(self, kid: str | None) -> Keys:
        """The keys, fetched anew before where this one is not among them."""
        self.mind()
        if self._lacks(kid):
            if self._may_fetch(self._clock()):
                self._fetch()
            if self._task is not None:
                await asyncio.shield(self._task)
        return self.keys

    def _lacks(self, kid: str | None) -> bool:
        if not self.keys or kid is None:
            return not self.keys
        return not any(key.kid in (kid, None) for key in self.keys)

    def _may_fetch(self, now: float) -> bool:
        pause = PAUSE if self.keys else PAUSE_WITHOUT
        return self._task is None and now - self._tried >= pause

    def _fetch(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._fetched())
        self._task.add_done_callback(self._over)

    def _over(self, _: asyncio.Task[None]) -> None:
        self._task, self._tried = None, self._clock()

    async def _fetched(self) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        call = Call("GET", self._origin, self._target, WANTED, None, deadline, Caching(off=True))
        try:
            async with asyncio.timeout(PATIENCE + 1.0):
                reply = await self._layer(call)
            self._take(reply)
        except (CallFailed, KeysRefused) as error:
            self._moved(str(error))
        except TimeoutError:
            self._moved(f"no answer within {PATIENCE:g} s")
        else:
            self._moved("")

    def _take(self, reply: Reply) -> None:
        if reply.status != 200:
            raise KeysRefused(f"it answers {reply.status}")
        if len(reply.body) > MOST_BYTES:
            raise KeysRefused(f"its answer is larger than {MOST_BYTES} bytes")
        now = self._clock()
        found = Fetched(reply.body, now, now + lifetime(reply))
        self._use(found, keys_in_set(found.body, self._algorithms))
        self._memory[self._url] = found

    def _use(self, found: Fetched, keys: Keys) -> None:
        if self._known is None or self._known.body != found.body:
            self.keys = keys
            self.generation += 1
        self._known = found

    def _remember(self) -> None:
        """Goes on with what was fetched before a reload."""
        found = self._memory.get(self._url)
        try:
            if found is not None:
                self._use(found, keys_in_set(found.body, self._algorithms))
        except KeysRefused:  # other algorithms are wanted now
            del self._memory[self._url]

    def _moved(self, why: str) -> None:
        """Tells once that the keys cannot be had, and once that they can again."""
        if bool(why) != self._broken:
            self._broken = bool(why)
            if self._tell is not None:
                self._tell(KeysMoved(self._issuer, not why, why or "they were fetched"))


def lifetime(reply: Reply) -> float:
    """The seconds for which keys are fresh, as the issuer says, within bounds."""
    said = directives_of(reply.header("cache-control") or "")
    if said.no_store or said.no_cache:
        return LEAST
    if said.max_age is None:
        return USUAL
    age = reply.header("age") or "0"
    spent = int(age) if age.isascii() and age.isdigit() and len(age) < 10 else 0
    return min(MOST, max(LEAST, float(said.max_age - spent)))
