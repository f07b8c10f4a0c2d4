"""Work for a client ends when the client goes away.

Most answers are made in milliseconds, and nobody need look whether their client is still there:
one timer for all requests begins to listen to those that have taken longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from msgspec import Struct

from apiql.server.visit import Receive

PATIENCE = 0.01
"""Seconds between two looks at the requests under way: a client that leaves is noticed within
twice that."""

T = TypeVar("T")


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class Presence:
    """The clients that wait for an answer; belongs to the event loop of its first request."""

    def __init__(self) -> None:
        self._waiting: set[_Watch] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def during(self, work: Coroutine[Any, Any, T], receive: Receive) -> T:
        """What the work yields; cancelled, with all it waits for, once the client is gone.

        Raises:
            ClientGone: the client went away.
        """
        worker = asyncio.current_task()
        assert worker is not None
        watch = _Watch(worker, receive)
        self._waiting.add(watch)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._look)
        try:
            return await work
        except asyncio.CancelledError:
            if watch.gone and watch.worker.uncancel() == 0:
                raise ClientGone from None
            raise
        finally:
            self._waiting.discard(watch)
            if watch.listener is not None:
                watch.end()

    def _look(self) -> None:
        """Listens to whoever was waiting at the last look already."""
        self._timer = None
        for watch in self._waiting:
            watch.seen()
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._look)


class _Watch(Struct, eq=False):
    """Listens for one client's leaving, and cancels the worker."""

    worker: asyncio.Task[Any]
    receive: Receive
    gone: bool = False
    new: bool = True
    listener: asyncio.Task[None] | None = None

    def seen(self) -> None:
        """Begins to listen at the second look."""
        if self.new:
            self.new = False
        elif self.listener is None:
            self.listener = asyncio.get_running_loop().create_task(self._listen())

    def end(self) -> None:
        """Listens no longer."""
        listener, self.listener = self.listener, None  # its error holds a frame that holds this
        if listener is not None:
            listener.cancel()

    async def _listen(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self.worker.cancel()
