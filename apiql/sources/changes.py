"""Which URLs were written, and whether something was purged, while answers were on their way.

An answer whose call began before a write to its URL ended, or before a purge, may be of the time
before: it is given to who asked for it, but not kept, and later calls do not share it. Knows only
the writes of this process.
"""

from __future__ import annotations

from apiql.sources.call import Call, Origin

_MOST = 1000
"""URLs that are remembered; beyond, all that is under way counts as changed."""


class Changes:
    """Numbers for what has happened; calls with the same number saw the same state."""

    __slots__ = ("_written", "count", "purged")

    def __init__(self) -> None:
        self.count = 0
        self.purged = 0
        self._written: dict[tuple[Origin, str], int] = {}

    def mark(self, call: Call) -> int:
        """The number of the last change that concerns a call."""
        if not self._written:
            return self.purged
        return self._written.get((call.origin, call.target), self.purged)

    def wrote(self, origin: Origin, target: str) -> None:
        """Notes that the answers of a URL may have changed."""
        if len(self._written) >= _MOST:
            self.all()
        self.count += 1
        self._written[origin, target] = self.count

    def all(self) -> None:
        """Notes that any answer may have."""
        self.count += 1
        self.purged = self.count
        self._written.clear()
