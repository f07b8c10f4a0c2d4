"""What stands between an upstream and its hosts: hedge -> balance -> to each host its own way.

What an upstream's settings do not ask for is not built in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import random

from apiql.events import Figures, Told
from apiql.settings import Host as HostSettings
from apiql.settings import Upstream
from apiql.sources.balance import Spread, balanced, layer_of
from apiql.sources.call import Call, Layer, Origin, Reply
from apiql.sources.health import Checks, Probe
from apiql.sources.hedge import Hedged
from apiql.sources.hosts import Host, Hosts
from apiql.sources.transports import Close, pinned

IsOpen = Callable[[], bool]
Guard = Callable[[Origin, Layer], tuple[Layer, IsOpen | None]]
"""The way to one host around its transport, and whether its breaker lets no call through."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The way of an upstream's calls to its hosts. `begin` starts what goes on by itself, if
    anything does; the first call does so too.
    """

    layer: Layer
    begin: Callable[[], None] | None
    closes: tuple[Close, ...]
    figures: tuple[Figures, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all fleets have in common. The clock is that of the deadlines."""

    clock: Callable[[], float]
    told: Told | None = None
    random: Callable[[], float] = random


def fleet_of(
    name: str,
    upstream: Upstream,
    transport: Callable[[str], Layer],
    guard: Guard,
    usual: float,
    around: Surroundings,
) -> Fleet:
    """The way to the hosts of an upstream, or simply to its url.

    `transport` is the one for the url of a host, `usual` the seconds that a call has.
    """
    if not (upstream.hosts or upstream.hedge or upstream.health):
        layer, _ = guard(pinned(upstream.url), transport(upstream.url))
        return Fleet(layer, None, (), ())
    places = upstream.hosts or (HostSettings(url=upstream.url),)
    hosts, probes = [], []
    for place in places:
        plain = transport(place.url)
        origin = pinned(place.url)
        layer, is_open = guard(origin, plain)
        hosts.append(Host(origin, layer, place.weight, is_open))
        probes.append(Probe(hosts[-1], plain))
    clock, told = around.clock, around.told
    all_hosts = Hosts(name, hosts, clock=clock, random=around.random, told=told)
    counted = upstream.hosts or upstream.health
    spread = balanced(all_hosts, clock, usual) if counted else _alone(hosts[0].layer)
    checks = _checks(upstream, all_hosts, tuple(probes), around)
    return _fleet(upstream, all_hosts, spread, checks, clock)


def _checks(
    upstream: Upstream, hosts: Hosts, probes: tuple[Probe, ...], around: Surroundings
) -> Checks | None:
    if upstream.health is None:
        return None
    headers = tuple(upstream.headers.items())
    return Checks(hosts, probes, upstream.health, headers, around.random)


def _fleet(
    upstream: Upstream,
    hosts: Hosts,
    spread: Spread,
    checks: Checks | None,
    clock: Callable[[], float],
) -> Fleet:
    """The layers that are wanted, one around the other."""
    layer = layer_of(spread)
    closes: list[Close] = []
    figures = [hosts.figures] if upstream.hosts or checks else []
    if upstream.hedge is not None:
        hedged = Hedged(hosts.name, spread, upstream.hedge, clock)
        layer = hedged.__call__
        closes.append(hedged.aclose)
        figures.append(hedged.figures)
    if checks is None:
        return Fleet(layer, None, tuple(closes), tuple(figures))
    closes.append(checks.aclose)
    return Fleet(_beginning(layer, checks), checks.begin, tuple(closes), tuple(figures))


def _alone(layer: Layer) -> Spread:
    return lambda call, _: layer(call)


def _beginning(layer: Layer, checks: Checks) -> Layer:
    """Starts the checks with the first call."""

    def call_once(call: Call) -> Awaitable[Reply]:
        checks.begin()
        return layer(call)

    return call_once
