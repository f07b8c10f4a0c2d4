"""What a call itself says of caching: its key, its directives, and whether a cache stays out of it.

The key is everything that is sent, so that callers with other credentials never share. Only what
can change no answer is left out: the marks of a trace, and what the call says to caches.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from msgspec import Struct

from apiql.sources.cache_control import NOTHING_SAID, Directives, directives_of
from apiql.sources.call import Call, Headers
from apiql.stores.store import Key

UNKEYED = frozenset(("cache-control", "pragma", "traceparent", "tracestate"))
"""Headers that are no part of a key; an answer that varies by one of them is not kept."""

_BYPASSING = frozenset(
    ("range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range")
)
"""Who sends one of these wants the upstream's own word."""
_TELLING = _BYPASSING | {"cache-control"}
_READS = frozenset(("GET", "HEAD"))
_SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_SHORT, _HEADS = 1024, 1024


class Asked(Struct, frozen=True):
    """What the headers of a call say: those that count for its key, whether a cache stays out of
    it, whether they hold credentials, and what they say to caches (None: nothing).
    """

    headers: Headers
    bypass: bool = False
    credentials: bool = False
    control: Directives | None = None


Heads = dict[Headers, Asked]


def asked(headers: Headers, heads: Heads) -> Asked:
    """What the headers of a call say. Short ones are kept in `heads`: a source sends the same ones
    again and again, and what a caller can fill with kilobytes takes no lasting room.
    """
    found = heads.get(headers)
    if found is None:
        found = read_headers(headers)
        if sum([len(value) for _, value in headers]) <= _SHORT:
            if len(heads) >= _HEADS:
                heads.clear()
            heads[headers] = found
    return found


def read_headers(headers: Headers) -> Asked:
    """What the headers of a call say."""
    names = {name.lower() for name, _ in headers}
    said = ", ".join([value for name, value in headers if name.lower() == "cache-control"])
    control = directives_of(said) if said else NOTHING_SAID
    counting = headers
    if not names.isdisjoint(UNKEYED):
        counting = tuple(pair for pair in headers if pair[0].lower() not in UNKEYED)
    return Asked(
        counting,
        bool(names & _BYPASSING) or control.no_store,
        "authorization" in names,
        None if control == NOTHING_SAID else control,
    )


def bypasses(headers: Headers) -> bool:
    """Whether what the headers of a call say keeps a cache out of it; most say nothing of it."""
    if _TELLING.isdisjoint([name.lower() for name, _ in headers]):
        return False
    return read_headers(headers).bypass


def concerns(call: Call) -> bool:
    """Whether answers to such a call can be used again: reads, and what the operator says is kept
    though it sends a body.
    """
    if call.body is None and call.method in _READS:
        return True
    rule = call.caching.rule if call.caching is not None else None
    return rule is not None and rule.bodies and call.method in ("GET", "HEAD", "POST")


def writes(call: Call) -> bool:
    """Whether what is known of its URL may no longer hold once the call is made."""
    return call.method not in _SAFE and not concerns(call)


def key_of(call: Call, headers: Headers) -> Key:
    """What an answer is kept under."""
    rule = call.caching.rule if call.caching is not None else None
    if rule is not None and rule.key:
        return (rule.key,) if rule.one else (rule.key, *_of_request(call, headers))
    return _of_request(call, headers)


def _of_request(call: Call, headers: Headers) -> tuple[Any, ...]:
    if call.body is None:
        return (call.method, call.origin, call.target, headers)
    return (call.method, call.origin, call.target, headers, sha256(call.body).digest())


def url_tag(call: Call, target: str | None = None) -> str:
    """The tag that all answers of a URL have."""
    return f"url:{call.origin}{call.target if target is None else target}"
