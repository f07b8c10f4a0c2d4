"""A server behind its guards: an upstream without a network, a clock that a test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from apiql.demo.serving import serving
from apiql.engine import Engine
from apiql.server.app import App, app_around
from apiql.server.around import Around
from apiql.server.current import Current, Held, close_nothing
from apiql.server.guards import guards_of
from apiql.settings import Settings, load_settings
from apiql.sources.call import Call, Reply
from apiql.stores.memory import MemoryStores
from apiql.stores.store import Stores
from tests.server.client import Site

NOW = 1_763_000_000.0
URL = "http://127.0.0.1:9"


@dataclass
class Guarded:
    """A server that runs; `calls` are the targets that the upstream was asked for."""

    site: Site
    app: App
    current: Current
    stores: Stores
    now: list[float]
    calls: list[str] = field(default_factory=list)

    def held(self, settings: Settings) -> Held:
        """What is in force with these settings."""

        async def answer(call: Call) -> Reply:
            self.calls.append(call.target)
            return Reply(200, (("content-type", "application/json"),), b'{"ok":true}')

        around = Around(answer, self.stores, lambda: self.now[0])
        engine = Engine(settings, answer)
        return Held(engine, close_nothing, guards=guards_of(settings, around))


def settings_of(**more: str) -> Settings:
    """Settings with an upstream; `SECTION__KEY=text` adds others."""
    listed = "authorization,cookie,x-api-key"
    default = {"UPSTREAMS__DEFAULT__URL": URL, "UPSTREAMS__DEFAULT__FORWARD": listed}
    given = default | more
    return load_settings(None, {f"APIQL_{key}": value for key, value in given.items()})


@asynccontextmanager
async def guarded(now: Any = None, stores: Any = None, **more: str) -> AsyncIterator[Guarded]:
    """A server with these settings; at the time `NOW`, unless a test has another in a list, and
    with stores of its own, unless a test has others.
    """
    moment: list[float] = [NOW] if now is None else now
    kept: Stores = stores or MemoryStores(lambda: moment[0])
    found = Guarded(None, None, None, kept, moment)  # type: ignore[arg-type]
    found.current = Current(found.held(settings_of(**more)))
    found.app = app_around(found.current, kept)
    async with serving(found.app) as url:
        found.site = Site(url)
        yield found
