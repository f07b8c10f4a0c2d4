"""The front door of a process: what its server, its connections and its routes know together. Knows
no query and no engine.
"""

from __future__ import annotations

import resource
from collections.abc import Iterable

from apiql.certificates import CertificateRefused
from apiql.events import Figure
from apiql.server.admission import Admission, Overloaded
from apiql.server.tls import Certificates, certificates_of
from apiql.settings import Server, Settings

DOOR = "door"
"""Its name in the state of the lifespan."""
QUERIES = (b"/apiql", b"/query/", b"/b/")
"""How the paths of queries begin: these are refused before there is a task, others by `let_in`."""
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
    """Who is let in. `draining` once the server is told to end; `connections` are those open,
    `limited` those requests that the guard of rates has refused.
    """

    def __init__(self, settings: Settings) -> None:
        self.draining = False
        self.certificates: Certificates | None = None
        self.connections = self.turned_away = self.late = self.limited = 0
        self.admission = Admission(settings.limits)
        self.settle(settings)

    def settle(self, settings: Settings) -> None:
        """Minds other settings from now on."""
        limits, server = settings.limits, settings.server
        self.admission.settle(limits)
        self.drain_delay = server.drain_delay
        self.most = server.connections or connections_of(open_files())
        self._certify(server)
        self.head_bytes, self.body_bytes = limits.header_bytes, limits.body_bytes

    def _certify(self, server: Server) -> None:
        """Files that were good a moment ago and are not now leave those before in force."""
        try:
            self.certificates = certificates_of(server)
        except CertificateRefused:
            if self.certificates is None:
                raise

    def let_in(self) -> None:
        """Of a request nothing is read yet.

        Raises:
            Overloaded: there is no place for it.
        """
        if self.admission.is_shut():
            self.admission.refused += 1
            raise Overloaded

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
