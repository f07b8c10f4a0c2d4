"""What one answer does to the next on its connection, and what is never sent twice."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.caller import Caller
from tests.faults.running import Faulty, Served

WELL = {"ok": {"ok": True}}


@pytest.mark.parametrize(
    ("path", "each"), [("/desync", 20), ("/204-with-body", 5), ("/wrong-length-long", 5)]
)
async def test_no_answer_is_foreign_after_a_desynchronised_one(
    server: Served, faults: Faulty, path: str, each: int
) -> None:
    async def pair(caller: Caller, number: int) -> list[bytes]:
        first = await caller.ask(f"select * from {path}?n={number} as f")
        second = await caller.ask(f"select id from /obj/{number} as own")
        assert second.data() == {"own": {"id": str(number)}}
        return [first.response.body, second.response.body]

    async def client(start: int) -> list[bytes]:
        async with Caller(server.port) as caller:
            return [body for n in range(each) for body in await pair(caller, start + n)]

    found = await asyncio.gather(*(client(n * each) for n in range(20)))
    bodies = [body for part in found for body in part]
    assert len(bodies) == 40 * each
    assert not [body for body in bodies if b"forged" in body]
    assert faults.count(path)["hits"] == 20 * each


@pytest.mark.parametrize("path", ["/keepalive-trap", "/stale-keepalive"])
async def test_a_kept_connection_that_is_dead_fails_nobody(
    server: Served, faults: Faulty, path: str
) -> None:
    async with Caller(server.port) as caller:
        for _ in range(40):
            trapped = await caller.ask(f"select * from {path} as f")
            assert trapped.data() == {"f": {"ok": True}}
            assert (await caller.ask("select * from /ok")).data() == WELL
    assert faults.count(path)["hits"] == 40


@pytest.mark.parametrize("path", ["/flaky/post?fail=99", "/close", "/reset", "/status/503"])
async def test_a_post_is_never_sent_twice(server: Served, faults: Faulty, path: str) -> None:
    async with Caller(server.port) as caller:
        for number in range(10):
            assert (await caller.ask("select * from /ok")).data() == WELL  # a connection is kept
            answer = await caller.ask(f"select * post from {path} as f where number = {number}")
            assert answer.data() == {"f": None}
    name = path.partition("?")[0].replace("/post", "/{}").replace("/503", "/{}")
    assert faults.count(name)["hits"] == 10


async def test_a_post_may_be_answered_before_it_is_read(server: Served) -> None:
    text = "x" * 10_000
    async with Caller(server.port) as caller:
        refused = await caller.ask(f"select * post from /early-413 as f where text = '{text}'")
        well = await caller.ask(f"select * post from /early-response as f where text = '{text}'")
    assert well.data() == {"f": {"ok": True}}
    assert refused.response.codes() == ["UPSTREAM_STATUS"]


async def test_no_cookie_of_one_caller_reaches_another(server: Served, faults: Faulty) -> None:
    async with Caller(server.port) as one, Caller(server.port) as other:
        for _ in range(5):
            await one.ask("select * from /set-cookie as f")
            seen = await other.ask("select headers from /echo as e")
            assert b"sid=" not in seen.response.body
