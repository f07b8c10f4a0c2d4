"""Answers of endpoints that are kept: for whom, how long, and what is told of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apiql.stores.memory import MemoryStores
from tests.server.client import Response
from tests.server.conf import Folder, running
from tests.server.gateways import backend, endpoint, write
from tests.server.test_gateway_limits import Clock, at
from tests.server.upstream import Upstream
from tests.stores.redis_server import RedisServer
from tests.stores.redis_stores import eventually, raw

pytestmark = pytest.mark.asyncio(loop_scope="session")

ON = {"enabled": True, "duration": "30s"}


@pytest.fixture
def folder(tmp_path: Path, up: Upstream) -> Folder:
    return Folder(tmp_path / "conf", up.port)


def ttl(response: Response) -> str | None:
    """How long a kept answer holds; None for one that was made."""
    is_kept = "x-gopen-cache-ttl" in response.headers
    assert response.headers["x-gopen-cache"] == ("true" if is_kept else "false")
    return response.headers.get("x-gopen-cache-ttl")


async def test_an_answer_is_kept_for_its_time(folder: Folder, up: Upstream) -> None:
    write(folder, endpoint("/users/:id", cache=ON, backends=[backend("/users/:id")]))
    clock = Clock()
    async with at(folder, clock) as server:
        first = await server.site.send("GET", "/users/1?b=2&a=1")
        assert ttl(first) is None
        clock.now += 0.6
        again = await server.site.send("GET", "/users/1?a=1&b=2")
        assert (again.status, again.body, ttl(again)) == (200, first.body, "29.4s")
        assert again.headers["x-gopen-complete"] == again.headers["x-gopen-success"] == "true"
        assert ttl(await server.site.send("GET", "/users/2?a=1&b=2")) is None
        assert ttl(await server.site.send("GET", "/users/1?a=2&b=1")) is None
        clock.now += 29.5
        assert ttl(await server.site.send("GET", "/users/1?b=2&a=1")) is None
    assert up.hits["/users/1"] == 3


async def test_durations_are_told_as_go_does(folder: Folder, up: Upstream) -> None:
    write(folder, endpoint(cache={"enabled": True}), cache={"duration": "5m"})
    async with at(folder, Clock()) as server:
        await server.site.send("GET", "/a")
        assert ttl(await server.site.send("GET", "/a")) == "5m0s"


async def test_header_fields_of_the_strategy_tell_answers_apart(
    folder: Folder, up: Upstream
) -> None:
    cache = ON | {"strategy-headers": ["X-Device"]}
    write(folder, endpoint(cache=cache))
    async with running(folder) as server:
        one, other = {"X-Device": "one"}, {"X-Device": "other"}
        send = server.site.send
        found = [ttl(await send("GET", "/a", headers=h)) for h in (one, other, one, {}, other)]
    assert [each is not None for each in found] == [False, False, True, False, True]


async def test_the_same_value_of_another_field_is_another_answer(
    folder: Folder, up: Upstream
) -> None:
    cache = ON | {"strategy-headers": ["X-One", "X-Two"]}
    write(folder, endpoint(cache=cache, backends=[backend("/echo")]))
    async with running(folder) as server:
        for fields in ({"X-One": "v"}, {"X-Two": "v"}, {"X-One": "v:w"}, {"Cookie": "v"},
                       {"X-One": "v", "X-Two": "w"}, {"Authorization": "v"}):  # fmt: skip
            found = await server.site.send("GET", "/a", headers=fields)
            assert ttl(found) is None, fields


async def test_what_is_kept_for_one_caller_is_nobody_elses(folder: Folder, up: Upstream) -> None:
    write(folder, endpoint(cache=ON, backends=[backend("/echo")]))
    async with running(folder) as server:
        for number in range(12):
            name = ("Authorization", "Cookie")[number % 2]
            found = await server.site.send("GET", "/a", headers={name: f"secret-{number % 4}"})
            assert f"secret-{number % 4}" in found.body.decode()
        assert ttl(await server.site.send("GET", "/a")) is None
    assert up.hits["/echo"] == 5


RULES: list[tuple[dict[str, Any], str, dict[str, str], bool]] = [
    ({}, "/status/404", {}, False),
    ({"only-if-status-codes": [404]}, "/status/404", {}, True),
    ({"only-if-status-codes": [404]}, "/ok", {}, False),
    ({"allow-cache-control": True}, "/caching?Cache-Control=no-store", {}, False),
    ({}, "/caching?Cache-Control=no-store", {}, True),
    ({"allow-cache-control": True}, "/ok", {"Cache-Control": "no-cache"}, False),
    ({}, "/ok", {"Cache-Control": "no-cache"}, True),
    ({}, "/caching?Set-Cookie=a", {}, False),
]


@pytest.mark.parametrize(("more", "path", "headers", "is_kept"), RULES)
async def test_the_rules(
    folder: Folder, up: Upstream, more: dict[str, Any], path: str, headers: dict[str, str],
    is_kept: bool,
) -> None:  # fmt: skip
    place, _, query = path.partition("?")
    write(folder, endpoint(cache=ON | more, backends=[backend(place)]))
    async with running(folder) as server:
        target = f"/a?{query}" if query else "/a"
        await server.site.send("GET", target, headers=headers)
        again = await server.site.send("GET", target, headers=headers)
        assert (ttl(again) is not None) == is_kept
    assert up.hits[place] == (1 if is_kept else 2)


async def test_other_methods_as_the_root_says(folder: Folder, up: Upstream) -> None:
    post = endpoint(method="POST", cache={"enabled": True}, backends=[backend(method="POST")])
    for listed, rules, is_kept in (
        (None, "documented", False), ([], "documented", True), (["POST"], "documented", True),
        (None, "as-it-does", True), ([], "as-it-does", False),
    ):  # fmt: skip
        root = {"duration": "1m"} | ({} if listed is None else {"only-if-methods": listed})
        write(folder, post, cache=root)
        folder.settings(f'[endpoints]\ncache_rules = "{rules}"')
        async with running(folder) as server:
            await server.site.send("POST", "/a", b"{}")
            assert (ttl(await server.site.send("POST", "/a", b"{}")) is not None) == is_kept


async def test_what_the_gateway_refuses_is_not_kept(folder: Folder, up: Upstream) -> None:
    nowhere = {"hosts": ["http://127.0.0.1:1"], "path": "/", "method": "GET"}
    cache = ON | {"only-if-status-codes": [502]}
    write(folder, endpoint(cache=cache, backends=[nowhere]))
    async with running(folder) as server:
        for _ in range(2):
            found = await server.site.send("GET", "/a")
            assert (found.status, ttl(found)) == (502, None)


async def test_a_changed_file_makes_what_was_kept_void(folder: Folder, up: Upstream) -> None:
    write(folder, endpoint(cache=ON))
    async with running(folder) as server:
        await server.site.send("GET", "/a")
        assert ttl(await server.site.send("GET", "/a")) is not None
        write(folder, endpoint(cache=ON, backends=[backend("/users/1")]))
        await server.reloader.reload()
        found = await server.site.send("GET", "/a")
        assert (ttl(found), found.json()["name"]) == (None, "Ada")


async def test_operators_purge_by_endpoint(folder: Folder, up: Upstream) -> None:
    write(folder, endpoint(cache=ON))
    async with running(folder) as server:
        await server.site.send("GET", "/a")
        assert await server.current.held.purge("endpoint:get_a") == 1
        assert ttl(await server.site.send("GET", "/a")) is None


async def test_a_client_that_limits_refuse_gets_nothing_that_is_kept(
    folder: Folder, up: Upstream
) -> None:
    limiter = {"rate": {"capacity": 2, "every": "1h"}}
    write(folder, endpoint(cache=ON, limiter=limiter))
    async with running(folder) as server:
        found = [(await server.site.send("GET", "/a")).status for _ in range(3)]
    assert found == [200, 200, 429]
    assert up.hits["/ok"] == 1


# -- in a Redis -----------------------------------------------------------------------------------


async def test_the_redis_that_a_file_names(
    folder: Folder, up: Upstream, shared_redis: RedisServer
) -> None:
    place = f"127.0.0.1:{shared_redis.port}"
    store = {"redis": {"address": place, "password": ""}}
    folder.settings('[store]\ntimeout = "2s"\nprefix = "gw1"')
    write(folder, endpoint(cache=ON), store=store)
    async with running(folder) as one:
        assert ttl(await one.site.send("GET", "/a")) is None
    async with running(folder) as other:
        kept = ttl(await other.site.send("GET", "/a", headers={"X-Other": "1"}))
        assert kept is not None
        assert 0 < float(kept.removesuffix("s")) <= 30
        async with raw(shared_redis) as redis:
            keys = [key async for key in redis.scan_iter("gw1:endpoints:*")]
            assert len(keys) == 1
            assert 0 < await redis.pttl(keys[0]) <= 30_000
    assert up.hits["/ok"] == 1


async def test_without_its_redis_an_endpoint_answers(
    folder: Folder, up: Upstream, own_redis: RedisServer
) -> None:
    store = {"redis": {"address": f"127.0.0.1:{own_redis.port}", "password": "p"}}
    write(folder, endpoint(cache=ON), store=store)
    async with running(folder) as server:
        own_redis.kill()

        async def keeps() -> bool:
            found = await server.site.send("GET", "/a")
            assert found.status == 200
            return ttl(found) is not None

        await eventually(keeps, 20)


async def test_tokens_of_clients_are_in_the_shared_store(
    folder: Folder, up: Upstream, shared_redis: RedisServer
) -> None:
    settings = f'[store]\nurl = "{shared_redis.url}"\ntimeout = "2s"\nprefix = "gw2"'
    folder.settings(settings)
    write(folder, endpoint(limiter={"rate": {"capacity": 2, "every": "1h"}}))
    async with running(folder) as one, running(folder) as other:
        sites = (one.site, other.site, one.site, other.site)
        found = [(await site.send("GET", "/a")).status for site in sites]
    assert found == [200, 200, 429, 429]


async def test_passwords_are_nowhere(folder: Folder, up: Upstream) -> None:
    store = {"redis": {"address": "127.0.0.1:1", "password": "s3cret-password"}}
    write(folder, endpoint(), store=store)
    folder.settings(server="docs = true")
    async with running(folder, stores=MemoryStores()) as server:
        shown = await server.site.send("GET", "/settings")
        assert shown.status == 200
        assert shown.json()["endpoints"][0]["path"] == "/a"
        assert "s3cret" not in json.dumps(shown.json())
        gateways = server.current.engine.definitions.gateways
        assert "s3cret" not in repr(gateways)
        assert server.current.engine.redaction("it is s3cret-password") != "it is s3cret-password"


async def test_paths_that_only_look_alike_are_kept_apart(folder: Folder, up: Upstream) -> None:
    """Of `/x%2Fy/z` and `/x/y%2Fz` other segments are the parameters."""
    backends = [backend("/users/:b")]
    write(folder, endpoint("/:a/:b", cache=ON, backends=backends))
    async with running(folder) as server:
        assert (await server.site.send("GET", "/x%2F2/1")).json()["name"] == "Ada"
        found = await server.site.send("GET", "/x/2%2F1")
        assert (found.status, ttl(found)) == (404, None)
