"""T9: any text as a value of a path, a query string, a header, a cookie or a body: the upstream is
sent exactly that, or the query is refused; never anything else. Over real sockets.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apiql.engine import Engine, Query
from apiql.errors import QueryRefused
from apiql.opened import OpenEngine
from apiql.settings import load_settings
from tests.server.upstream import Exchange, Upstream, upstream

TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.text("\r\n\t\0 :;,=&?#%/\\.\"'<>{}[]()+|^~$@!*aé\x7f\x80", max_size=20),
)
HOSTILE = (
    "..",
    ".",
    "a/../b",
    "%2e%2e",
    "a\r\nX-Evil: 1",
    "a\n\nGET /x HTTP/1.1",
    "\0",
    "",
    " ",
    " a ",
    "?x=1",
    "#f",
    "a&b=c",
    "a=b",
    "\\",
    "//evil.test",
    "%00",
    "%0d%0a",
    "é",
    "\ud800",
    "\u2028",
    "a;b",
    '"',
    "1e400",
    "null",
    "{id}",
    "$x",
    "${private:a.b}",
    "a" * 3000,
)


@dataclass
class Wire:
    """An engine in front of an upstream that notes what it is sent, on a loop of their own."""

    loop: asyncio.AbstractEventLoop
    up: Upstream
    engine: Engine

    def sent(self, query: str, value: str) -> Exchange | None:
        """What the upstream was sent; None where the query was refused before."""
        self.up.forget()
        status = 0
        try:
            answer = self.loop.run_until_complete(self.engine.answer(Query(query, {"v": value})))
        except QueryRefused as refused:
            status = refused.status
        if status:
            assert 400 <= status < 500
            assert not self.up.seen
            return None
        assert len(self.up.seen) <= 1
        if not self.up.seen:
            assert {error["code"] for error in answer.errors} == {"BAD_VALUE"}
            return None
        return self.up.seen[0]


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    loop = asyncio.new_event_loop()
    upstreams = upstream()
    up = loop.run_until_complete(upstreams.__aenter__())
    environ = {"APIQL_UPSTREAMS__DEFAULT__URL": f"http://127.0.0.1:{up.port}"}
    opened = OpenEngine.from_settings(load_settings(None, environ))
    yield Wire(loop, up, opened.engine)
    loop.run_until_complete(opened.aclose())
    loop.run_until_complete(upstreams.__aexit__(None, None, None))
    loop.close()


def hostile(test):
    """The test with each of the hostile texts, and 100 others."""
    for text in HOSTILE:
        test = example(value=text)(test)
    return settings(max_examples=100, deadline=None)(given(value=TEXTS)(test))


def names(seen: Exchange) -> list[str]:
    return sorted(name.lower() for name, _ in seen.headers)


USUAL = ["accept", "accept-encoding", "host", "user-agent", "x-apiql-depth"]


def test_a_plain_text_is_sent(wire: Wire) -> None:
    assert wire.sent("select * from /ok as a where q = $v", "abc") is not None


@hostile
def test_in_a_path(wire: Wire, value: str) -> None:
    seen = wire.sent("select * from /items/{v}/x as a where v = $v", value)
    if seen is not None:
        assert value
        segments = seen.target.split("/")
        assert [segments[1], segments[3]] == ["items", "x"]
        assert len(segments) == 4
        assert unquote(segments[2], errors="strict") == value
        assert names(seen) == USUAL


@hostile
def test_in_a_query_string(wire: Wire, value: str) -> None:
    seen = wire.sent("select * from /ok as a where q = $v", value)
    if seen is not None:
        path, _, query = seen.target.partition("?")
        assert path == "/ok"
        assert parse_qsl(query, keep_blank_values=True, errors="strict") == [("q", value)]
        assert names(seen) == USUAL


@hostile
def test_in_a_header(wire: Wire, value: str) -> None:
    seen = wire.sent("select * from /ok as a headers X-V = $v", value)
    if seen is not None:
        assert [text for name, text in seen.headers if name == "X-V"] == [value]
        assert names(seen) == sorted([*USUAL, "x-v"])
        assert seen.target == "/ok"


@hostile
def test_in_a_cookie(wire: Wire, value: str) -> None:
    seen = wire.sent("select * from /ok as a cookies v = $v", value)
    if seen is not None:
        assert [text for name, text in seen.headers if name == "Cookie"] == [f"v={value}"]
        assert ";" not in value
        assert names(seen) == sorted([*USUAL, "cookie"])


@hostile
def test_in_a_body(wire: Wire, value: str) -> None:
    seen = wire.sent("select * post from /ok as a where v = $v and w.x = [$v]", value)
    if seen is not None:
        assert json.loads(seen.body) == {"v": value, "w": {"x": [value]}}
        assert seen.target == "/ok"


@hostile
def test_in_a_whole_body(wire: Wire, value: str) -> None:
    seen = wire.sent("select * post from /ok as a body $v", value)
    if seen is not None:
        assert seen.body.decode() == value


@hostile
def test_in_a_form(wire: Wire, value: str) -> None:
    seen = wire.sent("select * post from /ok as a form v = $v, w = 1", value)
    if seen is not None:
        found = parse_qsl(seen.body.decode(), keep_blank_values=True, errors="strict")
        assert found == [("v", value), ("w", "1")]
