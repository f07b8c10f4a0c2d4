"""What a gateway answers -> status, headers, bytes, such that no client takes them for others."""

from __future__ import annotations

import re
from functools import lru_cache

from apiql.frontends.endpoints.lowered import GatewayAnswer
from apiql.server.render import Pairs, Rendered

OURS = frozenset(
    ("connection", "content-length", "date", "keep-alive", "proxy-connection", "server", "te",
     "trailer", "transfer-encoding", "upgrade", "x-request-id")
)  # fmt: skip
"""Fields that only this server says, whatever backends and modifiers say."""
EMPTY = frozenset((204, 205, 304))
"""Statuses of answers that have no body."""
LONGEST = 128
"""Letters of a name."""
SHORT = 128
"""Letters of a value that is worth keeping."""
FIRST = 200
"""Statuses below are no answers yet: a client would wait on."""
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BREAKS = re.compile("[\x00-\x08\x0a-\x1f\x7f]+")


def rendered_of(answer: GatewayAnswer) -> Rendered:
    """The response."""
    headers: Pairs = []
    for name, value in answer.headers:
        pair = _kept(name, value) if len(value) <= SHORT else _pair(name, value)
        if pair is not None:
            headers.append(pair)
    if answer.status < FIRST:
        return Rendered(502, b"", _without(headers, b"content-type"))
    if answer.status in EMPTY:
        return Rendered(answer.status, b"", _without(headers, b"content-type"))
    return Rendered(answer.status, answer.body, headers)


@lru_cache(maxsize=4096)
def _kept(name: str, value: str) -> tuple[bytes, bytes] | None:
    """A short field: backends send the same again and again."""
    return _pair(name, value)


def _pair(name: str, value: str) -> tuple[bytes, bytes] | None:
    """A field as it is sent, if it may be."""
    if name in OURS or len(name) > LONGEST or not _NAME.fullmatch(name):
        return None
    return name.encode("ascii"), _value(value)


def _value(text: str) -> bytes:
    """A value on one line; letters beyond those of headers stand in UTF-8."""
    if text.isascii() and text.isprintable():
        return text.strip().encode("ascii")
    line = _BREAKS.sub(" ", text).strip()
    try:
        return line.encode("latin-1")
    except UnicodeEncodeError:
        return line.encode("utf-8", "replace")


def _without(headers: Pairs, name: bytes) -> Pairs:
    return [pair for pair in headers if pair[0] != name]
