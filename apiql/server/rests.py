"""One timer for all connections of a server, in place of one for each answer. Knows no protocol but
its question whether it is late.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

LOOK = 1.0
"""Seconds between two looks at all connections."""


class Timed(Protocol):
    """What is looked at."""

    def mind(self, now: float) -> None:
        """Ends itself if it is late."""


class Rests:
    """The connections of one server."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._connections: set[Timed] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, connection: Timed) -> None:
        """A connection was made."""
        self._connections.add(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK, self._look)

    def end(self, connection: Timed) -> None:
        """A connection is gone."""
        self._connections.discard(connection)

    def _look(self) -> None:
        now = self._loop.time()
        for connection in list(self._connections):
            connection.mind(now)
        more = bool(self._connections)
        self._timer = self._loop.call_later(LOOK, self._look) if more else None


class Lateness:
    """What one connection is waited for, and since when. It is noticed at a look, so requests that
    are in time cost nothing.
    """

    __slots__ = ("_since", "_what")

    def __init__(self) -> None:
        self._what: object = None
        self._since = 0.0

    def of(self, what: object, now: float) -> float:
        """The seconds since it was first waited for this very object."""
        if what is not self._what:
            self._what, self._since = what, now
        return now - self._since
