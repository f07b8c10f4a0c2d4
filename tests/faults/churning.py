"""Calls that are cancelled, early or late, one after the other."""

from __future__ import annotations

import asyncio
from random import Random

from tests.faults.caller import Caller


async def cancelled(port: int, calls: int, random: Random) -> None:
    """So many calls that are cancelled early or late, forty clients at a time."""

    async def client(share: int) -> None:
        caller = Caller(port)
        for _ in range(share):
            path = random.choice(("/hang", "/drip", "/ok", "/jitter", "/stall-body"))
            await caller.begin(f"select * from {path}?n={random.random()} as f")
            await asyncio.sleep(random.choice((0, 0.001, 0.005, 0.02)))
            caller.leave()

    await asyncio.gather(*(client(calls // 40) for _ in range(40)))
