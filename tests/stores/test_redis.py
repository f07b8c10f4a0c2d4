"""What lies in a Redis, what lies there that should not, and the connections to it."""

from __future__ import annotations

import asyncio
import random
import ssl
from hashlib import blake2b, sha256

import pytest
from msgspec import Struct, msgpack
from redis.asyncio.connection import SSLConnection

from apiql.settings import Secrets
from apiql.settings import Store as StoreSettings
from apiql.stores.lanes import LANES, connections
from apiql.stores.lasting import redis_stores
from apiql.stores.memory import MemoryStores
from apiql.stores.open import open_stores
from apiql.stores.redis import LARGEST
from apiql.stores.store import Room
from tests.stores.redis_server import RedisServer
from tests.stores.redis_stores import (
    NOTHING_TOLD,
    PATIENT,
    ROOM,
    Notes,
    eventually,
    fresh_prefix,
    is_back,
    on,
    raw,
    until_away,
)


class Old(Struct, frozen=True):
    """A value of an older version."""

    name: str


class New(Struct, frozen=True):
    """The same of a newer one."""

    name: str
    more: int


async def test_two_processes_have_the_same_values_and_buckets(shared_redis: RedisServer) -> None:
    prefix = fresh_prefix()
    async with on(shared_redis, prefix) as one, on(shared_redis, prefix) as other:
        mine, theirs = (each.store("a", bytes, ROOM) for each in (one, other))
        await mine.put(b"key", b"1", 60, ("tag",))
        assert await theirs.get(b"key") == b"1"
        assert await theirs.purge("tag") == 1
        assert await mine.get(b"key") is None
        taken = await asyncio.gather(
            *[each.buckets.take(b"ip", 0.001, 9) for each in (one, other) for _ in range(20)]
        )
        assert sum(found.allowed for found in taken) == 9
        firsts = await asyncio.gather(*[each.once.first(b"key", 60) for each in (one, other)])
        assert sorted(firsts) == [False, True]  # type: ignore[type-var]


async def test_another_prefix_is_another_world(shared_redis: RedisServer) -> None:
    async with on(shared_redis) as one, on(shared_redis) as other:
        await one.store("a", bytes, ROOM).put(b"key", b"1", 60)
        assert await other.store("a", bytes, ROOM).get(b"key") is None


async def test_everything_ends_by_itself(shared_redis: RedisServer) -> None:
    prefix = fresh_prefix()
    async with on(shared_redis, prefix) as stores, raw(shared_redis) as redis:
        store = stores.store("a", bytes, ROOM)
        await store.put(b"key", b"1", 5)
        await store.put(b"tagged", b"1", 50, ("tag",))
        await store.put(b"later", b"1", 20, ("tag",))
        await store.put(b"ever", b"1", float("inf"))
        await stores.buckets.take(b"ip", 1.0, 10)
        await stores.once.first(b"key", 50)
        keys = [key async for key in redis.scan_iter(f"{prefix}:*")]
        assert len(keys) == 7
        lives = {key: await redis.pttl(key) for key in keys}
        assert all(life > 0 for life in lives.values())
        assert 4000 < lives[f"{prefix}:a:key".encode()] <= 5000
        (tag,) = [life for key, life in lives.items() if b"#tag" in key]
        assert 50_000 < tag <= 51_000
        (bucket,) = [life for key, life in lives.items() if b"#bucket" in key]
        assert 1000 < bucket <= 2000


async def test_a_tag_does_not_keep_what_has_ended(shared_redis: RedisServer) -> None:
    prefix = fresh_prefix()
    async with on(shared_redis, prefix) as stores, raw(shared_redis) as redis:
        store = stores.store("a", bytes, ROOM)
        for number in range(20):
            await store.put(b"%d" % number, b"1", 60, ("tag",))
        (tag,) = [key async for key in redis.scan_iter(f"{prefix}:a#tag:*")]
        assert await redis.zcard(tag) == 20
        for key in await redis.zrange(tag, 0, 9):
            await redis.zadd(tag, {key: 1})
        await store.put(b"last", b"1", 60, ("tag",))
        assert await redis.zcard(tag) == 11


