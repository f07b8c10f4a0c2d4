"""Answers over time: who gets a kept one, when the last good one stands in, what is never kept."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from apiql.errors import CallFailed, Code
from apiql.ir.caching import CacheRule
from apiql.settings import Settings
from apiql.sources.cache import cached
from apiql.sources.cache_entry import Kept, size_of
from apiql.sources.cache_request import key_of
from apiql.sources.call import Caching, Call, Layer, Origin, Reply
from apiql.sources.shared import shared
from apiql.sources.stack import build_stack
from apiql.stores.memory import MemoryStore, MemoryStores
from apiql.stores.store import Key, Room, key_bytes
from tests.sources.raw_upstream import answering, reply, until, upstream

ORIGIN = Origin("http", "a.test", 80)
MINUTE = Caching(keep=60)
STALE = Caching(stale=True)
LATE = CallFailed(Code.UPSTREAM_TIMEOUT, "late")
REFUSED = CallFailed(Code.UPSTREAM_CONNECT, "refused")
PARTS: dict[str, Any] = {
    "method": "GET", "origin": ORIGIN, "target": "/x",
    "headers": (("Authorization", "a"),), "body": None, "deadline": 0.0,
}  # fmt: skip


def asking(caching: Caching | None = MINUTE, **other: Any) -> Call:
    return Call(**(PARTS | other), caching=caching)


class Rig:
    """A cache whose time stands still, over an upstream that numbers its answers."""

    def __init__(self, entries: int = 100) -> None:
        self.now = 5000.0
        self.made: list[Call] = []
        self.next: Reply | CallFailed | None = None
        self.store: MemoryStore[Kept] = MemoryStore(Room(entries, 1_000_000, size_of), self.clock)
        self.layer = cached(self.upstream, self.store, self.clock)

    def clock(self) -> float:
        return self.now

    async def upstream(self, call: Call) -> Reply:
        self.made.append(call)
        if isinstance(self.next, CallFailed):
            raise self.next
        return self.next or Reply(200, (("n", str(len(self.made))),), b"body")

    async def told(self, caching: Caching | None = MINUTE, **other: Any) -> str:
        """The answer's number, its age where it has one, and whether it stands in."""
        found = await self.layer(asking(caching, **other))
        age = "" if found.age is None else f" {found.age:g}s"
        return f"{found.header('n')}{age}{' stale' if found.stale else ''}"


# -- cache 60s ----------------------------------------------------------------------------------


async def test_an_answer_is_used_again_until_it_is_too_old():
    rig = Rig()
    assert await rig.told() == "1"
    assert await rig.told() == "1 0s"
    rig.now += 59.5
    assert await rig.told() == "1 59.5s"
    rig.now += 0.5
    assert await rig.told() == "2"
    assert await rig.told() == "2 0s"
    assert len(rig.made) == 2


async def test_the_answer_is_the_same_but_for_its_age():
    rig = Rig()
    first = await rig.layer(asking())
    rig.now += 1
    second = await rig.layer(asking())
    assert second == Reply(first.status, first.headers, first.body, 1.0, use="hit", ttl=59.0)
    assert second.body is first.body


async def test_each_query_says_how_old_an_answer_may_be():
    rig = Rig()
    await rig.told(Caching(keep=600))
    rig.now += 100
    assert await rig.told(Caching(keep=101)) == "1 100s"
    assert await rig.told(MINUTE) == "2"


async def test_a_query_that_wants_it_for_less_time_leaves_it_to_one_that_wants_it_longer():
    rig = Rig()
    await rig.told(Caching(keep=600))
    rig.now += 100
    await rig.told(MINUTE)
    rig.now += 400
    assert await rig.told(Caching(keep=600)) == "2 400s"


async def test_what_one_query_keeps_another_uses_if_it_asks_and_only_then():
    rig = Rig()
    await rig.told()
    for other in (None, Caching(), Caching(off=True), STALE):
        assert " " not in await rig.told(other)
    rig.now += 10
    assert await rig.told() == "5 10s"


@pytest.mark.parametrize("caching", [None, Caching(), Caching(off=True)])
async def test_what_nobody_asks_to_keep_is_not_kept(caching):
    rig = Rig()
    await rig.told(caching)
    assert len(rig.store) == 0


