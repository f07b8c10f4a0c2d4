"""The layers around an upstream call, outermost first: cache -> shared -> route -> transport.

Each layer is a function from a call to its reply; order matters and is shown here and nowhere
else. The cache is around what is shared, not within: calls that want a kept answer and calls that
want a fresh one share what is in flight, and still each gets its own; those that miss together
are one call below; one that may not wait gets the last good answer while others wait on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from apiql.events import Figures
from apiql.settings import Limits, Settings
from apiql.sources.cache import Kept, cached, size_of
from apiql.sources.call import Call, Layer, Origin, Reply
from apiql.sources.http import PooledTransport
from apiql.sources.limits import TransportLimits
from apiql.sources.shared import shared
from apiql.sources.way import Close, origin_of, transport_of
from apiql.stores.store import Room, Stores

Purge = Callable[[str], Awaitable[int]]


@dataclass(frozen=True)
class Stack:
    """The way to all upstreams; `aclose` ends every connection."""

    layer: Layer
    closes: tuple[Close, ...]
    figures: tuple[Figures, ...] = ()
    purges: tuple[Purge, ...] = ()

    async def purge(self, tag: str) -> int:
        """Forgets the answers that were kept with this tag; how many there were."""
        return sum([await purge(tag) for purge in self.purges])

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


def build_stack(settings: Settings, stores: Stores) -> Stack:
    """The way to these upstreams; what outlives a call is kept in the stores."""
    limits = settings.limits
    caps = transport_limits(limits)
    private = settings.security.allow_private_networks
    usual = PooledTransport(caps, allow_private_networks=private)
    special: dict[Origin, Layer] = {}
    closes: list[Close] = [usual.aclose]
    for upstream in settings.upstreams.values():
        made = transport_of(upstream, caps)
        if made is not None:
            layer, close = made
            special[origin_of(upstream)] = layer
            closes.append(close)
    inner = _route(special, usual) if special else usual
    store = stores.store("answers", Kept, Room(limits.cache_entries, limits.cache_bytes, size_of))
    layer = cached(shared(inner), store, stores.clock)
    return Stack(layer, tuple(closes), purges=(store.purge,))


def _route(special: Mapping[Origin, Layer], usual: Layer) -> Layer:
    async def route(call: Call) -> Reply:
        return await special.get(call.origin, usual)(call)

    return route
