"""The circuits of all hosts, and how workers that share a store tell each other what has opened.

They outlive a reload: the next stack is given the same ones. Nothing on the way of a call waits
for the store; one task looks at it, and puts there what this process has found.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from cachetools import LRUCache
from msgspec import Struct

from apiql.events import CircuitMoved, Told
from apiql.sources.breaker import Moved
from apiql.sources.call import Call, Layer, Origin, Reply
from apiql.sources.circuit import BreakerRules, Circuit, Phase
from apiql.stores.store import Room, Store, Stores

MOST = 1000
"""Hosts whose circuits are known; those asked for longest ago are forgotten."""
_LOOK = 0.5
"""Seconds between two looks at the store."""
_SIZE = 64


class Opened(Struct, frozen=True):
    """A circuit that somebody has opened: until when on the stores' clock, how often in a row."""

    until: float
    times: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How the circuit of a host stands: for how many seconds it is `open` yet, how often it was
    opened, and how many calls were not made because of it.
    """

    origin: str
    state: str
    why: str
    left: float
    opened: int
    refused: int


class Circuits:
    """A circuit for each host that is called."""

    def __init__(self, jitter: Callable[[], float] = random.random, most: int = MOST) -> None:
        self._known: LRUCache[Origin, Circuit] = LRUCache(most)
        self._jitter = jitter
        self._fresh: set[Origin] = set()
        self._news = asyncio.Event()
        self._shared = False
        self.told: Told | None = None

    def circuit(self, origin: Origin, rules: BreakerRules) -> Circuit:
        """The circuit of a host, from now on by these rules."""
        found = self._known.get(origin)
        if found is None:
            found = self._known[origin] = Circuit(rules, self._jitter)
        found.follow(rules)
        return found

    def moved(self, origin: Origin) -> Moved:
        """What is to be told of a host's circuit when it has changed."""

        def tell(circuit: Circuit) -> None:
            if self.told is not None:
                self.told(CircuitMoved(str(origin), circuit.phase.value, circuit.why))
            if self._shared:
                self._fresh.add(origin)
                self._news.set()

        return tell

    def standing(self, now: float) -> Iterator[Standing]:
        """How all circuits stand, by the clock of the calls."""
        for origin, circuit in self._known.items():
            left = max(0.0, circuit.until - now) if circuit.phase is Phase.OPEN else 0.0
            state, why = circuit.phase.value, circuit.why
            yield Standing(str(origin), state, why, left, circuit.opened, circuit.refused)

    def close(self, name: str) -> bool:
        """Closes the circuit of a host by hand; whether there is one of this name."""
        found = [origin for origin in self._known if str(origin) == name]
        for origin in found:
            circuit = self._known[origin]
            if circuit.phase is not Phase.CLOSED:
                circuit.close()
                self.moved(origin)(circuit)
        return bool(found)

    async def share(self, stores: Stores, clock: Callable[[], float]) -> None:
        """Keeps up with the others until it is cancelled; `clock` is that of the circuits."""
        self._shared = True
        store = stores.store("circuits", Opened, Room(MOST, MOST * _SIZE, lambda _: _SIZE))
        while True:
            await self._publish(store, clock(), stores.clock())
            await self._listen(store, clock(), stores.clock())
            try:
                async with asyncio.timeout(_LOOK):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()

    async def _publish(self, store: Store[Opened], now: float, shared: float) -> None:
        while self._fresh:
            origin = self._fresh.pop()
            circuit = self._known.get(origin)
            if circuit is None or circuit.phase is Phase.CLOSED:
                await store.drop(_key(origin))
            elif circuit.phase is Phase.OPEN and circuit.until > now:
                left = circuit.until - now
                await store.put(_key(origin), Opened(shared + left, circuit.times), left)

    async def _listen(self, store: Store[Opened], now: float, shared: float) -> None:
        for origin, circuit in list(self._known.items()):
            found = await store.get(_key(origin))
            if found is None or found.until <= shared:
                continue
            if circuit.hear(now + found.until - shared, found.times) and self.told is not None:
                self.told(CircuitMoved(str(origin), circuit.phase.value, circuit.why))


class Sharing:
    """The task that shares circuits: it begins with the first call and ends with its owner."""

    def __init__(self, circuits: Circuits, stores: Stores, clock: Callable[[], float]) -> None:
        self._circuits, self._stores, self._clock = circuits, stores, clock
        self._task: asyncio.Task[None] | None = None

    def around(self, inner: Layer) -> Layer:
        """Wraps a layer whose first call begins the sharing."""

        def layer(call: Call) -> Awaitable[Reply]:
            if self._task is None:
                work = self._circuits.share(self._stores, self._clock)
                self._task = asyncio.get_running_loop().create_task(work)
            return inner(call)

        return layer

    async def aclose(self) -> None:
        """Ends the task."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _key(origin: Origin) -> bytes:
    return str(origin).encode()