async def test_no_key_holds_a_tag_or_who_asked(shared_redis: RedisServer) -> None:
    prefix = fresh_prefix()
    async with on(shared_redis, prefix) as stores, raw(shared_redis) as redis:
        await stores.store("a", bytes, ROOM).put(b"key", b"1", 60, ("s3cret",))
        await stores.buckets.take(b"s3cret", 1.0, 10)
        for key in [key async for key in redis.scan_iter(f"{prefix}:*")]:
            assert b"s3cret" not in key


WRONG = (
    b"",
    b"\xff",
    b"\x00",
    b"\x00\xc1",
    b"\x01short",
    b"\x00\x05",
    b"\x00\xa5\xff\xff\xff\xff\xff",
)


@pytest.mark.parametrize("found", WRONG)
async def test_what_is_no_value_counts_as_missing(shared_redis: RedisServer, found: bytes) -> None:
    prefix, notes = fresh_prefix(), Notes()
    async with on(shared_redis, prefix, tell=notes) as stores, raw(shared_redis) as redis:
        store = stores.store("a", str, Room(9, 999, len))
        await redis.set(f"{prefix}:a:key", found)
        for _ in range(10):
            assert await store.get(b"key") is None
        await store.put(b"key", "right", 60)
        assert await store.get(b"key") == "right"
    assert notes.moved == NOTHING_TOLD


async def test_a_value_of_another_version_counts_as_missing(shared_redis: RedisServer) -> None:
    prefix = fresh_prefix()
    async with on(shared_redis, prefix) as one, on(shared_redis, prefix) as other:
        old = one.store("a", Old, Room(9, 999, lambda _: 1))
        new = other.store("a", New, Room(9, 999, lambda _: 1))
        await old.put(b"key", Old("x"), 60)
        assert await new.get(b"key") is None
        await new.put(b"key", New("x", 1), 60)
        assert await old.get(b"key") == Old("x")


async def test_other_kinds_under_our_keys_do_no_harm(shared_redis: RedisServer) -> None:
    prefix, notes = fresh_prefix(), Notes()
    async with on(shared_redis, prefix, tell=notes) as stores, raw(shared_redis) as redis:
        store = stores.store("a", bytes, ROOM)
        await store.put(b"key", b"1", 60, ("tag",))
        await store.put(b"other", b"1", 60, ("tag",))
        await stores.buckets.take(b"ip", 1.0, 10)
        await redis.delete(f"{prefix}:a:key")
        await redis.rpush(f"{prefix}:a:key", "a", "list")
        for _ in range(10):
            assert await store.get(b"key") is None
        assert await store.purge("tag") == 1
        await store.put(b"key", b"2", 60, ("tag",))
        assert await store.get(b"key") == b"2"
        for key in [key async for key in redis.scan_iter(f"{prefix}:*#*")]:
            await redis.delete(key)
            await redis.set(key, "a text")
        assert (await stores.buckets.take(b"ip", 1.0, 10)).left == 9
        assert await store.purge("tag") == 0
        await store.put(b"key", b"3", 60, ("tag",))
        assert await store.purge("tag") == 1
    assert notes.moved == NOTHING_TOLD


async def test_a_value_too_large_for_the_way_is_not_kept(shared_redis: RedisServer) -> None:
    async with on(shared_redis) as stores:
        store = stores.store("a", bytes, ROOM)
        await store.put(b"key", b"x" * (LARGEST - 100), 60)
        assert await store.get(b"key") == b"x" * (LARGEST - 100)
        await store.put(b"key", b"y" * (LARGEST + 1), 60)
        assert await store.get(b"key") == b"x" * (LARGEST - 100)
        await store.put(b"tagged", b"1", 60, [str(number) for number in range(255)])
        assert await store.purge("254") == 1
        await store.put(b"tagged", b"1", 60, [str(number) for number in range(256)])
        assert await store.get(b"tagged") is None


