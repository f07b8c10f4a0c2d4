"""Single flight: who shares, who leads, who fails, and who leaves without harm to the others."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Origin, Reply
from apiql.sources.shared import shared
from tests.sources.raw_upstream import call, until

ORIGIN = Origin("http", "a.test", 80)
ANSWER = Reply(200, (), b"ok")


def _plain(replies: Iterable[object]) -> list[object]:
    """The replies without the note that they were shared."""
    return [replace(each, use="") if isinstance(each, Reply) else each for each in replies]


class Upstream:
    """A layer that answers each call when `release` is set; counts calls and who is inside."""

    def __init__(self, *outcomes: Reply | CallFailed) -> None:
        self.outcomes = list(outcomes) or [ANSWER]
        self.release = asyncio.Event()
        self.calls: list[Call] = []
        self.inside = self.peak = 0

    async def __call__(self, made: Call) -> Reply:
        self.calls.append(made)
        self.inside += 1
        self.peak = max(self.peak, self.inside)
        try:
            async with asyncio.timeout_at(made.deadline):
                await self.release.wait()
        except TimeoutError:
            raise CallFailed(Code.UPSTREAM_TIMEOUT, "late") from None
        finally:
            self.inside -= 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, CallFailed):
            raise outcome
        return outcome


async def started(layer, count: int, **more) -> list[asyncio.Future[Reply]]:
    tasks = [asyncio.ensure_future(layer(call(ORIGIN, "/x", **more))) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_equal_reads_in_flight_are_one_call():
    inner = Upstream()
    layer = shared(inner)
    tasks = await started(layer, 1000)
    inner.release.set()
    assert _plain(await asyncio.gather(*tasks)) == [ANSWER] * 1000
    assert len(inner.calls) == 1
    await layer(call(ORIGIN, "/x"))
    assert len(inner.calls) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"target": "/y"},
        {"method": "HEAD"},
        {"method": "POST"},
        {"body": b"x"},
        {"headers": (("Authorization", "b"),)},
        {"origin": Origin("http", "b.test", 80)},
        {"origin": Origin("http", "a.test", 80, pinned=True)},
    ],
)
async def test_different_calls_are_not_shared(other):
    inner = Upstream()
    layer = shared(inner)
    parts: dict[str, Any] = {"origin": ORIGIN, "target": "/x", "headers": (("Authorization", "a"),)}
    tasks = [
        asyncio.ensure_future(layer(call(**parts))),
        asyncio.ensure_future(layer(call(**{**parts, **other}))),
    ]
    await until(lambda: len(inner.calls) == 2)
    inner.release.set()
    await asyncio.gather(*tasks)


async def test_writes_and_bodies_are_never_shared():
    inner = Upstream()
    layer = shared(inner)
    tasks = await started(layer, 3, method="POST")
    tasks += await started(layer, 3, body=b"x")
    assert len(inner.calls) == 6
    inner.release.set()
    await asyncio.gather(*tasks)


async def test_a_failed_leader_fails_all_with_one_call():
    inner = Upstream(CallFailed(Code.UPSTREAM_CONNECT, "refused", retryable=True))
    layer = shared(inner)
    tasks = await started(layer, 20)
    inner.release.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, CallFailed) and each.message == "refused" for each in done)
    assert len({id(each) for each in done}) == 20
    assert len(inner.calls) == 1


async def test_a_cancelled_leader_is_followed_by_one():
    inner = Upstream()
    layer = shared(inner)
    tasks = await started(layer, 50)
    tasks[0].cancel()
    await until(lambda: len(inner.calls) == 2)
    inner.release.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert _plain(done[1:]) == [ANSWER] * 49
    assert (len(inner.calls), inner.peak) == (2, 1)


async def test_leader_and_heir_cancelled_together_still_leave_one_leader():
    inner = Upstream()
    layer = shared(inner)
    tasks = await started(layer, 10)
    tasks[0].cancel()
    await asyncio.sleep(0)
    tasks[1].cancel()
    await until(lambda: inner.inside == 1 and len(inner.calls) >= 2)
    inner.release.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert _plain(done[2:]) == [ANSWER] * 8
    assert inner.peak == 1


async def test_all_cancelled_leaves_nothing_behind():
    inner = Upstream()
    layer = shared(inner)
    tasks = await started(layer, 10)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert inner.inside == 0
    inner.release.set()
    assert await layer(call(ORIGIN, "/x")) == ANSWER


async def test_a_waiting_call_keeps_its_own_deadline():
    inner = Upstream()
    layer = shared(inner)
    patient = await started(layer, 1)
    with pytest.raises(CallFailed) as failed:
        await layer(call(ORIGIN, "/x", within=0.02))
    assert failed.value.code is Code.UPSTREAM_TIMEOUT
    inner.release.set()
    assert await patient[0] == ANSWER
    assert len(inner.calls) == 1


async def test_a_leader_without_time_does_not_take_the_others_along():
    inner = Upstream()
    layer = shared(inner)
    hasty = await started(layer, 1, within=0.02)
    patient = await started(layer, 20, within=5)
    await asyncio.wait(hasty)
    assert isinstance(hasty[0].exception(), CallFailed)
    await until(lambda: len(inner.calls) == 2)
    inner.release.set()
    assert _plain(await asyncio.gather(*patient)) == [ANSWER] * 20
    assert (len(inner.calls), inner.peak) == (2, 1)


async def test_a_bug_below_reaches_one_caller_at_a_time():
    seen = []

    async def broken(made: Call) -> Reply:
        seen.append(made)
        await asyncio.sleep(0)
        if len(seen) == 1:
            raise ZeroDivisionError
        return ANSWER

    layer = shared(broken)
    tasks = await started(layer, 5)
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(done[0], ZeroDivisionError)
    assert _plain(done[1:]) == [ANSWER] * 4


async def test_nobody_is_told_of_exceptions_that_were_never_retrieved():
    complaints = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    inner = Upstream(CallFailed(Code.BAD_PAYLOAD, "no"))
    layer = shared(inner)
    tasks = await started(layer, 10)
    for task in tasks[5:]:
        task.cancel()
    inner.release.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    del tasks
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []
