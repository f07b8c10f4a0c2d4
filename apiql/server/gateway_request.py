"""An HTTP request -> the message that an endpoint's plan begins with. Runs nothing."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import unquote_plus

from apiql.errors import Code, RequestRefused
from apiql.frontends.endpoints.message import Fields, Message, body_of, canonical

FORWARDED, TRACE = "X-Forwarded-For", "X-Trace-Id"
MOST_PAIRS = 1000
_TRACE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding",
     b"upgrade", b"host", b"content-length", b"expect", b"proxy-authorization")
)  # fmt: skip
"""Fields that are about this connection, or that whoever sends the message on writes anew, and what
a proxy on the way here was shown.
"""
_SHORT = 64


def new_trace_id() -> str:
    """Sixteen characters: eight of a random number, eight of the time."""
    return f"{random.getrandbits(32):08x}{time.time_ns() % 10**8:08d}"


def fields_of(raw: Iterable[tuple[bytes, bytes]], peer: str) -> dict[str, tuple[str, ...]]:
    """The header fields by canonical name, with who asks behind X-Forwarded-For, and a trace."""
    found: dict[str, tuple[str, ...]] = {}
    named = b""
    for name, value in raw:
        if name in _HOP:
            named = value if name == b"connection" else named
            continue
        known = _canonical(name) if len(name) <= _SHORT else canonical(name.decode("latin-1"))
        text = value.decode("latin-1")
        found[known] = (*found[known], text) if known in found else (text,)
    for word in named.split(b",") if named and named.lower() not in _USUAL else ():
        found.pop(canonical(word.strip().decode("latin-1")), None)
    before = found.get(FORWARDED)
    found[FORWARDED] = (peer if before is None else ", ".join((*before, peer)),)
    given = found.get(TRACE)
    if given is None or not _TRACE_ID.fullmatch(given[0]):
        found[TRACE] = (new_trace_id(),)
    return found


_USUAL = frozenset((b"close", b"keep-alive"))
"""What Connection says without naming a field."""


@lru_cache(maxsize=1024)
def _canonical(name: bytes) -> str:
    return canonical(name.decode("latin-1"))


def query_of(raw: bytes) -> Fields:
    """The query string: all values of each name.

    Raises:
        RequestRefused: it has more pairs than anybody needs.
    """
    if not raw:
        return {}
    if raw.count(b"&") >= MOST_PAIRS:
        message = f"the query string has more than {MOST_PAIRS} pairs"
        raise RequestRefused(Code.BAD_REQUEST, message)
    found: dict[str, tuple[str, ...]] = {}
    for pair in raw.decode("latin-1").split("&"):
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = unquote_plus(name), unquote_plus(value)
        if pair:
            found[name] = (*found[name], value) if name in found else (value,)
    return found


def with_body(
    fields: Fields, body: bytes, path: str, params: Mapping[str, str], query: Fields
) -> Message:
    """The whole message."""
    media = fields.get("Content-Type", ("",))[0]
    return Message(fields, body_of(body, media), 0, path, params, query)
