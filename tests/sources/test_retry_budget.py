"""How many calls may be made again, and what becomes of those that share an answer."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Origin, Reply
from apiql.sources.refusals import NotAgain
from apiql.sources.retry_budget import RetryBudget, sparing
from apiql.sources.shared import shared

HOME = Origin("http", "upstream.test", 80, pinned=True)


def call(attempt: int = 0) -> Call:
    return Call("GET", HOME, "/", (), None, 1e9, attempt=attempt)


def test_a_tenth_of_many_calls() -> None:
    budget = RetryBudget()
    spent = 0
    for number in range(500):
        budget.window.unseen += 1
        spent += budget.spend(number * 0.01)
    assert spent == 50
    assert (budget.made, budget.refused) == (50, 450)


def test_three_where_there_are_few() -> None:
    budget = RetryBudget()
    budget.window.unseen += 1
    assert [budget.spend(0.0) for _ in range(4)] == [True, True, True, False]
    assert [budget.spend(10.0) for _ in range(4)] == [True, True, True, False]


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 3)), max_size=200))
def test_never_more_than_a_tenth_and_three_of_a_span(calls) -> None:
    budget, now, firsts, again = RetryBudget(), 0.0, [], []
    for passed, tries in calls:
        now += passed
        budget.window.unseen += 1
        firsts.append(now)
        again += [now for _ in range(tries) if budget.spend(now)]
        young = sum(at > now - 9 for at in again)
        assert young <= max(3, sum(at >= now - 10.001 for at in firsts) * 0.1)


async def test_a_try_too_many_is_not_made() -> None:
    made = []

    async def dead(call: Call) -> Reply:
        made.append(call.attempt)
        raise CallFailed(Code.UPSTREAM_CONNECT, "refused")

    layer = sparing(dead, RetryBudget(), lambda: 0.0)
    for attempt in (0, 1, 1, 1):
        with pytest.raises(CallFailed, match="refused"):
            await layer(call(attempt))
    with pytest.raises(NotAgain):
        await layer(call(1))
    assert made == [0, 1, 1, 1]


async def test_who_waits_for_a_try_too_many_makes_the_first() -> None:
    """A call in flight that is refused as a try says nothing to those that share it."""
    release = asyncio.Event()

    async def inner(call: Call) -> Reply:
        await release.wait()
        if call.attempt:
            raise NotAgain(Code.UPSTREAM_CONNECT, "too many")
        return Reply(200, (), b"")

    layer = shared(inner)
    tasks = [asyncio.ensure_future(layer(call(attempt))) for attempt in (1, 0, 0)]
    await asyncio.sleep(0)
    release.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[0], NotAgain)
    assert [reply.status for reply in found[1:] if isinstance(reply, Reply)] == [200, 200]
