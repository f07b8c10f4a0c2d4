"""The recordings of both generations, met by the server: folder, routes, guards, rendering."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from apiql.acts import acts_of
from apiql.defined import DefinitionsRefused
from apiql.definition_files import read_definitions
from apiql.engine import Engine
from apiql.server.app import App, app_of
from apiql.server.current import close_nothing
from apiql.settings import Settings
from apiql.stores.memory import MemoryStores
from tests.apihub import deviations
from tests.apihub.replay import Deviation, replay, table, unexplained
from tests.apihub.traces import BEGAN, DATA, ENVIRONMENT, Asked, Got, traces_of
from tests.apihub.upstream import Distant, Upstream, keeping
from tests.virtual import virtually

SETTINGS = Settings()


def served(folder: str) -> tuple[App, Upstream]:
    """A server of a folder, whose calls go to the upstream of the recordings."""
    loop = asyncio.get_running_loop()

    def wall() -> float:
        return BEGAN + loop.time()

    upstream = Distant(wall)
    files = read_definitions(DATA / folder, environ=ENVIRONMENT, keep_going=True)
    engine = Engine(
        SETTINGS, keeping(upstream, loop.time), definitions=files, acts=acts_of(MemoryStores()),
        wall=wall,
    )  # fmt: skip
    return app_of(engine, SETTINGS, close_nothing), upstream


def asking(app: App) -> Callable[[Asked], Awaitable[Got]]:
    """Sends requests to it."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    async def ask(asked: Asked) -> Got:
        found = await client.request(
            asked.method, asked.path, headers=asked.headers, content=asked.body
        )
        return Got(found.status_code, found.headers.get("content-type", ""), found.content)

    return ask


@pytest.mark.parametrize(
    ("generation", "meant"), [("v1", deviations.V1), ("v2", deviations.V2)], ids=["v1", "v2"]
)
@virtually
async def test_the_server_meets_all_recordings(
    generation: str, meant: tuple[Deviation, ...]
) -> None:
    app, upstream = served(f"{generation}_conf")
    replayed = await replay(traces_of(generation), asking(app), upstream)
    print(table(replayed, meant))
    assert unexplained(replayed, meant) == []


@virtually
async def test_what_is_broken_answers_503_beside_what_is_whole() -> None:
    app, _ = served("v1_conf")
    found = await asking(app)(Asked("GET", "/api/t_unknownfrom", {}, b""))
    assert (found.status, found.media) == (503, "application/problem+json")
    assert b"BROKEN_DEFINITION" in found.body


def test_without_keep_going_nothing_is_served_by_halves() -> None:
    files = read_definitions(DATA / "v1_conf")
    with pytest.raises(DefinitionsRefused) as refused:
        Engine(SETTINGS, Upstream(lambda: BEGAN), definitions=files)
    told = str(refused.value)
    assert "t_unknownfrom.json:" in told
    assert "s_badtype.json:" in told
