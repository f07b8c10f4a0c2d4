"""A server with a door: our protocol, an upstream without a network that a test holds back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn

from apiql.engine import Engine
from apiql.server.app import App, app_of
from apiql.server.drain import DrainingServer
from apiql.server.protocol import Protocol
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply
from apiql.stores.memory import MemoryStores
from tests.server.client import Site

PATIENCE = 8.0
"""Seconds after which a test has failed."""


@dataclass
class Held:
    """Calls that end once they are let go."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    calls: int = 0

    async def __call__(self, call: Call) -> Reply:
        self.calls += 1
        if "hold" in call.target:
            await self.open.wait()
        body = b'"' + b"x" * 12_000_000 + b'"' if "big" in call.target else b'{"ok":true}'
        return Reply(200, (("content-type", "application/json"),), body)


@dataclass
class Front:
    """A server that runs, and what is behind it."""

    site: Site
    app: App
    held: Held
    server: DrainingServer
    running: asyncio.Task[None]
    now: list[float]

    async def asked(self, number: int, path: str = "hold") -> asyncio.Task[int]:
        """A query that has been begun; its status."""

        async def ask() -> int:
            return (await self.site.ask(f"select * from /{path} as r where n = {number}")).status

        task = asyncio.create_task(ask())
        await asyncio.sleep(0)
        return task

    async def until(self, running: int, waiting: int = 0) -> None:
        """Until so many queries are carried out and wait."""
        admission = self.app.door.admission
        async with asyncio.timeout(PATIENCE):
            while (admission.running, admission.waiting) != (running, waiting):  # noqa: ASYNC110
                await asyncio.sleep(0.002)


@asynccontextmanager
async def front(**more: str) -> AsyncIterator[Front]:
    """A server with these settings (`SECTION__KEY=text`)."""
    given = {"UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9", "SERVER__DRAIN_DELAY": "0"} | more
    settings = load_settings(None, {f"APIQL_{key}": value for key, value in given.items()})
    held, now = Held(), [0.0]

    async def close() -> None:
        held.open.set()

    app = app_of(Engine(settings, held), settings, close, MemoryStores(lambda: now[0]))
    config = uvicorn.Config(
        app, http=Protocol, ws="none", log_config=None, port=0, lifespan="on",
        timeout_keep_alive=15, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = DrainingServer(config)
    listener = config.bind_socket()
    running = asyncio.create_task(server._serve([listener]))
    while not server.started:  # noqa: ASYNC110  # uvicorn offers nothing to wait for
        await asyncio.sleep(0.01)
    port = listener.getsockname()[1]
    try:
        yield Front(Site(f"http://127.0.0.1:{port}"), app, held, server, running, now)
    finally:
        held.open.set()
        server.should_exit = server.force_exit = True
        await asyncio.wait_for(running, PATIENCE)
