"""Work for a client ends when the client goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from apiql.server.read import Receive

PATIENCE = 0.02
"""Seconds before anybody looks whether the client is still there: most answers are faster."""

T = TypeVar("T")


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


async def while_present(work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """What the work yields; cancels it, with all it waits for, as soon as the client is gone.

    Raises:
        ClientGone: the client went away.
    """
    watch = _Watch(receive)
    looking = asyncio.get_running_loop().call_later(PATIENCE, watch.begin)
    try:
        return await work
    except asyncio.CancelledError:
        if watch.gone and watch.worker.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        looking.cancel()
        watch.end()


class _Watch:
    """Listens for the client's leaving, and cancels the task it was made in."""

    def __init__(self, receive: Receive) -> None:
        worker = asyncio.current_task()
        assert worker is not None
        self.worker = worker
        self.gone = False
        self._receive = receive
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._listen())

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self.worker.cancel()
