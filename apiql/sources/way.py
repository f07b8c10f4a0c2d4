"""The way to one upstream of the configuration: its origin and its transport."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.request import getproxies, proxy_bypass

from apiql.errors import ApiqlError
from apiql.settings import Upstream
from apiql.sources.addresses import parse_url
from apiql.sources.call import Layer, Origin
from apiql.sources.dialects import dialect
from apiql.sources.fleet import Fleet, Guard, Surroundings, fleet_of, pinned, unguarded
from apiql.sources.http import PooledTransport
from apiql.sources.httpx_seam import via_httpx
from apiql.sources.limits import TransportLimits


class ProxyRefused(ApiqlError):
    """A proxy of the environment that no transport speaks to."""


Close = Callable[[], Awaitable[None]]


def origin_of(upstream: Upstream) -> Origin:
    return pinned(upstream.url)


def transport_of(upstream: Upstream, caps: TransportLimits) -> tuple[Layer, Close] | None:
    """A transport of its own for an upstream that the usual one does not serve."""
    proxy = proxy_of(upstream)
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


def fleet_way(
    name: str, upstream: Upstream, usual: Layer, caps: TransportLimits, around: Surroundings,
    call_timeout: float, guard: Guard = unguarded,
) -> Fleet:  # fmt: skip
    """The way to the hosts of an upstream, each behind what guards it and the transport that its
    url needs.
    """
    made: dict[str | None, tuple[Layer, Close] | None] = {}

    def transport(url: str) -> Layer:
        alone = upstream.model_copy(update={"url": url})
        proxy = proxy_of(alone)
        if proxy not in made:
            made[proxy] = transport_of(alone, caps)
        own = made[proxy]
        return usual if own is None else own[0]

    fleet = fleet_of(name, upstream, transport, guard, upstream.timeout or call_timeout, around)
    return replace(fleet, closes=(*fleet.closes, *(own[1] for own in made.values() if own)))


def proxy_of(upstream: Upstream) -> str | None:
    """The proxy through which an upstream's url is called."""
    return upstream.proxy or (_proxy_of(upstream.url) if upstream.trust_env else None)


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
