"""Token buckets within the process. For one thread: that of the loop."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from apiql.stores.store import Taken

MOST = 100_000
"""Buckets that are remembered; those unused for the longest time begin full again."""


class MemoryBuckets:
    """Buckets by their keys. The clock counts seconds."""

    def __init__(self, clock: Callable[[], float], most: int = MOST) -> None:
        self._clock, self._most = clock, most
        self._filled: OrderedDict[bytes, tuple[float, float]] = OrderedDict()
        """The one used last is the last."""

    async def take(self, key: bytes, rate: float, burst: int) -> Taken:
        """Takes one of at most `burst`, of which `rate` come back each second."""
        return self.at_once(key, rate, burst)

    def at_once(self, key: bytes, rate: float, burst: int) -> Taken:
        """The same, which waits for nothing."""
        now, filled = self._clock(), self._filled
        found = filled.get(key)
        if found is None:
            held = float(burst)
            if len(filled) >= self._most:
                filled.popitem(last=False)
        else:
            held = found[0] + (now - found[1]) * rate
            if held > burst:
                held = float(burst)
            filled.move_to_end(key)
        allowed = held >= 1.0
        if allowed:
            held -= 1.0
        filled[key] = (held, now)
        wait = (1.0 - held) / rate if held < 1.0 else 0.0
        return Taken(allowed, int(held), wait, (burst - held) / rate)
