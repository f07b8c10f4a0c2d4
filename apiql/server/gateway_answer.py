"""What a gateway answers -> status, headers, bytes, such that no client takes them for others."""

from __future__ import annotations

import re

from apiql.frontends.endpoints.lowered import GatewayAnswer
from apiql.server.render import Pairs, Rendered

OURS = frozenset(
    ("connection", "content-length", "date", "keep-alive", "proxy-connection", "server", "te",
     "trailer", "transfer-encoding", "upgrade", "x-request-id")
)  # fmt: skip
"""Fields that only this server says, whatever backends and modifiers say."""
EMPTY = frozenset((204, 205, 304))
"""Statuses of answers that have no body."""
FIRST = 200
"""Statuses below are no answers yet: a client would wait on."""
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BREAKS = re.compile("[\x00-\x08\x0a-\x1f\x7f]+")


def rendered_of(answer: GatewayAnswer) -> Rendered:
    """The response."""
    headers = [
        (name.encode("ascii"), _value(value))
        for name, value in answer.headers
        if name not in OURS and _NAME.fullmatch(name)
    ]
    if answer.status < FIRST:
        return Rendered(502, b"", _without(headers, b"content-type"))
    if answer.status in EMPTY:
        return Rendered(answer.status, b"", _without(headers, b"content-type"))
    return Rendered(answer.status, answer.body, headers)


def _value(text: str) -> bytes:
    """A value on one line; letters beyond those of headers stand in UTF-8."""
    line = _BREAKS.sub(" ", text).strip()
    try:
        return line.encode("latin-1")
    except UnicodeEncodeError:
        return line.encode("utf-8", "replace")


def _without(headers: Pairs, name: bytes) -> Pairs:
    return [pair for pair in headers if pair[0] != name]
