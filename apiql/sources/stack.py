"""The layers around an upstream call, outermost first: cache -> shared -> route -> transport.

Each layer is a function from a call to its reply; order matters and is shown here and nowhere
else. The cache is around what is shared, not within: calls that want a kept answer and calls that
want a fresh one share what is in flight, and still each gets its own; those that miss together
are one call below; one that may not wait gets the last good answer while others wait on.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.request import getproxies, proxy_bypass

from apiql.errors import ApiqlError
from apiql.settings import Limits, Settings, Upstream
from apiql.sources.addresses import parse_url
from apiql.sources.cache import cached, size_of
from apiql.sources.call import Call, Layer, Origin, Reply
from apiql.sources.dialects import dialect
from apiql.sources.http import PooledTransport
from apiql.sources.httpx_seam import via_httpx
from apiql.sources.limits import TransportLimits
from apiql.sources.shared import shared
from apiql.stores.memory import MemoryStore


class ProxyRefused(ApiqlError):
    """A proxy of the environment that no transport speaks to."""


Close = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Stack:
    """The way to all upstreams; `aclose` ends every connection."""

    layer: Layer
    closes: tuple[Close, ...]

    async def aclose(self) -> None:
        """Closes the transports, in the order they were made."""
        for close in self.closes:
            await close()


def transport_limits(limits: Limits) -> TransportLimits:
    """The caps of a transport by these settings."""
    return TransportLimits(
        connections_per_origin=limits.connections_per_origin,
        connections=limits.connections,
        connect_timeout=limits.connect_timeout,
        idle_timeout=limits.idle_timeout,
        body_bytes=limits.response_bytes,
        header_bytes=limits.response_header_bytes,
        dns_timeout=limits.dns_timeout,
    )


def build_stack(settings: Settings, clock: Callable[[], float] = time.monotonic) -> Stack:
    """Transports for these upstreams: ours; httpx's where one speaks HTTP/2 or needs a proxy.

    The clock is that of the cache.
    """
    limits = settings.limits
    caps = transport_limits(limits)
    private = settings.security.allow_private_networks
    usual = PooledTransport(caps, allow_private_networks=private)
    special: dict[Origin, Layer] = {}
    closes: list[Close] = [usual.aclose]
    for upstream in settings.upstreams.values():
        made = _special(upstream, caps)
        if made is not None:
            layer, close = made
            special[_origin(upstream)] = layer
            closes.append(close)
    inner = _route(special, usual) if special else usual
    store = MemoryStore(limits.cache_entries, limits.cache_bytes, size_of, clock)
    return Stack(cached(shared(inner), store, clock), tuple(closes))


def _origin(upstream: Upstream) -> Origin:
    origin, _ = parse_url(upstream.url)
    return Origin(origin.scheme, origin.host, origin.port, pinned=True)


def _special(upstream: Upstream, caps: TransportLimits) -> tuple[Layer, Close] | None:
    """A transport of its own for an upstream that the usual one does not serve."""
    proxy = upstream.proxy or (_proxy_of(upstream.url) if upstream.trust_env else None)
    tls = None
    if isinstance(upstream.verify, str):
        tls = ssl.create_default_context(cafile=upstream.verify)
    if upstream.http2 or proxy:
        spoken = upstream.http2 and not (proxy and upstream.url.lower().startswith("http:"))
        transport = dialect(http2=spoken, proxy=proxy, tls=tls, limits=caps)
        return via_httpx(transport, caps), transport.aclose
    if tls is not None:
        own = PooledTransport(caps, tls=tls)
        return own, own.aclose
    return None


def _proxy_of(url: str) -> str | None:
    """What HTTP_PROXY and its like say about a URL, read once at start."""
    origin, _ = parse_url(url)
    if proxy_bypass(origin.host) or proxy_bypass(origin.authority):
        return None
    known = getproxies()
    proxy = known.get(origin.scheme) or known.get("all")
    if not proxy:
        return None
    whole = proxy if "://" in proxy else f"http://{proxy}"
    if not whole.lower().startswith(("http://", "https://")):
        raise ProxyRefused("the environment names a proxy that is neither http:// nor https://")
    return whole


def _route(special: Mapping[Origin, Layer], usual: Layer) -> Layer:
    async def route(call: Call) -> Reply:
        return await special.get(call.origin, usual)(call)

    return route
