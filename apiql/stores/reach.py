"""Whether the shared store is asked or left alone: a breaker, and the way back. Knows no Redis.

After 5 failures within 10 seconds nothing is asked any more, and what waits is told so at once.
Every half second one write tries whether the store is back. Before it is used again, what should
have been forgotten there meanwhile is forgotten.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from apiql.events import StoreMoved, Told
from apiql.stores.failed import StoreFailed, WrongKind
from apiql.stores.lanes import Lanes

FAILURES, WINDOW = 5, 10.0
"""So many within so many seconds, and the store counts as gone."""
PAUSE = 0.5
"""Seconds between two tries whether it is back."""
MOST_LATER = 10_000
"""What is to be forgotten once it is back; of more, what came first is not."""

Forget = Callable[[], Awaitable[Any]]


class Reach:
    """The way to the store, and whether it is open."""

    def __init__(self, lanes: Lanes, prefix: str, tell: Told | None) -> None:
        self.reachable = True
        self.failures = 0
        self.moved: list[Callable[[], None]] = []
        """Called when the store goes and when it is back."""
        self._lanes = lanes
        self._tell = tell
        self._probe = (b"SET", f"{prefix}:#probe".encode(), b"1", b"PX", 1000)
        self._failed: deque[float] = deque(maxlen=FAILURES)
        self._later: dict[Hashable, Forget] = {}
        self._mending: asyncio.Task[None] | None = None
        self._closed = False

    async def ask(self, *command: bytes | int) -> Any:
        """What the store answers.

        Raises:
            StoreFailed: it did not, or is left alone.
        """
        if self._closed:
            raise StoreFailed("the store is closed")
        try:
            return await self._lanes.ask(*command)
        except WrongKind:
            raise
        except StoreFailed as failed:
            self._note(failed)
            raise

    def later(self, what: Hashable, forget: Forget) -> None:
        """Notes what is to be forgotten when the store can be asked again."""
        self._later.pop(what, None)
        self._later[what] = forget
        if len(self._later) > MOST_LATER:
            del self._later[next(iter(self._later))]
        self._mend()

    async def aclose(self) -> None:
        """Tries no more, and ends all connections."""
        self._closed = True
        if self._mending is not None:
            self._mending.cancel()
            await asyncio.gather(self._mending, return_exceptions=True)
        await self._lanes.aclose()

    def _note(self, failed: StoreFailed) -> None:
        self.failures += 1
        now = asyncio.get_running_loop().time()
        self._failed.append(now)
        if self._closed or not self.reachable:
            return
        if len(self._failed) == FAILURES and now - self._failed[0] <= WINDOW:
            self._move(False, str(failed))
            self._lanes.give_up(failed)
            self._mend()

    def _move(self, reachable: bool, why: str) -> None:
        self.reachable = reachable
        self._failed.clear()
        for moved in self.moved:
            moved()
        if self._tell is not None:
            self._tell(StoreMoved(reachable, why))

    def _mend(self) -> None:
        if not self._closed and (self._mending is None or self._mending.done()):
            self._mending = asyncio.create_task(self._until_back())

    async def _until_back(self) -> None:
        back = False
        while not back:
            await asyncio.sleep(PAUSE)
            back = await self._is_back()
        if not self.reachable:
            self._move(True, "it answers again")

    async def _is_back(self) -> bool:
        """Whether the store takes a write, and everything that was to be forgotten is."""
        try:
            await self._lanes.ask(*self._probe)
            while self._later:
                what, forget = next(iter(self._later.items()))
                await forget()
                if self._later.get(what) is forget:
                    del self._later[what]
        except StoreFailed:
            return False
        return True
