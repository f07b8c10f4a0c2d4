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

from cachetools import LRUCache

from apiql.events import Figure, Figures, Told
from apiql.settings import Limits, Settings
from apiql.sources.cache import Cache
from apiql.sources.cache_entry import Kept, size_of
from apiql.sources.call import Call, Layer, Origin, Reply
from apiql.sources.changes import Changes
from apiql.sources.circuits import Circuits, Sharing
from apiql.sources.fleet import Surroundings
from apiql.sources.http import PooledTransport
from apiql.sources.limits import TransportLimits
from apiql.sources.loops import beginning, own_places
from apiql.sources.observe import Made, observed
from apiql.sources.outward import Outward, outward, prefix_of
from apiql.sources.pools import Pools
from apiql.sources.refresh import Refreshing
from apiql.sources.shared import shared
from apiql.sources.tally import room_figures
from apiql.sources.transports import NETWORK, Close, Network, Shared, Transports, pinned
from apiql.sources.way import UpstreamWay, guards_of, unnamed_way, upstream_way
from apiql.stores.memory import MemoryStore
from apiql.stores.store import Room, Stores

Purge = Callable[[str], Awaitable[int]]

MOST_UNNAMED = 256
"""Hosts that only queries name whose ways are known; those called longest ago are forgotten."""


@dataclass(frozen=True)
class Stack:
    """The way to all upstreams. `begin` starts what goes on without calls (health checks), as the
    first call does too; `aclose` ends every connection; `circuits` are for the stack that takes
    this one's place. `purge` forgets the kept answers that have a tag and tells how many there
    were: `source:<name>`, `upstream:<name>`, `url:<absolute URL>`, or one of the configuration.
    """

    layer: Layer
    purge: Purge
    circuits: Circuits
    closes: tuple[Close, ...]
    figures: tuple[Figures, ...] = ()
    begins: tuple[Callable[[], None], ...] = ()

    def begin(self) -> None:
        """To be called within the loop that makes the calls."""
        for begin in self.begins:
            begin()

    async def aclose(self) -> None:
        """Ends what runs in the background, then the transports, in the order they were made."""
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
    network: Network = NETWORK,
    made: Made | None = None,
) -> Stack:
    """The way to these upstreams; what outlives a call is kept in the stores and the circuits.
    `made` is told of each call that goes out, equal ones together once.
    """
    limits, circuits = settings.limits, circuits or Circuits()
    circuits.told = told
    usual, around = _usual(settings, network), Surroundings(clock, told)
    ways, pools = _configured(settings, usual, network, circuits, around, stores)
    closes = [close for way in ways.values() for close in way.closes] + [usual.aclose]
    route = _route(ways, _unnamed(usual, limits, circuits, clock))
    inner = route if made is None else observed(route, made, clock)
    if stores.is_shared:
        sharing = Sharing(circuits, stores, clock)
        inner = sharing.around(inner)
        closes.insert(0, sharing.aclose)
    cache = _cache(inner, limits, stores)
    figures = (*_figures(ways), _figures_of(cache), stores.figures, pools.figures)
    ends = (cache.refreshing.aclose, *closes)
    return Stack(cache.layer, cache.purge, circuits, ends, figures, _begins(ways))


def _begins(ways: Mapping[Origin, UpstreamWay]) -> tuple[Callable[[], None], ...]:
    return tuple(way.begin for way in ways.values() if way.begin is not None)


def _figures(ways: Mapping[Origin, UpstreamWay]) -> Iterator[Figures]:
    return (figures for way in ways.values() for figures in way.figures)


def _usual(settings: Settings, network: Network) -> PooledTransport:
    """The transport of all that need none of their own, and of hosts that only queries name."""
    return PooledTransport(
        transport_limits(settings.limits),
        allow_private_networks=settings.security.allow_private_networks,
        own=own_places(settings),
        lookup=network.lookup,
        connect=network.connect,
    )


def _cache(inner: Layer, limits: Limits, stores: Stores) -> Cache:
    store = stores.store("answers", Kept, Room(limits.cache_entries, limits.cache_bytes, size_of))
    changes, refreshing = Changes(), Refreshing(limits.call_timeout)
    below = shared(inner, changes)
    return Cache(below, store, stores.clock, changes=changes, refreshing=refreshing)


def _figures_of(cache: Cache) -> Figures:
    def figures() -> Iterator[Figure]:
        yield from cache.tally.figures()
        if isinstance(cache.store, MemoryStore):
            yield from room_figures(len(cache.store), cache.store.size)

    return figures


def _configured(
    settings: Settings,
    usual: PooledTransport,
    network: Network,
    circuits: Circuits,
    around: Surroundings,
    stores: Stores,
) -> tuple[Mapping[Origin, UpstreamWay], Pools]:
    """The ways of the configuration, upstreams of one origin share one; and the pools, for who
    counts connections.
    """
    beyond = Outward(stores, around.clock)
    shares = Shared(transport_limits(settings.limits), usual.budget, usual, network)
    ways: dict[Origin, UpstreamWay] = {}
    pools = Pools(settings.upstreams, [usual])
    prefixes: dict[Origin, list[str]] = {}
    for upstream in settings.upstreams.values():
        prefixes.setdefault(pinned(upstream.url), []).append(prefix_of(upstream))
    for name, upstream in settings.upstreams.items():
        origin = pinned(upstream.url)
        if origin not in ways:
            transports = Transports(upstream, shares)
            way = upstream_way(name, upstream, settings.limits, transports, circuits, around)
            ways[origin] = outward(name, upstream, way, transports, prefixes[origin], beyond)
            pools.all += transports.pools
    return ways, pools


def _unnamed(
    usual: Layer, limits: Limits, circuits: Circuits, clock: Callable[[], float]
) -> Callable[[Origin], Layer]:
    """The ways to hosts that only queries name: made when they are called, the usual guards."""
    ways: LRUCache[Origin, Layer] = LRUCache(MOST_UNNAMED)
    guards = guards_of(None, limits)

    def way(origin: Origin) -> Layer:
        found = ways.get(origin)
        if found is None:
            made = unnamed_way(origin, guards, usual, circuits, clock)
            found = ways[origin] = beginning(made)
        return found

    return way


def _route(ways: Mapping[Origin, UpstreamWay], unnamed: Callable[[Origin], Layer]) -> Layer:
    layers = {origin: way.layer for origin, way in ways.items()}

    def route(call: Call) -> Awaitable[Reply]:
        layer = layers.get(call.origin)
        return layer(call) if layer is not None else unnamed(call.origin)(call)

    return route
