"""What every store does, whatever it is: in this process, in a Redis, and while that is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apiql.settings import Store as StoreSettings
from apiql.sources.cache_entry import Kept, size_of
from apiql.sources.call import Reply
from apiql.stores.lasting import redis_stores
from apiql.stores.memory import MemoryStores
from apiql.stores.store import Room, Store, Stores
from tests.stores.redis_stores import PATIENT, ROOM, eventually, fresh_prefix, until_away

KINDS = ("memory", "redis", "away")
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture(params=KINDS)
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    """Each kind in turn."""
    made: Stores = MemoryStores()
    if request.param != "memory":
        here = request.param == "redis"
        url = request.getfixturevalue("shared_redis").url if here else NOWHERE
        shared = redis_stores(StoreSettings(url=url, prefix=fresh_prefix(), timeout=PATIENT), None)
        if not here:
            await until_away(shared)
        made = shared
    try:
        yield made
    finally:
        await made.aclose()


@pytest.fixture
def store(stores: Stores) -> Store[bytes]:
    """A store of bytes."""
    return stores.store("bytes", bytes, ROOM)


async def present(store: Store[bytes], *keys: bytes) -> list[bytes]:
    return [key for key in keys if await store.get(key) is not None]


async def test_what_was_put_comes_back_under_its_key_only(store: Store[bytes]) -> None:
    await store.put(b"a", b"1", 60)
    await store.put(b"b", b"2", 60)
    assert [await store.get(key) for key in (b"a", b"b", b"c")] == [b"1", b"2", None]


async def test_the_last_one_put_counts(store: Store[bytes]) -> None:
    await store.put(b"a", b"1", 60)
    await store.put(b"a", b"2", 60)
    assert await store.get(b"a") == b"2"


async def test_a_store_is_known_by_its_name(stores: Stores) -> None:
    first, again = (stores.store("one", bytes, ROOM) for _ in range(2))
    other = stores.store("other", bytes, ROOM)
    await first.put(b"a", b"1", 60)
    assert await again.get(b"a") == b"1"
    assert await other.get(b"a") is None


async def test_a_value_ends_with_its_time(store: Store[bytes]) -> None:
    await store.put(b"short", b"1", 0.05)
    await store.put(b"long", b"2", 60)
    await eventually(lambda: _is_gone(store, b"short"))
    assert await present(store, b"short", b"long") == [b"long"]


async def _is_gone(store: Store[bytes], key: bytes) -> bool:
    return await store.get(key) is None


async def test_a_value_without_time_is_gone_at_once(store: Store[bytes]) -> None:
    await store.put(b"a", b"1", 60)
    await store.put(b"a", b"2", 0)
    assert await store.get(b"a") is None


async def test_a_value_may_stay_for_ever(store: Store[bytes]) -> None:
    await store.put(b"a", b"1", float("inf"), ("tag",))
    assert await store.get(b"a") == b"1"


async def test_a_dropped_value_is_gone(store: Store[bytes]) -> None:
    await store.put(b"a", b"1", 60)
    await store.drop(b"a")
    await store.drop(b"never")
    assert await store.get(b"a") is None


async def test_a_tag_forgets_what_was_put_with_it_and_nothing_else(store: Store[bytes]) -> None:
    await store.put(b"a", b"1", 60, ("users", "all"))
    await store.put(b"b", b"2", 60, ("users",))
    await store.put(b"c", b"3", 60, ("all",))
    await store.put(b"b", b"4", 60, ("orders",))
    assert await store.purge("users") == 1
    assert await present(store, b"a", b"b", b"c") == [b"b", b"c"]
    assert await store.purge("users") == 0
    await store.drop(b"c")
    assert await store.purge("all") == 0
    assert await store.get(b"b") == b"4"


async def test_a_tag_is_that_of_one_store(stores: Stores) -> None:
    one, other = (stores.store(name, bytes, ROOM) for name in ("one", "other"))
    await one.put(b"a", b"1", 60, ("tag",))
    await other.put(b"a", b"2", 60, ("tag",))
    assert await one.purge("tag") == 1
    assert await other.get(b"a") == b"2"


async def test_a_tag_of_many(store: Store[bytes]) -> None:
    keys = [b"%d" % number for number in range(900)]
    for start in range(0, len(keys), 100):
        batch = keys[start : start + 100]
        await asyncio.gather(*[store.put(key, b"1", 60, ("many", "all")) for key in batch])
    await asyncio.gather(*[store.put(key, b"2", 60, ("all",)) for key in keys[::3]])
    assert await store.purge("many") == 600
    assert await present(store, *keys) == keys[::3]
    assert await store.purge("all") == 300


async def test_a_bucket_empties_and_says_when_it_fills(stores: Stores) -> None:
    take = stores.buckets.take
    taken = [await take(b"a", 0.001, 3) for _ in range(4)]
    assert [(found.allowed, found.left) for found in taken] == [
        (True, 2), (True, 1), (True, 0), (False, 0),
    ]  # fmt: skip
    assert taken[0].wait == 0
    assert 900 < taken[2].wait <= 1000
    assert 900 < taken[3].wait <= 1000
    assert 2900 < taken[3].full <= 3000
    assert (await take(b"b", 0.001, 3)).allowed


async def test_a_bucket_fills_again(stores: Stores) -> None:
    take = stores.buckets.take
    while (await take(b"a", 20.0, 2)).allowed:
        pass

    async def has_one() -> bool:
        return (await take(b"a", 20.0, 2)).allowed

    assert await eventually(has_one) < 1


async def test_what_comes_once_comes_once(stores: Stores) -> None:
    first = stores.once.first
    assert [await first(key, 60) for key in (b"a" * 16, b"a" * 16, b"b" * 16)] == [
        True,
        False,
        True,
    ]
    found = await asyncio.gather(*[first(b"c" * 16, 60) for _ in range(50)])
    assert sorted(found) == [False] * 49 + [True]  # type: ignore[type-var]


async def test_it_is_remembered_for_its_time(stores: Stores) -> None:
    first = stores.once.first
    assert await first(b"short" * 3, 0.05) is True

    async def is_forgotten() -> bool:
        return await first(b"short" * 3, 0.05) is True

    assert await eventually(is_forgotten) > 0.03


async def test_never_more_than_a_bucket_holds(stores: Stores) -> None:
    taken = await asyncio.gather(*[stores.buckets.take(b"a", 0.001, 7) for _ in range(50)])
    assert sum(found.allowed for found in taken) == 7


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
REPLIES = st.builds(
    Reply,
    st.integers(100, 599),
    st.lists(st.tuples(TEXTS, TEXTS), max_size=4).map(tuple),
    st.binary(max_size=200),
    st.none() | st.floats(0, 1e9),
    st.booleans(),
)


@given(reply=REPLIES, at=st.floats(0, 1e12), tags=st.lists(TEXTS, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
async def test_values_come_back_as_they_were(
    stores: Stores, reply: Reply, at: float, tags: list[str]
) -> None:
    kept = Kept(reply, at, at + 1)
    store = stores.store("answers", Kept, Room(1000, 1_000_000, size_of))
    await store.put(b"key", kept, 60, tags)
    assert await store.get(b"key") == kept


async def test_texts_and_numbers_come_back(stores: Stores) -> None:
    texts = stores.store("texts", str, Room(9, 999, len))
    await texts.put(b"a", "é\U0001f600", 60)
    assert await texts.get(b"a") == "é\U0001f600"
