"""An HTTP request -> the message that an endpoint's plan begins with. Runs nothing."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs

from apiql.errors import Code, RequestRefused
from apiql.frontends.endpoints.message import Fields, Message, body_of, canonical

FORWARDED, TRACE = "X-Forwarded-For", "X-Trace-Id"
MOST_PAIRS = 1000
_TRACE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_HOP = frozenset(
    ("Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding",
     "Upgrade", "Host", "Content-Length", "Expect")
)  # fmt: skip
"""Fields that are about this connection, or that whoever sends the message on writes anew."""


def new_trace_id() -> str:
    """Sixteen characters: eight of a random number, eight of the time."""
    return f"{uuid.uuid4().hex[:8]}{time.time_ns() % 10**8:08d}"


def fields_of(
    raw: Iterable[tuple[bytes, bytes]], peer: str, trace: str
) -> dict[str, tuple[str, ...]]:
    """The header fields by canonical name, with who asks behind X-Forwarded-For, and a trace."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in raw:
        known, text = canonical(name.decode("latin-1")), value.decode("latin-1")
        found[known] = (*found[known], text) if known in found else (text,)
    said = ",".join(found.get("Connection", ())).split(",")
    for hop in (*_HOP, *(canonical(word.strip()) for word in said)):
        found.pop(hop, None)
    before = found.get(FORWARDED, ())
    found[FORWARDED] = (", ".join((*before, peer)),)
    given = found.get(TRACE, ("",))[0]
    found[TRACE] = (given if _TRACE_ID.fullmatch(given) else trace,)
    return found


def query_of(raw: bytes) -> Fields:
    """The query string: all values of each name.

    Raises:
        RequestRefused: it has more pairs than anybody needs.
    """
    if not raw:
        return {}
    try:
        text = raw.decode("latin-1")
        pairs = parse_qs(text, keep_blank_values=True, errors="replace", max_num_fields=MOST_PAIRS)
    except ValueError:
        raise RequestRefused(Code.BAD_REQUEST, "the query string is broken") from None
    return {name: tuple(values) for name, values in pairs.items()}


def with_body(
    fields: Fields, body: bytes, path: str, params: Mapping[str, str], query: Fields
) -> Message:
    """The whole message."""
    media = fields.get("Content-Type", ("",))[0]
    return Message(fields, body_of(body, media), 0, path, params, query)
