"""Upstreams that speak HTTP/2 or stand behind a proxy: whole queries, over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived, StreamEnded

from apiql.engine import Query
from apiql.frontends.text.parse import TextParser
from apiql.opened import OpenEngine
from apiql.runtime.assemble import Answer
from apiql.settings import Settings
from tests.sources.raw_upstream import Peer, answering, hanging, once, reply, until, upstream

USER = "select name from /users/{id} as u where id = 7"
TWO = "select name from /users/7 as kept; select name from /broken as broken"
THREE = ";".join(f"select name from /users/{n} as u{n}" for n in (1, 2, 3))
JSON = "Content-Type: application/json"
ANN = reply(b'{"name":"Ann"}', JSON)
PARSER = cache(TextParser)


@pytest.fixture(autouse=True)
def one_parser(monkeypatch):
    """The grammar is read once for all engines here."""
    monkeypatch.setattr("apiql.engine.TextParser", PARSER)


async def answered(text: str, url: str, **more: Any) -> Answer:
    """The answer of a new engine whose default upstream is there."""
    settings = Settings.model_validate({"upstreams": {"default": {"url": url, **more}}})
    async with OpenEngine.from_settings(settings) as engine:
        return await engine.answer(Query(text))


def data(answer: Answer) -> Any:
    """The data of an answer."""
    assert answer.data is not None
    return json.loads(answer.data)


def only_error(answer: Answer) -> tuple[Any, Any, Any]:
    """Code, task and `retryable` of the one error; it tells nothing of addresses or classes."""
    assert not answer.complete
    (entry,) = answer.errors
    assert not any(word in str(entry) for word in ("127.0.0.1", "Error", "Traceback", "secret"))
    return entry["code"], entry["task"], entry["retryable"]


# -- HTTP/2 -------------------------------------------------------------------------------------


class Http2Upstream:
    """Answers calls with their path once `together` of them wait; `/broken` as `breaks` says."""

    def __init__(self, together: int, breaks: str) -> None:
        self._together, self._breaks = together, breaks
        self.seen: list[dict[str, str]] = []
        self.connections = 0

    async def script(self, peer: Peer) -> None:
        """One connection."""
        self.connections += 1
        state = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        state.initiate_connection()
        await peer.send(state.data_to_send())
        paths: dict[int, str] = {}
        waiting: list[int] = []
        while received := await peer.reader.read(65536):
            for event in state.receive_data(received):
                if isinstance(event, RequestReceived):
                    fields = {str(name): str(value) for name, value in event.headers}
                    self.seen.append(fields)
                    paths[event.stream_id] = fields[":path"]
                elif isinstance(event, StreamEnded):
                    waiting.append(event.stream_id)
            if len(waiting) >= self._together:
                for stream in reversed(waiting):
                    self._answer(state, stream, paths[stream])
                waiting.clear()
            await peer.send(state.data_to_send())
            if self._breaks == "gone" and "/broken" in paths.values():
                return

    def _answer(self, state: H2Connection, stream: int, path: str) -> None:
        broken = path == "/broken"
        if broken and self._breaks == "reset":
            state.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
        elif broken and self._breaks == "goaway":
            state.close_connection(ErrorCodes.INTERNAL_ERROR, last_stream_id=stream)
        elif not (broken and self._breaks == "gone"):
            state.send_headers(stream, [(":status", "200"), ("content-type", "application/json")])
            state.send_data(stream, json.dumps({"name": path}).encode(), end_stream=not broken)
            if broken:
                state.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)


@asynccontextmanager
async def http2(together: int = 1, breaks: str = "") -> AsyncIterator[tuple[Http2Upstream, str]]:
    """An upstream that speaks HTTP/2, and its URL."""
    server = Http2Upstream(together, breaks)
    async with upstream(server.script) as raw:
        yield server, raw.url
        await until(lambda: raw.open == 0)


async def test_a_query_over_http2():
    async with http2() as (server, url):
        answer = await answered(USER, url, http2=True, headers={"X-Key": "k"})
    assert (data(answer), answer.errors) == ({"u": {"name": "/users/7"}}, ())
    (fields,) = server.seen
    assert (fields[":method"], fields[":path"], fields[":scheme"]) == ("GET", "/users/7", "http")
    assert (fields[":authority"], fields["x-key"]) == (url.removeprefix("http://"), "k")
    assert fields.keys().isdisjoint({"host", "connection"})


async def test_a_body_goes_out_over_http2():
    async with http2() as (server, url):
        text = "select * post from /users as made where name = 'Ann'"
        answer = await answered(text, url, http2=True)
    assert (data(answer), answer.errors) == ({"made": {"name": "/users"}}, ())
    assert (server.seen[0][":method"], server.seen[0]["content-length"]) == ("POST", "14")


async def test_calls_share_one_http2_connection():
    async with http2(together=3) as (server, url):
        answer = await answered(THREE, url, http2=True)
    assert data(answer) == {f"u{n}": {"name": f"/users/{n}"} for n in (1, 2, 3)}
    assert (len(server.seen), server.connections) == (3, 1)


@pytest.mark.parametrize("breaks", ["reset", "cut"])
async def test_a_reset_stream_is_an_error_of_its_task_alone(breaks):
    async with http2(together=2, breaks=breaks) as (server, url):
        answer = await answered(TWO, url, http2=True)
    assert data(answer) == {"kept": {"name": "/users/7"}, "broken": None}
    assert only_error(answer) == ("BAD_PAYLOAD", "broken", False)
    assert server.connections == 1


@pytest.mark.parametrize(
    ("breaks", "code", "again"),
    [("goaway", "BAD_PAYLOAD", False), ("gone", "UPSTREAM_CONNECT", True)],
)
async def test_an_http2_connection_that_ends(breaks, code, again):
    async with http2(breaks=breaks) as (_, url):
        answer = await answered("select name from /broken as u", url, http2=True)
    assert only_error(answer) == (code, "u", again)


# -- proxies ------------------------------------------------------------------------------------


async def forwarding(peer: Peer) -> None:
    """A proxy for one request: absolute form in, origin form out."""
    method, target, rest = (await peer.request()).split(b" ", 2)
    _, _, address, path = target.split(b"/", 3)
    host, port = address.decode().split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b" ".join((method, b"/" + path, rest)))
    await peer.send(await reader.readexactly(len(ANN)))
    writer.close()
    await peer.gone()


async def test_calls_go_through_the_proxy():
    async with upstream(answering(ANN)) as behind, upstream(forwarding) as proxy:
        answer = await answered(THREE, behind.url, proxy=proxy.url)
        assert data(answer) == {f"u{n}": {"name": "Ann"} for n in (1, 2, 3)}
        for n, request in enumerate(sorted(proxy.requests), 1):
            assert request.startswith(f"GET {behind.url}/users/{n} HTTP/1.1\r\n".encode())
            assert request.count(f"\r\nHost: 127.0.0.1:{behind.port}\r\n".encode()) == 1
        assert len(proxy.requests) == len(behind.requests) == 3
        await until(lambda: proxy.open == 0)


async def test_the_proxy_looks_names_up_and_learns_its_password():
    async with upstream(once(ANN)) as proxy:
        at = f"http://ann:secret@127.0.0.1:{proxy.port}"
        answer = await answered(USER, "http://inner.invalid/v1", proxy=at)
        assert data(answer) == {"u": {"name": "Ann"}}
        assert proxy.requests[0].startswith(b"GET http://inner.invalid/v1/users/7 HTTP/1.1\r\n")
        assert b"\r\nHost: inner.invalid\r\n" in proxy.requests[0]
        assert b"\r\nProxy-Authorization: Basic YW5uOnNlY3JldA==\r\n" in proxy.requests[0]


REFUSED = reply(b"no", status="407 Proxy Authentication Required")
FAILED = reply(b"no", status="502 Bad Gateway")


@pytest.mark.parametrize(
    ("scheme", "script", "code", "again"),
    [
        ("http", once(REFUSED), "UPSTREAM_STATUS", False),
        ("http", once(FAILED), "UPSTREAM_STATUS", True),
        ("http", once(b""), "UPSTREAM_CONNECT", True),
        ("http", once(b"", ends="reset"), "UPSTREAM_CONNECT", True),
        ("http", once(b"SSH-2.0-x\r\n\r\n"), "BAD_PAYLOAD", False),
        ("http", hanging, "UPSTREAM_TIMEOUT", True),
        ("https", once(REFUSED), "UPSTREAM_CONNECT", True),
        ("https", once(FAILED), "UPSTREAM_CONNECT", True),
        ("https", once(b""), "UPSTREAM_CONNECT", True),
        ("https", once(b"HTTP/1.1 200 OK\r\n\r\n"), "UPSTREAM_CONNECT", True),
    ],
)
async def test_a_proxy_that_refuses(scheme, script, code, again):
    async with upstream(script) as proxy:
        at = f"http://ann:secret@127.0.0.1:{proxy.port}"
        timeout = 0.1 if script is hanging else 10.0
        answer = await answered(USER, f"{scheme}://inner.invalid", proxy=at, timeout=timeout)
        assert only_error(answer) == (code, "u", again)


async def test_a_proxy_that_does_not_listen():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        at = f"http://127.0.0.1:{silent.getsockname()[1]}"
        answer = await answered(USER, "http://inner.invalid", proxy=at)
    assert only_error(answer) == ("UPSTREAM_CONNECT", "u", True)


@pytest.mark.parametrize(
    ("trusted", "exempt", "through"),
    [
        (False, "", False),
        (True, "", True),
        (True, "inner.invalid", True),
        (True, "inner.invalid, 127.0.0.1", False),
        (True, "*", False),
    ],
)
async def test_proxies_of_the_environment(monkeypatch, trusted, exempt, through):
    async with upstream(answering(ANN)) as direct, upstream(forwarding) as proxy:
        for name in ("http_proxy", "no_proxy", "REQUEST_METHOD"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", exempt)
        answer = await answered(USER, direct.url, trust_env=trusted)
        assert data(answer) == {"u": {"name": "Ann"}}
        assert (len(proxy.requests), len(direct.requests)) == (int(through), 1)


async def test_calls_given_up_do_not_fill_the_http2_connection():
    async with http2(together=2) as (_, url):
        settings = Settings.model_validate(
            {
                "upstreams": {
                    "default": {"url": url, "http2": True, "timeout": 0.005, "breaker": False}
                }
            }
        )
        async with OpenEngine.from_settings(settings) as engine:
            for _ in range(120):
                answer = await engine.answer(Query(USER))
                assert only_error(answer)[0] == "UPSTREAM_TIMEOUT"


async def test_http2_asked_for_behind_a_proxy_keeps_no_connection_over_http1():
    async with upstream(once(ANN + reply(b'{"name":"forged"}', JSON), ends="stays")) as proxy:
        settings = {"url": "http://inner.invalid", "http2": True, "proxy": proxy.url}
        made = Settings.model_validate({"upstreams": {"default": settings}})
        async with OpenEngine.from_settings(made) as engine:
            for _ in range(2):
                assert data(await engine.answer(Query(USER))) == {"u": {"name": "Ann"}}
        assert proxy.accepted == 2
