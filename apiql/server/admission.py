"""How many queries are carried out at a time, who waits for that, and who is refused. Knows nothing
of HTTP, engines or answers.

Who waits, waits in a line: first come, first served. A newer request does not overtake, because
whoever would have to wait for too long is refused on arrival already; so the line is never longer
than what can be answered in time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from apiql.errors import Code, RequestRefused
from apiql.settings import Limits

RETRY_AFTER = 1
"""Seconds after which a refused client may ask again."""
DETAIL = "as many queries as possible are being answered; ask again later"
SAFE = 0.75
"""The share of the longest wait up to which one is expected to be in time."""
WINDOW = 0.25
"""Seconds over which it is measured how fast places become free."""
FEW = 8
"""Places that became free before anything is concluded from it."""


class Overloaded(RequestRefused):
    """There is no place for a query."""

    def __init__(self) -> None:
        super().__init__(Code.OVERLOADED, DETAIL, {"Retry-After": str(RETRY_AFTER)})


class Admission:
    """The places for queries, and the line of those who wait for one. There is only a line while
    all places are taken. For one event loop.
    """

    def __init__(self, limits: Limits) -> None:
        self.running = self.refused = 0
        self.most, self._most_waiting = limits.queries, limits.queries_waiting
        self.longest = min(limits.queries_wait, limits.query_timeout)
        self._line: OrderedDict[asyncio.Future[None], None] = OrderedDict()
        self._pace = 0.0  # seconds from one place that becomes free to the next
        self._freed, self._since, self._last = 0, 0.0, 0.0

    def settle(self, limits: Limits) -> None:
        """Minds other limits from now on; nobody who is in or waits is sent away."""
        self.most, self._most_waiting = limits.queries, limits.queries_waiting
        self.longest = min(limits.queries_wait, limits.query_timeout)
        while self._line and self.running < self.most:
            self.running += 1
            self._line.popitem(last=False)[0].set_result(None)

    @property
    def waiting(self) -> int:
        """Those in the line."""
        return len(self._line)

    def enter(self) -> bool:
        """Takes a place, if one is free; whoever has it must `leave`."""
        if self.running < self.most:
            self.running += 1
            return True
        return False

    def leave(self) -> None:
        """Gives a place back: the first in the line has it now."""
        if not self._line or self.running > self.most:
            self.running -= 1
            return
        self._line.popitem(last=False)[0].set_result(None)
        self._measure(asyncio.get_running_loop().time())

    def is_shut(self, patience: float | None = None) -> bool:
        """Whether one that comes now is to be refused at once."""
        if self.running < self.most:
            return False
        if len(self._line) >= self._most_waiting:
            return True
        return bool(self._line) and self._expected() > SAFE * self._within(patience)

    async def wait(self, patience: float | None = None) -> float:
        """Takes a place once there is one; the seconds that it took.

        Raises:
            Overloaded: it takes too long, or would.
        """
        if self.is_shut(patience):
            self.refused += 1
            raise Overloaded
        loop = asyncio.get_running_loop()
        begun = loop.time()
        if not self._line:
            self._freed, self._since, self._last = 0, begun, begun
        place: asyncio.Future[None] = loop.create_future()
        self._line[place] = None
        timer = loop.call_later(self._within(patience), self._give_up, place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()  # it was handed on at the same moment
            raise
        finally:
            timer.cancel()
            self._line.pop(place, None)
        return loop.time() - begun

    def _within(self, patience: float | None) -> float:
        return self.longest if patience is None else min(self.longest, patience)

    def _give_up(self, place: asyncio.Future[None]) -> None:
        if not place.done():
            self.refused += 1
            del self._line[place]
            place.set_exception(Overloaded())

    def _measure(self, now: float) -> None:
        self._freed += 1
        self._last = now
        taken = now - self._since
        if taken >= WINDOW:
            pace = taken / self._freed
            self._pace = (self._pace + pace) / 2 if self._pace else pace
            self._freed, self._since = 0, now

    def _expected(self) -> float:
        """The seconds that the next in the line would wait: as many steps as are before it, or as
        long as nothing at all has become free.
        """
        now = asyncio.get_running_loop().time()
        pace = self._pace
        if not pace and self._freed >= FEW:
            pace = (now - self._since) / self._freed
        return max(len(self._line) * pace, now - self._last)
