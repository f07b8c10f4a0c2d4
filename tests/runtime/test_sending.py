"""Calls that a definition makes as a whole: where they may go, what they say, what their answers
are taken for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from apiql.engine import Engine, Query
from apiql.errors import CallFailed, Code, QueryRefused
from apiql.ir.caching import CacheRule
from apiql.ir.plan import Making, Plan
from apiql.ir.policy import Policy, Retry
from apiql.ir.secret import Secret
from apiql.ir.values import Invoke, Items, Literal, Ref, ReplyRoot
from apiql.ir.works import Accepts, Media, Send
from apiql.settings import Settings
from apiql.sources.cache import cached
from apiql.sources.cache_entry import Kept, size_of
from apiql.sources.call import Call, Headers, Reply
from apiql.stores.memory import MemoryStore
from apiql.stores.store import Room, Store
from tests.runtime.test_stated import BASE, NOTHING, engine, plan, run, send, task

USUAL = ("Accept", "application/json, */*;q=0.5")


class Upstream:
    """Answers all with these bytes."""

    def __init__(self, body: bytes = b"{}", media: str = "application/json") -> None:
        self.body, self.media = body, media
        self.calls: list[Call] = []

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        return Reply(200, (("content-type", self.media),), self.body)


def asked(work: Send, upstream: Upstream | None = None) -> Any:
    """What its answer is taken for."""
    found: Any = upstream or Upstream()
    return run(plan(task("a", work, Making(result=Ref(ReplyRoot())))), found)


def saying(headers: Mapping[str, str] | None) -> Headers:
    """The headers that go out where a definition makes these."""
    upstream = Upstream()
    pairs = [Items((Literal(n), Literal(v))) for n, v in (headers or {}).items()]
    said = NOTHING if headers is None else Items(tuple(pairs))
    asked(
        Send("get", "up", Literal(f"{BASE}/a"), said, NOTHING, pinned=frozenset({BASE})), upstream
    )
    return upstream.calls[0].headers


def test_what_nobody_permits_is_not_called() -> None:
    upstream = Upstream()
    looked: list[str] = []

    def permits(url: str) -> bool:
        looked.append(url)
        return False

    found = asked(send(Literal("http://example.com/x?a=1"), permits=permits), upstream)
    assert (found.code, upstream.calls) == (Code.FORBIDDEN_UPSTREAM, [])
    assert looked == ["http://example.com/x?a=1"]


def test_a_secret_of_another_place_makes_no_plan() -> None:
    made = plan(task("a", send(Secret("privates.keys", "http://other.test", "s3cret"), home=BASE)))
    with pytest.raises(QueryRefused) as refused:
        engine(Upstream()).defined(made)  # type: ignore[arg-type]
    assert refused.value.problems[0].code is Code.FORBIDDEN_UPSTREAM
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("made", "sent"),
    [
        (None, [USUAL]), ({}, [USUAL]), ({"X-A": "1"}, [("X-A", "1"), USUAL]),
        ({"aCCept": "text/css"}, [("aCCept", "text/css")]),
        ({"Host": "other.test", "CONNECTION": "close", "Content-length": "0", "X-A": "1"},
         [("X-A", "1"), USUAL]),
        ({"X-A": "  caf\xe9\t"}, [("X-A", "caf\xe9"), USUAL]),
    ],
)  # fmt: skip
def test_headers_that_are_said(made: Mapping[str, str] | None, sent: list[Any]) -> None:
    assert list(saying(made)) == sent


@pytest.mark.parametrize(
    ("media", "said", "body", "taken"),
    [
        (Media.JSON, "text/html", b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (Media.TEXT, "application/json", b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (Media.TEXT, "Application/Problem+JSON", b"[1]", [1]),
        (Media.TEXT, "text/plain", b"[1]", "[1]"),
        (Media.TEXT, "application/json", b"", None),
        (Media.TEXT, "text/plain", b"", None),
        (Media.DECLARED, "application/json", b"1.50", 1.50),
    ],
)
def test_what_an_answer_is_taken_for(media: Media, said: str, body: bytes, taken: Any) -> None:
    assert asked(send("/a", media=media), Upstream(body, said)) == taken


@pytest.mark.parametrize("media", [Media.JSON, Media.TEXT, Media.DECLARED])
@pytest.mark.parametrize("body", [b"[" * 100_000, b"{", b'"\xff"', b"1" * 401])
def test_an_answer_that_is_no_json_fails_the_call(media: Media, body: bytes) -> None:
    found = asked(send("/a", media=media), Upstream(body))
    assert found.code is Code.BAD_PAYLOAD
    lone: Any = Upstream(body)
    assert run(plan(task("a", send("/a", media=media))), lone).code is Code.BAD_PAYLOAD


def test_no_more_calls_go_out_at_a_time_than_a_query_may_make() -> None:
    class Slow(Upstream):
        open = most = 0

        async def __call__(self, call: Call) -> Reply:
            self.open += 1
            self.most = max(self.most, self.open)
            await asyncio.sleep(0.001)
            self.open -= 1
            return await super().__call__(call)

    tasks = [task(f"t{n}", send(f"/{n}")) for n in range(20)]
    last = task("end", send("/end"), after=frozenset(found.name for found in tasks))
    upstream = Slow()
    run(plan(*tasks, last), upstream)  # type: ignore[arg-type]
    assert (upstream.most, len(upstream.calls)) == (8, 21)


def test_a_call_is_made_again_where_its_policy_says_so() -> None:
    class Flaky(Upstream):
        async def __call__(self, call: Call) -> Reply:
            self.calls.append(call)
            if len(self.calls) == 1:
                raise CallFailed(Code.UPSTREAM_CONNECT, "gone", retryable=True)
            return Reply(200, (("content-type", "application/json"),), b"1")

    upstream: Any = Flaky()
    again = Policy(retry=Retry(1, 0.0))
    assert run(plan(task("a", send("/a"), policy=again)), upstream) == b"1"
    assert len(upstream.calls) == 2


def kept(made: Plan, upstream: Upstream, clock: float = 0.0) -> int:
    """How many calls two runs make behind a cache."""

    async def carried_out() -> None:
        store: Store[Kept] = MemoryStore(Room(9, 10**6, size_of), lambda: clock)
        own = Engine(Settings(), cached(upstream, store, lambda: clock))
        executable = own.defined(made)
        for _ in range(2):
            await own.outcome(executable, Query(""))

    asyncio.run(carried_out())
    return len(upstream.calls)


@pytest.mark.parametrize(
    ("body", "found", "calls"),
    [(b'\xef\xbb\xbf{"n": 30}', 30, 1), (b"{}", None, 2), (b"{}", "30", 2), (b"{", 30, 2)],
)
def test_an_answer_is_kept_by_what_is_found_in_it(body: bytes, found: Any, calls: int) -> None:
    left = Invoke("left", lambda _, reply: found, (Ref(ReplyRoot()),))
    work = send("/t", cache=CacheRule(http=False), expires=left, media=Media.JSON)
    assert kept(plan(task("t", work)), Upstream(body)) == calls


def test_an_answer_that_is_no_result_is_not_kept() -> None:
    left = Invoke("left", lambda _: 30)
    work = send("/t", cache=CacheRule(http=False), expires=left, accepts=Accepts.OK)

    class Created(Upstream):
        async def __call__(self, call: Call) -> Reply:
            return replace(await super().__call__(call), status=201)

    assert kept(plan(task("t", work)), Created()) == 2


def test_an_answer_is_kept_by_the_rule_alone() -> None:
    work = send("/t", cache=CacheRule(http=False, keep=60.0))
    assert kept(plan(task("t", work)), Upstream()) == 1
    assert kept(plan(task("t", send("/t"))), Upstream()) == 2
