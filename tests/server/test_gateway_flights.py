"""Requests that miss the same kept answer at the same time: one has it made for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from apiql.frontends.endpoints.lowered import GatewayAnswer
from apiql.server.gateway_flights import Flights, Turn
from apiql.server.gateway_route import ending_of
from tests.server.client import Response, request_bytes
from tests.server.conf import Folder, Running, running
from tests.server.gateways import backend, endpoint, write
from tests.server.test_gateway_cache import ttl
from tests.server.test_gateways import refusal
from tests.server.upstream import Exchange, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

ON = {"enabled": True, "duration": "30s"}
Answers = Callable[[Exchange], Awaitable[None]]


@pytest.fixture
def folder(tmp_path: Path, up: Upstream) -> Folder:
    return Folder(tmp_path / "conf", up.port)


@dataclass
class Gate:
    """A backend that answers once it is opened, as a test says."""

    answers: Answers
    asked: asyncio.Queue[Exchange] = field(default_factory=asyncio.Queue)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, exchange: Exchange) -> None:
        self.asked.put_nowait(exchange)
        await self.opened.wait()
        await self.answers(exchange)


async def well(exchange: Exchange) -> None:
    await exchange.answer(200, b'{"ok":true}')


def gate(up: Upstream, monkeypatch: pytest.MonkeyPatch, answers: Answers = well) -> Gate:
    """A gate at /gate of the upstream."""
    made = Gate(answers)
    monkeypatch.setitem(up.faults, "/gate", made)
    return made


async def waiting(server: Running, count: int) -> None:
    """Until so many wait for what somebody has made."""
    gateways = server.current.held.gateways
    assert gateways is not None
    while sum(map(len, gateways.flights._waiting.values())) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.002)


def asks(server: Running, count: int, path: str = "/a") -> list[asyncio.Task[Response]]:
    return [asyncio.create_task(server.site.send("GET", path)) for _ in range(count)]


async def test_one_has_the_answer_made_for_all(
    folder: Folder, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, endpoint(cache=ON, backends=[backend("/gate")]))
    gated = gate(up, monkeypatch)
    async with running(folder) as server, asyncio.timeout(20):
        tasks = asks(server, 5)
        other = asks(server, 1, "/a?x=1")
        await waiting(server, 4)
        gated.opened.set()
        found = [await task for task in (*tasks, *other)]
        assert {(each.status, each.body) for each in found} == {(200, b'{"ok":true}')}
        assert sorted(ttl(each) is not None for each in found) == [False] * 2 + [True] * 4
        await waiting(server, 0)
        assert server.current.held.gateways is not None
        assert not server.current.held.gateways.flights._waiting
    assert up.hits["/gate"] == 2


async def test_who_leaves_hands_the_lead_on(
    folder: Folder, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, endpoint(cache=ON, backends=[backend("/gate")]))
    gated = gate(up, monkeypatch)
    async with running(folder) as server, asyncio.timeout(20):
        first, leaves = await server.site.connect(), request_bytes("GET", "/a", b"", {})
        first[1].write(leaves)
        await gated.asked.get()
        second = await server.site.connect()
        second[1].write(leaves)
        await waiting(server, 1)
        tasks = asks(server, 2)
        await waiting(server, 3)
        second[1].transport.abort()  # one that only waits
        first[1].transport.abort()
        await gated.asked.get()
        gated.opened.set()
        assert [(await task).status for task in tasks] == [200, 200]
    assert up.hits["/gate"] == 2


async def test_a_failure_is_told_to_all_and_not_kept(
    folder: Folder, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, endpoint(cache=ON, backends=[backend("/gate", method="POST")]))

    async def ends(_: Exchange) -> None:
        raise ConnectionResetError

    gated = gate(up, monkeypatch, ends)
    async with running(folder) as server, asyncio.timeout(20):
        tasks = asks(server, 3)
        await waiting(server, 2)
        gated.opened.set()
        for task in tasks:
            assert refusal(await task, 502, "/a").startswith("bad gateway error: ")
        assert up.hits["/gate"] == 1
        monkeypatch.setattr(gated, "answers", well)
        assert ttl(await server.site.send("GET", "/a")) is None
    assert up.hits["/gate"] == 2


@pytest.mark.parametrize("fields", [("Set-Cookie: session=1",), ()])
async def test_what_is_not_kept_is_one_callers(
    folder: Folder, up: Upstream, monkeypatch: pytest.MonkeyPatch, fields: tuple[str, ...]
) -> None:
    write(folder, endpoint(cache=ON, backends=[backend("/gate")]))
    status = 200 if fields else 404

    async def personal(exchange: Exchange) -> None:
        await exchange.answer(status, b"{}", *fields)

    gated = gate(up, monkeypatch, personal)
    async with running(folder) as server, asyncio.timeout(20):
        tasks = asks(server, 3)
        await waiting(server, 2)
        gated.opened.set()
        found = [await task for task in tasks]
        assert [(each.status, ttl(each)) for each in found] == [(status, None)] * 3
    assert up.hits["/gate"] == 3


async def test_each_has_its_own_time(
    folder: Folder, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, endpoint(cache=ON, timeout="1200ms", backends=[backend("/gate")]))
    gated = gate(up, monkeypatch)
    async with running(folder) as server, asyncio.timeout(20):
        first = asks(server, 1)
        await gated.asked.get()
        await asyncio.sleep(1)
        second = asks(server, 1)
        assert refusal(await first[0], 504, "/a") == "gateway timeout: 1.2s"
        await gated.asked.get()  # the second leads, in the time that it has left
        gated.opened.set()
        assert (await second[0]).status == 200


async def test_each_has_a_time_of_its_own_but_backends_are_the_same() -> None:
    for status, ending in ((504, Turn.LEAD), (400, Turn.LOOK), (500, Turn.LOOK)):
        assert ending_of(GatewayAnswer(status, (), b"")) is ending
    unreached = GatewayAnswer(502, (), b"why")
    assert ending_of(unreached) is unreached


async def test_the_lead_is_handed_on_by_who_leaves_as_it_comes() -> None:
    flights, key = Flights(), (b"key",)
    assert await flights.turn(key) is Turn.LEAD
    second, third = (asyncio.create_task(flights.turn(key)) for _ in range(2))
    await asyncio.sleep(0)
    flights.over(key, Turn.LEAD)
    second.cancel()  # it leads already, and has not heard of it
    assert await third is Turn.LEAD
    flights.over(key, Turn.LEAD)
    assert second.cancelled()
    assert await flights.turn(key) is Turn.LEAD  # nobody is left there


async def test_who_waits_no_longer_is_passed_by() -> None:
    for ending in (Turn.LEAD, Turn.LOOK):
        flights, key = Flights(), (b"key",)
        assert await flights.turn(key) is Turn.LEAD
        second, third = (asyncio.create_task(flights.turn(key)) for _ in range(2))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        flights.over(key, ending)
        assert await third is ending


async def test_who_wants_no_kept_answer_waits_for_nobody(
    folder: Folder, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ON | {"allow-cache-control": True}
    write(folder, endpoint(cache=cache, backends=[backend("/gate")]))
    gated = gate(up, monkeypatch)
    async with running(folder) as server, asyncio.timeout(20):
        first = asks(server, 1)
        await gated.asked.get()
        fresh = {"Cache-Control": "no-cache"}
        other = asyncio.create_task(server.site.send("GET", "/a", headers=fresh))
        await gated.asked.get()
        gated.opened.set()
        assert [ttl(await task) for task in (*first, other)] == [None, None]


async def test_who_waited_for_a_place_looks_again(
    folder: Folder, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.settings("[limits]\nqueries = 1\nqueries_waiting = 10")
    write(folder, endpoint(cache=ON, backends=[backend("/gate")]))
    gated = gate(up, monkeypatch)
    async with running(folder) as server, asyncio.timeout(20):
        tasks = asks(server, 4)
        await gated.asked.get()
        await asyncio.sleep(0.05)
        gated.opened.set()
        assert [(await task).status for task in tasks] == [200] * 4
    assert up.hits["/gate"] == 1
