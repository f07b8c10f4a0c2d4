"""Fifty answers at once that unfold, never end or are as large as may be: memory stays bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from tests.faults.caller import Caller
from tests.faults.running import Faulty, Served, serving

AT_ONCE = 50
MOST_MIB = 286
"""300 MB."""
LARGEST = (8 << 20) - 1
BOMBS = {
    "/gzip-bomb": "UPSTREAM_TOO_LARGE",
    "/deflate-bomb": "UPSTREAM_TOO_LARGE",
    "/br-bomb": "UPSTREAM_TOO_LARGE",
    "/gzip-bomb-nested": "BAD_PAYLOAD",
    "/dense-bomb": "UPSTREAM_TOO_LARGE",
    "/oversized": "UPSTREAM_TOO_LARGE",
    "/oversized-chunked": "UPSTREAM_TOO_LARGE",
    "/endless": "UPSTREAM_TOO_LARGE",
}


@pytest.fixture(scope="module")
def bombed(shared_faults: Faulty, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own, so that nothing else is in its peak."""
    conf = tmp_path_factory.mktemp("bombed")
    limits = {"call_timeout": "20s", "query_timeout": "25s"}
    with serving(shared_faults, conf, limits) as found:
        yield found


@pytest.mark.parametrize("path", BOMBS)
async def test_fifty_at_once(
    bombed: Served, faults: Faulty, path: str, measured: Callable[[str], None]
) -> None:
    async def one(number: int) -> list[str]:
        async with Caller(bombed.port) as caller:
            answer = await caller.ask(f"select * from {path}?which={number} as f")
            return answer.response.codes()

    bombed.forget_peak()
    before = bombed.memory() / 1024
    codes = await asyncio.gather(*(one(number) for number in range(AT_ONCE)))
    peak = bombed.memory("VmHWM") / 1024
    measured(f"{path}: {AT_ONCE} at once, {before:.0f} MiB before, {peak:.0f} MiB at most")
    assert codes == [[BOMBS[path]]] * AT_ONCE
    assert peak < MOST_MIB
    await is_well(bombed)


async def test_fifty_that_stop_just_before_they_end(
    bombed: Served, faults: Faulty, measured: Callable[[str], None]
) -> None:
    """None is too large by itself: together they are kept within the budget."""

    async def one(number: int) -> list[str]:
        source = f"/stall-body?len={LARGEST}&after={LARGEST - 1}&which={number}"
        async with Caller(bombed.port) as caller:
            return (await caller.ask(f"select * from {source} as f timeout 5s")).response.codes()

    bombed.forget_peak()
    found = await asyncio.gather(*(one(number) for number in range(AT_ONCE)))
    codes = [code for each in found for code in each]
    peak = bombed.memory("VmHWM") / 1024
    measured(f"stalled: {AT_ONCE} at once, {peak:.0f} MiB at most")
    assert set(codes) == {"UPSTREAM_TIMEOUT", "UPSTREAM_TOO_LARGE"}
    assert peak < MOST_MIB
    await is_well(bombed)


async def is_well(server: Served) -> None:
    async with Caller(server.port) as caller:
        assert (await caller.ask("select * from /ok")).data() == {"ok": {"ok": True}}
