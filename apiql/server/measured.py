"""What is measured of each query and its calls, for Prometheus. Labels come from the configuration
and from lists that are known beforehand, never from a request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from apiql.errors import Code
from apiql.events import Histogram
from apiql.server.durations import DOUBLING, SECONDS, Durations
from apiql.server.visit import REQUEST, Mark, Visit
from apiql.settings import Settings
from apiql.sources.call import Call

OTHER = "other"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NOBODY = Mark(b"", "")
"""For whom calls are made that no request waits for."""
GONE = 499
"""Stands for the status of an answer that nobody waited for."""

Taken = tuple[str, str, str, int]
"""Route, kind, name of the stored query, status."""
Made = tuple[str, str, str, str, int | None, Code | None]
"""Kind and name of the query, service, method, status, code of the failure."""


class Measured:
    """Watches how long queries and their calls take."""

    wants_events = False

    def __init__(self, settings: Settings) -> None:
        self._taken: Durations[Taken] = Durations((OTHER, OTHER, OTHER, 0))
        self._made: Durations[Made] = Durations((OTHER, OTHER, OTHER, OTHER, None, None))
        self.settle(settings)

    def settle(self, settings: Settings) -> None:
        """Knows the names of other settings from now on."""
        self._upstreams = frozenset(settings.upstreams)

    def begun(self, visit: Visit) -> None:
        """Nothing is known of it yet."""

    def ended(self, visit: Visit) -> None:
        """Counts the query."""
        key = (visit.route, visit.kind, visit.name, visit.status)
        self._taken.note(key, visit.seconds)  # all of it is ours: routes, and names of the settings

    def made(self, call: Call, seconds: float, status: int | None, code: Code | None) -> None:
        """Counts a call that was made to an upstream."""
        mark = REQUEST.get(NOBODY)
        key = (mark.kind, mark.name, call.service, call.method, status, code)
        if key not in self._made.series:  # then none of it may be a label as it is
            service = call.service if call.service in self._upstreams else OTHER
            method = call.method if call.method in METHODS else OTHER
            key = (mark.kind, mark.name, service, method, status, code)
        self._made.note(key, seconds)

    def families(self) -> Iterator[Histogram]:
        """All histograms."""
        told = "How long requests took, by the class of their status"
        name = "apiql_request_duration_seconds"
        yield from self._taken.family(name, told, SECONDS, _of_request)
        told = "How long calls to upstreams took, with what waits before them"
        yield from self._made.family("apiql_call_duration_seconds", told, SECONDS, _of_call)
        told = "How long requests took, in the buckets of old"
        yield from self._taken.family("http_in_duration_second", told, DOUBLING, _taken_of_old)
        told = "How long calls took, in the buckets of old"
        yield from self._made.family("http_out_duration_second", told, DOUBLING, _made_of_old)


def _of_request(key: Taken) -> Mapping[str, str]:
    route, kind, _, status = key
    status_class = f"{status // 100}xx" if status else "gone"
    return {"route": route, "kind": kind, "status_class": status_class}


def _of_call(key: Made) -> Mapping[str, str]:
    _, _, service, method, status, code = key
    return {"upstream": service, "method": method, "outcome": _outcome(status, code)}


def _outcome(status: int | None, code: Code | None) -> str:
    """The class of a status, else the code of the failure."""
    if status is not None:
        return f"{status // 100}xx"
    return OTHER if code is None else code.value


def _taken_of_old(key: Taken) -> Mapping[str, str]:
    _, kind, name, status = key
    return {"code": str(status or GONE), "child": "", "root": name, "type": kind}


def _made_of_old(key: Made) -> Mapping[str, str]:
    kind, name, service, _, status, code = key
    if status is None:
        status = 0 if code is None else code.status
    return {"code": str(status), "child": service, "root": name, "type": kind}
