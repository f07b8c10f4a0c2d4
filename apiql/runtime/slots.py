"""The places of a query's calls: so many at a time, who asked first goes first."""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """Places to be taken and given back. A place that is given back goes to who waits longest, so
    that one is free only where nobody waits; a semaphore of asyncio looks at all that wait.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """Takes a place, as soon as there is one."""
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Gives a place back."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    async def __aenter__(self) -> None:
        if self._free:
            self._free -= 1
        else:
            await self.acquire()

    async def __aexit__(self, *failed: object) -> None:
        self.release()
