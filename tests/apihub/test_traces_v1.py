"""The recordings of the first generation, met by its definitions on our core."""

from __future__ import annotations

import asyncio

from apiql.checked_definitions import KNOWN
from apiql.engine import Engine
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.lower.lowered import Ground
from apiql.frontends.definitions.lower.v1_lower import lowering_v1
from apiql.settings import Settings
from tests.apihub import deviations
from tests.apihub.gateway import Gateway
from tests.apihub.replay import replay, table, unexplained
from tests.apihub.traces import BEGAN, DATA, traces_of
from tests.apihub.upstream import PLACE, Upstream
from tests.virtual import virtually


@virtually
async def test_all_recordings_are_met() -> None:
    loop = asyncio.get_running_loop()

    def wall() -> float:
        return BEGAN + loop.time()

    upstream = Upstream(wall)
    engine = Engine(Settings(), upstream, wall=wall)
    definitions = read_folder(DATA / "v1_conf")
    ground = Ground(
        definitions, now=wall, pinned=frozenset({PLACE, "http://127.0.0.1:9"}),
        permits=lambda url: False,
    )  # fmt: skip
    gateway = Gateway(definitions, lowering_v1(ground), engine, KNOWN)
    replayed = await replay(traces_of("v1"), gateway, upstream)
    print(table(replayed, deviations.V1))
    assert unexplained(replayed, deviations.V1) == []
