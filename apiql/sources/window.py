"""How many calls there were in the last seconds, and how many of them are marked. Pure."""

from __future__ import annotations

from collections import deque

SLICES = 10


class Window:
    """Counts over a span that slides by tenths of itself; `calls` and `marked` are its sums."""

    __slots__ = ("_end", "_last", "_slice", "_slices", "calls", "marked")

    def __init__(self, span: float) -> None:
        self._slice = span / SLICES
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self.calls = self.marked = 0
        self._end = float("-inf")
        self._last = [0, 0]
        self._slices = deque([self._last])

    def count(self, now: float) -> None:
        """One call."""
        if now >= self._end:
            self.pass_to(now)
        self.calls += 1
        self._last[0] += 1

    def mark(self, now: float) -> None:
        """One call more is marked."""
        if now >= self._end:
            self.pass_to(now)
        self.marked += 1
        self._last[1] += 1

    def pass_to(self, now: float) -> None:
        """Forgets what is older than the span."""
        if now < self._end:
            return
        behind = now - self._end
        if behind >= self._slice * SLICES:
            self.clear()
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
