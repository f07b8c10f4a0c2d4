"""A server whose way to the network is noted: names come from a table, one port is reachable."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from apiql.demo.serving import serving
from apiql.engine import Engine
from apiql.opened import OpenEngine
from apiql.server.app import app_around, app_of
from apiql.server.current import Current, held_of
from apiql.settings import Settings
from apiql.sources.http import PooledTransport, open_connection
from apiql.sources.shared import shared
from apiql.sources.stack import build_stack, transport_limits
from apiql.sources.transports import Network
from apiql.stores.memory import MemoryStores
from tests.server.client import Site

NAMES: dict[str, list[list[str]]] = {
    "rebind.test": [["93.184.216.34"], ["127.0.0.1"]],
    "two.test": [["93.184.216.34", "127.0.0.1"]],
    "loop.test": [["127.0.0.1"]],
    "meta.test": [["169.254.169.254"]],
    "v6.test": [["::1"]],
    "good.test": [["127.0.0.1"]],
    "ttl.test": [["93.184.216.34"], ["10.0.0.7"], ["93.184.216.34"]],
    "last.test": [["93.184.216.34", "93.184.216.35", "10.0.0.7"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "nat64.test": [["64:ff9b::7f00:1"]],
    "zone.test": [["fe80::1%lo"]],
    "none.test": [[]],
    "odd.test": [["127.0.0.1.evil"]],
}
"""The answers of a name's look-ups, the last one for ever."""


@dataclass
class Recorder:
    """Stands between the engine and the network: notes all, connects to one port only."""

    port: int = 0
    ports: set[int] = field(default_factory=set)
    connected: list[tuple[str, int]] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)

    def lookup(self, host: str, port: int) -> list[str]:
        """The faked resolver."""
        self.looked_up.append(host)
        answers = NAMES.get(host)
        if answers is None:
            raise OSError("no such name")
        return answers[min(self.looked_up.count(host), len(answers)) - 1]

    async def connect(self, protocol: Any, address: str, port: int, *rest: Any, **more: Any) -> Any:
        """The recorded connector."""
        self.connected.append((address, port))
        if address != "127.0.0.1" or port not in (self.port, *self.ports):
            raise OSError("not in a test")
        return await open_connection(protocol, address, port, *rest, **more)


@asynccontextmanager
async def recorded(settings: Settings, recorder: Recorder) -> AsyncIterator[Site]:
    """The real app around the real transport, with the recorder in place of the network."""
    transport = PooledTransport(
        transport_limits(settings.limits),
        allow_private_networks=settings.security.allow_private_networks,
        lookup=recorder.lookup,
        connect=recorder.connect,
    )
    engine = Engine(settings, shared(transport))
    async with serving(app_of(engine, settings, transport.aclose)) as url:
        yield Site(url)


@asynccontextmanager
async def opened(settings: Settings, recorder: Recorder) -> AsyncIterator[Site]:
    """The real app with all layers of its upstreams, the recorder in place of the network."""
    stores = MemoryStores()
    stack = build_stack(settings, stores, network=Network(recorder.lookup, recorder.connect))
    engine = OpenEngine(Engine(settings, stack.layer), stack, stores, owned=True)
    async with serving(app_around(Current(held_of(engine)), stores)) as url:
        yield Site(url)
