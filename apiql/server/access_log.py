"""A line for each request, once it is over: who asked what, how it ended, how long it took. Never a
text, a parameter, a header or a path that a client has made up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from ipaddress import ip_network

from msgspec import Struct
from msgspec.json import Encoder

from apiql.events import Figure
from apiql.server.client_address import client_address
from apiql.server.line_writer import LineWriter
from apiql.server.log_lines import as_ascii, bounded, moment, text_value
from apiql.server.measured import METHODS, OTHER
from apiql.server.under_way import Fingerprint
from apiql.server.visit import Visit
from apiql.settings import Clients, Settings

LONGEST = 64
"""Letters of an address."""
FAILED = 400
"""From this status on, an answer has failed."""


class Line(Struct, omit_defaults=True, gc=False):
    """What is told of a request; what is empty is left out."""

    time: str
    level: str
    message: str
    request_id: str
    method: str
    route: str
    status: int
    ms: float
    bytes: int
    calls: int
    client: str = ""
    principal: str = ""
    scheme: str = ""
    query: str = ""
    fingerprint: str = ""
    codes: tuple[str, ...] = ()


class AccessLog:
    """Writes a line for each request that the settings ask for."""

    wants_events = False

    def __init__(
        self, settings: Settings, form: str, lines: LineWriter, fingerprint: Fingerprint,
        wall: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._is_json, self._lines = form == "json", lines
        self._fingerprint, self._wall = fingerprint, wall
        self._encode = Encoder().encode
        self._moment, self._second, self._told, self._now = 0, 0, "", ""
        self.settle(settings)

    def settle(self, settings: Settings) -> None:
        """Minds other settings from now on."""
        self._access = settings.log.access
        self._client = _client_of(settings.log.client, settings.clients)

    def begun(self, visit: Visit) -> None:
        """Nothing is to be told yet."""

    def ended(self, visit: Visit) -> None:
        """Tells of it."""
        access = self._access
        if access is True or (access == "errors" and not 0 < visit.status < FAILED):
            self._lines.add(self._written(self._line(visit)) + b"\n")

    def figures(self) -> Iterator[Figure]:
        """What was not written."""
        told = "Lines that were dropped since nobody took them in time"
        dropped = self._lines.dropped
        yield Figure("apiql_log_lines_dropped_total", told, dropped, counter=True)

    def _line(self, visit: Visit) -> Line:
        method, who = visit.scope["method"], visit.principal
        found = Line(
            self._time(), "info", "request", visit.request_id.decode("latin-1"),
            method if method in METHODS else OTHER, visit.route, visit.status,
            int(visit.seconds * 1e6) / 1000, visit.size, visit.calls,
            codes=visit.codes,
        )  # fmt: skip
        if self._client is not None:
            found.client = self._client(visit)
        if who.scheme:
            found.principal, found.scheme = bounded(who.name), who.scheme
        if visit.name:
            found.query = visit.name
        else:
            found.fingerprint = self._fingerprint(visit)
        return found

    def _written(self, line: Line) -> bytes:
        if not self._is_json:
            return _as_text(line)
        return as_ascii(self._encode(line))

    def _time(self) -> str:
        """The time; all of a second but its milliseconds is made once."""
        now = self._wall()
        moment_now = int(now * 1000)
        if moment_now != self._moment:
            second = moment_now // 1000
            if second != self._second:
                self._second, self._told = second, moment(second)[:-4]
            self._moment = moment_now
            self._now = f"{self._told}{moment_now % 1000:03d}Z"
        return self._now


def _as_text(line: Line) -> bytes:
    """What can hold a space stands in quotes."""
    who = f" principal={text_value(line.principal)} scheme={line.scheme}" if line.scheme else ""
    told = "".join(
        f" {name}={value}"
        for name, value in (
            ("client", text_value(line.client)), ("query", line.query),
            ("fingerprint", line.fingerprint), ("codes", ",".join(line.codes)),
        )
        if value
    )  # fmt: skip
    text = (
        f"{line.time} INFO request request_id={line.request_id} method={line.method}"
        f" route={line.route} status={line.status} ms={line.ms} bytes={line.bytes}"
        f" calls={line.calls}{who}{told}"
    )
    return text.encode("utf-8", "backslashreplace")


def _client_of(shown: str, clients: Clients) -> Callable[[Visit], str] | None:
    """What is shown of a client's address."""
    if shown == "none":
        return None
    if shown == "full":
        return lambda visit: _short(client_address(visit.scope, clients))
    network = lru_cache(4096)(_network)
    return lambda visit: network(client_address(visit.scope, clients))


def _short(address: str) -> str:
    """The address; its zone may be anything that somebody has made up."""
    return address if len(address) <= LONGEST and address.isascii() else ""


def _network(address: str) -> str:
    """The /24 of an address, the /64 of IPv6."""
    try:
        return str(ip_network(f"{address}/{64 if ':' in address else 24}", strict=False))
    except ValueError:
        return ""
