"""What is known of a request that is over -> its line, JSON or text. Knows no request and no
settings.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct
from msgspec.json import Encoder

from apiql.server.log_lines import as_ascii, bounded, moment, text_value
from apiql.server.measured import METHODS, OTHER

REMEMBERED = 4096
"""Names of principals."""
_encode = Encoder().encode
_bounded = lru_cache(REMEMBERED)(bounded)

Record = tuple[
    float, bytes, str, str, int, float, int, int, str, str, str, str, str, tuple[str, ...], str
]
"""When it was over (seconds since 1970), its id (letters, digits and `._:-`), method, route,
status, seconds, bytes, calls, client, name and scheme of its principal, name or fingerprint of its
query, codes of what went wrong, id of its trace.
"""
Form = Callable[[Record], bytes]


class Line(Struct, omit_defaults=True, gc=False):
    """The members of a line, in their order; what is empty is not told."""

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
    trace_id: str = ""


def line_as(form: str) -> Form:
    """How records become lines with their ends."""
    told = _as_json if form == "json" else _as_text
    time_of = Clock().moment

    def line(record: Record) -> bytes:
        (wall, request_id, method, route, status, seconds, size, calls, client, who, scheme, name,
         fingerprint, codes, trace) = record  # fmt: skip
        return told(Line(
            time_of(wall), "info", "request", request_id.decode("latin-1"),
            method if method in METHODS else OTHER, route, status, int(seconds * 1e6) / 1000,
            size, calls, client, _bounded(who), scheme, name, fingerprint, codes, trace,
        ))  # fmt: skip

    return line


class Clock:
    """Times as lines tell them: one of the same millisecond is made once, and all but those of a
    second too.
    """

    def __init__(self) -> None:
        self._now = self._second = -1
        self._told = self._shown = ""

    def moment(self, wall: float) -> str:
        """A time, to the millisecond, in UTC."""
        now = int(wall * 1000)
        if now != self._now:
            self._now = now
            second, rest = divmod(now, 1000)
            if second != self._second:
                self._second, self._told = second, moment(second)[:-4]
            self._shown = f"{self._told}{rest:03d}Z"
        return self._shown


def _as_json(line: Line) -> bytes:
    return as_ascii(_encode(line)) + b"\n"


def _as_text(line: Line) -> bytes:
    """What can hold a space stands in quotes."""
    principal = f" principal={text_value(line.principal)} scheme={line.scheme}"
    told = "".join(
        f" {key}={value}"
        for key, value in (
            ("client", text_value(line.client)), ("query", line.query),
            ("fingerprint", line.fingerprint), ("codes", ",".join(line.codes)),
            ("trace_id", line.trace_id),
        )
        if value
    )  # fmt: skip
    text = (
        f"{line.time} INFO request request_id={line.request_id} method={line.method}"
        f" route={line.route} status={line.status} ms={line.ms} bytes={line.bytes}"
        f" calls={line.calls}{principal if line.scheme else ''}{told}\n"
    )
    return text.encode("utf-8", "backslashreplace")
