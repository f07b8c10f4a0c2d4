"""Answers in pieces, from the engine: when each is there, and how a stream ends."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from apiql.engine import Engine, Query
from apiql.runtime.stream import End, Line
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply

JSON = (("content-type", "application/json"),)


class Upstream:
    """Answers a path when it is let; counts what was asked and what was given up."""

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}
        self.asked: list[str] = []
        self.answered: list[str] = []
        self.left: list[str] = []

    def let(self, *paths: str) -> None:
        """Lets calls end."""
        for path in paths:
            self.gates.setdefault(path, asyncio.Event()).set()

    async def layer(self, call: Call) -> Reply:
        """An upstream call."""
        self.asked.append(call.target)
        try:
            await self.gates.setdefault(call.target, asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.left.append(call.target)
            raise
        self.answered.append(call.target)
        return Reply(200, JSON, b'{"id": 1}')


def engine_of(up: Upstream) -> Engine:
    environ = {"APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9"}
    return Engine(load_settings(None, environ), up.layer)


def stream_of(engine: Engine, text: str) -> Any:
    return aclosing(engine.stream(engine.executable(text), Query(text)))


async def quiet() -> None:
    """Lets everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_line_is_there_as_soon_as_its_task_has_ended() -> None:
    up = Upstream()
    async with stream_of(engine_of(up), "select * from /a as a; select * from /b as b") as pieces:
        up.let("/b")
        assert (await anext(pieces)).name == "b"
        up.let("/a")
        assert (await anext(pieces)).name == "a"
        assert isinstance(await anext(pieces), End)
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)


async def test_nothing_is_called_before_somebody_reads() -> None:
    up = Upstream()
    async with stream_of(engine_of(up), "select * from /a as a"):
        await quiet()
    assert not up.asked


async def test_a_slow_reader_holds_up_no_call() -> None:
    up = Upstream()
    text = "select * from /a as a; select * from /b as b; select id from /c as c where x = b.id"
    up.let("/a", "/b", "/c?x=1")
    async with stream_of(engine_of(up), text) as pieces:
        assert (await anext(pieces)).name == "a"
        await quiet()
        assert up.answered == ["/a", "/b", "/c?x=1"]
        assert [piece.name async for piece in pieces if isinstance(piece, Line)] == ["b", "c"]


async def test_a_task_that_ends_with_the_plan_has_its_line() -> None:
    """All have ended, and the stream comes to see that before it hears of the last one."""
    loop = asyncio.get_running_loop()
    held = {path: loop.create_future() for path in ("/a", "/u", "/t")}

    async def layer(call: Call) -> Reply:
        if call.target in held:
            await held[call.target]
        if call.target == "/u":
            held["/t"].set_result(None)
        return Reply(200, JSON, b"1")

    engine = Engine(engine_of(Upstream()).settings, layer)
    text = ";".join(f"select * from /{name} as {name}" for name in "fuat")

    async def names() -> list[str]:
        async with stream_of(engine, text) as pieces:
            return [piece.name async for piece in pieces if isinstance(piece, Line)]

    reader = asyncio.create_task(names())
    await quiet()
    held["/a"].set_result(None)
    held["/u"].set_result(None)
    assert sorted(await reader) == ["a", "f", "t", "u"]


@pytest.mark.parametrize("read", [0, 1])
async def test_calls_end_with_the_reader(read: int) -> None:
    up = Upstream()
    text = (
        "select * from /a as a; select * from /b as b; select * from /c/{x} as c where x in (1, 2)"
    )
    up.let("/a")

    async def reader() -> None:
        async with stream_of(engine_of(up), text) as pieces:
            for _ in range(read):
                await anext(pieces)
            await (anext(pieces) if read == 0 else asyncio.Event().wait())
            await asyncio.Event().wait()

    task = asyncio.create_task(reader())
    await quiet()
    assert up.answered == ["/a"]
    task.cancel()
    await asyncio.wait([task])
    assert sorted(up.left) == ["/b", "/c/1", "/c/2"]


async def test_a_bug_ends_the_stream_and_every_call() -> None:
    up = Upstream()

    async def broken(call: Call) -> Reply:
        if call.target == "/b":
            await quiet()
            raise RuntimeError("a bug")
        return await up.layer(call)

    engine = Engine(engine_of(up).settings, broken)
    with pytest.raises(RuntimeError, match="a bug"):
        async with stream_of(engine, "select * from /b as b; select * from /c as c") as pieces:
            assert [piece async for piece in pieces]
    assert up.left == ["/c"]