async def test_many_share_few_connections(shared_redis: RedisServer) -> None:
    async with on(shared_redis) as stores, raw(shared_redis) as redis:
        before = len(await redis.client_list())
        store = stores.store("a", bytes, ROOM)
        await asyncio.gather(*[store.put(b"%d" % n, b"%d" % n, 60) for n in range(500)])
        found = await asyncio.gather(*[store.get(b"%d" % n) for n in range(500)])
        assert found == [b"%d" % n for n in range(500)]
        assert len(await redis.client_list()) <= before + LANES


async def test_a_clock_that_went_back_takes_nothing_from_a_bucket(
    shared_redis: RedisServer,
) -> None:
    prefix = fresh_prefix()
    async with on(shared_redis, prefix) as stores, raw(shared_redis) as redis:
        assert (await stores.buckets.take(b"ip", 1.0, 10)).left == 9
        (key,) = [key async for key in redis.scan_iter(f"{prefix}:#bucket:*")]
        seconds, _ = await redis.time()
        await redis.hset(key, "at", f"{seconds + 3600}")
        found = await stores.buckets.take(b"ip", 1.0, 10)
        assert (found.allowed, found.left) == (True, 8)


async def test_who_is_cancelled_takes_no_answer_from_others(own_redis: RedisServer) -> None:
    notes = Notes()
    chance = random.Random(1)
    async with on(own_redis, tell=notes) as stores:
        store = stores.store("a", bytes, ROOM)
        keys = [b"%d" % number for number in range(50)]
        await asyncio.gather(*[store.put(key, key, 600) for key in keys])
        before = len(asyncio.all_tasks())
        for _ in range(60):
            asked = {key: asyncio.ensure_future(store.get(key)) for key in keys}
            for _ in range(chance.randrange(6)):
                await asyncio.sleep(0)
            for key in keys[:: chance.choice((2, 3))]:
                asked[key].cancel()
            found = await asyncio.gather(*asked.values(), return_exceptions=True)
            for key, value in zip(keys, found, strict=True):
                assert value == key or isinstance(value, asyncio.CancelledError)
        assert [await store.get(key) for key in keys] == keys
        assert len(asyncio.all_tasks()) <= before + LANES
        async with raw(own_redis) as redis:
            assert len(await redis.client_list()) <= LANES + 1
    assert notes.moved == NOTHING_TOLD


async def test_nothing_is_left_behind(shared_redis: RedisServer) -> None:
    before = asyncio.all_tasks()
    async with on(shared_redis) as stores:
        store = stores.store("a", bytes, ROOM)
        await asyncio.gather(*[store.get(b"a") for _ in range(100)])
    assert asyncio.all_tasks() == before
    nowhere = redis_stores(StoreSettings(url="redis://127.0.0.1:1"), None)
    await until_away(nowhere)
    await nowhere.store("any", bytes, ROOM).purge("tag")
    await nowhere.aclose()
    assert asyncio.all_tasks() == before
    never = redis_stores(StoreSettings(url="redis://127.0.0.1:1"), None)
    await never.aclose()


async def test_a_socket_in_the_file_system_and_a_database(own_redis: RedisServer) -> None:
    url = f"unix://{own_redis.socket}?db=3"
    stores = redis_stores(StoreSettings(url=url, timeout=PATIENT), None)
    await stores.store("a", bytes, ROOM).put(b"key", b"1", 60)
    await stores.aclose()
    async with raw(own_redis) as redis:
        assert await redis.dbsize() == 0
        await redis.execute_command("SELECT", 3)
        assert await redis.keys() == [b"apiql:a:key"]


@pytest.mark.parametrize(
    ("verify", "mode", "checks_name", "authorities"),
    [
        (True, ssl.CERT_REQUIRED, True, None),
        (False, ssl.CERT_NONE, False, None),
        ("/etc/ca.pem", ssl.CERT_REQUIRED, True, "/etc/ca.pem"),
    ],
)
def test_whom_a_connection_with_tls_trusts(
    verify: bool | str, mode: ssl.VerifyMode, checks_name: bool, authorities: str | None
) -> None:
    made = connections(StoreSettings(url="rediss://h:6380/2", verify=verify))()
    assert isinstance(made, SSLConnection)
    assert (made.host, made.port, made.db) == ("h", 6380, 2)
    assert (made.cert_reqs, made.check_hostname, made.ca_certs) == (mode, checks_name, authorities)


