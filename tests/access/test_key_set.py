"""The keys of an issuer: fetched, kept, rotated, and missed, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from apiql.access.key_set import KEPT, MOST_BYTES, PATIENCE, PAUSE, Fetched, KeySet, lifetime
from apiql.errors import CallFailed, Code
from apiql.events import KeysMoved, Notice
from apiql.sources.call import Call, Reply
from tests.access.signing import PAIRS, jwks, public
from tests.virtual import virtually

URL = "https://issuer.example/keys"
OLD, NEW = jwks(public("P-256", "old")), jwks(public("P-256", "new", 1))


class Endpoint:
    """An issuer's endpoint, which a test breaks and mends; `calls` are the moments it was asked."""

    def __init__(self, body: bytes = OLD) -> None:
        self.body, self.status = body, 200
        self.headers: tuple[tuple[str, str], ...] = ()
        self.fault: Callable[[], None] | None = None
        self.takes = 0.0
        self.calls: list[float] = []
        self.told: list[Notice] = []
        self.memory: dict[str, Fetched] = {}

    async def layer(self, call: Call) -> Reply:
        now = asyncio.get_running_loop().time()
        self.calls.append(now)
        assert call.origin.pinned
        assert call.caching is not None
        assert call.caching.off
        assert call.deadline == now + PATIENCE
        await asyncio.sleep(self.takes)
        if self.fault is not None:
            self.fault()
        return Reply(self.status, self.headers, self.body)

    def keys(self) -> KeySet:
        clock = asyncio.get_running_loop().time
        return KeySet("main", URL, PAIRS, self.layer, self.memory, clock, self.told.append)


def names(keys: KeySet) -> set[str | None]:
    return {key.kid for key in keys.keys}


@virtually
async def test_keys_are_fetched_once_and_kept() -> None:
    end = Endpoint()
    keys = end.keys()
    assert not keys.keys
    for _ in range(3):
        await keys.with_key("old")
    assert names(keys) == {"old"}
    assert len(end.calls) == 1


@virtually
async def test_many_at_once_fetch_once() -> None:
    end = Endpoint()
    end.takes = 0.3
    keys = end.keys()
    found = await asyncio.gather(*(keys.with_key("old") for _ in range(50)))
    assert all(found)
    assert len(end.calls) == 1


@virtually
async def test_an_unknown_key_is_fetched_for_but_nobody_is_hammered() -> None:
    end = Endpoint()
    keys = end.keys()
    await keys.with_key("old")
    end.body = NEW
    await asyncio.sleep(PAUSE)
    before = keys.generation
    await keys.with_key("new")
    assert names(keys) == {"new"}
    assert keys.generation != before
    for number in range(500):
        await keys.with_key(f"guess{number}")
        await asyncio.sleep(0.25)
    assert len(end.calls) == 2 + int(500 * 0.25 / PAUSE)
    assert all(later - earlier >= PAUSE for earlier, later in itertools.pairwise(end.calls))


@virtually
async def test_a_key_without_a_name_may_be_any() -> None:
    nameless = public("P-256", "old")
    del nameless["kid"]
    end = Endpoint(jwks(nameless))
    keys = end.keys()
    await keys.with_key("old")
    await asyncio.sleep(PAUSE)
    assert len(await keys.with_key("another")) == 1
    assert len(end.calls) == 1, "nothing better is to be had"


@virtually
async def test_stale_keys_are_fetched_beside_the_requests() -> None:
    end = Endpoint()
    end.headers = (("cache-control", "max-age=120"),)
    keys = end.keys()
    await keys.with_key("old")
    end.takes, end.body = 3.0, NEW
    await asyncio.sleep(119)
    keys.mind()
    assert len(end.calls) == 1
    await asyncio.sleep(2)
    begun = asyncio.get_running_loop().time()
    assert {key.kid for key in await keys.with_key("old")} == {"old"}
    assert asyncio.get_running_loop().time() == begun, "nobody waited"
    await asyncio.sleep(3.1)
    assert names(keys) == {"new"}


