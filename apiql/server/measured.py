"""What is measured of each query and its calls, for Prometheus. Labels come from the configuration
and from lists that are known beforehand, never from a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from apiql.errors import Code
from apiql.events import Histogram
from apiql.figure_names import NO_NAMES, FigureNames
from apiql.ir.reach import Kind
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
COUNTED = ""
"""Stands for the route, and the method, of what a definition counts itself."""
KINDS = frozenset({Kind.HTTPAPI.value, Kind.FLOW.value, Kind.SCHEDULE.value})
NUMBER = re.compile(r"[1-9][0-9]{2}")
SPENT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


class Measured:
    """Watches how long queries and their calls take."""

    wants_events = False
    begun = None

    def __init__(self, settings: Settings) -> None:
        self._taken: Durations[Taken] = Durations((OTHER, OTHER, OTHER, 0))
        self._made: Durations[Made] = Durations((OTHER, OTHER, OTHER, OTHER, None, None))
        self.settle(settings)

    def settle(self, settings: Settings, names: FigureNames = NO_NAMES) -> None:
        """Knows the names of other settings and definitions from now on."""
        self._upstreams = frozenset(settings.upstreams)
        self._calls, self._roots = names.calls, names.roots
        self._services = self._upstreams | names.calls.keys() | names.hosts
        self._words = names.words - self._upstreams
        self._children = {*self._words, *names.calls.values()}

    def ended(self, visit: Visit) -> None:
        """Counts the query."""
        key = (visit.route, visit.kind, visit.name, visit.status)
        self._taken.of(key).note(visit.seconds)  # all ours: routes, and names of the settings

    def made(self, call: Call, seconds: float, status: int | None, code: Code | None) -> None:
        """Counts a call that was made to an upstream."""
        mark = REQUEST.get(NOBODY)
        key = (mark.kind, mark.name, call.service, call.method, status, code)
        found = self._made.series.get(key)
        if found is None:  # then none of it may be a label as it is
            service = call.service if call.service in self._services else OTHER
            method = call.method if call.method in METHODS else OTHER
            found = self._made.of((mark.kind, mark.name, service, method, status, code))
        found.note(seconds)

    def count(self, labels: Mapping[str, str]) -> None:
        """Counts what a definition names itself. Requests and calls are counted anyway, so what
        goes by their names is passed by; so is what tells no status or no time.
        """
        code, spent = labels.get("code", ""), labels.get("duration", "")
        root, child, kind = (labels.get(name, "") for name in ("root", "child", "type"))
        if not (NUMBER.fullmatch(code) and SPENT.fullmatch(spent)):
            return
        words = self._words
        kind = kind if kind in KINDS else OTHER
        if labels.get("httpInOut") == "httpIn":
            if root in words:
                self._taken.of((COUNTED, kind, root, int(code))).note(float(spent))
        elif root in words or child in words:
            root = root if root in words or root in self._roots else OTHER
            child = child if not child or child in self._children else OTHER
            self._made.of((kind, root, child, COUNTED, int(code), None)).note(float(spent))

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
        yield from self._made.family("http_out_duration_second", told, DOUBLING, self._made_of_old)

    def _made_of_old(self, key: Made) -> Mapping[str, str]:
        kind, name, service, _, status, code = key
        if status is None:
            status = 0 if code is None else code.status
        is_upstream = kind not in KINDS and service in self._upstreams
        is_itself = is_upstream or kind == Kind.ENDPOINT.value
        child = service if is_itself else self._calls.get(service, service)
        return {"code": str(status), "child": child, "root": name, "type": kind}


def _of_request(key: Taken) -> Mapping[str, str] | None:
    route, kind, _, status = key
    if route == COUNTED:
        return None
    status_class = f"{status // 100}xx" if status else "gone"
    return {"route": route, "kind": kind, "status_class": status_class}


def _of_call(key: Made) -> Mapping[str, str] | None:
    _, _, service, method, status, code = key
    if method == COUNTED:
        return None
    return {"upstream": service, "method": method, "outcome": _outcome(status, code)}


def _outcome(status: int | None, code: Code | None) -> str:
    """The class of a status, else the code of the failure."""
    if status is not None:
        return f"{status // 100}xx"
    return OTHER if code is None else code.value


def _taken_of_old(key: Taken) -> Mapping[str, str]:
    _, kind, name, status = key
    return {"code": str(status or GONE), "child": "", "root": name, "type": kind}
