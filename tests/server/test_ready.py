"""/livez and /readyz: what an orchestrator does with an instance."""

from __future__ import annotations

from datetime import datetime

import pytest

from apiql.demo.serving import serving
from apiql.engine import Engine
from apiql.server.app import app_around
from apiql.server.configuration import Place, read_configuration
from apiql.server.current import Current, Held, close_nothing
from apiql.server.reload import Refusal, State
from apiql.settings import Settings
from apiql.sources.call import Call, Reply
from tests.server.client import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def nowhere(call: Call) -> Reply:
    raise AssertionError


def current() -> Current:
    return Current(Held(Engine(Settings(), nowhere), close_nothing))


async def test_while_it_drains_it_is_alive_and_not_ready() -> None:
    app = app_around(current())
    async with serving(app) as url:
        site = Site(url)
        assert (await site.send("GET", "/readyz")).status == 200
        app.door.draining = True
        response = await site.send("GET", "/readyz")
        assert (response.status, response.json()) == (503, {"status": "draining"})
        assert (await site.send("GET", "/livez")).status == 200


async def test_what_is_in_force_since_when() -> None:
    state = State("abc", 1_800_000_000.7)
    async with serving(app_around(current(), state=state)) as url:
        site = Site(url)
        response = await site.send("GET", "/readyz")
        assert response.headers["cache-control"] == "no-store"
        found = {"revision": "abc", "since": "2027-01-15T08:00:00Z"}
        assert response.json() == {"status": "ok", "configuration": found}
        state.refused = Refusal(1_800_000_060.0, ("apiql.toml:1:1: this is no TOML",))
        response = await site.send("GET", "/readyz")
        assert response.status == 200, "the last good one answers"
        refused = response.json()["configuration"]["refused"]
        assert refused["problems"] == ["apiql.toml:1:1: this is no TOML"]
        assert datetime.fromisoformat(refused["at"]).minute == 1


async def test_without_a_folder_there_is_a_revision_too() -> None:
    first, second = (read_configuration(Place(None, {})) for _ in range(2))
    assert first.revision == second.revision
