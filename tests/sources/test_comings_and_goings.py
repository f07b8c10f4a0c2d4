"""All layers of an upstream together, while callers come, leave and run out of time: nobody waits
beyond a deadline, and what each layer counts is nothing again once all are gone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random

import pytest

from apiql.errors import CallFailed, Code
from apiql.settings import Hedge
from apiql.sources.balance import balanced
from apiql.sources.breaker import guarded
from apiql.sources.cache import Cache
from apiql.sources.cache_entry import Kept, size_of
from apiql.sources.call import Caching, Call, Layer, Origin, Reply
from apiql.sources.changes import Changes
from apiql.sources.circuit import BreakerRules, Circuit, Phase
from apiql.sources.hedge import Hedged
from apiql.sources.hosts import Host, Hosts
from apiql.sources.limit import Limit, limited
from apiql.sources.limits import Unanswered, Unreached
from apiql.sources.shared import _Shared
from apiql.stores.memory import MemoryStore
from apiql.stores.store import Room
from tests.virtual import virtually

ORIGIN = Origin("http", "a.test", 80)
CALLERS, LONG = 200, 20
TICK = 0.01
"""Seconds. All that happens does so at one of few moments, so that much happens at the same."""
REPLIES: list[Reply | CallFailed] = [
    Reply(200, (), b"{}"),
    Reply(200, (("cache-control", "max-age=1"),), b"{}"),
    Reply(200, (("cache-control", "max-age=0, stale-while-revalidate=5"),), b"{}"),
    Reply(503, (), b""),
    Unreached(Code.UPSTREAM_CONNECT, "refused", retryable=True),
    Unanswered(Code.UPSTREAM_CONNECT, "closed", retryable=True),
]


@dataclass
class Upstream:
    """A transport that answers in its own time, by chance."""

    chance: Random
    running: int = 0

    async def __call__(self, call: Call) -> Reply:
        left = call.deadline - asyncio.get_running_loop().time()
        takes = TICK * self.chance.choice([0, 0, 1, 1, 2, 2, 5, 200])
        self.running += 1
        try:
            await asyncio.sleep(max(0.0, min(left, takes)))
        finally:
            self.running -= 1
        if takes > left:
            raise CallFailed(Code.UPSTREAM_TIMEOUT, "no answer came in time")
        found = self.chance.choice(REPLIES)
        if isinstance(found, CallFailed):
            raise type(found)(found.code, found.message, retryable=found.retryable)
        return found


@dataclass
class Layers:
    """Two hosts behind a hedge, what is shared, and a cache."""

    upstream: Upstream
    limits: list[Limit] = field(default_factory=list)
    circuits: list[Circuit] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = asyncio.get_running_loop().time
        hosts = Hosts("u", [self._host(n) for n in range(2)], clock=clock, random=lambda: 0.5)
        settings = Hedge(percentile=50, budget=1.0, least=0.001)
        self.hedged = Hedged("u", balanced(hosts, clock, 1.0), settings, clock)
        changes = Changes()
        self.shared = _Shared(self.hedged.__call__, {}, changes)
        store: MemoryStore[Kept] = MemoryStore(Room(100, 10**6, size_of), clock)
        self.cache = Cache(self.shared.call_once, store, clock, changes=changes)
        self.hosts = hosts

    def _host(self, number: int) -> Host:
        clock = asyncio.get_running_loop().time
        limit, circuit = Limit(1, 50), Circuit(BreakerRules(failures=8, open=TICK), lambda: 0.0)
        self.limits.append(limit)
        self.circuits.append(circuit)
        layer: Layer = limited(self.upstream, limit)
        layer = guarded(layer, circuit, 1.0, lambda _: None, clock)
        return Host(Origin("http", f"h{number}", 80), layer, 1, lambda: circuit.is_shut(clock()))

    async def aclose(self) -> None:
        await self.hedged.aclose()
        await self.cache.refreshing.aclose()
        await asyncio.sleep(0)


async def come(layers: Layers, chance: Random) -> None:
    """A caller: its answer, or a designed failure, by its deadline."""
    clock = asyncio.get_running_loop().time
    await asyncio.sleep(TICK * chance.randrange(LONG))
    method = chance.choice(["GET", "GET", "HEAD", "POST"])
    deadline = clock() + TICK * chance.choice([2, 5, 10, 50])
    caching = chance.choice([None, Caching(stale=True), Caching(keep=1.0)])
    body, target = b"x" if method == "POST" else None, f"/{chance.randrange(3)}"
    try:
        await layers.cache.layer(Call(method, ORIGIN, target, (), body, deadline, caching))
    except CallFailed:
        pass
    assert clock() <= deadline + TICK


async def leave(caller: asyncio.Task[None], chance: Random) -> None:
    """Cancels a caller, a few turns of the loop after what else happens at that moment."""
    await asyncio.sleep(TICK * chance.randrange(LONG + 5))
    for _ in range(chance.randrange(9)):
        await asyncio.sleep(0)
    caller.cancel()


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_left_of_those_who_came(seed: int) -> None:
    @virtually
    async def play() -> None:
        chance = Random(seed)
        layers = Layers(Upstream(chance))
        callers = [asyncio.ensure_future(come(layers, chance)) for _ in range(CALLERS)]
        leaving = [caller for caller in callers if chance.random() < 0.6]
        leaves = [asyncio.ensure_future(leave(caller, chance)) for caller in leaving]
        await asyncio.wait(callers + leaves)
        assert [c for c in callers if not c.cancelled() and c.exception()] == []
        assert {caller for caller in callers if caller.cancelled()} <= set(leaving)
        await layers.aclose()
        assert not layers.upstream.running
        assert not layers.shared.flights
        assert not any(limit.running or limit.turns for limit in layers.limits)
        assert not any(host.busy for host in layers.hosts.all)
        assert not any(circuit.phase is Phase.PROBING for circuit in layers.circuits)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    play()