async def test_nothing_is_put_for_no_time():
    times: list[float] = []

    class Strict(MemoryStore[Kept]):
        async def put(
            self, key: Key, value: Kept, seconds: float, tags: Sequence[str] = ()
        ) -> None:
            times.append(seconds)

    rig = Rig()
    layer = cached(rig.upstream, Strict(Room(1, 1, size_of), rig.clock), rig.clock)
    for caching in (Caching(), Caching(keep=0.0), MINUTE, STALE, Caching(keep=9000, stale=True)):
        await layer(asking(caching))
    assert times == [60.0, 3600.0, 9000.0]


def test_the_size_of_an_entry_counts_what_it_holds():
    bare = size_of(Kept(Reply(200, (), b""), 0, 0))
    assert bare > 500
    assert size_of(Kept(Reply(200, (), b"x" * 5000), 0, 0)) == bare + 5000
    assert size_of(Kept(Reply(200, (("a", "x" * 700),), b""), 0, 0)) > bare + 800


async def test_no_cache_leaves_what_others_keep():
    rig = Rig()
    await rig.told()
    assert await rig.told(Caching(off=True)) == "2"
    assert await rig.told() == "1 0s"


@pytest.mark.parametrize(
    "other",
    [
        {"target": "/y"},
        {"method": "HEAD"},
        {"headers": (("Authorization", "b"),)},
        {"headers": ()},
        {"headers": (("Authorization", "a"), ("X", "1"))},
        {"origin": Origin("https", "a.test", 80)},
        {"origin": Origin("http", "a.test", 81)},
        {"origin": Origin("http", "a.test", 80, pinned=True)},
    ],
)
async def test_different_calls_have_different_answers(other):
    rig = Rig()
    await rig.told()
    assert await rig.told(**other) == "2"
    assert await rig.told() == "1 0s"


def test_keys_do_not_run_into_each_other():
    headers = [
        (("a", "b"), ("c", "d")),
        (("a", "b', 'c': 'd"),),
        (("a", "b"), ("cd", "")),
        (("ab", ""), ("c", "d")),
        (("a", "b"), ("c", "d"), ("e", "f")),
        (),
    ]
    keys = {key_bytes(key_of(asking(), each)) for each in headers}
    assert len(keys) == len(headers)


def test_a_key_in_bytes_shows_no_credential_and_minds_no_deadline():
    headers = (("Authorization", "S3CRET"),)
    key = key_bytes(key_of(asking(headers=headers), headers))
    assert b"S3CRET" not in key
    assert key == key_bytes(key_of(asking(None, headers=headers, deadline=9.0), headers))


@pytest.mark.parametrize(
    "other", [{"method": "POST"}, {"method": "DELETE"}, {"body": b"x"}, {"body": b""}]
)
async def test_writes_and_bodies_always_go_on(other):
    rig = Rig()
    both = Caching(keep=60, stale=True)
    assert [await rig.told(both, **other) for _ in range(2)] == ["1", "2"]
    assert len(rig.store) == 0
    rig.next = LATE
    with pytest.raises(CallFailed):
        await rig.told(both, **other)


@pytest.mark.parametrize(
    "answer",
    [
        Reply(404, (), b""),
        Reply(500, (), b""),
        Reply(301, (), b""),
        Reply(200, (("cache-control", "no-store"),), b""),
        Reply(200, (("cache-control", "max-age=60"), ("cache-control", "private")), b""),
        Reply(200, (("set-cookie", "sid=1"),), b""),
        Reply(200, (("vary", "*"),), b""),
        Reply(200, (("vary", "accept"), ("vary", "*")), b""),
    ],
)
async def test_what_is_never_kept(answer):
    rig = Rig()
    rig.next = answer
    both = Caching(keep=60, stale=True)
    assert await rig.layer(asking(both)) is answer
    assert await rig.layer(asking(both)) is answer
    assert len(rig.made) == 2
    rig.next = LATE
    with pytest.raises(CallFailed):
        await rig.told(both)


@pytest.mark.parametrize(
    "headers",
    [
        (("cache-control", "no-cache, max-age=0"),),
        (("cache-control", "max-age=600"),),
        (("vary", "accept, authorization"),),
        (("expires", "0"),),
    ],
)
async def test_a_query_may_keep_longer_than_the_upstream_says(headers):
    rig = Rig()
    rig.next = Reply(200, headers, b"")
    await rig.told()
    await rig.told()
    assert len(rig.made) == 1


async def test_a_failure_is_never_kept():
    rig = Rig()
    rig.next = REFUSED
    for _ in range(2):
        with pytest.raises(CallFailed):
            await rig.told()
    rig.next = None
    assert await rig.told() == "3"


