"""What stands around the way of an upstream where its settings want it: redirects -> credentials ->
the depth -> the way. What they do not ask for is not built in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from apiql.settings import Upstream
from apiql.sources.auth import authorizing, with_tokens
from apiql.sources.call import Origin
from apiql.sources.loops import beginning, is_near
from apiql.sources.redirects import following
from apiql.sources.token_request import token_request
from apiql.sources.tokens import Token, Tokens
from apiql.sources.transports import Transports, pinned
from apiql.sources.way import UpstreamWay
from apiql.stores.store import Room, Stores

ROOM: Room[Token] = Room(256, 1 << 20, lambda token: len(token.value) + 200)


@dataclass(frozen=True, slots=True)
class Outward:
    """What all upstreams have in common here. The clock is that of the deadlines."""

    stores: Stores
    clock: Callable[[], float]


def outward(
    name: str, upstream: Upstream, way: UpstreamWay, transports: Transports,
    prefixes: Sequence[str], around: Outward,
) -> UpstreamWay:  # fmt: skip
    """The way with what goes around it; `prefixes` are the paths of all urls at its origin."""
    origin = pinned(upstream.url)
    if upstream.apiql or any(is_near(each) for each in (origin, *_hosts(upstream))):
        way = replace(way, layer=beginning(way.layer))
    way = _credited(name, upstream, way, transports, origin, around)
    if upstream.redirects:
        places = {(each.scheme, each.host, each.port) for each in (origin, *_hosts(upstream))}
        layer = following(way.layer, upstream.redirects, places, prefixes)
        way = replace(way, layer=layer)
    return way


def prefix_of(upstream: Upstream) -> str:
    """The path of an upstream's url, empty for none."""
    return urlsplit(upstream.url).path.rstrip("/")


def _credited(
    name: str, upstream: Upstream, way: UpstreamWay, transports: Transports, origin: Origin,
    around: Outward,
) -> UpstreamWay:  # fmt: skip
    auth, stores = upstream.auth, around.stores
    if auth is None:
        return way
    if auth.kind != "oauth2":
        return replace(way, layer=authorizing(way.layer, auth, origin))
    url = auth.token_url or ""
    layer = transports.to(url, known=pinned(url) in (origin, *_hosts(upstream)))
    request = token_request(auth, layer, around.clock)
    store = stores.store("tokens", Token, ROOM)
    tokens = Tokens(name, request, store, around.clock, stores.clock)
    return replace(
        way,
        layer=with_tokens(way.layer, tokens, origin),
        closes=(tokens.aclose, *way.closes),
        figures=(*way.figures, tokens.figures),
    )


def _hosts(upstream: Upstream) -> list[Origin]:
    return [pinned(host.url) for host in upstream.hosts]
