"""How long things took, counted in buckets: a look-up and an addition each. Knows no request."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Generic, TypeVar

from apiql.events import Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The bounds of our own buckets."""
DOUBLING = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
"""Those of the histograms that dashboards of old know."""
BOUNDS = tuple(sorted({*SECONDS, *DOUBLING}))
"""What is counted; each family is made of it."""
MOST = 10_000
"""Series of one kind; what is new beyond them is counted together."""

Key = TypeVar("Key", bound=Hashable)


class Series:
    """The counts of all buckets, each alone, and the time of all together."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def note(self, seconds: float) -> None:
        """Counts one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


class Durations(Generic[Key]):
    """Series by what they are of."""

    def __init__(self, other: Key) -> None:
        self.series: dict[Key, Series] = {}
        self._other = other

    def of(self, key: Key) -> Series:
        """The series of a key; it begins with what is counted first."""
        found = self.series.get(key)
        if found is None:
            kept = key if len(self.series) < MOST else self._other
            found = self.series.setdefault(kept, Series())
        return found

    def family(
        self, name: str, told: str, bounds: tuple[float, ...],
        labels_of: Callable[[Key], Mapping[str, str] | None],
    ) -> Iterator[Histogram]:  # fmt: skip
        """The histograms of a name: series with equal labels are one, their buckets are joined to
        those of the bounds. What has no labels is none of them.
        """
        joined: dict[tuple[tuple[str, str], ...], tuple[list[int], list[float]]] = {}
        places = [bisect_left(bounds, bound) for bound in BOUNDS] + [len(bounds)]
        for key, series in self.series.items():
            found = labels_of(key)
            if found is None:
                continue
            labels = tuple(found.items())
            counts, totals = joined.setdefault(labels, ([0] * (len(bounds) + 1), []))
            for place, count in zip(places, series.counts, strict=True):
                counts[place] += count
            totals.append(series.total)
        for labels, (counts, totals) in joined.items():
            yield Histogram(name, told, bounds, tuple(counts), sum(totals), dict(labels))
