"""The connections of all transports, counted by the upstreams that the configuration names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from apiql.events import Figure
from apiql.settings import Upstream
from apiql.sources.call import Origin
from apiql.sources.pool import Occupancy
from apiql.sources.transports import pinned

OTHER = "other"
"""What hosts are called that only queries name."""


class Pooled(Protocol):
    """A transport whose connections can be counted."""

    @property
    def occupancy(self) -> Mapping[Origin, Occupancy]: ...


class Pools:
    """The transports of a configuration; those of upstreams by httpx keep their own counts."""

    def __init__(self, upstreams: Mapping[str, Upstream], first: list[Pooled]) -> None:
        self.all = first
        self._names: dict[Origin, str] = {}
        for name, upstream in upstreams.items():
            for url in (upstream.url, *(host.url for host in upstream.hosts)):
                self._names.setdefault(pinned(url), name)

    def figures(self) -> Iterator[Figure]:
        """How many connections each upstream has, rests on, and is waited for."""
        found = {name: [0, 0, 0] for name in (*self._names.values(), OTHER)}
        for pool in self.all:
            for origin, now in pool.occupancy.items():
                counts = found[self._names.get(origin, OTHER)]
                for place, count in enumerate((now.open, now.idle, now.waiting)):
                    counts[place] += count
        for name, (opened, idle, waiting) in found.items():
            of = {"upstream": name}
            yield Figure("apiql_pool_connections", "Connections to an upstream", opened, of)
            yield Figure("apiql_pool_idle", "Those of them that nobody uses", idle, of)
            yield Figure("apiql_pool_waiting", "Calls that wait for one", waiting, of)
