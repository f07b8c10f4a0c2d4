"""Answers that are asked for again while the one before is still given: one at a time for a key.

The tasks belong to this object; closing it cancels and awaits them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from apiql.errors import CallFailed
from apiql.stores.store import Key

Refresh = Callable[[float], Coroutine[None, None, object]]
"""Asks again, up to a deadline on the loop's clock."""


class Refreshing:
    """The refreshes under way. `seconds` is what each of them may take."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._closed = False

    def begin(self, key: Key, refresh: Refresh) -> None:
        """Begins a refresh, if none of the key is under way."""
        if key in self._tasks or self._closed:
            return
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._refreshed(refresh, loop.time() + self._seconds))
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def _refreshed(self, refresh: Refresh, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await refresh(deadline)
        except (CallFailed, TimeoutError):
            return  # the answer that is there stays as long as it may

    def __len__(self) -> int:
        return len(self._tasks)

    async def aclose(self) -> None:
        """Ends all of them, and lets none begin."""
        self._closed = True
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
