"""The store within the process: for how long, how many, how much."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from apiql.stores.buckets import MemoryBuckets
from apiql.stores.memory import MemoryStore
from apiql.stores.once import MemoryOnce
from apiql.stores.store import Room, key_bytes


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def store_of(entries: int, room: int, clock: Clock | None = None) -> MemoryStore[bytes]:
    return MemoryStore(Room(entries, room, len), clock or Clock())


async def present(store: MemoryStore[bytes], *keys: bytes) -> list[bytes]:
    return [key for key in keys if await store.get(key) is not None]


async def test_the_very_object_comes_back():
    store = store_of(10, 100)
    value = bytes(bytearray(b"value"))
    await store.put(b"a", value, 1)
    assert await store.get(b"a") is value
    assert await store.get(b"b") is None


async def test_a_value_ends_with_its_time():
    clock = Clock()
    store = store_of(10, 100, clock)
    await store.put(b"short", b"1", 5)
    await store.put(b"long", b"2", 50)
    clock.now += 4.9
    assert await present(store, b"short", b"long") == [b"short", b"long"]
    clock.now += 0.1
    assert await present(store, b"short", b"long") == [b"long"]
    assert len(store) == 1
    assert store.size == 1


async def test_a_value_put_again_begins_anew():
    clock = Clock()
    store = store_of(10, 100, clock)
    await store.put(b"a", b"old", 5)
    clock.now += 4
    await store.put(b"a", b"new", 5)
    clock.now += 4
    assert await store.get(b"a") == b"new"
    assert len(store) == 1


async def test_what_was_not_used_for_longest_gives_way_to_more():
    store = store_of(3, 100)
    for key in (b"a", b"b", b"c"):
        await store.put(key, b"1", 60)
    await store.get(b"a")
    await store.put(b"d", b"1", 60)
    assert await present(store, b"a", b"b", b"c", b"d") == [b"a", b"c", b"d"]


async def test_what_was_not_used_for_longest_gives_way_to_larger():
    store = store_of(10, 100)
    await store.put(b"a", b"x" * 60, 60)
    await store.put(b"b", b"x" * 30, 60)
    await store.put(b"c", b"x" * 20, 60)
    assert await present(store, b"a", b"b", b"c") == [b"b", b"c"]
    assert store.size == 50


async def test_a_value_larger_than_all_is_not_kept():
    store = store_of(10, 100)
    await store.put(b"a", b"old", 60)
    await store.put(b"a", b"x" * 101, 60)
    await store.put(b"b", b"x" * 101, 60)
    assert await store.get(b"a") == b"old"
    assert await store.get(b"b") is None


async def test_no_entries_keep_nothing():
    store = store_of(0, 100)
    await store.put(b"a", b"1", 60)
    assert await store.get(b"a") is None


STEPS = st.tuples(st.integers(0, 6), st.integers(0, 60), st.floats(0.1, 20), st.floats(0, 9))


@given(st.lists(STEPS, max_size=60))
async def test_it_never_holds_more_than_it_may(steps):
    clock = Clock()
    store = store_of(4, 100, clock)
    put: dict[bytes, tuple[bytes, float]] = {}
    for name, size, seconds, pause in steps:
        key, value = bytes([name]), b"x" * size
        await store.put(key, value, seconds)
        put[key] = (value, clock.now + seconds)
        clock.now += pause
        assert len(store) <= 4
        assert store.size <= 100
        for each, (last, until) in put.items():
            found = await store.get(each)
            assert found is None or (found == last and clock.now < until)


async def test_a_tag_forgets_what_was_put_with_it_and_nothing_else():
    store = store_of(10, 100)
    await store.put(b"a", b"1", 9, ("users", "all"))
    await store.put(b"b", b"2", 9, ("users",))
    await store.put(b"c", b"3", 9, ("all",))
    await store.put(b"b", b"4", 9, ("orders",))
    assert await store.purge("users") == 1
    assert await present(store, b"a", b"b", b"c") == [b"b", b"c"]
    assert await store.purge("users") == 0
    await store.drop(b"c")
    assert await store.purge("all") == 0


async def test_the_index_of_tags_does_not_grow_with_what_is_forgotten():
    store = store_of(3, 100)
    for number in range(1000):
        await store.put(b"%d" % number, b"1", 9, (f"t{number}",))
    assert len(store._tagged) <= 13
    assert await store.purge("t999") == 1


async def test_keys_are_bytes_or_what_can_be_made_bytes():
    store = store_of(10, 100)
    await store.put(("GET", 1, b"x"), b"1", 60)
    assert await store.get(("GET", 1, b"x")) == b"1"
    assert await store.get(("GET", 2, b"x")) is None
    assert key_bytes(b"as it is") == b"as it is"
    assert len(key_bytes(("GET", 1))) == 32
    assert key_bytes(("GET", 1)) != key_bytes(("GET", 2))


async def test_the_indexes_hold_only_so_much_more_than_the_store():
    clock = Clock()
    store = store_of(10, 1000, clock)
    for n in range(5000):
        await store.put((n,), b"1", 1 + n % 3, ["a", "b", "c", "d", "e", "f"])
        clock.now += 0.1
        assert len(store._put) + sum(map(len, store._tagged.values())) < 500
    assert await store.get((4999,)) == b"1"
    kept = len(store)
    assert await store.purge("f") == kept > 0
    assert len(store) == 0


async def test_a_bucket_empties_and_fills_again():
    clock = Clock()
    buckets = MemoryBuckets(clock)
    assert [(await buckets.take(b"a", 2.0, 3)).left for _ in range(3)] == [2, 1, 0]
    refused = await buckets.take(b"a", 2.0, 3)
    assert (refused.allowed, refused.left, refused.wait, refused.full) == (False, 0, 0.5, 1.5)
    assert (await buckets.take(b"b", 2.0, 3)).allowed
    clock.now += 0.5
    assert (await buckets.take(b"a", 2.0, 3)).allowed
    assert not (await buckets.take(b"a", 2.0, 3)).allowed


async def test_of_too_many_buckets_those_unused_for_the_longest_time_begin_full_again():
    buckets = MemoryBuckets(Clock(), most=4)

    async def is_allowed(key: bytes) -> bool:
        return (await buckets.take(key, 1.0, 1)).allowed

    assert [await is_allowed(key) for key in (b"a", b"b", b"c", b"a")] == [True, True, True, False]
    assert [await is_allowed(key) for key in (b"d", b"a", b"c")] == [True, False, False]
    assert await is_allowed(b"b")  # it was not used since two others came


async def test_of_any_number_of_buckets_so_many_are_remembered():
    buckets = MemoryBuckets(Clock(), most=100)
    for number in range(1000):
        await buckets.take(b"%d" % number, 1.0, 1)
        assert len(buckets) <= 100
        last = range(max(0, number - 49), number + 1)
        left = [buckets.at_once(b"%d" % each, 1.0, 1).allowed for each in last]
        assert not any(left), number


async def test_what_came_once_is_never_forgotten_for_something_else():
    clock = Clock()
    once = MemoryOnce(clock, most=2)
    found = [await once.first(key, 60) for key in (b"a", b"b", b"c", b"a")]
    assert found == [True, True, None, False]
    clock.now += 60
    assert [await once.first(key, 60) for key in (b"c", b"a", b"c")] == [True, True, False]
    assert len(once) == 2


async def test_one_that_lives_longer_holds_others_back_for_a_while_only():
    clock = Clock()
    once = MemoryOnce(clock)
    assert [await once.first(key, time) for key, time in ((b"a", 90), (b"b", 30))] == [True, True]
    clock.now += 60
    assert await once.first(b"b", 30) is False
    clock.now += 30
    assert await once.first(b"b", 30) is True
    assert len(once) == 1
