"""Hedged reads: one that takes longer than most is made a second time, and the first good answer
wins; the other call is cancelled at once.

The first try runs in the caller's own task under a timer, so that a read that answers in time
costs no task. If the second wins, the caller's task is cancelled for a moment, as a timeout does
it, and goes on with the answer. A first try that fails before its time is not hedged: that is for
`retry`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeGuard

from apiql.errors import CallFailed
from apiql.events import Figure
from apiql.settings import Hedge
from apiql.sources.balance import Spread
from apiql.sources.call import Call, Reply
from apiql.sources.hosts import Host
from apiql.sources.latencies import Allowance, Latencies

_Outcome = Reply | CallFailed


class Hedged:
    """The reads of one upstream. The clock counts seconds, as the loop's does."""

    def __init__(
        self, name: str, spread: Spread, settings: Hedge, clock: Callable[[], float]
    ) -> None:
        self.spread = spread
        self.seconds: set[asyncio.Task[_Outcome]] = set()
        self.allowance = Allowance(settings.budget)
        self._name = name
        self._least = settings.least
        self._clock = clock
        self._latencies = Latencies(settings.percentile)
        self.begun = self.won = 0

    async def __call__(self, call: Call) -> Reply:
        """Makes one call, twice if it is a read that takes long."""
        if call.body is not None or call.method not in ("GET", "HEAD"):
            return await self.spread(call, [])
        usual, allowance, began = self._latencies.found, self.allowance, self._clock()
        allowance.earn()
        if usual is None or allowance.held < 1.0:
            reply = await self.spread(call, [])
        else:
            reply = await _Race(self, call).run(max(usual, self._least))
        if reply.status < 500:
            self._latencies.add(self._clock() - began)
        return reply

    def figures(self) -> Iterable[Figure]:
        """How often a read was made twice, and to what use."""
        of = {"upstream": self._name}
        told = "Reads that were made a second time"
        yield Figure("apiql_hedges_total", told, self.begun, of, counter=True)
        told = "Reads whose second try answered first"
        yield Figure("apiql_hedges_won_total", told, self.won, of, counter=True)

    async def aclose(self) -> None:
        """Ends the second tries that are under way."""
        seconds = list(self.seconds)
        for second in seconds:
            second.cancel()
        await asyncio.gather(*seconds, return_exceptions=True)


class _Race:
    """One read and perhaps its second try."""

    __slots__ = ("_call", "_first", "_hedged", "_over", "_second", "_tried", "_won")

    def __init__(self, hedged: Hedged, call: Call) -> None:
        self._hedged = hedged
        self._call = call
        self._tried: list[Host] = []
        self._first: asyncio.Task[object] | None = None
        self._second: asyncio.Task[_Outcome] | None = None
        self._won: Reply | None = None
        self._over = False

    async def run(self, delay: float) -> Reply:
        """The first good answer of both; else what became of the first try."""
        first = asyncio.current_task()
        assert first is not None
        self._first = first
        timer = asyncio.get_running_loop().call_later(delay, self._begin)
        asked = first.cancelling()
        found: _Outcome | None = None
        try:
            found = await self._hedged.spread(self._call, self._tried)
        except CallFailed as failed:
            found = failed
        except asyncio.CancelledError:
            if self._won is None:
                raise
        finally:
            self._over = True
            timer.cancel()
            if self._second is not None and not _may_wait(found):
                self._second.cancel()
        if self._won is not None and first.uncancel() > asked:
            raise asyncio.CancelledError
        return await self._best(found)

    async def _best(self, found: _Outcome | None) -> Reply:
        """After the first try: its answer, the second's that came before, or that is waited for."""
        won = self._won
        if won is None and self._second is not None and _may_wait(found):
            won = await _good_of(self._second)
            self._hedged.won += won is not None
        if won is not None:
            return won
        if isinstance(found, Reply):
            return found
        assert found is not None
        raise found

    def _begin(self) -> None:
        """The first try has taken its time."""
        hedged = self._hedged
        if not hedged.allowance.take():
            return
        hedged.begun += 1
        self._second = asyncio.get_running_loop().create_task(self._again())
        hedged.seconds.add(self._second)
        self._second.add_done_callback(self._ended)

    async def _again(self) -> _Outcome:
        try:
            return await self._hedged.spread(self._call, self._tried)
        except CallFailed as failed:
            return failed

    def _ended(self, second: asyncio.Task[_Outcome]) -> None:
        """The second try has ended; a good answer ends the first one too."""
        self._hedged.seconds.discard(second)
        if self._over or second.cancelled():
            return
        found = second.result()
        if _is_good(found):
            assert self._first is not None
            self._won = found
            self._hedged.won += 1
            self._first.cancel()


async def _good_of(second: asyncio.Task[_Outcome]) -> Reply | None:
    """What a second try yields that is waited for, if it is good."""
    try:
        await asyncio.wait((second,))
    finally:
        second.cancel()
    found = None if second.cancelled() else second.result()
    return found if _is_good(found) else None


def _is_good(found: _Outcome | None) -> TypeGuard[Reply]:
    return isinstance(found, Reply) and found.status < 500


def _may_wait(found: _Outcome | None) -> bool:
    """Whether the first try has ended badly, so that the second one is worth waiting for."""
    return found is not None and not _is_good(found)
