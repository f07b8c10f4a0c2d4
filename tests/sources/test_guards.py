"""Engines whose upstreams are dead, slow or busy, over real sockets: what they are still asked."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from apiql.engine import Query
from apiql.errors import CallFailed, Code
from apiql.events import CircuitMoved, Event, Notice, Retried
from apiql.opened import OpenEngine
from apiql.runtime.assemble import Answer
from apiql.settings import Settings
from apiql.sources.circuit import BreakerRules, Phase, Verdict
from apiql.sources.circuits import Circuits, Sharing
from apiql.sources.limit import STILL
from apiql.sources.stack import build_stack
from apiql.stores.memory import MemoryStores
from tests.ports import free_port
from tests.sources.raw_upstream import (
    Peer,
    RawUpstream,
    answering,
    call,
    hanging,
    once,
    reply,
    until,
    upstream,
)

JSON = "Content-Type: application/json"
WELL = reply(b'{"id":1}', JSON)
BROKEN = reply(b"", status="503 Service Unavailable")
USER = "select * from /users/1 as u"


def settings(*urls: str, **more: Any) -> Settings:
    names = ["default", "other"]
    tables = {name: {"url": url, **more} for name, url in zip(names, urls, strict=False)}
    return Settings.model_validate({"upstreams": tables})


def codes(answer: Answer) -> list[str]:
    return [error["code"] for error in answer.errors]


def status(code: int, *fields: str) -> bytes:
    return reply(b"", *fields, status=f"{code} No")


# -- more tries ---------------------------------------------------------------------------------


async def test_a_connection_that_is_refused_is_tried_once_more():
    events: list[Event] = []
    url = f"http://127.0.0.1:{free_port()}"
    async with OpenEngine.from_settings(settings(url)) as engine:
        answer = await engine.answer(Query(USER), events.append)
    assert codes(answer) == ["UPSTREAM_CONNECT"]
    assert [type(event).__name__ for event in events[:3]] == ["CallMade", "CallMade", "Retried"]


@pytest.mark.parametrize("method", ["post", "patch"])
async def test_what_may_not_be_made_twice_is_not_tried_again(method):
    events: list[Event] = []
    url = f"http://127.0.0.1:{free_port()}"
    async with OpenEngine.from_settings(settings(url)) as engine:
        await engine.answer(Query(f"select * {method} from /users/1 as u"), events.append)
    assert not any(isinstance(event, Retried) for event in events)


@pytest.mark.parametrize("ends", ["fin", "reset"])
async def test_what_was_sent_is_not_sent_again_unasked(ends):
    async with upstream(once(b"", ends=ends)) as up:
        async with OpenEngine.from_settings(settings(up.url)) as engine:
            assert codes(await engine.answer(Query(USER))) == ["UPSTREAM_CONNECT"]
        assert len(up.requests) == 1


async def test_a_source_says_for_what_it_is_tried_again():
    async with upstream(answering(status(502), status(429), WELL)) as up:
        retry = {"times": 3, "on": ["5xx", "429"], "backoff": "1ms"}
        async with OpenEngine.from_settings(settings(up.url, retry=retry)) as engine:
            answer = await engine.answer(Query(USER))
        assert (answer.status, answer.data) == (200, b'{"u":{"id":1}}')
        assert len(up.requests) == 3


async def test_each_try_has_its_own_time():
    scripts = (hanging, answering(WELL))
    async with upstream(*scripts) as up:
        retry = {"times": 1, "on": ["timeout"], "each": "50ms", "backoff": "1ms"}
        async with OpenEngine.from_settings(settings(up.url, retry=retry)) as engine:
            assert (await engine.answer(Query(USER))).status == 200


async def test_a_dead_upstream_sees_a_tenth_more_calls():
    """300 queries that all fail, all of which ask to be tried again."""
    async with upstream(answering(BROKEN)) as up:
        async with OpenEngine.from_settings(settings(up.url, breaker=False)) as engine:
            for number in range(300):
                text = f"select * from /users/{number} as u retry 3 backoff 1ms"
                assert codes(await engine.answer(Query(text))) == ["UPSTREAM_STATUS"]
        assert 300 < len(up.requests) <= 330


# -- the breaker --------------------------------------------------------------------------------


async def test_a_dead_upstream_sees_five_calls_and_those_under_way():
    """Then nothing: what is refused is refused without a call, and says when to come again."""
    told: list[Notice] = []
    async with upstream(answering(BROKEN)) as up:
        opened = OpenEngine.from_settings(settings(up.url), told=told.append)
        async with opened as engine:
            texts = [f"select * from /users/{n} as u" for n in range(100)]
            for begin in range(0, 100, 10):
                await asyncio.gather(*[engine.answer(Query(t)) for t in texts[begin : begin + 10]])
            assert len(up.requests) <= 5 + 10
            loop = asyncio.get_running_loop()
            began = loop.time()
            answer = await engine.answer(Query(USER))
            assert loop.time() - began < 0.1
        assert answer.status == 503
        assert answer.retry_after is not None
        assert 8 <= answer.retry_after <= 10
        error = answer.errors[0]
        assert (error["code"], error["retryable"]) == ("CIRCUIT_OPEN", True)
        assert error["message"] == "u: default was not called: its circuit is open"
        [moved] = told
        assert isinstance(moved, CircuitMoved)
        assert (moved.origin, moved.state) == (up.url, "open")
    figures = {figure.name: figure.value for read in opened.stack.figures for figure in read()}
    assert figures["apiql_circuit_open"] == figures["apiql_circuit_opened_total"] == 1
    assert figures["apiql_circuit_refused_total"] > 80


@pytest.mark.parametrize(
    ("clause", "data"),
    [
        ('fallback {"id": 0}', b'{"u":{"id":0}}'),
        ("optional", b'{"u":null}'),
        ('within 1s or {"id": 2}', b'{"u":{"id":2}}'),
        ("else select * from other", b'{"u":{"id":1}}'),
    ],
)
async def test_what_stands_in_for_a_closed_way(clause, data):
    async with upstream(answering(BROKEN)) as up, upstream(answering(WELL)) as well:
        tables = {
            "default": {"url": up.url},
            "b": {"url": well.url, "sources": {"other": {"path": "/x"}}},
        }
        made = Settings.model_validate({"upstreams": tables})
        async with OpenEngine.from_settings(made) as engine:
            for _ in range(5):
                await engine.answer(Query(USER))
            answer = await engine.answer(Query(f"{USER} {clause}"))
        assert (answer.status, answer.data) == (200, data)
        assert len(up.requests) == 5


async def test_the_last_good_answer_stands_in_for_a_closed_way():
    async with upstream(answering(WELL, BROKEN)) as up:
        async with OpenEngine.from_settings(settings(up.url)) as engine:
            text = f"{USER} within 1s or stale"
            assert (await engine.answer(Query(text))).status == 200
            for _ in range(5):
                await engine.answer(Query("select * from /other as u"))
            answer = await engine.answer(Query(text))
        assert answer.data == b'{"u":{"id":1}}'
        assert [error.get("warning") for error in answer.errors] == [True]


async def test_an_upstream_without_a_breaker():
    async with upstream(answering(BROKEN)) as up:
        async with OpenEngine.from_settings(settings(up.url, breaker=False)) as engine:
            for _ in range(30):
                assert codes(await engine.answer(Query(USER))) == ["UPSTREAM_STATUS"]


async def test_hosts_that_only_queries_name_have_one_too():
    async with upstream(answering(BROKEN)) as up:
        security = {"allow_hosts": [f"127.0.0.1:{up.port}"], "allow_private_networks": True}
        made = Settings.model_validate({"security": security})
        async with OpenEngine.from_settings(made) as engine:
            found = [
                codes(await engine.answer(Query(f"select * from {up.url}/a"))) for _ in "1234567"
            ]
        assert found == [["UPSTREAM_STATUS"]] * 5 + [["CIRCUIT_OPEN"]] * 2


async def test_the_next_stack_goes_on_with_the_circuits_of_the_last():
    async with upstream(answering(BROKEN)) as up:
        first = OpenEngine.from_settings(settings(up.url))
        async with first as engine:
            for _ in range(5):
                await engine.answer(Query(USER))
        second = OpenEngine.from_settings(settings(up.url), circuits=first.stack.circuits)
        async with second as engine:
            assert codes(await engine.answer(Query(USER))) == ["CIRCUIT_OPEN"]
        without = OpenEngine.from_settings(
            settings(up.url, breaker=False), circuits=first.stack.circuits
        )
        async with without as engine:
            assert codes(await engine.answer(Query(USER))) == ["UPSTREAM_STATUS"]


class SharedStores(MemoryStores):
    is_shared = True


async def test_workers_tell_each_other_what_has_opened():
    """Two stacks with circuits of their own and one store: no call of the second fails."""
    stores = SharedStores()
    async with upstream(answering(BROKEN)) as up:
        stacks = [build_stack(settings(up.url), stores) for _ in range(2)]
        first, second = stacks
        rules = BreakerRules()
        await second.layer(call(up.origin, "/warm"))
        for _ in range(5):
            await first.layer(call(up.origin, "/"))
        circuit = second.circuits.circuit(up.origin, rules)
        await until(lambda: circuit.phase is Phase.OPEN)
        with pytest.raises(CallFailed) as failed:
            await second.layer(call(up.origin, "/"))
        assert failed.value.code is Code.CIRCUIT_OPEN
        assert failed.value.wait is not None
        assert 8 < failed.value.wait <= 10
        assert len(up.requests) == 6
        for stack in stacks:
            await stack.aclose()


async def test_a_circuit_that_closes_is_no_longer_told():
    stores, circuits, now = SharedStores(lambda: 50.0), Circuits(lambda: 0.0), [0.0]
    sharing = Sharing(circuits, stores, lambda: now[0])
    async with upstream(answering(WELL)) as up:
        circuit, moved = circuits.circuit(up.origin, BreakerRules()), circuits.moved(up.origin)
        layer = sharing.around(build_stack(settings(up.url), MemoryStores()).layer)
        await layer(call(up.origin))
        await asyncio.sleep(0)
        for _ in range(5):
            if circuit.settle(circuit.epoch, Verdict.FAILED, now[0]):
                moved(circuit)
        kept = stores._stores["circuits"]
        await until(lambda: len(kept) == 1)
        now[0] = 10.0
        assert circuit.wait(10.0) == 0.0
        if circuit.settle(circuit.epoch, Verdict.WELL, 10.0):
            moved(circuit)
        await until(lambda: len(kept) == 0)
        await sharing.aclose()


# -- calls at a time ----------------------------------------------------------------------------


class Crowd:
    """Counts those inside at a time; lets them go when told to."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.go = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        while True:
            await peer.request()
            self.inside += 1
            self.most = max(self.most, self.inside)
            await self.go.wait()
            self.inside -= 1
            await peer.send(WELL)


