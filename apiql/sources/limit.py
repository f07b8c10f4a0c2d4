"""The layer in front of one host that lets so many calls through at a time; some more wait.

First come, first served, until the call's own deadline. A place granted to a call that has left
meanwhile is passed on, so no cancellation can leak one. The line may be longer than its bound while
it moves: many clients at once are no fault of a host that answers. Where it stands still, no more
calls join it, so that a hanging host does not hold all queries there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from apiql.errors import Code
from apiql.sources.call import Call, Layer, Reply
from apiql.sources.gradient import Gradient
from apiql.sources.refusals import Refused

BUSY_WAIT = 1.0
"""The seconds after which a call that was refused may come again."""

STILL = 1.0
"""Seconds: a line of which nobody has had a place for longer does not move."""

Turns = dict["asyncio.Future[bool]", None]


class Limit:
    """The places of one host, and the `turns` of those that wait for one. `most` may change while
    calls are under way.
    """

    __slots__ = ("_moved", "_queue", "most", "refused", "running", "turns")

    def __init__(self, most: int, queue: int) -> None:
        self.most = most
        self.running = 0
        self.refused = 0
        self._queue = queue
        self.turns: Turns = {}
        self._moved = 0.0
        """When the line moved last, on the loop's clock."""

    @property
    def waiting(self) -> int:
        """Calls that have no place yet."""
        return len(self.turns)

    async def enter(self, deadline: float) -> None:
        """Waits for a place.

        Raises:
            Refused: too many wait, or the deadline passed.
        """
        if self.running < self.most and not self.turns:
            self.running += 1
            return
        if len(self.turns) >= self._queue and self._stands_still():
            self.refused += 1
            message = f"is not called: {self.running} calls to it are under way"
            message += f" and {len(self.turns)} wait"
            hint = "try again, or raise in_flight or queue of the upstream"
            raise Refused(Code.UPSTREAM_BUSY, message, hint, retryable=True, wait=BUSY_WAIT)
        if not await self._turn(deadline):
            raise Refused(Code.UPSTREAM_TIMEOUT, "waited for its turn until the deadline")

    def leave(self) -> None:
        """Gives a place back."""
        self.running -= 1
        self.grant()

    def grant(self) -> None:
        """Gives free places to those that wait."""
        while self.turns and self.running < self.most:
            turn = next(iter(self.turns))
            del self.turns[turn]
            if not turn.done():
                self.running += 1
                self._moved = turn.get_loop().time()
                turn.set_result(True)

    def _stands_still(self) -> bool:
        return not self._queue or asyncio.get_running_loop().time() - self._moved > STILL

    async def _turn(self, deadline: float) -> bool:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        if not self.turns:
            self._moved = loop.time()
        self.turns[turn] = None
        timer = loop.call_at(deadline, self._give_up, turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.leave()
            raise
        finally:
            timer.cancel()
            self.turns.pop(turn, None)

    def _give_up(self, turn: asyncio.Future[bool]) -> None:
        self.turns.pop(turn, None)
        if not turn.done():
            turn.set_result(False)


def limited(inner: Layer, limit: Limit) -> Layer:
    """Wraps a layer so that no more calls than the limit's are under way."""

    turns = limit.turns

    async def layer(call: Call) -> Reply:
        if limit.running < limit.most and not turns:
            limit.running += 1
        else:
            await limit.enter(call.deadline)
        try:
            return await inner(call)
        finally:
            limit.running -= 1
            if turns:
                limit.grant()

    return layer


def adapting(inner: Layer, limit: Limit, gradient: Gradient, clock: Callable[[], float]) -> Layer:
    """Wraps a layer below `limited` so that the limit follows how long its calls take."""

    async def layer(call: Call) -> Reply:
        began, ended = clock(), False
        try:
            reply = await inner(call)
            ended = True
            return reply
        finally:
            if ended or clock() >= call.deadline:
                gradient.sample(clock() - began, limit.running)
                limit.most = gradient.limit

    return layer
