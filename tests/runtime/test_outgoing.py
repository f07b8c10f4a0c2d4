"""Calls of definitions that are made at once, and replies that are taken whole."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apiql.engine import Engine, Query
from apiql.errors import Code
from apiql.ir.outgoing import Outgoing
from apiql.ir.plan import Making, Task
from apiql.ir.values import Invoke, Literal, LocalRoot, Part, Ref, ReplyRoot
from apiql.ir.works import Accepts, Media, Send
from apiql.runtime.outcome import Done, Failed
from apiql.settings import Settings
from apiql.sources.call import Call, Reply
from tests.runtime.test_stated import BASE, plan

WHOLE = Ref(ReplyRoot(), part=Part.WHOLE)
RAW = b'\xff{"n": 1.50, "n": 2'
FIELDS = (("content-type", "application/json"), ("x-a", "1"), ("x-a", "2"))


class Upstream:
    """Answers bytes that are nothing in particular."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        return Reply(503, FIELDS, RAW)


def carried_out(outgoing: Outgoing, upstream: Upstream, when: Any = None, **more: Any) -> Any:
    url = Invoke("call", lambda moment: outgoing)
    work = Send("post", "up", url, Literal(None), Literal(None), pinned=frozenset({BASE}),
                accepts=Accepts.ANY, media=Media.BYTES, **more)  # fmt: skip
    made = plan(Task("a", work, when=when, made=Making((("wanted", Literal(False)),), WHOLE)))
    own = Engine(Settings(), upstream)
    found = asyncio.run(own.outcome(own.defined(made), Query("")))
    if isinstance(found, Done):
        return found.value
    return found.failure if isinstance(found, Failed) else None


def test_a_call_goes_out_as_it_was_made_and_a_reply_comes_as_it_was() -> None:
    upstream = Upstream()
    fields = (("X-A", "a\xe9"), ("X-A", " b"))
    found = carried_out(Outgoing(f"{BASE}/p?q=%20", fields, b"\x00"), upstream)
    (call,) = upstream.calls
    assert (call.target, call.headers, call.body) == ("/p?q=%20", fields, b"\x00")
    assert call.origin.pinned
    assert (found.value, found.status, found.headers) == (RAW, 503, FIELDS)


@pytest.mark.parametrize("value", ["1\r\nX-B: 2", "\x00", "…"])
def test_a_field_that_breaks_the_message_is_refused(value: str) -> None:
    upstream = Upstream()
    found = carried_out(Outgoing(f"{BASE}/p", (("X-A", "1"), ("X-C", value))), upstream)
    assert (found.code, upstream.calls) == (Code.BAD_VALUE, [])


@pytest.mark.parametrize(
    "path",
    [
        "/a/../b",
        "/a/..",
        "/.",
        "/a/%2E%2e/b",
        "/a/.%2e",
        "/..;x/b",
        "/a%2f..%2Fb",
        "/a/..%5cb",
        "/a%5C.",
        "/a/%2e;v=1",
    ],
)
def test_a_path_that_climbs_is_refused(path: str) -> None:
    upstream = Upstream()
    found = carried_out(Outgoing(BASE + path, ()), upstream)
    assert (found.code, "climbs" in found.message, upstream.calls) == (Code.BAD_VALUE, True, [])


@pytest.mark.parametrize(
    "path",
    [
        "/a?next=/x/../y",
        "/a?next=%2F..%2Fy",
        "/.well-known/x",
        "/a/..b",
        "/a/.../b",
        "/a%2Fb",
        "/a.b/c%2e",
        "/?..",
        "/a?/.",
    ],
)
def test_what_only_looks_so_goes_out_as_it_is(path: str) -> None:
    upstream = Upstream()
    carried_out(Outgoing(BASE + path, ()), upstream)
    assert [call.target for call in upstream.calls] == [path]


def test_only_known_places_are_called() -> None:
    upstream = Upstream()
    found = carried_out(Outgoing("http://other.test/p", ()), upstream)
    assert (found.code, upstream.calls) == (Code.FORBIDDEN_UPSTREAM, [])


def test_a_condition_may_read_local_values() -> None:
    upstream = Upstream()
    assert carried_out(Outgoing(f"{BASE}/p", ()), upstream, Ref(LocalRoot("wanted"))) is None
    assert upstream.calls == []
