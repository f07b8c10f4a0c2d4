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
from apiql.server.visit import Visit
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

    def ended(self, visit: Visit) -> None:
        """Tells of it: what is here costs each request, what makes a line of it is done later."""
        access = self._access
        if access is True or (access == "errors" and not 0 < visit.status < FAILED):
            who, name, trace = visit.principal, visit.name, visit.trace
            self._lines.add((
                self._wall(), visit.request_id, visit.scope["method"], visit.route, visit.status,
                visit.seconds, visit.size, visit.calls, self._client(visit), who.name, who.scheme,
                name, "" if name else self._fingerprint(visit), visit.codes,
                "" if trace is None else trace.context.trace_id,
            ))  # fmt: skip

    def figures(self) -> Iterator[Figure]:
        """What was not written."""
        told = "Lines that were dropped since nobody took them in time"
        dropped = self._lines.dropped
        yield Figure("apiql_log_lines_dropped_total", told, dropped, counter=True)


def _client_of(shown: str, clients: Clients) -> Callable[[Visit], str]:
    """What is shown of a client's address."""
    if shown == "none":
        return lambda visit: ""
    told = lru_cache(4096)(_short if shown == "full" else _network)
    if clients.trusted_proxies:
        return lambda visit: told(client_address(visit.scope, clients))

    def connected(visit: Visit) -> str:
        peer = visit.scope.get("client")
        return told(peer[0] if peer else "")

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
