"""A limit of calls at a time that follows how long they take. Pure.

The idea is that of TCP Vegas (Brakmo and Peterson, 1994) as the gradient of Netflix's
concurrency-limits has it: calls that take longer than they usually do wait in a queue over there,
so fewer are sent; a few more are always tried, the square root of the limit.
"""

from __future__ import annotations

from math import sqrt

TOLERANCE = 1.5
"""Calls may take so many times their usual time before the limit shrinks."""
SMOOTHING = 0.2
LONG = 1 / 600
"""The weight of one call in the usual time."""
SHORT = 1 / 10


class Gradient:
    """The limit, from 1 to `most`, and the time that calls take lately and usually."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._limit = float(min(most, 20))
        self._usual = 0.0
        self._lately = 0.0

    @property
    def limit(self) -> int:
        """Calls at a time."""
        return int(self._limit)

    def sample(self, seconds: float, running: int) -> None:
        """A call took this long while so many were running."""
        if not self._usual:
            self._usual = self._lately = seconds
        self._lately += (seconds - self._lately) * SHORT
        self._usual += (seconds - self._usual) * LONG
        if self._usual > 2 * self._lately:
            self._usual *= 0.95
        if running * 2 < self._limit:
            return
        slope = TOLERANCE * self._usual / max(self._lately, 1e-9)
        wanted = self._limit * max(0.5, min(1.0, slope)) + sqrt(self._limit) * (slope >= 1)
        moved = self._limit * (1 - SMOOTHING) + wanted * SMOOTHING
        self._limit = max(1.0, min(float(self.most), moved))
