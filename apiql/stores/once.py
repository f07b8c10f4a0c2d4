"""What came once already, within the process. For one thread: that of the loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

MOST = 1_000_000
"""Keys that are remembered, about 170 bytes each. Of more it cannot be said whether they are new:
one that was forgotten too soon would be taken for new.
"""


class MemoryOnce:
    """Keys, each for its time. The clock counts seconds."""

    def __init__(self, clock: Callable[[], float], most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._seen: set[bytes] = set()
        self._order: deque[bytes] = deque()
        self._ends: deque[float] = deque()
        """The keys as they came, and when the time of each is over."""

    async def first(self, key: bytes, seconds: float) -> bool | None:
        """Whether the key did not come in the time that it was given; None: there is no room to
        remember it.
        """
        return self.at_once(key, seconds)

    def at_once(self, key: bytes, seconds: float) -> bool | None:
        """The same, which waits for nothing."""
        now, ends, seen = self._clock(), self._ends, self._seen
        while ends and ends[0] <= now:  # of times that differ some end a little later
            ends.popleft()
            seen.discard(self._order.popleft())
        if key in seen:
            return False
        if len(ends) >= self._most:
            return None
        seen.add(key)
        self._order.append(key)
        ends.append(now + seconds)
        return True

    def __len__(self) -> int:
        return len(self._seen)