def refuse() -> None:
    raise CallFailed(Code.UPSTREAM_CONNECT, "nothing listens")


def hang() -> None:
    raise CallFailed(Code.UPSTREAM_TIMEOUT, "it took longer than 5s")


@pytest.mark.parametrize("fault", ["refused", "hangs", "500", "302", "garbage", "huge", "empty"])
def test_a_broken_endpoint(fault: str) -> None:
    @virtually
    async def run() -> None:
        end = Endpoint()
        keys = end.keys()
        await keys.with_key("old")
        break_it(end, fault)
        await asyncio.sleep(700)
        for _ in range(10):
            assert {key.kid for key in await keys.with_key("old")} == {"old"}
            await asyncio.sleep(40)
        assert [(n.issuer, n.reachable) for n in end.told if isinstance(n, KeysMoved)] == [
            ("main", False)
        ], "told once"
        generation = keys.generation
        await asyncio.sleep(KEPT)
        assert not await keys.with_key("old"), "not for ever"
        assert keys.generation != generation
        assert not end.memory
        mended = Endpoint()
        end.body, end.status, end.fault = mended.body, 200, None
        await asyncio.sleep(60)
        assert await keys.with_key("old")
        assert isinstance(end.told[-1], KeysMoved)
        assert end.told[-1].reachable
        assert len(end.told) == 2

    run()


def break_it(end: Endpoint, fault: str) -> None:
    match fault:
        case "refused":
            end.fault = refuse
        case "hangs":
            end.fault, end.takes = hang, PATIENCE
        case "500" | "302":
            end.status = int(fault)
        case "garbage":
            end.body = b"<html>"
        case "huge":
            end.body = OLD + b" " * MOST_BYTES
        case "empty":
            end.body = b'{"keys": []}'
    if fault != "hangs":
        end.takes = 0.0


@virtually
async def test_without_any_keys_nothing_hangs() -> None:
    end = Endpoint()
    end.fault, end.takes = hang, 1000.0
    keys, clock = end.keys(), asyncio.get_running_loop().time
    assert not await keys.with_key("old")
    assert clock() <= PATIENCE + 1.0
    begun = clock()
    for _ in range(3):
        await keys.with_key("old")
    assert clock() - begun < PATIENCE + 1.1


@virtually
async def test_a_reload_goes_on_with_the_keys() -> None:
    end = Endpoint()
    await end.keys().with_key("old")
    end.fault = refuse
    after = end.keys()
    assert {key.kid for key in await after.with_key("old")} == {"old"}
    assert len(end.calls) == 1
    clock = asyncio.get_running_loop().time
    other = KeySet("main", URL, ("RS256",), end.layer, end.memory, clock)
    assert not other.keys, "no key is for the algorithms that are wanted now"


@virtually
async def test_who_leaves_takes_no_keys_along() -> None:
    end = Endpoint()
    end.takes = 1.0
    keys = end.keys()
    first = asyncio.create_task(keys.with_key("old"))
    second = asyncio.create_task(keys.with_key("old"))
    await asyncio.sleep(0.1)
    first.cancel()
    assert await second
    assert len(end.calls) == 1


@pytest.mark.parametrize(("said", "seconds"), [
    ("", 600), ("max-age=300", 300), ("public, max-age=1", 60), ("max-age=9999999", 86400),
    ("no-store", 60), ("no-cache", 60), ("max-age=x", 60), ("private", 600), ('"', 60),
])  # fmt: skip
def test_how_long_keys_are_fresh(said: str, seconds: float) -> None:
    assert lifetime(Reply(200, (("cache-control", said),), b"")) == seconds
    aged = (("cache-control", "max-age=300"), ("age", "100"))
    assert lifetime(Reply(200, aged, b"")) == 200
    assert lifetime(Reply(200, (("cache-control", "max-age=300"), ("age", "-5é")), b"")) == 300
