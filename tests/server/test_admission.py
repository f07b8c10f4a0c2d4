"""Bounded admission: places, the line, refusals on arrival; in virtual time and over sockets."""

from __future__ import annotations

import asyncio
import json

import pytest

from apiql.errors import Code
from apiql.server.admission import Admission, Overloaded
from apiql.settings import Limits
from tests.server.client import JSON, read_response
from tests.server.front import front
from tests.virtual import virtually


def admission(queries: int = 2, waiting: int = 10, wait: float = 2.0) -> Admission:
    return Admission(Limits(queries=queries, queries_waiting=waiting, queries_wait=wait))


def test_places_are_taken_and_given_back_without_a_loop() -> None:
    door = admission(queries=2)
    assert [door.enter(), door.enter(), door.enter()] == [True, True, False]
    door.leave()
    assert (door.running, door.enter(), door.running) == (1, True, 2)


@virtually
async def test_first_come_first_served() -> None:
    door, order = admission(queries=1), list[int]()
    assert door.enter()

    async def come(number: int) -> None:
        await door.wait()
        order.append(number)
        door.leave()

    tasks = [asyncio.create_task(come(number)) for number in range(5)]
    await asyncio.sleep(0.1)
    assert (door.running, door.waiting, order) == (1, 5, [])
    door.leave()
    await asyncio.gather(*tasks)
    assert (order, door.running, door.waiting) == ([0, 1, 2, 3, 4], 0, 0)


@virtually
async def test_who_waits_too_long_is_refused() -> None:
    door = admission(queries=1)
    door.enter()
    with pytest.raises(Overloaded) as refused:
        await door.wait()
    assert asyncio.get_running_loop().time() == pytest.approx(2.0)
    assert (refused.value.code, refused.value.headers) == (Code.OVERLOADED, {"Retry-After": "1"})
    assert (door.running, door.waiting, door.refused) == (1, 0, 1)


@virtually
async def test_a_client_with_less_patience_waits_less() -> None:
    door = admission(queries=1)
    door.enter()
    with pytest.raises(Overloaded):
        await door.wait(0.5)
    assert asyncio.get_running_loop().time() == pytest.approx(0.5)


