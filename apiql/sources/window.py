"""How many calls there were in the last seconds, and how many of them are marked. Pure.

Whoever counts on a hot path adds to `unseen` and looks at no clock. Those calls are taken to have
come evenly since the window was looked at before.
"""

from __future__ import annotations

from collections import deque
from math import inf

SLICES = 10


class Window:
    """Counts over a span that slides by tenths of itself; `calls` and `marked` are its sums."""

    __slots__ = ("_end", "_last", "_seen", "_slice", "_slices", "calls", "marked", "unseen")

    def __init__(self, span: float) -> None:
        self._slice = span / SLICES
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self.calls = self.marked = self.unseen = 0
        self._seen = float("-inf")
        self._end = float("-inf")
        self._last = [0, 0]
        self._slices = deque([self._last])

    def count(self) -> None:
        """One call, now; the window has been looked at."""
        self.calls += 1
        self._last[0] += 1

    def mark(self) -> None:
        """One call more is marked; the window has been looked at."""
        self.marked += 1
        self._last[1] += 1

    def look(self, now: float) -> None:
        """Takes in what is unseen, and forgets what is older than the span."""
        unseen, passed = self.unseen, now - self._seen
        if now >= self._end:
            self._pass_to(now)
        self._seen, self.unseen = now, 0
        if unseen:
            span = self._slice * SLICES
            young = unseen if passed <= span or passed == inf else round(unseen * span / passed)
            self.calls += young
            self._last[0] += young

    def _pass_to(self, now: float) -> None:
        behind = now - self._end
        if behind >= self._slice * SLICES:
            unseen = self.unseen
            self.clear()
            self.unseen = unseen
            self._end = now + self._slice
            return
        for _ in range(int(behind / self._slice) + 1):
            self._end += self._slice
            self._last = [0, 0]
            self._slices.append(self._last)
            if len(self._slices) > SLICES:
                calls, marked = self._slices.popleft()
                self.calls -= calls
                self.marked -= marked
