"""The recordings of the second generation, met by its definitions on our core."""

from __future__ import annotations

import asyncio

import pytest

from apiql.acts import acts_of
from apiql.definition_files import KNOWN
from apiql.engine import Engine
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import Generation, Kind, word
from apiql.frontends.definitions.lower.lowered import Ground
from apiql.frontends.definitions.lower.v2_gateway import lowering_v2
from apiql.settings import Settings
from apiql.stores.memory import MemoryStores
from tests.apihub import deviations
from tests.apihub.gateway import WORDS, Gateway
from tests.apihub.replay import Deviation, replay, table, unexplained
from tests.apihub.traces import BEGAN, DATA, ENVIRONMENT, Asked, Got, traces_of
from tests.apihub.upstream import HOST, PLACE, Distant, keeping
from tests.virtual import virtually


class WithUnknown(Gateway):
    """What is not there is lowered too: it is refused by the same way."""

    async def __call__(self, asked: Asked) -> Got:
        path, _, query = asked.path.partition("?")
        first, *parts = path.strip("/").split("/")
        kind, name = WORDS.get(first), "_".join(parts)
        if kind is not None and name not in self.definitions.names[kind]:
            return await self._answered(kind, name, query, asked)
        return await super().__call__(asked)


def base(kind: Kind, name: str, asked: Asked) -> dict[str, str]:
    return {
        "root": name, "type": word(Generation.V2, kind), "start": str(int(BEGAN)), "src": HOST,
        "uuid": "2b39a737-7dd7-4799-a4b1-af1ab61e57ab",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("strict", "meant"), [(False, deviations.V2), (True, deviations.V2_STRICT)]
)
@virtually
async def test_all_recordings_are_met(strict: bool, meant: tuple[Deviation, ...]) -> None:
    loop = asyncio.get_running_loop()

    def wall() -> float:
        return BEGAN + loop.time()

    upstream = Distant(wall)
    engine = Engine(
        Settings(), keeping(upstream, loop.time), acts=acts_of(MemoryStores()), wall=wall
    )
    definitions = read_folder(DATA / "v2_conf")
    ground = Ground(
        definitions, environ=ENVIRONMENT, now=wall,
        pinned=frozenset({PLACE, "http://127.0.0.1:9"}), strict=strict,
    )  # fmt: skip
    gateway = WithUnknown(definitions, lowering_v2(ground), engine, KNOWN, 403, base)
    replayed = await replay(traces_of("v2", ours=not strict), gateway, upstream)
    await engine.asides.aclose(5)
    print(table(replayed, meant))
    assert len(replayed) == 70
    assert unexplained(replayed, meant) == []
