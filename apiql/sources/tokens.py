"""Tokens of OAuth2 for one upstream (client credentials, RFC 6749, 4.4): fetched once for all who
wait, kept until shortly before their end, renewed in the background. Knows no query.

No failure repeats what the token endpoint said: it may repeat the secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from apiql.errors import CallFailed, Code
from apiql.events import Figure
from apiql.sources.limits import Unreached
from apiql.sources.token_request import Given, TokenRequest, no_token
from apiql.stores.store import Store

PAUSE = 1.0
"""Seconds for which a failure stands for all calls."""
YOUNG = 10.0
"""A token that was fetched less than so many seconds ago is not replaced because it is refused: an
upstream that refuses all of them must not make us ask for one with each call.
"""
LONGEST = 86_400.0


class Token(Struct, frozen=True):
    """A token as the store has it: when it was fetched and until when it is used, on its clock."""

    value: str
    at: float
    until: float

    def __repr__(self) -> str:
        return f"Token(until={self.until:g})"


@dataclass(frozen=True, slots=True)
class Held:
    """The token in use, by the clock of the deadlines. From `renew` on another one is fetched."""

    value: str = field(repr=False)
    at: float
    until: float
    renew: float


class Tokens:
    """The token of one upstream. `clock` is that of the deadlines, `now` that of the store."""

    def __init__(
        self, name: str, request: TokenRequest, store: Store[Token],
        clock: Callable[[], float], now: Callable[[], float],
    ) -> None:  # fmt: skip
        self._name, self._request, self._store = name, request, store
        self._clock, self._now = clock, now
        self._held: Held | None = None
        self._refused = ""
        self._task: asyncio.Task[str | CallFailed] | None = None
        self._failed: CallFailed | None = None
        self._until = 0.0
        self._fetched = self._failures = 0
        self._closed = False

    async def value(self, deadline: float) -> str:
        """A token to show.

        Raises:
            Unreached: none can be had, or not before the deadline.
        """
        held, now = self._held, self._clock()
        if held is not None and now < held.until:
            if now >= held.renew and self._task is None and now >= self._until:
                self._begin()
            return held.value
        if self._failed is not None and now < self._until:
            raise again(self._failed)
        return await self._awaited(self._task or self._begin(), deadline)

    def is_stale(self, value: str) -> bool:
        """Whether a token is known to be none that should still be used."""
        held = self._held
        return held is None or held.value != value or self._clock() >= held.until

    async def dropped(self, value: str) -> bool:
        """Forgets a token that was refused; whether it is worth to try another one."""
        held = self._held
        if held is None or held.value != value:
            return True
        if self._clock() - held.at < YOUNG:
            return False
        self._held, self._refused = None, value
        stored = await self._store.get(self._request.key)
        if stored is not None and stored.value == value:
            await self._store.drop(self._request.key)
        return True

    async def aclose(self) -> None:
        """Ends what is under way."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def figures(self) -> Iterator[Figure]:
        """How often tokens were fetched."""
        label = {"upstream": self._name}
        told = "Tokens fetched for an upstream."
        yield Figure("apiql_tokens_fetched_total", told, self._fetched, label, True)
        told = "Times that no token could be had."
        yield Figure("apiql_tokens_failed_total", told, self._failures, label, True)

    async def _awaited(self, task: asyncio.Task[str | CallFailed], deadline: float) -> str:
        """What the flight brings: it goes on without any one of those who wait for it."""
        left = deadline - self._clock()
        try:
            found = await asyncio.wait_for(asyncio.shield(task), max(left, 0.0))
        except TimeoutError:
            raise no_token(Code.UPSTREAM_TIMEOUT, "its token did not come in time") from None
        except asyncio.CancelledError:
            if not self._closed:
                raise
            raise no_token(Code.UPSTREAM_CONNECT, "the way to it is closed") from None
        if isinstance(found, CallFailed):
            raise again(found)
        return found

    def _begin(self) -> asyncio.Task[str | CallFailed]:
        if self._closed:
            raise no_token(Code.UPSTREAM_CONNECT, "the way to it is closed")
        task = self._task = asyncio.get_running_loop().create_task(self._renewed())
        task.add_done_callback(self._ended)
        return task

    def _ended(self, _: object) -> None:
        self._task = None

    async def _renewed(self) -> str | CallFailed:
        """Another token than the one in use: that of a process beside this one, or a new one."""
        try:
            return await self._shared() or await self._new()
        except CallFailed as failed:
            self._failed, self._until = failed, self._clock() + PAUSE
            self._failures += 1
            return failed

    async def _shared(self) -> str | None:
        stored = await self._store.get(self._request.key)
        if stored is None or stored.value in (self._refused, self._held and self._held.value):
            return None
        now, clock = self._now(), self._clock()
        left = min(stored.until - now, LONGEST)
        if left <= 0:
            return None
        age = max(0.0, now - stored.at)
        self._hold(stored.value, clock - age, left + age)
        return stored.value

    async def _new(self) -> str:
        sent, now = self._clock(), self._now()
        given: Given = await self._request.ask()
        self._fetched += 1
        self._failed = None
        seconds = given.seconds - min(self._request.early, given.seconds / 10)
        if seconds > 0:
            self._hold(given.value, sent, seconds)
            left = seconds - (self._clock() - sent)
            token = Token(given.value, now, now + seconds)
            if left > 0:
                await self._store.put(self._request.key, token, left)
        return given.value

    def _hold(self, value: str, at: float, seconds: float) -> None:
        ahead = min(self._request.early, seconds / 10)
        self._held = Held(value, at, at + seconds, at + seconds - ahead)


def again(failed: CallFailed) -> Unreached:
    """The same failure for another call."""
    return Unreached(failed.code, failed.message, failed.hint, failed.retryable, failed.wait)
