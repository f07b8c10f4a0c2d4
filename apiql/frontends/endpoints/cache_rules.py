"""Under which key an endpoint's answer is kept, whether it is looked for, and whether it is kept.

Knows no store. Header fields are those that calls get: with the client in X-Forwarded-For.
"""

from __future__ import annotations

from apiql.frontends.endpoints.forward import query_text
from apiql.frontends.endpoints.gateway import Caching
from apiql.frontends.endpoints.message import Fields, canonical

CONTROL = "Cache-Control"


def cache_key(caching: Caching, method: str, path: str, query: Fields, headers: Fields) -> str:
    """`GET:/users/7?a=1&b=2:value:value`: names and values of the query in order, then those fields
    of the strategy that are there; `path` is the one that was asked for.
    """
    ordered = {name: tuple(sorted(values)) for name, values in query.items()}
    text = "" if caching.ignores_query else query_text(ordered)
    url = f"{path}?{text}" if text else path
    names = filter(headers.__contains__, map(canonical, caching.strategy_headers))
    fields = (", ".join(headers[name]) for name in names)
    return ":".join((method, url, *fields))


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
