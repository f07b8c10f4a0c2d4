"""What the cache counts, and how it is told: plain numbers, read when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from apiql.events import Figure

_TOLD = (
    ("hits", "Calls answered from the cache"),
    ("stale", "Answers from the cache that were no longer fresh"),
    ("misses", "Calls whose answer was not in the cache, or not usable"),
    ("revalidated", "Stored answers that the upstream confirmed"),
    ("stored", "Answers that were put into the cache"),
    ("invalidated", "URLs whose answers a write made void"),
)


class Tally:
    """How often what happened, since the process began."""

    __slots__ = ("hits", "invalidated", "misses", "revalidated", "stale", "stored")

    def __init__(self) -> None:
        self.hits = self.stale = self.misses = 0
        self.revalidated = self.stored = self.invalidated = 0

    def figures(self) -> Iterator[Figure]:
        """The counters."""
        for name, told in _TOLD:
            yield Figure(f"apiql_cache_{name}_total", told, getattr(self, name), counter=True)


def room_figures(entries: int, size: int) -> Iterable[Figure]:
    """What the store in the process holds."""
    yield Figure("apiql_cache_entries", "Answers that this process keeps", entries)
    yield Figure("apiql_cache_bytes", "Bytes that they take, about", size)