@virtually
async def test_a_full_line_refuses_at_once() -> None:
    door = admission(queries=1, waiting=3)
    door.enter()
    tasks = [asyncio.create_task(door.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert door.is_shut()
    with pytest.raises(Overloaded):
        await door.wait()
    assert asyncio.get_running_loop().time() == 0
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (door.waiting, door.is_shut()) == (0, False)


@virtually
async def test_nobody_waits_where_no_waiting_is_allowed() -> None:
    door = admission(queries=1, waiting=0)
    door.enter()
    assert door.is_shut()
    door.leave()
    assert not door.is_shut()


async def _served(door: Admission, seconds: float, offered: int) -> tuple[list[float], list[float]]:
    """What came of so many requests a second for 10 s: how long those waited that were carried
    out, and after how long the others were refused.
    """
    waited: list[float] = []
    refused: list[float] = []

    async def one() -> None:
        begun = asyncio.get_running_loop().time()
        try:
            waited.append(0.0 if door.enter() else await door.wait())
        except Overloaded:
            return refused.append(asyncio.get_running_loop().time() - begun)
        await asyncio.sleep(seconds)
        door.leave()

    tasks = []
    for _ in range(10 * offered):
        tasks.append(asyncio.create_task(one()))
        await asyncio.sleep(1 / offered)
    await asyncio.gather(*tasks)
    return waited, refused


@virtually
async def test_refused_on_arrival_rather_than_after_the_wait() -> None:
    door = admission(queries=10, waiting=2048)
    waited, refused = await _served(door, 0.05, 700)  # 200 a second can be carried out
    assert len(waited) >= 0.98 * 200 * 10  # nothing of the capacity is lost
    assert max(waited) <= 2.0
    late = [seconds for seconds in refused if seconds > 0.05]
    assert len(late) <= 0.01 * len(refused)
    assert (door.running, door.waiting) == (0, 0)


@virtually
async def test_nothing_is_refused_below_the_capacity() -> None:
    door = admission(queries=10)
    _, refused = await _served(door, 0.05, 190)
    assert refused == []


@virtually
async def test_where_nothing_moves_the_rest_is_refused_at_once() -> None:
    door = admission(queries=1)
    door.enter()
    first = asyncio.create_task(door.wait())
    await asyncio.sleep(1.6)
    assert door.is_shut()
    await asyncio.gather(first, return_exceptions=True)
    assert not door.is_shut()  # one may always wait: what has gone wrong may be over


@virtually
async def test_a_place_handed_on_to_one_that_leaves_is_not_lost() -> None:
    door = admission(queries=1)
    door.enter()
    leaving = asyncio.create_task(door.wait())
    staying = asyncio.create_task(door.wait())
    await asyncio.sleep(0)
    door.leave()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await staying
    door.leave()
    assert (door.running, door.waiting) == (0, 0)


@virtually
async def test_other_limits_are_minded_from_now_on() -> None:
    door = admission(queries=1)
    door.enter()
    tasks = [asyncio.create_task(door.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    door.settle(Limits(queries=3))
    await asyncio.sleep(0)
    assert [task.done() for task in tasks] == [True, True, False]
    door.settle(Limits(queries=1))
    door.leave()
    door.leave()
    assert (door.running, tasks[2].done()) == (1, False)
    door.leave()
    await tasks[2]
    door.leave()
    assert door.running == 0


async def test_the_refusal_over_a_socket() -> None:
    async with front(LIMITS__QUERIES="1", LIMITS__QUERIES_WAITING="1") as found:
        busy = [await found.asked(1), await found.asked(2)]
        await found.until(1, 1)
        calls = found.held.calls
        refused = await found.site.ask("this is not even read")
        assert (refused.status, refused.codes()) == (503, ["OVERLOADED"])
        assert refused.media == "application/problem+json"
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["title"] == "Service Unavailable"
        for path in ("/livez", "/readyz"):
            assert (await found.site.send("GET", path)).status == 200
        assert (await found.site.send("GET", "/query/a")).status == 503
        assert found.held.calls == calls
        found.held.open.set()
        assert [await task for task in busy] == [200, 200]
        assert (await found.site.ask("select * from /ok")).status == 200
        figures = {figure.name: figure.value for figure in found.app.door.figures()}
        assert figures["apiql_queries_refused_total"] == 2
        assert figures["apiql_queries_running"] == 0


async def test_a_refused_client_keeps_its_connection_and_its_body_is_not_read_as_a_request() -> (
    None
):
    body = json.dumps({"query": "select * from /ok"}).encode()
    head = f"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: {len(body)}"
    async with front(LIMITS__QUERIES="1", LIMITS__QUERIES_WAITING="0") as found:
        busy = await found.asked(1)
        await found.until(1)
        reader, writer = await found.site.connect()
        for _ in range(5):
            writer.write(head.encode() + b"\r\n\r\n")
            assert (await read_response(reader)).status == 503  # before the body is sent
            writer.write(body)
        found.held.open.set()
        assert await busy == 200
        writer.write(head.encode() + b"\r\n\r\n" + body)
        assert (await read_response(reader)).status == 200
        writer.close()


async def test_a_client_that_leaves_the_line_frees_it() -> None:
    async with front(LIMITS__QUERIES="1", LIMITS__QUERIES_WAITING="1") as found:
        busy = await found.asked(1)
        await found.until(1)
        waiting = await found.asked(2)
        await found.until(1, 1)
        waiting.cancel()
        await found.until(1, 0)
        found.held.open.set()
        assert await busy == 200
        await found.until(0)


async def test_a_stream_counts_while_it_runs() -> None:
    async with front(LIMITS__QUERIES="1", LIMITS__QUERIES_WAITING="0") as found:
        reader, writer = await found.site.connect()
        text = b"select * from /ok; select * from /hold as h"
        head = b"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
        accept = b"Accept: application/x-ndjson\r\nContent-Length: %d\r\n\r\n" % len(text)
        writer.write(head + accept + text)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        assert (await found.site.ask("select * from /ok")).status == 503
        found.held.open.set()
        await reader.readuntil(b'"end"')
        await found.until(0)
        assert (await found.site.ask("select * from /ok")).status == 200
        writer.close()


async def test_what_was_waited_is_taken_from_the_time_of_the_query() -> None:
    async with front(LIMITS__QUERIES="1", LIMITS__QUERY_TIMEOUT="1s") as found:
        await found.asked(1)
        await found.until(1)
        late = await found.site.ask("select * from /hold as h where n = 2", prefer="wait=1")
        assert late.status in (503, 504)
        found.held.open.set()


@pytest.mark.parametrize("text", ["select", "select * from /a where b = $c", "nonsense"])
async def test_queries_that_are_refused_give_their_place_back(text: str) -> None:
    async with front(LIMITS__QUERIES="1", LIMITS__QUERIES_WAITING="0") as found:
        for _ in range(3):
            assert (await found.site.ask(text)).status in (400, 422)
        assert found.app.door.admission.running == 0