async def test_a_password(own_redis: RedisServer) -> None:
    async with raw(own_redis) as redis:
        await redis.config_set("requirepass", "s3cret pass")
    right, wrong, none = (
        own_redis.url.replace("//", f"//{user}") for user in (":s3cret%20pass@", ":s3cret@", "")
    )
    found = []
    for url in (right, wrong, none):
        notes = Notes()
        stores = redis_stores(StoreSettings(url=url, timeout=PATIENT), notes)
        store = stores.store("a", bytes, ROOM)
        for _ in range(6):
            await store.put(b"key", b"1", 60)
        found.append((await store.get(b"key"), notes.moved))
        await stores.aclose()
    refused = [(False, "it refuses the user or the password")]
    assert found == [(b"1", []), (b"1", refused), (b"1", refused)]


async def test_a_full_redis_is_left_alone_until_there_is_room(own_redis: RedisServer) -> None:
    notes = Notes()
    async with on(own_redis, tell=notes) as stores, raw(own_redis) as redis:
        store = stores.store("a", bytes, ROOM)
        await redis.config_set("maxmemory", "1mb")
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("maxmemory", "1")
        for _ in range(6):
            await store.put(b"key", b"1", 60)
        assert await store.get(b"key") == b"1"
        assert notes.moved == [(False, "it answers OOM")]
        await redis.config_set("maxmemory", "0")
        await eventually(lambda: is_back(stores))
        assert notes.moved[1:] == [(True, "it answers again")]


async def test_without_a_url_every_process_has_its_own() -> None:
    assert isinstance(open_stores(StoreSettings()), MemoryStores)


async def test_figures(own_redis: RedisServer) -> None:
    async with on(own_redis) as stores:
        await stores.store("a", bytes, ROOM).get(b"a")
        assert [figure.value for figure in stores.figures()] == [1.0, 0.0]
        own_redis.kill()
        await until_away(stores)
        reachable, failures = stores.figures()
        assert reachable.value == 0.0
        assert failures.value >= 5
        assert (reachable.name, failures.name) == (
            "apiql_store_reachable",
            "apiql_store_failures_total",
        )


async def test_keys_made_with_a_secret_tell_nothing_to_who_has_another(
    shared_redis: RedisServer,
) -> None:
    prefix, key = fresh_prefix(), ("GET", "/weather?key=S3CRET")
    settings = StoreSettings(url=shared_redis.url, prefix=prefix, timeout=PATIENT)
    secrets = (b"", b"one", b"one", b"other")
    stores = [redis_stores(settings, None, secret) for secret in secrets]
    plain, mine, same, other = (each.store("answers", bytes, ROOM) for each in stores)
    await mine.put(key, b"1", 60, ("url:http://a/?key=S3CRET",))
    assert await same.get(key) == b"1"
    assert await plain.get(key) is None
    assert await other.get(key) is None
    async with raw(shared_redis) as client:
        keys = await client.keys(f"{prefix}:*")
        tag = blake2b(b"url:http://a/?key=S3CRET", digest_size=16)
        guesses = {sha256(msgpack.encode(key)).digest(), tag.digest()}
        assert len(keys) == 2
        assert not [found for found in keys for guess in guesses if guess in found]
    assert await other.purge("url:http://a/?key=S3CRET") == 0
    assert await same.purge("url:http://a/?key=S3CRET") == 1
    await mine.put(b"text", b"2", 60)
    assert await other.get(b"text") == b"2"
    for each in stores:
        await each.aclose()


def test_the_secret_of_keys_is_that_of_the_privates() -> None:
    one, two = Secrets.of(["a", "b"], b""), Secrets.of(["b", "a", "a"], b"")
    assert one.of_keys == two.of_keys != Secrets.of(["ab"], b"").of_keys
    keyed = Secrets.of(["a"], b"k" * 32)
    assert keyed.of_keys == Secrets.of(["c"], b"k" * 32).of_keys != one.of_keys
    assert Secrets().of_keys == b""
    assert {len(found.of_keys) for found in (one, keyed)} == {32}