async def test_calls_beyond_the_queue_fail_at_once_and_the_others_come_through():
    crowd = Crowd()
    async with upstream(crowd) as up:
        async with OpenEngine.from_settings(settings(up.url, in_flight=4, queue=6)) as engine:
            texts = [f"select * from /users/{n} as u" for n in range(20)]
            tasks = [asyncio.ensure_future(engine.answer(Query(text))) for text in texts[:10]]
            await until(lambda: crowd.inside == 4)
            await asyncio.sleep(STILL + 0.1)  # from now on the line stands still
            refused = [await engine.answer(Query(text)) for text in texts[10:]]
            assert {(answer.status, answer.retry_after) for answer in refused} == {(503, 1)}
            assert {code for answer in refused for code in codes(answer)} == {"UPSTREAM_BUSY"}
            crowd.go.set()
            answers = await asyncio.gather(*tasks)
        assert sum(answer.status == 200 for answer in answers) == 10
        assert crowd.most == 4


async def test_a_hanging_upstream_leaves_the_other_alone():
    """With all its places taken and its queue full, the other one answers as before."""
    async with upstream(hanging) as slow, upstream(answering(WELL)) as well:
        made = settings(slow.url, well.url)
        tables = made.model_dump()["upstreams"]
        tables["other"]["sources"] = {"well": {"path": "/w"}}
        made = Settings.model_validate({"upstreams": tables})
        async with OpenEngine.from_settings(made) as engine:
            text = "select * from /hang/{n} as u where n = $n"
            asked = [Query(text, {"n": number}) for number in range(500)]
            tasks = [asyncio.ensure_future(engine.answer(query)) for query in asked]
            await until(lambda: slow.open == 64)
            await asyncio.sleep(STILL + 0.1)  # from now on the line stands still
            late = await engine.answer(Query(text, {"n": 501}))
            assert codes(late) == ["UPSTREAM_BUSY"]
            for _ in range(50):
                assert (await engine.answer(Query("select * from well"))).status == 200
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


