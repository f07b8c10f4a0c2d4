"""Token buckets within the process. For one thread: that of the loop."""

from __future__ import annotations

from collections.abc import Callable

from cachetools import LRUCache

from apiql.stores.store import Taken

MOST = 100_000
"""Buckets that are remembered; those unused for the longest time begin full again."""


class MemoryBuckets:
    """Buckets by their keys. The clock counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._filled: LRUCache[bytes, tuple[float, float]] = LRUCache(MOST)

    async def take(self, key: bytes, rate: float, burst: int) -> Taken:
        """Takes one of at most `burst`, of which `rate` come back each second."""
        now = self._clock()
        held, at = self._filled.get(key, (float(burst), now))
        held = min(float(burst), held + (now - at) * rate)
        allowed = held >= 1.0
        held -= 1.0 if allowed else 0.0
        self._filled[key] = (held, now)
        return Taken(allowed, int(held), max(0.0, (1.0 - held) / rate), (burst - held) / rate)
