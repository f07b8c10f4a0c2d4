"""Notes of each request, once it is over, what a line will tell of it: who asked what, how it
ended, how long it took. Knows no form of a line. Never a text, a parameter, a header or a path
that a client has made up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from ipaddress import ip_network

from apiql.events import Figure
from apiql.server.access_lines import Record
from apiql.server.client_address import client_address
from apiql.server.line_writer import LineWriter
from apiql.server.under_way import Fingerprint
from apiql.server.visit import Look, Scope, Visit
from apiql.settings import Clients, Settings

LONGEST = 64
"""Letters of an address."""
FAILED = 400
"""From this status on, an answer has failed."""


class AccessLog:
    """Has a line written for each request that the settings ask for."""

    wants_events = False
    begun = None

    def __init__(
        self, settings: Settings, lines: LineWriter[Record], fingerprint: Fingerprint,
        wall: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._lines, self._fingerprint, self._wall = lines, fingerprint, wall
        self.settle(settings)

    def settle(self, settings: Settings) -> None:
        """Minds other settings from now on."""
        self._access = settings.log.access
        self._client = _client_of(settings.log.client, settings.clients)

    @property
    def ended(self) -> Look:
        """Tells of it: what is here costs each request, what makes a line of it is done later."""
        return self._note_failed if self._access == "errors" else self._note

    def _note_failed(self, visit: Visit) -> None:
        if not 0 < visit.status < FAILED:
            self._note(visit)

    def _note(self, visit: Visit) -> None:
        who, name, run, trace = visit.principal, visit.name, visit.run, visit.trace
        self._lines.add((
            self._wall(), visit.request_id, visit.scope["method"], visit.route, visit.status,
            visit.seconds, visit.size, 0 if run is None else run.budget.spent,
            self._client(visit.scope), who.name, who.scheme, name,
            "" if name else self._fingerprint(visit), visit.codes,
            "" if trace is None else trace.context.trace_id,
        ))  # fmt: skip

    def figures(self) -> Iterator[Figure]:
        """What was not written."""
        told = "Lines that were dropped since nobody took them in time"
        dropped = self._lines.dropped
        yield Figure("apiql_log_lines_dropped_total", told, dropped, counter=True)


def _client_of(shown: str, clients: Clients) -> Callable[[Scope], str]:
    """What is shown of a client's address."""
    if shown == "none":
        return lambda scope: ""
    told = lru_cache(4096)(_short if shown == "full" else _network)
    if clients.trusted_proxies:
        return lambda scope: told(client_address(scope, clients))

    def connected(scope: Scope) -> str:
        peer = scope.get("client")
        return told(peer[0]) if peer else ""

    return connected


def _short(address: str) -> str:
    """The address; its zone may be anything that somebody has made up."""
    return address if len(address) <= LONGEST and address.isascii() else ""


def _network(address: str) -> str:
    """The /24 of an address, the /64 of IPv6."""
    try:
        return str(ip_network(f"{address}/{64 if ':' in address else 24}", strict=False))
    except ValueError:
        return ""