# -- deadlines ----------------------------------------------------------------------------------


def told_time(up: RawUpstream, number: int) -> int:
    head = up.requests[number].decode().lower()
    return int(head.split("x-request-timeout-ms: ")[1].split("\r\n")[0])


async def test_the_upstream_is_told_what_is_left():
    crowd = Crowd()
    async with upstream(crowd) as up:
        made = settings(up.url, deadline_header="X-Request-Timeout-Ms", in_flight=1)
        async with OpenEngine.from_settings(made) as engine:
            text = "use timeout 2s; select * from /users/{id} as u timeout 1s where id = $id"
            tasks = [asyncio.ensure_future(engine.answer(Query(text, {"id": n}))) for n in (1, 2)]
            await until(lambda: crowd.inside == 1)
            await asyncio.sleep(0.05)  # the second waits for its turn, and its time passes
            crowd.go.set()
            await asyncio.gather(*tasks)
        assert 900 < told_time(up, 0) <= 1000
        assert 800 < told_time(up, 1) <= 951


async def test_a_header_of_the_query_does_not_stand_in_for_it():
    async with upstream(answering(WELL)) as up:
        made = settings(up.url, deadline_header="X-Request-Timeout-Ms")
        async with OpenEngine.from_settings(made) as engine:
            text = f"{USER} headers 'x-request-timeout-ms' = '99999999'"
            with suppress(Exception):
                await engine.answer(Query(text))
            await engine.answer(Query(USER))
        for number in range(len(up.requests)):
            assert told_time(up, number) <= 5000
            assert up.requests[number].lower().count(b"x-request-timeout-ms") == 1


