"""Token buckets within the process. For one thread: that of the loop."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from apiql.stores.store import Taken

MOST = 100_000
"""Buckets that are remembered at most; of half as many, those used last, none begins full again."""


class _Bucket(Struct, gc=False):
    held: float
    at: float


class MemoryBuckets:
    """Buckets by their keys. The clock counts seconds."""

    def __init__(self, clock: Callable[[], float], most: int = MOST) -> None:
        self._clock, self._half = clock, most // 2
        self._used: dict[bytes, _Bucket] = {}
        self._before: dict[bytes, _Bucket] = {}
        """Those that were not used since there were too many to remember."""

    async def take(self, key: bytes, rate: float, burst: int) -> Taken:
        """Takes one of at most `burst`, of which `rate` come back each second."""
        return self.at_once(key, rate, burst)

    def at_once(self, key: bytes, rate: float, burst: int) -> Taken:
        """The same, which waits for nothing."""
        now, bucket = self._clock(), self._used.get(key)
        if bucket is None:
            bucket = self._remembered(key, burst, now)
        held = bucket.held + (now - bucket.at) * rate
        if held > burst:
            held = float(burst)
        allowed = held >= 1.0
        if allowed:
            held -= 1.0
        bucket.held, bucket.at = held, now
        wait = (1.0 - held) / rate if held < 1.0 else 0.0
        return Taken(allowed, int(held), wait, (burst - held) / rate)

    def __len__(self) -> int:
        return len(self._used) + len(self._before)

    def _remembered(self, key: bytes, burst: int, now: float) -> _Bucket:
        """The bucket of a key that was not used of late."""
        found = self._before.pop(key, None) or _Bucket(float(burst), now)
        if len(self._used) >= self._half:
            self._before, self._used = self._used, {}
        self._used[key] = found
        return found
