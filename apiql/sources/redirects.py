"""The layer that follows redirects within one upstream, where its settings allow a few.

A hop is followed for reads only, to the very origin of the upstream (or that of one of its hosts),
below the path prefix of its url, and goes the same way as the call itself. What leads elsewhere
stays an answer of status 3xx: nobody is connected to, no name is looked up.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from apiql.sources.addresses import BadUrl, is_below, parse_url
from apiql.sources.call import Call, Headers, Layer, Origin, Reply

FOLLOWED = frozenset((301, 302, 303, 307, 308))
_PASSING = frozenset((302, 303, 307))
"""They hold for this once (RFC 9110, 15.4): the end may not be kept for the beginning."""
_LIFETIME = frozenset(("expires", "etag", "last-modified"))

ELSEWHERE = "it redirects to another host, which is never followed"
OUTSIDE = "it redirects out of the path of its url, which is never followed"
UNREADABLE = "it redirects to what cannot be called"
TOO_MANY = "it redirects more often than its setting `redirects` allows"


def following(
    inner: Layer, most: int, origins: Collection[tuple[str, str, int]], prefixes: Sequence[str]
) -> Layer:
    """Wraps a layer so that up to so many redirects are followed."""

    async def layer(call: Call) -> Reply:
        reply = await inner(call)
        if reply.status not in FOLLOWED or call.body is not None:
            return reply
        if call.method.upper() not in ("GET", "HEAD"):
            return reply
        passing, hop = False, call
        for _ in range(most):
            target, why = next_target(hop, reply, origins, prefixes)
            if target is None:
                return replace(reply, hint=why)
            passing = passing or reply.status in _PASSING
            hop = replace(hop, target=target)
            reply = await inner(hop)
            if reply.status not in FOLLOWED:
                return _once(reply) if passing else reply
        return replace(reply, hint=TOO_MANY)

    return layer


def next_target(
    call: Call, reply: Reply, origins: Collection[tuple[str, str, int]], prefixes: Sequence[str]
) -> tuple[str | None, str]:
    """Where a redirect leads within the upstream; None with the reason where it does not."""
    try:
        origin, target = _parsed(call, reply)
    except BadUrl:
        return None, UNREADABLE
    if origin is not None and (origin.scheme, origin.host, origin.port) not in origins:
        return None, ELSEWHERE
    path, before = target.partition("?")[0], call.target.partition("?")[0]
    within = [prefix for prefix in prefixes if is_below(before, prefix)]
    if within and not is_below(path, max(within, key=len)):
        return None, OUTSIDE
    return target, ""


def _parsed(call: Call, reply: Reply) -> tuple[Origin | None, str]:
    """The origin, if the field names one, and the target, both as our own parser reads them."""
    found = [value for name, value in reply.headers if name == "location"]
    location = found[0].partition("#")[0] if len(found) == 1 else ""
    if not location or not location.isascii() or len(location) > 8192:
        raise BadUrl("no place, or several")
    if location.startswith("//"):
        origin, target = parse_url(f"{call.origin.scheme}:{location}")
    elif "://" in location.partition("?")[0] or ":" in location.partition("/")[0]:
        origin, target = parse_url(location)
    else:
        origin, target = None, _relative(call, location)
        parse_url(f"http://a{target}")  # what no URL may hold is refused here too
    if not is_below(target.partition("?")[0], ""):
        raise BadUrl("the path climbs")
    return origin, target


def _relative(call: Call, location: str) -> str:
    path = call.target.partition("?")[0]
    if location.startswith("/"):
        return location
    if location.startswith("?"):
        return path + location
    return path.rpartition("/")[0] + "/" + location


def _once(reply: Reply) -> Reply:
    """The answer without what says how long it may be used: it belongs to another URL, which this
    one meant only now. That it must not be kept at all stays.
    """
    headers: Headers = tuple(
        [
            (name, value)
            for name, value in reply.headers
            if name not in _LIFETIME and not (name == "cache-control" and not _forbids(value))
        ]
    )
    return replace(reply, headers=headers)


def _forbids(value: str) -> bool:
    lower = value.lower()
    return "no-store" in lower or "private" in lower
