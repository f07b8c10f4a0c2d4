"""The request of an endpoint -> that of one of its calls, before its modifiers. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import quote_plus

from apiql.frontends.endpoints.gateway import Backend
from apiql.frontends.endpoints.message import Fields, Message, canonical
from apiql.frontends.endpoints.modify_fields import places_of

FORWARDED, TRACE = "X-Forwarded-For", "X-Trace-Id"
ALWAYS = (FORWARDED, TRACE)
"""Header fields that are sent on whatever is listed."""
NOT_SENT = frozenset(
    "accept-encoding connection content-length expect host http2-settings keep-alive"
    " proxy-connection te trailer transfer-encoding upgrade x-apiql-depth".split()
)
"""Fields that the transport says itself, and how deep a request is; it undoes codings, so it names
those that it can.
"""

Headers: TypeAlias = tuple[tuple[str, str], ...]


def forwarder(backend: Backend) -> Callable[[Message], Message]:
    """What makes its request of the endpoint's: the fields that are listed (all of them where none
    is), the parameters of the backend's own path, the body unless that is omitted.
    """
    fields, queries = field_filter(backend), query_filter(backend)
    path, places, omits = backend.path, places_of(backend.path), backend.omits_request_body

    def forwarded(onward: Message) -> Message:
        return Message(
            fields(onward.headers),
            None if omits else onward.body,
            0,
            path,
            {name: onward.params[name] for name in places if name in onward.params},
            queries(onward.query),
        )

    return forwarded


def field_filter(backend: Backend) -> Callable[[Fields], Fields]:
    """What leaves the header fields that are sent on."""
    if not backend.forward_headers:
        return lambda fields: fields
    sent = frozenset((*map(canonical, backend.forward_headers), *ALWAYS))
    return lambda fields: _listed(fields, sent)


def query_filter(backend: Backend) -> Callable[[Fields], Fields]:
    """What leaves the query parameters that are sent on."""
    if not backend.forward_queries:
        return lambda query: query
    asked = frozenset(backend.forward_queries)
    return lambda query: _listed(query, asked)


def request_of(backend: Backend, onward: Message) -> Message:
    """What a backend is sent of the endpoint's request."""
    return forwarder(backend)(onward)


def _listed(fields: Fields, names: frozenset[str]) -> Fields:
    return {name: values for name, values in fields.items() if name in names}


def query_text(query: Fields) -> str:
    """The query string, its names in order; the values of a name stay in theirs."""
    return "&".join(
        f"{_quoted(name)}={_quoted(value)}" for name in sorted(query) for value in query[name]
    )


def _quoted(text: str) -> str:
    if text.isascii() and text.isalnum():
        return text
    return quote_plus(text, errors="replace")


def sent_fields(fields: Fields) -> tuple[Headers, Headers]:
    """Header fields one by one, without those that are the transport's; and the trace, by which no
    call differs from another.
    """
    sent = [
        (name, value)
        for name, values in fields.items()
        if name != TRACE and name.lower() not in NOT_SENT
        for value in values
    ]
    return tuple(sent), tuple([(TRACE, value) for value in fields.get(TRACE, ())])
