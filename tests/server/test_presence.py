"""When the client goes away its upstream calls end, but not those that others wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.server.client import Site, request_bytes
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = "select * from {path} as h timeout 3s"


async def until(condition: Callable[[], bool], within: float = 2) -> float:
    """The seconds until something has become true."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - it is the upstream that is looked at
            await asyncio.sleep(0.001)
    return loop.time() - start


async def begin(patient: Site, query: str) -> asyncio.StreamWriter:
    """A client that has asked and waits."""
    _, writer = await patient.connect()
    headers = {"Content-Type": "text/plain"}
    writer.write(request_bytes("POST", "/apiql", query.encode(), headers))
    return writer


@pytest.mark.parametrize("path", ["/hang", "/stall"])
@pytest.mark.parametrize("way", ["fin", "abort"])
async def test_calls_end_when_the_client_leaves(
    patient: Site, up: Upstream, path: str, way: str
) -> None:
    writer = await begin(patient, LONG.format(path=path))
    await until(lambda: up.waiting == 1)
    await asyncio.sleep(0.02)
    if way == "abort":
        writer.transport.abort()
    else:
        writer.close()
    assert await until(lambda: up.left == 1) < 0.05
    assert up.waiting == 0


async def test_every_call_of_the_query_ends(patient: Site, up: Upstream) -> None:
    query = ";".join(f"select * from /hang as h{n} where n = {n} timeout 3s" for n in range(6))
    writer = await begin(patient, query)
    await until(lambda: up.waiting == 6)
    writer.close()
    assert await until(lambda: up.left == 6) < 0.05


async def test_a_client_that_leaves_at_once(patient: Site, up: Upstream) -> None:
    writer = await begin(patient, LONG.format(path="/hang"))
    writer.close()
    await asyncio.sleep(0.1)
    await until(lambda: up.waiting == 0, 0.5)
    response = await patient.ask("select * from /ok")
    assert response.status == 200


async def test_others_that_wait_for_the_call_keep_it(patient: Site, up: Upstream) -> None:
    query = "select * from /hang as h timeout 300ms"
    first = await begin(patient, query)
    await until(lambda: up.waiting == 1)
    second = asyncio.create_task(patient.ask(query))
    await asyncio.sleep(0.03)
    first.close()
    response = await second
    assert response.codes() == ["UPSTREAM_TIMEOUT"]
    assert up.hits["/hang"] <= 2


async def test_churn_leaves_nothing_behind(patient: Site, up: Upstream) -> None:
    for _ in range(10):
        writers = [
            await begin(patient, LONG.format(path="/hang") + f" where n = {n}") for n in range(8)
        ]
        await asyncio.sleep(0.01)
        for writer in writers:
            writer.transport.abort()
    await until(lambda: up.waiting == 0)
    answers = await asyncio.gather(*(patient.ask("select * from /ok") for _ in range(20)))
    assert all(answer.status == 200 for answer in answers)
