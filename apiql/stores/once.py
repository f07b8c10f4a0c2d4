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
        self._ends: deque[tuple[float, bytes]] = deque()

    async def first(self, key: bytes, seconds: float) -> bool | None:
        """Whether the key did not come in the time that it was given; None: there is no room to
        remember it.
        """
        now, ends = self._clock(), self._ends
        while ends and ends[0][0] <= now:  # of times that differ some end a little later
            self._seen.discard(ends.popleft()[1])
        if key in self._seen:
            return False
        if len(ends) >= self._most:
            return None
        self._seen.add(key)
        ends.append((now + seconds, key))
        return True

    def __len__(self) -> int:
        return len(self._seen)