async def test_a_failure_leaves_what_was_kept():
    rig = Rig()
    await rig.told(Caching(keep=600))
    rig.now += 100
    rig.next = REFUSED
    with pytest.raises(CallFailed):
        await rig.told(MINUTE)
    assert await rig.told(Caching(keep=600)) == "1 100s"


async def test_a_clock_set_back_makes_no_negative_age():
    rig = Rig()
    await rig.told()
    rig.now -= 30
    assert await rig.told() == "1 0s"


async def test_a_store_without_room_only_costs_calls():
    rig = Rig(entries=0)
    assert [await rig.told() for _ in range(2)] == ["1", "2"]


# -- or stale -----------------------------------------------------------------------------------


async def test_the_last_good_answer_stands_in_for_a_late_one():
    rig = Rig()
    assert [await rig.told(STALE) for _ in range(2)] == ["1", "2"]
    rig.next = LATE
    rig.now += 100
    assert await rig.told(STALE) == "2 100s stale"
    assert len(rig.made) == 3


async def test_without_a_last_good_answer_the_failure_passes():
    rig = Rig()
    rig.next = LATE
    with pytest.raises(CallFailed) as failed:
        await rig.told(STALE)
    assert failed.value is LATE


@pytest.mark.parametrize("failure", [REFUSED, CallFailed(Code.BAD_PAYLOAD, "cut")])
async def test_it_stands_in_only_where_time_is_over(failure):
    rig = Rig()
    await rig.told(STALE)
    rig.next = failure
    with pytest.raises(CallFailed):
        await rig.told(STALE)


async def test_it_stands_in_only_where_the_query_says_so():
    rig = Rig()
    await rig.told(Caching(keep=60, stale=True))
    rig.now += 60
    rig.next = LATE
    with pytest.raises(CallFailed):
        await rig.told(MINUTE)
    assert await rig.told(STALE) == "1 60s stale"


async def test_it_stands_in_for_an_hour():
    rig = Rig()
    await rig.told(STALE)
    await rig.told(Caching(keep=9000), target="/y")
    rig.next = LATE
    rig.now += 3599
    assert await rig.told(STALE) == "1 3599s stale"
    assert await rig.told(STALE, target="/y") == "2 3599s stale"
    rig.now += 1
    for target in ("/x", "/y"):
        with pytest.raises(CallFailed):
            await rig.told(STALE, target=target)


async def test_a_short_cache_clause_of_another_query_does_not_end_it():
    rig = Rig()
    await rig.told(STALE)
    rig.now += 70
    await rig.told(MINUTE)
    rig.now += 100
    rig.next = LATE
    assert await rig.told(STALE) == "2 100s stale"


async def test_an_answer_that_came_during_the_call_stands_in():
    rig = Rig()

    async def slow(call: Call) -> Reply:
        await rig.layer(asking(STALE))
        raise LATE

    layer = cached(slow, rig.store, rig.clock)
    assert (await layer(asking(STALE))).stale


async def test_an_answer_that_is_no_good_does_not_replace_the_last_good_one():
    rig = Rig()
    await rig.told(STALE)
    rig.next = Reply(500, (), b"")
    assert (await rig.layer(asking(STALE))).status == 500
    rig.next = LATE
    assert await rig.told(STALE) == "1 0s stale"


# -- with the layers below ----------------------------------------------------------------------


