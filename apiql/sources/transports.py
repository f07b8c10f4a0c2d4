"""The transport that an upstream's calls need: ours, or httpx's where it speaks HTTP/2 or stands
behind a proxy. Knows no layer.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.request import getproxies, proxy_bypass

from apiql.certificates import show_certificate
from apiql.errors import ApiqlError
from apiql.settings import Upstream
from apiql.sources.addresses import parse_url
from apiql.sources.answer import Budget
from apiql.sources.call import Layer, Origin
from apiql.sources.dialects import dialect
from apiql.sources.http import Connect, PooledTransport, open_connection
from apiql.sources.httpx_seam import via_httpx
from apiql.sources.limits import TransportLimits
from apiql.sources.resolver import Lookup, system_lookup

Close = Callable[[], Awaitable[None]]


class ProxyRefused(ApiqlError):
    """A proxy of the environment that no transport speaks to."""


@dataclass(frozen=True, slots=True)
class Network:
    """How names are looked up and connections opened; tests put others in their place."""

    lookup: Lookup = system_lookup
    connect: Connect = open_connection


NETWORK = Network()


@dataclass(frozen=True, slots=True)
class Shared:
    """What all transports have in common: caps, the bytes under way, and the transport of all
    that need none of their own.
    """

    caps: TransportLimits
    budget: Budget
    usual: Layer
    network: Network


@dataclass(slots=True)
class Transports:
    """The transports of one upstream, made when they are asked for."""

    upstream: Upstream
    shared: Shared
    _made: dict[tuple[str | None, bool], Layer] = field(default_factory=dict)
    closes: list[Close] = field(default_factory=list)
    pools: list[PooledTransport] = field(default_factory=list)
    """Those of its own whose connections can be counted."""

    def to(self, url: str, *, known: bool = True) -> Layer:
        """The transport to a url of the upstream: its own, or that of one of its hosts. `known`:
        the client's certificate is shown there.
        """
        proxy = self.upstream.proxy or (_proxy_of(url) if self.upstream.trust_env else None)
        shows = known and self.upstream.client_cert is not None
        made = self._made.get((proxy, shows))
        if made is None:
            made = self._made[proxy, shows] = self._make(url, proxy, shows)
        return made

    def _make(self, url: str, proxy: str | None, shows: bool) -> Layer:
        upstream, shared = self.upstream, self.shared
        tls = trusting(upstream.verify)
        if shows:
            tls = tls or ssl.create_default_context()
            show_certificate(tls, upstream.client_cert or "", upstream.client_key)
        if upstream.http2 or proxy:
            spoken = upstream.http2 and not (proxy and url.lower().startswith("http:"))
            transport = dialect(http2=spoken, proxy=proxy, tls=tls, limits=shared.caps)
            self.closes.append(transport.aclose)
            return via_httpx(transport, shared.caps, shared.budget)
        if tls is None:
            return shared.usual
        own = PooledTransport(
            shared.caps, tls=tls, budget=shared.budget,
            lookup=shared.network.lookup, connect=shared.network.connect,
        )  # fmt: skip
        self.closes.append(own.aclose)
        self.pools.append(own)
        return own


def trusting(verify: bool | str) -> ssl.SSLContext | None:
    """Whose certificates are trusted; None: those that the system trusts."""
    if verify is True:
        return None
    context = ssl.create_default_context(cafile=verify or None)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def pinned(url: str) -> Origin:
    """The origin of a url that the operator has written."""
    origin, _ = parse_url(url)
    return Origin(origin.scheme, origin.host, origin.port, pinned=True)


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
