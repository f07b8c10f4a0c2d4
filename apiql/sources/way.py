"""The way to one upstream: retry budget -> hedge -> balance -> its hosts; to one host: breaker ->
limit -> transport.

A layer that the settings do not ask for is not built in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from apiql.events import Figure, Figures
from apiql.settings import Limits, Upstream
from apiql.sources.breaker import guarded
from apiql.sources.call import Layer, Origin
from apiql.sources.circuit import BreakerRules, Circuit, Phase
from apiql.sources.circuits import Circuits
from apiql.sources.fleet import IsOpen, Surroundings, fleet_of
from apiql.sources.gradient import Gradient
from apiql.sources.limit import Limit, adapting, limited
from apiql.sources.retry_budget import RetryBudget, sparing
from apiql.sources.told_deadline import telling_deadline
from apiql.sources.tracing import Told, traced
from apiql.sources.transports import Close, Transports

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
    """The way to one upstream; what begins and ends with it, and what may be watched."""

    layer: Layer
    begin: Callable[[], None] | None
    closes: tuple[Close, ...]
    figures: tuple[Figures, ...]


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


def upstream_way(
    name: str, upstream: Upstream, limits: Limits, transports: Transports, circuits: Circuits,
    around: Surroundings,
) -> UpstreamWay:  # fmt: skip
    """retry budget -> hedge -> balance -> hosts."""
    guards = guards_of(upstream, limits)
    hosts: list[HostWay] = []

    def guard(origin: Origin, transport: Layer) -> tuple[Layer, IsOpen | None]:
        followed = traced(transport, Told(name, tells=True))
        host = host_way(origin, guards, followed, circuits, around.clock)
        hosts.append(host)
        circuit = host.circuit
        if circuit is None:
            return host.layer, None
        return host.layer, lambda: circuit.is_shut(around.clock())

    fleet = fleet_of(name, upstream, transports.to, guard, guards.usual, around)
    budget = RetryBudget()
    layer = sparing(fleet.layer, budget, around.clock)
    figures: tuple[Figures, ...] = (partial(figures_of, name, budget, tuple(hosts)), *fleet.figures)
    return UpstreamWay(layer, fleet.begin, (*fleet.closes, *transports.closes), figures)


def unnamed_way(
    origin: Origin, guards: Guards, usual: Layer, circuits: Circuits, clock: Clock
) -> Layer:
    """The way to a host that only a query names: retry budget -> breaker -> limit."""
    followed = traced(usual, Told(origin.host, tells=False))
    return sparing(host_way(origin, guards, followed, circuits, clock).layer, RetryBudget(), clock)


def figures_of(name: str, budget: RetryBudget, hosts: tuple[HostWay, ...]) -> Iterator[Figure]:
    """What may be watched of the way to an upstream."""
    label = {"upstream": name}
    running = sum(host.limit.running for host in hosts)
    waiting = sum(host.limit.waiting for host in hosts)
    busy = sum(host.limit.refused for host in hosts)
    circuits = [host.circuit for host in hosts if host.circuit is not None]
    shut = sum(circuit.phase is not Phase.CLOSED for circuit in circuits)
    opened = sum(circuit.opened for circuit in circuits)
    refused = sum(circuit.refused for circuit in circuits)
    yield Figure("apiql_upstream_running", "Calls under way.", running, label)
    yield Figure("apiql_upstream_waiting", "Calls that wait for their turn.", waiting, label)
    yield Figure("apiql_upstream_busy_total", "Calls refused: too many waited.", busy, label, True)
    yield Figure("apiql_circuit_open", "Hosts whose circuit is not closed.", shut, label)
    yield Figure("apiql_circuit_opened_total", "Times a circuit opened.", opened, label, True)
    yield Figure("apiql_circuit_refused_total", "Calls not made for it.", refused, label, True)
    yield Figure("apiql_retries_total", "Calls made again.", budget.made, label, True)
    yield Figure(
        "apiql_retries_refused_total", "Calls not made again: too many were.", budget.refused,
        label, True,
    )  # fmt: skip
