"""What is known of a request that is over -> its line, JSON or text. What hardly ever changes is
made once and remembered: a line is mostly put together. Knows no request and no settings.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from msgspec.json import Encoder

from apiql.server.log_lines import as_ascii, bounded, moment, text_value
from apiql.server.measured import METHODS, OTHER

REMEMBERED = 4096
"""Clients, principals and queries."""
_encode = Encoder().encode

Record = tuple[
    float, bytes, str, str, int, float, int, int, str, str, str, str, str, tuple[str, ...], str
]
"""When it was over (seconds since 1970), its id (letters, digits and `._:-`), method, route,
status, seconds, bytes, calls, client, name and scheme of its principal, name or fingerprint of its
query, codes of what went wrong, id of its trace. What is empty is not told.
"""
Form = Callable[[Record], bytes]


def line_as(form: str) -> Form:
    """How records become lines with their ends."""
    told = _as_json if form == "json" else _as_text
    clock = Clock()

    def line(record: Record) -> bytes:
        return told(clock.moment(record[0]), record)

    return line


class Clock:
    """Times as lines tell them; all of a second but its milliseconds is made once."""

    def __init__(self) -> None:
        self._second, self._told = 0, ""

    def moment(self, wall: float) -> str:
        """A time, to the millisecond, in UTC."""
        second, rest = divmod(int(wall * 1000), 1000)
        if second != self._second or not self._told:
            self._second, self._told = second, moment(second)[:-4]
        return f"{self._told}{rest:03d}Z"


def _as_json(now: str, record: Record) -> bytes:
    (_, request_id, method, route, status, seconds, size, calls, client, who, scheme, name,
     fingerprint, codes, trace) = record  # fmt: skip
    asked = _who(client, who, scheme) + _query(name, fingerprint)
    more = f',"codes":{_json(codes)}' if codes else ""
    if trace:
        more += f',"trace_id":"{trace}"'
    return (
        f'{{"time":"{now}","level":"info","message":"request","request_id":"'
        f"{request_id.decode('latin-1')}{_what(method, route, status)}{int(seconds * 1e6) / 1000}"
        f',"bytes":{size},"calls":{calls}{asked}{more}}}\n'
    ).encode()


@lru_cache(REMEMBERED)
def _what(method: str, route: str, status: int) -> str:
    shown = method if method in METHODS else OTHER
    return f'","method":{_json(shown)},"route":{_json(route)},"status":{status},"ms":'


@lru_cache(REMEMBERED)
def _who(client: str, who: str, scheme: str) -> str:
    shown = f',"client":{_json(client)}' if client else ""
    if scheme:
        shown += f',"principal":{_json(bounded(who))},"scheme":{_json(scheme)}'
    return shown


@lru_cache(REMEMBERED)
def _query(name: str, fingerprint: str) -> str:
    if name:
        return f',"query":{_json(name)}'
    return f',"fingerprint":{_json(fingerprint)}' if fingerprint else ""


def _json(value: str | tuple[str, ...]) -> str:
    return as_ascii(_encode(value)).decode()


def _as_text(now: str, record: Record) -> bytes:
    """What can hold a space stands in quotes."""
    (_, request_id, method, route, status, seconds, size, calls, client, who, scheme, name,
     fingerprint, codes, trace) = record  # fmt: skip
    shown = f" principal={text_value(bounded(who))} scheme={scheme}" if scheme else ""
    told = "".join(
        f" {key}={value}"
        for key, value in (
            ("client", text_value(client)), ("query", name), ("fingerprint", fingerprint),
            ("codes", ",".join(codes)), ("trace_id", trace),
        )
        if value
    )  # fmt: skip
    text = (
        f"{now} INFO request request_id={request_id.decode('latin-1')}"
        f" method={method if method in METHODS else OTHER} route={route} status={status}"
        f" ms={int(seconds * 1e6) / 1000} bytes={size} calls={calls}{shown}{told}\n"
    )
    return text.encode("utf-8", "backslashreplace")
