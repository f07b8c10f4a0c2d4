"""The recordings of the first generation, met by its definitions on our core."""

from __future__ import annotations

import asyncio

from apiql.defined import KNOWN
from apiql.engine import Engine
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower.lowered import Ground
from apiql.frontends.definitions.lower.v1_lower import lowering_v1
from apiql.settings import Settings
from tests.apihub import deviations
from tests.apihub.gateway import Gateway
from tests.apihub.replay import replay, table, unexplained
from tests.apihub.traces import BEGAN, DATA, traces_of
from tests.apihub.upstream import PLACE, Upstream
from tests.virtual import virtually


def gateway(strict: bool = False) -> tuple[Gateway, Upstream]:
    """The definitions that were recorded, on our core."""
    loop = asyncio.get_running_loop()
    upstream = Upstream(lambda: BEGAN + loop.time())
    definitions = read_folder(DATA / "v1_conf")
    pinned = frozenset({PLACE, "http://127.0.0.1:9"})
    ground = Ground(definitions, now=upstream.wall, pinned=pinned, strict=strict)
    engine = Engine(Settings(), upstream, wall=upstream.wall)
    return Gateway(definitions, lowering_v1(ground), engine, KNOWN), upstream


@virtually
async def test_all_recordings_are_met() -> None:
    ours, upstream = gateway()
    replayed = await replay(traces_of("v1"), ours, upstream)
    print(table(replayed, deviations.V1))
    assert unexplained(replayed, deviations.V1) == []


@virtually
async def test_strictly_they_are_met_as_they_are() -> None:
    ours, upstream = gateway(strict=True)
    replayed = await replay(traces_of("v1", ours=False), ours, upstream)
    print(table(replayed, deviations.V1_STRICT))
    assert unexplained(replayed, deviations.V1_STRICT) == []


@virtually
async def test_definitions_that_are_published_can_all_be_lowered() -> None:
    definitions = read_folder(DATA / "real" / "v1")
    lower = lowering_v1(Ground(definitions))
    engine = Engine(Settings(), Upstream(lambda: BEGAN))
    kinds = (Kind.API, Kind.FLOW, Kind.SCHEDULE)
    names = [(kind, name) for kind in kinds for name in definitions.documents[kind]]
    for kind, name in names:
        engine.defined(lower(kind, name).plan)
    assert len(names) == 16
