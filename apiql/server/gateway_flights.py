"""Requests that miss the same kept answer at once: one of them has it made, the others wait for
what becomes of it. Knows no request and no store.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum
from typing import TypeAlias

from apiql.frontends.endpoints.lowered import GatewayAnswer
from apiql.stores.store import Key


class Turn(Enum):
    """What somebody has to do who wants an answer."""

    LEAD = "have it made, the others wait for you"
    LOOK = "look whether it is kept now; where it is not, it is nobody else's"


Ending: TypeAlias = Turn | GatewayAnswer
"""What those that wait are told: a turn, or what the gateway answers all of them."""


class Flights:
    """The answers that are being made, each with those that wait for it. For one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[Key, deque[asyncio.Future[Ending]]] = {}

    async def turn(self, key: Key) -> Ending:
        """Waits for whoever has it made; who comes to lead must say when that is `over`."""
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = deque()
            return Turn.LEAD
        mine: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        waiting.append(mine)
        try:
            return await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.result() is Turn.LEAD:
                self.over(key, Turn.LEAD)  # it was handed on at the same moment
            raise

    def over(self, key: Key, ending: Ending) -> None:
        """The answer is made; or nothing came of it (LEAD), and the first that waits is next."""
        waiting = self._waiting.pop(key)
        while waiting:
            mine = waiting.popleft()
            if mine.done():
                continue
            mine.set_result(ending)
            if ending is Turn.LEAD:
                self._waiting[key] = waiting
                return
