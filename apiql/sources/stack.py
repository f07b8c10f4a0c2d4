"""The layers around an upstream call, outermost first: cache -> shared -> route -> the way of the
upstream -> transport.

Each layer is a function from a call to its reply; order matters and is shown here and nowhere
else. The cache is around what is shared, not within: calls that want a kept answer and calls that
want a fresh one share what is in flight, and still each gets its own; those that miss together
are one call below; one that may not wait gets the last good answer while others wait on.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from cachetools import LRUCache

from apiql.events import Figure, Figures, Told
from apiql.settings import Limits, Settings
from apiql.sources.answer import Budget
from apiql.sources.cache import Kept, cached, size_of
from apiql.sources.call import Call, Layer, Origin, Reply
from apiql.sources.circuits import Circuits, Sharing
from apiql.sources.http import PooledTransport
from apiql.sources.limits import TransportLimits
from apiql.sources.shared import shared
from apiql.sources.way import (
    Close,
    UpstreamWay,
    figures_of,
    guards_of,
    host_way,
    origin_of,
    transport_of,
    upstream_way,
)
from apiql.stores.store import Room, Stores

MOST_UNNAMED = 256
"""Hosts that only queries name whose ways are known; those called longest ago are forgotten."""


@dataclass(frozen=True)
class Stack:
    """The way to all upstreams; `aclose` ends every connection. `circuits` are for the stack that
    takes this one's place.
    """

    layer: Layer
    closes: tuple[Close, ...]
    circuits: Circuits
    figures: tuple[Figures, ...] = ()

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
        bytes_in_flight=limits.bytes_in_flight,
    )


def build_stack(
    settings: Settings,
    stores: Stores,
    *,
    told: Told | None = None,
    circuits: Circuits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Stack:
    """The way to these upstreams; what outlives a call is kept in the stores and the circuits."""
    limits = settings.limits
    circuits = circuits or Circuits()
    circuits.told = told
    ways, usual, closes = _configured(settings, circuits, clock)
    inner: Layer = _route(ways, _unnamed(usual, limits, circuits, clock))
    if stores.is_shared:
        sharing = Sharing(circuits, stores, clock)
        inner = sharing.around(inner)
        closes = (sharing.aclose, *closes)
    store = stores.store("answers", Kept, Room(limits.cache_entries, limits.cache_bytes, size_of))
    named = {name: ways[origin_of(upstream)] for name, upstream in settings.upstreams.items()}
    layer = cached(shared(inner), store, stores.clock)
    return Stack(layer, closes, circuits, (partial(_figures, named),))


def _configured(
    settings: Settings, circuits: Circuits, clock: Callable[[], float]
) -> tuple[Mapping[Origin, UpstreamWay], Layer, tuple[Close, ...]]:
    """The ways of the configuration, the transport of all that need none of their own, and what
    closes them.
    """
    limits = settings.limits
    caps = transport_limits(limits)
    budget = Budget(caps.bytes_in_flight)
    private = settings.security.allow_private_networks
    usual = PooledTransport(caps, allow_private_networks=private, budget=budget)
    closes: list[Close] = [usual.aclose]
    ways: dict[Origin, UpstreamWay] = {}
    for upstream in settings.upstreams.values():
        made = transport_of(upstream, caps, budget)
        if made is not None:
            closes.append(made[1])
        origin = origin_of(upstream)
        transport = usual if made is None else made[0]
        host = host_way(origin, guards_of(upstream, limits), transport, circuits, clock)
        ways[origin] = upstream_way(host, clock)
    return ways, usual, tuple(closes)


def _unnamed(
    usual: Layer, limits: Limits, circuits: Circuits, clock: Callable[[], float]
) -> Callable[[Origin], Layer]:
    """The ways to hosts that only queries name: made when they are called, the usual guards."""
    ways: LRUCache[Origin, Layer] = LRUCache(MOST_UNNAMED)
    guards = guards_of(None, limits)

    def way(origin: Origin) -> Layer:
        found = ways.get(origin)
        if found is None:
            host = host_way(origin, guards, usual, circuits, clock)
            found = ways[origin] = upstream_way(host, clock).layer
        return found

    return way


def _route(ways: Mapping[Origin, UpstreamWay], unnamed: Callable[[Origin], Layer]) -> Layer:
    layers = {origin: way.layer for origin, way in ways.items()}

    def route(call: Call) -> Awaitable[Reply]:
        layer = layers.get(call.origin)
        return layer(call) if layer is not None else unnamed(call.origin)(call)

    return route


def _figures(ways: Mapping[str, UpstreamWay]) -> Iterator[Figure]:
    for name, way in ways.items():
        yield from figures_of(name, way)
