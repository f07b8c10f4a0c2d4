"""An upstream with hosts from its settings on: every transport, figures, what begins and ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from apiql.engine import Query
from apiql.errors import Code
from apiql.events import CallMade, Event, HostMoved, Notice
from apiql.opened import OpenEngine
from apiql.settings import Health, Hedge, Host, Settings, Upstream
from apiql.sources.call import Call, Layer, Origin, Reply
from apiql.sources.fleet import Surroundings, fleet_of
from apiql.sources.http import PooledTransport
from apiql.sources.stack import Stack, build_stack
from apiql.stores.memory import MemoryStores
from tests.sources.raw_upstream import (
    OK,
    Peer,
    RawUpstream,
    answering,
    call,
    failure,
    hanging,
    reply,
    until,
    upstream,
)
from tests.sources.test_tls import CERTS, server_tls

SHOP = Origin("http", "shop.test", 80, pinned=True)
JSON = reply(b'{"id": 7}', "Content-Type: application/json")


def settings(*raws: RawUpstream, scheme: str = "http", **more: Any) -> Settings:
    hosts = tuple(Host(url=f"{scheme}://127.0.0.1:{raw.port}") for raw in raws)
    shop = Upstream(url=f"{scheme}://shop.test", hosts=hosts, **more)
    return Settings(upstreams={"shop": shop, "default": shop})


def figures(stack: Stack) -> dict[str, float]:
    found = {}
    for read in stack.figures:
        for figure in read():
            host = figure.labels.get("host", "").rpartition(":")[2]
            found[f"{figure.name}{host and ':'}{host}"] = figure.value
    return found


async def test_calls_of_the_url_go_to_the_hosts():
    async with upstream(answering(OK)) as one, upstream(answering(OK)) as two:
        stack = build_stack(settings(one, two), MemoryStores())
        for number in range(6):
            assert (await stack.layer(call(SHOP, f"/{number}"))).body == b"ok"
        assert len(one.requests) == len(two.requests) == 3
        assert figures(stack)["apiql_hosts_healthy"] == 2
        assert figures(stack)[f"apiql_host_calls:{one.port}"] == 0
        await stack.aclose()


@pytest.mark.parametrize(
    "more", [{"proxy": True}, {"trust_env": True}, {"http2": True, "proxy": True}]
)
async def test_they_go_through_whatever_the_upstream_needs(more, monkeypatch):
    async with upstream(answering(OK)) as one, upstream(answering(OK)) as two:
        async with upstream(answering(OK)) as proxy:
            given = dict(more)
            if "proxy" in more:
                given["proxy"] = proxy.url
            for name in ("http_proxy", "no_proxy", "HTTP_PROXY", "NO_PROXY", "all_proxy"):
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.setenv("no_proxy", f"127.0.0.1:{two.port}")
            stack = build_stack(settings(one, two, **given), MemoryStores())
            for number in range(4):
                assert (await stack.layer(call(SHOP, f"/{number}"))).status == 200
            await stack.aclose()
            seen = [len(each.requests) for each in (one, two, proxy)]
    assert seen == ([0, 0, 4] if "proxy" in more else [0, 2, 2])


async def test_tls_is_that_of_each_host_by_its_own_name():
    authority = str(CERTS / "authority.pem")
    async with upstream(answering(OK), tls=server_tls()) as one:
        async with upstream(answering(OK), tls=server_tls()) as two:
            stack = build_stack(
                settings(one, two, scheme="https", verify=authority), MemoryStores()
            )
            url = Origin("https", "shop.test", 443, pinned=True)
            for number in range(4):
                assert (await stack.layer(call(url, f"/{number}"))).status == 200
            assert len(one.requests) == len(two.requests) == 2
            await stack.aclose()
            strict = build_stack(settings(one, two, scheme="https"), MemoryStores())
            failed = await failure(strict.layer, url)
            assert failed.message == "the TLS certificate is not trusted"
            await strict.aclose()


async def test_certificates_are_not_checked_where_the_operator_says_so():
    async with upstream(answering(OK), tls=server_tls()) as raw:
        shop = Upstream(url=f"https://127.0.0.1:{raw.port}", verify=False)
        stack = build_stack(Settings(upstreams={"shop": shop}), MemoryStores())
        at = Origin("https", "127.0.0.1", raw.port, pinned=True)
        assert (await stack.layer(call(at))).body == b"ok"
        await stack.aclose()


async def test_everything_outside_knows_the_url_only():
    events: list[Event] = []
    sick = reply(b"", status="503 Service Unavailable")
    async with upstream(answering(JSON, JSON, sick)) as one:
        async with OpenEngine.from_settings(settings(one)) as engine:
            for _ in range(2):  # kept under the url, whichever host answers
                text = "select id from /a as a cache 60s"
                found = await engine.answer(Query(text, {}), events.append)
                assert found.data == b'{"a":{"id":7}}'
            assert len(one.requests) == 1
            await engine.answer(Query("select id from /b as b", {}))
            failed = await engine.answer(Query("select id from /c as c", {}))
    calls = [event for event in events if isinstance(event, CallMade)]
    assert {event.service for event in calls} == {"default"}
    assert str(one.port) not in str(failed.errors)
    assert failed.errors[0]["code"] == Code.UPSTREAM_STATUS


async def test_a_hedge_over_hosts_of_the_settings():
    async with upstream(hanging) as stuck, upstream(answering(OK)) as well:
        hedge = Hedge(budget=1.0, least=0.02)
        made = settings(stuck, well, hedge=hedge)
        around = Surroundings(time.monotonic)
        usual = PooledTransport()
        fleet = fleet_of(
            "shop", made.upstreams["shop"], lambda _: usual, lambda _, it: (it, None), 5.0, around
        )
        hanging_calls = []
        while len(well.requests) < 60:
            hanging_calls.append(asyncio.ensure_future(fleet.layer(call(SHOP))))
            await asyncio.wait(hanging_calls, timeout=0.002)
        replies = await asyncio.gather(*hanging_calls[-20:])
        assert {each.body for each in replies} == {b"ok"}
        for task in hanging_calls:
            task.cancel()
        await asyncio.wait(hanging_calls)
        for close in (*fleet.closes, usual.aclose):
            await close()


async def test_a_hedge_without_hosts_goes_to_the_url_again():
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            if len(raw.requests) == 41:
                await peer.gone()
                return
            await peer.send(OK)

    async with upstream(script) as raw:
        shop = Upstream(url=raw.url, hedge=Hedge(budget=1.0, least=0.02))
        stack = build_stack(Settings(upstreams={"shop": shop}), MemoryStores())
        for number in range(45):
            assert (await stack.layer(call(raw.origin, f"/{number}"))).body == b"ok"
        found = figures(stack)
        assert found["apiql_hedges_won_total"] >= 1
        await until(lambda: raw.open == 1)
        await stack.aclose()


async def test_checks_begin_with_the_engine_and_end_with_it():
    told: list[Notice] = []
    sick = reply(b"", status="503 Service Unavailable")
    async with upstream(answering(sick)) as one, upstream(answering(JSON)) as two:
        made = settings(one, two, health=Health(path="/health", every=5, timeout=5))
        opened = OpenEngine.from_settings(made, told=told.append)
        async with opened as engine:
            await until(lambda: bool(told) and len(two.requests) == 1)
            assert figures(opened.stack)["apiql_hosts_healthy"] == 1
            for _ in range(4):
                found = await engine.answer(Query("select id from /a as a", {}))
                assert found.data == b'{"a":{"id":7}}'
        assert all(each.startswith(b"GET /health ") for each in one.requests)
        assert len(asyncio.all_tasks()) < 6  # of the two upstreams here, no more of the checks
    where = f"http://127.0.0.1:{one.port}"
    why = "its health check failed: status 503"
    assert HostMoved("shop", where, False, why) in told


async def test_checks_of_a_single_url_tell_and_change_nothing():
    told: list[Notice] = []

    async def script(peer: Peer) -> None:
        while True:
            asked = await peer.request()
            sick = asked.startswith(b"GET /health ")
            await peer.send(reply(b"", status="500 No") if sick else OK)

    async with upstream(script) as raw:
        health = Health(path="/health", every=5, timeout=5)
        shop = Upstream(url=f"{raw.url}/api", health=health)
        stack = build_stack(Settings(upstreams={"shop": shop}), MemoryStores(), told=told.append)
        assert (await stack.layer(call(raw.origin, "/a"))).body == b"ok"  # begins the checks
        await until(lambda: bool(told))
        assert (await stack.layer(call(raw.origin, "/b"))).body == b"ok"
        found = figures(stack)
        assert (found["apiql_hosts"], found["apiql_hosts_healthy"]) == (1, 0)
        await stack.aclose()


async def test_each_host_has_its_own_guard_and_checks_go_past_it():
    async with upstream(answering(OK)) as one, upstream(answering(OK)) as two:
        made = settings(one, two, health=Health(path="/health"))
        shut: set[Origin] = {one.origin}
        passed: list[Origin] = []

        def guard(origin: Origin, transport: Layer) -> tuple[Layer, Callable[[], bool]]:
            async def layer(each: Call) -> Reply:
                passed.append(origin)
                return await transport(each)

            return layer, lambda: origin in shut

        usual, around = PooledTransport(), Surroundings(time.monotonic)
        shop = made.upstreams["shop"]
        fleet = fleet_of("shop", shop, lambda _: usual, guard, 5.0, around)
        assert fleet.begin is not None
        fleet.begin()
        await until(lambda: bool(one.requests and two.requests))
        for _ in range(4):
            await fleet.layer(call(SHOP, "/a"))
        assert passed == [two.origin] * 4
        shut.clear()
        for _ in range(4):
            await fleet.layer(call(SHOP, "/a"))
        assert set(passed[4:]) == {one.origin, two.origin}
        for close in (*fleet.closes, usual.aclose):
            await close()


async def test_weights_and_headers_of_the_settings_are_minded():
    async with upstream(answering(OK)) as one, upstream(answering(OK)) as two:
        hosts = (Host(url=one.url), Host(url=two.url, weight=3))
        shop = Upstream(
            url="http://shop.test", hosts=hosts, headers={"Authorization": "key"},
            health=Health(path="/health"),
        )  # fmt: skip
        stack = build_stack(Settings(upstreams={"shop": shop}), MemoryStores())
        for number in range(40):
            await stack.layer(call(SHOP, f"/{number}"))
        await until(lambda: len(one.requests) + len(two.requests) == 42)
        checks = [each for each in one.requests if each.startswith(b"GET /health ")]
        assert len(checks) == 1
        assert b"Authorization: key\r\n" in checks[0]
        assert len(two.requests) - 1 == 30
        await stack.aclose()


async def test_nothing_is_built_in_that_is_not_asked_for():
    plain = Upstream(url="http://shop.test")
    usual = PooledTransport()
    around = Surroundings(time.monotonic)
    fleet = fleet_of("shop", plain, lambda _: usual, lambda _, it: (it, None), 5.0, around)
    assert (fleet.layer, fleet.closes, fleet.figures) == (usual, (), ())
    stack = build_stack(Settings(upstreams={"shop": plain}), MemoryStores())
    assert not stack.begins
    assert not any(name.startswith(("apiql_host", "apiql_hedge")) for name in figures(stack))
    await stack.aclose()
    await usual.aclose()
