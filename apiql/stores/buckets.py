"""Token buckets within the process. For one thread: that of the loop."""

from __future__ import annotations

from collections.abc import Callable

from apiql.stores.store import Taken

MOST = 100_000
"""Buckets that are remembered; those unused for the longest time begin full again."""


class MemoryBuckets:
    """Buckets by their keys. The clock counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._filled: dict[bytes, tuple[float, float]] = {}
        """The one used last is the last; a dictionary alone is much quicker than a cache."""

    async def take(self, key: bytes, rate: float, burst: int) -> Taken:
        """Takes one of at most `burst`, of which `rate` come back each second."""
        now, filled = self._clock(), self._filled
        found = filled.pop(key, None)
        if found is None:
            held = float(burst)
            if len(filled) >= MOST:
                del filled[next(iter(filled))]
        else:
            held = min(float(burst), found[0] + (now - found[1]) * rate)
        allowed = held >= 1.0
        held -= 1.0 if allowed else 0.0
        filled[key] = (held, now)
        return Taken(allowed, int(held), max(0.0, (1.0 - held) / rate), (burst - held) / rate)
