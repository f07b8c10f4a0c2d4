"""The way to one upstream: retry budget -> its host; to one host: breaker -> limit -> transport.

A guard that is off is not built in.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from urllib.request import getproxies, proxy_bypass

from apiql.errors import ApiqlError
from apiql.events import Figure
from apiql.settings import Limits, Upstream
from apiql.sources.addresses import parse_url
from apiql.sources.answer import Budget
from apiql.sources.breaker import guarded
from apiql.sources.call import Layer, Origin
from apiql.sources.circuit import BreakerRules, Circuit, Phase
from apiql.sources.circuits import Circuits
from apiql.sources.dialects import dialect
from apiql.sources.gradient import Gradient
from apiql.sources.http import PooledTransport
from apiql.sources.httpx_seam import via_httpx
from apiql.sources.limit import Limit, adapting, limited
from apiql.sources.limits import TransportLimits
from apiql.sources.retry_budget import RetryBudget, sparing
from apiql.sources.told_deadline import telling_deadline


class ProxyRefused(ApiqlError):
    """A proxy of the environment that no transport speaks to."""


Close = Callable[[], Awaitable[None]]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Guards:
    """How the calls to one host are guarded; `usual` is the time in seconds that one has."""

    breaker: BreakerRules | None
    in_flight: int
    queue: int
    adaptive: bool
    deadline_header: str | None
    usual: float


@dataclass(frozen=True, slots=True)
class HostWay:
    """The way to one host, and what may be seen of it."""

    layer: Layer
    limit: Limit
    circuit: Circuit | None


@dataclass(frozen=True, slots=True)
class UpstreamWay:
    """The way to one upstream, and what may be seen of it."""

    layer: Layer
    budget: RetryBudget
    hosts: tuple[HostWay, ...]


def guards_of(upstream: Upstream | None, limits: Limits) -> Guards:
    """The guards that the settings want; None is a host that they do not name."""
    if upstream is None:
        upstream = Upstream(url="http://unnamed")
    usual = upstream.timeout or limits.call_timeout
    usual = min(usual, upstream.retry.each or usual)
    found = upstream.breaker
    breaker = None if found is None else BreakerRules(**found.model_dump())
    return Guards(
        breaker, upstream.in_flight or limits.connections_per_origin, upstream.queue,
        upstream.adaptive, upstream.deadline_header, usual,
    )  # fmt: skip


def host_way(
    origin: Origin, guards: Guards, transport: Layer, circuits: Circuits, clock: Clock
) -> HostWay:
    """breaker -> limit -> the deadline as a header -> transport."""
    layer = transport
    if guards.deadline_header is not None:
        layer = telling_deadline(layer, guards.deadline_header, clock)
    limit = Limit(guards.in_flight, guards.queue)
    if guards.adaptive:
        gradient = Gradient(guards.in_flight)
        limit.most = gradient.limit
        layer = adapting(layer, limit, gradient, clock)
    layer = limited(layer, limit)
    if guards.breaker is None:
        return HostWay(layer, limit, None)
    circuit = circuits.circuit(origin, guards.breaker)
    return HostWay(
        guarded(layer, circuit, guards.usual, circuits.moved(origin), clock), limit, circuit
    )


def upstream_way(host: HostWay, clock: Clock) -> UpstreamWay:
    """retry budget -> host."""
    budget = RetryBudget()
    return UpstreamWay(sparing(host.layer, budget, clock), budget, (host,))


def figures_of(name: str, way: UpstreamWay) -> Iterator[Figure]:
    """What may be watched of the way to an upstream."""
    label = {"upstream": name}
    running = sum(host.limit.running for host in way.hosts)
    waiting = sum(host.limit.waiting for host in way.hosts)
    busy = sum(host.limit.refused for host in way.hosts)
    circuits = [host.circuit for host in way.hosts if host.circuit is not None]
    shut = sum(circuit.phase is not Phase.CLOSED for circuit in circuits)
    opened = sum(circuit.opened for circuit in circuits)
    refused = sum(circuit.refused for circuit in circuits)
    yield Figure("apiql_upstream_running", "Calls under way.", running, label)
    yield Figure("apiql_upstream_waiting", "Calls that wait for their turn.", waiting, label)
    yield Figure("apiql_upstream_busy_total", "Calls refused: too many waited.", busy, label, True)
    yield Figure("apiql_circuit_open", "Hosts whose circuit is not closed.", shut, label)
    yield Figure("apiql_circuit_opened_total", "Times a circuit opened.", opened, label, True)
    yield Figure("apiql_circuit_refused_total", "Calls not made for it.", refused, label, True)
    yield Figure("apiql_retries_total", "Calls made again.", way.budget.made, label, True)
    yield Figure(
        "apiql_retries_refused_total", "Calls not made again: too many were.", way.budget.refused,
        label, True,
    )  # fmt: skip


def origin_of(upstream: Upstream) -> Origin:
    origin, _ = parse_url(upstream.url)
    return Origin(origin.scheme, origin.host, origin.port, pinned=True)


def transport_of(
    upstream: Upstream, caps: TransportLimits, budget: Budget
) -> tuple[Layer, Close] | None:
    """A transport of its own for an upstream that the usual one does not serve."""
    proxy = upstream.proxy or (_proxy_of(upstream.url) if upstream.trust_env else None)
    tls = None
    if isinstance(upstream.verify, str):
        tls = ssl.create_default_context(cafile=upstream.verify)
    if upstream.http2 or proxy:
        spoken = upstream.http2 and not (proxy and upstream.url.lower().startswith("http:"))
        transport = dialect(http2=spoken, proxy=proxy, tls=tls, limits=caps)
        return via_httpx(transport, caps, budget), transport.aclose
    if tls is not None:
        own = PooledTransport(caps, tls=tls, budget=budget)
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
