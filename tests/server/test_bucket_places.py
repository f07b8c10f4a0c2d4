"""The places of a bucket under those of the process: both or none, and none is lost."""

from __future__ import annotations

import asyncio

import pytest

from apiql.server.admission import Admission, Overloaded
from apiql.server.bucket import AllBuckets, Places
from apiql.settings import Limits, Settings
from apiql.stores.memory import MemoryStores


def places(own: int, whole: int, wait: float = 60.0) -> Places:
    limits = Limits(query_timeout=wait, queries_wait=wait)
    return Places(*(Admission(limits.model_copy(update={"queries": n})) for n in (own, whole)))


def running(of: Places) -> tuple[int, int]:
    return of.own.running, of.whole.running


async def test_both_are_taken_or_none() -> None:
    found = places(2, 1)
    assert found.enter()
    assert not found.enter()
    assert running(found) == (1, 1)
    found.leave()
    assert running(found) == (0, 0)
    found = places(1, 2)
    assert found.enter()
    assert not found.enter()
    assert running(found) == (1, 1)


@pytest.mark.parametrize(("own", "whole"), [(1, 2), (2, 1), (1, 1)])
async def test_who_waits_gets_both_and_gives_both_back(own: int, whole: int) -> None:
    found = places(own, whole)
    assert found.enter()
    waiting = asyncio.create_task(found.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    found.leave()
    await waiting
    assert running(found) == (1, 1)
    found.leave()
    assert running(found) == (0, 0)


@pytest.mark.parametrize(("own", "whole"), [(1, 2), (2, 1)])
async def test_who_gives_up_takes_none_along(own: int, whole: int) -> None:
    found = places(own, whole)
    assert found.enter()
    waiting = asyncio.create_task(found.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert running(found) == (1, 1)
    assert (found.own.waiting, found.whole.waiting) == (0, 0)
    with pytest.raises(Overloaded):
        await found.wait(0.001)
    assert running(found) == (1, 1)


async def test_a_bucket_that_waits_leaves_the_places_of_the_process_alone() -> None:
    whole = Admission(Limits(queries=10))
    noisy, quiet = (Places(Admission(Limits(queries=2)), whole) for _ in range(2))
    assert [noisy.enter() for _ in range(3)] == [True, True, False]
    waiting = asyncio.create_task(noisy.wait())
    await asyncio.sleep(0)
    assert (whole.running, whole.waiting) == (2, 0)
    assert quiet.enter()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_a_bucket_is_the_same_until_it_is_no_more() -> None:
    stores = MemoryStores()
    every = AllBuckets(stores)
    a = every.of("a", Settings())
    every.of("b", Settings())
    assert every.of("a", Settings(limits=Limits(queries=7))) is a
    assert a.admission.most == 512, "settled when it is in force, and not before"
    every.keep(["a"])
    assert (len(every), list(stores._stores)) == (1, ["a/texts"])
    assert every.of("a", Settings()) is a
    every.keep([])
    assert (len(every), list(stores._stores)) == (0, [])