async def test_nothing_is_told_unasked():
    async with upstream(answering(WELL)) as up:
        async with OpenEngine.from_settings(settings(up.url)) as engine:
            await engine.answer(Query(USER))
        assert b"timeout" not in up.requests[0].lower()


# -- what a late call means ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("means", "status", "data"),
    [
        ("error", 294, b'{"u":null,"w":{"id":1}}'),
        ("warning", 200, b'{"u":null,"w":{"id":1}}'),
        ("required", 504, b"null"),
    ],
)
async def test_what_a_late_call_means(means, status, data):
    async with upstream(hanging) as slow, upstream(answering(WELL)) as well:
        tables = {
            "default": {"url": slow.url, "timeout": 0.05, "on_timeout": means},
            "b": {"url": well.url, "sources": {"w": {"path": "/w"}}},
        }
        made = Settings.model_validate({"upstreams": tables})
        async with OpenEngine.from_settings(made) as engine:
            answer = await engine.answer(Query(f"{USER}; select * from w"))
        assert (answer.status, answer.data) == (status, data)
        assert codes(answer) == ["UPSTREAM_TIMEOUT"]


# -- bytes in flight ----------------------------------------------------------------------------


async def test_all_transports_share_one_budget_of_bytes():
    body = reply(b'"' + b"x" * 3000 + b'"', JSON)
    async with upstream(answering(body)) as up:
        made = Settings.model_validate(
            {"upstreams": {"default": {"url": up.url}}, "limits": {"bytes_in_flight": 2000}}
        )
        async with OpenEngine.from_settings(made) as engine:
            answer = await engine.answer(Query(USER))
        assert codes(answer) == ["UPSTREAM_TOO_LARGE"]
        assert answer.errors[0]["hint"] == "try again, or raise [limits] bytes_in_flight"