class Gate:
    """An upstream that answers when it is opened, or when a call's time is over."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.made = 0

    async def __call__(self, call: Call) -> Reply:
        self.made += 1
        try:
            async with asyncio.timeout_at(call.deadline):
                await self.open.wait()
        except TimeoutError:
            raise CallFailed(Code.UPSTREAM_TIMEOUT, "late") from None
        return Reply(200, (), call.target.encode())


def stacked(inner: Layer) -> tuple[MemoryStore[Kept], Layer]:
    clock = asyncio.get_running_loop().time
    store: MemoryStore[Kept] = MemoryStore(Room(100, 1_000_000, size_of), clock)
    return store, cached(shared(inner), store, clock)


def within(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_a_thousand_that_miss_together_are_one_call():
    gate = Gate()
    _, layer = stacked(gate)
    call = asking(deadline=within(5))
    tasks = [asyncio.ensure_future(layer(call)) for _ in range(1000)]
    await until(lambda: gate.made == 1)
    gate.open.set()
    found = await asyncio.gather(*tasks)
    assert {(each.body, each.age) for each in found} == {(b"/x", None)}
    assert (await layer(call)).age is not None
    assert gate.made == 1


async def test_one_that_misses_as_the_answer_comes_makes_no_second_call():
    gate = Gate()
    _, layer = stacked(gate)
    call = asking(deadline=within(5))
    ends: list[asyncio.Future[Reply]] = []
    first = asyncio.ensure_future(layer(call))
    first.add_done_callback(lambda _: ends.append(asyncio.ensure_future(layer(call))))
    await until(lambda: gate.made == 1)
    gate.open.set()
    for _ in range(6):
        ends.append(asyncio.ensure_future(layer(call)))
        await asyncio.sleep(0)
    await asyncio.gather(first, *ends)
    assert gate.made == 1


async def test_who_may_not_wait_gets_the_last_good_answer_while_others_wait():
    gate = Gate()
    gate.open.set()
    _, layer = stacked(gate)
    await layer(asking(STALE, deadline=within(5)))
    gate.open.clear()
    hasty = asyncio.ensure_future(layer(asking(STALE, deadline=within(0.02))))
    await until(lambda: gate.made == 2)
    patient = asyncio.ensure_future(layer(asking(None, deadline=within(5))))
    found = await hasty
    assert found.stale
    gate.open.set()
    assert await patient == Reply(200, (), b"/x")


async def test_who_leaves_keeps_nothing_and_harms_nobody():
    gate = Gate()
    store, layer = stacked(gate)
    call = asking(deadline=within(5))
    tasks = [asyncio.ensure_future(layer(call)) for _ in range(3)]
    await until(lambda: gate.made == 1)
    tasks[0].cancel()
    await until(lambda: gate.made == 2)
    assert len(store) == 0
    gate.open.set()
    assert [each.body for each in await asyncio.gather(*tasks[1:])] == [b"/x"] * 2
    assert len(store) == 1


async def test_callers_never_get_an_answer_of_another():
    async def echo(call: Call) -> Reply:
        await asyncio.sleep(0)
        return Reply(200, (), str((call.target, call.headers)).encode())

    _, layer = stacked(echo)
    dice = random.Random(7)

    async def one(user: int) -> bool:
        headers = (("Authorization", f"user {user}"),)
        call = asking(Caching(keep=60, stale=True), target=f"/{dice.randrange(5)}",
                      headers=headers, deadline=within(5))  # fmt: skip
        return (await layer(call)).body == str((call.target, headers)).encode()

    for _ in range(200):
        assert all(await asyncio.gather(*[one(user) for user in range(50)]))


@pytest.mark.parametrize(("settings", "calls"), [({}, 2), ({"cache_entries": 0}, 4)])
async def test_the_stack_keeps_as_its_settings_say(settings, calls):
    now = [0.0]
    async with upstream(answering(reply(b"ok"))) as raw:
        stack = build_stack(
            Settings.model_validate({"limits": settings}), MemoryStores(lambda: now[0])
        )
        for now[0] in (0.0, 30.0, 61.0, 90.0):
            call = asking(origin=raw.origin, headers=(), deadline=within(5))
            assert (await stack.layer(call)).body == b"ok"
        await stack.aclose()
    assert len(raw.requests) == calls


async def test_the_stack_purges_and_tells_its_figures():
    async with upstream(answering(reply(b"ok", "Cache-Control: max-age=60"))) as raw:
        stack = build_stack(Settings(), MemoryStores())
        call = asking(None, origin=raw.origin, headers=(), deadline=within(5))
        uses = [(await stack.layer(call)).use for _ in range(2)]
        assert uses == ["fwd=uri-miss; stored", "hit"]
        told = {figure.name: figure.value for read in stack.figures for figure in read()}
        assert (told["apiql_cache_hits_total"], told["apiql_cache_entries"]) == (1, 1)
        assert told["apiql_cache_bytes"] > 1000
        assert await stack.purge(f"url:{raw.origin}/x") == 1
        assert (await stack.layer(call)).age is None
        await stack.aclose()


@pytest.mark.parametrize("caching", [Caching(off=True), Caching(rule=CacheRule(http=False))])
async def test_a_call_that_wants_no_cache_is_handed_on_as_it_is(caching):
    made: list[Awaitable[Reply]] = []

    def inner(call: Call) -> Awaitable[Reply]:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        made.append(future)
        return future

    layer = cached(inner, Rig().store, Rig().clock)
    assert layer(asking(caching)) is made[0]
