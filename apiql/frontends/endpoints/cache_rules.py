"""Under which key an endpoint's answer is kept, whether it is looked for, and whether it is kept.

Knows no store. Header fields are those that calls get: with the client in X-Forwarded-For.
"""

from __future__ import annotations

from typing import TypeAlias

from apiql.frontends.endpoints.forward import query_text
from apiql.frontends.endpoints.gateway import Caching
from apiql.frontends.endpoints.message import Fields, Message, canonical

CONTROL, VARY = "Cache-Control", "Vary"
OURS = frozenset({"Accept-Encoding", "accept-encoding"})
"""What calls say by themselves, the same for all."""


Said: TypeAlias = "tuple[tuple[str, ...], str, tuple[tuple[str, tuple[str, ...]], ...]]"


def cache_key(caching: Caching, message: Message) -> Said:
    """What tells the answers of an endpoint apart: its path's parameters, names and values of the
    query in order, those fields of the strategy that are there. The gateway writes all of it in one
    text, in which one request can look like another.
    """
    ordered = {name: tuple(sorted(values)) for name, values in message.query.items()}
    text = "" if caching.ignores_query else query_text(ordered)
    names = map(canonical, caching.strategy_headers)
    fields = tuple((name, message.headers[name]) for name in names if name in message.headers)
    return (*message.params.values(),), text, fields


def varies_by(fields: Fields, asked: Fields) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    """The fields of a request that its answer varies by, as they were asked; None: it is for nobody
    else, since it says so or does not say by what.
    """
    if _says(fields, "private"):
        return None
    named = {word.strip() for text in fields.get(VARY, ()) for word in text.split(",")} - {""}
    if "*" in named:
        return None
    known = sorted(map(canonical, named - OURS))
    return tuple((name, asked.get(name, ())) for name in known)


def is_looked_for(caching: Caching, method: str, headers: Fields) -> bool:
    """Whether a kept answer may be the answer to a request."""
    is_refused = caching.heeds_cache_control and _says(headers, "no-cache")
    return (caching.methods is None or method in caching.methods) and not is_refused


def is_kept(caching: Caching, method: str, status: int, headers: Fields) -> bool:
    """Whether an answer with these header fields is kept."""
    is_refused = caching.heeds_cache_control and _says(headers, "no-store")
    has_method = caching.methods is None or method in caching.methods
    return (
        has_method and (caching.statuses is None or status in caching.statuses) and not is_refused
    )


def _says(headers: Fields, directive: str) -> bool:
    said = (word for text in headers.get(CONTROL, ()) for word in text.split(","))
    return any(word.strip().lower() == directive for word in said)
