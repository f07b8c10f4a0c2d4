"""How long answers take, and how many calls may be made twice: two small numbers kept up to date
for one upstream. Knows no clock.
"""

from __future__ import annotations

from math import ceil

KEPT = 256
"""Times that are looked at, the last ones."""
FEWEST = 20
"""Of fewer nothing is said."""
EVERY = 32
"""So many times pass before they are ordered again."""


class Latencies:
    """The last times, and a percentile of them that is at most some calls behind."""

    __slots__ = ("_at", "_fresh", "_last", "_part", "found")

    def __init__(self, percentile: float) -> None:
        self._part = percentile / 100
        self._last: list[float] = []
        self._at = 0
        self._fresh = EVERY - FEWEST
        self.found: float | None = None

    def add(self, seconds: float) -> None:
        """One more answer took so long."""
        if len(self._last) < KEPT:
            self._last.append(seconds)
        else:
            self._last[self._at] = seconds
            self._at = (self._at + 1) % KEPT
        self._fresh += 1
        if self._fresh >= EVERY:
            self._fresh = 0
            ordered = sorted(self._last)
            self.found = ordered[ceil(self._part * len(ordered)) - 1]


class Allowance:
    """Each call earns a part of one more; what is not used is kept, up to a few."""

    __slots__ = ("_part", "held")

    MOST = 10.0

    def __init__(self, part: float) -> None:
        self._part = part
        self.held = 0.0

    def earn(self) -> None:
        """A call was made."""
        self.held = min(self.held + self._part, self.MOST)

    def take(self) -> bool:
        """Whether there is one, which is then used."""
        if self.held < 1.0:
            return False
        self.held -= 1.0
        return True
