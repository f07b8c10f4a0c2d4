"""Calls at a time: places, those that wait, and the limit that follows how long calls take."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Origin, Reply
from apiql.sources.gradient import Gradient
from apiql.sources.limit import Limit, limited
from apiql.sources.refusals import Refused

HOME = Origin("http", "upstream.test", 80, pinned=True)


class Host:
    """An upstream that holds every call until it is let go."""

    def __init__(self, most: int, queue: int) -> None:
        self.limit = Limit(most, queue)
        self.layer = limited(self._answer, self.limit)
        self.held: dict[str, asyncio.Future[None]] = {}
        self.most = 0

    async def _answer(self, call: Call) -> Reply:
        self.held[call.target] = asyncio.get_running_loop().create_future()
        self.most = max(self.most, len(self.held))
        try:
            await self.held[call.target]
        finally:
            del self.held[call.target]
        return Reply(200, (), call.target.encode())

    async def begin(self, target: str, within: float = 60.0) -> asyncio.Task[Reply]:
        deadline = asyncio.get_running_loop().time() + within
        call = Call("GET", HOME, target, (), None, deadline)
        task = asyncio.ensure_future(self.layer(call))
        await quiet()
        return task


async def quiet() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_first_come_first_served() -> None:
    host = Host(2, 8)
    tasks = [await host.begin(f"/{n}") for n in range(5)]
    order = []
    while host.held:
        order.append(sorted(host.held))
        host.held[min(host.held)].set_result(None)
        await quiet()
    assert order == [["/0", "/1"], ["/1", "/2"], ["/2", "/3"], ["/3", "/4"], ["/4"]]
    assert [(await task).body for task in tasks] == [b"/0", b"/1", b"/2", b"/3", b"/4"]
    assert (host.limit.running, host.limit.waiting) == (0, 0)


async def test_a_line_that_moves_may_be_longer_than_its_bound() -> None:
    host = Host(1, 1)
    tasks = [await host.begin(f"/{n}") for n in range(4)]
    assert (host.limit.running, host.limit.waiting) == (1, 3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_without_a_queue_nobody_waits() -> None:
    host = Host(1, 0)
    tasks = [await host.begin(f"/{n}") for n in range(2)]
    with pytest.raises(Refused):
        await tasks[1]
    tasks[0].cancel()


async def test_behind_a_line_that_stands_still_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("apiql.sources.limit.STILL", -1.0)
    host = Host(1, 1)
    tasks = [await host.begin(f"/{n}") for n in range(3)]
    with pytest.raises(Refused) as refused:
        await tasks[2]
    assert refused.value.code is Code.UPSTREAM_BUSY
    assert refused.value.message == "is not called: 1 calls to it are under way and 1 wait"
    assert host.limit.refused == 1
    for task in tasks[:2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (host.limit.running, host.limit.waiting) == (0, 0)


async def test_who_waits_does_so_until_its_deadline() -> None:
    host = Host(1, 1)
    first = await host.begin("/0")
    second = await host.begin("/1", within=0.02)
    with pytest.raises(CallFailed) as failed:
        await second
    assert failed.value.code is Code.UPSTREAM_TIMEOUT
    host.held["/0"].set_result(None)
    await first
    assert (host.limit.running, host.limit.waiting) == (0, 0)


@given(st.integers(0, 2**32))
def test_no_cancellation_loses_a_place(seed: int) -> None:
    """Calls begin, end and are cancelled in any order: in the end all places are free."""

    async def play() -> None:
        chance, host, tasks = Random(seed), Host(3, 5), []
        for number in range(40):
            tasks.append(await host.begin(f"/{number}"))
            if chance.random() < 0.5:
                chance.choice(tasks).cancel()
            if host.held and chance.random() < 0.6:  # an end and a cancellation in one moment
                future = host.held[chance.choice(sorted(host.held))]
                if not future.done():
                    future.set_result(None)
                chance.choice(tasks).cancel()
            if chance.random() < 0.5:
                await quiet()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert host.most <= 3
        assert (host.limit.running, host.limit.waiting) == (0, 0)

    asyncio.run(play())


def settled(gradient: Gradient, seconds: float, samples: int) -> int:
    for _ in range(samples):
        gradient.sample(seconds, gradient.limit)
    return gradient.limit


def test_the_limit_grows_while_calls_take_their_usual_time() -> None:
    gradient = Gradient(64)
    assert gradient.limit == 20
    assert settled(gradient, 0.01, 200) == 64


def test_the_limit_shrinks_while_they_take_longer_and_comes_back() -> None:
    gradient = Gradient(64)
    settled(gradient, 0.01, 200)
    assert settled(gradient, 0.1, 60) < 8
    assert settled(gradient, 0.01, 300) == 64


def test_what_is_not_used_does_not_grow() -> None:
    gradient = Gradient(64)
    for _ in range(200):
        gradient.sample(0.01, 2)
    assert gradient.limit == 20


@given(st.integers(1, 100), st.lists(st.tuples(st.floats(0, 60), st.integers(0, 100)), max_size=99))
def test_the_limit_keeps_its_bounds(most: int, samples) -> None:
    gradient = Gradient(most)
    for seconds, running in samples:
        gradient.sample(seconds, running)
        assert 1 <= gradient.limit <= most
