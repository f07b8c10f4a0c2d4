"""The front door of a process: what its server, its connections and its routes know together. Knows
no query and no engine.
"""

from __future__ import annotations

import resource
from collections.abc import Iterable

from apiql.errors import RequestRefused
from apiql.events import Figure
from apiql.server.admission import Admission, Overloaded
from apiql.server.rate import Pairs, Rates
from apiql.server.visit import Scope
from apiql.settings import Settings
from apiql.stores.store import Buckets

DOOR = "door"
"""Its name in the state of the lifespan."""
QUERIES = (b"/apiql", b"/query/", b"/b/")
"""How the paths of queries begin: only these are ever refused."""
MOST = 5000
"""Connections of clients, where nothing else is set."""


def connections_of(files: int) -> int:
    """The connections that a process with so many open files can take: a query needs one to its
    client and about one to an upstream, and a fifth stays for the rest.
    """
    return max(1, min(MOST, int(0.8 * files / 2)))


def open_files() -> int:
    """The most files that this process may open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 4 * MOST if soft == resource.RLIM_INFINITY else soft


class Door:
    """Who is let in. `draining` once the server is told to end; `connections` are those open."""

    def __init__(self, settings: Settings, buckets: Buckets) -> None:
        self.draining = False
        self.connections = self.turned_away = self.late = self.limited = 0
        self.admission = Admission(settings.limits)
        self._buckets = buckets
        self.settle(settings)

    def settle(self, settings: Settings) -> None:
        """Minds other settings from now on."""
        limits, server = settings.limits, settings.server
        self.admission.settle(limits)
        self.rates = Rates(settings.clients, self._buckets) if settings.clients.rate else None
        self.drain_delay = server.drain_delay
        self.most = server.connections or connections_of(open_files())
        self.head_bytes, self.body_bytes = limits.header_bytes, limits.body_bytes

    @property
    def is_guarded(self) -> bool:
        """Whether there is anything to be looked at before a request is let in."""
        return self.rates is not None or self.admission.is_shut()

    async def let_in(self, scope: Scope) -> Pairs:
        """Headers for the answer to a request, of which nothing is read yet.

        Raises:
            RequestRefused: it is not to be answered.
        """
        if self.admission.is_shut():
            self.admission.refused += 1
            raise Overloaded
        if self.rates is None:
            return []
        try:
            return await self.rates.take(scope)
        except RequestRefused:
            self.limited += 1
            raise

    def figures(self) -> Iterable[Figure]:
        """What an operator may watch of it."""
        admission = self.admission
        yield Figure("apiql_queries_running", "queries carried out now", admission.running)
        yield Figure("apiql_queries_waiting", "queries that wait for a place", admission.waiting)
        refused = float(admission.refused)
        yield Figure("apiql_queries_refused_total", "answered 503", refused, counter=True)
        limited = float(self.limited)
        yield Figure("apiql_rate_limited_total", "answered 429", limited, counter=True)
        yield Figure("apiql_connections", "connections of clients", self.connections)
        away = float(self.turned_away)
        yield Figure("apiql_connections_refused_total", "beyond the most", away, counter=True)
        late = float(self.late)
        told = "of clients that sent or took too slowly"
        yield Figure("apiql_connections_late_total", told, late, counter=True)
        yield Figure("apiql_draining", "1 once it was told to end", float(self.draining))
